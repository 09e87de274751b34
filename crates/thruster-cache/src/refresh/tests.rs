use std::time::Duration;

use http::{Method, StatusCode};

use super::*;
use crate::storable::{Plan, plan};
use crate::vocabulary::{at, date as moment, fields};

type Fields<'a> = &'a [(&'static str, &'a str)];

fn refreshed(stored: Fields<'_>, update: Fields<'_>) -> Refreshed {
    refresh(&fields(stored), &fields(update))
}

fn is_update(stored: Fields<'_>, update: Fields<'_>) -> bool {
    refreshed(stored, update) != Refreshed::Mismatch
}

/// RFC 9111 section 3.2.
#[test]
fn a_304_replaces_fields_but_not_those_of_the_body() {
    let stored = [
        ("etag", "\"a\""),
        ("content-type", "text/html"),
        ("content-encoding", "gzip"),
        ("date", "then"),
        ("x-old", "1"),
        ("link", "1"),
        ("link", "2"),
        ("vary", "accept"),
    ];
    let update = [
        ("etag", "\"a\""),
        ("content-type", "text/plain"),
        ("content-encoding", "br"),
        ("content-length", "0"),
        ("content-range", "bytes 0-1/2"),
        ("transfer-encoding", "chunked"),
        ("set-cookie", "a=b"),
        ("date", "now"),
        ("link", "3"),
        ("vary", "cookie"),
        ("vary", "accept"),
        ("x-new", "1"),
    ];
    let expected = [
        ("etag", "\"a\""),
        ("content-type", "text/html"),
        ("content-encoding", "gzip"),
        ("date", "now"),
        ("x-old", "1"),
        ("link", "3"),
        ("vary", "cookie"),
        ("vary", "accept"),
        ("x-new", "1"),
    ];
    assert_eq!(refreshed(&stored, &update), Refreshed::Updated(fields(&expected)));
}

/// RFC 9111 section 4.3.4.
#[test]
fn a_304_for_another_representation_updates_nothing() {
    let tag = |tag| ("etag", tag);
    let date = |date| ("last-modified", date);
    for (stored, update, is_same) in [
        (&[tag("\"a\"")][..], &[tag("\"a\"")][..], true),
        (&[tag("\"a\"")], &[tag("W/\"a\"")], true),
        (&[tag("W/\"a\"")], &[tag("W/\"a\"")], true),
        (&[tag("W/\"a\"")], &[tag("\"a\"")], false),
        (&[tag("\"a\"")], &[tag("\"b\"")], false),
        (&[tag("\"a\"")], &[tag("W/\"b\"")], false),
        (&[tag("\"a\""), date("x")], &[tag("\"a\""), date("y")], true),
        (&[tag("\"a\""), date("x")], &[tag("\"b\""), date("x")], false),
        (&[date("x")], &[tag("\"a\""), date("x")], false),
        (&[date("x")], &[date("x")], true),
        (&[date("x")], &[date("y")], false),
        (&[tag("\"a\""), date("x")], &[date("y")], false),
        (&[tag("\"a\"")], &[date("x")], false),
        (&[tag("\"a\"")], &[], true),
        (&[date("x")], &[], true),
    ] {
        assert_eq!(is_update(stored, update), is_same, "{stored:?} {update:?}");
    }
}

#[test]
fn a_refreshed_response_is_as_young_as_the_304() {
    let stored = [
        ("etag", "\"a\""),
        ("cache-control", "max-age=60"),
        ("date", &*moment(0)),
        ("x-user", "1"),
    ];
    let planned = |update: Fields<'_>| -> Plan {
        let Refreshed::Updated(headers) = refreshed(&stored, update) else { panic!("a mismatch") };
        let (request, status) = (HeaderMap::new(), StatusCode::OK);
        plan(&Method::GET, &request, status, &headers, at(1000), at(1000)).unwrap()
    };
    let undated = planned(&[]);
    assert_eq!(undated.life.initial_age, Duration::ZERO);
    assert_eq!(undated.headers["date"], moment(1000));
    let aged = planned(&[("date", &moment(995)), ("age", "7")]);
    assert_eq!(aged.life.initial_age, Duration::from_secs(7));
    assert!(!aged.headers.contains_key("age"));
    let changed =
        planned(&[("cache-control", "max-age=90, private=x-user"), ("set-cookie", "a=b")]);
    assert_eq!(changed.life.lifetime, Duration::from_secs(90));
    assert!(!changed.headers.contains_key("x-user"));
}

/// RFC 9111 section 4.3.5.
#[test]
fn the_answer_to_head_must_agree_in_all_it_says() {
    let stored = [("etag", "\"a\""), ("last-modified", "x"), ("content-type", "text/html")];
    let by_head = |response: Fields<'_>| refresh_by_head(&fields(&stored), &fields(response), 5);
    let update = [stored[0], stored[1], ("content-length", "5"), ("x-new", "1")];
    let expected = fields(&[stored[0], stored[1], stored[2], ("x-new", "1")]);
    assert_eq!(by_head(&update), Refreshed::Updated(expected));
    assert_eq!(by_head(&[]), Refreshed::Updated(fields(&stored)));
    for other in [
        ("etag", "\"b\""),
        ("etag", "W/\"a\""),
        ("last-modified", "y"),
        ("content-length", "6"),
        ("content-length", "x"),
    ] {
        assert_eq!(by_head(&[other]), Refreshed::Mismatch, "{other:?}");
    }
    let untagged = refresh_by_head(&HeaderMap::new(), &fields(&[stored[0]]), 5);
    assert_eq!(untagged, Refreshed::Mismatch);
}
