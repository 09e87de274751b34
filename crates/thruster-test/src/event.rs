//! What one side of a test tells the other.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use crate::PATIENCE;

/// Waits for what the [`Sender`] tells.
pub struct Event<T>(Mutex<Receiver<T>>);

/// A way to tell something, any number of times, and a way to wait for it.
pub fn event<T>() -> (Sender<T>, Event<T>) {
    let (sender, receiver) = channel();
    (sender, Event(Mutex::new(receiver)))
}

impl<T> Event<T> {
    /// What is told next.
    pub fn wait(&self) -> T {
        let receiver = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.recv_timeout(PATIENCE).expect("the event a test waits for")
    }
}
