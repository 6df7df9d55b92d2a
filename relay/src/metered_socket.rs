//! A socket that is read only at a limited rate.
//!
//! Counted where the bytes arrive, so that everything that a client sends counts: headers, TLS
//! records, frames, fragments without end, pings. Reading pauses; TCP makes the sender wait.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use crate::{metrics::Metrics, refusals::Throttled, throttle::Bucket};

/// A socket with a bucket in front of its reading side.
#[derive(Debug)]
pub struct Metered<S> {
    socket: S,
    bytes: Bucket,
    pause: Option<Pin<Box<Sleep>>>,
    metrics: Arc<Metrics>,
}

impl<S> Metered<S> {
    /// Reads at the rate of the bucket.
    pub fn new(socket: S, bytes: Bucket, metrics: Arc<Metrics>) -> Self {
        Self { socket, bytes, pause: None, metrics }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(pause) = &mut self.pause {
            ready!(pause.as_mut().poll(context));
            self.pause = None;
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        self.metrics.received_bytes.inc_by(read as u64);
        if let Some(pause) = self.bytes.take(read as f64, Instant::now()) {
            self.metrics.throttled(Throttled::Bytes);
            self.pause = Some(Box::pin(sleep(pause)));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
