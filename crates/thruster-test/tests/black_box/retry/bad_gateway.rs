//! 502: what the client sees when the child has no answer for it.

use std::fs;
use std::path::{Path, PathBuf};

use thruster_test::{thrust, upstream};

/// A file of this test's own, gone with it.
struct Page(PathBuf);

impl Page {
    fn new(name: &str, text: &str) -> Self {
        let page = Page(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name));
        page.say(text);
        page
    }

    fn say(&self, text: &str) {
        fs::write(&self.0, text).expect("a folder to write in");
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("a path in UTF-8")
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // The test may have removed it itself.
        drop(fs::remove_file(&self.0));
    }
}

#[test]
fn a_child_that_does_not_listen_is_an_empty_502() {
    let proxy = thrust().run_alone();
    let mut client = proxy.connect();
    for _ in 0..2 {
        let response = client.get("/");
        assert_eq!((response.status, response.text()), (502, ""));
        assert_eq!(response.header("content-length"), "0");
        let line = proxy.logged_request();
        assert_eq!((&line["status"], &line["path"]), (&502.into(), &"/".into()));
        assert!(line["error"].as_str().is_some_and(|e| e.starts_with("no connection")), "{line}");
    }
}

#[test]
fn the_page_is_sent_as_html() {
    let page = Page::new("sent.html", "<h1>Back s\u{f6}\u{f6}n</h1>");
    let proxy = thrust().with("BAD_GATEWAY_PAGE", page.path()).run_alone();
    let mut client = proxy.connect();
    let response = client.get("/");
    assert_eq!((response.status, response.text()), (502, "<h1>Back s\u{f6}\u{f6}n</h1>"));
    assert!(response.header("content-type").starts_with("text/html"));
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response("HEAD").status, 502);
    let response = client.post("/", b"body");
    assert_eq!((response.status, response.text()), (502, "<h1>Back s\u{f6}\u{f6}n</h1>"));
}

#[test]
fn a_page_that_changes_is_seen_at_once() {
    let page = Page::new("changing.html", "first");
    let proxy = thrust().with("BAD_GATEWAY_PAGE", page.path()).run_alone();
    let mut client = proxy.connect();
    assert_eq!(client.get("/").text(), "first");
    page.say("second");
    assert_eq!(client.get("/").text(), "second");
    drop(page);
    assert_eq!((client.get("/").status, client.get("/").text()), (502, ""));
}

#[test]
fn the_page_is_for_502s_of_ours_only() {
    let page = Page::new("ours.html", "ours");
    let app = upstream(|exchange| exchange.respond(502, "the application's"));
    let proxy = thrust().with("BAD_GATEWAY_PAGE", page.path()).run(&app);
    let mut client = proxy.connect();
    let response = client.get("/");
    assert_eq!((response.status, response.text()), (502, "the application's"));
    client.send("GET / HTTP/1.1\r\n\r\n");
    let refusal = client.response("GET");
    assert_eq!((refusal.status, refusal.text().contains("ours")), (400, false));
}

#[test]
fn a_child_that_hangs_up_is_a_502_with_the_page() {
    let page = Page::new("hung-up.html", "hung up");
    let app = upstream(thruster_test::Exchange::close);
    let proxy = thrust().with("BAD_GATEWAY_PAGE", page.path()).run(&app);
    let response = proxy.connect().get("/");
    assert_eq!((response.status, response.text()), (502, "hung up"));
    let line = proxy.logged_request();
    assert!(
        line["error"].as_str().is_some_and(|e| e.contains("no answer from the command")),
        "{line}"
    );
}

#[test]
fn a_switch_nobody_asked_for_is_a_502() {
    let app = upstream(|exchange| {
        exchange.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: other\r\n\r\nboo",
        );
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    let response = client.get("/");
    assert_eq!((response.status, response.text()), (502, ""));
    let line = proxy.logged_request();
    assert_eq!((&line["status"], &line["bytes_out"]), (&502.into(), &0.into()));
    assert_eq!(line["error"], "the command switched protocols unasked");
}

#[test]
fn an_endless_head_of_an_answer_is_a_502() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 200 OK\r\n");
        for number in 0..100_000 {
            exchange.send(format!("X-{number}: {number}\r\n"));
        }
    });
    let proxy = thrust().run(&app);
    assert_eq!(proxy.connect().get("/").status, 502);
    assert!(proxy.logged_request()["error"].is_string());
}
