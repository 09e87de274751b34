//! Entries that get a new head, after a 304, and whose body is copied from their old file.

use std::collections::VecDeque;
use std::io;

use super::draft::Draft;
use super::stored::Stored;
use crate::Purge;

/// Body copied in one step: a few milliseconds, for which commands wait. As much as one read gives.
pub const STEP: usize = 1024 * 1024;

/// Copies that may wait, each with two open files. More are done without: the entry keeps its old
/// head, and is validated again.
const MAX_COPIES: usize = 64;

#[derive(Default)]
pub struct Copies(VecDeque<Copy>);

pub struct Copy {
    pub draft: Draft,
    body: Stored,
}

pub enum Step {
    More,
    Done,
}

impl Copies {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they take on the disk so far.
    pub fn size(&self) -> u64 {
        self.0.iter().map(|copy| copy.draft.size_with(0)).sum()
    }

    /// The latest of an entry is the only one.
    pub fn push(&mut self, draft: Draft, body: Stored) {
        self.0.retain(|copy| copy.draft.name != draft.name);
        if self.0.len() < MAX_COPIES {
            self.0.push_back(Copy { draft, body });
        }
    }

    pub fn take(&mut self) -> Option<Copy> {
        self.0.pop_front()
    }

    pub fn put_back(&mut self, copy: Copy) {
        self.0.push_front(copy);
    }

    pub fn purge(&mut self, purge: &Purge) {
        self.0.retain_mut(|copy| {
            let is_meant = purge.selection.includes(&copy.draft.key, &copy.draft.tags);
            if is_meant {
                copy.draft.outdate();
            }
            purge.is_soft || !is_meant
        });
    }
}

impl Copy {
    pub fn size_after_step(&self) -> u64 {
        let left = self.body.length().saturating_sub(self.draft.length());
        self.draft.size_with(left.min(STEP as u64))
    }

    /// Copies some of the body.
    ///
    /// # Errors
    /// Those of the system, and damage of the old file.
    pub fn step(&mut self) -> io::Result<Step> {
        let bytes = self.body.read(self.draft.length(), STEP)?;
        self.draft.append(&bytes)?;
        Ok(if self.draft.length() < self.body.length() { Step::More } else { Step::Done })
    }
}
