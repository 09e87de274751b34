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

/// Threads that serve it: some may be held up by clients that say nothing.
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
        for number in 0..THREADS {
            let (door, store) = (door.clone(), store.clone());
            let name = format!("control-{number}");
            thread::spawn(&name, move || serve(&door, &store))?;
        }
        Ok(Control { place, door })
    }

    /// Where it is, for THRUSTER_CONTROL.
    pub fn path(&self) -> &Path {
        self.place.socket()
    }
}

fn serve(door: &Door, store: &Store) {
    while !door.is_closed.load(Relaxed) {
        match door.listener.accept() {
            Ok((stream, _)) => {
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
