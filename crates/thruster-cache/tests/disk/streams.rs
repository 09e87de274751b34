//! Large bodies, piece by piece, and those who read along.

use std::path::Path;
use std::sync::mpsc;

use crate::words::*;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use thruster_cache::disk::{BLOCK, Disk, Partial, Writer};
use thruster_cache::{Body, Pointer, Selection};

const LENGTH: usize = 5 * BLOCK + 123;

fn begin(disk: &Disk, target: &str) -> Writer {
    disk.begin(entry(target, "ignored").into()).expect("a disk that takes it")
}

fn write_all(writer: &mut Writer, body: &Bytes) {
    for piece in body.chunks(50_000) {
        assert!(writer.write(Bytes::copy_from_slice(piece)));
    }
}

fn read_along(partial: &Partial) -> Bytes {
    let mut bytes = Vec::new();
    loop {
        let piece = partial.read(bytes.len() as u64, usize::MAX).expect("what was written");
        if piece.is_empty() {
            return bytes.into();
        }
        bytes.extend_from_slice(&piece);
    }
}

#[test]
fn a_body_in_pieces_is_found_when_it_is_whole() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let mut writer = begin(&disk, "/video");
    write_all(&mut writer, &body(1, LENGTH));
    disk.settle();
    assert!(disk.find(&key("/video"), &HeaderMap::new()).is_none(), "not whole yet");
    writer.finish();
    disk.settle();
    assert!(disk.body("/video") == Some(body(1, LENGTH)));
    disk.close_now();
    assert!(scratch.open().body("/video") == Some(body(1, LENGTH)));
}

#[test]
fn a_body_can_be_read_while_it_arrives_and_after() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let mut writer = begin(&disk, "/video");
    let partial = writer.reader().expect("it has not failed");
    assert!(read_along(&partial).is_empty(), "nothing yet");
    let (tell, told) = mpsc::channel();
    writer.on_progress(Box::new(move || tell.send(()).unwrap_or_default()));
    let whole = body(1, LENGTH);
    let first = whole.slice(..BLOCK + 1000);
    write_all(&mut writer, &first);
    while partial.written() < first.len() as u64 {
        told.recv_timeout(PATIENCE).expect("progress");
    }
    assert_eq!(writer.written(), first.len() as u64);
    assert!(read_along(&partial) == first);
    assert_eq!(partial.read(5, 10).expect("a part"), first.slice(5..15));
    write_all(&mut writer, &whole.slice(BLOCK + 1000..));
    writer.finish();
    disk.settle();
    assert!(read_along(&partial) == whole);
    disk.purge(&hard(Selection::All));
    disk.close_now();
    assert!(read_along(&partial) == whole, "also when it is gone");
    assert!(!partial.has_failed());
}

#[test]
fn a_body_that_is_given_up_leaves_nothing() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    disk.keep_now(entry("/video", "the one before"));
    let mut writer = begin(&disk, "/video");
    let partial = writer.reader().expect("it has not failed");
    let (tell, told) = mpsc::channel();
    write_all(&mut writer, &body(1, LENGTH));
    disk.settle();
    writer.on_progress(Box::new(move || tell.send(()).unwrap_or_default()));
    assert_eq!(temporaries(&scratch.cache()).len(), 1);
    drop(writer);
    told.recv_timeout(PATIENCE).expect("word of the failure");
    disk.settle();
    assert!(partial.has_failed());
    assert!(read_along(&partial) == body(1, LENGTH), "what is there can still be read");
    assert!(temporaries(&scratch.cache()).is_empty());
    assert_eq!(disk.body("/video").as_deref(), Some(&b"the one before"[..]));
}

#[test]
fn a_body_beyond_the_largest_item_fails() {
    let scratch = Scratch::new();
    let disk = Disk::open(scratch.cache(), PLENTY, 100_000);
    let with_length = |length| {
        let mut head = entry("/a", "");
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static(length));
        disk.begin(head.into())
    };
    assert!(with_length("100001").is_none() && with_length("100000").is_some());
    let mut writer = begin(&disk, "/b");
    assert!(writer.write(body(1, 100_000)));
    assert!(!writer.write(body(1, 1)) && writer.has_failed());
    assert!(!writer.write(body(1, 1)), "still");
    writer.finish();
    disk.keep_now(entry("/c", body(1, 100_001)));
    assert_eq!((disk.body("/b"), disk.body("/c")), (None, None));
    assert_eq!(files(&scratch.cache()).len(), 1, "the lock alone");
}

#[test]
fn what_comes_faster_than_the_disk_takes_it_fails() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let standing_still = stand_still(&disk);
    let mut fast = begin(&disk, "/fast");
    let megabyte = body(2, 1 << 20);
    let taken = (0..100).take_while(|_| fast.write(megabyte.clone())).count();
    assert_eq!(taken, 31, "32 MiB with what surrounds them");
    assert!(fast.has_failed());
    let large = entry("/large", megabyte.clone());
    disk.keep(large.into());
    drop(standing_still);
    disk.settle();
    assert_eq!((disk.body("/fast"), disk.body("/large")), (None, None));
    disk.keep_now(entry("/large", megabyte.clone()));
    assert!(disk.body("/large") == Some(megabyte), "later there is room again");
}

#[test]
fn a_purge_dooms_what_is_under_way() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let mut hit = begin(&disk, "/hit");
    let mut marked = begin(&disk, "/marked");
    let mut spared = begin(&disk, "/spared");
    for writer in [&mut hit, &mut marked, &mut spared] {
        assert!(writer.write(body(1, 1000)));
    }
    disk.purge_later(hard(Selection::Tags(vec!["/hit".into()])));
    disk.purge_later(soft(Selection::Key(key("/marked"))));
    let partial = hit.reader().expect("it goes on for those who read along");
    for mut writer in [hit, marked, spared] {
        assert!(writer.write(body(2, 1000)));
        writer.finish();
    }
    disk.settle();
    assert_eq!(partial.written(), 2000);
    assert_eq!(disk.body("/hit"), None);
    let is_outdated = |target| disk.load_for(target, &HeaderMap::new()).map(|e| e.is_outdated());
    assert_eq!((is_outdated("/marked"), is_outdated("/spared")), (Some(true), Some(false)));
    disk.close_now();
    assert_eq!(entry_files(&scratch.cache()).len(), 2);
}

#[test]
fn the_body_of_its_head_is_ignored() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let mut head = entry("/a", "");
    let modified = head.life.received;
    head.body = Body::File(Pointer { path: Path::new("/x").into(), length: 9, modified, inode: 1 });
    let mut writer = disk.begin(head.into()).expect("a disk that takes it");
    assert!(writer.write(Bytes::from_static(b"the body")));
    writer.finish();
    disk.settle();
    assert_eq!(disk.body("/a").as_deref(), Some(&b"the body"[..]));
}

#[test]
fn of_two_at_once_the_later_one_stays() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let (mut older, mut newer) = (begin(&disk, "/a"), begin(&disk, "/a"));
    assert!(older.write(Bytes::from_static(b"older")) && newer.write(Bytes::from_static(b"newer")));
    newer.finish();
    older.finish();
    disk.settle();
    assert_eq!(disk.body("/a").as_deref(), Some(&b"newer"[..]));
    assert!(temporaries(&scratch.cache()).is_empty());
}

#[test]
fn closing_fails_what_is_under_way() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    let mut writer = begin(&disk, "/a");
    assert!(writer.write(Bytes::from_static(b"half")));
    let partial = writer.reader().expect("it has not failed");
    disk.close(PATIENCE);
    assert!(writer.has_failed() && !writer.write(Bytes::from_static(b"more")));
    assert_eq!(partial.read(0, 10).expect("what was written"), &b"half"[..]);
    assert!(disk.begin(entry("/b", "").into()).is_none());
    assert!(temporaries(&scratch.cache()).is_empty());
    assert_eq!(scratch.open().body("/a"), None);
}
