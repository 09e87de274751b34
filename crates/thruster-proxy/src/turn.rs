//! Work that would go on for long on a core's loop gives others their turn now and then.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll};

/// Pending once, until everybody else on this core has had a turn, and all sockets have been looked
/// at. Only to wake oneself would keep the queue of tasks from ever being empty, and then sockets
/// are looked at every 61 turns.
pub fn poll_give(cx: &mut Context<'_>) -> Poll<()> {
    pin!(tokio::task::yield_now()).poll(cx)
}
