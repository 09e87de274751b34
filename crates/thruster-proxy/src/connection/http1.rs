//! HTTP/1 with one client: heads in, responses out, in order, until one side has had enough.
//!
//! The server's half is our own over `httparse`, where hyper's would have served: hyper answers
//! what it cannot parse by itself and tells nobody, accepts Content-Length beside
//! Transfer-Encoding, cannot send interim responses, and times only heads. Each of those is a
//! promise of ours. HTTP/2 is hyper's.

mod encode;
pub mod head;
mod reader;
mod respond;
mod writer;

pub use reader::BodyReader;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::head::Head;
use self::reader::{Loan, Reader};
use self::respond::After;
use self::writer::Writer;
use super::Connection;
use crate::body::{Content, RequestBody, ResponseBody};
use crate::deadline::Deadline;
use crate::drain::{Drain, GRACE};
use crate::error::Error;
use crate::http1::Framing;
use crate::transport::Transport;

/// How long we listen on after our last word, so that a client still sending gets to read it
/// instead of a reset (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// Bytes of further requests that are read while one is under way.
const PIPELINED: usize = 16 * 1024;

/// Serves the connection until it ends. `early` is what has been read off it already.
pub async fn serve(transport: Transport, early: BytesMut, connection: &Connection) {
    let (read, write) = transport.into_split();
    let mut session = Session {
        reader: Some(Reader::new(read, early)),
        loan: None,
        writer: Writer::new(write, connection.pipeline.timeouts.write),
        wait: Deadline::new(),
        draining: Draining::new(&connection.drain),
        connection,
    };
    loop {
        let after = match session.next_head().await {
            Next::Request(head) => session.exchange(head).await,
            Next::Refusal(error, began) => session.refuse(error, began).await,
            Next::Nothing => return,
        };
        match after {
            After::Another => {}
            After::Close => return Box::pin(session.linger()).await,
            After::Leave => return session.writer.into_half().forget(),
            After::Tunnel(body) => return Box::pin(session.tunnel(body)).await,
            After::Reset => return session.writer.reset(),
            After::Gone => return,
        }
    }
}

struct Session<'c> {
    /// Away while a request's body is being read.
    reader: Option<Reader>,
    /// Where it is then.
    loan: Option<Arc<Loan>>,
    writer: Writer,
    wait: Deadline,
    draining: Draining,
    connection: &'c Connection,
}

/// The drain, as a connection between requests sees it. One future for the connection's whole
/// life: waiting anew before each request would cost more.
struct Draining {
    word: Pin<Box<dyn Future<Output = ()> + Send>>,
    drain: Drain,
    has_begun: bool,
    grace: Deadline,
    is_over: bool,
}

impl Draining {
    fn new(drain: &Drain) -> Self {
        let word = Box::pin(drain.clone().begun());
        Draining {
            word,
            drain: drain.clone(),
            has_begun: false,
            grace: Deadline::new(),
            is_over: false,
        }
    }

    /// Ready when an idle connection is to close, or one on which half a head has come.
    fn poll_must_leave(&mut self, is_idle: bool, cx: &mut Context<'_>) -> Poll<()> {
        if !self.has_begun {
            ready!(self.word.as_mut().poll(cx));
            self.has_begun = true;
            self.grace.restart(Some(GRACE));
            self.word = Box::pin(self.drain.clone().over());
        }
        if !self.is_over && self.word.as_mut().poll(cx).is_ready() {
            self.is_over = true;
        }
        match self.is_over || is_idle && self.grace.poll(cx).is_ready() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// What the client sent next.
enum Next {
    Request(Box<Head>),
    /// And since when it has been at it.
    Refusal(Error, Instant),
    /// It left, or was asked to, between two requests.
    Nothing,
}

impl Session<'_> {
    async fn next_head(&mut self) -> Next {
        let Some(reader) = &mut self.reader else { return Next::Nothing };
        let timeouts = self.connection.pipeline.timeouts;
        reader.skip_empty_lines();
        reader.release();
        let mut is_idle = reader.buffer.is_empty();
        let refusal = |error, began: Option<Instant>| {
            Next::Refusal(error, began.unwrap_or_else(Instant::now))
        };
        // Only a head that does not come at once has a beginning to be remembered.
        let (mut seen, mut began) = (0, None);
        if is_idle {
            self.wait.restart(timeouts.idle);
        }
        loop {
            // A head that drips in is parsed when it begins and when it may be whole, not at
            // every drop.
            if !is_idle && (seen == 0 || may_end_head(&reader.buffer, seen)) {
                match head::parse(&mut reader.buffer) {
                    Ok(Some(head)) => return Next::Request(Box::new(head)),
                    Ok(None) if began.is_none() => {
                        let now = Instant::now();
                        self.wait.restart_from(now.into(), timeouts.read);
                        began = Some(now);
                    }
                    Ok(None) => {}
                    Err(error) => return refusal(error, began),
                }
            }
            seen = reader.buffer.len();
            let (wait, draining) = (&mut self.wait, &mut self.draining);
            let read = poll_fn(|cx| {
                if let Poll::Ready(read) = reader.poll_fill(cx) {
                    return Poll::Ready(Some(read.unwrap_or(0)));
                }
                if draining.poll_must_leave(is_idle, cx).is_ready() {
                    return Poll::Ready(Some(0));
                }
                wait.poll(cx).map(|()| None)
            });
            match read.await {
                None | Some(0) if is_idle => return Next::Nothing,
                Some(0) if draining.is_over => return Next::Nothing,
                None => return refusal(Error::HeadTimeout, began),
                Some(0) => return refusal(Error::ClientGone, began),
                Some(_) if is_idle => {
                    reader.skip_empty_lines();
                    is_idle = reader.buffer.is_empty();
                }
                Some(_) => {}
            }
        }
    }

    /// One request and its response.
    async fn exchange(&mut self, head: Box<Head>) -> After {
        let Head { framing, expects_continue, keep_alive, .. } = *head;
        let (method, version) = (head.request.method().clone(), head.request.version());
        let has_no_body = framing == Framing::None;
        let body = match (framing, self.reader.take()) {
            (Framing::None, reader) => {
                self.reader = reader;
                RequestBody::empty()
            }
            (framing, Some(reader)) => {
                let loan = self.loan.insert(Arc::default()).clone();
                RequestBody::http1(BodyReader::new(reader, framing, expects_continue, loan))
            }
            (_, None) => return After::Gone,
        };
        let request = with_body(head, body);
        let Some(response) = self.await_answer(request).await else { return After::Gone };
        // While the rest of a body is under way, there is no telling where a next request begins.
        let wants_more = keep_alive && self.is_body_whole() && !self.connection.drain.has_begun();
        let after = self.respond(response, &method, version, wants_more).await;
        self.take_back_reader();
        self.loan = None;
        match after {
            // It said that this is its last word (RFC 9112 section 9.6), so nothing that it sends
            // can reset the answer on its way. Behind a body there may be a stray line end.
            After::Close if !keep_alive && has_no_body && self.writer.is_plain() => After::Leave,
            after => after,
        }
    }

    /// The pipeline's answer, or `None` if the client left before it came. Meanwhile the client
    /// gets interim responses: the child's, and a 100 if somebody asks for the body.
    async fn await_answer(
        &mut self,
        request: Box<Request<RequestBody>>,
    ) -> Option<Response<ResponseBody>> {
        let Connection { pipeline, client, .. } = self.connection;
        // Boxed, so that a connection between two requests does not hold room for one.
        let mut answer = Box::pin(pipeline.answer(request, client));
        poll_fn(|cx| {
            let answered = answer.as_mut().poll(cx);
            for (status, headers) in client.interim.take() {
                self.writer.outbox.append(|out| encode::interim(out, status, &headers));
            }
            if answered.is_ready() {
                return answered.map(Some);
            }
            if self.loan.as_ref().is_some_and(|loan| loan.take_continue()) {
                let none = HeaderMap::new();
                self.writer.outbox.append(|out| encode::interim(out, StatusCode::CONTINUE, &none));
            }
            let is_gone = self.writer.poll_flush(cx).map_err(drop) == Poll::Ready(Err(()));
            if is_gone || self.poll_client_gone(cx).is_ready() {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    /// Ready when the client has closed its end. Requests it sends ahead wait in the buffer.
    fn poll_client_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.take_back_reader();
        let Some(reader) = &mut self.reader else { return Poll::Pending };
        while reader.buffer.len() < PIPELINED {
            if ready!(reader.poll_fill(cx)).unwrap_or(0) == 0 {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    fn take_back_reader(&mut self) {
        if let (None, Some(loan)) = (&self.reader, &self.loan) {
            self.reader = loan.take_back();
        }
    }

    fn is_body_whole(&self) -> bool {
        self.loan.as_ref().is_none_or(|loan| loan.is_whole())
    }

    async fn refuse(&mut self, error: Error, began: Instant) -> After {
        let Connection { pipeline, client, .. } = self.connection;
        let response = pipeline.answer_unread(error, client, began).await;
        self.respond(response, &Method::GET, Version::HTTP_11, false).await
    }

    /// Another protocol takes over.
    async fn tunnel(mut self, body: ResponseBody) {
        let ResponseBody { content: Content::Tunnel(tunnel), mut record } = body else { return };
        let Some(reader) = self.reader.take() else { return };
        if let Err(error) = poll_fn(|cx| self.writer.poll_flush(cx)).await {
            return record.failed(&error);
        }
        let (read, early) = reader.into_parts();
        let read = std::io::Cursor::new(early).chain(read);
        let client = tokio::io::join(read, self.writer.into_half());
        tunnel.join(client, &mut record, self.connection.drain.clone()).await;
    }

    /// Says goodbye: our end is closed, the client's is read until it closes too.
    async fn linger(mut self) {
        let Some(mut reader) = self.reader.take() else { return };
        let mut half = self.writer.into_half();
        // A client that is gone already needs no goodbye.
        if half.shutdown().await.is_err() {
            return;
        }
        let deaf = poll_fn(|cx| {
            loop {
                reader.buffer.clear();
                if ready!(reader.poll_fill(cx)).unwrap_or(0) == 0 {
                    return Poll::Ready(());
                }
            }
        });
        // Past the deadline we have been polite enough.
        drop(tokio::time::timeout(LINGER, deaf).await);
    }
}

/// The request as a whole, without the room that its head had.
fn with_body(head: Box<Head>, body: RequestBody) -> Box<Request<RequestBody>> {
    Box::new(head.request.map(|()| body))
}

/// Whether the bytes after `seen` may hold the empty line that ends a head.
fn may_end_head(buffer: &[u8], seen: usize) -> bool {
    let new = &buffer[seen.saturating_sub(3)..];
    buffer.len() > head::MAX_HEAD
        || memchr::memmem::find(new, b"\n\r\n").is_some()
        || memchr::memmem::find(new, b"\n\n").is_some()
}
