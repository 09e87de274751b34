//! TRUSTED_PROXIES: whose word counts, for the child and for the log.

use super::get;
use thruster_test::{Http2, ThrustBuilder, Upstream, thrust, values};

/// What the tests connect from is 127.0.0.1.
fn behind(list: &str) -> ThrustBuilder {
    thrust().with("TRUSTED_PROXIES", list)
}

#[test]
fn a_proxy_on_the_list_is_believed() {
    let app = Upstream::saying("");
    for list in ["127.0.0.1", "203.0.113.0/24, 127.0.0.0/8", "private"] {
        let proxy = behind(list).run(&app);
        let fields = "X-Forwarded-For: 6.6.6.6, 198.51.100.1:4711\r\nX-Forwarded-Host: b.example\r\n\
                      X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n";
        assert_eq!(proxy.connect().send(get("/", fields)).response("GET").status, 200);
        let head = app.received();
        let list = "6.6.6.6, 198.51.100.1:4711, 127.0.0.1";
        assert_eq!(values(&head, "x-forwarded-for"), [list]);
        assert_eq!(values(&head, "x-forwarded-host"), ["b.example"]);
        assert_eq!(values(&head, "x-forwarded-proto"), ["https"]);
        assert_eq!(values(&head, "x-forwarded-port"), ["443"]);
        assert_eq!(proxy.logged_request()["remote_addr"], "198.51.100.1");
    }
}

#[test]
fn a_stranger_is_not_believed_whatever_forward_headers_says() {
    let app = Upstream::saying("");
    for proxy in [
        behind("203.0.113.0/24, 2001:db8::/32"),
        behind("127.0.0.2").with("FORWARD_HEADERS", "on"),
        behind("127.0.0.1").with("FORWARD_HEADERS", "off"),
    ] {
        let proxy = proxy.run(&app);
        let fields = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: forged\r\n\
                      X-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Ssl: forged\r\n\
                      Client-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6;host=forged\r\n";
        let mut client = proxy.connect();
        assert_eq!(client.send(get("/", fields)).response("GET").status, 200);
        let head = app.received();
        assert!(!head.contains("6.6.6.6") && !head.contains("forged"), "{head}");
        assert_eq!(values(&head, "x-forwarded-for"), ["127.0.0.1"]);
        assert_eq!(values(&head, "x-forwarded-proto"), ["http"]);
        let peer = client.stream().local_addr().expect("an address").to_string();
        assert_eq!(proxy.logged_request()["remote_addr"], peer);
    }
}

#[test]
fn the_client_is_the_first_from_the_right_that_is_no_proxy_of_ours() {
    let app = Upstream::saying("");
    let proxy = behind("private, 203.0.113.0/24, 2001:db8:1::/48").run(&app);
    let mut client = proxy.connect();
    let peer = client.stream().local_addr().expect("an address").to_string();
    for (fields, address) in [
        ("X-Forwarded-For: 6.6.6.6, 198.51.100.1, 203.0.113.9, 10.0.0.1\r\n", "198.51.100.1"),
        (
            "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 198.51.100.1,[2001:db8:1::1]\r\n",
            "198.51.100.1",
        ),
        ("X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.1\r\n", "10.0.0.1"),
        ("X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: \u{fc}, 10.0.0.1\r\n", "10.0.0.1"),
        ("X-Forwarded-For: 6.6.6.6, <script>\r\n", &*peer),
        ("X-Forwarded-For: 10.0.0.2, 10.0.0.1\r\n", "10.0.0.2"),
        ("Forwarded: for=6.6.6.6, for=\"[2001:db8::7]:1\", for=10.0.0.1\r\n", "2001:db8::7"),
        ("Forwarded: for=6.6.6.6, for=_hidden\r\n", &*peer),
        ("Forwarded: for=\"6.6.6.6\r\n", &*peer),
        ("X-Forwarded-For: 198.51.100.1\r\nForwarded: for=6.6.6.6\r\n", "198.51.100.1"),
        ("", &*peer),
    ] {
        assert_eq!(client.send(get("/", fields)).response("GET").status, 200);
        assert_eq!(proxy.logged_request()["remote_addr"], *address, "{fields}");
    }
}

#[test]
fn forwarded_says_what_x_forwarded_leaves_out() {
    let app = Upstream::saying("");
    let proxy = behind("private").run(&app);
    let line = "for=\"[2001:db8::7]\";host=b.example;proto=https, for=10.0.0.1";
    let fields = format!("Forwarded: {line}\r\n");
    proxy.connect().send(get("/", &fields)).response("GET");
    let head = app.received();
    assert_eq!(values(&head, "x-forwarded-for"), ["2001:db8::7, 10.0.0.1, 127.0.0.1"]);
    assert_eq!(values(&head, "x-forwarded-host"), ["b.example"]);
    assert_eq!(values(&head, "x-forwarded-proto"), ["https"]);
    assert_eq!(values(&head, "forwarded"), [line]);
    let fields = format!("X-Forwarded-For: 198.51.100.1\r\n{fields}");
    proxy.connect().send(get("/", &fields)).response("GET");
    let head = app.received();
    assert_eq!(values(&head, "x-forwarded-for"), ["198.51.100.1, 127.0.0.1"]);
    assert_eq!(values(&head, "x-forwarded-host"), ["test.example"]);
    assert_eq!(values(&head, "forwarded"), [""; 0]);
}

#[test]
fn http_2_is_told_the_same() {
    let app = Upstream::saying("");
    for (list, expected) in [("private", "198.51.100.1, 127.0.0.1"), ("10.0.0.1", "127.0.0.1")] {
        let proxy = behind(list).with("H2C_ENABLED", true).run(&app);
        let request = Http2::request("GET", "/").header("x-forwarded-for", "198.51.100.1");
        assert_eq!(proxy.connect_http2().open(request, true).response().status, 200);
        assert_eq!(values(&app.received(), "x-forwarded-for"), [expected]);
    }
}

#[test]
fn a_list_with_a_slip_in_it_is_an_error() {
    for (name, list, item) in [
        ("TRUSTED_PROXIES", "private,10.0.0.0/33", "10.0.0.0/33"),
        ("THRUSTER_TRUSTED_PROXIES", "cloudflare", "cloudflare"),
    ] {
        let failure = thrust().with(name, list).fail();
        assert_eq!(failure.code, Some(1));
        let complaint = format!("{name}={item:?}: expected IP addresses");
        assert!(failure.stderr.contains(&complaint), "{failure:?}");
    }
}
