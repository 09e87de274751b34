//! The sockets we listen on, and accepting from them without ever giving up.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, TcpKeepalive, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::config::{self, Port};

/// Connections the kernel may hold for us; it cuts this to its own limit.
const BACKLOG: i32 = 4096;

/// When a silent connection is asked whether its client is still there, and how often again.
const KEEPALIVE: TcpKeepalive =
    TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));

/// The pause after an accept that failed for want of something: descriptors, memory. The first
/// is short, the last long enough to cost nothing.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(5),
    Duration::from_millis(50),
    Duration::from_millis(250),
    Duration::from_secs(1),
];

/// A port we could not have.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {reason}")]
pub struct CannotListen {
    address: SocketAddr,
    reason: String,
}

/// The first of the descriptors that systemd hands over.
const FIRST_INHERITED: RawFd = 3;

/// The sockets we accept from.
pub type Listeners = Vec<(Door, TcpListener)>;

/// What clients are let in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    Http,
    Https,
}

impl Door {
    /// The sockets that we are started with come in this order.
    fn place(self) -> u16 {
        match self {
            Door::Http => 0,
            Door::Https => 1,
        }
    }

    /// Whether it is one of the `count` sockets that we were started with.
    pub fn is_inherited(self, count: u16) -> bool {
        count > self.place()
    }

    fn port(self, listen: &config::Listen) -> Port {
        match self {
            Door::Http => listen.http_port,
            Door::Https => listen.https_port,
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Door::Http => "HTTP_PORT",
            Door::Https => "HTTPS_PORT",
        }
    }
}

/// The socket for a door: the one we were started with, or one bound to our port.
///
/// # Errors
/// The port is taken, or not ours to have; the descriptor is no listening socket.
pub fn open(
    door: Door,
    listen: &config::Listen,
    target_port: u16,
) -> Result<TcpListener, CannotListen> {
    match door.is_inherited(listen.inherited) {
        false => bind_to_port(door, listen, target_port),
        true => inherit(door.place()).map_err(|error| CannotListen {
            address: (Ipv4Addr::UNSPECIFIED, 0).into(),
            reason: format!("LISTEN_FDS promised a listening socket: {error}"),
        }),
    }
}

/// Lets no child of ours have the sockets we were started with; to be called before there is one.
#[allow(unsafe_code)]
pub fn keep_inherited(count: u16) {
    for descriptor in (FIRST_INHERITED..).take(count.into()) {
        // SAFETY: fcntl touches no memory of ours, and a descriptor that is not open is an error.
        if unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) } != 0 {
            tracing::warn!(descriptor, "LISTEN_FDS promised more sockets than there are");
        }
    }
}

#[allow(unsafe_code)]
fn inherit(place: u16) -> io::Result<TcpListener> {
    // SAFETY: whoever set LISTEN_PID to our number has given us this descriptor, and nobody else
    // in this process uses it. That it is a listening socket is checked next.
    let socket = unsafe { Socket::from_raw_fd(FIRST_INHERITED + RawFd::from(place)) };
    if !is_listener(&socket)? {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// socket2 knows this option of Linux' alone, but macOS has it, too.
#[allow(unsafe_code)]
fn is_listener(socket: &Socket) -> io::Result<bool> {
    let mut answer: libc::c_int = 0;
    let mut size = size_of_val(&answer) as libc::socklen_t;
    // SAFETY: it writes one int at most, and the size of what it wrote.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ACCEPTCONN,
            (&raw mut answer).cast(),
            &raw mut size,
        )
    };
    if status == 0 { Ok(answer != 0) } else { Err(io::Error::last_os_error()) }
}

fn bind_to_port(
    door: Door,
    listen: &config::Listen,
    target_port: u16,
) -> Result<TcpListener, CannotListen> {
    let (port, setting) = (door.port(listen), door.setting());
    match (bind(listen.bind, port.wanted()), port) {
        (Err((address, error)), Port::Default { own, unprivileged })
            if error.kind() == io::ErrorKind::PermissionDenied =>
        {
            if target_port == unprivileged {
                let reason = format!(
                    "the system keeps this port for root, and {target_port} is the command's \
                     TARGET_PORT; set {setting} to choose another"
                );
                return Err(CannotListen { address, reason });
            }
            tracing::warn!(
                "Listening on port {unprivileged}, because the system keeps port {own} for root; \
                 set {setting} to choose another"
            );
            bind(listen.bind, unprivileged)
        }
        (bound, _) => bound,
    }
    .map_err(|(address, error)| CannotListen { address, reason: reason(&error) })
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use by another process".to_owned(),
        io::ErrorKind::PermissionDenied => "the system keeps this port for root".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        _ => error.to_string(),
    }
}

/// One socket for both families where there are both, else one for IPv4.
fn bind(address: Option<IpAddr>, port: u16) -> Result<TcpListener, (SocketAddr, io::Error)> {
    let listen = |ip: IpAddr| {
        let address = SocketAddr::new(ip, port);
        listen_on(address).map_err(|error| (address, error))
    };
    match address {
        Some(ip) => listen(ip),
        None => match listen(Ipv6Addr::UNSPECIFIED.into()) {
            Err((_, error)) if is_without_ipv6(&error) => listen(Ipv4Addr::UNSPECIFIED.into()),
            bound => bound,
        },
    }
}

fn is_without_ipv6(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL))
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A port whose last owner has just gone can be had at once.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    // Connections inherit it: a client that has vanished without a word is noticed in the end,
    // also by a tunnel that has nothing to say.
    socket.set_tcp_keepalive(&KEEPALIVE)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// A socket that one core accepts from for all. tokio's own listener would watch each connection
/// for that core first: three calls for those that another core takes, and two for all others.
pub type Acceptor = AsyncFd<mio::net::TcpListener>;

/// Has the runtime watch a socket, which does not block.
///
/// # Errors
/// The system refused.
pub fn acceptor(listener: TcpListener) -> io::Result<Acceptor> {
    let listener = mio::net::TcpListener::from_std(listener);
    // SAFETY: the listener owns its descriptor and is not taken out, so that it is open, and the
    // same, for as long as it is watched.
    #[allow(unsafe_code)]
    let acceptor = unsafe { AsyncFd::register_with_interest(listener, Interest::READABLE) }?;
    Ok(acceptor)
}

/// Lets no further client in. Those that the kernel has let in already are still there to be
/// accepted; to close the socket right away would reset them, requests and all.
pub fn shut_door(listener: &Acceptor) {
    #[cfg(target_os = "linux")]
    {
        // A filter that takes no packet with SYN and without ACK (RFC 9293 section 3.1: the flags
        // are the 14th byte): new clients are refused when they try again, and those whose
        // handshake is under way get in.
        let instruction =
            |code: u32, jump: (u8, u8), k| socket2::SockFilter::new(code as u16, jump.0, jump.1, k);
        let no_syn = [
            instruction(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, (0, 0), 13),
            instruction(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, (0, 0), 0x12),
            instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, (0, 1), 0x02),
            instruction(libc::BPF_RET | libc::BPF_K, (0, 0), 0),
            instruction(libc::BPF_RET | libc::BPF_K, (0, 0), u32::MAX),
        ];
        if let Err(error) = socket2::SockRef::from(listener).attach_filter(&no_syn) {
            tracing::debug!(%error, "Cannot keep new clients out while the last are let in");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = listener;
}

/// Accepts the next connection, however long that takes.
pub async fn accept(listener: &Acceptor) -> (TcpStream, SocketAddr) {
    let mut failures = 0;
    loop {
        match listener.async_io(Interest::READABLE, |listener| listener.accept()).await {
            Ok((stream, peer)) => return (stream.into(), peer),
            Err(error) if is_the_clients_affair(&error) => {}
            Err(error) => {
                let pause = PAUSES[failures.min(PAUSES.len() - 1)];
                failures += 1;
                if failures == PAUSES.len() {
                    tracing::warn!(%error, "Cannot accept connections, trying on");
                }
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// The client left between its SYN and our accept(2).
fn is_the_clients_affair(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
