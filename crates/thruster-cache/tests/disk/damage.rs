//! Files that are not what they were: skipped and removed, never believed.

use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use crate::words::*;
use bytes::Bytes;
use http::HeaderMap;
use thruster_cache::disk::{BLOCK, Disk};

fn flip(path: &Path, at: u64, random: &mut Random) {
    let file = std::fs::OpenOptions::new().read(true).write(true).open(path).expect("a file");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("a byte");
    byte[0] ^= 1 << random.below(8);
    file.write_all_at(&byte, at).expect("a byte");
}

/// One file of an entry with this body, whose cache is closed.
fn one_file(scratch: &Scratch, body: Bytes) -> std::path::PathBuf {
    let disk = scratch.open();
    disk.keep_now(entry("/a", body));
    disk.close_now();
    entry_files(&scratch.cache()).remove(0)
}

#[test]
fn damage_anywhere_is_never_served_and_removed() {
    let scratch = Scratch::new();
    let whole = body(1, BLOCK + 3000);
    let path = one_file(&scratch, whole.clone());
    let length = std::fs::metadata(&path).expect("a file").len();
    let intact = std::fs::read(&path).expect("a file");
    let random = &mut Random(3);
    for round in 0..150 {
        std::fs::write(&path, &intact).expect("a file");
        // Half of them around the body, where the structure is.
        let edge = 600.min(length / 2);
        let at = match round % 4 {
            0 => random.below(edge),
            1 => length - 1 - random.below(edge),
            _ => random.below(length),
        };
        flip(&path, at, random);
        let disk = scratch.open();
        match disk.body("/a") {
            Some(read) => assert!(read == whole && at == 8, "a wrong body, by byte {at}"),
            None => {
                disk.settle();
                assert!(disk.find(&key("/a"), &HeaderMap::new()).is_none(), "byte {at}");
                assert!(!path.exists(), "byte {at}");
                assert_eq!(disk.stats().bytes, 0);
            }
        }
        disk.close_now();
    }
}

#[test]
fn damage_that_comes_while_the_cache_is_open_is_found_too() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    disk.keep_now(entry("/a", body(1, 3 * BLOCK)));
    let path = &entry_files(&scratch.cache())[0];
    let found = disk.load_for("/a", &HeaderMap::new()).expect("found");
    let middle = std::fs::metadata(path).expect("a file").len() / 2;
    flip(path, middle, &mut Random(1));
    assert!(stored(&found).read(0, BLOCK).is_ok(), "another block");
    assert!(stored(&found).read(BLOCK as u64, 1).is_err());
    disk.settle();
    assert!(disk.find(&key("/a"), &HeaderMap::new()).is_none() && !path.exists());
}

#[test]
fn a_file_cut_short_anywhere_is_removed() {
    let scratch = Scratch::new();
    let path = one_file(&scratch, body(1, 5000));
    let intact = std::fs::read(&path).expect("a file");
    let edges = [0, 1, 7, 8, 23, 24, 25, 63, 64, 200, 4095, 4096, 4097];
    let end = intact.len();
    for length in edges.into_iter().chain([end - 41, end - 40, end - 39, end - 1]) {
        std::fs::write(&path, &intact[..length]).expect("a file");
        let disk = scratch.open();
        assert_eq!(disk.body("/a"), None, "{length}");
        disk.settle();
        assert!(!path.exists(), "{length}");
        disk.close_now();
    }
    std::fs::write(&path, [&intact[..], b"x"].concat()).expect("a file");
    assert_eq!(scratch.open().body("/a"), None);
}

#[test]
fn a_file_that_goes_is_a_miss() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    disk.keep_now(entry("/a", "x"));
    std::fs::remove_file(&entry_files(&scratch.cache())[0]).expect("a file");
    assert_eq!(disk.body("/a"), None);
    assert_eq!(disk.stats().entries, 0);
    std::fs::remove_dir_all(scratch.cache()).expect("a folder");
    disk.keep_now(entry("/a", "y"));
    assert_eq!(disk.body("/a").as_deref(), Some(&b"y"[..]), "the folder is made anew");
}

#[test]
fn a_file_under_the_name_of_another_is_removed() {
    let scratch = Scratch::new();
    let disk = scratch.open();
    disk.keep_now(entry("/a", "a"));
    let a = entry_files(&scratch.cache()).remove(0);
    disk.keep_now(entry("/b", "b"));
    let b = entry_files(&scratch.cache()).into_iter().find(|path| *path != a).expect("a file");
    std::fs::copy(&b, &a).expect("a copy");
    assert_eq!(disk.body("/a"), None);
    assert_eq!(disk.body("/b").as_deref(), Some(&b"b"[..]));
    disk.settle();
    assert!(!a.exists());
    std::fs::copy(&b, &a).expect("a copy");
    disk.close_now();
    let disk = scratch.open();
    assert_eq!((disk.body("/a").is_some(), disk.body("/b").is_some()), (false, true));
    assert!(!a.exists() && b.exists());
}

#[test]
fn strangers_are_left_alone_and_leftovers_are_not() {
    let scratch = Scratch::new();
    one_file(&scratch, body(1, 100));
    let cache = scratch.cache();
    let write = |path: &str| {
        let path = cache.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(&path, "stranger").expect("a file");
        path
    };
    let name = |text: &str| format!("{text:0<32}");
    let strangers = [
        write("README"),
        write("ab/notes.txt"),
        write(&format!("ab/{}", name("AB"))),
        write(&format!("ab/{}", name("cd"))), // The wrong shelf.
        write(&format!("xy/{}", name("ab"))),
        write("tmp/notes"),
        write(&format!("ac/{}/folder", name("ac"))),
    ];
    let leftovers = [write("tmp/0"), write("tmp/17"), write(&format!("ab/{}", name("ab")))];
    let disk = scratch.open();
    assert_eq!(disk.stats().entries, 1);
    assert!(strangers.iter().all(|path| path.exists()));
    assert!(!leftovers.iter().any(|path| path.exists()));
    disk.keep_now(entry("/b", "b"));
    assert_eq!(disk.body("/b").as_deref(), Some(&b"b"[..]));
}

#[test]
fn only_its_owner_can_look_into_the_folder() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.cache()).expect("a folder");
    let open_to_all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(scratch.cache(), open_to_all).expect("ours");
    let disk = scratch.open();
    disk.keep_now(entry("/a", "secret"));
    let mode = |path: &Path| std::fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&scratch.cache()), 0o700);
    let file = &entry_files(&scratch.cache())[0];
    assert_eq!((mode(file), mode(file.parent().expect("a shelf"))), (0o600, 0o700));
}

#[test]
fn a_folder_that_cannot_be_used_is_done_without() {
    let scratch = Scratch::new();
    std::fs::write(scratch.cache(), "a file").expect("a file");
    let disk = Disk::open(scratch.cache(), PLENTY, PLENTY);
    disk.settle();
    disk.keep_now(entry("/a", "x"));
    assert_eq!(disk.body("/a"), None);
    assert!(disk.begin(entry("/b", "").into()).is_none());
    let stats = disk.stats();
    assert!(!stats.is_owner && !stats.is_loading && stats.entries == 0);
    disk.close_now();
    assert_eq!(std::fs::read(scratch.cache()).expect("the file"), b"a file");
}
