//! The way out: one word to every connection that there will be no next request.

use tokio::sync::watch;

/// Gives the word.
pub struct Drainer(watch::Sender<bool>);

/// Hears it. Cheap to clone.
#[derive(Clone)]
pub struct Drain(watch::Receiver<bool>);

/// A pair of both.
pub fn channel() -> (Drainer, Drain) {
    let (sender, receiver) = watch::channel(false);
    (Drainer(sender), Drain(receiver))
}

impl Drainer {
    pub fn begin(&self) {
        self.0.send_replace(true);
    }
}

impl Drain {
    pub fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for the word. A drainer that is gone has nothing to wait for either.
    pub async fn begun(mut self) {
        drop(self.0.wait_for(|has_begun| *has_begun).await);
    }
}
