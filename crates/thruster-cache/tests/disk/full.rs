//! A disk that takes no more. Really: a small file system where we may mount one, and the limit
//! on the size of files everywhere.

use std::path::Path;
use std::process::Command;

use crate::words::*;
use bytes::Bytes;
use http::HeaderMap;
use thruster_cache::Selection;
use thruster_cache::disk::Disk;

const TEST: &str = "full::a_full_disk_makes_misses_and_no_wrong_answer";

/// No file gets larger than some 100 KB, and the signal for it is ignored: writing fails.
const LIMITED: &[&str] = &["sh", "-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\""];

/// A small file system in a namespace of its own, which takes it along when it ends.
const MOUNTED: &[&str] = &[
    "unshare",
    "-rm",
    "sh",
    "-c",
    "mount -t tmpfs -o size=1m thruster \"$DISK_TEST_FOLDER\" && exec \"$0\" \"$@\"",
];

fn target(n: usize) -> String {
    format!("/{n}")
}

fn right(disk: &Disk) -> usize {
    let is_right = |n: &usize| match disk.load_for(&target(*n), &HeaderMap::new()) {
        Some(found) => {
            assert!(read_all(&found).expect("a whole body") == body(*n as u64, n * 10_000));
            true
        }
        None => false,
    };
    (0..40).filter(is_right).count()
}

/// Fills the disk; in a process and on a disk that are small enough.
fn fill(folder: &Path) {
    let disk = open(folder, PLENTY);
    disk.keep_now(entry("/p", "a predecessor"));
    for n in 0..40 {
        disk.keep_now(entry(&target(n), body(n as u64, n * 10_000)));
    }
    let found = right(&disk);
    assert!((5..35).contains(&found), "some, and not all: {found}");

    disk.keep_now(entry("/p", body(1, 5_000_000)));
    assert_eq!(disk.body("/p"), None, "its predecessor is out of date");

    let mut writer = disk.begin(entry("/s", "").into()).expect("a disk that takes it");
    let whole = body(2, 5_000_000);
    let partial = writer.reader().expect("it has not failed");
    let taken = whole.chunks(10_000).take_while(|piece| {
        let is_taken = writer.write(Bytes::copy_from_slice(piece));
        disk.settle();
        is_taken
    });
    assert!(taken.count() < 500 && writer.has_failed());
    let written = partial.written() as usize;
    let mut read = Vec::new();
    while read.len() < written {
        read.extend_from_slice(&partial.read(read.len() as u64, written).expect("a part"));
    }
    assert!(read == whole[..written]);
    drop(writer);
    disk.settle();
    assert!(disk.body("/s").is_none() && temporaries(folder).is_empty());
    assert_eq!(right(&disk), found);
    disk.close_now();

    let disk = open(folder, PLENTY);
    assert_eq!(right(&disk), found, "also after a restart");
    disk.purge(&hard(Selection::All));
    disk.keep_now(entry("/again", body(3, 20_000)));
    assert_eq!(disk.body("/again"), Some(body(3, 20_000)), "there is room again");
    println!("filled");
}

#[test]
fn a_full_disk_makes_misses_and_no_wrong_answer() {
    if let Some((_, folder)) = role() {
        return fill(&folder);
    }
    let run = |around: &[&str]| {
        let scratch = Scratch::new();
        std::fs::create_dir(scratch.cache()).expect("a folder");
        let output = another_process(TEST, "fill", &scratch.cache(), around).output();
        let output = output.expect("a process");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success() && said.contains("filled"), "{around:?}\n{said}");
    };
    run(LIMITED);
    let may_mount = Command::new("unshare")
        .args(["-rm", "mount", "-t", "tmpfs", "thruster", "/mnt"])
        .output()
        .is_ok_and(|output| output.status.success());
    if may_mount {
        run(MOUNTED);
    }
}
