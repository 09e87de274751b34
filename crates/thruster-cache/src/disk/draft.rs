//! A file while it is being written: under a temporary name, so that what is under its own name
//! is whole, whenever the process ends.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::folder::Folder;
use super::format::{self, HEADER, Header, Sums};
use super::head::Name;
use super::index::Record;
use crate::{Entry, Key, Variant};

/// Files take whole blocks of the file system, and this is what nearly all have.
const DISK_BLOCK: u64 = 4096;

/// Gone with its file, unless it is finished.
pub struct Draft {
    path: PathBuf,
    file: Arc<File>,
    pub name: Name,
    pub generation: u64,
    pub key: Key,
    pub variant: Variant,
    pub tags: Vec<Box<str>>,
    header: Header,
    sums: Sums,
    is_kept: bool,
}

impl Draft {
    /// Begins a file with `head`, which is the entry's.
    ///
    /// # Errors
    /// Those of the system.
    pub fn begin(
        folder: &mut Folder,
        entry: &Entry,
        head: &[u8],
        generation: u64,
    ) -> io::Result<Self> {
        let header = Header::of(head, entry.is_outdated());
        let (path, file) = folder.temporary()?;
        let draft = Draft {
            path,
            file: Arc::new(file),
            name: Name::of(&entry.key, &entry.variant),
            generation,
            key: entry.key.clone(),
            variant: entry.variant.clone(),
            tags: entry.tags.clone(),
            header,
            sums: Sums::new(),
            is_kept: false,
        };
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(head);
        draft.file.write_all_at(&bytes, 0)?;
        Ok(draft)
    }

    pub fn file(&self) -> Arc<File> {
        self.file.clone()
    }

    /// Where the body begins.
    pub fn body_at(&self) -> u64 {
        HEADER as u64 + u64::from(self.header.head_length)
    }

    /// Bytes of body that are in the file.
    pub fn length(&self) -> u64 {
        self.sums.length()
    }

    /// What the file will take on the disk with this much more body.
    pub fn size_with(&self, more: u64) -> u64 {
        let length = self.length().saturating_add(more);
        size_on_disk(format::file_length(self.header.head_length, length).unwrap_or(u64::MAX))
    }

    /// # Errors
    /// Those of the system; the draft is of no use then.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.body_at() + self.length())?;
        self.sums.update(bytes);
        Ok(())
    }

    /// It is purged softly before it is there.
    pub fn outdate(&mut self) {
        self.header.is_outdated = true;
    }

    /// Writes what is left of the file, and puts it where it is found.
    ///
    /// # Errors
    /// Those of the system.
    pub fn finish(mut self, folder: &Folder) -> io::Result<(Key, Record)> {
        let size = self.size_with(0);
        let end = self.body_at() + self.length();
        let closing = std::mem::take(&mut self.sums).closing(self.header.head_sum);
        self.file.write_all_at(&closing, end)?;
        if self.header.is_outdated {
            self.file.write_all_at(&self.header.encode(), 0)?;
        }
        folder.put(&self.path, self.name)?;
        self.is_kept = true;
        let record = Record {
            name: self.name,
            generation: self.generation,
            variant: std::mem::take(&mut self.variant),
            tags: std::mem::take(&mut self.tags).into(),
            head_sum: self.header.head_sum,
            size,
            is_outdated: self.header.is_outdated,
            hits: 0,
        };
        Ok((self.key.clone(), record))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_kept {
            // What stays is removed when the folder is next taken.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What a file of this length takes.
pub fn size_on_disk(length: u64) -> u64 {
    length.checked_next_multiple_of(DISK_BLOCK).unwrap_or(u64::MAX)
}
