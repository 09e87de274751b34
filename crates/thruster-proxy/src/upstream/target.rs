//! Where the child listens, and a connection to it.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::config;

#[derive(Debug, Clone)]
pub enum Target {
    Port(u16),
    Socket(PathBuf),
}

/// A connection to the child.
pub enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Target {
    pub fn new(config: &config::Upstream) -> Self {
        match &config.socket {
            Some(path) => Target::Socket(path.clone()),
            None => Target::Port(config.port),
        }
    }

    /// Connects once, and hangs up: somebody accepts connections.
    ///
    /// # Errors
    /// Nobody does.
    pub fn connect_blocking(&self) -> io::Result<()> {
        match self {
            Target::Socket(path) => std::os::unix::net::UnixStream::connect(path).map(drop),
            Target::Port(port) => std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, *port))
                .or_else(|_| std::net::TcpStream::connect((Ipv6Addr::LOCALHOST, *port)))
                .map(drop),
        }
    }

    /// Connects once.
    ///
    /// # Errors
    /// What the system says; see [`is_not_listening`].
    pub async fn connect(&self) -> io::Result<Stream> {
        match self {
            Target::Socket(path) => Ok(Stream::Unix(UnixStream::connect(path).await?)),
            Target::Port(port) => {
                let stream = connect_to_port(*port).await?;
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }
        }
    }
}

/// The child may have chosen either family for its "localhost".
async fn connect_to_port(port: u16) -> io::Result<TcpStream> {
    match TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
        Ok(stream) => Ok(stream),
        // The first refusal is the one worth telling: IPv6 may not even exist here.
        Err(error) => TcpStream::connect((Ipv6Addr::LOCALHOST, port)).await.map_err(|_| error),
    }
}

impl Stream {
    /// Whether the child has left it open so far. Puma closes what it has accepted and not read
    /// from when it restarts; a request is better not sent there, least of all one that cannot
    /// be repeated.
    pub fn is_open(&self) -> bool {
        let socket = match self {
            Stream::Tcp(stream) => SockRef::from(stream),
            Stream::Unix(stream) => SockRef::from(stream),
        };
        match socket.peek(&mut [MaybeUninit::uninit()]) {
            Ok(length) => length > 0,
            Err(error) => error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}

/// Nobody listens there, yet or for the moment.
pub fn is_not_listening(error: &io::Error) -> bool {
    // A Unix socket whose backlog is full says "try again", where TCP would have waited.
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound | io::ErrorKind::WouldBlock
    )
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(cx, into),
            Stream::Unix(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
