//! What is kept, for how long, and what those get who come later.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{counting, got, numbering, row, said, ttl};
use thruster_test::{Http2, thrust, upstream};

/// Fields, and for how many seconds they make an answer fresh (RFC 9111 section 4.2). The dates
/// are in the future, where no clock has come yet.
const FRESH: &[(&str, i64)] = &[
    ("Cache-Control: max-age=600", 600),
    ("Cache-Control: public, max-age=600, immutable", 600),
    ("Cache-Control: max-age=60, s-maxage=600", 600),
    ("Cache-Control: s-maxage=60, max-age=600", 60),
    ("Cache-Control: MAX-AGE=600", 600),
    ("Cache-Control: max-age=\"600\"", 600),
    ("Cache-Control: ,, public,,\nCache-Control:\nCache-Control: max-age=600,", 600),
    ("Cache-Control: extension=\"no-store, private\", max-age=600", 600),
    ("Cache-Control: max-age=600\nAge: 100", 500),
    ("Cache-Control: max-age=600\nAge: soon", 600),
    // The strictest of several.
    ("Cache-Control: max-age=600, max-age=60", 60),
    ("Cache-Control: max-age=60\nCache-Control: max-age=600", 60),
    // Section 1.2.2: what cannot be held is for ever.
    ("Cache-Control: max-age=99999999999999999999999", 1 << 31),
    ("Date: Thu, 01 Jan 2099 00:00:00 GMT\nExpires: Thu, 01 Jan 2099 00:10:00 GMT", 600),
    ("Cache-Control: max-age=600\nExpires: 0", 600),
    (
        "Cache-Control: public\nExpires: Thu, 01 Jan 2060 00:10:00 GMT\n\
      Date: Thursday, 01-Jan-60 00:00:00 GMT",
        600,
    ),
    // Section 5.2.2.3: no-store is for caches that do not know the status.
    ("Cache-Control: must-understand, no-store, max-age=600", 600),
    // RFC 9213 section 2.2: for us it stands for all the others.
    ("CDN-Cache-Control: max-age=600\nCache-Control: max-age=60", 600),
    ("CDN-Cache-Control: max-age=600\nCache-Control: no-store", 600),
    ("CDN-Cache-Control: max-age=600\nCache-Control: private, no-cache\nExpires: 0", 600),
    ("CDN-Cache-Control: \"nonsense\nCache-Control: max-age=600", 600),
];

#[test]
fn what_says_for_how_long_is_kept_as_long() {
    let app = upstream(|exchange| exchange.answer(200, row(exchange, FRESH).0, "body"));
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for (number, (fields, lifetime)) in FRESH.iter().enumerate() {
        let target = format!("/{number}");
        let first = client.get(&target);
        assert_eq!((first.status, got(&first)), (200, ("miss", "body")), "{fields}");
        assert_eq!(said(&first, "stored"), Some(""), "{fields}");
        app.received();
        let second = client.get(&target);
        assert_eq!((second.status, got(&second)), (200, ("hit", "body")), "{fields}");
        assert!(app.has_received_nothing(), "{fields}");
        for response in [first, second] {
            let ttl = ttl(&response);
            // As much as a busy machine may need meanwhile.
            assert!((lifetime - 10..=*lifetime).contains(&ttl), "{ttl} s of {fields}");
        }
    }
}

#[test]
fn the_statuses_that_may_be_kept_are_kept() {
    const KEPT: [u16; 14] = [200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501];
    let app = upstream(|exchange| {
        let status = exchange.target()[1..].parse().expect("a status");
        exchange.answer(status, "Cache-Control: max-age=60\nLocation: /there", "body");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for status in KEPT {
        let body = if status == 204 { "" } else { "body" };
        for x_cache in ["miss", "hit"] {
            let response = client.get(&format!("/{status}"));
            assert_eq!((response.status, got(&response)), (status, (x_cache, body)));
            assert_eq!(response.header("location"), "/there");
        }
        app.received();
        assert!(app.has_received_nothing(), "{status}");
    }
}

#[test]
fn a_hit_has_its_age_the_stored_date_and_this_requests_id() {
    let app = counting(
        "Cache-Control: max-age=600\nAge: 100\nDate: Thu, 01 Jan 2099 00:00:00 GMT\n\
         X-Request-Id: mine\nX-One: 1\nX-Two: 2\nX-One: 3\nServer: puma",
    );
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    assert_eq!(client.get("/").header("x-request-id"), "mine");
    let hit = client.ask("GET", "/", "X-Request-Id: another");
    assert_eq!(got(&hit), ("hit", "1"));
    assert_eq!(hit.all("x-request-id"), ["another"]);
    assert_eq!(hit.all("date"), ["Thu, 01 Jan 2099 00:00:00 GMT"]);
    assert_eq!((hit.all("x-one"), hit.all("x-two")), (vec!["1", "3"], vec!["2"]));
    assert_eq!((hit.all("server"), hit.all("content-length")), (vec!["puma"], vec!["1"]));
    let age: u64 = hit.all("age").concat().parse().expect("one age, in seconds");
    assert!((100..=110).contains(&age), "{age}");
}

#[test]
fn an_old_date_counts_as_age() {
    let app = counting("Cache-Control: max-age=2147483647\nDate: Thu, 01 Jan 2026 00:00:00 GMT");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.get("/");
    let age = client.get("/").header("age").parse::<u64>().expect("an age");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let since = now - 1_767_225_600;
    assert!((since - 10..=since + 1).contains(&age), "{age}, not {since}");
}

#[test]
fn the_first_client_keeps_its_cookie() {
    let app = counting("Cache-Control: public, max-age=60\nSet-Cookie: a=1\nSet-Cookie: b=2");
    let proxy = thrust().run(&app);
    let first = proxy.connect().get("/");
    assert_eq!((got(&first), first.all("set-cookie")), (("miss", "1"), vec!["a=1", "b=2"]));
    let second = proxy.connect().get("/");
    assert_eq!((got(&second), second.header("set-cookie")), (("hit", "1"), ""));
}

#[test]
fn fields_that_are_private_or_not_for_caches_are_not_kept() {
    let app = counting(
        "Cache-Control: max-age=60, private=\"X-Mine, x-yours\"\nCache-Control: no-cache=X-Once\n\
         X-Mine: 1\nX-Yours: 2\nX-Once: 3\nX-All: 4",
    );
    let proxy = thrust().run(&app);
    let fields = |response: thruster_test::Response| {
        ["x-mine", "x-yours", "x-once", "x-all"].map(|name| response.header(name).to_owned())
    };
    assert_eq!(fields(proxy.connect().get("/")), ["1", "2", "3", "4"]);
    let hit = proxy.connect().get("/");
    assert_eq!(got(&hit), ("hit", "1"));
    assert_eq!(fields(hit), ["", "", "", "4"]);
}

#[test]
fn who_logs_in_gets_and_leaves_only_what_is_for_others_too() {
    // RFC 9111 section 3.5.
    const ROWS: &[(&str, bool)] = &[
        ("Cache-Control: public, max-age=60", true),
        ("Cache-Control: s-maxage=60", true),
        ("Cache-Control: must-revalidate, max-age=60", true),
        ("Cache-Control: max-age=60", false),
        ("Cache-Control: proxy-revalidate, max-age=60", false),
    ];
    let app = upstream(|exchange| {
        let fields = row(exchange, ROWS).0;
        exchange.answer(
            200,
            fields,
            if exchange.header("authorization").is_empty() { "all" } else { "one" },
        );
    });
    for (number, (fields, is_shared)) in ROWS.iter().enumerate() {
        let target = format!("/{number}");
        let proxy = thrust().run(&app);
        let mut client = proxy.connect();
        let first = client.ask("GET", &target, "Authorization: Basic YTpi");
        assert_eq!(got(&first), ("miss", "one"), "{fields}");
        let reason = if *is_shared { None } else { Some("authorization") };
        assert_eq!(said(&first, "detail"), reason, "{fields}");
        let other = client.get(&target);
        let expected = if *is_shared { ("hit", "one") } else { ("miss", "all") };
        assert_eq!(got(&other), expected, "{fields}");
        // What is kept by now was not meant for anybody who logs in.
        let expected = if *is_shared { ("hit", "one") } else { ("miss", "one") };
        let again = client.ask("GET", &target, "Authorization: Basic YTpi");
        assert_eq!(got(&again), expected, "{fields}");
    }
}

#[test]
fn a_truncated_answer_is_not_kept() {
    let app = numbering(|exchange, number| {
        let framing = match exchange.target() {
            "/length" => "Content-Length: 10\r\n\r\n0123456789",
            _ => "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
        };
        let answer = format!("HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\n{framing}");
        // The first two end too soon.
        let is_cut = number <= 2;
        exchange.send(&answer[..if is_cut { answer.len() - 8 } else { answer.len() }]);
        if is_cut {
            exchange.close();
        }
    });
    let proxy = thrust().run(&app);
    for target in ["/length", "/chunked"] {
        let mut client = proxy.connect();
        client.send(format!("GET {target} HTTP/1.1\r\nHost: test.example\r\n\r\n"));
        assert_eq!(client.head().status, 200);
        assert!(client.remains().len() < 20, "it is cut, and the client notices");
    }
    for target in ["/length", "/chunked"] {
        assert_eq!(got(&proxy.connect().get(target)), ("miss", "0123456789"));
        assert_eq!(got(&proxy.connect().get(target)), ("hit", "0123456789"));
    }
}

#[test]
fn how_a_body_was_framed_is_forgotten_with_its_trailers() {
    let app = upstream(|exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\
             Trailer: X-End\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n\
             3\r\nabc\r\n2\r\nde\r\n0\r\nX-End: 1\r\n\r\n",
        );
    });
    let proxy = thrust().run(&app);
    let first = proxy.connect().get("/");
    assert_eq!(
        (got(&first), &*first.trailers),
        (("miss", "abcde"), &[("x-end".into(), "1".into())][..])
    );
    let hit = proxy.connect().get("/");
    assert_eq!((got(&hit), hit.all("content-length")), (("hit", "abcde"), vec!["5"]));
    assert_eq!((hit.header("transfer-encoding"), hit.header("x-hop")), ("", ""));
    // One that does not know chunks can have it too.
    let mut old = proxy.connect();
    old.send("GET / HTTP/1.0\r\nHost: test.example\r\n\r\n");
    assert_eq!(got(&old.response("GET")), ("hit", "abcde"));
}

#[test]
fn early_hints_are_for_the_first_client() {
    let app = upstream(|exchange| {
        exchange.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
        exchange.answer(200, "Cache-Control: max-age=60", "page");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET / HTTP/1.1\r\nHost: test.example\r\n\r\n");
    assert_eq!(client.head().status, 103);
    assert_eq!(got(&client.response("GET")), ("miss", "page"));
    let hit = client.get("/");
    assert_eq!((hit.status, got(&hit), hit.header("link")), (200, ("hit", "page"), ""));
}

#[test]
fn either_protocol_gets_what_the_other_has_left() {
    let app = counting("Cache-Control: max-age=60");
    let proxy = thrust().with("H2C_ENABLED", true).run(&app);
    assert_eq!(got(&proxy.connect().get("/one")), ("miss", "1"));
    let http2 = proxy.connect_http2();
    assert_eq!(got(&http2.get("/one")), ("hit", "1"));
    assert_eq!(got(&http2.get("/two")), ("miss", "2"));
    assert_eq!(got(&proxy.connect().get("/two")), ("hit", "2"));
    let head = http2.open(Http2::request("HEAD", "/two"), true).response();
    assert_eq!((got(&head), head.header("content-length")), (("hit", ""), "1"));
}
