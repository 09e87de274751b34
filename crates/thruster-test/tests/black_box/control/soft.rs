//! Soft purges: what they find is stale, and goes on being of use as far as stale things are.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use serde_json::json;
use thruster_test::{Upstream, upstream, values};

use super::{fill, started, tagging};

/// A server that says which request it answers, with these fields; 500 while the target is `broken`.
fn counting(fields: &'static str) -> Upstream {
    let count = AtomicUsize::new(0);
    upstream(move |exchange| {
        let count = count.fetch_add(1, SeqCst);
        match exchange.header("if-none-match") {
            "" => exchange.answer(200, fields, &format!("number {count}")),
            _ => exchange.answer(304, fields, ""),
        }
    })
}

#[test]
fn what_may_be_given_while_it_is_refreshed_is() {
    let app = counting("Cache-Control: max-age=60, stale-while-revalidate=60");
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/").text(), "number 0");
    assert_eq!(control.purge(&json!({ "url": "/", "soft": true })), 1);
    app.received();
    let stale = client.get("/");
    assert_eq!((stale.header("x-cache"), stale.text()), ("hit", "number 0"));
    assert!(stale.header("cache-status").contains("detail=stale-while-revalidate"), "{stale:?}");
    app.received();
    control.report_where(|report| report["entries"][0]["fresh"] == true);
    let fresh = client.get("/");
    assert_eq!((fresh.header("x-cache"), fresh.text()), ("hit", "number 1"));
    assert!(app.has_received_nothing(), "one refresh is enough");
}

#[test]
fn what_may_not_is_validated_first() {
    let app = counting("Cache-Control: max-age=60\r\nETag: \"v\"");
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/").text(), "number 0");
    app.received();
    assert_eq!(control.purge(&json!({ "all": true, "soft": true })), 1);
    assert_eq!(control.report()["entries"][0]["fresh"], false);
    let validated = client.get("/");
    assert_eq!((validated.header("x-cache"), validated.text()), ("miss", "number 0"));
    assert!(
        validated.header("cache-status").contains("fwd=stale; fwd-status=304"),
        "{validated:?}"
    );
    assert_eq!(values(&app.received(), "if-none-match"), ["\"v\""]);
    assert_eq!(client.get("/").header("x-cache"), "hit", "it is fresh again");
    assert!(app.has_received_nothing());
}

#[test]
fn what_cannot_be_validated_is_fetched_anew() {
    let app = counting("Cache-Control: max-age=60");
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/").text(), "number 0");
    control.purge(&json!({ "prefix": "/", "soft": true }));
    for (cache, text) in [("miss", "number 1"), ("hit", "number 1")] {
        let response = client.get("/");
        assert_eq!((response.header("x-cache"), response.text()), (cache, text));
    }
}

#[test]
fn it_still_stands_in_for_an_error() {
    let count = AtomicUsize::new(0);
    let app = upstream(move |exchange| match count.fetch_add(1, SeqCst) {
        0 => exchange.answer(200, "Cache-Control: max-age=60, stale-if-error=60", "good"),
        _ => exchange.answer(500, "", "bad"),
    });
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/").text(), "good");
    control.purge(&json!({ "url": "/", "soft": true }));
    let spare = client.get("/");
    assert_eq!((spare.status, spare.text(), spare.header("x-cache")), (200, "good", "hit"));
    assert!(spare.header("cache-status").contains("detail=stale-if-error"), "{spare:?}");
    control.purge(&json!({ "url": "/" }));
    assert_eq!(client.get("/").text(), "bad", "a hard purge leaves nothing");
}

#[test]
fn only_what_is_meant_is_stale() {
    let app = tagging();
    let (proxy, control) = started(&app);
    fill(&proxy, &["/a?tag=x", "/b"]);
    assert_eq!(control.purge(&json!({ "tag": "x", "soft": true })), 1);
    let mut client = proxy.connect();
    assert_eq!(client.get("/b").header("x-cache"), "hit");
    assert_eq!(client.get("/a?tag=x").header("x-cache"), "miss");
    assert_eq!(client.get("/a?tag=x").header("x-cache"), "hit");
}

#[test]
fn a_hard_purge_finds_what_a_soft_one_has_left() {
    let app = counting("Cache-Control: max-age=60, stale-while-revalidate=60");
    let (proxy, control) = started(&app);
    let mut client = proxy.connect();
    client.get("/");
    assert_eq!(control.purge(&json!({ "url": "/", "soft": true })), 1);
    assert_eq!(control.purge(&json!({ "url": "/" })), 1);
    let response = client.get("/");
    assert_eq!((response.header("x-cache"), response.text()), ("miss", "number 1"));
}
