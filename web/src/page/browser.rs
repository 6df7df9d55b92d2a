//! The few things that the page wants of the browser itself.

use std::cell::RefCell;

use js_sys::{Array, Uint8Array};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    Blob, Document, File, HtmlAnchorElement, HtmlElement, HtmlInputElement, Storage, Url, Window,
};

/// The window; the page's code never runs in a worker.
pub fn window() -> Window {
    js_sys::global().unchecked_into()
}

/// The document.
pub fn document() -> Document {
    window().document().unwrap_or_else(|| unreachable!("a page has a document"))
}

/// Tells `boot.js` that all is here that is needed now.
pub fn settled() {
    if let Ok(event) = web_sys::Event::new("blockvote:settled") {
        let _ = window().dispatch_event(&event);
    }
}

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// A setting, if storage is allowed and it was kept.
pub fn setting(name: &str) -> Option<String> {
    storage()?.get_item(&format!("blockvote.{name}")).ok().flatten()
}

/// Keeps a setting; says whether storage is allowed and has room for it.
pub fn keep_setting(name: &str, value: &str) -> bool {
    storage().is_some_and(|storage| storage.set_item(&format!("blockvote.{name}"), value).is_ok())
}

/// Forgets a setting.
pub fn forget_setting(name: &str) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&format!("blockvote.{name}"));
    }
}

/// A value as JSON. Numbers stay within what JavaScript counts exactly.
pub fn to_json<T: Serialize>(value: &T) -> String {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible()
        .serialize_large_number_types_as_bigints(false);
    value
        .serialize(&serializer)
        .ok()
        .and_then(|value| js_sys::JSON::stringify(&value).ok())
        .map(String::from)
        .unwrap_or_default()
}

/// A value from JSON.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_wasm_bindgen::from_value(js_sys::JSON::parse(text).ok()?).ok()
}

/// A setting that is kept as JSON.
pub fn json_setting<T: DeserializeOwned>(name: &str) -> Option<T> {
    from_json(&setting(name)?)
}

/// What stands behind the `#` under a name, as in `#code=…`. It was sent to no server; it is taken
/// out of the address, so that it does not stay in the history.
pub fn take_fragment(name: &str) -> Option<String> {
    let location = window().location();
    let hash = location.hash().ok()?;
    let value = hash.strip_prefix('#')?.strip_prefix(name)?.strip_prefix('=')?.to_owned();
    let path = location.pathname().ok()?;
    let history = window().history().ok()?;
    let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&path));
    Some(value)
}

/// Bytes of a file that is read whole, as at the command line: an organiser's with 100,000 names. A
/// film chosen by mistake would take the page down.
const MAX_TEXT: f64 = 67_108_864.0;

/// The text of a file; nothing when it cannot be read or is too big.
pub async fn text_of(file: &File) -> Option<String> {
    if file.size() > MAX_TEXT {
        return None;
    }
    let text = wasm_bindgen_futures::JsFuture::from(file.text()).await;
    text.ok().and_then(|text| text.as_string())
}

/// The file that was just chosen in a file field, which is emptied, so that the same file can be
/// chosen again.
pub fn chosen_file(event: &web_sys::Event) -> Option<File> {
    let field: HtmlInputElement = event.target()?.dyn_into().ok()?;
    let file = field.files()?.get(0);
    field.set_value("");
    file
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

/// Whether the page came over TLS.
pub fn page_is_secure() -> bool {
    origin().starts_with("https://")
}

/// What stands in the address as `?name=…`, decoded, each of it.
pub fn query(name: &str) -> Vec<String> {
    let search = window().location().search().unwrap_or_default();
    let parameters = web_sys::UrlSearchParams::new_with_str(&search);
    let values = parameters.map(|parameters| parameters.get_all(name));
    values
        .map(|values| values.iter().filter_map(|value| value.as_string()).collect())
        .unwrap_or_default()
}

/// Processors of the machine.
pub fn processors() -> u32 {
    (window().navigator().hardware_concurrency() as u32).max(1)
}

/// Goes to another address and loads it again, also where only what is behind the `#` differs.
pub fn visit(address: &str) {
    let same = address.split('#').next() == Some(path().as_str());
    let location = window().location();
    let _ = location.assign(address);
    if same {
        let _ = location.reload();
    }
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

/// Opens the browser's print dialogue.
pub fn print() {
    let _ = window().print();
}

/// Asks yes or no; no where the browser shows no such question.
pub fn confirm(words: &str) -> bool {
    window().confirm_with_message(words).unwrap_or(false)
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

/// A listener for an event.
type Listener = Closure<dyn FnMut(JsValue)>;

thread_local! {
    /// What asks before the page is left, while it does.
    static LEAVING: RefCell<Option<Listener>> = const { RefCell::new(None) };
}

/// Asks before the page is left, or no longer.
pub fn warn_on_leaving(warn: bool) {
    LEAVING.with_borrow_mut(|leaving| match (warn, leaving.take()) {
        (true, None) => {
            let ask = Listener::new(|event: JsValue| {
                event.unchecked_into::<web_sys::Event>().prevent_default();
            });
            let function = ask.as_ref().unchecked_ref();
            let _ = window().add_event_listener_with_callback("beforeunload", function);
            *leaving = Some(ask);
        }
        (false, Some(ask)) => {
            let function = ask.as_ref().unchecked_ref();
            let _ = window().remove_event_listener_with_callback("beforeunload", function);
        }
        (_, kept) => *leaving = kept,
    });
}

/// What one page of this tab leaves for the next one.
fn tab_storage() -> Option<Storage> {
    window().session_storage().ok().flatten()
}

/// Leaves something for the next page of this tab, which may not fit into its address.
pub fn hand_on(name: &str, text: &str) {
    if let Some(storage) = tab_storage() {
        // Where it is refused, the next page does without.
        let _ = storage.set_item(&format!("blockvote.{name}"), text);
    }
}

/// What the page before left; it stays for the next one.
pub fn left_here<T: DeserializeOwned>(name: &str) -> Option<T> {
    from_json(&tab_storage()?.get_item(&format!("blockvote.{name}")).ok().flatten()?)
}

/// Leaves nothing more under this name.
pub fn leave_nothing(name: &str) {
    if let Some(storage) = tab_storage() {
        let _ = storage.remove_item(&format!("blockvote.{name}"));
    }
}

/// What the page before left; once.
pub fn handed_on<T: DeserializeOwned>(name: &str) -> Option<T> {
    let found = left_here(name);
    leave_nothing(name);
    found
}
