//! Texts below STATIC_PATH without a neighbour, under codings of ours: the smallest, made once in
//! the background, and kept for as long as the file is the one it was made of.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lru::LruCache;
use thruster_cache::{Coding, Pointer};

use crate::compress;
use crate::file_body::ReadAt;
use crate::files::Opened;

/// What is younger may change once more without its time telling, for that moves in steps: of some
/// milliseconds mostly, of two seconds on the coarsest disks.
const UNSETTLED: Duration = Duration::from_secs(2);

/// What one takes besides its bytes and its name.
const OVERHEAD: usize = 256;

/// All that are kept, the one used last first.
pub struct CodedFiles {
    kept: Mutex<Kept>,
    capacity: usize,
    /// Longest file that is coded.
    most: u64,
}

struct Kept {
    files: LruCache<Wanted, Coded>,
    weight: usize,
}

/// A file, by its name below the root, under a coding.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Wanted {
    pub name: PathBuf,
    pub coding: Coding,
}

struct Coded {
    /// The file it was made of. Its path leads there over links or not, and does not count.
    of: Pointer,
    /// `None`: it is being made, or does not get smaller.
    body: Option<Bytes>,
}

/// What there is.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Body(Bytes),
    /// It is worth making.
    Nothing,
    /// Nobody need ask.
    Never,
}

impl CodedFiles {
    /// Room for `capacity` bytes, and for files of up to `most`.
    pub fn new(capacity: u64, most: u64) -> Self {
        let kept = Mutex::new(Kept { files: LruCache::unbounded(), weight: 0 });
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        CodedFiles { kept, capacity, most: most.min(capacity as u64) }
    }

    /// What is kept of this file as it is now.
    pub fn find(&self, wanted: &Wanted, file: &Pointer, now: SystemTime) -> Found {
        let is_settled = now.duration_since(file.modified).is_ok_and(|age| age > UNSETTLED);
        if file.length > self.most || !is_settled {
            return Found::Never;
        }
        match self.lock().files.get(wanted).filter(|coded| is_same(&coded.of, file)) {
            Some(Coded { body: Some(body), .. }) => Found::Body(body.clone()),
            Some(_) => Found::Never,
            None => Found::Nothing,
        }
    }

    /// Says that it is being made, so that nobody else asks.
    pub fn begin(&self, wanted: Wanted, file: Pointer) {
        self.keep(wanted, Coded { of: file, body: None });
    }

    /// Makes it. Blocks, and takes its time.
    pub fn make(&self, wanted: Wanted, file: Arc<std::fs::File>, pointer: Pointer) {
        let body = read_whole(&file, pointer.length);
        // It may have been written to since it was looked at.
        let is_still = || {
            let again = file.try_clone().and_then(|file| Opened::new(file, pointer.path.clone()));
            again.is_ok_and(|again| again.pointer == pointer)
        };
        match body.ok().filter(|_| is_still()) {
            Some(body) => {
                let body = compress::encode(wanted.coding, &body);
                self.keep(wanted, Coded { of: pointer, body });
            }
            None => self.forget(&wanted),
        }
    }

    fn keep(&self, wanted: Wanted, coded: Coded) {
        let mut kept = self.lock();
        kept.weight += weight(&wanted, &coded);
        if let Some((wanted, replaced)) = kept.files.push(wanted, coded) {
            kept.weight -= weight(&wanted, &replaced);
        }
        while kept.weight > self.capacity {
            let Some((wanted, coded)) = kept.files.pop_lru() else { break };
            kept.weight -= weight(&wanted, &coded);
        }
    }

    /// Says that it is not being made after all.
    pub fn forget(&self, wanted: &Wanted) {
        let mut kept = self.lock();
        if let Some((wanted, coded)) = kept.files.pop_entry(wanted) {
            kept.weight -= weight(&wanted, &coded);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn weight(wanted: &Wanted, coded: &Coded) -> usize {
    let names = wanted.name.as_os_str().len() + coded.of.path.as_os_str().len();
    OVERHEAD + names + coded.body.as_ref().map_or(0, Bytes::len)
}

fn is_same(one: &Pointer, other: &Pointer) -> bool {
    (one.length, one.modified, one.inode) == (other.length, other.modified, other.inode)
}

fn read_whole(file: &std::fs::File, length: u64) -> io::Result<Vec<u8>> {
    let mut whole = Vec::new();
    while (whole.len() as u64) < length {
        let rest = length - whole.len() as u64;
        let piece = ReadAt::read_at(file, whole.len() as u64, usize::try_from(rest).unwrap_or(1))?;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole)
}

#[cfg(test)]
mod tests;
