//! A process that is killed at any moment leaves entries that are whole, or none.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use crate::words::*;
use http::{HeaderMap, HeaderName, HeaderValue};
use thruster_cache::disk::Disk;
use thruster_cache::{Body, Entry, Selection};

const KILLS: u64 = 200;
const TARGETS: u64 = 12;
const VERSION: HeaderName = HeaderName::from_static("x-version");
const TEST: &str = "killed::an_entry_is_whole_or_absent_whenever_the_process_is_killed";

/// Bodies follow from target and version, most of them small.
fn body_of(target: u64, version: u64) -> bytes::Bytes {
    let mut random = Random(target << 32 | version);
    let most = if random.is_one_in(4) { 400_000 } else { 5_000 };
    let length = random.below(most) as usize;
    body(random.next(), length)
}

fn path(target: u64) -> String {
    format!("/{target}")
}

fn make(target: u64, version: u64, body: bytes::Bytes) -> Entry {
    let mut entry = entry(&path(target), body);
    entry.headers.insert(VERSION, HeaderValue::from(version));
    entry
}

/// Writes until it is killed, and tells of each purge that is done: what was before it must not
/// come back.
fn write_for_ever(folder: &Path, seed: u64) -> ! {
    let disk = open(folder, PLENTY);
    let mut random = Random(seed);
    for step in 0.. {
        let (target, version) = (random.below(TARGETS), seed * 1_000_000 + step);
        let mut said = "wrote".to_owned();
        match random.below(10) {
            0..=5 => disk.keep(make(target, version, body_of(target, version)).into()),
            6 => {
                let head = make(target, version, bytes::Bytes::new());
                let mut writer = disk.begin(head.into()).expect("a disk that takes it");
                body_of(target, version).chunks(50_000).for_each(|piece| {
                    writer.write(bytes::Bytes::copy_from_slice(piece));
                });
                writer.finish();
            }
            7 => {
                if let Some(found) = disk.load_for(&path(target), &HeaderMap::new()) {
                    let mut refreshed = make(target, version_of(&found), bytes::Bytes::new());
                    refreshed.body = Body::Disk(stored(&found).clone());
                    disk.refresh(refreshed.into());
                }
            }
            8 => _ = disk.purge(&soft(Selection::Key(key(&path(target))))),
            _ => {
                disk.purge(&hard(Selection::Tags(vec![path(target).into()])));
                said = format!("purged {target} {version}");
            }
        }
        let is_heard = writeln!(std::io::stdout(), "{said}").is_ok();
        assert!(is_heard, "nobody is left to kill it");
    }
    unreachable!("it is killed before")
}

fn version_of(entry: &Entry) -> u64 {
    let version = entry.headers[VERSION].to_str().expect("digits");
    version.parse().expect("a number")
}

/// Opens what a killed process left; what is found must be right.
fn check(disk: &Disk, folder: &Path, purged: &HashMap<u64, u64>) -> usize {
    assert!(temporaries(folder).is_empty());
    let mut found = 0;
    for target in 0..TARGETS {
        let Some(entry) = disk.load_for(&path(target), &HeaderMap::new()) else { continue };
        let version = version_of(&entry);
        let is_right = read_all(&entry).is_ok_and(|read| read == body_of(target, version));
        assert!(is_right, "another body for {target}");
        let barrier = purged.get(&target).copied().unwrap_or(0);
        assert!(version >= barrier, "{target} has come back from before a purge");
        found += 1;
    }
    // All that had a name was whole: nothing had to be thrown away.
    assert_eq!(entry_files(folder).len(), found);
    found
}

#[test]
fn an_entry_is_whole_or_absent_whenever_the_process_is_killed() {
    if let Some((seed, folder)) = role() {
        write_for_ever(&folder, seed.parse().expect("a number"));
    }
    let scratch = Scratch::new();
    let folder = scratch.cache();
    let (mut random, mut purged, mut found) = (Random(1), HashMap::new(), 0);
    for round in 1..=KILLS {
        let mut writer =
            another_process(TEST, &round.to_string(), &folder, &[]).spawn().expect("a process");
        let mut said = BufReader::new(writer.stdout.take().expect("its output")).lines();
        let enough = random.below(60) as usize;
        let mut hear = |line: &str| {
            let mut words = line.split(' ');
            if words.next() == Some("purged") {
                let mut number = || words.next().and_then(|w| w.parse().ok()).expect("a number");
                purged.insert(number(), number());
            }
        };
        let is_said = |line: &String| line.starts_with("wrote") || line.starts_with("purged");
        said.by_ref().map_while(Result::ok).filter(is_said).take(enough).for_each(|l| hear(&l));
        writer.kill().expect("a process to kill");
        // What it said before it died holds, too.
        said.map_while(Result::ok)
            .filter(|line| line.ends_with(|c: char| c.is_ascii_digit()))
            .for_each(|line| hear(&line));
        let status = writer.wait().expect("a process that has ended");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9), "{status}");
        let disk = open(&folder, PLENTY);
        found += check(&disk, &folder, &purged);
        disk.close_now();
    }
    assert!(found as u64 > KILLS, "there was something to find: {found}");
}
