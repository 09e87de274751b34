//! The executable, driven through its sockets. One file a topic.

mod access_log;
mod bodies;
mod flood;
mod forwarding;
mod framing;
mod http2;
mod listening;
mod refusals;
mod retry;
mod soak;
mod stopping;
mod timeouts;
mod upgrade;
mod waiting;
