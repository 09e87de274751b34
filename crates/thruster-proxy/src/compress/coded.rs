//! A body under a coding, made as it goes out.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use thruster_cache::Coding;

use super::Encoder;
use crate::body::Content;
use crate::error::Error;
use crate::turn;

/// Bytes of coded body that leave together.
const PIECE: usize = 16 * 1024;

/// Bytes coded before others on this core get their turn: some tenths of a millisecond. Four times
/// as much doubled the p99 of small requests beside large pages, and made the pages no faster.
const TURN: usize = 8 * 1024;

/// The same for a body that has just begun: most pages are coded at one go. In turns with 64 others,
/// an encoder's hundreds of KB had left the CPU's cache each time, and 30 KB took twice as long.
const FIRST_TURN: usize = 32 * 1024;

pub struct Coded {
    source: Content,
    /// What was taken from it before.
    early: VecDeque<Frame<Bytes>>,
    /// What is being coded.
    data: Bytes,
    /// `None` once the body has ended.
    encoder: Option<Encoder>,
    out: BytesMut,
    trailers: Option<Frame<Bytes>>,
    /// Bytes that may still be coded before others get their turn.
    turn: usize,
}

impl Coded {
    pub fn new(
        coding: Coding,
        source: Content,
        early: VecDeque<Frame<Bytes>>,
        length: Option<u64>,
        padding: Option<usize>,
    ) -> Self {
        Coded {
            source,
            early,
            data: Bytes::new(),
            encoder: Some(Encoder::new(coding, length).padded(padding)),
            out: BytesMut::new(),
            trailers: None,
            turn: FIRST_TURN,
        }
    }

    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        loop {
            if self.out.len() >= PIECE {
                return Poll::Ready(self.take_out());
            }
            let Some(encoder) = &mut self.encoder else {
                let rest = self.take_out();
                return Poll::Ready(rest.or_else(|| self.trailers.take().map(Ok)));
            };
            if !self.data.is_empty() {
                if self.turn == 0 {
                    self.turn = TURN;
                    return turn::poll_give(cx).map(|()| None);
                }
                let length = self.data.len().min(self.turn);
                encoder.push(&self.data[..length], false, &mut self.out);
                self.data.advance(length);
                self.turn -= length;
                continue;
            }
            let next = match self.early.pop_front() {
                Some(frame) => Poll::Ready(Some(Ok(frame))),
                None => self.source.poll_frame(cx),
            };
            match next {
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => self.data = data,
                    Err(trailers) => {
                        self.trailers = Some(trailers);
                        self.finish();
                    }
                },
                Poll::Ready(None) => self.finish(),
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error))),
                // The application pauses: what it has sent so far is for the client to see now.
                Poll::Pending => {
                    self.turn = self.turn.max(TURN);
                    encoder.push(&[], true, &mut self.out);
                    return match self.take_out() {
                        Some(frame) => Poll::Ready(Some(frame)),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }

    pub fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.out.is_empty() && self.trailers.is_none()
    }

    /// Nobody knows before it is made.
    pub fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }

    fn take_out(&mut self) -> Option<Result<Frame<Bytes>, Error>> {
        (!self.out.is_empty()).then(|| Ok(Frame::data(self.out.split().freeze())))
    }

    fn finish(&mut self) {
        if let Some(encoder) = self.encoder.take() {
            encoder.finish(&mut self.out);
        }
    }
}
