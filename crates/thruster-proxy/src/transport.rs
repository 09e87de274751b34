//! What the bytes of a client's connection go through: the bare socket, or TLS on it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio_rustls::server::TlsStream;

pub enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// TLS has one state for both directions, so each half asks for it when its turn comes. Nobody
/// ever waits for it: both halves belong to one connection, and that to one core.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<TlsStream<TcpStream>>>);

pub enum ReadHalf {
    Plain(OwnedReadHalf),
    Tls(Shared),
}

pub enum WriteHalf {
    Plain(OwnedWriteHalf),
    Tls(Shared),
}

impl Transport {
    pub fn into_split(self) -> (ReadHalf, WriteHalf) {
        match self {
            Transport::Plain(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Plain(read), WriteHalf::Plain(write))
            }
            Transport::Tls(stream) => {
                let shared = Shared(Arc::new(Mutex::new(*stream)));
                (ReadHalf::Tls(shared.clone()), WriteHalf::Tls(shared))
            }
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, TlsStream<TcpStream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ReadHalf {
    /// Ready when a read would not have to wait, so that those who wait need no buffer.
    pub fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            ReadHalf::Plain(half) => half.as_ref().poll_read_ready(cx),
            ReadHalf::Tls(shared) => Pin::new(&mut *shared.lock()).poll_fill_buf(cx).map_ok(|_| ()),
        }
    }
}

impl WriteHalf {
    /// The socket, if what is written to it goes out as it is.
    pub fn plain(&self) -> Option<&TcpStream> {
        match self {
            WriteHalf::Plain(half) => Some(half.as_ref()),
            WriteHalf::Tls(_) => None,
        }
    }

    pub fn with_socket<R>(&self, ask: impl FnOnce(&TcpStream) -> R) -> R {
        match self {
            WriteHalf::Plain(half) => ask(half.as_ref()),
            WriteHalf::Tls(shared) => ask(shared.lock().get_ref().0),
        }
    }

    /// Says no goodbye when dropped.
    pub fn forget(self) {
        match self {
            WriteHalf::Plain(half) => half.forget(),
            WriteHalf::Tls(_) => {}
        }
    }

    fn with<R>(&mut self, write: impl FnOnce(Pin<&mut (dyn AsyncWrite + Unpin)>) -> R) -> R {
        match self {
            WriteHalf::Plain(half) => write(Pin::new(half)),
            WriteHalf::Tls(shared) => write(Pin::new(&mut *shared.lock())),
        }
    }
}

impl AsyncRead for ReadHalf {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            ReadHalf::Plain(half) => Pin::new(half).poll_read(cx, into),
            ReadHalf::Tls(shared) => Pin::new(&mut *shared.lock()).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for WriteHalf {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().with(|half| half.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().with(|half| half.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().with(|half| half.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().with(|half| half.poll_shutdown(cx))
    }
}
