//! Bytes that wait to be written, in as few system calls as it takes.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use tokio::io::AsyncWrite;

use super::{Framing, chunked};

/// Pieces up to this size are copied behind what waits already: cheaper than a slice of their
/// own in the system call.
const COPIED: usize = 4 * 1024;

/// Slices for one system call; more than a few gain nothing.
const SLICES: usize = 16;

#[derive(Default)]
pub struct Outbox {
    /// Goes out first.
    sealed: VecDeque<Bytes>,
    /// Goes out after it.
    tail: BytesMut,
    waiting: usize,
}

impl Outbox {
    /// Bytes that wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Appends bytes that are made by `write`, such as a head.
    pub fn append(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let before = self.tail.len();
        write(&mut self.tail);
        self.waiting += self.tail.len() - before;
    }

    /// Appends a piece of body as its framing wants it.
    pub fn append_data(&mut self, framing: Framing, data: Bytes) {
        match framing {
            Framing::None => {}
            // An empty chunk would be the last one.
            Framing::Chunked if data.is_empty() => {}
            Framing::Chunked => {
                self.append(|out| chunked::write_size(out, data.len()));
                self.push(data);
                self.append(|out| out.extend_from_slice(b"\r\n"));
            }
            Framing::Length(_) | Framing::Close => self.push(data),
        }
    }

    /// Appends what ends a body.
    pub fn append_end(&mut self, framing: Framing, trailers: Option<&HeaderMap>) {
        if framing == Framing::Chunked {
            self.append(|out| chunked::write_end(out, trailers));
        }
    }

    fn push(&mut self, bytes: Bytes) {
        self.waiting += bytes.len();
        if bytes.len() <= COPIED {
            self.tail.extend_from_slice(&bytes);
            return;
        }
        if !self.tail.is_empty() {
            self.sealed.push_back(self.tail.split().freeze());
        }
        self.sealed.push_back(bytes);
    }

    /// Writes some of what waits; to be called only while something does. 0 is the end of `to`.
    pub fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<usize>> {
        let to = Pin::new(to);
        let written = if self.sealed.is_empty() {
            ready!(to.poll_write(cx, &self.tail))?
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let parts = self.sealed.iter().map(|b| &b[..]).chain([&self.tail[..]]);
            let mut count = 0;
            for (slice, part) in slices.iter_mut().zip(parts) {
                *slice = IoSlice::new(part);
                count += 1;
            }
            ready!(to.poll_write_vectored(cx, &slices[..count]))?
        };
        self.consume(written);
        Poll::Ready(Ok(written))
    }

    fn consume(&mut self, mut written: usize) {
        self.waiting -= written;
        while let Some(first) = self.sealed.front_mut() {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            self.sealed.pop_front();
        }
        self.tail.advance(written);
    }
}
