//! When what is stale is better than waiting, and better than an error.

mod errors;

use super::{ask_until, get_until, got, numbering, said, ttl};
use thruster_test::{Event, event, thrust, values};

const REFRESHED: &str = "Cache-Control: max-age=60, stale-while-revalidate=600\nETag: \"b\"";
const WHILE_REVALIDATE: &str =
    "Cache-Control: max-age=60, stale-while-revalidate=600\nAge: 100\nETag: \"a\"";

#[test]
fn what_is_stale_is_given_at_once_and_refreshed_once() {
    let (go_on, told): (_, Event<()>) = event();
    let app = numbering(move |exchange, number| match number {
        1 => exchange.answer(200, WHILE_REVALIDATE, "old"),
        _ => {
            told.wait();
            exchange.answer(200, REFRESHED, "new");
        }
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(got(&client.get("/")), ("miss", "old"));
    app.received();
    proxy.logged_request();
    for _ in 0..20 {
        let stale = client.get("/");
        assert_eq!((stale.status, got(&stale)), (200, ("hit", "old")));
        assert_eq!(
            (said(&stale, "hit"), said(&stale, "detail")),
            (Some(""), Some("stale-while-revalidate"))
        );
        assert!(ttl(&stale) < 0, "{}", ttl(&stale));
        assert!(stale.header("age").parse::<u64>().is_ok_and(|age| age >= 100));
        let line = proxy.logged_request();
        assert_eq!(
            (&line["cache"], &line["cache_reason"]),
            (&"hit".into(), &"stale-while-revalidate".into())
        );
    }
    assert_eq!(values(&app.received(), "if-none-match"), ["\"a\""], "it may have been the same");
    assert!(app.has_received_nothing(), "one is enough");
    go_on.send(()).expect("a child that listens");
    let new = get_until(&mut client, "/", |response| response.text() == "new");
    assert_eq!((got(&new), said(&new, "detail")), (("hit", "new"), None));
    assert!(app.has_received_nothing());
}

#[test]
fn a_304_behind_the_scenes_refreshes_too() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, WHILE_REVALIDATE, "body"),
        _ => exchange.answer(304, "Cache-Control: max-age=60\nETag: \"a\"", ""),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    // Conditions of one client's own are no part of the question.
    let first = client.ask("GET", "/", "If-None-Match: \"z\"\nRange: bytes=0-1");
    assert_eq!((first.status, got(&first)), (206, ("hit", "bo")));
    let fresh = get_until(&mut client, "/", |response| said(response, "detail").is_none());
    assert_eq!((got(&fresh), ttl(&fresh) > 0), (("hit", "body"), true));
    app.received();
    let head = app.received();
    assert_eq!((values(&head, "if-none-match"), values(&head, "range")), (vec!["\"a\""], vec![]));
}

#[test]
fn a_refresh_that_fails_leaves_what_there_is() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, WHILE_REVALIDATE, "old"),
        2..=4 => exchange.answer(500, "", "broken"),
        5 => exchange.close(),
        _ => exchange.answer(200, REFRESHED, "new"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let new = get_until(&mut client, "/", |response| {
        assert_eq!((response.status, response.header("x-cache")), (200, "hit"));
        response.text() == "new"
    });
    assert_eq!(said(&new, "detail"), None);
}

#[test]
fn what_is_too_stale_is_not_given() {
    let app = numbering(|exchange, number| {
        let fields =
            "Cache-Control: max-age=60, stale-while-revalidate=30, stale-if-error=600\nAge: 100";
        exchange.answer(200, fields, &number.to_string());
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for number in ["1", "2"] {
        assert_eq!(got(&client.get("/")), ("miss", number));
    }
}

#[test]
fn a_request_that_wants_to_be_sure_gets_nothing_stale() {
    let app =
        numbering(|exchange, number| exchange.answer(200, WHILE_REVALIDATE, &number.to_string()));
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for (number, fields) in [("2", "Cache-Control: no-cache"), ("3", "Cache-Control: max-age=90")] {
        assert_eq!(got(&client.ask("GET", "/", fields)), ("miss", number), "{fields}");
    }
}

#[test]
fn must_revalidate_forbids_what_is_stale() {
    for forbids in ["must-revalidate", "proxy-revalidate", "s-maxage=1"] {
        let app = numbering(move |exchange, number| match number {
            1 => {
                let fields = format!(
                    "Cache-Control: public, max-age=1, {forbids}, stale-while-revalidate=600, \
                     stale-if-error=600\nETag: \"a\""
                );
                exchange.answer(200, &fields, "old");
            }
            _ => exchange.answer(500, "", "broken"),
        });
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        assert_eq!(got(&client.get("/")), ("miss", "old"));
        // It is good for a second, and for nothing after that.
        let broken = ask_until(&mut client, "/", "Cache-Control: max-stale", |response| {
            response.header("x-cache") != "hit"
        });
        assert_eq!((broken.status, got(&broken)), (500, ("miss", "broken")), "{forbids}");
    }
}

#[test]
fn a_head_has_the_whole_refreshed() {
    let app = numbering(|exchange, number| match number {
        1 => exchange.answer(200, WHILE_REVALIDATE, "old"),
        _ => exchange.answer(200, REFRESHED, "new"),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    app.received();
    assert_eq!(got(&client.ask("HEAD", "/", "")), ("hit", ""));
    assert!(app.received().starts_with("GET / "));
    let new = get_until(&mut client, "/", |response| response.text() == "new");
    assert_eq!(got(&new), ("hit", "new"));
}
