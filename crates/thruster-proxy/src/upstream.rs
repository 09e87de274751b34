//! The server behind us: hands it one request and brings back its answer. Owns the connections
//! to it; leaves what a failure means to the client to [`crate::error`].

mod answer;
mod connection;
mod line;
mod pool;
mod target;
mod tunnel;

pub use answer::AnswerBody;
pub use target::{Target, is_not_listening};
pub use tunnel::Tunnel;

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use http::header::{CONNECTION, EXPECT, HOST, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;

use self::connection::{Connection, Failure};
use self::line::Line;
use self::pool::{Pool, Shelves};
use crate::body::{RequestBody, Upload};
use crate::config::{self, KeepAlive};
use crate::drain::Drain;
use crate::error::Error;
use crate::hop_by_hop::{self, has_token};

/// How long the one at the door waits before it knocks again: the first pause, and the longest.
const KNOCK_AGAIN: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// What all cores share of the way to the child.
#[derive(Clone)]
pub struct Shared {
    line: Arc<Line>,
    shelves: Shelves,
}

impl Shared {
    pub fn new(config: &config::Upstream, cores: usize) -> Self {
        Shared { line: Arc::new(Line::new(config)), shelves: Shelves::new(cores) }
    }
}

/// The child's server, as one core sees it.
pub struct Upstream {
    target: Target,
    line: Arc<Line>,
    pool: Arc<Pool>,
    keep_alive: KeepAlive,
    timeout: Option<Duration>,
    /// For HTTP/1.0 requests that name none; HTTP/1.1 must have one.
    host: HeaderValue,
    drain: Drain,
}

/// What came back.
pub enum Answer {
    Response(Response<AnswerBody>),
    /// 101: after this head the bytes are another protocol's.
    Switched(Response<()>, Tunnel),
}

/// How long an answer was in coming.
#[derive(Debug, Default, Clone, Copy)]
pub struct Took {
    /// Until the child could be asked: it was booting, or had MAX_CONCURRENCY requests.
    pub queue: Duration,
    /// From then to the first byte of the answer.
    pub upstream: Option<Duration>,
}

impl Upstream {
    pub fn new(config: &config::Upstream, shared: Shared, core: usize, drain: Drain) -> Self {
        let host = HeaderValue::from_str(&format!("localhost:{}", config.port))
            .expect("a port number is visible");
        Upstream {
            target: Target::new(config),
            line: shared.line,
            pool: Arc::new(Pool::new(shared.shelves, core)),
            keep_alive: config.keep_alive,
            timeout: config.timeout,
            host,
            drain,
        }
    }

    /// Whether the child has ever accepted a connection.
    pub fn has_accepted(&self) -> bool {
        self.line.has_accepted()
    }

    /// Closes connections that have been idle for long; to be called now and then.
    pub fn sweep(&self) {
        self.pool.sweep(Instant::now());
    }

    /// Passes one request on, as soon as the child accepts connections, `patience` at most.
    ///
    /// # Errors
    /// Why there is no answer. If the request's own body was at fault, that is the error.
    pub async fn forward(
        &self,
        mut request: Box<Request<RequestBody>>,
        patience: Duration,
        took: &mut Took,
    ) -> Result<Answer, Error> {
        let upload = request.body().upload();
        let protocol = self.prepare(&mut request);
        // A connection that may live for days is no request that waits for a thread.
        let arrived = Instant::now();
        let place = match &protocol {
            None => self.line.place().await?,
            Some(_) => None,
        };
        took.queue = arrived.elapsed();
        let sent = self.send(request, upload.as_deref(), arrived + patience, took).await;
        let (connection, response) =
            sent.map_err(|error| upload.and_then(|upload| upload_fault(&upload)).unwrap_or(error))?;
        took.upstream = Some(arrived.elapsed().saturating_sub(took.queue));
        self.receive(connection, response, protocol, place).await
    }

    /// Makes the request one of our own to the child: HTTP/1.1, without what was meant for us.
    /// Returns the protocol the client would like to switch to, which is asked for in our name.
    fn prepare(&self, request: &mut Request<RequestBody>) -> Option<Box<HeaderValue>> {
        *request.version_mut() = Version::HTTP_11;
        let is_empty = request.body().is_empty();
        let headers = request.headers_mut();
        // A switch after a body would leave two readings of where the new protocol begins, and
        // HTTP/2 is not for the child: both are served as the plain requests they also are.
        let protocol = headers
            .get(UPGRADE)
            .filter(|wish| is_empty && !wish.as_bytes().to_ascii_lowercase().starts_with(b"h2"))
            .filter(|_| has_token(headers, CONNECTION, "upgrade"))
            .cloned();
        hop_by_hop::remove(headers);
        // The client gets its 100 from us, when the child asks for the body.
        headers.remove(EXPECT);
        headers.entry(HOST).or_insert_with(|| self.host.clone());
        if let Some(protocol) = &protocol {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocol.clone());
        }
        // Boxed, because it is rare, and would make every request's future larger.
        protocol.map(Box::new)
    }

    /// Sends the request, and if the connection dies before the first byte of an answer once more
    /// on a fresh one, provided that the request can be repeated.
    async fn send(
        &self,
        mut request: Box<Request<RequestBody>>,
        upload: Option<&Upload>,
        until: Instant,
        took: &mut Took,
    ) -> Result<(Connection, Response<Incoming>), Error> {
        let keeps = match self.keep_alive {
            KeepAlive::Auto => !self.line.is_long(Instant::now()),
            KeepAlive::On => true,
            KeepAlive::Off => false,
        };
        let again = is_repeatable(&request).then(|| copy(&request));
        // A kept connection may be one that the child is just about to close, so it is only for
        // what can be repeated. Where it is not used it goes: a thread may be listening to it.
        let kept = self.pool.take().filter(|_| keeps && again.is_some());
        if !keeps && !request.headers().contains_key(UPGRADE) {
            // It will not be kept, and the sooner Puma knows, the sooner the thread is free.
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let is_fresh = kept.is_none();
        let connection = match kept {
            Some(kept) => kept,
            None => self.connect(until, took).await?,
        };
        let request = match self.ask(connection, request, is_fresh, upload).await {
            Ok(answered) => return Ok(answered),
            Err(Failure::TimedOut) => return Err(Error::UpstreamTimeout),
            Err(Failure::Unsent(unsent)) => unsent,
            Err(Failure::Broken(error)) => again.ok_or(Error::NoAnswer(error))?,
        };
        tracing::debug!("A connection broke before its answer, sending again");
        let fresh = self.connect(until, took).await?;
        Box::pin(self.ask(fresh, request, true, upload)).await.map_err(|failure| match failure {
            Failure::TimedOut => Error::UpstreamTimeout,
            Failure::Broken(error) => Error::NoAnswer(error),
            Failure::Unsent(_) => Error::Unreachable(io::ErrorKind::ConnectionReset.into()),
        })
    }

    /// Asks on this connection, and takes the request's place in the line meanwhile.
    async fn ask(
        &self,
        mut connection: Connection,
        request: Box<Request<RequestBody>>,
        is_fresh: bool,
        upload: Option<&Upload>,
    ) -> Result<(Connection, Response<Incoming>), Failure> {
        let asked = self.line.ask(Instant::now(), is_fresh);
        let response = connection.send(request, upload, self.timeout).await?;
        asked.answered(Instant::now());
        Ok((connection, response))
    }

    /// A fresh connection. While the child does not accept any, one request knocks and the
    /// others stand behind it, so that they get in in the order in which they came.
    async fn connect(&self, until: Instant, took: &mut Took) -> Result<Connection, Error> {
        // Boxed, because it is rare, and would make every request's future larger.
        Box::pin(self.knock(until, took)).await
    }

    async fn knock(&self, until: Instant, took: &mut Took) -> Result<Connection, Error> {
        let mut turn = None;
        let mut pause = KNOCK_AGAIN.0;
        let arrived = Instant::now();
        loop {
            match self.target.connect().await {
                Ok(stream) => {
                    self.line.accepted();
                    took.queue += if turn.is_some() { arrived.elapsed() } else { Duration::ZERO };
                    let connection = Connection::new(stream, self.pool.own()).await;
                    return connection.map_err(Error::Unreachable);
                }
                Err(error) if is_not_listening(&error) && Instant::now() < until => {
                    let wait = async {
                        match &turn {
                            None => turn = Some(self.line.door.lock().await),
                            Some(_) => tokio::time::sleep(pause).await,
                        }
                    };
                    tokio::select! {
                        waited = tokio::time::timeout_at(until.into(), wait) => {
                            if waited.is_err() {
                                return Err(Error::Unreachable(error));
                            }
                        }
                        () = self.drain.clone().over() => return Err(Error::Unreachable(error)),
                    }
                    pause = (pause * 2).min(KNOCK_AGAIN.1);
                }
                Err(error) => return Err(Error::Unreachable(error)),
            }
        }
    }

    async fn receive(
        &self,
        connection: Connection,
        response: Response<Incoming>,
        protocol: Option<Box<HeaderValue>>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Result<Answer, Error> {
        let (mut parts, incoming) = response.into_parts();
        let accepted = parts.headers.get(UPGRADE).cloned();
        hop_by_hop::remove(&mut parts.headers);
        if parts.status != StatusCode::SWITCHING_PROTOCOLS {
            let line = (self.keep_alive == KeepAlive::Auto).then(|| self.line.clone());
            let body = AnswerBody::new(connection, incoming, self.pool.clone(), line, place);
            let mut body = Some(body);
            // One poll, to let go at once of a connection whose answer has no body.
            let settled = poll_fn(|cx| {
                let mut body = body.take().expect("ready at the first poll");
                body.settle(cx);
                Poll::Ready(body)
            });
            return Ok(Answer::Response(Response::from_parts(parts, settled.await)));
        }
        let Some(wished) = protocol else { return Err(Error::UnaskedSwitch) };
        parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(UPGRADE, accepted.unwrap_or(*wished));
        Ok(Answer::Switched(Response::from_parts(parts, ()), connection.into_tunnel()))
    }
}

/// The client's part in a failure, as an error to answer with.
fn upload_fault(upload: &Upload) -> Option<Error> {
    Some(match upload.fault()? {
        Error::BodyTooLarge => Error::BodyTooLarge,
        Error::BodyTimeout => Error::BodyTimeout,
        Error::HeadTooLarge => Error::HeadTooLarge,
        Error::Malformed(rule) => Error::Malformed(rule),
        _ => Error::ClientGone,
    })
}

/// Idempotent (RFC 9110 section 9.2.2) and without a body that would be gone by now.
fn is_repeatable(request: &Request<RequestBody>) -> bool {
    request.body().is_empty() && request.method().is_idempotent()
}

fn copy(request: &Request<RequestBody>) -> Box<Request<RequestBody>> {
    let mut copy = Box::new(Request::new(RequestBody::empty()));
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    copy
}
