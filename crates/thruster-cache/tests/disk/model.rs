//! Random histories against a map that does the same naively.

use std::collections::HashMap;

use crate::words::*;
use http::{HeaderMap, HeaderName, HeaderValue};
use thruster_cache::disk::Disk;
use thruster_cache::{Body, Entry, Purge, Selection};

const HISTORIES: u64 = 250;
const STEPS: u64 = 30;
const TARGETS: u64 = 6;
const LANGUAGES: [&str; 2] = ["de", "en"];
const VERSION: HeaderName = HeaderName::from_static("x-version");

/// What the map knows of an entry.
#[derive(Clone, Copy)]
struct Known {
    /// What its body is made from.
    seed: u64,
    length: usize,
    /// Which head it has; a refresh makes a new one.
    version: u64,
    is_outdated: bool,
}

struct History {
    random: Random,
    scratch: Scratch,
    /// With little room, what is known may be gone. It is never wrong.
    has_room: bool,
    size: u64,
    disk: Disk,
    known: HashMap<(u64, &'static str), Known>,
    numbers: u64,
}

/// Every third target does not vary.
fn variant(target: u64, language: &'static str) -> &'static str {
    if target.is_multiple_of(3) { "" } else { language }
}

impl History {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let has_room = random.is_one_in(2);
        let size = if has_room { PLENTY } else { 100_000 + random.below(1_000_000) };
        let scratch = Scratch::new();
        let disk = open(&scratch.cache(), size);
        History { random, scratch, has_room, size, disk, known: HashMap::new(), numbers: 0 }
    }

    fn run(&mut self) {
        for _ in 0..STEPS {
            match self.random.below(16) {
                0..=5 => self.keep(),
                6..=7 => self.stream(),
                8..=9 => self.refresh(),
                10..=13 => self.purge(),
                14 => self.reopen(),
                _ => {}
            }
            if self.random.is_one_in(3) {
                self.check();
            }
        }
        self.check();
    }

    fn shelf(&mut self) -> (u64, &'static str) {
        let target = self.random.below(TARGETS);
        (target, variant(target, LANGUAGES[self.random.below(2) as usize]))
    }

    fn next(&mut self) -> Known {
        self.numbers += 1;
        let most = if self.random.is_one_in(5) { 600_000 } else { 10_000 };
        let length = self.random.below(most) as usize;
        let is_outdated = self.random.is_one_in(8);
        Known { seed: self.numbers, length, version: self.numbers, is_outdated }
    }

    fn keep(&mut self) {
        let (shelf, known) = (self.shelf(), self.next());
        self.disk.keep(make(shelf, known, true).into());
        self.known.insert(shelf, known);
    }

    fn stream(&mut self) {
        let (shelf, known) = (self.shelf(), self.next());
        let head = make(shelf, known, false).into();
        let mut writer = self.disk.begin(head).expect("a disk that takes it");
        let whole = body(known.seed, known.length);
        let piece = 1 + self.random.below(100_000) as usize;
        let is_whole = (0..known.length)
            .step_by(piece)
            .all(|at| writer.write(whole.slice(at..known.length.min(at + piece))));
        match self.random.below(4) {
            0 => drop(writer),
            _ => {
                writer.finish();
                // One that failed takes its predecessor with it, or leaves it; then, it may be there.
                if is_whole || !self.has_room {
                    self.known.insert(shelf, known);
                }
            }
        }
    }

    fn refresh(&mut self) {
        let shelf = self.shelf();
        self.disk.settle();
        let Some(found) = find(&self.disk, shelf) else { return };
        let mut known = self.known[&shelf];
        self.numbers += 1;
        (known.version, known.is_outdated) = (self.numbers, false);
        let mut new = make(shelf, known, false);
        new.body = Body::Disk(stored(&found).clone());
        self.disk.refresh(new.into());
        self.known.insert(shelf, known);
    }

    fn purge(&mut self) {
        let target = self.random.below(TARGETS);
        let selection = match self.random.below(8) {
            0 => Selection::All,
            1..=3 => Selection::Tags(vec![format!("tag-{}", target % 3).into()]),
            4 => Selection::prefix("/page/").expect("a prefix"),
            5 => Selection::url(&format!("http://example.com/page/{target}")).expect("a URL"),
            _ => Selection::Key(key(&format!("/page/{target}"))),
        };
        let purge = Purge { selection, is_soft: self.random.is_one_in(2) };
        let mut count = 0;
        self.known.retain(|&shelf, known| {
            let entry = make(shelf, *known, false);
            let is_meant = purge.selection.includes(&entry.key, &entry.tags);
            count += usize::from(is_meant);
            known.is_outdated |= is_meant;
            !is_meant || purge.is_soft
        });
        if self.random.is_one_in(3) {
            self.disk.purge_later(purge);
        } else {
            let found = self.disk.purge(&purge);
            assert!(found == count || (!self.has_room && found <= count), "{found} for {count}");
        }
    }

    fn reopen(&mut self) {
        self.disk.close(PATIENCE);
        self.disk = Disk::open(self.scratch.cache(), self.size, PLENTY);
    }

    fn check(&self) {
        self.disk.settle();
        assert!(self.disk.stats().bytes <= self.size, "within its size");
        for target in 0..TARGETS {
            for language in LANGUAGES {
                let shelf = (target, variant(target, language));
                match (find(&self.disk, shelf), self.known.get(&shelf)) {
                    (Some(found), Some(known)) => assert_is(&found, shelf, *known),
                    (Some(_), None) => panic!("{shelf:?} should be gone"),
                    (None, Some(_)) => assert!(!self.has_room, "{shelf:?} should be there"),
                    (None, None) => {}
                }
            }
        }
        assert!(temporaries(&self.scratch.cache()).is_empty());
        assert_eq!(entry_files(&self.scratch.cache()).len(), self.disk.stats().entries);
    }
}

fn make((target, language): (u64, &'static str), known: Known, has_body: bool) -> Entry {
    let path = format!("/page/{target}");
    let bytes = if has_body { body(known.seed, known.length) } else { body(0, 0) };
    let mut entry = match language {
        "" => entry(&path, bytes),
        _ => entry_in(language, &path, bytes),
    };
    entry.tags = vec![format!("tag-{}", target % 3).into(), path.into()];
    entry.headers.insert(VERSION, HeaderValue::from(known.version));
    if known.is_outdated {
        entry.outdate();
    }
    entry
}

fn find(disk: &Disk, (target, language): (u64, &'static str)) -> Option<Entry> {
    let request = if language.is_empty() { HeaderMap::new() } else { request_in(language) };
    disk.load_for(&format!("/page/{target}"), &request)
}

fn assert_is(found: &Entry, shelf: (u64, &'static str), known: Known) {
    let expected = make(shelf, known, false);
    assert_eq!((&found.key, &found.variant), (&expected.key, &expected.variant), "foreign");
    assert_eq!((&found.headers, &found.tags), (&expected.headers, &expected.tags), "{shelf:?}");
    assert_eq!(found.is_outdated(), known.is_outdated, "{shelf:?}");
    let read = read_all(found).expect("a whole body");
    assert!(read == body(known.seed, known.length), "another body for {shelf:?}");
}

#[test]
fn random_histories_agree_with_a_naive_map() {
    for seed in 0..HISTORIES {
        let mut history = History::new(seed);
        let run = std::panic::AssertUnwindSafe(|| history.run());
        if let Err(failure) = std::panic::catch_unwind(run) {
            eprintln!("history {seed} failed");
            std::panic::resume_unwind(failure);
        }
    }
}
