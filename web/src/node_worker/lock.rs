//! Web Locks: one tab of a browser writes. A small extern, because web-sys hides the interface
//! behind a compiler flag.

use futures_channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect, global};
use wasm_bindgen::{JsCast, JsValue, closure::Closure, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Object)]
    type Locks;
    #[wasm_bindgen(method, catch)]
    fn request(this: &Locks, name: &str, callback: &Function) -> Result<Promise, JsValue>;
}

fn locks() -> Option<Locks> {
    let navigator = Reflect::get(&global(), &"navigator".into()).ok()?;
    let locks = Reflect::get(&navigator, &"locks".into()).ok()?;
    (!locks.is_undefined()).then(|| locks.unchecked_into())
}

/// Waits until this worker is the one that holds the lock, and holds it until the worker ends.
///
/// # Errors
/// When the browser has no locks or refuses them, as it does where storage is blocked.
pub async fn hold(name: &str) -> Result<(), JsValue> {
    let locks = locks().ok_or("this browser has no Web Locks")?;
    let (sender, receiver) = oneshot::channel::<()>();
    let mut sender = Some(sender);
    let granted = Closure::<dyn FnMut(JsValue) -> Promise>::new(move |_lock: JsValue| {
        if let Some(sender) = sender.take() {
            let _ = sender.send(());
        }
        // Never settles: the browser frees the lock when the worker ends.
        Promise::new(&mut |_, _| ())
    });
    let request = locks.request(name, granted.as_ref().unchecked_ref())?;
    granted.forget();
    let request = wasm_bindgen_futures::JsFuture::from(request);
    match futures_util::future::select(receiver, request).await {
        futures_util::future::Either::Left(_) => Ok(()),
        futures_util::future::Either::Right((result, _)) => result.map(|_| ()),
    }
}
