//! The body of an entry that was found on the disk: an open file, which stays what it is when the
//! entry is replaced, evicted or purged.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::image::Layout;
use super::index::Place;
use super::shared::Shared;

/// Shared, never copied.
#[derive(Clone)]
pub struct Stored(Arc<Inner>);

struct Inner {
    file: File,
    layout: Layout,
    /// Where to tell of damage.
    home: Weak<Shared>,
    place: Place,
}

impl Stored {
    pub(super) fn new(file: File, layout: Layout, home: Weak<Shared>, place: Place) -> Self {
        Stored(Arc::new(Inner { file, layout, home, place }))
    }

    /// Bytes of the body.
    pub fn length(&self) -> u64 {
        self.0.layout.length()
    }

    /// Bytes from `at` on, at most so many; none at the end. They are checked before they are
    /// given out, in whole blocks, so asking for less than [`BLOCK`](super::BLOCK) at a time saves
    /// nothing; more than four come at a later call. Blocks.
    ///
    /// # Errors
    /// Those of the system, and `InvalidData`: the block is damaged, and the entry will not be
    /// found again.
    pub fn read(&self, at: u64, at_most: usize) -> io::Result<Bytes> {
        let Inner { file, layout, home, place } = &*self.0;
        let read = layout.read(file, at, at_most);
        if let (Err(error), Some(home)) = (&read, home.upgrade()) {
            home.lose(place, error);
        }
        read
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stored({} bytes)", self.length())
    }
}
