//! For conformance suites: sends back everything that it receives. Only with the feature `echo`,
//! never in a relay that serves people.

use axum::{
    extract::{
        WebSocketUpgrade,
        ws::{Message, WebSocket},
    },
    response::Response,
};

/// The largest message of the public suites.
const MAX_BYTES: usize = 64 << 20;

/// Answers at `/echo`.
pub async fn upgrade(upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(MAX_BYTES).max_frame_size(MAX_BYTES).on_upgrade(echo)
}

async fn echo(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if matches!(message, Message::Text(_) | Message::Binary(_))
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}
