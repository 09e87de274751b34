//! The engine of thrust: an HTTP front for one web server.
//!
//! A request's life, in the order of the files:
//!
//! 1. [`listen`] accepts a connection and [`cores`] gives it to a core.
//! 2. [`connection`] finds out which protocol it speaks: `http1` or `http2`.
//! 3. [`pipeline`] takes each request through the stages; read it first. They are `access_log`,
//!    `limits`, `forwarded` and `upstream`.
//! 4. `upstream` hands the request to the wrapped command and brings its answer back.
//! 5. `body` carries the bytes of both; the last one lets the access log write its line.
//!
//! Around it: [`config`] says what was asked for, `supervise` runs the command (`child`), `drain`
//! is the way out, `error` is everything that can go wrong, and `run` wires it all. [`Front`] is
//! the same without a command.

mod access_log;
mod body;
mod cache;
mod child;
pub mod compress;
pub mod config;
mod connection;
mod control;
mod cores;
mod deadline;
mod descriptors;
mod drain;
mod early;
mod error;
mod file_body;
mod files;
mod forwarded;
mod front;
mod hop_by_hop;
mod hsts;
mod http1;
mod limits;
mod listen;
pub mod log;
#[cfg(feature = "micro")]
pub mod micro;
mod multipart;
mod notify;
mod pipeline;
mod proxy_protocol;
mod read_ahead;
mod representation;
mod run;
mod send_patience;
mod signals;
mod static_files;
mod supervise;
mod thread;
mod tls;
mod to_https;
mod transport;
mod trusted_proxies;
mod turn;
mod upstream;
mod zero_copy;

pub use front::Front;
pub use run::run;
pub use signals::divert as divert_signals;
pub use tls::{LocalAuthority, local_authority};
