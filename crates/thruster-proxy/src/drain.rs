//! The way out: one word to every connection that there will be no next request, and a last one
//! that there is nobody left to answer.

use std::time::Duration;

use tokio::sync::watch;

/// How long a connection on which nothing has begun is left open when we stop: its next request may
/// be under way, and would be lost. With an answer the client learns that it is to go elsewhere.
pub const GRACE: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// What is under way is finished; nothing new begins.
    Draining,
    /// The child has ended: what it has not answered it never will.
    Over,
}

/// Gives the word.
pub struct Drainer(watch::Sender<Phase>);

/// Hears it. Cheap to clone.
#[derive(Clone)]
pub struct Drain(watch::Receiver<Phase>);

/// A pair of both.
pub fn channel() -> (Drainer, Drain) {
    let (sender, receiver) = watch::channel(Phase::Serving);
    (Drainer(sender), Drain(receiver))
}

impl Drainer {
    pub fn begin(&self) {
        self.advance(Phase::Draining);
    }

    pub fn end(&self) {
        self.advance(Phase::Over);
    }

    fn advance(&self, to: Phase) {
        self.0.send_if_modified(|phase| std::mem::replace(phase, to.max(*phase)) != *phase);
    }
}

impl Drain {
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() >= Phase::Draining
    }

    /// Waits for the first word.
    pub async fn begun(self) {
        self.reached(Phase::Draining).await;
    }

    /// Waits until whatever was under way to us at the first word must be here.
    pub async fn grace_is_over(self) {
        self.begun().await;
        tokio::time::sleep(GRACE).await;
    }

    /// Waits for the last word.
    pub async fn over(self) {
        self.reached(Phase::Over).await;
    }

    async fn reached(mut self, phase: Phase) {
        // A drainer that is gone has nothing more to say either.
        drop(self.0.wait_for(|now| *now >= phase).await);
    }
}
