use std::path::Path;

use super::*;

const LATER: Duration = Duration::from_secs(10);

fn wanted(name: &str) -> Wanted {
    Wanted { name: name.into(), coding: Coding::Gzip }
}

fn file(body: &[u8]) -> (Arc<std::fs::File>, Pointer) {
    let path = std::env::temp_dir().join(format!("coded-{:016x}", fastrand::u64(..)));
    std::fs::write(&path, body).expect("a file");
    let opened = Opened::new(std::fs::File::open(&path).expect("it"), path.as_path().into());
    std::fs::remove_file(&path).expect("it");
    let opened = opened.expect("a regular file");
    let pointer = opened.pointer.clone();
    (Arc::new(opened.into_file()), pointer)
}

#[test]
fn a_coding_is_of_the_file_as_it_was() {
    let files = CodedFiles::new(1 << 20, 1 << 20);
    let body = b"some text, ".repeat(1000);
    let (file, pointer) = file(&body);
    let later = pointer.modified + LATER;
    let a = wanted("a");
    assert_eq!(files.find(&a, &pointer, pointer.modified), Found::Never, "too young");
    assert_eq!(files.find(&a, &pointer, later), Found::Nothing);
    files.begin(a.clone(), pointer.clone());
    assert_eq!(files.find(&a, &pointer, later), Found::Never, "under way");
    files.make(a.clone(), file, pointer.clone());
    let Found::Body(coded) = files.find(&a, &pointer, later) else { panic!("not made") };
    assert!(coded.len() < 1000 && coded.starts_with(&[0x1f, 0x8b]));
    for other in [
        Pointer { length: pointer.length + 1, ..pointer.clone() },
        Pointer { inode: pointer.inode + 1, ..pointer.clone() },
        Pointer { modified: pointer.modified + Duration::from_nanos(1), ..pointer.clone() },
    ] {
        assert_eq!(files.find(&a, &other, later), Found::Nothing, "{other:?}");
    }
    let elsewhere = Pointer { path: Path::new("/b").into(), ..pointer };
    assert_eq!(files.find(&a, &elsewhere, later), Found::Body(coded));
}

#[test]
fn what_changes_while_it_is_read_is_not_kept() {
    let files = CodedFiles::new(1 << 20, 1 << 20);
    let (file, pointer) = file(&b"some text, ".repeat(1000));
    let later = pointer.modified + LATER;
    for before in [
        Pointer { length: pointer.length + 1, ..pointer.clone() },
        Pointer { modified: pointer.modified - LATER, ..pointer.clone() },
    ] {
        files.begin(wanted("a"), before.clone());
        files.make(wanted("a"), file.clone(), before.clone());
        assert_eq!(files.find(&wanted("a"), &before, later), Found::Nothing);
    }
}

#[test]
fn room_is_made_among_the_least_wanted() {
    let body: Vec<u8> = (0..8000).map(|_| fastrand::u8(b'a'..=b'p')).collect();
    let files = CodedFiles::new(11_000, 100_000);
    let (file, pointer) = file(&body);
    let later = pointer.modified + LATER;
    for name in ["a", "b", "c"] {
        files.make(wanted(name), file.clone(), pointer.clone());
        assert!(matches!(files.find(&wanted("a"), &pointer, later), Found::Body(_)), "{name}");
    }
    assert!(files.find(&wanted("b"), &pointer, later) == Found::Nothing);
    assert!(files.lock().weight <= 11_000);
    let long = Pointer { length: 11_001, ..pointer.clone() };
    assert_eq!(files.find(&wanted("d"), &long, later), Found::Never);
    let nothing = CodedFiles::new(0, 100_000);
    assert_eq!(nothing.find(&wanted("a"), &pointer, later), Found::Never);
}

#[test]
fn what_does_not_get_smaller_is_not_asked_for_again() {
    let files = CodedFiles::new(1 << 20, 1 << 20);
    let noise: Vec<u8> = (0..5000).map(|_| fastrand::u8(..)).collect();
    let (file, pointer) = file(&noise);
    files.make(wanted("a"), file, pointer.clone());
    let found = files.find(&wanted("a"), &pointer, pointer.modified + LATER);
    assert_eq!(found, Found::Never);
}
