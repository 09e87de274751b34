//! A start with much on the disk. `examples/disk_startup.rs` measures one with very much.

use std::time::{Duration, Instant};

use crate::words::*;
use http::HeaderMap;
use thruster_cache::disk::Disk;

const ENTRIES: u64 = 3_000;

fn target(n: u64) -> String {
    format!("/{n}")
}

#[test]
fn a_start_does_not_wait_for_the_index_and_finds_everything_in_the_end() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    for n in 0..ENTRIES {
        disk.keep(entry(&target(n), body(n, 500)).into());
    }
    disk.close_now();

    let start = Instant::now();
    let disk = Disk::open(scratch.cache(), PLENTY, PLENTY);
    let opened = start.elapsed();
    assert!(opened < Duration::from_secs(1), "{opened:?}");
    // Meanwhile it works: what is kept now is not replaced by what is loaded.
    disk.keep(entry(&target(7), "new").into());
    until(|| !disk.stats().is_loading);
    println!("opened in {opened:?}, loaded in {:?}", start.elapsed());
    disk.settle();
    assert_eq!(disk.stats().entries as u64, ENTRIES);
    for n in (0..ENTRIES).filter(|&n| n != 7) {
        assert_eq!(disk.body(&target(n)), Some(body(n, 500)));
    }
    assert_eq!(disk.body(&target(7)).as_deref(), Some(&b"new"[..]));
}

#[test]
fn every_variant_is_found_after_a_restart() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    for n in 0..16 {
        disk.keep(entry_in(&format!("x-{n}"), "/a", body(n, 100)).into());
    }
    disk.close_now();
    let disk = scratch.open();
    for n in 0..16 {
        let found = disk.load_for("/a", &request_in(&format!("x-{n}"))).expect("found");
        assert_eq!(read_all(&found).expect("a whole body"), body(n, 100));
    }
    assert!(disk.find(&key("/a"), &HeaderMap::new()).is_none());
}

#[test]
fn closing_without_patience_loses_what_was_queued_and_nothing_else() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    disk.keep_now(entry("/a", "a"));
    let standing_still = stand_still(&disk);
    let begun = disk.begin(entry("/c", "").into()).expect("a disk that takes it");
    disk.keep(entry("/b", "b").into());
    disk.close(Duration::ZERO);
    assert!(begun.has_failed());
    drop((standing_still, begun));
    disk.close_now();
    let disk = scratch.open();
    assert_eq!((disk.body("/a").as_deref(), disk.body("/b")), (Some(&b"a"[..]), None));
    assert_eq!(disk.stats().entries, 1);
    assert!(temporaries(&scratch.cache()).is_empty());
}
