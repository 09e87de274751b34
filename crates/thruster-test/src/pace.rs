//! Slow peers.

use std::sync::mpsc::channel;
use std::time::Duration;

/// Does nothing for a while, as a slow peer does between two bytes. Not for waiting until
/// something has happened: that has an event.
pub fn pace(pause: Duration) {
    let (_silent, silence) = channel::<()>();
    // Nothing is ever sent.
    drop(silence.recv_timeout(pause));
}
