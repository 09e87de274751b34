//! How a connection comes to its end in good order: when the client is told that nothing new is
//! taken, and how long one that does not answer is waited for.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::streams::Streams;
use crate::deadline::{Deadline, Patience};
use crate::drain::{Drain, GRACE};

pub struct Leaving {
    word: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_draining: bool,
    has_begun: bool,
    was_busy: bool,
    idle: Deadline,
    may_idle: Option<Duration>,
    grace: Patience,
}

impl Leaving {
    pub fn new(drain: &Drain, may_idle: Option<Duration>) -> Self {
        Leaving {
            word: Box::pin(drain.clone().begun()),
            is_draining: false,
            has_begun: false,
            was_busy: true,
            idle: Deadline::new(),
            may_idle,
            grace: Patience::new(Some(GRACE)),
        }
    }

    pub fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Ready once: when the client is to be told.
    pub fn poll_begin(&mut self, cx: &mut Context<'_>, streams: &Streams) -> Poll<()> {
        self.is_draining = self.is_draining || self.word.as_mut().poll(cx).is_ready();
        if self.has_begun {
            return Poll::Pending;
        }
        let is_busy = streams.are_active();
        if std::mem::replace(&mut self.was_busy, is_busy) && !is_busy {
            self.idle.restart(self.may_idle);
        }
        self.has_begun = self.is_draining || !is_busy && self.idle.poll(cx).is_ready();
        if self.has_begun { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Ready when a stop would wait for nothing but the client's word. hyper asks for one, by a
    /// PING behind its GOAWAY, and a laptop that sleeps does not give it.
    pub fn poll_must_end(&mut self, cx: &mut Context<'_>, streams: &Streams) -> Poll<()> {
        if !self.is_draining || streams.has_unsent() {
            self.grace.moved();
            return Poll::Pending;
        }
        self.grace.poll_exhausted(cx)
    }
}
