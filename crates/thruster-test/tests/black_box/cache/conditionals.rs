//! Clients that have something already, and say so: what is kept answers them with a 304, and
//! what is not kept, the application.

use super::{counting, get_until, got, numbering, said};
use thruster_test::{thrust, values};

const TAGGED: &str = "Cache-Control: max-age=60\nETag: \"a\"\nContent-Type: text/plain\n\
                      Content-Language: en\nContent-Location: /here\nVary: Accept-Language\n\
                      Date: Thu, 01 Jan 2099 00:00:00 GMT\nX-Frame-Options: DENY";

const DATED: &str = "Cache-Control: max-age=60\nLast-Modified: Thu, 15 Jan 2026 12:00:00 GMT\n\
                     Date: Thu, 01 Jan 2099 00:00:00 GMT";

#[test]
fn an_entity_tag_that_matches_is_answered_with_304() {
    let app = counting(TAGGED);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let matching = [
        "\"a\"",
        "W/\"a\"",
        "*",
        "\"x\", \"a\"",
        "\"x,y\",W/\"a\" , \"z\"",
        "\"x\"\nIf-None-Match: \"a\"",
    ];
    for method in ["GET", "HEAD"] {
        for tags in matching {
            let response = client.ask(method, "/", &format!("If-None-Match: {tags}"));
            assert_eq!((response.status, got(&response)), (304, ("hit", "")), "{tags}");
            assert_eq!(said(&response, "hit"), Some(""));
            // RFC 9110 section 15.4.5.
            for (name, value) in [
                ("cache-control", "max-age=60"),
                ("content-location", "/here"),
                ("date", "Thu, 01 Jan 2099 00:00:00 GMT"),
                ("etag", "\"a\""),
                ("vary", "Accept-Language"),
                ("x-frame-options", "DENY"),
                ("content-type", ""),
                ("content-language", ""),
                ("content-length", ""),
            ] {
                assert_eq!(response.header(name), value, "{name}");
            }
        }
    }
    app.received();
    assert!(app.has_received_nothing());
}

#[test]
fn an_entity_tag_that_does_not_match_gets_the_whole() {
    let app = counting(TAGGED);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let date = "If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT";
    for fields in
        ["\"b\"", "\"A\"", "a", "\"x\"a\"", "W/\"aa\"", "\"*\"", &format!("\"b\"\n{date}")]
    {
        let response = client.ask("GET", "/", &format!("If-None-Match: {fields}"));
        assert_eq!((response.status, got(&response)), (200, ("hit", "1")), "{fields}");
    }
}

#[test]
fn a_date_is_compared_with_last_modified() {
    let app = counting(DATED);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for (date, status) in [
        ("Thu, 15 Jan 2026 12:00:00 GMT", 304),
        ("Thursday, 15-Jan-26 12:00:00 GMT", 304),
        ("Thu Jan 15 12:00:00 2026", 304),
        ("Thu, 15 Jan 2026 12:00:01 GMT", 304),
        ("Thu, 15 Jan 2026 11:59:59 GMT", 200),
        ("Thu, 15 Jan 2026 12:00:00", 200),
        ("1768478400", 200),
        ("yesterday", 200),
        // RFC 9110 section 13.1.3: where there is an If-None-Match, that alone counts.
        ("Thu, 15 Jan 2026 12:00:00 GMT\nIf-None-Match: \"b\"", 200),
    ] {
        let response = client.ask("GET", "/", &format!("If-Modified-Since: {date}"));
        let body = if status == 200 { "1" } else { "" };
        assert_eq!((response.status, got(&response)), (status, ("hit", body)), "{date}");
    }
    let head = client.ask("HEAD", "/", "If-Modified-Since: Thu, 15 Jan 2026 12:00:00 GMT");
    assert_eq!((head.status, head.header("x-cache")), (304, "hit"));
    assert_eq!(head.header("last-modified"), "Thu, 15 Jan 2026 12:00:00 GMT");
}

#[test]
fn without_last_modified_the_date_stands_in() {
    // RFC 9111 section 4.3.2.
    let app = counting("Cache-Control: max-age=2147483647\nDate: Thu, 15 Jan 2026 12:00:00 GMT");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let before = client.ask("GET", "/", "If-Modified-Since: Thu, 15 Jan 2026 11:00:00 GMT");
    assert_eq!((before.status, got(&before)), (200, ("hit", "1")));
    let after = client.ask("GET", "/", "If-Modified-Since: Thu, 15 Jan 2026 12:00:00 GMT");
    assert_eq!((after.status, got(&after)), (304, ("hit", "")));
}

#[test]
fn conditions_are_about_success() {
    // RFC 9110 section 13.2.1.
    let app = numbering(|exchange, _| {
        let fields =
            "Cache-Control: max-age=60\nETag: \"a\"\nLast-Modified: Thu, 15 Jan 2026 12:00:00 GMT";
        exchange.answer(404, fields, "nothing here");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    for fields in [
        "If-None-Match: \"a\"",
        "If-None-Match: *",
        "If-Modified-Since: Thu, 15 Jan 2026 12:00:00 GMT",
    ] {
        let response = client.ask("GET", "/", fields);
        assert_eq!((response.status, got(&response)), (404, ("hit", "nothing here")), "{fields}");
    }
}

#[test]
fn preconditions_are_for_the_application() {
    let app = counting(TAGGED);
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    app.received();
    for (name, value) in [
        ("If-Match", "\"a\""),
        ("If-Match", "*"),
        ("If-Unmodified-Since", "Thu, 15 Jan 2026 12:00:00 GMT"),
    ] {
        let response = client.ask("GET", "/", &format!("{name}: {value}"));
        assert_eq!(
            (response.header("x-cache"), said(&response, "fwd")),
            ("bypass", Some("bypass"))
        );
        assert_eq!(values(&app.received(), name), [value]);
    }
    assert_eq!(got(&client.get("/")), ("hit", "1"));
}

#[test]
fn with_nothing_kept_conditions_reach_the_application_as_they_are() {
    let app = counting(TAGGED);
    let proxy = thrust().run(&app);
    let date = "Thu, 15 Jan 2026 12:00:00 GMT";
    let fields = format!("If-None-Match: W/\"z\" , \"y\"\nIf-Modified-Since: {date}");
    let first = proxy.connect().ask("GET", "/", &fields);
    assert_eq!((first.status, got(&first)), (200, ("miss", "1")));
    let head = app.received();
    assert_eq!(values(&head, "if-none-match"), ["W/\"z\" , \"y\""]);
    assert_eq!(values(&head, "if-modified-since"), [date]);
    // Being whole, it is kept.
    assert_eq!(got(&proxy.connect().get("/")), ("hit", "1"));
}

#[test]
fn after_a_304_to_one_client_the_whole_is_fetched_for_the_others() {
    let app = numbering(|exchange, number| match exchange.header("if-none-match") {
        "\"a\"" => exchange.answer(304, TAGGED, ""),
        _ => exchange.answer(200, TAGGED, &number.to_string()),
    });
    let proxy = thrust().run(&app);
    let first = proxy.connect().ask("GET", "/", "If-None-Match: \"a\"");
    assert_eq!((first.status, got(&first)), (304, ("miss", "")));
    assert_eq!(values(&app.received(), "if-none-match"), ["\"a\""]);
    assert_eq!(values(&app.received(), "if-none-match"), [""; 0], "for everybody");
    let mut client = proxy.connect();
    let hit = get_until(&mut client, "/", |response| response.header("x-cache") == "hit");
    assert_eq!((hit.status, hit.text()), (200, "2"));
    let again = client.ask("GET", "/", "If-None-Match: \"a\"");
    assert_eq!((again.status, got(&again)), (304, ("hit", "")));
    assert!(app.has_received_nothing());
}

#[test]
fn a_304_to_one_client_is_not_taken_for_an_answer() {
    let app = numbering(|exchange, number| match exchange.header("if-none-match") {
        "" => exchange.answer(200, "ETag: \"a\"", &number.to_string()),
        _ => exchange.answer(304, "ETag: \"a\"", ""),
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(client.ask("GET", "/", "If-None-Match: \"a\"").status, 304);
    // Nothing says that it may be kept: nobody fetches the whole in vain.
    let whole = client.get("/");
    assert_eq!((whole.status, got(&whole)), (200, ("miss", "2")));
}
