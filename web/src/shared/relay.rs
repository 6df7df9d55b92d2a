//! The sockets to the relays, and coming back after a loss.

use std::{cell::RefCell, rc::Rc};

use blockvote_core::{
    crypto::hash::ElectionId,
    node::SAMPLE_SIZE,
    wire::frame::{ClientFrame, SUBPROTOCOL, ServerFrame},
};
use gloo_timers::callback::Timeout;
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{BinaryType, CloseEvent, MessageEvent, WebSocket};

use super::worker::random;

const FIRST_WAIT_MS: f64 = 500.0;
const LONGEST_WAIT_MS: f64 = 15_000.0;
/// A relay answers a sample every twenty seconds; silence beyond this means it is gone.
const SILENT_MS: f64 = 70_000.0;
/// Bytes the browser may hold back before the connection is given up and made again.
const MAX_BUFFERED: u32 = 32 << 20;

/// What a relay connection tells its owner.
pub enum Heard {
    /// A frame.
    Frame(Vec<u8>),
    /// The connection is lost, and why.
    Lost(String),
}

type Owner = Rc<dyn Fn(Heard)>;

struct Handlers {
    _open: Closure<dyn FnMut()>,
    _message: Closure<dyn FnMut(MessageEvent)>,
    _close: Closure<dyn FnMut(CloseEvent)>,
}

struct Inner {
    url: String,
    room: ElectionId,
    owner: Owner,
    socket: Option<(WebSocket, Handlers)>,
    wait_ms: f64,
    again: Option<Timeout>,
    heard_at: f64,
}

/// A relay that is followed for as long as this lives.
#[derive(Clone)]
pub struct RelayLink(Rc<RefCell<Inner>>);

impl RelayLink {
    /// Begins to follow a relay.
    pub fn follow(url: String, room: ElectionId, owner: impl Fn(Heard) + 'static) -> Self {
        let link = Self(Rc::new(RefCell::new(Inner {
            url,
            room,
            owner: Rc::new(owner),
            socket: None,
            wait_ms: FIRST_WAIT_MS,
            again: None,
            heard_at: js_sys::Date::now(),
        })));
        link.connect();
        link
    }

    /// Bytes that the browser has yet to send.
    pub fn backlog(&self) -> usize {
        let inner = self.0.borrow();
        inner.socket.as_ref().map_or(0, |(socket, _)| socket.buffered_amount() as usize)
    }

    /// Sends a frame, if there is a connection.
    pub fn send(&self, frame: &ClientFrame<'_>) {
        let too_slow = {
            let inner = self.0.borrow();
            let Some((socket, _)) = &inner.socket else {
                return;
            };
            if socket.ready_state() != WebSocket::OPEN {
                return;
            }
            let too_slow = socket.buffered_amount() > MAX_BUFFERED;
            // A socket that closes this moment says so in its close event.
            let _ = socket.send_with_u8_array(&frame.encode());
            too_slow
        };
        if too_slow {
            self.lost("the relay takes frames too slowly".into());
        }
    }

    /// Ends the connection for good.
    pub fn end(&self) {
        self.lost(String::new());
        self.0.borrow_mut().again = None;
    }

    /// Connects at once if it is waiting to.
    pub fn awake(&self) {
        let waiting = {
            let mut inner = self.0.borrow_mut();
            inner.wait_ms = FIRST_WAIT_MS;
            inner.again.take().is_some()
        };
        if waiting {
            self.connect();
        }
    }

    /// Gives up a connection on which nothing was heard for too long.
    pub fn check_silence(&self) {
        let silent = {
            let inner = self.0.borrow();
            inner.socket.is_some() && js_sys::Date::now() - inner.heard_at > SILENT_MS
        };
        if silent {
            self.lost("the relay is silent".into());
        }
    }

    fn connect(&self) {
        let (url, room) = {
            let mut inner = self.0.borrow_mut();
            inner.again = None;
            inner.heard_at = js_sys::Date::now();
            (inner.url.clone(), inner.room)
        };
        let Ok(socket) = WebSocket::new_with_str(&url, SUBPROTOCOL) else {
            return self.lost("that is not a relay's address".into());
        };
        socket.set_binary_type(BinaryType::Arraybuffer);
        let open = {
            let (link, socket) = (self.clone(), socket.clone());
            Closure::<dyn FnMut()>::new(move || {
                // In one go: whom to ask is known a round trip earlier.
                for frame in [ClientFrame::Join(room), ClientFrame::Sample(room, SAMPLE_SIZE)] {
                    let _ = socket.send_with_u8_array(&frame.encode());
                }
                link.0.borrow_mut().heard_at = js_sys::Date::now();
            })
        };
        let message = {
            let link = self.clone();
            Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
                let Ok(buffer) = event.data().dyn_into::<ArrayBuffer>() else {
                    return;
                };
                let frame = Uint8Array::new(&buffer).to_vec();
                let owner = {
                    let mut inner = link.0.borrow_mut();
                    inner.heard_at = js_sys::Date::now();
                    if matches!(ServerFrame::decode(&frame), Ok(ServerFrame::Joined(..))) {
                        inner.wait_ms = FIRST_WAIT_MS;
                    }
                    Rc::clone(&inner.owner)
                };
                owner(Heard::Frame(frame));
            })
        };
        let close = {
            let link = self.clone();
            Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
                let reason = event.reason();
                let why = if reason.is_empty() { "no relay answers there".into() } else { reason };
                link.lost(why);
            })
        };
        socket.set_onopen(Some(open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(close.as_ref().unchecked_ref()));
        let handlers = Handlers { _open: open, _message: message, _close: close };
        self.0.borrow_mut().socket = Some((socket, handlers));
    }

    fn lost(&self, why: String) {
        let owner = {
            let mut inner = self.0.borrow_mut();
            if let Some((socket, handlers)) = inner.socket.take() {
                socket.set_onopen(None);
                socket.set_onmessage(None);
                socket.set_onclose(None);
                let _ = socket.close();
                // One of these closures may be running: they are freed when it has returned.
                let mut handlers = Some(handlers);
                Timeout::new(0, move || drop(handlers.take())).forget();
            }
            let wait = inner.wait_ms * (0.5 + random() / 2.0);
            inner.wait_ms = (inner.wait_ms * 2.0).min(LONGEST_WAIT_MS);
            let link = self.clone();
            inner.again = Some(Timeout::new(wait as u32, move || {
                // This timeout is running: it must not be dropped as one that waits.
                if let Some(timeout) = link.0.borrow_mut().again.take() {
                    timeout.forget();
                }
                link.connect();
            }));
            Rc::clone(&inner.owner)
        };
        owner(Heard::Lost(why));
    }
}
