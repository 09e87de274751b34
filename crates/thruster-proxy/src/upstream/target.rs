//! Where the child listens, and a connection to it.

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};
use tokio_util::either::Either;

use crate::config;

#[derive(Debug, Clone)]
pub enum Target {
    Port(u16),
    Socket(PathBuf),
}

/// A connection to the child.
pub type Stream = Either<TcpStream, UnixStream>;

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
            Target::Socket(path) => Ok(Either::Right(UnixStream::connect(path).await?)),
            Target::Port(port) => {
                let stream = connect_to_port(*port).await?;
                stream.set_nodelay(true)?;
                Ok(Either::Left(stream))
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

/// Whether the child has left it open so far. Puma closes what it has accepted and not read from
/// when it restarts; a request is better not sent there, least of all one that cannot be repeated.
pub fn is_open(stream: &Stream) -> bool {
    let socket = match stream {
        Either::Left(stream) => SockRef::from(stream),
        Either::Right(stream) => SockRef::from(stream),
    };
    match socket.peek(&mut [MaybeUninit::uninit()]) {
        Ok(length) => length > 0,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
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
