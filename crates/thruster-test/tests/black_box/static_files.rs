//! Files below STATIC_PATH, which thrust sends without asking the child.

mod made_once;
mod neighbours;
mod tricks;

use std::path::Path;
use std::process::Command;

use thruster_test::{Folder, Thrust, Upstream, thrust, upstream};

use crate::sendfile::zero_copy::{calls, count};

/// A child that answers everything, also what thrust does not find.
fn app() -> Upstream {
    upstream(|exchange| {
        exchange.body();
        exchange.answer(200, "Content-Type: text/plain", "of the app");
    })
}

fn serving(root: &Path, app: &Upstream) -> Thrust {
    thrust().with("STATIC_PATH", root.display()).run(app)
}

#[test]
fn files_are_sent_without_the_child() {
    let public = Folder::new();
    public.file("robots.txt", "User-agent: *\n");
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let response = client.get("/robots.txt?any=query");
    assert_eq!((response.status, response.text()), (200, "User-agent: *\n"));
    for (name, value) in [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", "14"),
        ("cache-control", "public, no-cache"),
        ("accept-ranges", "bytes"),
        ("x-cache", "bypass"),
        ("cache-status", "thruster; detail=static"),
        ("vary", "Accept-Encoding"),
    ] {
        assert_eq!(response.header(name), value, "{name}");
    }
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["bytes_out"]), (&200.into(), &14.into()), "{line}");
    assert!(app.has_received_nothing());
}

#[test]
fn by_default_the_child_is_asked_for_everything() {
    let app = app();
    let proxy = thrust().run(&app);
    // It is there: tests run in the folder of their crate.
    assert_eq!(proxy.connect().get("/Cargo.toml").text(), "of the app");
}

#[test]
fn what_is_not_there_or_not_asked_with_get_is_the_childs() {
    let public = Folder::new();
    public.file("here.txt", "here");
    std::fs::create_dir(public.at("folder")).expect("a folder can be made");
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    for path in ["/", "/gone.txt", "/here", "/here.txt/", "/here.txt/more", "/folder", "/folder/"] {
        assert_eq!(client.get(path).text(), "of the app", "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(client.ask(method, "/here.txt", "").text(), "of the app", "{method}");
    }
    let with_body = client.ask("GET", "/here.txt", "Content-Length: 0");
    assert_eq!(with_body.text(), "here");
    let head = client.ask("HEAD", "/here.txt", "");
    assert_eq!((head.status, head.header("content-length")), (200, "4"));
}

#[test]
fn a_root_that_is_missing_leaves_all_to_the_child() {
    let public = Folder::new();
    let app = app();
    let proxy = serving(&public.at("later"), &app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/a.txt").text(), "of the app");
    // A deploy may bring it.
    std::fs::create_dir(public.at("later")).expect("a folder can be made");
    public.file("later/a.txt", "of the file");
    assert_eq!(client.get("/a.txt").text(), "of the file");
}

#[test]
fn pages_need_no_extension() {
    let public = Folder::new();
    std::fs::create_dir(public.at("docs")).expect("a folder can be made");
    for name in ["index.html", "about.html", "docs/index.html"] {
        public.file(name, name);
    }
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    for (path, name) in [
        ("/", "index.html"),
        ("/index", "index.html"),
        ("/about", "about.html"),
        ("/about.html", "about.html"),
        ("/about/", "about.html"),
        ("/docs", "docs/index.html"),
        ("/docs/", "docs/index.html"),
    ] {
        let response = client.get(path);
        assert_eq!((response.status, response.text()), (200, name), "{path}");
        assert_eq!(response.header("content-type"), "text/html; charset=utf-8");
    }
    assert!(app.has_received_nothing());
}

#[test]
fn what_carries_a_digest_is_kept_for_ever() {
    let public = Folder::new();
    std::fs::create_dir(public.at("assets")).expect("a folder can be made");
    public.file("assets/app-4e1ff5b2.css", "p {}");
    public.file("assets/app.css", "p {}");
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let lasting = client.get("/assets/app-4e1ff5b2.css");
    assert_eq!(lasting.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(client.get("/assets/app.css").header("cache-control"), "public, no-cache");
}

#[test]
fn conditions_and_ranges_are_kept_to() {
    let public = Folder::new();
    public.file("a.bin", "0123456789");
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let whole = client.get("/a.bin");
    let (tag, date) = (whole.header("etag"), whole.header("last-modified"));
    assert!(tag.starts_with('"') && !date.is_empty(), "{whole:?}");
    for fields in [format!("If-None-Match: {tag}"), format!("If-Modified-Since: {date}")] {
        let response = client.ask("GET", "/a.bin", &fields);
        assert_eq!((response.status, response.text()), (304, ""), "{fields}");
        assert_eq!(response.header("cache-control"), "public, no-cache");
    }
    let part = client.ask("GET", "/a.bin", &format!("Range: bytes=2-4\nIf-Range: {tag}"));
    assert_eq!((part.status, part.text()), (206, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    assert_eq!(client.ask("GET", "/a.bin", "Range: bytes=10-").status, 416);
    assert_eq!(client.ask("GET", "/a.bin", "If-Match: \"other\"").status, 412);
    // What has changed is sent at once, and not from some cache.
    public.file("a.bin", "changed!");
    let changed = client.ask("GET", "/a.bin", &format!("If-None-Match: {tag}"));
    assert_eq!((changed.status, changed.text()), (200, "changed!"));
}

#[test]
fn files_are_there_before_the_child_is() {
    let public = Folder::new();
    public.file("a.txt", "here");
    let proxy = thrust().with("STATIC_PATH", public.path().display()).run_alone();
    let mut client = proxy.connect();
    assert_eq!(client.get("/a.txt").text(), "here");
    assert_eq!(client.get("/b.txt").status, 502);
}

#[test]
fn they_come_over_http2_as_well() {
    let public = Folder::new();
    let page = "<p>a paragraph</p>\n".repeat(20_000);
    public.file("big.html", &page);
    let app = app();
    let proxy =
        thrust().with("STATIC_PATH", public.path().display()).with("H2C_ENABLED", 1).run(&app);
    let response = proxy.connect_http2().get("/big");
    assert_eq!(response.status, 200);
    assert!(response.text() == page);
}

#[test]
fn neither_what_is_there_nor_what_is_not_takes_a_thread() {
    let public = Folder::new();
    public.file("a.css", "p {}");
    let app = app();
    let proxy = serving(public.path(), &app);
    let mut client = proxy.connect();
    let mut ask = |path: &str, text: &str| assert_eq!(client.get(path).text(), text);
    // A thread has to look once.
    ask("/a.css", "p {}");
    let missing = [("/products/1", 1), ("/products", 2), ("/b.css", 1)];
    missing.into_iter().for_each(|(path, _)| ask(path, "of the app"));
    let found = calls(&proxy, || ask("/a.css", "p {}"));
    // The file; and the root, if it was found more than a second ago.
    assert!(matches!(count(&found, "openat2"), 1 | 2), "{found}");
    assert_eq!(count(&found, "preadv2"), 1, "{found}");
    assert_only_at_hand(&found);
    for (path, looks) in missing {
        let missed = calls(&proxy, || ask(path, "of the app"));
        // There is no such folder; neither the name nor that with `.html`; not the name.
        assert!([looks, looks + 1].contains(&count(&missed, "openat2")), "{missed}");
        assert_only_at_hand(&missed);
    }
}

fn assert_only_at_hand(calls: &str) {
    for elsewhere in ["openat", "readlink", "pread64", "clone3"] {
        assert_eq!(count(calls, elsewhere), 0, "{calls}");
    }
}

#[test]
fn without_descriptors_the_child_is_asked() {
    let public = Folder::new();
    public.file("a.txt", "of the file");
    let app = app();
    let command = thrust().command(&["sh", "-c", "echo up; exec sleep infinity"]);
    let proxy = command.with("STATIC_PATH", public.path().display()).run(&app);
    // To start a command takes descriptors, too.
    while proxy.line() != "up" {}
    let mut client = proxy.connect();
    assert_eq!(client.get("/a.txt").text(), "of the file");
    assert_eq!(client.get("/b.txt").text(), "of the app", "a connection for later");
    let lower = |most: &str| {
        let limit = format!("--nofile={most}:");
        let pid = proxy.pid().to_string();
        let set = Command::new("prlimit").args([&limit, "--pid", &pid]).status();
        assert!(set.expect("prlimit runs").success());
    };
    lower("3");
    assert_eq!(client.get("/a.txt").text(), "of the app");
    lower("256");
    assert_eq!(client.get("/a.txt").text(), "of the file");
}
