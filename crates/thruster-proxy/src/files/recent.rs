//! A folder that is found once and kept for a while: to find it takes longer than to find a file
//! in it, and a deploy may well be noticed a moment later.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::local::Local;
use super::open::{self, Folder, Links};

/// How long the folder that was found is taken for the one that is there.
pub const FRESH: Duration = Duration::from_secs(1);

/// A folder, by its path.
#[derive(Debug)]
pub struct Recent {
    path: PathBuf,
    links: Links,
    found: Mutex<Option<(Instant, Arc<Folder>)>>,
}

impl Recent {
    pub fn new(path: PathBuf, links: Links) -> Self {
        Recent { path, links, found: Mutex::default() }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder, if nobody has to wait for it, nor for what is below it in the same file system.
    ///
    /// # Errors
    /// A thread has to look, or the system says that there is none.
    pub fn folder(&self, local: &Local, now: Instant) -> io::Result<Arc<Folder>> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((since, folder)) = &*found
            && now.saturating_duration_since(*since) < FRESH
        {
            return Ok(folder.clone());
        }
        // It would hold on to a file system that is to be unmounted.
        *found = None;
        if !open::is_available() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let folder = Arc::new(Folder::at_hand(&self.path, self.links)?);
        if !local.has(&folder) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        *found = Some((now, folder.clone()));
        Ok(folder)
    }
}
