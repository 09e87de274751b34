//! The executable, driven through its sockets. One file a topic.

mod forwarding;
mod http2;
