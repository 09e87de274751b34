//! Connections to the child that wait for another request. Each core has a shelf of its own,
//! so the locks are hardly ever contended; a core whose shelf is empty looks at the others'
//! before it opens another connection, because a thread of Puma may be listening to one of
//! theirs. The youngest is used first, so that the surplus grows old and goes.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use super::connection::Connection;

/// Sweeps that a connection may be idle for, and there is one a second: Puma closes its own after
/// 20 s (versions 3 to 6) or more. The clock would be asked twice a request.
const IDLE_SWEEPS: u64 = 10;

/// The connections of one core.
#[derive(Default)]
struct Shelf {
    #[expect(clippy::vec_box, reason = "large, and handed from pool to request to body and back")]
    idle: Vec<Box<Connection>>,
    sweeps: u64,
}

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
            let mut connection = self.shelves.lock(shelf).idle.pop()?;
            if connection.is_alive(&mut cx) {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose exchange is over.
    pub fn put(&self, mut connection: Box<Connection>) {
        // The core that opened it hears of its bytes first; with another it would only be slower.
        let mut shelf = self.shelves.lock(connection.home);
        connection.idle_since = shelf.sweeps;
        shelf.idle.push(connection);
    }

    /// Closes what has been idle for long on our shelf; to be called once a second.
    pub fn sweep(&self) {
        let mut shelf = self.shelves.lock(self.own);
        shelf.sweeps += 1;
        // They are in the order in which they were put back.
        let old = shelf.idle.partition_point(|c| shelf.sweeps - c.idle_since >= IDLE_SWEEPS);
        shelf.idle.drain(..old);
    }

    /// The shelf that this core's own connections go to.
    pub fn own(&self) -> usize {
        self.own
    }
}
