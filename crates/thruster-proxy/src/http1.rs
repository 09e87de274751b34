//! What both ends of HTTP/1 share: fields off the wire and onto it, the chunked coding, and
//! bytes that wait to be written. `connection::http1` is the end towards clients,
//! `upstream::connection` the one towards the child.

pub mod chunked;
pub mod fields;
mod outbox;

pub use outbox::Outbox;

use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

use self::chunked::{Chunked, Step};
use crate::error::Error;

/// How the body of a message is delimited (RFC 9112 section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none, whatever the fields say.
    None,
    Length(u64),
    Chunked,
    /// It ends with the connection: only responses, and only where the other end knows no chunks.
    Close,
}

/// Room worth reading into; below it a new buffer is made.
const SCANT: usize = 512;

/// Reads what has come into `buffer`, `at_once` bytes at most if a new buffer is made. 0 is the
/// end.
pub fn poll_read(
    from: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    at_once: usize,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if buffer.capacity() - buffer.len() < SCANT {
        buffer.reserve(at_once);
    }
    // A `read_buf` that is dropped while pending has read nothing.
    pin!(from.read_buf(buffer)).poll(cx)
}

/// Bytes of a body that has a length or ends in chunks, taken off the front of a buffer.
#[derive(Debug)]
pub enum Decoder {
    Length(u64),
    Chunked(Chunked),
    Close,
}

impl Decoder {
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::None => Decoder::Length(0),
            Framing::Length(length) => Decoder::Length(length),
            Framing::Chunked => Decoder::Chunked(Chunked::default()),
            Framing::Close => Decoder::Close,
        }
    }

    /// The next piece of body in `buffer`.
    ///
    /// # Errors
    /// The coding is broken.
    pub fn step(&mut self, buffer: &mut BytesMut) -> Result<Step, Error> {
        match self {
            Decoder::Chunked(chunked) => chunked.step(buffer),
            Decoder::Length(0) => Ok(Step::End),
            Decoder::Length(_) | Decoder::Close if buffer.is_empty() => Ok(Step::NeedMore),
            Decoder::Length(left) => {
                let here = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                *left -= here as u64;
                Ok(Step::Data(buffer.split_to(here).freeze()))
            }
            Decoder::Close => Ok(Step::Data(buffer.split().freeze())),
        }
    }

    /// Whether the last byte has been taken.
    pub fn is_done(&self) -> bool {
        matches!(self, Decoder::Length(0) | Decoder::Chunked(Chunked::Done))
    }

    /// Bytes of body still to come, where that is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Decoder::Length(left) => Some(*left),
            Decoder::Chunked(_) | Decoder::Close => None,
        }
    }
}
