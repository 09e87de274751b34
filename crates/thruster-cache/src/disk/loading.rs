//! Filling the index from the folder, a step at a time between other work: first all files are
//! listed, then their heads are read, what was used last first. So the most wanted are found
//! first, and where the budget has shrunk the least wanted go.

use std::fs::File;
use std::io;

use super::draft::size_on_disk;
use super::folder::{Folder, Found, SHELVES, path_of};
use super::format::{Damage, Header};
use super::head::{Head, Name};
use super::image;
use super::index::{MAX_RECORDS, Record};
use super::pending::{Pending, Verdict};
use super::shared::Shared;

/// Heads read in one step: a millisecond or so, for which commands wait.
const STEP: usize = 64;

#[derive(Default)]
pub struct Loading {
    shelves: u16,
    /// The last one is the next.
    found: Vec<Found>,
}

impl Loading {
    /// Does a little of it; `true` when all is done.
    pub fn step(&mut self, shared: &Shared, folder: &Folder, pending: &Pending) -> bool {
        if self.shelves < SHELVES {
            self.list(folder);
            return false;
        }
        for _ in 0..STEP {
            let Some(found) = self.found.pop() else { return true };
            if let Err(error) = load(&found, shared, folder, pending) {
                tracing::debug!(%error, name = format!("{:032x}", found.name.0), "Left out");
            }
        }
        self.found.is_empty()
    }

    fn list(&mut self, folder: &Folder) {
        self.found.extend(folder.shelf(self.shelves));
        self.shelves += 1;
        if self.shelves == SHELVES {
            self.found.sort_unstable();
        }
        // More than the index would hold are nobody's, and their list would be without bounds.
        while self.found.len() > MAX_RECORDS {
            let found = self.found.pop().expect("there are many");
            // It stays, and is met again by the next process.
            let _ = folder.remove(found.name);
        }
    }
}

fn load(found: &Found, shared: &Shared, folder: &Folder, pending: &Pending) -> io::Result<()> {
    let name = found.name;
    let (length, header, head) = match read(name, shared) {
        Err(error) if Damage::is_in(&error) => {
            folder.remove(name)?;
            return Err(error);
        }
        read => read?,
    };
    if shared.index.peek(&head.key, &head.variant).is_some() {
        return Ok(()); // A later one, under the same name.
    }
    let verdict = pending.verdict(&head.key, &head.tags);
    let size = size_on_disk(length);
    if verdict == Verdict::Remove || shared.index.is_over(shared.size.saturating_sub(size)) {
        return folder.remove(name);
    }
    let is_marked = verdict == Verdict::Outdate && !header.is_outdated;
    if is_marked {
        folder.outdate(name)?;
    }
    let record = Record {
        name,
        generation: shared.next_generation(),
        variant: head.variant,
        tags: head.tags.into(),
        head_sum: header.head_sum,
        size,
        is_outdated: header.is_outdated || is_marked,
        hits: 0,
    };
    if shared.index.insert_oldest(head.key, record) { Ok(()) } else { folder.remove(name) }
}

/// The length, too, is asked for only now: the file may be another one than was listed.
fn read(name: Name, shared: &Shared) -> io::Result<(u64, Header, Head)> {
    let file = File::open(path_of(&shared.folder, name))?;
    let length = file.metadata()?.len();
    let (header, head) = image::read_head(&file, length)?;
    if Name::of(&head.key, &head.variant) != name {
        return Err(Damage::Name.into());
    }
    Ok((length, header, head))
}
