//! The control socket: HTTP for the wrapped command and for a person with curl, who purge the
//! cache over it and look into it. Only for processes of the same user; see `docs/caching.md`.

mod answer;
mod exchange;
mod place;

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use socket2::SockRef;

use self::place::Place;
use crate::cache::Store;
use crate::thread;

/// Threads that serve it at most: some may be held up by clients that say nothing.
const THREADS: usize = 4;

/// The pause after an accept that failed for want of something, such as descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// The socket; removed when dropped.
pub struct Control {
    place: Place,
    door: Arc<Door>,
}

struct Door {
    listener: UnixListener,
    is_closed: AtomicBool,
}

impl Drop for Control {
    fn drop(&mut self) {
        self.door.is_closed.store(true, Relaxed);
        // Wakes those who wait in accept(2). Where that is refused, they only wait on.
        drop(SockRef::from(&self.door.listener).shutdown(Shutdown::Both));
    }
}

impl Control {
    /// Opens the socket at `path`, or in a folder of its own, and serves it.
    ///
    /// # Errors
    /// The system refused.
    pub fn start(path: Option<&Path>, store: &Arc<Store>) -> io::Result<Self> {
        let mut place = match path {
            Some(path) => Place::given(path)?,
            None => Place::private()?,
        };
        let door = Arc::new(Door { listener: place.listen()?, is_closed: false.into() });
        serve(0, &door, store)?;
        Ok(Control { place, door })
    }

    /// Where it is, for THRUSTER_CONTROL.
    pub fn path(&self) -> &Path {
        self.place.socket()
    }
}

/// Starts a thread that serves, and that starts the next when it has somebody to serve: there is
/// always one that listens, and as long as nobody comes there is no other, with memory of its own.
fn serve(number: usize, door: &Arc<Door>, store: &Arc<Store>) -> io::Result<()> {
    let (door, store) = (door.clone(), store.clone());
    let run = move || accept(number, &door, &store);
    thread::spawn(&format!("control-{number}"), run).map(drop)
}

fn accept(number: usize, door: &Arc<Door>, store: &Arc<Store>) {
    let mut starts_next = number + 1 < THREADS;
    while !door.is_closed.load(Relaxed) {
        match door.listener.accept() {
            Ok((stream, _)) => {
                starts_next = starts_next && serve(number + 1, door, store).is_err();
                let answered = exchange::serve(stream, |request| {
                    answer::to(&request, store, SystemTime::now())
                });
                if let Err(error) = answered {
                    tracing::debug!(%error, "A control connection broke");
                }
            }
            Err(_) if door.is_closed.load(Relaxed) => {}
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}
