//! Purges that came before the entries were loaded, and must hold for them all the same. What is
//! loaded was stored before, or by the process that had the folder then: it cannot tell which, so
//! they hold for all of it.

use std::collections::HashMap;

use crate::{Key, Purge, Selection};

/// Purges that are remembered one by one. Beyond that, everything counts as purged.
pub const MAX_PENDING: usize = 10_000;

#[derive(Default)]
pub struct Pending {
    /// By far the most common ones, so that each entry need not be held against them all. Whether
    /// they are soft is beside them.
    keys: HashMap<Key, bool>,
    tags: HashMap<Box<str>, bool>,
    others: Vec<Purge>,
    is_everything: bool,
}

/// What they make of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Outdate,
    Remove,
}

impl Pending {
    pub fn add(&mut self, purge: Purge) {
        let is_soft = purge.is_soft;
        match purge.selection {
            _ if self.is_everything => {}
            Selection::All if !is_soft => self.add_everything(),
            Selection::Key(key) => *self.keys.entry(key).or_insert(true) &= is_soft,
            Selection::Tags(tags) => {
                for tag in tags {
                    *self.tags.entry(tag).or_insert(true) &= is_soft;
                }
            }
            _ if self.others.contains(&purge) => {}
            _ => self.others.push(purge),
        }
        if self.count() > MAX_PENDING {
            self.add_everything();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count() == 0 && !self.is_everything
    }

    pub fn verdict(&self, key: &Key, tags: &[Box<str>]) -> Verdict {
        let by_key = self.keys.get(key).copied();
        let by_tag = tags.iter().filter_map(|tag| self.tags.get(tag).copied());
        let by_others = self.others.iter().filter(|purge| purge.selection.includes(key, tags));
        let are_soft = by_key.into_iter().chain(by_tag).chain(by_others.map(|p| p.is_soft));
        if self.is_everything {
            return Verdict::Remove;
        }
        are_soft.fold(Verdict::Keep, |verdict, is_soft| match verdict {
            Verdict::Remove => Verdict::Remove,
            _ if is_soft => Verdict::Outdate,
            _ => Verdict::Remove,
        })
    }

    fn count(&self) -> usize {
        self.keys.len() + self.tags.len() + self.others.len()
    }

    fn add_everything(&mut self) {
        *self = Pending { is_everything: true, ..Pending::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(target: &str) -> Key {
        Key::new(b"http://a", target.as_bytes())
    }

    fn purge(selection: Selection, is_soft: bool) -> Purge {
        Purge { selection, is_soft }
    }

    #[test]
    fn the_harder_one_counts() {
        let mut pending = Pending::default();
        pending.add(purge(Selection::Key(key("/1")), true));
        pending.add(purge(Selection::Tags(vec!["x".into()]), true));
        assert_eq!(pending.verdict(&key("/2"), &[]), Verdict::Keep);
        assert_eq!(pending.verdict(&key("/1"), &["x".into()]), Verdict::Outdate);
        pending.add(purge(Selection::prefix("/1").expect("a prefix"), false));
        pending.add(purge(Selection::Key(key("/2")), false));
        pending.add(purge(Selection::Key(key("/2")), true));
        assert_eq!(pending.verdict(&key("/1"), &["x".into()]), Verdict::Remove);
        assert_eq!(pending.verdict(&key("/2"), &[]), Verdict::Remove);
        assert_eq!(pending.verdict(&key("/3"), &["y".into(), "x".into()]), Verdict::Outdate);
    }

    #[test]
    fn repeated_ones_are_remembered_once_and_too_many_are_everything() {
        let mut pending = Pending::default();
        for _ in 0..2 * MAX_PENDING {
            pending.add(purge(Selection::Key(key("/1")), false));
            pending.add(purge(Selection::All, true));
        }
        assert_eq!(pending.verdict(&key("/2"), &[]), Verdict::Outdate);
        for n in 0..MAX_PENDING {
            pending.add(purge(Selection::Tags(vec![n.to_string().into()]), true));
        }
        assert_eq!(pending.verdict(&key("/2"), &[]), Verdict::Remove);
    }
}
