//! An answer taken off the child's hands while an HTTP/2 client makes up its mind. hyper asks
//! for a stream's body only when the client's window has room; so a task reads ahead of it, as
//! far as BUFFER_RESPONSES lets it, and gives the child up when the client takes nothing at all.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::access_log::Record;
use crate::body::Content;
use crate::deadline::Patience;
use crate::error::Error;
use crate::read_ahead::Held;

/// The client's end of it.
pub struct Ahead {
    shared: Arc<Shared>,
    size: SizeHint,
}

#[derive(Default)]
struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    frames: VecDeque<Frame<Bytes>>,
    waiting: usize,
    end: Option<Result<(), Error>>,
    /// Frames taken so far: how the reading task sees that the client moves.
    taken: u64,
    client: Option<Waker>,
    task: Option<Waker>,
    is_abandoned: bool,
    /// Written when the client has got all, has left, or takes no more: whichever comes first.
    record: Record,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ahead {
    /// Begins to read.
    pub async fn start(
        answer: Content,
        record: Record,
        held: Held,
        patience: Option<Duration>,
    ) -> Self {
        let ahead = Ahead { size: answer.size_hint(), shared: Arc::default() };
        ahead.shared.lock().record = record;
        let patience = Patience::new(patience);
        let mut reading = Reading {
            answer: Some(answer),
            held,
            patience,
            taken: 0,
            shared: ahead.shared.clone(),
        };
        let is_done = poll_fn(|cx| Poll::Ready(reading.poll(cx).is_ready())).await;
        if !is_done {
            tokio::spawn(async move { poll_fn(|cx| reading.poll(cx)).await });
        }
        ahead
    }

    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut state = self.shared.lock();
        let Some(frame) = state.frames.pop_front() else {
            return match state.end.take() {
                Some(end) => {
                    state.end = Some(Ok(()));
                    match &end {
                        Ok(()) => state.record.ended(),
                        Err(error) => state.record.failed(error),
                    }
                    Poll::Ready(end.err().map(Err))
                }
                None => {
                    state.client = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        };
        state.taken += 1;
        state.waiting -= weight(&frame);
        state.record.sent(frame.data_ref().map_or(0, Bytes::len));
        if state.frames.is_empty() && matches!(state.end, Some(Ok(()))) {
            state.record.ended();
        }
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    pub fn is_end_stream(&self) -> bool {
        let state = self.shared.lock();
        state.frames.is_empty() && matches!(state.end, Some(Ok(())))
    }

    pub fn size_hint(&self) -> SizeHint {
        self.size
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_abandoned = true;
        if let Some(task) = state.task.take() {
            task.wake();
        }
    }
}

/// The child's end of it. It stays as long as the client has not taken all: what waits counts
/// against the bound for all, and a client that takes nothing is given up.
struct Reading {
    /// `None` once it has been read to its end, and the child is free.
    answer: Option<Content>,
    held: Held,
    patience: Patience,
    taken: u64,
    shared: Arc<Shared>,
}

impl Reading {
    /// Ready when there is nothing more to do, or nobody to do it for.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let (may_read, is_empty) = {
                let mut state = self.shared.lock();
                if state.is_abandoned {
                    return Poll::Ready(());
                }
                state.task = Some(cx.waker().clone());
                let has_moved = std::mem::replace(&mut self.taken, state.taken) != state.taken;
                if has_moved || state.frames.is_empty() {
                    self.patience.moved();
                }
                (self.held.set(state.waiting), state.frames.is_empty())
            };
            let frame = match &mut self.answer {
                None if is_empty => return Poll::Ready(()),
                Some(answer) if may_read => answer.poll_frame(cx),
                _ => Poll::Pending,
            };
            match frame {
                Poll::Ready(Some(Ok(frame))) => self.push(frame),
                Poll::Ready(end) => {
                    self.answer = None;
                    self.end(end.and_then(Result::err).map_or(Ok(()), Err));
                }
                Poll::Pending if is_empty => return Poll::Pending,
                Poll::Pending => {
                    ready!(self.patience.poll_exhausted(cx));
                    self.give_up();
                    return Poll::Ready(());
                }
            }
        }
    }

    fn push(&mut self, frame: Frame<Bytes>) {
        let mut state = self.shared.lock();
        state.waiting += weight(&frame);
        state.frames.push_back(frame);
        if let Some(client) = state.client.take() {
            client.wake();
        }
    }

    /// The client takes nothing: the child is let go of, and what was kept for the client too.
    fn give_up(&mut self) {
        self.answer = None;
        let mut state = self.shared.lock();
        state.frames.clear();
        state.waiting = 0;
        let mut record = std::mem::take(&mut state.record);
        drop(state);
        record.failed(&Error::ClientStalled);
        self.end(Err(Error::ClientStalled));
    }

    fn end(&mut self, end: Result<(), Error>) {
        let mut state = self.shared.lock();
        state.end = Some(end);
        if let Some(client) = state.client.take() {
            client.wake();
        }
    }
}

/// What a frame weighs: its data, and about as much again as a small one needs around it.
fn weight(frame: &Frame<Bytes>) -> usize {
    const AROUND: usize = 128;
    AROUND + frame.data_ref().map_or(0, Bytes::len)
}
