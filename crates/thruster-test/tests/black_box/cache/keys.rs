//! Whose answer is whose: nobody gets what somebody else has asked for.

use super::got;
use thruster_test::{Thrust, Upstream, thrust, upstream, values};

/// Everything that Rack or Rails may build a link with.
const NAMES: [&str; 7] = [
    "host",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-ssl",
    "x-forwarded-scheme",
    "x-forwarded-proto",
    "forwarded",
];

/// A child that answers with what it was asked, and lets everybody keep it.
fn echoing() -> Upstream {
    upstream(|exchange| {
        let named = NAMES.map(|name| values(&exchange.head, name).join(","));
        let body = format!("{} {}", exchange.target(), named.join("|"));
        exchange.answer(200, "Cache-Control: max-age=60", &body);
    })
}

/// X-Cache and the body of what a request gets, byte for byte.
fn asked(proxy: &Thrust, request: &str) -> (String, String) {
    let mut client = proxy.connect();
    let response = client.send(request).response("GET");
    assert_eq!(response.status, 200, "{request}");
    (response.header("x-cache").to_owned(), response.text().to_owned())
}

/// All of these are different things: each gets its own answer, twice.
fn are_apart(proxy: &Thrust, requests: &[String]) {
    let firsts = requests.iter().map(|request| asked(proxy, request)).collect::<Vec<_>>();
    for (request, (x_cache, body)) in requests.iter().zip(&firsts) {
        assert_eq!(x_cache, "miss", "{request}");
        assert_eq!(firsts.iter().filter(|first| first.1 == *body).count(), 1, "{request}");
        let again = asked(proxy, request);
        assert_eq!((again.0.as_str(), &again.1), ("hit", body), "{request}");
    }
}

/// All of these are the same: what the first gets, the others get.
fn are_one(proxy: &Thrust, requests: &[String]) {
    let first = asked(proxy, &requests[0]);
    assert_eq!(first.0, "miss", "{}", requests[0]);
    for request in &requests[1..] {
        assert_eq!(asked(proxy, request), ("hit".into(), first.1.clone()), "{request}");
    }
}

fn request(target: &str, host: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n")
}

#[test]
fn targets_that_differ_by_a_byte_are_apart() {
    let targets = [
        "/",
        "//",
        "/?",
        "/??",
        "/a",
        "/A",
        "/a/",
        "/a//",
        "/a?",
        "/a?b=1",
        "/ab=1",
        "/a%3Fb=1",
        "/a?b=1&",
        "/a?b=1&c=2",
        "/a?c=2&b=1",
        "/a?b=1;c=2",
        "/a?b=%31",
        "/a;b=1",
        "/%61",
        "/./a",
        "/b/../a",
        "/a%00",
        "/a%20",
        "/a+",
        "/caf\u{e9}",
        "/caf%C3%A9",
        "/?/a",
        "/a?b=1%26c=2",
        "/http://test.example/a",
    ];
    let (app, requests) = (echoing(), targets.map(|target| request(target, "test.example", "")));
    are_apart(&thrust().run(&app), &requests);
}

#[test]
fn hosts_and_paths_do_not_run_together() {
    let app = echoing();
    let proxy = thrust().run(&app);
    let pairs = [
        ("a.example", "/b"),
        ("a.exampl", "/e/b"),
        ("a.example:81", "/b"),
        ("b.example", "/b"),
        ("a.example.", "/b"),
        ("a", "/.example/b"),
        ("a.example", "/b/b"),
        ("", "/a.example/b"),
    ];
    are_apart(&proxy, &pairs.map(|(host, target)| request(target, host, "")));
}

#[test]
fn capitals_in_a_host_do_not_matter() {
    let app = echoing();
    let requests = ["test.example", "TEST.example", "Test.Example"];
    are_one(&thrust().run(&app), &requests.map(|host| request("/", host, "")));
}

#[test]
fn what_the_application_believes_about_its_name_keeps_answers_apart() {
    let app = echoing();
    let fields = [
        "",
        "X-Forwarded-Host: evil.example\r\n",
        "X-Forwarded-Host: evil.example, test.example\r\n",
        "X-Forwarded-Host: evil.example:81\r\n",
        "X-Forwarded-Port: 8080\r\n",
        "X-Forwarded-Ssl: on\r\n",
        "X-Forwarded-Scheme: https\r\n",
        "X-Forwarded-Proto: https\r\n",
        "X-Forwarded-Proto: wss\r\n",
        "Forwarded: host=evil.example\r\n",
        "Forwarded: for=1.2.3.4;host=\"evil.example:82\"\r\n",
        "Forwarded: FOR=1.2.3.4 ; PROTO=https\r\n",
        "Forwarded: for=1.2.3.4\r\nForwarded: proto=wss\r\n",
    ];
    are_apart(&thrust().run(&app), &fields.map(|fields| request("/", "test.example", fields)));
}

#[test]
fn what_the_application_does_not_get_to_see_does_not() {
    let app = echoing();
    let proxy = thrust().with("FORWARD_HEADERS", false).run(&app);
    let fields = [
        "",
        "X-Forwarded-Host: evil.example\r\n",
        "X-Forwarded-Port: 8080\r\n",
        "X-Forwarded-Ssl: on\r\n",
        "X-Forwarded-Scheme: https\r\n",
        "X-Forwarded-Proto: https\r\n",
        "Forwarded: host=evil.example;proto=https\r\n",
        "X-Forwarded-For: 1.2.3.4\r\n",
        "X_Forwarded_Host: evil.example\r\n",
        "Connection: host\r\n",
    ];
    are_one(&proxy, &fields.map(|fields| request("/", "test.example", fields)));
}

#[test]
fn who_asks_does_not_matter() {
    let app = echoing();
    let fields = [
        "",
        "X-Forwarded-For: 1.2.3.4\r\n",
        "Forwarded: for=1.2.3.4\r\n",
        "Cookie: a=1\r\n",
        "User-Agent: b\r\n",
        "X-Request-Start: t=1\r\n",
        "Via: 1.1 router\r\n",
        "Accept: text/html\r\n",
        "Accept-Encoding: deflate\r\n",
        "Connection: close\r\n",
        "Upgrade: h2c\r\nConnection: upgrade\r\n",
        "X-Forwarded-Host: test.example\r\n",
        "Content-Length: 0\r\n",
    ];
    are_one(&thrust().run(&app), &fields.map(|fields| request("/", "test.example", fields)));
}

#[test]
fn an_absolute_target_names_the_host_itself() {
    // RFC 9112 section 3.2.2: Host is to be ignored then.
    let app = echoing();
    let proxy = thrust().run(&app);
    let poison = request("http://evil.example/a", "test.example", "");
    assert!(asked(&proxy, &poison).1.starts_with("/a evil.example|"));
    let (x_cache, body) = asked(&proxy, &request("/a", "test.example", ""));
    assert_eq!(x_cache, "miss");
    assert!(body.starts_with("/a test.example|"), "{body}");
    are_one(
        &proxy,
        &[
            request("http://TEST.example/b?c", "other.example", ""),
            request("/b?c", "test.example", ""),
        ],
    );
}

#[test]
fn http2_has_one_host_as_well() {
    let app = echoing();
    let proxy = thrust().with("H2C_ENABLED", true).run(&app);
    let poison = thruster_test::Http2::request("GET", "/a").header("host", "evil.example");
    let poison = proxy.connect_http2().open(poison, true).response();
    let (_, body) = asked(&proxy, &request("/a", "test.example", ""));
    assert!(body.starts_with("/a test.example|") && !body.contains("evil"), "{body}");
    assert!(poison.status == 400 || poison.text() == body, "{poison:?}");
}

#[test]
fn a_request_with_a_body_is_for_the_application() {
    let app = upstream(|exchange| {
        let body = exchange.body();
        exchange.answer(200, "Cache-Control: max-age=60", &String::from_utf8_lossy(&body));
    });
    let proxy = thrust().run(&app);
    let mut client = proxy.connect();
    for body in ["mine", "yours"] {
        let length = body.len();
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: test.example\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        assert_eq!(got(&client.response("GET")), ("bypass", body));
    }
    client.send("GET / HTTP/1.1\r\nHost: test.example\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
    assert_eq!(got(&client.response("GET")), ("bypass", "x"));
    assert_eq!(got(&client.get("/")), ("miss", ""));
    assert_eq!(got(&client.get("/")), ("hit", ""));
}
