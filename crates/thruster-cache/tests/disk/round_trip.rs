//! What is kept is found again as it was.

use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::words::*;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use thruster_cache::disk::{BLOCK, Disk};
use thruster_cache::{Body, Entry, Pointer};

fn unusual(body: Body) -> Entry {
    let whole = entry_in("de", "/posts?page=1", "");
    let mut headers = whole.headers.clone();
    headers.append(header::LINK, HeaderValue::from_static("</a>"));
    headers.append(header::LINK, HeaderValue::from_static("</b>"));
    let mut life = life();
    life.initial_age = Duration::from_millis(1234);
    life.stale_if_error = Duration::from_secs(99);
    life.must_revalidate = true;
    life.is_for_authorized = true;
    let tags = vec!["post-1".into(), "post-2".into()];
    Entry::new(whole.key, whole.variant, life, StatusCode::GONE, headers, tags, body)
}

fn assert_same(found: &Entry, kept: &Entry) {
    assert_eq!(found.key, kept.key);
    assert_eq!(found.variant, kept.variant);
    assert_eq!(found.life, kept.life);
    assert_eq!(found.status, kept.status);
    assert_eq!(found.headers, kept.headers);
    assert_eq!(found.tags, kept.tags);
    assert_eq!(found.length(), kept.length());
    assert_eq!(found.is_outdated(), kept.is_outdated());
}

#[test]
fn an_entry_comes_back_as_it_was_also_after_a_restart() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let kept = || unusual(Body::Whole(body(1, 3 * BLOCK + 5)));
    let found = |disk: &Disk| disk.load_for("/posts?page=1", &request_in("de")).expect("found");
    let expected = kept();
    let received = expected.life.received;
    disk.keep_now(expected);
    let again = |disk: &Disk| {
        let mut expected = kept();
        expected.life.received = received;
        let found = found(disk);
        assert_same(&found, &expected);
        assert!(read_all(&found).expect("a whole body") == body(1, 3 * BLOCK + 5));
        assert!(disk.load_for("/posts?page=1", &request_in("en")).is_none(), "another variant");
        assert!(disk.load_for("/posts?page=1", &HeaderMap::new()).is_none(), "another variant");
        assert!(disk.load_for("/posts?page=2", &request_in("de")).is_none(), "another target");
    };
    again(&disk);
    disk.close_now();
    again(&scratch.open());
}

#[test]
fn an_entry_whose_body_is_a_file_keeps_its_pointer() {
    let scratch = Scratch::new();
    let pointer = Pointer {
        path: Path::new("/app/storage/a.pdf").into(),
        length: 1 << 40,
        modified: SystemTime::now(),
        inode: 7,
    };
    let disk = scratch.open();
    disk.keep_now(unusual(Body::File(pointer.clone())));
    disk.close_now();
    let found = scratch.open().load_for("/posts?page=1", &request_in("de")).expect("found");
    assert!(matches!(&found.body, Body::File(found) if *found == pointer), "{:?}", found.body);
}

#[test]
fn an_outdated_entry_stays_so() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let outdated = entry("/a", "old");
    outdated.outdate();
    disk.keep_now(outdated);
    let is_outdated = |disk: &Disk| disk.load_for("/a", &HeaderMap::new()).map(|e| e.is_outdated());
    assert_eq!(is_outdated(&disk), Some(true));
    disk.close_now();
    let disk = scratch.open();
    assert_eq!(is_outdated(&disk), Some(true));
    disk.keep_now(entry("/a", "new"));
    assert_eq!(is_outdated(&disk), Some(false));
}

#[test]
fn what_is_read_stays_what_it_is_when_the_entry_goes() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    disk.keep_now(entry("/a", body(1, 5000)));
    let old = disk.load_for("/a", &HeaderMap::new()).expect("found");
    disk.keep_now(entry("/a", body(2, 5000)));
    assert_eq!(read_all(&old).expect("the old body"), body(1, 5000));
    assert_eq!(disk.body("/a"), Some(body(2, 5000)));
}

#[test]
fn what_nobody_could_use_is_not_kept() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let stale = |target: &str| {
        let mut entry = entry(target, "x");
        entry.life.received -= Duration::from_secs(7200);
        entry
    };
    let mut useless = stale("/useless");
    useless.headers.clear();
    let mut in_need = stale("/in-need");
    in_need.headers.clear();
    in_need.life.stale_if_error = Duration::from_secs(86_400);
    for entry in [useless, in_need, stale("/validated")] {
        disk.keep_now(entry);
    }
    let is_kept = |target: &str| disk.find(&key(target), &HeaderMap::new()).is_some();
    assert!(!is_kept("/useless") && is_kept("/in-need") && is_kept("/validated"));
}

#[test]
fn what_comes_back_from_memory_unchanged_is_not_written_again() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let received = SystemTime::now();
    let evicted = |seed| {
        let mut entry = entry("/a", body(seed, BLOCK + 9));
        entry.life.received = received;
        entry
    };
    let inode = || {
        use std::os::unix::fs::MetadataExt;
        let files = entry_files(&scratch.cache());
        assert_eq!(files.len(), 1);
        std::fs::metadata(&files[0]).expect("a file").ino()
    };
    disk.keep_now(evicted(1));
    // Held open, or the next file might get the number again.
    let _held = disk.load_for("/a", &HeaderMap::new());
    let first = inode();
    disk.keep_now(evicted(1));
    assert_eq!(inode(), first, "the same");
    disk.keep_now(evicted(2));
    assert_ne!(inode(), first, "another body under the same head");
    assert_eq!(disk.body("/a"), Some(body(2, BLOCK + 9)));
}

#[test]
fn a_refresh_changes_the_head_and_keeps_the_body() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    for (target, length) in [("/empty", 0), ("/small", 5000), ("/large", 9 * BLOCK + 1)] {
        disk.keep_now(entry(target, body(1, length)));
        let old = disk.load_for(target, &HeaderMap::new()).expect("found");
        let mut new = entry(target, "");
        new.headers.insert(header::EXPIRES, HeaderValue::from_static("later"));
        new.body = Body::Disk(stored(&old).clone());
        disk.refresh(new.into());
        let refreshed = || {
            disk.settle(); // A large one takes some turns of the disk thread.
            let found = disk.load_for(target, &HeaderMap::new()).expect("found");
            found.headers.contains_key(header::EXPIRES).then_some(found)
        };
        let found = std::iter::repeat_with(refreshed).take(1000).flatten().next();
        let found = found.expect("refreshed at last");
        assert!(read_all(&found).expect("its body") == body(1, length), "{target}");
        assert!(read_all(&old).expect("its body") == body(1, length), "{target}");
    }
    assert!(temporaries(&scratch.cache()).is_empty());
}

#[test]
fn no_size_is_no_cache_and_no_file() {
    let scratch = Scratch::new();
    let disk = Disk::open(scratch.cache(), 0, PLENTY);
    disk.keep_now(entry("/a", "x"));
    assert_eq!(disk.body("/a"), None);
    assert!(disk.begin(entry("/b", "").into()).is_none());
    assert!(!scratch.cache().exists());
    disk.close_now();
}

#[test]
fn the_list_tells_what_there_is() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    disk.keep_now(unusual(Body::Whole(body(1, 5000))));
    disk.keep_now(entry("/b", "x"));
    disk.load_for("/posts?page=1", &request_in("de")).expect("found");
    let listed = disk.list(10);
    assert_eq!(listed.len(), 2);
    let first = &listed[0];
    assert_eq!((first.key.target(), first.status), (&b"/posts?page=1"[..], StatusCode::GONE));
    assert_eq!((first.size, first.hits, first.tags.len()), (8192, 1, 2));
    assert!(first.life.must_revalidate && !first.is_outdated);
    assert_eq!(disk.list(1).len(), 1);
    assert_eq!(disk.stats().entries, 2);
}
