//! The server behind us: hands it one request and brings back its answer. Owns the connections
//! to it; leaves what a failure means to the client to [`crate::error`].

mod answer;
mod connection;
mod line;
mod pool;
mod target;
mod tunnel;
mod websocket;

pub use answer::AnswerBody;
pub use target::{Target, is_not_listening};
pub use tunnel::Tunnel;

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use http::header::{CONNECTION, HOST, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode, response};
use tokio::sync::OwnedSemaphorePermit;

use self::answer::Source;
use self::connection::{Connection, Failure};
use self::line::{Asked, Line};
use self::pool::{Pool, Shelves};
use crate::body::{RequestBody, Upload};
use crate::config::{self, Config};
use crate::drain::Drain;
use crate::error::{BrokeOff, Error};
use crate::forwarded::Interim;
use crate::hop_by_hop;
use crate::http1::Decoder;
use crate::read_ahead::ReadAhead;

/// How long the one at the door waits before it knocks again: the first pause, and the longest.
const KNOCK_AGAIN: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(100));

/// A wait that is long enough for a client to lose patience in.
const NOTICEABLE: Duration = Duration::from_millis(1);

/// How much of the drain WebSockets are closed in. The rest is for their clients to say goodbye.
const SPREAD: f64 = 0.8;

/// What all cores share of the way to the child.
#[derive(Clone)]
pub struct Shared {
    line: Arc<Line>,
    shelves: Shelves,
    pub read_ahead: ReadAhead,
}

impl Shared {
    pub fn new(config: &config::Upstream, cores: usize) -> Self {
        Shared {
            line: Arc::new(Line::new(config)),
            shelves: Shelves::new(cores),
            read_ahead: ReadAhead::new(config.buffer_responses),
        }
    }
}

/// The child's server, as one core sees it.
pub struct Upstream {
    target: Target,
    line: Arc<Line>,
    pool: Arc<Pool>,
    timeout: Option<Duration>,
    /// For HTTP/1.0 requests that name none; HTTP/1.1 must have one.
    host: HeaderValue,
    drain: Drain,
    drain_timeout: Duration,
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
    pub fn new(whole: &Config, shared: Shared, core: usize, drain: Drain) -> Self {
        let config = &whole.upstream;
        let host = HeaderValue::from_str(&format!("localhost:{}", config.port))
            .expect("a port number is visible");
        Upstream {
            target: Target::new(config),
            line: shared.line,
            pool: Arc::new(Pool::new(shared.shelves, core)),
            timeout: config.timeout,
            host,
            drain,
            drain_timeout: whole.drain_timeout,
        }
    }

    /// Whether the child has ever accepted a connection.
    pub fn has_accepted(&self) -> bool {
        self.line.has_accepted()
    }

    /// Closes connections that have been idle for long; to be called once a second.
    pub fn sweep(&self) {
        self.pool.sweep();
    }

    /// Passes one request on, as soon as the child accepts connections, `patience` at most. With
    /// `protocol` it asks for a switch, in our name.
    ///
    /// # Errors
    /// Why there is no answer. If the request's own body was at fault, that is the error.
    pub async fn forward(
        &self,
        mut request: Box<Request<RequestBody>>,
        protocol: Option<HeaderValue>,
        interim: Option<&Interim>,
        patience: Duration,
        took: &mut Took,
    ) -> Result<Answer, Error> {
        let arrived = Instant::now();
        let place = self.line.place().await;
        let has_waited = !matches!(place, Ok(None));
        let placed = if has_waited { Instant::now() } else { arrived };
        took.queue = placed - arrived;
        let place = place?;
        let headers = request.headers_mut();
        headers.entry(HOST).or_insert_with(|| self.host.clone());
        let has_wish = protocol.is_some();
        if let Some(protocol) = protocol {
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, protocol);
        }
        let upload = request.body().upload();
        let sent = self.send(request, interim, placed, patience, took).await;
        let (connection, head, decoder, answered) = sent.map_err(|error| {
            upload.as_ref().and_then(|upload| upload_fault(upload)).unwrap_or(error)
        })?;
        took.upstream = Some((answered - arrived).saturating_sub(took.queue));
        self.receive(connection, head, decoder, has_wish, place, upload)
    }

    /// Sends the request, and if the connection dies before the first byte of an answer once more
    /// on a fresh one, provided that the request can be repeated.
    async fn send(
        &self,
        mut request: Box<Request<RequestBody>>,
        interim: Option<&Interim>,
        placed: Instant,
        patience: Duration,
        took: &mut Took,
    ) -> Result<Answered, Error> {
        let until = placed + patience;
        let keeps = self.line.may_keep_alive();
        let may_repeat = is_repeatable(&request);
        // A kept connection may be one that the child is just about to close, so it is only for
        // what can be repeated. Where it is not used it goes: a thread may be listening to it.
        let may_use = keeps && may_repeat && is_modest(&request);
        let kept = self.pool.take().filter(|_| may_use);
        if !keeps && !request.headers().contains_key(UPGRADE) {
            // It will not be kept, and the sooner Puma knows, the sooner the thread is free.
            request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let is_fresh = kept.is_none();
        let (connection, now) = match kept {
            Some(kept) => (kept, placed),
            None => (self.connect(until, took).await?, Instant::now()),
        };
        // A body is read by whoever sends it on, so nobody has watched the client meanwhile.
        let has_waited = took.queue > NOTICEABLE;
        if has_waited && poll_fn(|cx| Poll::Ready(request.body_mut().has_client_left(cx))).await {
            return Err(Error::ClientGone);
        }
        let asked = self.line.ask(now, is_fresh);
        let request = match self.ask(connection, request, asked, interim).await {
            Ok(answered) => return Ok(answered),
            Err(Failure::Unsent(request)) => request,
            Err(Failure::Unanswered(_, request)) if may_repeat => request,
            Err(Failure::Unanswered(why, _)) => return Err(Error::NoAnswer(why)),
            Err(Failure::Final(error)) => return Err(error),
        };
        tracing::debug!("A connection broke before its answer, sending again");
        let fresh = self.connect(until, took).await?;
        let asked = self.line.ask(Instant::now(), true);
        Box::pin(self.ask(fresh, request, asked, interim)).await.map_err(|failure| match failure {
            Failure::Unsent(_) => Error::NoAnswer(BrokeOff::Closed),
            Failure::Unanswered(why, _) => Error::NoAnswer(why),
            Failure::Final(error) => error,
        })
    }

    /// Asks on this connection, with the request's place in the line.
    async fn ask(
        &self,
        mut connection: Box<Connection>,
        request: Box<Request<RequestBody>>,
        asked: Asked,
        interim: Option<&Interim>,
    ) -> Result<Answered, Failure> {
        let (head, decoder) = connection.send(request, self.timeout, interim).await?;
        let answered = Instant::now();
        asked.answered(answered);
        Ok((connection, head, decoder, answered))
    }

    /// A fresh connection. While the child does not accept any, one request knocks and the
    /// others stand behind it, so that they get in in the order in which they came.
    async fn connect(&self, until: Instant, took: &mut Took) -> Result<Box<Connection>, Error> {
        // Boxed, because it is rare, and would make every request's future larger.
        Box::pin(self.knock(until, took)).await
    }

    async fn knock(&self, until: Instant, took: &mut Took) -> Result<Box<Connection>, Error> {
        let arrived = Instant::now();
        let stream = self.knock_until(until).await;
        took.queue += arrived.elapsed();
        Ok(Box::new(Connection::new(stream?, self.pool.own())))
    }

    async fn knock_until(&self, until: Instant) -> Result<target::Stream, Error> {
        let mut turn = None;
        let mut pause = KNOCK_AGAIN.0;
        loop {
            let connected = match self.timeout {
                Some(timeout) => tokio::time::timeout(timeout, self.target.connect()).await,
                None => Ok(self.target.connect().await),
            };
            let connected = connected.map_err(|_| Error::UpstreamTimeout)?;
            let connected = connected.and_then(|stream| match target::is_open(&stream) {
                true => Ok(stream),
                false => Err(io::ErrorKind::ConnectionRefused.into()),
            });
            match connected {
                Ok(stream) => {
                    self.line.accepted();
                    return Ok(stream);
                }
                Err(error) if is_not_listening(&error) && Instant::now() < until => {
                    if turn.is_none() {
                        tracing::debug!("Waiting for the command to accept connections");
                    }
                    let wait = async {
                        match &turn {
                            None => turn = Some(self.line.door.lock().await),
                            Some(_) => tokio::time::sleep(pause).await,
                        }
                    };
                    tokio::select! {
                        waited = tokio::time::timeout_at(until.into(), wait) => {
                            if waited.is_err() {
                                self.line.waited_in_vain();
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

    fn receive(
        &self,
        connection: Box<Connection>,
        mut head: response::Parts,
        decoder: Decoder,
        has_wish: bool,
        place: Option<OwnedSemaphorePermit>,
        upload: Option<Arc<Upload>>,
    ) -> Result<Answer, Error> {
        let is_switch = head.status == StatusCode::SWITCHING_PROTOCOLS;
        let protocol = is_switch.then(|| head.headers.get(UPGRADE).cloned()).flatten();
        hop_by_hop::remove(&mut head.headers);
        if !is_switch {
            let source = Source {
                connection,
                pool: self.pool.clone(),
                line: self.line.clone(),
                _place: place,
                upload,
            };
            let body = AnswerBody::new(source, decoder);
            return Ok(Answer::Response(Response::from_parts(head, body)));
        }
        // Unasked, or without saying to what, which RFC 9110 section 15.2.2 demands.
        let protocol = protocol.filter(|_| has_wish).ok_or(Error::UnaskedSwitch)?;
        head.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        // Its place goes back with this: a tunnel that may live for days holds no thread of Puma's.
        drop(place);
        let is_websocket = protocol.as_bytes().eq_ignore_ascii_case(b"websocket");
        head.headers.insert(UPGRADE, protocol);
        let (stream, early) = connection.into_parts();
        let tunnel =
            Tunnel { stream, early, is_websocket, spread: self.drain_timeout.mul_f64(SPREAD) };
        Ok(Answer::Switched(Response::from_parts(head, ()), tunnel))
    }
}

/// A connection on which the head of an answer has come, what is to come, and when it came.
type Answered = (Box<Connection>, response::Parts, Decoder, Instant);

/// The client's part in a failure, as an error to answer with.
pub fn upload_fault(upload: &Upload) -> Option<Error> {
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

/// Puma 5 goes silent for 20 s instead of answering 400 when a kept connection brings a target
/// that it cannot parse; its shortest limit is 8 KiB, for a path.
fn is_modest(request: &Request<RequestBody>) -> bool {
    request.uri().path_and_query().is_none_or(|target| target.as_str().len() < 8 * 1024)
}
