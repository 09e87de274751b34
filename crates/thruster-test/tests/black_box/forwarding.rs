//! What reaches the child of a request, and the client of a response.

mod client;
mod trusted_proxies;

use thruster_test::{Upstream, thrust, upstream, values};

/// The request line and fields of a GET with these fields besides Host.
fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: test.example\r\n{fields}\r\n")
}

#[test]
fn a_request_reaches_the_child_and_its_answer_the_client() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    let response = proxy.connect().get("/path?q=100%&a;b");
    assert_eq!((response.status, response.text()), (200, "hello"));
    assert_eq!(response.header("x-cache"), "miss");
    assert!(app.received().starts_with("GET /path?q=100%&a;b HTTP/1.1\r\n"));
    assert_eq!(proxy.logged_request()["query"], "q=100%&a;b");
}

#[test]
fn targets_reach_the_child_byte_for_byte() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for target in [
        "/a|b",
        "/a^b?c^d",
        "/{a}?{b}",
        "/%zz?%zz&100%",
        "//double//slash//",
        "/?",
        "/path?",
        "/path??",
        "/a/../b/./c",
        "/a%2Fb%00c?%0d%0a",
        "/a;b=c?d;e",
        "/caf\u{e9}?caf\u{e9}",
        "/\\'!~?\\`'!~",
        "/[a]?x[]=1&x[]=2",
        "/http://other.example/?u=http://other.example/",
        "/+%20?+%20",
    ] {
        assert_eq!(client.get(target).status, 200, "{target}");
        assert_eq!(app.received().split(" HTTP/1.1").next(), Some(&*format!("GET {target}")));
    }
}

#[test]
fn every_visible_character_may_stand_in_a_target() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    // A fragment is no part of a request.
    for character in ('!'..='~').filter(|&c| c != '#') {
        for target in [format!("/{character}"), format!("/?{character}")] {
            assert_eq!(proxy.connect().get(&target).status, 200, "{target}");
            assert_eq!(app.received().split(' ').nth(1), Some(&*target));
        }
    }
}

#[test]
fn a_target_is_utf_8_or_percent_encoded() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    assert_eq!(proxy.connect().get("/café?ü=%FF").status, 200);
    assert!(app.received().starts_with("GET /café?ü=%FF HTTP/1.1\r\n"));
    let mut client = proxy.connect();
    client.send(b"GET /caf\xe9 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response("GET").status, 400);
    assert!(app.has_received_nothing());
}

#[test]
fn field_values_need_not_be_utf_8() {
    let app = upstream(|exchange| {
        exchange.send(b"HTTP/1.1 200 OK\r\nX-Name: \xfc\r\nContent-Length: 0\r\n\r\n");
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Name: \xe4\r\nUser-Agent: \xff\r\n\r\n");
    let response = client.response("GET");
    assert_eq!((response.status, response.header("x-name")), (200, "\u{fc}"));
    assert_eq!(values(&app.received(), "x-name"), ["\u{e4}"]);
    assert_eq!(proxy.logged_request()["user_agent"], "\u{fffd}");
}

#[test]
fn any_method_reaches_the_child() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for method in ["PUT", "PATCH", "DELETE", "PROPFIND", "M-SEARCH", "get", "X|Y", "TRACE"] {
        client.send(format!("{method} /m HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert_eq!(client.response(method).status, 200, "{method}");
        assert!(app.received().starts_with(&format!("{method} /m HTTP/1.1\r\n")));
        assert_eq!(proxy.logged_request()["method"], method);
    }
}

#[test]
fn options_may_ask_about_the_server_as_a_whole() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.response("OPTIONS").status, 200);
    assert!(app.received().starts_with("OPTIONS * HTTP/1.1\r\n"));
}

#[test]
fn an_absolute_target_overrules_host() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send("GET http://B.example:81//p?q=%zz HTTP/1.1\r\nHost: a.example\r\n\r\n");
    assert_eq!(client.response("GET").status, 200);
    let head = app.received();
    assert!(head.starts_with("GET //p?q=%zz HTTP/1.1\r\n"), "{head}");
    assert_eq!(values(&head, "host"), ["B.example:81"]);
    assert_eq!(values(&head, "x-forwarded-host"), ["B.example:81"]);
}

#[test]
fn host_is_passed_on_unchanged() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for host in ["Ex_ample.COM:8080", "[::1]:3000", "xn--e1afmkfd.example.", "10.0.0.1", ""] {
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(client.response("GET").status, 200, "{host:?}");
        assert_eq!(values(&app.received(), "host"), [host]);
    }
}

#[test]
fn fields_reach_the_child_as_they_were_sent() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let fields = "Accept: a\r\nX-Empty:\r\nX-Name: na\u{ef}ve \u{20ac}\r\nMy_Field: _\r\n\
                  X-Tab: a\tb\r\nX-Wide:   both sides   \r\nAccept: b\r\nCookie: a=1; b=\"2\"\r\n";
    assert_eq!(proxy.connect().send(get("/", fields)).response("GET").status, 200);
    let head = app.received();
    assert_eq!(values(&head, "accept"), ["a", "b"]);
    assert_eq!(values(&head, "x-empty"), [""]);
    assert_eq!(values(&head, "x-name"), ["na\u{ef}ve \u{20ac}"]);
    assert_eq!(values(&head, "my_field"), ["_"]);
    assert_eq!(values(&head, "x-tab"), ["a\tb"]);
    assert_eq!(values(&head, "x-wide"), ["both sides"]);
    assert_eq!(values(&head, "cookie"), ["a=1; b=\"2\""]);
}

#[test]
fn hop_by_hop_fields_of_a_request_end_here() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    let fields = "Connection: keep-alive, X-First\r\nConnection: x-second , X-Third\r\n\
                  X-First: 1\r\nX-Second: 2\r\nX-Third: 3\r\nX-Third: 4\r\nKeep-Alive: timeout=5\r\n\
                  TE: trailers\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\n\
                  Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nX-Last: stays\r\n";
    assert_eq!(proxy.connect().send(get("/", fields)).response("GET").status, 200);
    let head = app.received();
    for name in [
        "connection",
        "x-first",
        "x-second",
        "x-third",
        "keep-alive",
        "te",
        "proxy-connection",
        "proxy-authorization",
        "proxy-authenticate",
        "upgrade",
    ] {
        assert_eq!(values(&head, name), [""; 0], "{name} in {head}");
    }
    assert_eq!(values(&head, "x-last"), ["stays"]);
}

#[test]
fn connection_does_not_name_away_what_matters() {
    let app = Upstream::echo();
    let proxy = thrust().with("FORWARD_HEADERS", false).run(&app);
    let mut client = proxy.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: a.example\r\nCookie: a=1\r\nAuthorization: Basic x\r\n\
         Content-Length: 5\r\nConnection: Host, Content-Length, Cookie, Authorization, \
         X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, X-Request-Id, X-Request-Start\r\n\r\n\
         hello",
    );
    assert_eq!(client.response("POST").text(), "hello");
    let head = app.received();
    for name in [
        "host",
        "content-length",
        "cookie",
        "authorization",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
        "x-request-start",
    ] {
        assert_eq!(values(&head, name).len(), 1, "{name} in {head}");
    }
}

#[test]
fn expectations_and_file_offers_are_between_us_and_the_client() {
    let app = Upstream::echo();
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\
         X-Sendfile-Type: X-Sendfile\r\nX_Sendfile_Type: X-Sendfile\r\nX-Accel-Mapping: /=/x\r\n\r\n",
    );
    assert_eq!(client.head().status, 100);
    assert_eq!(client.send("ok").response("POST").text(), "ok");
    let head = app.received().to_ascii_lowercase();
    assert!(!head.contains("expect") && !head.contains("mapping"), "{head}");
    assert_eq!(values(&head, "x-sendfile-type"), ["x-sendfile"], "it is ours: {head}");
    assert!(!head.contains("x_sendfile"), "{head}");
}

#[test]
fn the_fields_of_an_answer_reach_the_client_as_the_child_sent_them() {
    let app = upstream(|exchange| {
        exchange.send(
            "HTTP/1.1 218 Fine\r\nSet-Cookie: a=1\r\nX-Name: na\u{ef}ve\r\nSet-Cookie: b=2\r\n\
             Link: </a>\r\nX-Empty:\r\nSet-Cookie: c=3\r\nContent-Length: 0\r\n\
             Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\n",
        );
    });
    let response = thrust().run(&app).connect().get("/");
    let all = |name| response.headers.iter().filter(move |(n, _)| n == name).map(|(_, v)| v);
    assert_eq!(response.status, 218);
    assert!(all("set-cookie").eq(["a=1", "b=2", "c=3"]));
    assert!(all("x-name").eq(["na\u{ef}ve"]) && all("x-empty").eq([""]));
    assert!(all("date").eq(["Thu, 01 Jan 1970 00:00:00 GMT"]));
}

#[test]
fn an_answer_may_have_many_fields() {
    let app = upstream(|exchange| {
        let cookies: String = (0..200).map(|n| format!("Set-Cookie: c{n}={n}\r\n")).collect();
        let large = "x".repeat(50_000);
        exchange.send(format!("HTTP/1.1 200 OK\r\nX-Large: {large}\r\n{cookies}"));
        exchange.send("Content-Length: 0\r\n\r\n");
    });
    let response = thrust().run(&app).connect().get("/");
    assert_eq!(response.status, 200);
    assert_eq!(response.header("x-large").len(), 50_000);
    assert_eq!(response.headers.iter().filter(|(name, _)| name == "set-cookie").count(), 200);
}

#[test]
fn hop_by_hop_fields_of_an_answer_end_here() {
    let app = upstream(|exchange| {
        exchange.send(
            "HTTP/1.1 200 OK\r\nConnection: keep-alive, X-First\r\nConnection: X-Second\r\n\
             X-First: 1\r\nX-Second: 2\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\n\
             Upgrade: h2c\r\nX-Last: stays\r\nContent-Length: 2\r\n\r\nok",
        );
    });
    let response = thrust().run(&app).connect().get("/");
    assert_eq!(response.text(), "ok");
    let names: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["connection", "x-first", "x-second", "keep-alive", "proxy-authenticate", "upgrade"]
    {
        assert!(!names.contains(&name), "{name} in {names:?}");
    }
    assert_eq!(response.header("x-last"), "stays");
}

#[test]
fn an_answer_without_a_date_gets_one() {
    let app = Upstream::saying("");
    let response = thrust().run(&app).connect().get("/");
    assert!(response.header("date").ends_with(" GMT"), "{response:?}");
}

#[test]
fn interim_answers_go_before_the_final_one() {
    let app = upstream(|exchange| {
        exchange.send(
            "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n\
             HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        );
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for target in ["/", "/again"] {
        let hints = client.get(target);
        assert_eq!((hints.status, hints.header("link")), (103, "</a.css>"));
        assert_eq!(client.response("GET").status, 102);
        let response = client.response("GET");
        assert_eq!((response.status, response.text(), response.header("link")), (200, "ok", ""));
    }
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(client.response("GET").status, 200, "HTTP/1.0 knows no interim answers");
}
