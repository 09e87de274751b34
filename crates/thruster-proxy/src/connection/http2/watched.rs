//! The bytes of an HTTP/2 connection, as they pass: frames that come are paid for, and a client
//! whose purse is empty is told to calm down and cut off.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::MAX_STREAMS;
use super::budget::{DATA, HEADERS};
use super::frames::{Frames, Head};
use super::streams::Streams;
use crate::connection::PREFACE;

/// RFC 9113 sections 6.4 and 6.1.
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;

pub struct Watched<S> {
    stream: S,
    streams: Arc<Streams>,
    incoming: Frames,
    outgoing: Frames,
    /// The last stream the client has opened.
    last: u32,
    /// Those whose answer has not ended, in order, and no more than may be under way.
    unended: Vec<u32>,
    is_flushed: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Watched<S> {
    /// `stream` begins with the preface.
    pub fn new(stream: S, streams: Arc<Streams>) -> Self {
        let (incoming, outgoing) = (Frames::after(PREFACE.len()), Frames::default());
        Watched {
            stream,
            streams,
            incoming,
            outgoing,
            last: 0,
            unended: Vec::new(),
            is_flushed: true,
        }
    }

    /// Says why as far as that is possible: a client that floods us rarely listens.
    fn cut_off(&mut self, cx: &mut Context<'_>) -> io::Error {
        // Into the middle of another frame it would only be noise.
        if self.outgoing.is_between() {
            let goodbye = calm_down(self.last);
            drop(Pin::new(&mut self.stream).poll_write(cx, &goodbye));
        }
        io::ErrorKind::ConnectionAborted.into()
    }

    fn has_written(&mut self, bytes: &[u8]) {
        let Watched { streams, unended, .. } = self;
        self.outgoing.see(bytes, |head| {
            if head.kind == DATA {
                streams.moved();
            }
            let is_end = matches!(head.kind, DATA | HEADERS) && head.flags & END_STREAM != 0;
            if is_end || head.kind == RST_STREAM {
                end(unended, head.stream);
            }
        });
        self.is_flushed = false;
        self.note_unsent();
    }

    /// Returns whether the client has asked too much.
    fn has_read(&mut self, bytes: &[u8]) -> bool {
        let Watched { streams, last, unended, .. } = self;
        let mut budget = streams.budget();
        self.incoming.see(bytes, |Head { length, kind, stream, .. }| {
            budget.frame(kind, length, Instant::now);
            match kind {
                HEADERS if stream > *last => {
                    *last = stream;
                    // One too many h2 refuses, unseen, and bounds how often.
                    if unended.len() < MAX_STREAMS as usize {
                        unended.push(stream);
                        budget.opened(Instant::now);
                    }
                }
                RST_STREAM => end(unended, stream),
                _ => {}
            }
        });
        let is_too_much = budget.excess().is_some();
        drop(budget);
        self.note_unsent();
        is_too_much
    }

    /// Also what is half written, or waits below us to be encrypted and sent, is unsent.
    fn note_unsent(&self) {
        let is_all_sent = self.unended.is_empty() && self.outgoing.is_between() && self.is_flushed;
        self.streams.note_unsent(!is_all_sent);
    }
}

fn end(unended: &mut Vec<u32>, stream: u32) {
    if let Ok(at) = unended.binary_search(&stream) {
        unended.remove(at);
    }
}

/// GOAWAY with ENHANCE_YOUR_CALM (RFC 9113 sections 6.8 and 7).
fn calm_down(last: u32) -> [u8; 17] {
    const GOAWAY: u8 = 7;
    const ENHANCE_YOUR_CALM: u8 = 0xb;
    let [a, b, c, d] = last.to_be_bytes();
    [0, 0, 8, GOAWAY, 0, 0, 0, 0, 0, a, b, c, d, 0, 0, 0, ENHANCE_YOUR_CALM]
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        ready!(Pin::new(&mut this.stream).poll_read(cx, into))?;
        let is_too_much = this.has_read(&into.filled()[before..]);
        Poll::Ready(if is_too_much { Err(this.cut_off(cx)) } else { Ok(()) })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = ready!(Pin::new(&mut this.stream).poll_write(cx, bytes))?;
        this.has_written(&bytes[..length]);
        Poll::Ready(Ok(length))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let length = ready!(Pin::new(&mut this.stream).poll_write_vectored(cx, slices))?;
        let mut rest = length;
        for slice in slices {
            let written = rest.min(slice.len());
            this.has_written(&slice[..written]);
            rest -= written;
        }
        Poll::Ready(Ok(length))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.is_flushed = true;
        self.note_unsent();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
