//! Where files must lie to be sent: SENDFILE_ROOTS.

use std::fs::create_dir_all;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use thruster_test::{Folder, ThrustBuilder, thrust, upstream};

use super::naming;
use super::zero_copy::{calls, count, threads, without_openat2};

/// Asserts that the file is sent, or is not found, with a warning that names the setting.
fn assert_sent(thrust: ThrustBuilder, path: &Path, is_sent: bool) {
    let app = naming(path, "Content-Type: text/plain\r\n");
    let proxy = thrust.run(&app);
    let response = proxy.connect().get("/file");
    let expected = if is_sent { (200, "content") } else { (404, "") };
    assert_eq!((response.status, response.text()), expected, "{}", path.display());
    if !is_sent {
        let warning = proxy.log_where(|line| line["level"] == "WARN").to_string();
        assert!(warning.contains("SENDFILE_ROOTS"), "{warning}");
    }
}

/// A file of this name, and the folders on its way.
fn file(folder: &Folder, name: &str) -> PathBuf {
    let path = folder.at(name);
    create_dir_all(path.parent().expect("a folder")).expect("folders");
    std::fs::write(&path, "content").expect("a file");
    path
}

/// A thrust with no roots but these.
fn within(roots: &[&Path]) -> ThrustBuilder {
    let roots: Vec<_> = roots.iter().map(|root| root.to_str().expect("UTF-8")).collect();
    thrust().with("SENDFILE_ROOTS", roots.join(":"))
}

/// A thrust in this folder, with a temporary folder elsewhere.
fn working_in(folder: &Path, temporary: &Path) -> ThrustBuilder {
    create_dir_all(temporary).expect("a folder");
    thrust().in_folder(folder).with("TMPDIR", temporary.display())
}

#[test]
fn only_files_below_the_roots_are_sent() {
    let folder = Folder::new();
    let (one, two) = (file(&folder, "one/a"), file(&folder, "two/deep/er/b"));
    let neighbour = file(&folder, "one-more/c");
    let roots = || within(&[&folder.at("one"), &folder.at("missing"), &folder.at("two")]);
    assert_sent(roots(), &one, true);
    assert_sent(roots(), &two, true);
    assert_sent(roots(), &neighbour, false);
    assert_sent(roots(), &folder.at("one/../one-more/c"), false);
    assert_sent(roots(), Path::new("/etc/passwd"), false);
    assert_sent(within(&[&one]), &one, true);
}

#[test]
fn links_are_followed_before_a_file_is_admitted() {
    let folder = Folder::new();
    let (inside, outside) = (file(&folder, "in/a"), file(&folder, "out/b"));
    symlink(&outside, folder.at("in/leaving")).expect("a link");
    symlink(folder.at("out"), folder.at("in/way-out")).expect("a link");
    symlink(&inside, folder.at("out/coming")).expect("a link");
    symlink(folder.at("in"), folder.at("door")).expect("a link");
    let root = || within(&[&folder.at("in")]);
    assert_sent(root(), &folder.at("in/leaving"), false);
    assert_sent(root(), &folder.at("in/way-out/b"), false);
    assert_sent(root(), &folder.at("out/coming"), true);
    assert_sent(root(), &folder.at("door/a"), true);
    assert_sent(within(&[&folder.at("door")]), &inside, true);
}

#[test]
fn a_root_may_be_made_and_moved_later() {
    let folder = Folder::new();
    let (first, second) = (file(&folder, "1/a"), file(&folder, "2/a"));
    let current = folder.at("current");
    let app = naming(&second, "");
    let proxy = within(&[&current]).run(&app);
    assert_eq!(proxy.connect().get("/file").status, 404);
    symlink(first.parent().expect("a folder"), &current).expect("a link");
    assert_eq!(proxy.connect().get("/file").status, 404);
    std::fs::remove_file(&current).expect("the link");
    symlink(second.parent().expect("a folder"), &current).expect("a link");
    assert_eq!(proxy.connect().get("/file").text(), "content");
}

#[test]
fn by_default_they_are_the_working_folder_and_the_temporary_one() {
    let folder = Folder::new();
    let (app, tmp) = (folder.at("app"), folder.at("tmp"));
    let (own, temporary) = (file(&folder, "app/public/a"), file(&folder, "tmp/b"));
    let other = file(&folder, "other/c");
    symlink(&app, folder.at("linked")).expect("a link");
    for start in [&app, &folder.at("linked")] {
        assert_sent(working_in(start, &tmp), &own, true);
        assert_sent(working_in(start, &tmp), &temporary, true);
        assert_sent(working_in(start, &tmp), &other, false);
        assert_sent(working_in(start, &tmp), Path::new("public/a"), true);
    }
}

#[test]
fn a_release_may_name_what_is_shared_between_releases() {
    let folder = Folder::new();
    let shared = file(&folder, "app/shared/system/a");
    let newer = file(&folder, "app/releases/2/public/b");
    let private = file(&folder, "app/repo/config");
    let own = file(&folder, "app/releases/1/public/c");
    let link = own.with_file_name("system");
    symlink("../../../shared/system", &link).expect("a link");
    symlink("releases/1", folder.at("app/current")).expect("a link");
    let release = || working_in(&folder.at("app/current"), &folder.at("tmp"));
    assert_sent(release(), &folder.at("app/current/public/system/a"), true);
    for path in [&shared, &newer, &own, &link.join("a")] {
        assert_sent(release(), path, true);
    }
    assert_sent(release(), &private, false);
}

#[test]
fn a_kept_pointer_that_leads_out_by_now_is_not_followed() {
    let folder = Folder::new();
    let inside = file(&folder, "in/dir/a");
    let app = naming(&inside, "Cache-Control: public, max-age=60\r\n");
    let proxy = within(&[&folder.at("in")]).run(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/file").text(), "content");
    assert_eq!(client.get("/file").header("x-cache"), "hit");
    std::fs::rename(folder.at("in/dir"), folder.at("out")).expect("a folder");
    symlink(folder.at("out"), folder.at("in/dir")).expect("a link");
    assert_eq!(client.get("/file").status, 404, "the very same file, elsewhere");
}

#[test]
fn a_link_on_the_way_takes_no_thread_either() {
    let folder = Folder::new();
    let target = file(&folder, "app/shared/storage/a");
    std::fs::create_dir_all(folder.at("app/releases/1")).expect("folders");
    let link = folder.at("app/releases/1/storage");
    symlink(target.parent().expect("a folder"), &link).expect("a link");
    let app = naming(&link.join("a"), "");
    let proxy = working_in(&folder.at("app/releases/1"), &folder.at("tmp")).run(&app);
    let mut client = proxy.connect();
    let mut ask = || assert_eq!(client.get("/file").text(), "content");
    ask();
    let calls = calls(&proxy, ask);
    // Below the root, the folder through the link, and the file in it; and the root itself, if it
    // was found more than a second ago.
    assert!(matches!(count(&calls, "openat2"), 3 | 4), "{calls}");
    assert_eq!(count(&calls, "readlink"), 1, "{calls}");
    assert_eq!((count(&calls, "openat"), threads(&calls)), (0, 1), "{calls}");
}

#[test]
fn without_openat2_the_roots_hold_as_well() {
    let folder = Folder::new();
    let (inside, outside) = (file(&folder, "in/a"), file(&folder, "out/b"));
    symlink(&outside, folder.at("in/leaving")).expect("a link");
    let expected = [(inside, 200), (folder.at("in/leaving"), 404), (outside, 404)];
    let paths = expected.clone().map(|(path, _)| path.display().to_string());
    let app = upstream(move |exchange| {
        let number = exchange.target().trim_start_matches('/').parse::<usize>();
        let path = &paths[number.expect("a number")];
        exchange.send(format!("HTTP/1.1 200 OK\r\nX-Sendfile: {path}\r\n"));
        exchange.send("Content-Length: 0\r\n\r\n");
    });
    let proxy = within(&[&folder.at("in")]).run(&app);
    without_openat2(&proxy, || {
        let mut client = proxy.connect();
        for _ in 0..2 {
            for (number, (path, status)) in expected.iter().enumerate() {
                let response = client.get(&format!("/{number}"));
                assert_eq!(response.status, *status, "{}", path.display());
            }
        }
    });
}

#[test]
fn a_folder_that_becomes_a_link_and_back_never_leads_out() {
    let folder = Folder::new();
    let inside = file(&folder, "in/dir/a");
    file(&folder, "out/a");
    std::fs::write(folder.at("out/a"), "secret").expect("a file");
    let app = naming(&inside, "");
    let proxy = within(&[&folder.at("in")]).run(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/file").text(), "content");
    let answers = while_swapping(&folder.at("in/dir"), &folder.at("out"), || {
        let response = client.get("/file");
        assert!(matches!(response.text(), "content" | ""), "{response:?}");
        response.status
    });
    assert!(answers.contains(&200) && answers.contains(&404), "{answers:?}");
}

/// What `ask` answers, many times over, while somebody makes the folder a link to another one, and
/// a folder again.
pub fn while_swapping<T>(folder: &Path, other: &Path, mut ask: impl FnMut() -> T) -> Vec<T> {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let swapping = scope.spawn(|| {
            let away = folder.with_extension("away");
            let mut swaps = 0;
            while !is_done.load(Relaxed) || swaps < 100 {
                std::fs::rename(folder, &away).expect("the folder");
                symlink(other, folder).expect("a link");
                std::fs::remove_file(folder).expect("the link");
                std::fs::rename(&away, folder).expect("the folder");
                swaps += 1;
            }
        });
        let answers = (0..3000).map(|_| ask()).collect();
        is_done.store(true, Relaxed);
        swapping.join().expect("the folder is back");
        answers
    })
}
