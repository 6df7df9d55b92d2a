//! Both ends of a worker: spawning one and being one.

use blockvote_core::time::Timestamp;
use js_sys::{Array, global};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{
    DedicatedWorkerGlobalScope, ErrorEvent, Event, MessageChannel, MessageEvent, MessagePort,
    Window, Worker, WorkerOptions, console,
};

use super::asking::Asker;

const SERIALIZER: serde_wasm_bindgen::Serializer = serde_wasm_bindgen::Serializer::new()
    .serialize_maps_as_objects(true)
    .serialize_large_number_types_as_bigints(true);

/// A message as a JavaScript value.
///
/// # Errors
/// When a type has no such form; none of ours.
pub fn encode<T: Serialize>(message: &T) -> Result<JsValue, JsValue> {
    message.serialize(&SERIALIZER).map_err(JsValue::from)
}

/// A message from a JavaScript value.
///
/// # Errors
/// What does not fit, in words that could quote a secret: not for the console.
pub fn decode<T: DeserializeOwned>(message: JsValue) -> Result<T, String> {
    serde_wasm_bindgen::from_value(message).map_err(|error| error.to_string())
}

/// Writes to the browser's console.
pub fn log(words: &str) {
    console::warn_1(&JsValue::from_str(words));
}

/// A worker that was started here. It ends when this is dropped.
pub struct Child {
    worker: Worker,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut(Event)>,
}

impl Child {
    /// Starts a worker of this name, by `static/worker.js`. `heard` gets its messages, or why one
    /// could not be read or the worker not run.
    ///
    /// # Errors
    /// What the browser said.
    pub fn spawn<T: DeserializeOwned>(
        name: &str,
        heard: impl Fn(Result<T, String>) + Clone + 'static,
    ) -> Result<Self, JsValue> {
        let options = WorkerOptions::new();
        options.set_name(name);
        let worker = Worker::new_with_options("/worker.js", &options)?;
        let broken = heard.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            heard(decode(event.data()));
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        let on_error = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            if !global().has_type::<Window>() {
                // Else the page would take it for an error of the worker that started this one.
                event.prevent_default();
            }
            let words = event
                .dyn_ref::<ErrorEvent>()
                .map_or_else(|| "it could not be loaded".to_owned(), ErrorEvent::message);
            broken(Err(words));
        });
        worker.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Ok(Self { worker, _on_message: on_message, _on_error: on_error })
    }

    /// Sends a message.
    pub fn send<T: Serialize>(&self, message: &T) {
        let sent = encode(message).and_then(|message| self.worker.post_message(&message));
        if let Err(error) = sent {
            console::error_1(&error);
        }
    }

    /// How to send what [`encode`] made, with what is transferred.
    pub fn post(&self) -> impl Fn(&JsValue, &Array) + 'static {
        let worker = self.worker.clone();
        move |message, transfer| {
            if let Err(error) = worker.post_message_with_transfer(message, transfer) {
                console::error_1(&error);
            }
        }
    }
}

/// One end of a channel to another worker. It is closed when this is dropped.
pub struct PortEnd {
    port: MessagePort,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
}

impl PortEnd {
    /// Hears messages at this port, from now on.
    pub fn listen<T: DeserializeOwned>(port: MessagePort, heard: impl Fn(T) + 'static) -> Self {
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            hear(event.data(), &heard);
        });
        port.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        Self { port, _on_message: on_message }
    }

    /// How to send what [`encode`] made.
    pub fn post(&self) -> impl Fn(&JsValue) + 'static {
        let port = self.port.clone();
        move |message| {
            if let Err(error) = port.post_message(message) {
                console::error_1(&error);
            }
        }
    }
}

impl Drop for PortEnd {
    fn drop(&mut self) {
        self.port.set_onmessage(None);
        self.port.close();
    }
}

fn hear<T: DeserializeOwned>(message: JsValue, heard: impl FnOnce(T)) {
    match decode(message) {
        Ok(message) => heard(message),
        // The error's words could quote a secret.
        Err(_) => log("a message that cannot be read, as of another build"),
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.worker.set_onmessage(None);
        // An error that is on its way would otherwise count as one of the worker that started this one.
        let quiet = Closure::<dyn FnMut(Event)>::new(|event: Event| event.prevent_default());
        self.worker.set_onerror(Some(quiet.into_js_value().unchecked_ref()));
        self.worker.terminate();
    }
}

/// The worker's own scope.
pub fn scope() -> DedicatedWorkerGlobalScope {
    global().unchecked_into()
}

/// Sends a message to whoever started this worker.
pub fn post<T: Serialize>(message: &T) {
    if let Err(error) = encode(message).and_then(|value| scope().post_message(&value)) {
        console::error_1(&error);
    }
}

/// Hears messages of whoever started this worker.
pub fn listen<T: DeserializeOwned>(mut heard: impl FnMut(T) + 'static) {
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        hear(event.data(), &mut heard);
    });
    scope().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    on_message.forget();
}

/// Whoever started this worker, to be answered.
pub fn starter() -> Asker {
    Asker::new(|message| {
        if let Err(error) = scope().post_message(message) {
            console::error_1(&error);
        }
    })
}

/// Reports a panic before the worker ends.
pub fn report_panics<T: Serialize>(report: impl Fn(String) -> T + Send + Sync + 'static) {
    std::panic::set_hook(Box::new(move |info| post(&report(info.to_string()))));
}

/// Lets other events run, without the clamping of timers.
pub async fn breathe() {
    let (sender, receiver) = futures_channel::oneshot::channel::<()>();
    let Ok(channel) = MessageChannel::new() else {
        return;
    };
    let mut sender = Some(sender);
    let on_message = Closure::<dyn FnMut()>::new(move || {
        if let Some(sender) = sender.take() {
            let _ = sender.send(());
        }
    });
    channel.port1().set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    if channel.port2().post_message(&JsValue::NULL).is_ok() {
        let _ = receiver.await;
    }
    channel.port1().close();
}

/// Milliseconds of a clock that only goes forward.
pub fn monotonic_ms() -> f64 {
    scope().performance().map_or_else(js_sys::Date::now, |performance| performance.now())
}

/// The browser's clock.
pub fn now() -> Timestamp {
    // Dates are whole milliseconds below 2^53.
    Timestamp(js_sys::Date::now() as u64)
}

/// Random bytes from the browser's cryptographic generator.
///
/// # Panics
/// Without randomness, because no key may be made then: the worker ends, and the page says why.
pub fn secret_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let filled =
        scope().crypto().and_then(|crypto| crypto.get_random_values_with_u8_array(&mut bytes));
    assert!(filled.is_ok(), "the browser gives no random numbers");
    bytes
}

/// A number for choices among peers and for jitter; nothing secret hangs on it.
pub fn random() -> f64 {
    js_sys::Math::random()
}
