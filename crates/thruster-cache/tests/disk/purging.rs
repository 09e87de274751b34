//! Purges: what was purged does not come back.

use crate::words::*;
use http::HeaderMap;
use thruster_cache::Selection;
use thruster_cache::disk::Disk;

fn is_outdated(disk: &Disk, target: &str) -> Option<bool> {
    disk.load_for(target, &HeaderMap::new()).map(|entry| entry.is_outdated())
}

#[test]
fn a_purge_takes_what_it_names_for_good() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    for target in ["/posts/1", "/posts/2", "/about"] {
        disk.keep(entry(target, target.to_owned()).into());
    }
    // In order: what was queued before it is purged, too.
    assert_eq!(disk.purge(&hard(Selection::prefix("/posts").expect("a prefix"))), 2);
    assert_eq!(disk.purge(&hard(Selection::Tags(vec!["/posts/1".into()]))), 0, "gone already");
    let there = |disk: &Disk| ["/posts/1", "/posts/2", "/about"].map(|t| disk.body(t).is_some());
    assert_eq!(there(&disk), [false, false, true]);
    disk.keep_now(entry("/posts/2", "anew"));
    disk.close_now();
    assert_eq!(there(&scratch.open()), [false, true, true]);
}

#[test]
fn a_soft_purge_survives_a_restart() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    for target in ["/a", "/b"] {
        disk.keep(entry(target, target.to_owned()).into());
    }
    let loaded_before = disk.load_for("/b", &HeaderMap::new());
    assert_eq!(disk.purge(&soft(Selection::Key(key("/a")))), 1);
    assert_eq!((is_outdated(&disk, "/a"), is_outdated(&disk, "/b")), (Some(true), Some(false)));
    disk.close_now();
    let disk = scratch.open();
    assert_eq!((is_outdated(&disk, "/a"), is_outdated(&disk, "/b")), (Some(true), Some(false)));
    assert_eq!(disk.body("/a").as_deref(), Some(&b"/a"[..]), "the body is whole");
    disk.keep_now(entry("/a", "new"));
    assert_eq!(is_outdated(&disk, "/a"), Some(false));
    drop(loaded_before);
}

#[test]
fn a_place_found_before_a_purge_is_not_fresh_after_it() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    disk.keep_now(entry("/a", "x"));
    let find = || disk.find(&key("/a"), &HeaderMap::new()).expect("found");
    let place = find();
    disk.purge(&soft(Selection::All));
    assert!(disk.load(place).expect("still there").is_outdated());
    let place = find();
    disk.purge(&hard(Selection::All));
    assert!(disk.load(place).is_none());
}

#[test]
fn a_purge_of_everything_leaves_no_file() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    for n in 0..50 {
        disk.keep(entry(&format!("/{n}"), body(n, 100)).into());
    }
    assert_eq!(disk.purge(&hard(Selection::All)), 50);
    assert_eq!((disk.stats().entries, disk.stats().bytes), (0, 0));
    assert_eq!(files(&scratch.cache()).len(), 1, "the lock alone");
}

#[test]
fn a_purge_right_after_the_start_holds_for_what_is_not_loaded_yet() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    for n in 0..300 {
        disk.keep(entry(&format!("/{n}"), body(n, 100)).into());
    }
    disk.close_now();
    let disk = Disk::open(scratch.cache(), PLENTY, PLENTY);
    disk.purge_later(soft(Selection::Key(key("/1"))));
    disk.purge_later(hard(Selection::Tags(vec!["/2".into()])));
    assert_eq!(disk.purge(&hard(Selection::prefix("/3").expect("a prefix"))), 11);
    assert_eq!(is_outdated(&disk, "/1"), Some(true));
    assert_eq!((is_outdated(&disk, "/2"), is_outdated(&disk, "/3")), (None, None));
    assert_eq!(is_outdated(&disk, "/4"), Some(false));
    disk.close_now();
    let disk = scratch.open();
    assert_eq!(is_outdated(&disk, "/1"), Some(true));
    assert_eq!((is_outdated(&disk, "/2"), disk.stats().entries), (None, 300 - 12));
}
