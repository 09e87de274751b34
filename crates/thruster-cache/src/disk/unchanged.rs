//! Whether an entry that memory evicts is on the disk already, to the byte: what came from there
//! goes back there again and again, and need not be written each time.

use std::fs::File;
use std::io;
use std::time::SystemTime;

use super::folder::path_of;
use super::format::{Header, Sums};
use super::shared::Shared;
use super::{head, image};
use crate::Entry;

/// If it is, it counts as used now.
pub fn is_there(shared: &Shared, entry: &Entry, body: &[u8]) -> bool {
    let there = shared.index.peek(&entry.key, &entry.variant);
    let Some((there, head)) = there.zip(head::encode(entry)) else { return false };
    let header = Header::of(&head, entry.is_outdated());
    if (there.head_sum, there.is_outdated) != (header.head_sum, header.is_outdated) {
        return false;
    }
    let mut sums = Sums::new();
    sums.update(body);
    let is_same = || -> io::Result<bool> {
        let file = File::open(path_of(&shared.folder, there.name))?;
        let image = image::open(&file)?;
        let is_same = image.header == header
            && image.body.length() == body.len() as u64
            && image.body.table() == sums.table();
        if is_same {
            file.set_modified(SystemTime::now())?;
        }
        Ok(is_same)
    };
    is_same().unwrap_or(false)
}
