//! One connection to the child. hyper speaks HTTP/1.1 on it; nothing drives it but the request
//! that uses it, so an exchange costs no switch of tasks, and an idle connection nothing at all.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use super::Tunnel;
use super::target::Stream;
use crate::body::{RequestBody, Upload};
use crate::deadline::Deadline;

/// Largest head of an answer, and the most that is read ahead of a body.
const READ_BUFFER: usize = 256 * 1024;

pub struct Connection {
    sender: SendRequest<RequestBody>,
    /// Large, and handed from pool to request to body and back: hence the box.
    driver: Box<http1::Connection<TokioIo<Stream>, RequestBody>>,
    /// The core that opened it.
    pub home: usize,
    pub idle_since: Instant,
}

/// Why a request got no answer on a connection.
pub enum Failure {
    /// No byte of it was written: here it is again.
    Unsent(Box<Request<RequestBody>>),
    Broken(hyper::Error),
    TimedOut,
}

impl Connection {
    /// Gets ready to speak HTTP on a stream.
    pub async fn new(stream: Stream, home: usize) -> io::Result<Self> {
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(READ_BUFFER)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Connection { sender, driver: Box::new(driver), home, idle_since: Instant::now() })
    }

    /// Moves bytes. Ready when the connection is of no more use.
    pub fn poll_drive(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.driver.poll_without_shutdown(cx)
    }

    /// Whether another request can be sent now: the last exchange is over, and as far as can be
    /// known the child has not closed its end.
    pub fn is_ready(&mut self, cx: &mut Context<'_>) -> bool {
        self.poll_drive(cx).is_pending()
            && matches!(self.sender.poll_ready(cx), Poll::Ready(Ok(())))
    }

    /// Sends one request and waits for the head of its answer, `timeout` at most after the last
    /// byte of the request.
    pub async fn send(
        &mut self,
        request: Box<Request<RequestBody>>,
        upload: Option<&Upload>,
        timeout: Option<Duration>,
    ) -> Result<Response<Incoming>, Failure> {
        let mut answer = pin!(self.sender.try_send_request(*request));
        let driver = &mut self.driver;
        let mut deadline = Deadline::new();
        deadline.restart(timeout);
        let mut seen = 0;
        let answered = poll_fn(|cx| {
            // Its end is the answer's too, and told there with more words.
            let is_done = driver.poll_without_shutdown(cx).is_ready();
            if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
                return Poll::Ready(Some(answer));
            }
            debug_assert!(!is_done, "a closed connection has answered");
            let received = upload.map_or(0, Upload::received);
            if received != seen {
                seen = received;
                deadline.restart(timeout);
            }
            deadline.poll(cx).map(|()| None)
        });
        match answered.await {
            None => Err(Failure::TimedOut),
            Some(Ok(response)) => Ok(response),
            Some(Err(mut error)) => match error.take_message() {
                Some(request) => Err(Failure::Unsent(Box::new(request))),
                None => Err(Failure::Broken(error.into_error())),
            },
        }
    }

    /// What is left of the connection once it has stopped speaking HTTP.
    pub fn into_tunnel(self) -> Tunnel {
        let parts = self.driver.into_parts();
        Tunnel { stream: parts.io.into_inner(), early: parts.read_buf }
    }
}
