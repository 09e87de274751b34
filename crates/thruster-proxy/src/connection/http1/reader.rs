//! The client's half of an HTTP/1 connection: bytes not yet understood, and request bodies,
//! for which the reader is lent out and comes back at their end.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Frame, SizeHint};

use crate::error::Error;
use crate::http1::chunked::Step;
use crate::http1::{self, Decoder, Framing};
use crate::transport::ReadHalf;

/// Read at once while a head is awaited: most requests fit.
const HEAD_PIECE: usize = 4 * 1024;

/// Read at once of a body: fewer, larger reads for uploads.
const BODY_PIECE: usize = 64 * 1024;

pub struct Reader {
    half: ReadHalf,
    pub buffer: BytesMut,
}

impl Reader {
    pub fn new(half: ReadHalf, buffer: BytesMut) -> Self {
        Reader { half, buffer }
    }

    pub fn into_parts(self) -> (ReadHalf, BytesMut) {
        (self.half, self.buffer)
    }

    /// Reads what has come; 0 is the end.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() == 0 {
            ready!(self.half.poll_readable(cx))?;
        }
        http1::poll_read(&mut self.half, &mut self.buffer, HEAD_PIECE, cx)
    }

    /// Gives up an empty buffer: thousands of idle connections need none.
    pub fn release(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
    }

    /// Takes away the empty lines that some clients send after a body (RFC 9112 section 2.2).
    pub fn skip_empty_lines(&mut self) {
        while self.buffer.starts_with(b"\r\n") {
            self.buffer.advance(2);
        }
    }
}

/// Where a lent reader comes back to, and where the wish for a 100 is left.
#[derive(Default)]
pub struct Loan(Mutex<Returned>);

#[derive(Default)]
struct Returned {
    reader: Option<Reader>,
    /// The body was read to its end, and the next request begins where the reader stands.
    is_whole: bool,
    wants_continue: bool,
}

impl Loan {
    /// The reader, once the body's owner is done with it.
    pub fn take_back(&self) -> Option<Reader> {
        self.lock().reader.take()
    }

    pub fn is_whole(&self) -> bool {
        self.lock().is_whole
    }

    /// Whether somebody has asked for a body that waits for a 100; says so once.
    pub fn take_continue(&self) -> bool {
        std::mem::take(&mut self.lock().wants_continue)
    }

    fn lock(&self) -> MutexGuard<'_, Returned> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's body, as it comes off the wire.
pub struct BodyReader {
    reader: Option<Reader>,
    loan: Arc<Loan>,
    decoder: Decoder,
    awaits_continue: bool,
}

impl BodyReader {
    pub fn new(reader: Reader, framing: Framing, awaits_continue: bool, loan: Arc<Loan>) -> Self {
        BodyReader { reader: Some(reader), loan, decoder: Decoder::new(framing), awaits_continue }
    }

    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            let Some(reader) = &mut self.reader else { return Poll::Ready(None) };
            match self.decoder.step(&mut reader.buffer) {
                Err(error) => return Poll::Ready(Some(Err(error))),
                Ok(Step::Data(data)) => return Poll::Ready(Some(Ok(Frame::data(data)))),
                Ok(Step::Trailers(fields)) => {
                    return Poll::Ready(Some(Ok(Frame::trailers(fields))));
                }
                Ok(Step::End) => {
                    self.give_back(true);
                    return Poll::Ready(None);
                }
                Ok(Step::NeedMore) => {}
            }
            if std::mem::take(&mut self.awaits_continue) {
                self.loan.lock().wants_continue = true;
            }
            match ready!(http1::poll_read(&mut reader.half, &mut reader.buffer, BODY_PIECE, cx)) {
                Ok(0) | Err(_) => return Poll::Ready(Some(Err(Error::ClientGone))),
                Ok(_) => {}
            }
        }
    }

    /// Whether the client has closed its end. Reads no further than a piece ahead.
    pub fn has_client_left(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(reader) = &mut self.reader else { return false };
        while reader.buffer.len() < BODY_PIECE {
            match http1::poll_read(&mut reader.half, &mut reader.buffer, BODY_PIECE, cx) {
                Poll::Pending => return false,
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(Ok(0) | Err(_)) => return true,
            }
        }
        false
    }

    pub fn size_hint(&self) -> SizeHint {
        self.decoder.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }

    fn give_back(&mut self, is_whole: bool) {
        if let Some(reader) = self.reader.take() {
            let mut returned = self.loan.lock();
            returned.reader = Some(reader);
            returned.is_whole = is_whole;
        }
    }
}

impl Drop for BodyReader {
    fn drop(&mut self) {
        // Whoever has read the last byte need not have asked for the end.
        self.give_back(self.decoder.is_done());
    }
}
