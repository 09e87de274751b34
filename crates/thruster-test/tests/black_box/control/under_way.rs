//! Purges while the child is answering: what it says then may be of before, and is not kept.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::{Value, json};
use thruster_test::{Client, Event, Exchange, Upstream, event, upstream};

use super::{KEPT, started};

/// Everything that means `/page`, tagged `page`.
fn meaning_the_page() -> Vec<Value> {
    vec![
        json!({ "url": "/page" }),
        json!({ "url": "http://test.example/page" }),
        json!({ "prefix": "/pa" }),
        json!({ "tag": "page" }),
        json!({ "tags": ["other", "page"] }),
        json!({ "all": true }),
        json!({ "all": true, "soft": true }),
    ]
}

/// A server that is told which request it answers, from 0.
fn numbered(script: impl Fn(usize, &mut Exchange) + Send + Sync + 'static) -> Upstream {
    let count = AtomicUsize::new(0);
    upstream(move |exchange| script(count.fetch_add(1, SeqCst), exchange))
}

/// A server that answers its first request in the way of `script`, which waits for the event, and
/// all others at once.
fn slow(script: impl Fn(&mut Exchange, &Event<()>) + Send + Sync + 'static) -> (Upstream, Go) {
    let (go_on, told) = event();
    // By its connection: a later one could overtake it on the way to a count.
    let app = upstream(move |exchange| match (exchange.connection, exchange.number) {
        (0, 0) => script(exchange, &told),
        _ => exchange.answer(200, &format!("{KEPT}\r\nCache-Tag: page"), "new"),
    });
    (app, Go(go_on))
}

struct Go(std::sync::mpsc::Sender<()>);

impl Go {
    fn on(&self) {
        self.0.send(()).expect("an upstream that listens");
    }
}

fn ask(client: &mut Client) {
    client.send("GET /page HTTP/1.1\r\nHost: test.example\r\n\r\n");
}

/// Asserts that what came before is not to be had any more.
fn assert_is_new(client: &mut Client, what: &Value) {
    for cache in ["miss", "hit"] {
        let response = client.get("/page");
        assert_eq!((response.text(), response.header("x-cache")), ("new", cache), "{what}");
    }
}

#[test]
fn an_answer_that_was_asked_for_before_a_purge_is_not_kept() {
    for what in meaning_the_page() {
        let (app, go) = slow(|exchange, told| {
            told.wait();
            exchange.answer(200, &format!("{KEPT}\r\nCache-Tag: page"), "old");
        });
        let (proxy, control) = started(&app);
        let mut client = proxy.connect();
        ask(&mut client);
        app.received();
        assert_eq!(control.purge(&what), 0, "{what}: there is nothing yet");
        go.on();
        let response = client.response("GET");
        assert_eq!(response.text(), "old", "it is good enough for who asked before");
        assert!(!response.header("cache-status").contains("stored"), "{what}: {response:?}");
        assert_is_new(&mut client, &what);
    }
}

#[test]
fn an_answer_that_had_begun_before_a_purge_is_not_kept() {
    for what in meaning_the_page() {
        let (app, go) = slow(|exchange, told| {
            let head = format!("HTTP/1.1 200 OK\r\n{KEPT}\r\nCache-Tag: page\r\n");
            exchange.send(format!("{head}Content-Length: 7\r\n\r\nold"));
            told.wait();
            exchange.send(" one");
        });
        let (proxy, control) = started(&app);
        let mut client = proxy.connect();
        ask(&mut client);
        assert_eq!(client.head().status, 200);
        control.purge(&what);
        go.on();
        assert_eq!(client.bytes(7), b"old one", "{what}");
        assert_is_new(&mut client, &what);
    }
}

#[test]
fn who_asks_after_a_purge_does_not_wait_for_the_answer_of_before() {
    for what in meaning_the_page() {
        let (app, go) = slow(|exchange, told| {
            told.wait();
            exchange.answer(200, KEPT, "old");
        });
        let (proxy, control) = started(&app);
        let mut early = proxy.connect();
        ask(&mut early);
        app.received();
        control.purge(&what);
        let mut late = proxy.connect();
        assert_is_new(&mut late, &what);
        go.on();
        assert_eq!(early.response("GET").text(), "old");
        let hit = late.get("/page");
        assert_eq!((hit.text(), hit.header("x-cache")), ("new", "hit"), "{what}: undone");
    }
}

#[test]
fn a_304_of_before_a_purge_does_not_bring_back_what_was_purged() {
    let (go_on, told) = event::<()>();
    let app = numbered(move |number, exchange| match number {
        0 => exchange.answer(200, &format!("{KEPT}\r\nETag: \"old\""), "old"),
        1 => {
            told.wait();
            exchange.answer(304, &format!("{KEPT}\r\nETag: \"old\""), "");
        }
        _ => exchange.answer(200, KEPT, "new"),
    });
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/page").text(), "old");
    app.received();
    client.send("GET /page HTTP/1.1\r\nHost: test.example\r\nCache-Control: no-cache\r\n\r\n");
    assert!(app.received().contains("\r\nif-none-match: \"old\""));
    let what = json!({ "url": "/page" });
    assert_eq!(control.purge(&what), 1);
    go_on.send(()).expect("an upstream that listens");
    let response = client.response("GET");
    assert_eq!(response.status, 200);
    // What the client gets for the 304 is of before, or the child has been asked once more.
    if response.text() == "old" {
        assert_is_new(&mut client, &what);
    }
    assert_eq!(client.get("/page").text(), "new");
}

#[test]
fn a_refresh_of_before_a_purge_is_not_kept() {
    let (go_on, told) = event::<()>();
    let swr = "Cache-Control: max-age=60, stale-while-revalidate=60";
    let app = numbered(move |number, exchange| match number {
        0 => exchange.answer(200, swr, "old"),
        1 => {
            told.wait();
            exchange.answer(200, swr, "old, again");
        }
        _ => exchange.answer(200, swr, "new"),
    });
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    client.get("/page");
    app.received();
    control.purge(&json!({ "url": "/page", "soft": true }));
    assert_eq!(client.get("/page").text(), "old");
    app.received();
    let what = json!({ "url": "/page" });
    assert_eq!(control.purge(&what), 1);
    go_on.send(()).expect("an upstream that listens");
    assert_is_new(&mut client, &what);
}

#[test]
fn a_purge_of_something_else_changes_nothing() {
    for what in [
        json!({ "url": "/pag" }),
        json!({ "url": "http://other.example/page" }),
        json!({ "prefix": "/page/" }),
        json!({ "tag": "other" }),
    ] {
        let (app, go) = slow(|exchange, told| {
            let head = format!("HTTP/1.1 200 OK\r\n{KEPT}\r\nCache-Tag: page\r\n");
            exchange.send(format!("{head}Content-Length: 4\r\n\r\nol"));
            told.wait();
            exchange.send("d!");
        });
        let (proxy, control) = started(&app);
        let mut client = proxy.connect();
        ask(&mut client);
        assert_eq!(client.head().status, 200);
        control.purge(&what);
        go.on();
        assert_eq!(client.bytes(4), b"old!");
        control.report_where(|report| report["memory"]["entries"] == 1);
        let hit = client.get("/page");
        assert_eq!((hit.text(), hit.header("x-cache")), ("old!", "hit"), "{what}");
    }
}
