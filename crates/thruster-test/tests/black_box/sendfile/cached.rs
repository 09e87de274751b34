//! Pointers to files that are kept for later requests: the file is looked at each time.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, SystemTime};

use thruster_test::{Client, Folder, Response, Upstream, event, thrust, upstream};

use super::{naming, request};

const CACHEABLE: &str = "Cache-Control: public, max-age=60\r\nContent-Type: text/html\r\n";

/// A server that names the file while it is there, and says something else when it is not.
fn pages(file: &Path) -> Upstream {
    let file = file.to_owned();
    upstream(move |exchange| {
        exchange.body();
        exchange.send(match file.is_file() {
            true => format!(
                "HTTP/1.1 200 OK\r\n{CACHEABLE}X-Sendfile: {}\r\nContent-Length: 0\r\n\r\n",
                file.display()
            ),
            false => format!("HTTP/1.1 200 OK\r\n{CACHEABLE}Content-Length: 8\r\n\r\nrendered"),
        });
    })
}

fn assert_is(response: &Response, cache: &str, body: &str) {
    assert_eq!((response.status, response.text()), (200, body), "{response:?}");
    assert_eq!((response.header("x-cache"), response.header("x-sendfile")), (cache, ""));
}

/// Asks twice: the child is asked once.
fn assert_is_kept(client: &mut Client, app: &Upstream, body: &str) {
    assert_is(&client.get("/file"), "miss", body);
    app.received();
    assert_is(&client.get("/file"), "hit", body);
    assert!(app.has_received_nothing());
}

#[test]
fn a_kept_pointer_is_followed_without_the_child() {
    let folder = Folder::new();
    let file = folder.file("page.html", "of the file");
    let app = naming(&file, CACHEABLE);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let first = client.get("/file");
    assert_is(&first, "miss", "of the file");
    assert!(first.header("cache-status").contains("stored"), "{first:?}");
    app.received();
    let hit = client.get("/file");
    assert_is(&hit, "hit", "of the file");
    for name in ["etag", "last-modified", "content-type", "cache-control", "content-length"] {
        assert_eq!(hit.header(name), first.header(name), "{name}");
    }
    assert!(hit.header("age").parse::<u32>().is_ok(), "{hit:?}");
    let part = request(&mut client, "GET", "Range: bytes=3-5\r\n");
    assert_eq!((part.status, part.text()), (206, "the"));
    assert_eq!(part.header("content-range"), "bytes 3-5/11");
    let head = request(&mut client, "HEAD", "");
    assert_eq!((head.status, head.header("content-length")), (200, "11"));
    let same = request(&mut client, "GET", &format!("If-None-Match: {}\r\n", hit.header("etag")));
    assert_eq!((same.status, same.text()), (304, ""));
    for response in [part, head, same] {
        assert_eq!(response.header("x-cache"), "hit");
    }
    assert!(app.has_received_nothing());
}

#[test]
fn a_swept_file_is_a_miss_at_once() {
    let folder = Folder::new();
    let file = folder.file("page.html", "of the file");
    let app = pages(&file);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_is_kept(&mut client, &app, "of the file");
    std::fs::remove_file(&file).expect("the file");
    assert_is_kept(&mut client, &app, "rendered");
}

#[test]
fn a_changed_file_is_new_content_at_once() {
    let folder = Folder::new();
    let file = folder.file("page.html", "old");
    let app = pages(&file);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_is_kept(&mut client, &app, "old");
    let modified = || file.metadata().expect("a file").modified().expect("its time");
    let touch = |time: SystemTime| {
        let file = File::options().write(true).open(&file).expect("the file");
        file.set_modified(time).expect("a time of change");
    };
    let was = modified();
    // Another length, and all else as it was.
    folder.file("page.html", "longer");
    touch(was);
    assert_is_kept(&mut client, &app, "longer");
    // Another time, also an earlier one.
    folder.file("page.html", "LONGER");
    touch(was - Duration::from_secs(5));
    assert_is_kept(&mut client, &app, "LONGER");
    // Another file, of the same length and time.
    let was = modified();
    std::fs::rename(folder.file("new", "Longer"), &file).expect("a file in its place");
    touch(was);
    assert_is_kept(&mut client, &app, "Longer");
}

#[test]
fn a_file_that_has_become_something_else_is_a_miss() {
    let folder = Folder::new();
    let file = folder.file("page.html", "of the file");
    let app = pages(&file);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_is_kept(&mut client, &app, "of the file");
    std::fs::remove_file(&file).expect("the file");
    std::fs::create_dir(&file).expect("a folder in its place");
    assert_is_kept(&mut client, &app, "rendered");
}

#[test]
fn a_file_that_comes_back_as_it_was_is_asked_for_all_the_same() {
    let folder = Folder::new();
    let file = folder.file("page.html", "of the file");
    let app = pages(&file);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_is_kept(&mut client, &app, "of the file");
    std::fs::rename(&file, folder.at("elsewhere")).expect("a way out");
    assert_is_kept(&mut client, &app, "rendered");
    std::fs::rename(folder.at("elsewhere"), &file).expect("a way back");
    // What was rendered is fresh; the child decides when that changes.
    assert_is(&client.get("/file"), "hit", "rendered");
    assert!(app.has_received_nothing());
}

#[test]
fn that_there_was_no_file_is_not_kept() {
    let folder = Folder::new();
    let file = folder.at("page.html");
    let app = naming(&file, CACHEABLE);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for _ in 0..2 {
        let response = client.get("/file");
        assert_eq!((response.status, response.header("x-cache")), (404, "miss"));
        assert!(!response.header("cache-status").contains("stored"), "{response:?}");
        app.received();
    }
    folder.file("page.html", "now");
    assert_is_kept(&mut client, &app, "now");
}

#[test]
fn what_may_not_be_kept_is_asked_for_each_time() {
    let folder = Folder::new();
    let file = folder.file("file", "of the file");
    for field in ["", "Cache-Control: private, max-age=60\r\n", "Cache-Control: no-store\r\n"] {
        let app = naming(&file, field);
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        for _ in 0..2 {
            assert_is(&client.get("/file"), "miss", "of the file");
            app.received();
        }
    }
}

#[test]
fn several_who_ask_at_once_ask_the_child_once() {
    let folder = Folder::new();
    let file = folder.file("file", "of the file").display().to_string();
    let (go_on, told) = event::<()>();
    let app = upstream(move |exchange| {
        told.wait();
        exchange.send(format!("HTTP/1.1 200 OK\r\n{CACHEABLE}X-Sendfile: {file}\r\n"));
        exchange.send("Content-Length: 0\r\n\r\n");
    });
    let proxy = thrust().run(&app);
    let mut clients: Vec<_> = (0..5).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        client.send("GET /file HTTP/1.1\r\nHost: test.example\r\n\r\n");
    }
    app.received();
    go_on.send(()).expect("an upstream that listens");
    for client in &mut clients {
        assert_eq!(client.response("GET").text(), "of the file");
    }
    assert!(app.has_received_nothing());
}
