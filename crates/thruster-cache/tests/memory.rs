//! The memory tier from outside: random histories beside a naive map, and what it promises in
//! single sentences.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use thruster_cache::memory::{Found, Memory};
use thruster_cache::{Body, Coding, Entry, Key, Life, Purge, Selection, Variant};

const COLOUR: HeaderName = HeaderName::from_static("x-colour");

/// The variant of an answer that does not vary.
const ANY: u8 = u8::MAX;

fn key(number: usize) -> Key {
    Key::new(origin(number).as_bytes(), target(number).as_bytes())
}

fn origin(number: usize) -> String {
    format!("http://{}.example", number % 2)
}

fn target(number: usize) -> String {
    format!("/{}/{number}", ["posts", "comments"][number / 2 % 2])
}

fn request(colour: u8) -> HeaderMap {
    HeaderMap::from_iter([(COLOUR, HeaderValue::from(u16::from(colour)))])
}

fn entry(key: Key, colour: u8, tag: &str, body: Bytes) -> Arc<Entry> {
    let life = Life::new(SystemTime::UNIX_EPOCH, Duration::from_secs(60));
    let varies = (colour != ANY).then(|| (COLOUR, colour.to_string().into_bytes().into()));
    let variant = Variant(varies.into_iter().collect());
    let body = Body::Whole(body);
    let (headers, tags) = (HeaderMap::new(), vec![tag.into()]);
    Arc::new(Entry::new(key, variant, life, StatusCode::OK, headers, tags, body))
}

/// An entry of one variant only.
fn plain(number: usize, length: usize) -> Arc<Entry> {
    entry(key(number), ANY, "", Bytes::from(vec![b'x'; length]))
}

fn has(memory: &Memory, number: usize) -> bool {
    matches!(memory.find(&key(number), &HeaderMap::new()), Found::Entry(_))
}

#[derive(Debug, Clone)]
enum Step {
    Insert { key: usize, colour: u8, length: usize },
    Find { key: usize, colour: u8 },
    // These two choose among all that was ever inserted, whether it is still kept or not.
    Attach { which: usize, coding: usize, length: usize },
    Remove { which: usize },
    Purge { key: usize, by: usize, is_soft: bool },
    Drain,
}

/// One random number is a step: many times faster than a strategy for each of its parts, and a
/// smaller number is still a simpler step.
fn step(mut random: u64) -> Step {
    let mut below = |limit: u64| {
        let digit = random % limit;
        random /= limit;
        digit as usize
    };
    let kind = below(37);
    // One key has most of the variants.
    let key = below(24).saturating_sub(12);
    let colour = [below(20) as u8, ANY][below(9) / 8];
    let length = below(800) * [1, 11][below(7) / 6];
    let (which, other) = (below(64), below(6));
    match kind {
        0..16 => Step::Insert { key, colour, length },
        16..28 => Step::Find { key, colour },
        28..32 => Step::Attach { which, coding: other % 3, length },
        32..34 => Step::Remove { which },
        34..36 => Step::Purge { key, by: other, is_soft: which % 2 == 0 },
        _ => Step::Drain,
    }
}

/// Budgets and item sizes: off, a few entries, one that a single item fills, many shards of
/// little room, room for all.
const BUDGETS: [(u64, u64); 5] =
    [(0, 1000), (7_000, 5_000), (10_000, 10_000), (64_000, 1_000), (1_000_000, 8_000)];

/// What the memory ought to hold: everything that nobody has taken out, the youngest last.
struct Model {
    memory: Memory,
    budget: (u64, u64),
    kept: Vec<Kept>,
    inserted: Vec<Arc<Entry>>,
}

struct Kept {
    entry: Arc<Entry>,
    key: usize,
    colour: u8,
    tag: String,
    body: Bytes,
    codings: [Option<Bytes>; 3],
    is_outdated: bool,
}

impl Model {
    fn new(budget: (u64, u64)) -> Self {
        let memory = Memory::new(budget.0, budget.1);
        Model { memory, budget, kept: Vec::new(), inserted: Vec::new() }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Insert { key, colour, length } => self.insert(*key, *colour, *length),
            Step::Find { key, colour } => self.find(*key, *colour),
            Step::Attach { which, coding, length } if !self.inserted.is_empty() => {
                let entry = self.inserted[which % self.inserted.len()].clone();
                self.attach(&entry, Coding::ALL[*coding], *length);
            }
            Step::Remove { which } if !self.inserted.is_empty() => {
                let entry = self.inserted[which % self.inserted.len()].clone();
                assert_eq!(self.memory.remove(&entry), self.forget(&entry));
            }
            Step::Attach { .. } | Step::Remove { .. } => {}
            Step::Purge { key, by, is_soft } => self.purge(*key, *by, *is_soft),
            Step::Drain => {
                for entry in self.memory.drain() {
                    assert!(self.forget(&entry), "a drained entry was kept");
                }
                assert!(self.kept.is_empty(), "draining leaves nothing behind");
                assert_eq!(self.memory.stats().bytes, 0, "nothing weighs nothing");
            }
        }
        self.check();
    }

    fn insert(&mut self, number: usize, colour: u8, length: usize) {
        let serial = self.inserted.len();
        let body: Bytes = serial.to_le_bytes().into_iter().cycle().take(length).collect();
        let tag = format!("tag-{}", serial % 3);
        let new = entry(key(number), colour, &tag, body.clone());
        self.inserted.push(new.clone());
        self.kept.retain(|kept| (kept.key, kept.colour) != (number, colour));
        let codings = Default::default();
        self.kept.push(Kept {
            entry: new.clone(),
            key: number,
            colour,
            tag,
            body,
            codings,
            is_outdated: false,
        });
        let left = self.memory.insert(new.clone());
        if left.iter().any(|left| Arc::ptr_eq(left, &new)) {
            let (size, item_size) = self.budget;
            // What surrounds an entry, and at most sixteen shards.
            let is_large = new.weight() as u64 + 600 > size / (size / item_size / 4).clamp(1, 16);
            assert!(is_large || length as u64 > item_size, "only what is too large is refused");
        }
        self.forget_all(left);
    }

    fn find(&self, number: usize, colour: u8) {
        let of_key = || self.kept.iter().filter(|kept| kept.key == number);
        // Of several that match, the youngest.
        let wanted = of_key().rfind(|kept| kept.colour == colour || kept.colour == ANY);
        match self.memory.find(&key(number), &request(colour)) {
            Found::Entry(found) => {
                let wanted = wanted.expect("nothing is found that should not be there");
                assert!(Arc::ptr_eq(&found, &wanted.entry), "the last one inserted is found");
                assert_eq!(found.key, key(number));
                assert!(matches!(&found.body, Body::Whole(body) if *body == wanted.body));
                for (coding, body) in Coding::ALL.into_iter().zip(&wanted.codings) {
                    assert_eq!(found.coded(coding), body.as_ref());
                }
                assert_eq!(found.is_outdated(), wanted.is_outdated);
            }
            Found::OtherVariants => {
                assert!(wanted.is_none() && of_key().next().is_some(), "only others are there");
            }
            Found::Nothing => assert!(of_key().next().is_none(), "what is kept is found"),
        }
    }

    fn attach(&mut self, entry: &Arc<Entry>, coding: Coding, length: usize) {
        let body = Bytes::from(vec![coding as u8; length]);
        let before = entry.coded(coding).cloned();
        let left = self.memory.attach(entry, coding, body.clone());
        let kept = self.kept.iter_mut().find(|kept| Arc::ptr_eq(&kept.entry, entry));
        let after = entry.coded(coding);
        match kept {
            Some(kept) if before.is_none() && after.is_some() => {
                assert_eq!(after, Some(&body));
                kept.codings[coding as usize] = Some(body);
            }
            Some(_) if before.is_none() => {
                let is_large = (entry.weight() + length + 600) as u64 > self.budget.0 / 16;
                assert!(is_large, "only what is too large is refused");
            }
            _ => assert_eq!(after, before.as_ref(), "the first stays, and strangers get none"),
        }
        assert!(!left.iter().any(|left| Arc::ptr_eq(left, entry)), "it does not flush itself");
        self.forget_all(left);
    }

    fn purge(&mut self, number: usize, by: usize, is_soft: bool) {
        let tag = format!("tag-{}", number % 3);
        let folder = target(number).split_inclusive('/').take(2).collect::<String>();
        let url = format!("{}{}", origin(number), target(number));
        let selection = match by {
            0 => Selection::Key(key(number)),
            1 => Selection::url(&url).expect("a URL"),
            2 => Selection::url(&target(number)).expect("a target"),
            3 => Selection::prefix(&folder).expect("a prefix"),
            4 => Selection::Tags(vec![tag.as_str().into()]),
            _ => Selection::All,
        };
        let is_selected = |kept: &Kept| match by {
            0..=2 => kept.key == number,
            3 => kept.key / 2 % 2 == number / 2 % 2,
            4 => kept.tag == tag,
            _ => true,
        };
        let expected = self.kept.iter().filter(|kept| is_selected(kept)).count();
        assert_eq!(self.memory.purge(&Purge { selection, is_soft }).len(), expected);
        if is_soft {
            self.kept.iter_mut().filter(|k| is_selected(k)).for_each(|k| k.is_outdated = true);
        } else {
            self.kept.retain(|kept| !is_selected(kept));
        }
    }

    fn forget(&mut self, entry: &Arc<Entry>) -> bool {
        let before = self.kept.len();
        self.kept.retain(|kept| !Arc::ptr_eq(&kept.entry, entry));
        self.kept.len() < before
    }

    fn forget_all(&mut self, left: Vec<Arc<Entry>>) {
        for entry in left {
            assert!(self.forget(&entry), "only what was kept leaves, and once");
        }
    }

    /// The memory holds what the model holds, and no more than it may.
    fn check(&self) {
        let sorted = |mut addresses: Vec<*const Entry>| {
            addresses.sort();
            addresses
        };
        let list = self.memory.list(usize::MAX);
        let expected = self.kept.iter().map(|kept| Arc::as_ptr(&kept.entry)).collect();
        assert_eq!(sorted(list.iter().map(Arc::as_ptr).collect()), sorted(expected));

        let weight: u64 = list.iter().map(|entry| entry.weight() as u64).sum();
        let stats = self.memory.stats();
        assert!(weight <= stats.bytes && stats.bytes <= self.budget.0, "{weight}, {stats:?}");
        assert_eq!((stats.entries, stats.size), (list.len(), self.budget.0));
    }
}

#[test]
fn random_histories_agree_with_a_naive_map() {
    let default = Config::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(9111),
        chosen => chosen,
    };
    let config = Config { cases: 10_000, failure_persistence: None, rng_seed, ..default };
    let steps = prop::collection::vec(any::<u64>().prop_map(step), 1..60);
    let histories = (prop::sample::select(&BUDGETS[..]), steps);
    let outcome = TestRunner::new(config).run(&histories, |(budget, steps)| {
        let mut model = Model::new(budget);
        steps.iter().for_each(|step| model.run(step));
        model.kept.iter().for_each(|kept| model.find(kept.key, kept.colour));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("PROPTEST_RNG_SEED={rng_seed}: {failure}");
    }
}

#[test]
fn a_scan_of_one_hit_wonders_does_not_flush_what_is_used() {
    let memory = Memory::new(2 << 20, 32 << 10);
    for number in 0..200 {
        memory.insert(plain(number, 1000));
        assert!(has(&memory, number));
    }
    let flushed: usize =
        (1_000..50_000).map(|number| memory.insert(plain(number, 1000)).len()).sum();
    assert!(flushed > 40_000, "the scan is much larger than the cache");
    assert!((0..200).all(|number| has(&memory, number)));
}

#[test]
fn what_is_no_longer_used_leaves_in_the_end() {
    let memory = Memory::new(64 << 10, 64 << 10);
    for number in 0..1_000 {
        memory.insert(plain(number, 1000));
        assert!(has(&memory, number));
    }
    assert!(!has(&memory, 0));
    assert!(has(&memory, 999));
}

#[test]
fn what_is_used_again_outlives_what_is_not() {
    let memory = Memory::new(64 << 10, 64 << 10);
    for number in 0..10 {
        memory.insert(plain(number, 1000));
        assert!(has(&memory, number));
    }
    for number in 10..1_000 {
        memory.insert(plain(number, 1000));
        assert!(has(&memory, number) && has(&memory, 0));
    }
    assert!(!has(&memory, 1));
}

#[test]
fn a_large_item_does_not_flush_what_is_used() {
    let memory = Memory::new(64 << 10, 64 << 10);
    for number in 0..10 {
        memory.insert(plain(number, 10));
        assert!(has(&memory, number));
    }
    assert!(memory.insert(plain(10, 53_000)).is_empty());
    assert!(has(&memory, 10));
    for number in 11..30 {
        memory.insert(plain(number, 1000));
    }
    assert!((0..10).all(|number| has(&memory, number)));
    assert!(!has(&memory, 10), "nothing else made room");
}

#[test]
fn nothing_leaves_while_there_is_room_and_a_full_cache_stays_full() {
    let memory = Memory::new(1 << 20, 4 << 10);
    assert!((0..300).all(|number| memory.insert(plain(number, 1000)).is_empty()));
    assert!((0..300).all(|number| has(&memory, number)));
    for number in 300..10_000 {
        memory.insert(plain(number, 1000));
        let stats = memory.stats();
        assert!(number < 2_000 || stats.bytes > stats.size / 100 * 95, "{stats:?}");
    }
}

#[test]
fn a_cache_of_one_item_holds_one_whatever_was_in_it_before() {
    let memory = Memory::new(1 << 20, 1 << 20);
    for number in 0..2_000 {
        memory.insert(plain(number, 1));
        has(&memory, number);
    }
    let left = memory.insert(plain(5_000, (1 << 20) - 1_200));
    assert!(left.len() > 500 && has(&memory, 5_000));
    assert_eq!(memory.stats().entries, 1);
}

#[test]
fn what_is_too_large_is_handed_back_and_ends_its_older_self() {
    for (size, item_size) in [(1 << 20, 500), (10_000, 10_000), (0, 10_000), (0, 0)] {
        let memory = Memory::new(size, item_size);
        memory.insert(plain(1, 100));
        let large = plain(1, 10_000);
        let left = memory.insert(large.clone());
        assert!(left.len() == 1 && Arc::ptr_eq(&left[0], &large));
        assert!(!has(&memory, 1));
        assert_eq!((memory.stats().entries, memory.stats().bytes), (0, 0));
    }
}

#[test]
fn the_seventeenth_variant_displaces_the_first() {
    let memory = Memory::new(1 << 20, 1 << 10);
    let variants: Vec<_> = (0..17).map(|n| entry(key(1), n, "", Bytes::new())).collect();
    for variant in &variants[..16] {
        assert!(memory.insert(variant.clone()).is_empty());
    }
    let left = memory.insert(variants[16].clone());
    assert!(left.len() == 1 && Arc::ptr_eq(&left[0], &variants[0]));
    assert!(matches!(memory.find(&key(1), &request(0)), Found::OtherVariants));
    assert!(matches!(memory.find(&key(1), &request(16)), Found::Entry(_)));
}

#[test]
fn the_list_begins_with_what_was_used_last() {
    let memory = Memory::new(64 << 10, 64 << 10);
    (0..9).for_each(|number| assert!(memory.insert(plain(number, 10)).is_empty()));
    assert!(has(&memory, 3) && has(&memory, 5));
    let keys: Vec<Key> = memory.list(4).iter().map(|entry| entry.key.clone()).collect();
    assert_eq!(keys, [key(5), key(3), key(8), key(7)]);

    let sharded = Memory::new(1 << 20, 1 << 10);
    (0..100).for_each(|number| assert!(sharded.insert(plain(number, 10)).is_empty()));
    for limit in [0, 1, 33, 100] {
        assert_eq!(sharded.list(limit).len(), limit);
    }
}

#[test]
fn threads_share_it_and_the_accounts_still_balance() {
    let memory = Memory::new(200_000, 2_000);
    let work = |mut random: usize| {
        for _ in 0..5_000 {
            random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let number = (random >> 33) % 300;
            match memory.find(&key(number), &HeaderMap::new()) {
                Found::Entry(entry) if (random >> 50).is_multiple_of(7) => {
                    // Another thread may have been faster.
                    memory.remove(&entry);
                }
                Found::Entry(entry) => {
                    assert_eq!(entry.key, key(number));
                    memory.attach(&entry, Coding::Gzip, Bytes::from(vec![0; number]));
                }
                _ => drop(memory.insert(plain(number, number * 5))),
            }
            assert!(memory.stats().bytes <= 200_000);
        }
    };
    std::thread::scope(|scope| {
        (1..=4).for_each(|seed| drop(scope.spawn(move || work(seed))));
    });
    let (stats, list) = (memory.stats(), memory.list(usize::MAX));
    assert!(!list.is_empty());
    assert_eq!(stats.entries, list.len());
    assert!(list.iter().map(|entry| entry.weight() as u64).sum::<u64>() <= stats.bytes);
    assert_eq!(memory.drain().len(), list.len());
    assert_eq!(memory.stats().bytes, 0);
}
