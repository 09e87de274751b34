//! What has been counted so far.

use std::path::{Path, PathBuf};

use crate::callgrind;

/// Counts in their order, and which of them are wanted.
pub struct Tally {
    only: String,
    keep: Option<PathBuf>,
    pub counts: Vec<Count>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub name: String,
    pub instructions: u64,
}

impl Tally {
    /// One for what has this text in its name, and for a folder that profiles are kept in.
    pub fn of(only: &str, keep: Option<PathBuf>) -> Self {
        Tally { only: only.to_owned(), keep, counts: Vec::new() }
    }

    pub fn only(&self) -> &str {
        &self.only
    }

    pub fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }

    /// Notes what one of so many turns takes, and says so.
    pub fn note(&mut self, name: &str, turns: u32, profile: &Path) {
        let instructions = callgrind::total(profile) / u64::from(turns);
        println!("{instructions:>12}  {name}");
        self.counts.push(Count { name: name.to_owned(), instructions });
        if let Some(folder) = &self.keep {
            let kept = folder.join(name.replace('/', "-"));
            std::fs::copy(profile, kept).expect("a folder that can be written to");
        }
    }
}
