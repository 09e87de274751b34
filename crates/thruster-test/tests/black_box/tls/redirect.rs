//! What comes by the door without TLS: who is sent to https, who is told that this is not the
//! place, and what is answered all the same.

use thruster_test::{
    Authority, Client, Folder, Http2, Response, Thrust, ThrustBuilder, Upstream, thrust, values,
};

/// A thrust with certificates for `a.example` and all names directly below `b.example`.
fn secured(authority: &Authority) -> ThrustBuilder {
    thrust().with_certificates(&[&authority.certify(&["a.example", "*.b.example"])])
}

/// A connection on which this was sent, and the answer.
fn send(proxy: &Thrust, request: &str) -> (Client, Response) {
    let method = request.split(' ').next().expect("a method");
    let mut client = proxy.connect();
    let response = client.send(request).response(method);
    (client, response)
}

/// The answer to a GET by this Host.
fn get(proxy: &Thrust, host: &str, target: &str) -> Response {
    send(proxy, &format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")).1
}

/// Where a name of ours speaks TLS.
fn site(proxy: &Thrust, name: &str) -> String {
    format!("https://{name}:{}", proxy.https().port())
}

#[test]
fn names_of_ours_are_sent_to_https() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).run(&app);
    for (host, name) in [
        ("a.example", "a.example"),
        ("A.Example", "a.example"),
        ("a.example:80", "a.example"),
        ("a.example.", "a.example"),
        ("www.b.example:8080", "www.b.example"),
    ] {
        let response = get(&proxy, host, "/orders?page=2");
        assert_eq!(response.status, 301, "{host}");
        assert_eq!(response.header("location"), site(&proxy, name) + "/orders?page=2", "{host}");
        assert!(response.text().contains("https://"), "{}", response.text());
        assert_eq!(response.header("cache-control"), "no-store");
        let logged = proxy.logged_request();
        assert_eq!((&logged["status"], &logged["path"]), (&301.into(), &"/orders".into()));
        assert_eq!(logged["request_id"], response.header("x-request-id"));
    }
    assert!(app.has_received_nothing());
}

#[test]
fn other_names_are_misdirected() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).run(&app);
    for host in [
        "evil.example",
        "www.a.example",
        "b.example",
        ".b.example",
        "x.y.b.example",
        "a.example.evil.example",
        "evil.example:a.example",
        "evil.example%2f.b.example",
        "evil.example&.b.example",
        "127.0.0.1",
        "[::1]:80",
        "",
    ] {
        let response = get(&proxy, host, "/");
        assert_eq!((response.status, response.header("location")), (421, ""), "{host}");
        assert!(!response.header("x-request-id").is_empty());
        assert!(response.text().starts_with("Misdirected Request: "), "{}", response.text());
        let logged = proxy.logged_request();
        assert_eq!(logged["status"], 421);
        assert_eq!(logged["error"], "no certificate here is for this host name");
    }
    let nameless = send(&proxy, "GET / HTTP/1.0\r\n\r\n").1;
    assert_eq!((nameless.status, nameless.header("location")), (421, ""));
    assert!(app.has_received_nothing());
}

#[test]
fn nobody_can_be_led_to_another_site() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).run(&app);
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: a.example@evil.example\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: evil.example@a.example\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: evil.example/.b.example\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: evil.example\\.b.example\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: evil.example#.b.example\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a.example\r\nHost: evil.example\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a.example\r\n evil: 1\r\n\r\n", 400),
        ("GET http://evil.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 421),
        ("GET http://a.example@evil.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
        ("GET .evil.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
        ("GET @evil.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
        ("GET *.evil.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
    ] {
        let response = send(&proxy, request).1;
        assert_eq!((response.status, response.header("location")), (status, ""), "{request}");
    }
    assert!(app.has_received_nothing());
}

#[test]
fn targets_stay_as_they_came_to_the_byte() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).run(&app);
    for target in [
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "/@evil.example/",
        "/http://evil.example/?u=http://evil.example/",
        "/%zz?%zz&100%",
        "/%0d%0aSet-Cookie:%20a=b?%0d%0aX:%20y",
        "/a/../b/./c",
        "/?",
        "/path??",
        "/a;b=c?d;e|f^g",
        "/\"<a>`{b}\"?\"<a>`{b}\"",
        "/caf\u{e9}?caf\u{e9}",
    ] {
        let response = get(&proxy, "a.example", target);
        assert_eq!(response.status, 301, "{target}");
        assert_eq!(response.header("location"), site(&proxy, "a.example") + target);
        assert_eq!(response.all("set-cookie"), [""; 0]);
    }
}

#[test]
fn a_target_with_a_host_of_its_own_counts_by_that() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).run(&app);
    for (target, path) in [("http://a.example/x?y", "/x?y"), ("http://A.example:80", "/")] {
        let response = get(&proxy, "evil.example", target);
        assert_eq!(response.header("location"), site(&proxy, "a.example") + path, "{target}");
    }
    let request = "OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n";
    let response = send(&proxy, request).1;
    assert_eq!(response.header("location"), site(&proxy, "a.example"), "of the whole server");
}

#[test]
fn only_a_get_and_a_head_may_change_on_the_way() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).run(&app);
    for (method, status) in
        [("GET", 301), ("HEAD", 301), ("POST", 308), ("PUT", 308), ("DELETE", 308), ("X", 308)]
    {
        let request = format!("{method} / HTTP/1.1\r\nHost: a.example\r\n\r\n");
        let (mut client, response) = send(&proxy, &request);
        assert_eq!(response.status, status, "{method}");
        assert_eq!(response.header("location"), site(&proxy, "a.example") + "/");
        assert_eq!(response.header("connection"), "close");
        client.finish();
        assert!(client.is_closed(), "nothing follows the answer to {method}");
    }
}

#[test]
fn a_body_is_not_asked_for() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).run(&app);
    for (host, status) in [("a.example", 308), ("evil.example", 421)] {
        let head = format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n");
        let (_, response) = send(&proxy, &format!("{head}Expect: 100-continue\r\n\r\n"));
        assert_eq!(response.status, status, "and no 100 before it");
        let (_, response) = send(&proxy, &format!("{head}\r\nthe beginning"));
        assert_eq!(response.status, status);
    }
    assert!(app.has_received_nothing());
}

#[test]
fn a_health_check_by_address_is_answered() {
    let (authority, app) = (Authority::new(), Upstream::saying("healthy"));
    let proxy = secured(&authority).run(&app);
    for request in [
        "GET /up HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /up?deep HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "HEAD /up HTTP/1.1\r\nHost: b.example\r\n\r\n",
        "GET /up HTTP/1.0\r\n\r\n",
    ] {
        assert_eq!(send(&proxy, request).1.status, 200, "{request}");
        assert_eq!(values(&app.received(), "X-Forwarded-Proto"), ["http"]);
    }
    for request in ["POST /up", "GET /up/", "GET /upper", "GET /UP"] {
        let request = format!("{request} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
        assert_eq!(send(&proxy, &request).1.status, 421, "{request}");
    }
}

#[test]
fn what_is_healthy_is_a_setting() {
    let (authority, app) = (Authority::new(), Upstream::saying("healthy"));
    let proxy = secured(&authority).with("HEALTH_PATH", "/health/live").run(&app);
    assert_eq!(get(&proxy, "127.0.0.1", "/health/live").text(), "healthy");
    assert_eq!(get(&proxy, "127.0.0.1", "/up").status, 421);
    assert_eq!(get(&proxy, "a.example", "/health/live").status, 301, "names have TLS");
}

#[test]
fn a_challenge_that_is_not_ours_goes_the_way_of_all_others() {
    let (authority, app) = (Authority::new(), Upstream::saying("the application's"));
    let proxy = secured(&authority).run(&app);
    let target = "/.well-known/acme-challenge/token";
    let response = get(&proxy, "a.example", target);
    assert_eq!(response.header("location"), site(&proxy, "a.example") + target);
    assert_eq!(get(&proxy, "evil.example", target).status, 421);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    assert_eq!(client.get(target).text(), "the application's");
}

#[test]
fn what_came_over_tls_to_a_proxy_that_is_believed_is_answered() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let asked = |proxy: &Thrust, fields: &str| {
        send(proxy, &format!("GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n")).1.status
    };
    let https = "X-Forwarded-Proto: https\r\n";
    let proxy = secured(&authority).with("FORWARD_HEADERS", 1).run(&app);
    assert_eq!(asked(&proxy, https), 200, "or it would come back the same way, for ever");
    assert_eq!(values(&app.received(), "X-Forwarded-Proto"), ["https"]);
    assert_eq!(asked(&proxy, "X-Forwarded-Proto: http\r\n"), 301);
    assert_eq!(asked(&proxy, ""), 301);
    let proxy = secured(&authority).run(&app);
    assert_eq!(asked(&proxy, https), 301, "anybody could say so");
}

#[test]
fn nothing_of_the_site_is_to_be_had_without_tls() {
    let (authority, public) = (Authority::new(), Folder::new());
    public.file("robots.txt", "all of you");
    let app = thruster_test::upstream(|exchange| {
        exchange.answer(200, "Cache-Control: public, max-age=60\n", "hello");
    });
    let proxy = secured(&authority).with("STATIC_PATH", public.path().display()).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    let mut read = |target| {
        client.send(format!("GET {target} HTTP/1.1\r\nHost: a.example\r\n\r\n")).response("GET")
    };
    assert_eq!(read("/robots.txt").text(), "all of you");
    assert_eq!((read("/").header("x-cache"), read("/").header("x-cache")), ("miss", "hit"));
    for target in ["/robots.txt", "/"] {
        assert_eq!(get(&proxy, "a.example", target).status, 301, "{target}");
        assert_eq!(get(&proxy, "evil.example", target).status, 421, "{target}");
    }
}

#[test]
fn nobody_has_to_be_up_for_it() {
    let authority = Authority::new();
    let proxy = secured(&authority).run_alone();
    assert_eq!(get(&proxy, "a.example", "/").status, 301);
    assert_eq!(get(&proxy, "evil.example", "/").status, 421);
    assert_eq!(get(&proxy, "127.0.0.1", "/up").status, 502, "but for its health");
}

#[test]
fn a_wish_for_another_protocol_changes_nothing() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).run(&app);
    for (host, status) in [("a.example", 301), ("evil.example", 421)] {
        let wish = "Connection: upgrade\r\nUpgrade: websocket";
        let request = format!("GET /cable HTTP/1.1\r\nHost: {host}\r\n{wish}\r\n\r\n");
        assert_eq!(send(&proxy, &request).1.status, status);
    }
}

#[test]
fn http2_without_tls_is_sent_away_too() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).with("H2C_ENABLED", 1).run(&app);
    let client = proxy.connect_http2();
    assert_eq!(client.get("/").status, 421, "of test.example");
    let at = |method: &str| {
        let head = http::Request::builder().method(method).uri("http://a.example/x?y=%20");
        client.open(head, true).response()
    };
    for (method, status) in [("GET", 301), ("HEAD", 301), ("POST", 308)] {
        let response = at(method);
        assert_eq!(response.status, status);
        assert_eq!(response.body.is_empty(), method == "HEAD");
        assert_eq!(response.header("location"), site(&proxy, "a.example") + "/x?y=%20");
        assert_eq!(response.header("connection"), "");
    }
}

#[test]
fn over_tls_any_host_is_the_applications_to_judge() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).run(&app);
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    for host in ["www.b.example", "127.0.0.1", "elsewhere.example"] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(client.send(request).response("GET").text(), "hello", "{host}");
    }
    let client = Http2::connect_tls(proxy.https(), "a.example", &authority.trust());
    assert_eq!(client.get("/").text(), "hello", "of test.example");
}
