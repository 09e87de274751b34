//! How much there may be, and what goes first.

use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use crate::words::*;
use http::HeaderMap;
use thruster_cache::disk::Disk;

/// What the files really take.
fn on_disk(scratch: &Scratch) -> u64 {
    let taken = |file| std::fs::metadata(file).expect("a file").len().next_multiple_of(4096);
    entry_files(&scratch.cache()).iter().map(taken).sum()
}

#[test]
fn what_was_not_used_for_longest_goes_when_room_is_needed() {
    let scratch = Scratch::new();
    let disk = open(&scratch.cache(), 100 * 4096);
    let target = |n: usize| format!("/{n}");
    for n in 0..100 {
        disk.keep_now(entry(&target(n), body(n as u64, 1000)));
    }
    assert_eq!(disk.stats().entries, 100);
    assert!((0..10).all(|n| disk.find(&key(&target(n)), &HeaderMap::new()).is_some()));
    for n in 100..150 {
        disk.keep_now(entry(&target(n), body(n as u64, 1000)));
        assert!(disk.stats().bytes <= 100 * 4096 && on_disk(&scratch) == disk.stats().bytes);
    }
    let there: Vec<_> = (0..150).filter(|&n| disk.body(&target(n)).is_some()).collect();
    let expected: Vec<_> = (0..10).chain(60..150).collect();
    assert_eq!(there, expected);
}

#[test]
fn bodies_under_way_count() {
    let scratch = Scratch::new();
    let disk = open(&scratch.cache(), 1_000_000);
    for n in 0..200 {
        disk.keep_now(entry(&format!("/{n}"), body(n, 3000)));
    }
    let mut writer = disk.begin(entry("/video", "").into()).expect("a disk that takes it");
    for n in 0..8 {
        assert!(writer.write(body(n, 100_000)));
        disk.settle();
        assert!(disk.stats().bytes + writer.written() <= 1_000_000);
    }
    writer.finish();
    disk.settle();
    assert_eq!(disk.body("/video").map(|body| body.len()), Some(800_000));
    assert!(on_disk(&scratch) <= 1_000_000);
    assert!(disk.body("/199").is_some() && disk.body("/0").is_none());
    let mut writer = disk.begin(entry("/film", "").into()).expect("a disk that takes it");
    while !writer.has_failed() {
        writer.write(body(1, 100_000));
        disk.settle();
    }
    assert!((800_000..1_000_000).contains(&writer.written()), "{}", writer.written());
    drop(writer);
    disk.settle();
    assert_eq!((disk.body("/film"), temporaries(&scratch.cache()).len()), (None, 0));
}

#[test]
fn an_entry_larger_than_the_cache_takes_nothing_from_it() {
    let scratch = Scratch::new();
    let disk = open(&scratch.cache(), 100_000);
    disk.keep_now(entry("/a", body(1, 1000)));
    disk.keep_now(entry("/b", body(1, 1000)));
    disk.keep_now(entry("/b", body(2, 200_000)));
    assert_eq!(disk.body("/a"), Some(body(1, 1000)));
    assert_eq!(disk.body("/b"), None, "its predecessor is out of date");
}

#[test]
fn a_smaller_cache_keeps_what_was_used_last() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    for n in 0..20 {
        disk.keep_now(entry(&format!("/{n}"), body(n, 1000)));
    }
    disk.close_now();
    // As if they had been used in another order, a minute apart.
    let start = SystemTime::now() - Duration::from_secs(7200);
    for (n, path) in entry_files(&scratch.cache()).iter().enumerate() {
        let file = std::fs::File::open(path).expect("a file");
        file.set_modified(start + Duration::from_secs(60 * (n as u64))).expect("ours");
    }
    let latest = entry_files(&scratch.cache()).split_off(13);
    let disk = open(&scratch.cache(), 7 * 4096);
    assert_eq!(entry_files(&scratch.cache()), latest);
    assert_eq!(disk.stats().entries, 7);
    // And what goes next is what is oldest now.
    disk.keep_now(entry("/new", body(1, 1000)));
    assert!(!latest[0].exists() && latest[1..].iter().all(|file| file.exists()));
}

#[test]
fn a_use_is_remembered_over_a_restart() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    disk.keep_now(entry("/a", "x"));
    let file = &entry_files(&scratch.cache())[0];
    let modified = || std::fs::metadata(file).expect("a file").mtime();
    let set = |ago| {
        let file = std::fs::File::open(file).expect("a file");
        file.set_modified(SystemTime::now() - Duration::from_secs(ago)).expect("ours");
    };
    set(30);
    let recent = modified();
    disk.body("/a").expect("found");
    assert_eq!(modified(), recent, "exact enough");
    set(300);
    let old = modified();
    disk.body("/a").expect("found");
    assert!(modified() >= old + 290);
}

#[test]
fn a_seventeenth_variant_replaces_the_oldest() {
    let scratch = Scratch::new();
    let disk: Disk = scratch.open();
    for n in 0..17 {
        disk.keep_now(entry_in(&format!("x-{n}"), "/a", body(n, 100)));
    }
    let is_there = |n: u64| disk.load_for("/a", &request_in(&format!("x-{n}"))).is_some();
    assert!(!is_there(0) && (1..17).all(is_there));
    assert_eq!(entry_files(&scratch.cache()).len(), 16);
}
