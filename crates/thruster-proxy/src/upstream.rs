//! The server behind us: hands it one request and brings back its answer. Owns the connections
//! to it; leaves what a failure means to the client to [`crate::error`].

mod answer;
mod connection;
mod pool;
mod tunnel;

pub use answer::AnswerBody;
pub use tunnel::Tunnel;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use http::header::{CONNECTION, EXPECT, HOST, UPGRADE};
use http::{HeaderValue, Request, Response, StatusCode, Version};
use hyper::body::Incoming;

use self::connection::{Connection, Failure};
use self::pool::Pool;
use crate::body::{RequestBody, Upload};
use crate::config;
use crate::error::Error;
use crate::hop_by_hop::{self, has_token};

/// The child's server, as one core sees it.
pub struct Upstream {
    pool: Arc<Pool>,
    timeout: Option<Duration>,
    /// For HTTP/1.0 requests that name none; HTTP/1.1 must have one.
    host: HeaderValue,
}

/// What came back.
pub enum Answer {
    Response(Response<AnswerBody>),
    /// 101: after this head the bytes are another protocol's.
    Switched(Response<()>, Tunnel),
}

impl Upstream {
    pub fn new(config: &config::Upstream) -> Self {
        let host = HeaderValue::from_str(&format!("localhost:{}", config.port))
            .expect("a port number is visible");
        Upstream { pool: Arc::new(Pool::new(config.port)), timeout: config.timeout, host }
    }

    /// Closes connections that have been idle for long; to be called now and then.
    pub fn sweep(&self) {
        self.pool.sweep(Instant::now());
    }

    /// Passes one request on.
    ///
    /// # Errors
    /// Why there is no answer. If the request's own body was at fault, that is the error.
    pub async fn forward(&self, mut request: Box<Request<RequestBody>>) -> Result<Answer, Error> {
        let upload = request.body().upload();
        let protocol = self.prepare(&mut request);
        let sent = self.send(request, upload.as_deref());
        let (connection, response) = match (sent.await, upload) {
            (Ok(answered), _) => answered,
            (Err(error), Some(upload)) => return Err(upload_fault(&upload).unwrap_or(error)),
            (Err(error), None) => return Err(error),
        };
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            let (mut parts, body) = response.into_parts();
            hop_by_hop::remove(&mut parts.headers);
            let mut whole = Some((connection, body));
            let body = poll_fn(|cx| {
                let (connection, body) = whole.take().expect("ready at the first poll");
                Poll::Ready(AnswerBody::new(connection, body, self.pool.clone(), cx))
            });
            return Ok(Answer::Response(Response::from_parts(parts, body.await)));
        }
        let Some(protocol) = protocol else { return Err(Error::UnaskedSwitch) };
        let (mut parts, _) = response.into_parts();
        let accepted = parts.headers.get(UPGRADE).cloned().unwrap_or(*protocol);
        hop_by_hop::remove(&mut parts.headers);
        parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(UPGRADE, accepted);
        Ok(Answer::Switched(Response::from_parts(parts, ()), connection.into_tunnel()))
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

    /// Sends on a kept connection if there is one. It may be one that the child was just about
    /// to close: then once more on a fresh one, if the request can be repeated.
    async fn send(
        &self,
        mut request: Box<Request<RequestBody>>,
        upload: Option<&Upload>,
    ) -> Result<(Connection, Response<Incoming>), Error> {
        if let Some(mut kept) = self.pool.take() {
            let repeated = is_repeatable(&request).then(|| copy(&request));
            match kept.send(request, upload, self.timeout).await {
                Ok(response) => return Ok((kept, response)),
                Err(Failure::Unsent(again)) => request = again,
                Err(Failure::Broken(error)) => match repeated {
                    Some(again) => request = again,
                    None => return Err(Error::NoAnswer(error)),
                },
                Err(Failure::TimedOut) => return Err(Error::UpstreamTimeout),
            }
            tracing::debug!("A kept connection broke, sending again");
        }
        // Boxed for the same reason.
        let mut fresh = Box::pin(self.pool.connect()).await.map_err(Error::Unreachable)?;
        match fresh.send(request, upload, self.timeout).await {
            Ok(response) => Ok((fresh, response)),
            Err(Failure::Broken(error)) => Err(Error::NoAnswer(error)),
            Err(Failure::TimedOut) => Err(Error::UpstreamTimeout),
            Err(Failure::Unsent(_)) => {
                Err(Error::Unreachable(std::io::ErrorKind::ConnectionReset.into()))
            }
        }
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
