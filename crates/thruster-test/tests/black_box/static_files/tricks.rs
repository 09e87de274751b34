//! What must never be sent, however it is asked for.

use std::os::unix::fs::symlink;

use super::{app, serving};
use crate::sendfile::roots::while_swapping;
use crate::sendfile::zero_copy::without_openat2;
use thruster_test::{Folder, Thrust};

#[test]
fn nothing_outside_of_the_root_or_hidden_in_it_is_sent() {
    let folder = Folder::new();
    for name in ["public", "public/a", "public/.git", "public/.well-known"] {
        std::fs::create_dir(folder.at(name)).expect("a folder can be made");
    }
    for name in ["secret.txt", "public/.env", "public/.git/config", "public/a/.htaccess"] {
        folder.file(name, "secret");
    }
    folder.file("public/.well-known/security.txt", "Contact: us");
    let app = app();
    let proxy = serving(&folder.at("public"), &app);
    let mut client = proxy.connect();
    for path in [
        "/../secret.txt",
        "/a/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/..\\secret.txt",
        "/%252e%252e/secret.txt",
        "/a/%2e%2e/%2e%2e/secret.txt",
        "/.env",
        "/%2eenv",
        "/.env%00.txt",
        "/.git/config",
        "/%2Egit/config",
        "/a/.htaccess",
        "/a/..%00/.env",
        "/.well-known/../.env",
        "//secret.txt",
        "/./.env",
    ] {
        let response = client.get(path);
        assert_ne!(response.text(), "secret", "{path}");
        assert!(!response.header("cache-status").contains("static"), "{path}");
    }
    // Nor may a name be that of the whole disk.
    let absolute = folder.at("secret.txt");
    let response = client.get(&format!("/{}", absolute.display()));
    assert_ne!(response.text(), "secret");
    assert_eq!(client.get("/.well-known/security.txt").text(), "Contact: us");
}

#[test]
fn symlinks_do_not_lead_out_of_the_root() {
    let (folder, app) = (with_links(), app());
    let proxy = serving(&folder.at("public"), &app);
    // At first, and once it is known what kind of disk it is.
    assert_links_stay_inside(&proxy);
    assert_links_stay_inside(&proxy);
}

#[test]
fn nor_do_they_on_older_systems() {
    let (folder, app) = (with_links(), app());
    let proxy = serving(&folder.at("public"), &app);
    without_openat2(&proxy, || assert_links_stay_inside(&proxy));
}

fn with_links() -> Folder {
    let folder = Folder::new();
    for name in ["release", "release/in", "public-old"] {
        std::fs::create_dir(folder.at(name)).expect("a folder can be made");
    }
    for name in ["secret.txt", "public-old/secret.txt", "release/.env"] {
        folder.file(name, "secret");
    }
    folder.file("release/in/a.txt", "inside");
    // As a deploy does it: the root itself may be one.
    symlink(folder.at("release"), folder.at("public")).expect("a symlink can be made");
    for (name, target) in [
        ("out.txt", folder.at("secret.txt")),
        ("up.txt", "../secret.txt".into()),
        ("folder", folder.path().into()),
        ("beside.txt", "../public-old/secret.txt".into()),
        ("env.txt", ".env".into()),
        ("loop.txt", "loop.txt".into()),
        ("gone.txt", "nowhere".into()),
        ("in.txt", "in/a.txt".into()),
        ("near", folder.at("public/in")),
    ] {
        symlink(target, folder.at("release").join(name)).expect("a symlink can be made");
    }
    folder
}

fn assert_links_stay_inside(proxy: &Thrust) {
    let mut client = proxy.connect();
    for path in [
        "/out.txt",
        "/up.txt",
        "/folder/secret.txt",
        "/beside.txt",
        "/env.txt",
        "/loop.txt",
        "/gone.txt",
    ] {
        assert_eq!(client.get(path).text(), "of the app", "{path}");
    }
    for path in ["/in.txt", "/in/a.txt", "/near/a.txt"] {
        assert_eq!(client.get(path).text(), "inside", "{path}");
    }
}

#[test]
fn what_is_no_regular_file_is_the_childs() {
    let public = Folder::new();
    let pipe = public.at("pipe.txt");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("there is mkfifo").success());
    let app = app();
    let proxy = serving(public.path(), &app);
    assert_eq!(proxy.connect().get("/pipe.txt").text(), "of the app");
}

#[test]
fn a_folder_that_becomes_a_link_and_back_never_leads_out() {
    let folder = Folder::new();
    for name in ["public", "public/dir", "out"] {
        std::fs::create_dir(folder.at(name)).expect("a folder can be made");
    }
    folder.file("public/dir/a.txt", "inside");
    folder.file("out/a.txt", "secret");
    let app = app();
    let proxy = serving(&folder.at("public"), &app);
    let mut client = proxy.connect();
    let answers = while_swapping(&folder.at("public/dir"), &folder.at("out"), || {
        let response = client.get("/dir/a.txt");
        assert_ne!(response.text(), "secret");
        response.text().to_owned()
    });
    for text in ["inside", "of the app"] {
        assert!(answers.iter().any(|answer| answer == text), "never {text}");
    }
}
