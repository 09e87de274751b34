//! Many who want the same at the same time: one asks, and all get its answer as it comes.

mod apart;
mod ends;

use std::sync::mpsc::Sender;

use super::{STALE, got, numbering, said};
use thruster_test::{
    Client, Event, Exchange, Http2, Stream, Thrust, Upstream, event, thrust, upstream, values,
};

const FRESH: &str = "Cache-Control: max-age=60\nETag: \"b\"";

/// A child whose answers to `/` wait for a word each, and come by this; it answers all else at
/// once. And a proxy before it.
fn slow(
    answer: impl Fn(&mut Exchange, usize) + Send + Sync + 'static,
) -> (Upstream, Thrust, Sender<()>) {
    let (go_on, told): (_, Event<()>) = event();
    let app = numbering(move |exchange, number| {
        if exchange.target() != "/" {
            return exchange.answer(200, "", "at once");
        }
        told.wait();
        answer(exchange, number);
    });
    let proxy = thrust().with("H2C_ENABLED", true).run(&app);
    (app, proxy, go_on)
}

/// Asks for `/` as many times, and waits until one of them has reached the child and the others
/// wait for it.
fn ask(app: &Upstream, http2: &Http2, count: usize) -> Vec<Stream> {
    let streams = (0..count).map(|_| http2.open(Http2::request("GET", "/"), true)).collect();
    only_request(app, http2);
    streams
}

/// The one request to `/` that reaches the child, for all that have been sent. What comes after
/// them on their connection is looked at after them.
fn only_request(app: &Upstream, http2: &Http2) -> String {
    assert_eq!(http2.get("/other").text(), "at once");
    let mut heads = [app.received(), app.received()];
    heads.sort_unstable();
    let [only, other] = heads;
    assert!(only.starts_with("GET / ") && other.starts_with("GET /other "), "{only}\n{other}");
    assert!(app.has_received_nothing(), "they wait for the first");
    only
}

#[test]
fn misses_at_the_same_time_are_one_request() {
    let (app, proxy, go_on) = slow(|exchange, _| exchange.answer(200, FRESH, "answer"));
    let http2 = proxy.connect_http2();
    let streams = ask(&app, &http2, 5);
    go_on.send(()).expect("a child that listens");
    let responses: Vec<_> = streams.into_iter().map(Stream::response).collect();
    for response in &responses {
        assert_eq!((response.status, response.text()), (200, "answer"));
        assert_eq!(said(response, "fwd"), Some("miss"));
    }
    let collapsed = responses.iter().filter(|response| said(response, "collapsed").is_some());
    assert_eq!(collapsed.count(), 4);
    let stored = responses.iter().filter(|response| said(response, "stored").is_some());
    assert!(stored.count() >= 1);
    assert_eq!(got(&proxy.connect().get("/")), ("hit", "answer"));
    assert!(app.has_received_nothing());
}

#[test]
fn each_gets_its_own_id_and_the_first_its_cookie() {
    let (app, proxy, go_on) = slow(|exchange, _| {
        exchange.answer(
            200,
            "Cache-Control: public, max-age=60\nSet-Cookie: a=1\nCache-Tag: b",
            "answer",
        );
    });
    let http2 = proxy.connect_http2();
    let streams = ask(&app, &http2, 3);
    go_on.send(()).expect("a child that listens");
    let responses: Vec<_> = streams.into_iter().map(Stream::response).collect();
    let mut ids: Vec<_> =
        responses.iter().flat_map(|response| response.all("x-request-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    for response in &responses {
        let is_first = said(response, "collapsed").is_none();
        assert_eq!(response.header("set-cookie"), if is_first { "a=1" } else { "" });
        assert_eq!(response.header("cache-tag"), "");
    }
}

#[test]
fn what_has_come_is_passed_on_before_the_end() {
    let (go_on, told): (_, Event<()>) = event();
    let app = upstream(move |exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
        );
        told.wait();
        exchange.send("3\r\ntwo\r\n0\r\n\r\n");
    });
    let proxy = thrust().run(&app);
    let mut clients: Vec<Client> = (0..4).map(|_| proxy.connect()).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
        let head = client.head();
        assert_eq!((head.status, head.header("x-cache")), (200, "miss"));
        assert_eq!(client.chunk().as_deref(), Some(&b"one"[..]));
    }
    app.received();
    go_on.send(()).expect("a child that listens");
    for client in &mut clients {
        assert_eq!(client.chunk().as_deref(), Some(&b"two"[..]));
        assert_eq!(client.chunk(), None);
        client.fields();
    }
    assert_eq!(got(&proxy.connect().get("/")), ("hit", "onetwo"));
    assert!(app.has_received_nothing());
}

#[test]
fn what_nobody_may_share_is_asked_for_by_each_at_once() {
    // Each of the others is answered only when all of them have arrived.
    let (sender, arrived) = event();
    let (go_on, told): (_, Event<()>) = event();
    let app = upstream(move |exchange| {
        if exchange.target() != "/" {
            return exchange.answer(200, "", "at once");
        }
        sender.send(()).expect("a test that listens");
        told.wait();
        exchange.answer(200, "Cache-Control: private", "mine");
    });
    let proxy = thrust().with("H2C_ENABLED", true).run(&app);
    let http2 = proxy.connect_http2();
    let streams = ask(&app, &http2, 4);
    arrived.wait();
    go_on.send(()).expect("a child that listens");
    (0..3).for_each(|_| arrived.wait());
    (0..3).for_each(|_| go_on.send(()).expect("a child that listens"));
    for stream in streams {
        let response = stream.response();
        assert_eq!(got(&response), ("miss", "mine"));
        assert_eq!(
            (said(&response, "detail"), said(&response, "collapsed")),
            (Some("private"), None)
        );
    }
    // It is remembered: the next do not wait for each other in the first place.
    let streams: Vec<_> = (0..4).map(|_| http2.open(Http2::request("GET", "/"), true)).collect();
    (0..4).for_each(|_| arrived.wait());
    (0..4).for_each(|_| go_on.send(()).expect("a child that listens"));
    for stream in streams {
        assert_eq!(got(&stream.response()), ("miss", "mine"));
    }
}

#[test]
fn one_asks_whether_what_is_kept_is_still_good() {
    let (app, proxy, go_on) = slow(|exchange, number| match number {
        1 => exchange.answer(200, STALE, "answer"),
        _ => exchange.answer(304, "Cache-Control: max-age=60\nETag: \"a\"", ""),
    });
    go_on.send(()).expect("a child that listens");
    proxy.connect().get("/");
    app.received();
    let http2 = proxy.connect_http2();
    let streams: Vec<_> = (0..4).map(|_| http2.open(Http2::request("GET", "/"), true)).collect();
    assert_eq!(values(&only_request(&app, &http2), "if-none-match"), ["\"a\""]);
    go_on.send(()).expect("a child that listens");
    for stream in streams {
        let response = stream.response();
        assert_eq!((response.status, got(&response)), (200, ("miss", "answer")));
    }
    assert!(app.has_received_nothing());
}
