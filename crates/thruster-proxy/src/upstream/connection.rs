//! One connection to the child, speaking HTTP/1.1. Nothing drives it but the request that uses
//! it, so an exchange costs no switch of tasks, and an idle connection nothing at all.
//!
//! It is our own, over the same parts as the end towards clients, because hyper's client drops
//! an answer that comes before the request has been sent, sends no body with a GET of unknown
//! length, refuses targets that Puma takes, and costs three times the instructions.

mod head;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, response};
use http_body::{Body, Frame};

use self::head::Head;
use super::target::Stream;
use crate::body::RequestBody;
use crate::deadline::Deadline;
use crate::error::{BrokeOff, Error};
use crate::forwarded::Interim;
use crate::http1::chunked::Step;
use crate::http1::{self, Decoder, Framing, Outbox};

/// Read at once while an answer's head is awaited, and of its body.
const HEAD_PIECE: usize = 4 * 1024;
const BODY_PIECE: usize = 64 * 1024;

/// Bytes of a request's body that may wait for the child before the client has to.
const SEND_AHEAD: usize = 64 * 1024;

pub struct Connection {
    stream: Stream,
    input: BytesMut,
    outbox: Outbox,
    upload: Sending,
    /// Whether any byte of the current request has been written, or taken from its body.
    has_begun: bool,
    /// Whether any byte of an answer to it has come.
    has_heard: bool,
    /// Whether the child will read another request, as far as it has said.
    keep_alive: bool,
    /// The core that opened it.
    pub home: usize,
    /// The sweep of the pool after which it was put there.
    pub idle_since: u64,
}

/// The current request's body.
enum Sending {
    Done,
    Body(RequestBody, Framing),
    /// The child reads no more of it, but may still answer.
    Refused,
}

/// Why a request got no answer on a connection.
pub enum Failure {
    /// No byte of it was written: here it is again.
    Unsent(Box<Request<RequestBody>>),
    /// The child broke off before the first byte of an answer: here it is again, without its body.
    Unanswered(BrokeOff, Box<Request<RequestBody>>),
    /// It has been asked, and nothing can be done about the rest.
    Final(Error),
}

impl Connection {
    pub fn new(stream: Stream, home: usize) -> Self {
        Connection {
            stream,
            input: BytesMut::new(),
            outbox: Outbox::default(),
            upload: Sending::Done,
            has_begun: false,
            has_heard: false,
            keep_alive: true,
            home,
            idle_since: 0,
        }
    }

    /// Whether an idle connection can be used again, as far as can be known: anything that has
    /// come in the meantime, its end or bytes nobody asked for, speaks against it.
    pub fn is_alive(&mut self, cx: &mut Context<'_>) -> bool {
        http1::poll_read(&mut self.stream, &mut self.input, HEAD_PIECE, cx).is_pending()
    }

    /// Whether an exchange that is over has left it fit for another.
    pub fn is_reusable(&self) -> bool {
        self.keep_alive
            && self.input.is_empty()
            && self.outbox.waiting() == 0
            && matches!(self.upload, Sending::Done)
    }

    /// Sends one request and waits for the head of its answer, `timeout` at most while it is the
    /// child's turn to move.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn send(
        &mut self,
        request: Box<Request<RequestBody>>,
        timeout: Option<Duration>,
        interim: Option<&Interim>,
    ) -> Result<(response::Parts, Decoder), Failure> {
        let (mut parts, body) = request.into_parts();
        let framing = head::framing(&body);
        (self.has_begun, self.has_heard) = (false, false);
        self.outbox.append(|out| head::write(out, &mut parts, framing));
        self.upload = match framing {
            Framing::None => Sending::Done,
            framing => Sending::Body(body, framing),
        };
        let (mut deadline, mut is_the_clients_turn) = (Deadline::new(), true);
        let answered = poll_fn(|cx| {
            if let Poll::Ready(answered) = self.poll_head(cx, &parts.method, interim) {
                return Poll::Ready(answered);
            }
            // The client's own pauses are not the child's.
            let was_the_clients_turn = is_the_clients_turn;
            is_the_clients_turn =
                matches!(self.upload, Sending::Body(..)) && self.outbox.waiting() == 0;
            if is_the_clients_turn {
                return Poll::Pending;
            }
            if was_the_clients_turn {
                deadline.restart(timeout);
            }
            deadline.poll(cx).map(|()| Err(Error::UpstreamTimeout))
        });
        match answered.await {
            Ok(Head { parts: head, framing, keep_alive }) => {
                self.keep_alive = keep_alive && framing != Framing::Close;
                Ok((head, Decoder::new(framing)))
            }
            Err(Error::NoAnswer(_)) if !self.has_begun => {
                let body = match std::mem::replace(&mut self.upload, Sending::Done) {
                    Sending::Body(body, _) => body,
                    Sending::Done | Sending::Refused => RequestBody::empty(),
                };
                Err(Failure::Unsent(Box::new(Request::from_parts(parts, body))))
            }
            Err(Error::NoAnswer(why)) if !self.has_heard => {
                let request = Request::from_parts(parts, RequestBody::empty());
                Err(Failure::Unanswered(why, Box::new(request)))
            }
            Err(error) => Err(Failure::Final(error)),
        }
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        method: &Method,
        interim: Option<&Interim>,
    ) -> Poll<Result<Head, Error>> {
        loop {
            self.send_more(cx)?;
            if !self.input.is_empty()
                && let Some(head) = head::parse(&mut self.input, method)?
            {
                if !head.is_interim() {
                    return Poll::Ready(Ok(head));
                }
                if let Some(interim) = interim {
                    interim.push(&head.parts);
                }
                continue;
            }
            match ready!(http1::poll_read(&mut self.stream, &mut self.input, HEAD_PIECE, cx)) {
                Ok(1..) => self.has_heard = true,
                Ok(0) => return Poll::Ready(Err(Error::NoAnswer(BrokeOff::Closed))),
                Err(error) => return Poll::Ready(Err(Error::NoAnswer(BrokeOff::Io(error)))),
            }
        }
    }

    /// The next piece of the answer's body, or its end.
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        decoder: &mut Decoder,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            match decoder.step(&mut self.input) {
                Ok(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Step::Trailers(fields)) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(fields))));
                }
                Ok(Step::End) => return Poll::Ready(None),
                Ok(Step::NeedMore) => {}
                Err(error) => {
                    let why = BrokeOff::Malformed(error.to_string());
                    return Poll::Ready(Some(Err(Error::AnswerCut(why))));
                }
            }
            if let Err(error) = self.send_more(cx) {
                return Poll::Ready(Some(Err(error)));
            }
            let why =
                match ready!(http1::poll_read(&mut self.stream, &mut self.input, BODY_PIECE, cx)) {
                    Ok(1..) => continue,
                    Ok(0) if matches!(decoder, Decoder::Close) => return Poll::Ready(None),
                    Ok(0) => BrokeOff::Closed,
                    Err(error) => BrokeOff::Io(error),
                };
            return Poll::Ready(Some(Err(Error::AnswerCut(why))));
        }
    }

    /// Moves the request towards the child, as far as that goes without waiting.
    fn send_more(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        loop {
            self.take_body(cx)?;
            if self.outbox.waiting() == 0 {
                return Ok(());
            }
            match self.outbox.poll_write(cx, &mut self.stream) {
                Poll::Ready(Ok(1..)) => self.has_begun = true,
                Poll::Ready(Ok(0) | Err(_)) => {
                    // It may have answered before it hung up (413, say): read on.
                    self.outbox = Outbox::default();
                    if self.has_begun {
                        self.upload = Sending::Refused;
                    }
                    self.keep_alive = false;
                    return Ok(());
                }
                Poll::Pending => return Ok(()),
            }
        }
    }

    /// Takes frames of the request's body while there is room for them.
    fn take_body(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        while let Sending::Body(body, framing) = &mut self.upload
            && self.outbox.waiting() < SEND_AHEAD
        {
            let framing = *framing;
            let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else { break };
            self.has_begun = true;
            let frame = match frame.transpose() {
                Ok(frame) => frame.map(Frame::into_data),
                // The reason is the upload's to tell.
                Err(fault) => return Err(fault.into()),
            };
            match frame {
                Some(Ok(data)) => {
                    self.outbox.append_data(framing, data);
                    continue;
                }
                Some(Err(trailers)) => self.outbox.append_end(framing, trailers.trailers_ref()),
                None => self.outbox.append_end(framing, None),
            }
            self.upload = Sending::Done;
        }
        Ok(())
    }

    /// What is left of the connection once it has stopped speaking HTTP: the stream, and what
    /// has been read off it already.
    pub fn into_parts(self) -> (Stream, Bytes) {
        (self.stream, self.input.freeze())
    }
}
