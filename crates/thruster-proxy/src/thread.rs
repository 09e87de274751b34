//! Threads of the engine. Each has a name, and what it says of itself (`tracing`) is heard by
//! whoever hears the one that started it: several fronts in one process have a log each.

use std::cell::RefCell;
use std::io;
use std::thread::{Builder, JoinHandle};

use tracing::Dispatch;
use tracing::dispatcher::{DefaultGuard, get_default, set_default, with_default};

/// Starts a thread.
///
/// # Errors
/// The system refused it.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let listener = get_default(Dispatch::clone);
    Builder::new().name(name.into()).spawn(move || with_default(&listener, run))
}

/// The same for threads that somebody else starts: to be called first thing on each of them.
pub fn hook() -> impl Fn() + Send + Sync + 'static {
    thread_local!(static HEARD: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) });
    let listener = get_default(Dispatch::clone);
    move || HEARD.set(Some(set_default(&listener)))
}
