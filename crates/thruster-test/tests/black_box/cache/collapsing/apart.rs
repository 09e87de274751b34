//! Those who wait for an answer that is not for them.

use std::sync::mpsc::Sender;

use super::super::{STALE, got, said};
use super::{FRESH, ask, slow};
use thruster_test::{Http2, Thrust, Upstream};

/// A child that fails as soon as its first answer, which is stale, is kept.
fn failing() -> (Upstream, Thrust, Sender<()>) {
    let (app, proxy, go_on) = slow(|exchange, number| match number {
        1 => exchange.answer(200, STALE, "old"),
        _ => exchange.answer(500, "", "broken"),
    });
    go_on.send(()).expect("a child that listens");
    proxy.connect().get("/");
    app.received();
    (app, proxy, go_on)
}

#[test]
fn what_covers_for_an_error_covers_for_all_who_wait() {
    let (app, proxy, go_on) = failing();
    let http2 = proxy.connect_http2();
    let streams = ask(&app, &http2, 3);
    go_on.send(()).expect("a child that listens");
    for stream in streams {
        let response = stream.response();
        assert_eq!((response.status, got(&response)), (200, ("hit", "old")));
        assert_eq!(said(&response, "detail"), Some("stale-if-error"));
    }
    assert!(app.has_received_nothing());
}

#[test]
fn what_covers_for_an_error_is_not_for_those_who_want_to_be_sure() {
    let (app, proxy, go_on) = failing();
    let http2 = proxy.connect_http2();
    let streams = ask(&app, &http2, 1);
    let sure = http2.open(Http2::request("GET", "/").header("cache-control", "no-cache"), true);
    http2.get("/other");
    (0..2).for_each(|_| go_on.send(()).expect("a child that listens"));
    let sure = sure.response();
    assert_eq!((sure.status, sure.text()), (500, "broken"));
    for stream in streams {
        assert_eq!(stream.response().text(), "old");
    }
}

#[test]
fn those_who_want_something_else_do_not_get_the_answer() {
    let (app, proxy, go_on) = slow(|exchange, _| {
        let language = exchange.header("accept-language").to_owned();
        exchange.answer(200, &format!("{FRESH}\nVary: Accept-Language"), &language);
    });
    let http2 = proxy.connect_http2();
    let open =
        |language| http2.open(Http2::request("GET", "/").header("accept-language", language), true);
    let streams = ["de", "en", "fr", "en", "de"].map(|language| (language, open(language)));
    http2.get("/other");
    app.received();
    (0..5).for_each(|_| go_on.send(()).expect("a child that listens"));
    for (language, stream) in streams {
        assert_eq!(stream.response().text(), language);
    }
    for language in ["de", "en", "fr"] {
        let hit = proxy.connect().ask("GET", "/", &format!("Accept-Language: {language}"));
        assert_eq!(got(&hit), ("hit", language));
    }
}

#[test]
fn who_logs_in_does_not_get_what_is_for_the_others() {
    let (app, proxy, go_on) = slow(|exchange, _| {
        let who = exchange.header("authorization").to_owned();
        exchange.answer(200, FRESH, if who.is_empty() { "all" } else { "one" });
    });
    let http2 = proxy.connect_http2();
    let streams = ask(&app, &http2, 1);
    let secret = http2.open(Http2::request("GET", "/").header("authorization", "Basic YTpi"), true);
    (0..2).for_each(|_| go_on.send(()).expect("a child that listens"));
    assert_eq!(secret.response().text(), "one");
    for stream in streams {
        assert_eq!(stream.response().text(), "all");
    }
    assert_eq!(got(&proxy.connect().get("/")), ("hit", "all"));
}
