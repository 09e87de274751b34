//! Deadlines that are moved often and met seldom: moving one is free, only waiting sets a timer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

pub struct Deadline {
    at: Option<Instant>,
    /// Set when first waited for, and then left to ring too early rather than moved each time.
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    /// One that is never met until it is [`restart`](Self::restart)ed.
    pub fn new() -> Self {
        Deadline { at: None, timer: None }
    }

    /// Puts the deadline this far from now; `None` is never.
    pub fn restart(&mut self, after: Option<Duration>) {
        // Where it is never, nobody needs to know the time.
        self.at = after.map(|after| Instant::now() + after);
    }

    /// The same from a moment that is known already.
    pub fn restart_from(&mut self, now: Instant, after: Option<Duration>) {
        self.at = after.map(|after| now + after);
    }

    /// Ready once the deadline has passed.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        loop {
            if timer.deadline() > at {
                timer.as_mut().reset(at);
            }
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            timer.as_mut().reset(at);
        }
    }
}

/// How long something that ought to move may stand still.
pub struct Patience {
    limit: Option<Duration>,
    deadline: Deadline,
    is_waiting: bool,
}

impl Patience {
    pub fn new(limit: Option<Duration>) -> Self {
        Patience { limit, deadline: Deadline::new(), is_waiting: false }
    }

    /// It has moved; the next wait begins anew.
    pub fn moved(&mut self) {
        self.is_waiting = false;
    }

    /// It has not; ready once it has stood still for too long, which counts from the first look.
    pub fn poll_exhausted(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !std::mem::replace(&mut self.is_waiting, true) {
            self.deadline.restart(self.limit);
        }
        self.deadline.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    fn paused() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
    }

    #[test]
    fn it_is_met_where_it_was_last_put() {
        paused().block_on(async {
            let (start, mut deadline) = (Instant::now(), Deadline::new());
            deadline.restart(Some(Duration::from_secs(10)));
            assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx).is_pending())).await);
            deadline.restart(Some(Duration::from_secs(30)));
            poll_fn(|cx| deadline.poll(cx)).await;
            assert_eq!(start.elapsed().as_secs(), 30);
            deadline.restart(Some(Duration::from_secs(5)));
            poll_fn(|cx| deadline.poll(cx)).await;
            assert_eq!(start.elapsed().as_secs(), 35);
        });
    }

    #[test]
    fn none_is_never() {
        paused().block_on(async {
            let mut deadline = Deadline::new();
            deadline.restart(None);
            assert!(poll_fn(|cx| Poll::Ready(deadline.poll(cx).is_pending())).await);
        });
    }

    #[test]
    fn patience_counts_from_the_first_look() {
        paused().block_on(async {
            let mut patience = Patience::new(Some(Duration::from_secs(10)));
            patience.moved();
            tokio::time::advance(Duration::from_secs(60)).await;
            let start = Instant::now();
            poll_fn(|cx| patience.poll_exhausted(cx)).await;
            assert_eq!(start.elapsed().as_secs(), 10);
        });
    }
}
