//! Ports where nobody answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of this host that is taken, for as long as this is kept, and that nobody listens on:
/// a test that is about nobody being there is not to meet another test's server.
pub(crate) struct DeadPort {
    _held: Vec<Socket>,
    pub number: u16,
}

impl DeadPort {
    /// One that is dead in both families.
    pub fn new() -> Self {
        loop {
            let v4 = hold(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
            let address = v4.local_addr().ok().and_then(|address| address.as_socket());
            let number = address.expect("a bound socket has an address").port();
            if let Some(v6) = hold_if_there_is(Ipv6Addr::LOCALHOST.into(), number) {
                return DeadPort { _held: [v4].into_iter().chain(v6).collect(), number };
            }
        }
    }

    /// The other family's namesake of a port that somebody listens on; `None` when it is alive.
    pub fn beside(alive: SocketAddr) -> Option<Self> {
        let other: IpAddr = match alive.ip() {
            IpAddr::V4(_) => Ipv6Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv4Addr::LOCALHOST.into(),
        };
        let held = hold_if_there_is(other, alive.port())?;
        Some(DeadPort { _held: held.into_iter().collect(), number: alive.port() })
    }
}

/// `None` when somebody else has it, `Some(None)` when this host lacks the family.
fn hold_if_there_is(ip: IpAddr, port: u16) -> Option<Option<Socket>> {
    match hold(SocketAddr::new(ip, port)) {
        Ok(socket) => Some(Some(socket)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => None,
        Err(_) => Some(None),
    }
}

fn hold(address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
