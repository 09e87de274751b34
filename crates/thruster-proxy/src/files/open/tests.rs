use std::fs::{create_dir, create_dir_all, write};
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::*;

/// A folder with `in/a`, and beside it what must not be reached from `in`.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("open-{:016x}", fastrand::u64(..)));
        create_dir_all(path.join("in/deep")).expect("folders");
        write(path.join("in/a"), "inside").expect("a file");
        write(path.join("out"), "outside").expect("a file");
        Place(path)
    }

    fn inside(&self) -> Folder {
        Folder::find(&self.0.join("in")).expect("the folder")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn code(result: io::Result<File>) -> Option<i32> {
    result.expect_err("a refusal").raw_os_error()
}

#[test]
fn what_was_just_made_is_opened_at_once() {
    let place = Place::new();
    assert!(is_available(), "the tests need Linux 5.12");
    let file = place.inside().open_at_hand(Path::new("a")).expect("a file");
    assert_eq!(io::read_to_string(file).expect("its content"), "inside");
    // That something is not there has to be found out before it can be in memory.
    assert!(place.inside().open(Path::new("b")).is_err());
    assert!(!place.inside().lacks(Path::new("a")) && place.inside().lacks(Path::new("b")));
}

#[test]
fn nothing_leads_out_of_a_folder() {
    let place = Place::new();
    let inside = place.inside();
    symlink("../out", place.0.join("in/link")).expect("a link");
    symlink("..", place.0.join("in/deep/up")).expect("a link");
    symlink("a", place.0.join("in/near")).expect("a link");
    for name in ["link", "deep/up/../out", "near"] {
        for open in [Folder::open, Folder::open_at_hand] {
            assert_eq!(code(open(&inside, Path::new(name))), Some(libc::ELOOP), "{name}");
        }
    }
    assert_eq!(code(inside.open(Path::new("../out"))), Some(libc::EXDEV));
    assert_eq!(code(inside.open(&place.0.join("out"))), Some(libc::EXDEV));
}

#[test]
fn a_way_without_links_has_none_at_all() {
    let place = Place::new();
    symlink("in", place.0.join("link")).expect("a link");
    let linked = place.0.join("link");
    assert!(Folder::at_hand(&linked, Links::Followed).is_ok());
    let refusal = Folder::at_hand(&linked, Links::Refused).map(|_| ()).expect_err("a link");
    assert!(is_link(&refusal), "{refusal}");
    let refusal = Folder::at_hand(&linked.join("deep"), Links::Refused).map(|_| ());
    assert!(is_link(&refusal.expect_err("a link")));
}

#[test]
fn a_folder_that_is_replaced_stays_the_one_that_was_found() {
    let place = Place::new();
    let inside = place.inside();
    std::fs::rename(place.0.join("in"), place.0.join("before")).expect("another name");
    create_dir(place.0.join("in")).expect("another folder");
    assert!(inside.open(Path::new("a")).is_ok());
    assert!(is_missing(&place.inside().open(Path::new("a")).expect_err("nothing there")));
}

#[test]
fn a_name_with_a_nul_is_none() {
    let place = Place::new();
    let refusal = place.inside().open(Path::new("a\0b")).expect_err("no name");
    assert_eq!(refusal.kind(), io::ErrorKind::InvalidInput);
}
