//! The PROXY protocol: a balancer that only carries bytes says, before the first of them, whose
//! they are. What it says counts as if that client had connected to us itself.

mod preamble;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use self::preamble::{Preamble, Rest};
use crate::config::Config;
use crate::drain::Drain;
use crate::forwarded::Client;
use crate::trusted_proxies::TrustedProxies;

/// How often refusals are logged, on each core: a port scan is not to fill the log.
const WORD_EVERY: Duration = Duration::from_secs(1);

/// Bytes that are looked at together. Nearly every preamble is shorter.
const PIECE: usize = 256;

/// What PROXY_PROTOCOL asks of every connection.
pub struct ProxyProtocol {
    /// Who may send preambles: those of TRUSTED_PROXIES, or whoever connects.
    senders: Option<Arc<TrustedProxies>>,
    patience: Option<Duration>,
    refused: Seldom,
}

/// Why a connection was closed before it began.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("its sender is not in TRUSTED_PROXIES")]
    Stranger,
    #[error("there is none")]
    Missing,
    #[error("malformed: {0}")]
    Malformed(&'static str),
    #[error("too long")]
    TooLong,
    #[error("not complete within HTTP_READ_TIMEOUT")]
    TooSlow,
    #[error("the connection ended in the middle of it")]
    Cut,
    /// No byte of it came before the connection ended, or had to: a probe of the port, perhaps.
    #[error("the connection ended before it")]
    Silent,
}

impl ProxyProtocol {
    /// `None` where connections begin as usual.
    pub fn new(config: &Config) -> Option<Self> {
        config.proxy_protocol.then(|| ProxyProtocol {
            senders: config.trusted_proxies.clone(),
            patience: config.timeouts.read,
            refused: Seldom::default(),
        })
    }

    /// Reads the preamble, and no byte beyond it. `None`: there is no client, the log has been
    /// told why, and the connection is to be closed.
    pub async fn read(
        &self,
        stream: &mut TcpStream,
        peer: SocketAddr,
        drain: &Drain,
    ) -> Option<Client> {
        let preamble = match self.senders.as_ref().is_none_or(|list| list.contains(peer.ip())) {
            true => self.read_in_time(stream, drain).await,
            false => Err(Refusal::Stranger),
        };
        match preamble {
            Ok(Preamble { source, is_secure }) => {
                let mut client = Client::new(source.unwrap_or(peer));
                client.is_secure = is_secure;
                return Some(client);
            }
            Err(reason @ Refusal::Silent) => {
                tracing::debug!(%peer, %reason, "No PROXY protocol preamble");
            }
            Err(reason) => {
                if let Some(unsaid) = self.refused.turn(Instant::now()) {
                    tracing::warn!(%peer, %reason, unsaid, "No PROXY protocol preamble");
                }
            }
        }
        None
    }

    async fn read_in_time(
        &self,
        stream: &mut TcpStream,
        drain: &Drain,
    ) -> Result<Preamble, Refusal> {
        let mut head = Vec::new();
        let too_slow = async {
            match self.patience {
                Some(patience) => tokio::time::sleep(patience).await,
                None => std::future::pending().await,
            }
        };
        let late = tokio::select! {
            read = read(stream, &mut head) => {
                return read.unwrap_or(Err(Refusal::Cut)).map_err(|refusal| match refusal {
                    Refusal::Cut if head.is_empty() => Refusal::Silent,
                    refusal => refusal,
                });
            }
            () = too_slow => Refusal::TooSlow,
            () = drain.clone().grace_is_over() => Refusal::Silent,
        };
        Err(late)
    }
}

/// Reads into `head` until the preamble is whole. A line is looked at before it is read, for
/// nothing else tells where it ends.
async fn read(stream: &mut TcpStream, head: &mut Vec<u8>) -> io::Result<Result<Preamble, Refusal>> {
    let mut piece = [0; PIECE];
    loop {
        let length = match preamble::rest(head) {
            Ok(Rest::Exactly(length)) => length.min(PIECE),
            Ok(Rest::Line(most)) => {
                let seen = stream.peek(&mut piece[..most.min(PIECE)]).await?;
                memchr::memchr(b'\n', &piece[..seen]).map_or(seen, |end| end + 1)
            }
            Ok(Rest::Nothing(preamble)) => return Ok(Ok(preamble)),
            Err(refusal) => return Ok(Err(refusal)),
        };
        match stream.read(&mut piece[..length]).await? {
            0 => return Ok(Err(Refusal::Cut)),
            read => head.extend_from_slice(&piece[..read]),
        }
    }
}

/// Says when something may be said again.
#[derive(Default)]
struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// If it may, how many times it has not been since.
    fn turn(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, unsaid) = &mut *state;
        if last.is_some_and(|last| now.duration_since(last) < WORD_EVERY) {
            *unsaid += 1;
            return None;
        }
        *last = Some(now);
        Some(std::mem::take(unsaid))
    }
}
