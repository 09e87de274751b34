//! Two on one folder, as in a deploy: the second has none until the first has left.

use std::io::{BufRead, BufReader, Read};

use crate::words::*;
use http::HeaderMap;
use thruster_cache::Selection;
use thruster_cache::disk::Disk;

const TEST: &str = "owners::another_process_takes_over_when_the_first_is_killed";

/// One that is not the owner, and knows it.
fn second(scratch: &Scratch) -> Disk {
    let disk = Disk::open(scratch.cache(), PLENTY, PLENTY);
    disk.settle();
    let stats = disk.stats();
    assert!(!stats.is_owner && !stats.is_loading);
    disk
}

fn is_outdated(disk: &Disk, target: &str) -> Option<bool> {
    disk.load_for(target, &HeaderMap::new()).map(|entry| entry.is_outdated())
}

#[test]
fn another_process_takes_over_when_the_first_is_killed() {
    if let Some((_, folder)) = role() {
        let disk = open(&folder, PLENTY);
        for target in ["/a", "/b", "/c", "/d"] {
            disk.keep_now(entry(target, target.to_owned()));
        }
        println!("kept");
        // Until it is killed.
        _ = std::io::stdin().read(&mut [0]);
        return;
    }
    let scratch = Scratch::new();
    let mut first =
        another_process(TEST, "first", &scratch.cache(), &[]).spawn().expect("a process");
    let mut lines = BufReader::new(first.stdout.take().expect("its output")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.ends_with("kept"))));

    let disk = second(&scratch);
    disk.keep_now(entry("/e", "nobody keeps it"));
    assert_eq!((disk.body("/a"), disk.body("/e")), (None, None));
    assert!(disk.begin(entry("/f", "").into()).is_none());
    assert_eq!(entry_files(&scratch.cache()).len(), 4);
    disk.purge_later(hard(Selection::Key(key("/a"))));
    disk.purge_later(soft(Selection::Tags(vec!["/b".into()])));
    assert_eq!(disk.purge(&hard(Selection::url("/c").expect("a URL"))), 0, "not found yet");

    first.kill().expect("a process to kill");
    first.wait().expect("a process that has ended");
    until(|| disk.stats().is_owner);
    disk.settle();
    assert_eq!((is_outdated(&disk, "/a"), is_outdated(&disk, "/c")), (None, None));
    assert_eq!(is_outdated(&disk, "/b"), Some(true));
    assert_eq!(disk.body("/d").as_deref(), Some(&b"/d"[..]));
    assert_eq!(entry_files(&scratch.cache()).len(), 2);
    disk.keep_now(entry("/e", "now"));
    assert_eq!(disk.body("/e").as_deref(), Some(&b"now"[..]));
}

#[test]
fn one_that_is_closed_leaves_the_folder_to_the_next() {
    let scratch = Scratch::new();
    let first = scratch.open();
    first.keep_now(entry("/a", "a"));
    let found = first.load_for("/a", &HeaderMap::new()).expect("found");
    let next = second(&scratch);
    first.keep(entry("/b", body(1, 300_000)).into());
    first.close(PATIENCE);
    until(|| next.stats().is_owner);
    next.settle();
    assert_eq!(next.body("/b"), Some(body(1, 300_000)), "what was queued is written");

    // The one that has left neither finds nor changes anything.
    first.keep(entry("/c", "c").into());
    first.purge_later(hard(Selection::All));
    assert_eq!(first.purge(&hard(Selection::All)), 0);
    assert_eq!((first.body("/a"), first.stats().is_owner), (None, false));
    assert_eq!(read_all(&found).expect("an open file"), &b"a"[..]);
    next.settle();
    assert_eq!((next.stats().entries, next.body("/c")), (2, None));
}

#[test]
fn with_its_last_handle_a_cache_leaves_the_folder() {
    let scratch = Scratch::new();
    let first = scratch.open();
    let clone = first.clone();
    let next = second(&scratch);
    drop(first);
    assert!(clone.stats().is_owner && !next.stats().is_owner);
    clone.keep(entry("/a", "a").into());
    drop(clone);
    until(|| next.stats().is_owner);
    next.settle();
    assert_eq!(next.body("/a").as_deref(), Some(&b"a"[..]));
}

#[test]
fn more_purges_than_can_be_remembered_purge_everything() {
    let scratch = Scratch::new();
    let first = scratch.open();
    for n in 0..10 {
        first.keep_now(entry(&format!("/{n}"), "x"));
    }
    let next = second(&scratch);
    for n in 0..10_001 {
        next.purge_later(soft(Selection::Tags(vec![format!("tag-{n}").into()])));
    }
    first.close_now();
    until(|| next.stats().is_owner);
    next.settle();
    assert_eq!((next.stats().entries, entry_files(&scratch.cache()).len()), (0, 0));
}
