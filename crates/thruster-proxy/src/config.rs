//! What thrust was asked to do: plain, valid values, grouped by the one who uses them.
//! [`env`] reads them from the environment; [`settings`] is the table of names and defaults.

pub mod env;
pub mod settings;
mod value;

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use thruster_cache::Coding;

use crate::trusted_proxies::TrustedProxies;

/// Everything the engine and the executable need to know.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: Listen,
    pub upstream: Upstream,
    pub boot: Boot,
    /// How long requests may take to finish before the child is told to stop.
    pub drain_timeout: Duration,
    pub timeouts: Timeouts,
    pub log: Log,
    /// Whether the peer's X-Forwarded-* fields are believed (FORWARD_HEADERS).
    pub trust_forwarded: bool,
    /// Of whom that is to be said; `None` is everybody. They alone may send PROXY preambles, too.
    pub trusted_proxies: Option<Arc<TrustedProxies>>,
    /// Whether every connection begins with a PROXY protocol preamble.
    pub proxy_protocol: bool,
    /// Bytes a request body may have; `None` is no limit.
    pub max_request_body: Option<u64>,
    pub bad_gateway_page: PathBuf,
    /// Whether HTTP/2 is spoken without TLS, by prior knowledge (RFC 9113 section 3.3).
    pub h2c: bool,
    pub storage_path: PathBuf,
    pub cache: Cache,
    pub compression: Compression,
    pub files: Files,
    pub tls: Tls,
    /// Where systemd would like to hear how we are (NOTIFY_SOCKET).
    pub notify_socket: Option<OsString>,
}

/// Where we listen.
#[derive(Debug, Clone)]
pub struct Listen {
    /// Sockets that we were started with (systemd's LISTEN_FDS). The first takes the place of all
    /// else here.
    pub inherited: u16,
    /// One address, or all of them, IPv4 and IPv6.
    pub bind: Option<IpAddr>,
    pub http_port: Port,
    pub https_port: Port,
}

/// A port to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Port {
    /// Somebody chose it.
    Fixed(u16),
    /// Nobody did: the protocol's own, or the other where the system keeps that for root.
    Default { own: u16, unprivileged: u16 },
}

impl Port {
    pub const HTTP: Port = Port::Default { own: 80, unprivileged: 8080 };
    pub const HTTPS: Port = Port::Default { own: 443, unprivileged: 8443 };

    /// The port to try first.
    pub fn wanted(self) -> u16 {
        match self {
            Port::Fixed(port) | Port::Default { own: port, .. } => port,
        }
    }
}

/// The server behind us.
#[derive(Debug, Clone)]
pub struct Upstream {
    /// Its port on this host; the child gets it as PORT.
    pub port: u16,
    /// Where it listens instead of the port.
    pub socket: Option<PathBuf>,
    /// How long it may take to begin an answer.
    pub timeout: Option<Duration>,
    pub keep_alive: KeepAlive,
    /// Requests it may have at once.
    pub max_concurrency: Option<u32>,
    /// How long the others wait for their turn.
    pub queue_timeout: Duration,
    /// Bytes of a response that are held for a client that reads slowly.
    pub buffer_responses: u64,
    /// Bytes of a request's body that are collected before the child gets any.
    pub buffer_requests: u64,
}

/// Whether connections to the child are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepAlive {
    /// Unless that would let a request cut the line.
    Auto,
    On,
    Off,
}

/// The time before the child accepts connections.
#[derive(Debug, Clone, Copy)]
pub struct Boot {
    /// How long requests wait for it.
    pub timeout: Duration,
    /// Whether our ports stay closed until then.
    pub bind_when_ready: bool,
}

/// How long a client may keep us waiting; `None` is for ever.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// Between two requests.
    pub idle: Option<Duration>,
    /// For a request's whole head, and for a body without a byte.
    pub read: Option<Duration>,
    /// For a response without a byte taken.
    pub write: Option<Duration>,
}

#[derive(Debug, Clone)]
pub struct Log {
    /// One line a request.
    pub requests: bool,
    pub debug: bool,
    /// `None`: text on a terminal, else JSON.
    pub format: Option<LogFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

/// Sizes in bytes; 0 is none at all.
#[derive(Debug, Clone)]
pub struct Cache {
    pub size: u64,
    pub max_item_size: u64,
    pub disk_size: u64,
    pub disk_item_size: u64,
    /// Where the control socket is to be, if somebody chose.
    pub control_socket: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub struct Compression {
    pub enabled: bool,
    /// Those that may be used, the best first; `None`: all, as they have been measured.
    pub codings: Option<Vec<Coding>>,
    pub disable_on_auth: bool,
    /// Most random bytes added to a compressed response.
    pub jitter: u32,
}

#[derive(Debug, Clone)]
pub struct Files {
    pub x_sendfile: bool,
    /// Folders of the files that may be named, if somebody chose.
    pub sendfile_roots: Option<Vec<PathBuf>>,
    /// What is sent without asking the child.
    pub static_path: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub struct Tls {
    /// In lower case and ASCII.
    pub domains: Vec<String>,
    pub own: Vec<OwnCertificate>,
    /// Whether this machine certifies its names itself, whatever they are.
    pub local: bool,
    pub acme: Acme,
    /// What browsers are told of HSTS (RFC 6797).
    pub hsts: Option<Duration>,
    pub health_path: String,
}

impl Tls {
    pub fn is_on(&self) -> bool {
        self.local || !self.domains.is_empty() || !self.own.is_empty()
    }
}

/// Files of somebody who has a certificate already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCertificate {
    pub chain: PathBuf,
    pub key: PathBuf,
}

/// Where certificates come from (RFC 8555).
#[derive(Debug, Clone)]
pub struct Acme {
    pub directory: String,
    pub profile: Option<String>,
    pub external_account: Option<ExternalAccount>,
}

/// An account that the CA knows already (RFC 8555 section 7.3.4).
#[derive(Debug, Clone)]
pub struct ExternalAccount {
    pub key_id: String,
    /// In base64url without padding.
    pub hmac_key: Secret,
}

/// Text that is never printed, not by accident either.
#[derive(Clone)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}
