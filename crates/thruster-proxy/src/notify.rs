//! Tells systemd how we are (sd_notify(3)), where it has asked for that by NOTIFY_SOCKET.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// We listen, and the child accepts connections.
pub const READY: &str = "READY=1";
pub const STOPPING: &str = "STOPPING=1";

/// Says so, if there is anybody to say it to.
pub fn notify(socket: Option<&OsStr>, state: &str) {
    let Some(socket) = socket else { return };
    let sent = address(socket)
        .and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::warn!(%error, "Cannot notify systemd at NOTIFY_SOCKET");
    }
}

/// A path, or with `@` a name in Linux's abstract namespace.
fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.as_bytes().strip_prefix(b"@") {
        return <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name);
    }
    SocketAddr::from_pathname(OsStr::from_bytes(socket.as_bytes()))
}
