//! What the streams of one connection are up to: how many are under way, how many wait for the
//! client, and what they do to its budget.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::budget::Budget;
use crate::body::ResponseBody;
use crate::error::Error;

pub struct Streams {
    active: AtomicUsize,
    /// Those of them whose client has no room for what there is.
    waiting: AtomicUsize,
    /// Grows with every DATA frame on its way to the client.
    moves: AtomicUsize,
    has_unsent: AtomicBool,
    budget: Mutex<Budget>,
}

impl Streams {
    pub fn new(now: Instant) -> Self {
        Streams {
            active: AtomicUsize::default(),
            waiting: AtomicUsize::default(),
            moves: AtomicUsize::default(),
            has_unsent: AtomicBool::default(),
            budget: Mutex::new(Budget::new(now)),
        }
    }

    pub fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request is under way.
    pub fn are_active(&self) -> bool {
        self.active.load(Relaxed) > 0
    }

    /// Whether nothing is under way that does not wait for the client. What h2 has taken is no
    /// longer under way, and may wait too.
    pub fn are_all_waiting(&self) -> bool {
        self.waiting.load(Relaxed) == self.active.load(Relaxed)
    }

    pub fn moved(&self) {
        self.moves.fetch_add(1, Relaxed);
    }

    pub fn moves(&self) -> usize {
        self.moves.load(Relaxed)
    }

    pub fn note_unsent(&self, has_unsent: bool) {
        self.has_unsent.store(has_unsent, Relaxed);
    }

    /// Whether a stream has not been answered to its end, as the socket saw it: h2 may hold the
    /// end of an answer that is no longer under way.
    pub fn has_unsent(&self) -> bool {
        self.has_unsent.load(Relaxed)
    }
}

/// A request's place among them, for as long as it lives.
pub struct Seat {
    streams: Arc<Streams>,
    is_waiting: bool,
    /// It ended as requests should; otherwise it counts as given up.
    is_over: bool,
}

impl Seat {
    pub fn new(streams: &Arc<Streams>) -> Self {
        streams.budget().seated();
        Seat::beside(streams)
    }

    fn beside(streams: &Arc<Streams>) -> Self {
        streams.active.fetch_add(1, Relaxed);
        Seat { streams: streams.clone(), is_waiting: false, is_over: false }
    }

    /// One for a tunnel, whose request had its own, and whose every end is in order.
    pub fn for_tunnel(streams: &Arc<Streams>) -> Self {
        let mut seat = Seat::beside(streams);
        seat.is_over = true;
        seat
    }

    fn wait(&mut self, is_waiting: bool) {
        match (std::mem::replace(&mut self.is_waiting, is_waiting), is_waiting) {
            (false, true) => self.streams.waiting.fetch_add(1, Relaxed),
            (true, false) => self.streams.waiting.fetch_sub(1, Relaxed),
            _ => return,
        };
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.wait(false);
        self.streams.active.fetch_sub(1, Relaxed);
        match self.is_over {
            true => self.streams.budget().answered(),
            false => self.streams.budget().given_up(Instant::now),
        }
    }
}

/// A body that keeps its request's seat: an event stream is no idle connection.
pub struct Seated {
    body: ResponseBody,
    seat: Seat,
}

impl Seated {
    pub fn new(body: ResponseBody, mut seat: Seat) -> Self {
        seat.is_over = body.is_end_stream();
        Seated { body, seat }
    }
}

impl Body for Seated {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        this.seat.wait(false);
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                this.seat.streams.budget().sent(frame.data_ref().map_or(0, Bytes::len));
                this.seat.is_over = this.body.is_end_stream();
                // hyper asks for the next one, or lets go of the body, once there was room for it.
                this.seat.wait(true);
            }
            // What breaks off on our side is not the client's fault.
            Some(Err(_)) | None => this.seat.is_over = true,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
