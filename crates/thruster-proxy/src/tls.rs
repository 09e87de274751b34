//! TLS with clients: who we are to whom, and the handshake. What a certificate is for and where it
//! comes from is in `tls/`.

mod acme;
mod autocert;
mod certificates;
mod challenges;
mod elliptic;
mod leaf;
mod local;
mod own;
mod pem;
mod private;

pub use certificates::Certificates;
pub use challenges::Challenges;
pub use local::{LocalAuthority, is_reserved, local_authority};

use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{Acceptor, NoServerSessionStorage};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use self::acme::Acme;
use self::challenges::ACME_TLS;
use crate::config::Config;
use own::Watch;

/// The names of the protocols (RFC 7301 section 6), the better one first.
pub const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The most time for a handshake, however long requests may take: two round trips, and some
/// arithmetic on the slowest of machines.
const HANDSHAKE: Duration = Duration::from_secs(15);

/// What every TLS connection begins with: a record of the handshake (RFC 8446 section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// A fatal `unrecognized_name` (RFC 6066 section 3), as a record of its own.
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];

/// For those who speak HTTP to the port for TLS.
const PLAIN_HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
    Content-Type: text/plain\r\nContent-Length: 50\r\nConnection: close\r\n\r\n\
    This port speaks TLS: use https:// in the address\n";

/// How long we listen to them after that, so that they get to read it (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(2);

pub struct Tls {
    config: Arc<ServerConfig>,
    pub certificates: Arc<Certificates>,
    pub challenges: Arc<Challenges>,
    /// Looks after the certificates that are files of somebody else's.
    own: Watch,
    acme: Option<Acme>,
}

/// Why there is no TLS with a client.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("the handshake took too long")]
    TooSlow,
    #[error("it spoke plain HTTP")]
    PlainHttp,
    #[error("there is no certificate for {0:?}")]
    NoCertificate(String),
    #[error("it was a CA, which has seen what it came for")]
    Validated,
    #[error(transparent)]
    Failed(#[from] io::Error),
}

impl Tls {
    /// What the settings ask for, if they ask for TLS.
    ///
    /// # Errors
    /// Files that cannot be used, in words for the person who named them.
    pub fn start(config: &Config) -> Result<Option<Arc<Self>>, String> {
        let settings = &config.tls;
        if !settings.is_on() {
            return Ok(None);
        }
        let local = local::start(settings, &config.storage_path)?;
        let certificates = Certificates::new(settings.domains.clone()).with_local(local);
        let certificates = Arc::new(certificates);
        let own = Watch::start(&settings.own, &certificates)?;
        let challenges = Arc::default();
        let acme = Acme::new(config, &certificates, &challenges)?;
        let config = server_config(&certificates).map_err(|error| format!("no TLS: {error}"))?;
        Ok(Some(Arc::new(Tls { config: Arc::new(config), certificates, challenges, own, acme })))
    }

    /// Goes for the certificates that are missing, now that the ports are open.
    ///
    /// # Errors
    /// The system refused a thread.
    pub fn begin(&self) -> io::Result<()> {
        self.acme.as_ref().map_or(Ok(()), Acme::begin)
    }

    /// Looks at once whether the files of certificates have changed.
    pub fn reload(&self) {
        self.own.reload();
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// Why that failed; the client has been told.
    pub async fn accept(
        &self,
        stream: TcpStream,
        patience: Option<Duration>,
    ) -> Result<TlsStream<TcpStream>, Refusal> {
        let patience = patience.map_or(HANDSHAKE, |patience| patience.min(HANDSHAKE));
        let handshake = tokio::time::timeout(patience, self.shake_hands(stream));
        handshake.await.map_err(|_| Refusal::TooSlow)?
    }

    async fn shake_hands(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Refusal> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE_RECORD {
            explain_to_http(stream).await;
            return Err(Refusal::PlainHttp);
        }
        let mut hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let name = hello.client_hello().server_name().map(str::to_ascii_lowercase);
        let offered = hello.client_hello().alpn();
        if offered.is_some_and(|offered| offered.eq([ACME_TLS])) {
            return Err(self.show_to_ca(hello, name.unwrap_or_default()).await?);
        }
        if let (Some(acme), Some(name)) = (&self.acme, &name)
            && self.certificates.find(Some(name)).is_none()
        {
            acme.want(name);
        }
        if !self.certificates.await_for(name.as_deref()).await {
            // Without it a browser could only say that something went wrong.
            hello.io.write_all(&UNRECOGNIZED_NAME).await?;
            return Err(Refusal::NoCertificate(name.unwrap_or_default()));
        }
        Ok(hello.into_stream(self.config.clone()).await?)
    }

    /// A handshake that is an answer itself: nothing is said after it (RFC 8737 section 3).
    async fn show_to_ca(
        &self,
        mut hello: StartHandshake<TcpStream>,
        name: String,
    ) -> io::Result<Refusal> {
        let Some(config) = self.challenges.handshake(&name) else {
            hello.io.write_all(&UNRECOGNIZED_NAME).await?;
            return Ok(Refusal::NoCertificate(name));
        };
        hello.into_stream(config).await?.shutdown().await?;
        Ok(Refusal::Validated)
    }
}

/// A browser that was sent here by a link with http:// shows what went wrong.
async fn explain_to_http(mut stream: TcpStream) {
    let deaf = async {
        stream.write_all(PLAIN_HTTP).await?;
        stream.shutdown().await?;
        while stream.read(&mut [0; 4096]).await? > 0 {}
        io::Result::Ok(())
    };
    // Past that, or to one who is gone already, we have said what there is to say.
    drop(tokio::time::timeout(LINGER, deaf).await);
}

/// TLS 1.2 and 1.3 with what rustls holds safe, which is less than the standards allow.
fn server_config(certificates: &Arc<Certificates>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificates.clone());
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    // Sessions are kept by clients, in tickets whose keys live for half a day at most; none is
    // kept here, and none of either survives us. Early data (0-RTT) could be sent again by anybody
    // who saw it (RFC 8446 section 8), and is refused.
    config.ticketer = ring::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}
