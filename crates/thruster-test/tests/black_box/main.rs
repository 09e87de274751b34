//! The executable, driven through its sockets. One file a topic.

mod access_log;
mod bodies;
mod cache;
mod compression;
mod control;
mod disk_cache;
mod flood;
mod forwarding;
mod framing;
mod http2;
mod listening;
mod proxy_protocol;
mod refusals;
mod retry;
mod sendfile;
mod soak;
mod static_files;
mod stopping;
mod timeouts;
mod tls;
mod upgrade;
mod waiting;
