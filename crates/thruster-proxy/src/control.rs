//! The control socket: HTTP for the wrapped command and for a person with curl, who purge the
//! cache over it and look into it. Only for processes of the same user; see `docs/caching.md`.

mod answer;
mod exchange;
mod place;

use std::io;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use self::place::Place;
use crate::cache::Store;

/// Threads that serve it: some may be held up by clients that say nothing.
const THREADS: usize = 4;

/// The pause after an accept that failed for want of something, such as descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// The socket; removed when dropped.
pub struct Control {
    place: Place,
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
        let listener = Arc::new(place.listen()?);
        for number in 0..THREADS {
            let (listener, store) = (listener.clone(), store.clone());
            let name = format!("control-{number}");
            std::thread::Builder::new().name(name).spawn(move || serve(&listener, &store))?;
        }
        Ok(Control { place })
    }

    /// Where it is, for THRUSTER_CONTROL.
    pub fn path(&self) -> &Path {
        self.place.socket()
    }
}

fn serve(listener: &UnixListener, store: &Store) {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                let answered = exchange::serve(stream, |request| {
                    answer::to(&request, store, SystemTime::now())
                });
                if let Err(error) = answered {
                    tracing::debug!(%error, "A control connection broke");
                }
            }
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}
