//! The executable, driven through its sockets. One file a topic.

mod bodies;
mod forwarding;
mod framing;
mod http2;
mod refusals;
mod retry;
