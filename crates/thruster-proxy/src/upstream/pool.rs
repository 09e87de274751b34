//! Connections to the child that wait for another request. Each core has a shelf of its own,
//! so the locks are hardly ever contended; a core whose shelf is empty looks at the others'
//! before it opens another connection, because a thread of Puma may be listening to one of
//! theirs. The youngest is used first, so that the surplus grows old and goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use super::connection::Connection;

/// Puma closes idle connections after 20 s (versions 3 to 6) or more. Ours go well before.
const IDLE: Duration = Duration::from_secs(10);

/// Boxed because they are large, and handed from pool to request to body and back.
type Shelf = Vec<Box<Connection>>;

/// All shelves, for all cores.
#[derive(Clone)]
pub struct Shelves(Arc<[Mutex<Shelf>]>);

/// The shelves as one core sees them.
pub struct Pool {
    shelves: Shelves,
    own: usize,
}

impl Shelves {
    pub fn new(cores: usize) -> Self {
        Shelves((0..cores).map(|_| Mutex::default()).collect())
    }

    fn lock(&self, shelf: usize) -> MutexGuard<'_, Shelf> {
        self.0[shelf].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    pub fn new(shelves: Shelves, own: usize) -> Self {
        Pool { shelves, own }
    }

    /// An idle connection that, as far as can be known, is still open.
    pub fn take(&self) -> Option<Box<Connection>> {
        let count = self.shelves.0.len();
        (0..count).find_map(|nth| self.take_from((self.own + nth) % count))
    }

    fn take_from(&self, shelf: usize) -> Option<Box<Connection>> {
        // Nobody needs to be woken for a mere look.
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            let mut connection = self.shelves.lock(shelf).pop()?;
            if connection.idle_since.elapsed() < IDLE && connection.is_alive(&mut cx) {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose exchange is over.
    pub fn put(&self, mut connection: Box<Connection>) {
        connection.idle_since = Instant::now();
        // The core that opened it hears of its bytes first; with another it would only be slower.
        self.shelves.lock(connection.home).push(connection);
    }

    /// Closes what has been idle for long on our shelf.
    pub fn sweep(&self, now: Instant) {
        // They are in the order in which they were put back.
        let mut idle = self.shelves.lock(self.own);
        let old = idle.partition_point(|c| now.saturating_duration_since(c.idle_since) >= IDLE);
        idle.drain(..old);
    }

    /// The shelf that this core's own connections go to.
    pub fn own(&self) -> usize {
        self.own
    }
}
