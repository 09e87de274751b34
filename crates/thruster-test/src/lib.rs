//! The vocabulary of the black-box tests: `thrust()` starts the real executable, `upstream()` is
//! the server behind it, scripted to the byte, and [`Client`] speaks raw bytes to its front.
//!
//! Everything waits for an event with a deadline, nothing sleeps, and what was started ends with
//! its handle.

mod authority;
mod client;
mod control;
mod event;
mod folder;
mod http2;
mod pace;
mod pebble;
mod port;
mod relay;
mod thrust;
mod upstream;

pub use authority::{Authority, Pair, Trust, server_name};
pub use client::{Client, Response};
pub use control::{Control, answer};
pub use event::{Event, event};
pub use folder::Folder;
pub use http2::{Http2, Stream};
pub use pace::pace;
pub use pebble::{Pebble, PebbleBuilder, pebble};
pub use thrust::{Failure, Thrust, ThrustBuilder, executable, thrust};
pub use upstream::{Exchange, Upstream, upstream, upstream_at, values};

use std::time::Duration;

/// How long anything may take that ought to happen at once. Long enough for a busy machine;
/// only a failing test ever waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);
