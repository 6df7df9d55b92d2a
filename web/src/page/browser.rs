//! The few things that the page wants of the browser itself.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Blob, Document, HtmlAnchorElement, HtmlElement, Storage, Url, Window};

/// The window; the page's code never runs in a worker.
pub fn window() -> Window {
    js_sys::global().unchecked_into()
}

/// The document.
pub fn document() -> Document {
    window().document().unwrap_or_else(|| unreachable!("a page has a document"))
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// A setting, if storage is allowed and it was kept.
pub fn setting(name: &str) -> Option<String> {
    storage()?.get_item(&format!("blockvote.{name}")).ok().flatten()
}

/// Keeps a setting, if storage is allowed.
pub fn keep_setting(name: &str, value: &str) {
    if let Some(storage) = storage() {
        let _ = storage.set_item(&format!("blockvote.{name}"), value);
    }
}

/// `https://host:port` of the page.
pub fn origin() -> String {
    window().location().origin().unwrap_or_default()
}

/// Path of the page.
pub fn path() -> String {
    window().location().pathname().unwrap_or_default()
}

/// The relay that served the page.
pub fn own_relay() -> String {
    let origin = origin();
    let address = origin.strip_prefix("http").unwrap_or(&origin);
    format!("ws{address}/ws")
}

/// Processors of the machine.
pub fn processors() -> u32 {
    (window().navigator().hardware_concurrency() as u32).max(1)
}

/// Goes to another address and loads it anew.
pub fn visit(path: &str) {
    let _ = window().location().assign(path);
}

/// Copies text; browsers allow it on secure pages only.
pub fn copy(text: &str) -> bool {
    let allowed = window().is_secure_context();
    if allowed {
        let _ = window().navigator().clipboard().write_text(text);
    }
    allowed
}

/// Offers bytes as a file.
pub fn download(name: &str, bytes: &[u8]) {
    let offer = || -> Result<(), JsValue> {
        let parts = Array::of1(&Uint8Array::from(bytes));
        let url = Url::create_object_url_with_blob(&Blob::new_with_u8_array_sequence(&parts)?)?;
        let link: HtmlAnchorElement = document().create_element("a")?.unchecked_into();
        link.set_href(&url);
        link.set_download(name);
        link.click();
        Url::revoke_object_url(&url)
    };
    if let Err(error) = offer() {
        web_sys::console::error_1(&error);
    }
}

/// Moves the focus to the element with this id.
pub fn focus(id: &str) {
    if let Some(element) = document().get_element_by_id(id)
        && let Ok(element) = element.dyn_into::<HtmlElement>()
    {
        let _ = element.focus();
    }
}

/// Whether the system asks for dark colours.
pub fn prefers_dark() -> bool {
    let query = window().match_media("(prefers-color-scheme: dark)");
    query.ok().flatten().is_some_and(|query| query.matches())
}
