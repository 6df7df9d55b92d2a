//! Following one relay: connect, enter the room, pass frames both ways, come back after a loss.

use std::time::Duration;

use anyhow::{Context, bail};
use blockvote_core::{
    crypto::hash::ElectionId,
    node::{Input, LinkId, Peer},
    wire::frame::{ClientFrame, MAX_FRAME_BYTES, SUBPROTOCOL, ServerFrame},
};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        Bytes, ClientRequestBuilder, Error as WsError, Message, http::Uri,
        protocol::WebSocketConfig,
    },
};
use tokio_util::sync::CancellationToken;

use crate::{
    daemon::{Handle, LinkState},
    output::problem,
};

const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Bytes written before the next look at what came, and the time for them: 60 kB/s.
const WRITTEN_AT_ONCE: usize = 1 << 20;
const WRITE_WITHIN: Duration = Duration::from_secs(20);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const PING_EVERY: Duration = Duration::from_secs(20);
const SILENT_FOR: Duration = Duration::from_secs(50);

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// Checks a relay's address before anything is started.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(url: &str) -> anyhow::Result<()> {
    let parsed = url::Url::parse(url).with_context(|| {
        format!("{url:?} is not a relay's address; it looks like ws://127.0.0.1:8080/ws")
    })?;
    match parsed.scheme() {
        "ws" | "wss" if parsed.host().is_some() => Ok(()),
        _ => bail!("{url:?} is not a relay's address; it looks like ws://127.0.0.1:8080/ws"),
    }
}

/// Follows a relay until told to stop.
pub async fn follow(
    handle: Handle,
    room: ElectionId,
    link: LinkId,
    url: String,
    stop: CancellationToken,
) {
    let mut wait = FIRST_WAIT;
    loop {
        handle.links.set_state(link, &url, LinkState::Down("connecting".into()));
        let mut entered = false;
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = connection(&handle, room, link, &url, &mut entered) => ended,
        };
        handle.links.detach(link);
        if entered {
            wait = FIRST_WAIT;
            if handle.input(Input::LinkDown(link)).await.is_err() {
                return;
            }
        }
        let why = ended.err().map_or_else(|| "closed".to_owned(), |error| problem(&error));
        // Between half and the whole of the wait, so that many nodes do not come back at once.
        let pause = wait.mul_f64(rand::random_range(0.5..1.0));
        let again_in = format!("{:.1} s", pause.as_secs_f64());
        let what = if entered {
            "the connection to the relay was lost"
        } else {
            "the relay cannot be reached"
        };
        tracing::warn!(relay = url, why, again_in, "{what}");
        handle.links.set_state(link, &url, LinkState::Down(why));
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn connect(url: &str) -> anyhow::Result<Socket> {
    let uri: Uri = url.parse().context("the address")?;
    let request = ClientRequestBuilder::new(uri).with_sub_protocol(SUBPROTOCOL);
    let config = WebSocketConfig::default()
        .max_message_size(Some(MAX_FRAME_BYTES))
        .max_frame_size(Some(MAX_FRAME_BYTES))
        .read_buffer_size(16 << 10)
        .write_buffer_size(16 << 10)
        .max_write_buffer_size(4 * MAX_FRAME_BYTES);
    let connecting = connect_async_with_config(request, Some(config), true);
    match timeout(CONNECT_WITHIN, connecting).await.context("no answer")? {
        Ok((socket, _)) => Ok(socket),
        Err(WsError::Http(answer)) => {
            let status = answer.status();
            bail!("that is not a relay's address (HTTP {status}); does it end in /ws?")
        }
        Err(error) => Err(error.into()),
    }
}

async fn connection(
    handle: &Handle,
    room: ElectionId,
    link: LinkId,
    url: &str,
    entered: &mut bool,
) -> anyhow::Result<()> {
    let (mut sink, mut stream) = connect(url).await?.split();
    sink.send(Message::Binary(Bytes::from(ClientFrame::Join(room).encode()))).await?;
    let mut outgoing = handle.links.attach(link);
    let mut ping = tokio::time::interval(PING_EVERY);
    let mut heard = Instant::now();
    loop {
        tokio::select! {
            message = stream.next() => {
                heard = Instant::now();
                match message.transpose()? {
                    Some(Message::Binary(frame)) => {
                        receive(handle, link, url, &frame, entered).await?;
                    }
                    Some(Message::Close(Some(frame))) => bail!("the relay closed: {}", frame.reason),
                    None => bail!("the relay is gone"),
                    Some(_) => {}
                }
            }
            frame = outgoing.next() => {
                let Some(frame) = frame else { bail!("the relay takes frames too slowly") };
                // A part at a time: meanwhile nothing is read.
                let mut bytes = frame.len();
                let writing = async {
                    sink.feed(Message::Binary(Bytes::from(frame))).await?;
                    while bytes < WRITTEN_AT_ONCE && let Some(frame) = outgoing.ready() {
                        bytes += frame.len();
                        sink.feed(Message::Binary(Bytes::from(frame))).await?;
                    }
                    sink.flush().await
                };
                timeout(WRITE_WITHIN, writing).await.context("the relay does not read")??;
                outgoing.sent(bytes);
            }
            _ = ping.tick() => {
                if heard.elapsed() > SILENT_FOR {
                    bail!("the relay is silent");
                }
                let pinged = sink.send(Message::Ping(Bytes::new()));
                timeout(CONNECT_WITHIN, pinged).await.context("the relay does not read")??;
            }
        }
    }
}

async fn receive(
    handle: &Handle,
    link: LinkId,
    url: &str,
    frame: &[u8],
    entered: &mut bool,
) -> anyhow::Result<()> {
    let input = match ServerFrame::decode(frame)
        .context("the relay sent a frame that is not one of this protocol")?
    {
        ServerFrame::Welcome(_) => return Ok(()),
        ServerFrame::Joined(..) => {
            tracing::info!(relay = url, "in the room");
            *entered = true;
            handle.links.set_state(link, url, LinkState::Up);
            Input::LinkUp(link)
        }
        ServerFrame::Peers(_, ids) => Input::Peers(link, ids),
        ServerFrame::Gone(_, id) => Input::Gone(Peer { link, id }),
        ServerFrame::Broadcast(_, id, payload) => {
            Input::Message { from: Peer { link, id }, broadcast: true, bytes: payload.to_vec() }
        }
        ServerFrame::Direct(_, id, payload) => {
            Input::Message { from: Peer { link, id }, broadcast: false, bytes: payload.to_vec() }
        }
    };
    handle.input(input).await.ok().context("the node stopped")
}
