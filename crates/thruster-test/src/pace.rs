//! Slow peers.

use std::sync::mpsc::channel;
use std::time::Duration;

/// Does nothing for a while, as a slow peer does between two bytes. Not for waiting until
/// something has happened: that has an event.
pub fn pace(pause: Duration) {
    let (_silent, silence) = channel::<()>();
    assert!(silence.recv_timeout(pause).is_err(), "nothing is ever sent");
}
