//! Our half of an HTTP/1 connection: what waits to be written, in as few system calls as it
//! takes, and the patience we have with a client that does not read.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;
use tokio::net::tcp::OwnedWriteHalf;

use crate::deadline::Deadline;
use crate::error::Error;

/// Pieces up to this size are copied behind what waits already: cheaper than a slice of their
/// own in the system call.
const COPIED: usize = 4 * 1024;

/// Slices for one system call; more than a few gain nothing.
const SLICES: usize = 16;

pub struct Writer {
    half: OwnedWriteHalf,
    /// Goes out first.
    sealed: VecDeque<Bytes>,
    /// Goes out after it.
    tail: BytesMut,
    waiting: usize,
    patience: Option<Duration>,
    stall: Deadline,
    is_stalled: bool,
}

impl Writer {
    pub fn new(half: OwnedWriteHalf, patience: Option<Duration>) -> Self {
        Writer {
            half,
            sealed: VecDeque::new(),
            tail: BytesMut::new(),
            waiting: 0,
            patience,
            stall: Deadline::new(),
            is_stalled: false,
        }
    }

    pub fn into_half(self) -> OwnedWriteHalf {
        self.half
    }

    /// Bytes that wait to be written.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Appends bytes that are made by `write`, such as a head.
    pub fn append(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let before = self.tail.len();
        write(&mut self.tail);
        self.waiting += self.tail.len() - before;
    }

    pub fn push(&mut self, bytes: Bytes) {
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

    /// Writes all that waits.
    ///
    /// # Errors
    /// The client is gone, or has not taken a byte for too long.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while self.waiting > 0 {
            match self.poll_write(cx) {
                Poll::Ready(Ok(1..)) => self.is_stalled = false,
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(Error::ClientGone)),
                Poll::Pending => {
                    if !self.is_stalled {
                        self.is_stalled = true;
                        self.stall.restart(self.patience);
                    }
                    ready!(self.stall.poll(cx));
                    return Poll::Ready(Err(Error::ClientStalled));
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let half = Pin::new(&mut self.half);
        let written = if self.sealed.is_empty() {
            ready!(half.poll_write(cx, &self.tail))?
        } else {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let parts = self.sealed.iter().map(|b| &b[..]).chain([&self.tail[..]]);
            let mut count = 0;
            for (slice, part) in slices.iter_mut().zip(parts) {
                *slice = IoSlice::new(part);
                count += 1;
            }
            ready!(half.poll_write_vectored(cx, &slices[..count]))?
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
