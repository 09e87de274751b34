//! HTTP/1 with one client: heads in, responses out, in order, until one side has had enough.
//!
//! The server's half is our own over `httparse`, where hyper's would have served: hyper answers
//! what it cannot parse by itself and tells nobody, accepts Content-Length beside
//! Transfer-Encoding, cannot send interim responses, and times only heads. Each of those is a
//! promise of ours. HTTP/2 and the connections to the child are hyper's.

mod chunked;
mod encode;
mod head;
mod reader;
mod writer;

pub use reader::BodyReader;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use self::encode::{Exchange, Framing};
use self::head::Head;
use self::reader::{Loan, Reader};
use self::writer::Writer;
use super::Connection;
use crate::body::{Content, RequestBody, ResponseBody};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::pipeline::ClosesConnection;

/// Bytes of a response that may wait for the client before the child has to.
const READ_AHEAD: usize = 64 * 1024;

/// How long we listen on after our last word, so that a client still sending gets to read it
/// instead of a reset (RFC 9112 section 9.6).
const LINGER: Duration = Duration::from_secs(2);

/// Serves the connection until it ends. `early` is what has been read off it already.
pub async fn serve(stream: TcpStream, early: BytesMut, connection: &Connection) {
    let (read, write) = stream.into_split();
    let mut session = Session {
        reader: Some(Reader::new(read, early)),
        writer: Writer::new(write, connection.pipeline.timeouts.write),
        wait: Deadline::new(),
        draining: Box::pin(connection.drain.clone().begun()),
        connection,
    };
    loop {
        let next = match session.next_head().await {
            Next::Request(head) => session.exchange(*head).await,
            Next::Refusal(error) => session.refuse(error).await,
            Next::Nothing => return,
        };
        match next {
            After::Another => {}
            After::Close => return session.linger().await,
            After::Tunnel(body) => return session.tunnel(body).await,
            After::Gone => return,
        }
    }
}

struct Session<'c> {
    /// Away while a request's body is being read.
    reader: Option<Reader>,
    writer: Writer,
    wait: Deadline,
    /// One for the connection's whole life: waiting anew before each request would cost more.
    draining: Pin<Box<dyn Future<Output = ()> + Send>>,
    connection: &'c Connection,
}

/// What the client sent next.
enum Next {
    Request(Box<Head>),
    Refusal(Error),
    /// It left, or was asked to, between two requests.
    Nothing,
}

/// What becomes of the connection after a response.
enum After {
    Another,
    Close,
    Tunnel(ResponseBody),
    /// There is nobody left to say anything to.
    Gone,
}

impl Session<'_> {
    async fn next_head(&mut self) -> Next {
        let Some(reader) = &mut self.reader else { return Next::Nothing };
        let timeouts = self.connection.pipeline.timeouts;
        let mut is_idle = reader.buffer.is_empty();
        let mut seen = 0;
        self.wait.restart(if is_idle { timeouts.idle } else { timeouts.read });
        loop {
            // A head that drips in is parsed when it begins and when it may be whole, not at
            // every drop.
            if !is_idle && (seen == 0 || may_end_head(&reader.buffer, seen)) {
                match head::parse(&mut reader.buffer) {
                    Ok(Some(head)) => return Next::Request(Box::new(head)),
                    Ok(None) => {}
                    Err(error) => return Next::Refusal(error),
                }
            }
            seen = reader.buffer.len();
            let (wait, draining) = (&mut self.wait, &mut self.draining);
            let read = poll_fn(|cx| {
                if let Poll::Ready(read) = reader.poll_fill(cx) {
                    return Poll::Ready(Some(read.unwrap_or(0)));
                }
                if is_idle && draining.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Some(0));
                }
                wait.poll(cx).map(|()| None)
            });
            match read.await {
                None | Some(0) if is_idle => return Next::Nothing,
                None => return Next::Refusal(Error::HeadTimeout),
                Some(0) => return Next::Refusal(Error::ClientGone),
                Some(_) if is_idle => {
                    is_idle = false;
                    self.wait.restart(timeouts.read);
                }
                Some(_) => {}
            }
        }
    }

    /// One request and its response.
    async fn exchange(&mut self, head: Head) -> After {
        let Head { request, framing, expects_continue, keep_alive } = head;
        let (method, version) = (request.method().clone(), request.version());
        let loan = match framing {
            head::Framing::Empty => None,
            _ => Some(Arc::<Loan>::default()),
        };
        let body = match (&loan, self.reader.take()) {
            (Some(loan), Some(reader)) => {
                let reader = BodyReader::new(reader, framing, expects_continue, loan.clone());
                RequestBody::http1(reader)
            }
            (_, reader) => {
                self.reader = reader;
                RequestBody::empty()
            }
        };
        let Some(response) = self.await_answer(request, body, loan.as_deref()).await else {
            return After::Gone;
        };
        let wants_more = keep_alive && !self.connection.drain.has_begun();
        let after = self.respond(response, &method, version, wants_more).await;
        let Some(loan) = loan else { return after };
        self.reader = self.reader.take().or_else(|| loan.take_back());
        match after {
            // The rest of the body is still under way: there is no telling how much.
            After::Another if !loan.is_whole() => After::Close,
            after => after,
        }
    }

    /// The pipeline's answer, or `None` if the client left before it came. Meanwhile the client
    /// gets its 100 if somebody asks for the body.
    async fn await_answer(
        &mut self,
        request: Request<()>,
        body: RequestBody,
        loan: Option<&Loan>,
    ) -> Option<Response<ResponseBody>> {
        let Connection { pipeline, client, .. } = self.connection;
        // Boxed, so that a connection between two requests does not hold room for one.
        let mut answer = Box::pin(pipeline.answer(Box::new(request.map(|()| body)), client));
        poll_fn(|cx| {
            if let Poll::Ready(response) = answer.as_mut().poll(cx) {
                return Poll::Ready(Some(response));
            }
            if let Some(loan) = loan {
                self.reader = self.reader.take().or_else(|| loan.take_back());
                if loan.take_continue() {
                    let none = HeaderMap::new();
                    self.writer.append(|out| encode::interim(out, StatusCode::CONTINUE, &none));
                }
            }
            let is_gone = self.writer.poll_flush(cx).map_err(drop) == Poll::Ready(Err(()));
            if is_gone || self.poll_client_gone(cx).is_ready() {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await
    }

    /// Ready when the client has closed its end. Requests it sends ahead wait in the buffer, up
    /// to the size of a head.
    fn poll_client_gone(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(reader) = &mut self.reader else { return Poll::Pending };
        while reader.buffer.len() < head::MAX_HEAD {
            if ready!(reader.poll_fill(cx)).unwrap_or(0) == 0 {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    async fn respond(
        &mut self,
        response: Response<ResponseBody>,
        method: &Method,
        version: Version,
        wants_more: bool,
    ) -> After {
        let (mut head, mut body) = response.into_parts();
        let keep_alive = wants_more && head.extensions.get::<ClosesConnection>().is_none();
        let exchange = Exchange { method, version, keep_alive };
        let framing = encode::framing(exchange, &head, body.size_hint().exact());
        self.writer.append(|out| encode::head(out, &mut head, framing, exchange));
        if let Content::Tunnel(_) = body.content {
            return After::Tunnel(body);
        }
        let mut is_ended = framing == Framing::None
            || body.is_end_stream() && {
                self.end_body(framing, None);
                true
            };
        if framing == Framing::None {
            body.record.ended();
        }
        let sent =
            poll_fn(|cx| self.poll_send(cx, Pin::new(&mut body), framing, &mut is_ended)).await;
        match sent {
            Ok(()) if keep_alive && framing != Framing::Close => After::Another,
            Ok(()) => After::Close,
            Err(error) => {
                body.record.failed(&error);
                After::Gone
            }
        }
    }

    /// Moves the body towards the client: takes frames while there is room, writes when no more
    /// come at once.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        mut body: Pin<&mut ResponseBody>,
        framing: Framing,
        is_ended: &mut bool,
    ) -> Poll<Result<(), Error>> {
        loop {
            let mut is_dry = false;
            while !*is_ended && !is_dry && self.writer.waiting() < READ_AHEAD {
                match body.as_mut().poll_frame(cx) {
                    Poll::Pending => is_dry = true,
                    Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                    Poll::Ready(None) => {
                        self.end_body(framing, None);
                        *is_ended = true;
                    }
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(data) => {
                            self.write_data(framing, data);
                            if body.is_end_stream() {
                                self.end_body(framing, None);
                                *is_ended = true;
                            }
                        }
                        Err(frame) => {
                            self.end_body(framing, frame.trailers_ref());
                            *is_ended = true;
                        }
                    },
                }
            }
            ready!(self.writer.poll_flush(cx))?;
            if *is_ended {
                return Poll::Ready(Ok(()));
            }
            if is_dry {
                ready!(self.poll_client_gone(cx));
                return Poll::Ready(Err(Error::ClientGone));
            }
        }
    }

    fn write_data(&mut self, framing: Framing, data: Bytes) {
        match framing {
            Framing::None => {}
            // An empty chunk would be the last one.
            Framing::Chunked if data.is_empty() => {}
            Framing::Chunked => {
                self.writer.append(|out| encode::chunk_size(out, data.len()));
                self.writer.push(data);
                self.writer.append(|out| out.extend_from_slice(b"\r\n"));
            }
            Framing::Length(_) | Framing::Close => self.writer.push(data),
        }
    }

    fn end_body(&mut self, framing: Framing, trailers: Option<&HeaderMap>) {
        if framing == Framing::Chunked {
            self.writer.append(|out| encode::last_chunk(out, trailers));
        }
    }

    async fn refuse(&mut self, error: Error) -> After {
        let is_gone = matches!(error, Error::ClientGone);
        let Connection { pipeline, client, .. } = self.connection;
        let response = pipeline.answer_unread(error, client).await;
        if is_gone {
            return After::Gone;
        }
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
        let client =
            tokio::io::join(std::io::Cursor::new(early).chain(read), self.writer.into_half());
        tunnel.join(client, &mut record).await;
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

/// Whether the bytes after `seen` may hold the empty line that ends a head.
fn may_end_head(buffer: &[u8], seen: usize) -> bool {
    let new = &buffer[seen.saturating_sub(3)..];
    buffer.len() > head::MAX_HEAD
        || memchr::memmem::find(new, b"\n\r\n").is_some()
        || memchr::memmem::find(new, b"\n\n").is_some()
}
