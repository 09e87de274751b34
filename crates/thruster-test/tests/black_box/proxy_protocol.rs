//! PROXY_PROTOCOL: the preamble that says who the client is.

use thruster_test::{Client, Thrust, ThrustBuilder, Upstream, thrust, values};

mod refusals;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n";

const TCP4: &[u8] = b"PROXY TCP4 192.0.2.1 198.51.100.1 8080 443\r\n";

fn behind_a_balancer() -> ThrustBuilder {
    thrust().with("PROXY_PROTOCOL", true)
}

/// A preamble of version 2: command, family and transport, and what follows.
fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).expect("a length of 16 bits").to_be_bytes();
    [b"\r\n\r\n\0\r\nQUIT\n", &[command, family][..], &length, rest].concat()
}

/// The addresses 192.0.2.1:8080 and 198.51.100.1:443.
const V4: &[u8] = &[192, 0, 2, 1, 198, 51, 100, 1, 0x1f, 0x90, 1, 187];

/// X-Forwarded-For as the child sees it, and the address in the log, of a GET behind `preamble`.
fn seen(app: &Upstream, proxy: &Thrust, preamble: &[u8]) -> (String, String) {
    let mut client = proxy.connect();
    client.send([preamble, GET].concat());
    assert_eq!(client.response("GET").status, 200, "{}", preamble.escape_ascii());
    let head = app.received();
    let logged = proxy.logged_request()["remote_addr"].as_str().expect("an address").to_owned();
    let local = client.stream().local_addr().expect("an address").to_string();
    let logged = if logged == local { "the peer".to_owned() } else { logged };
    (values(&head, "x-forwarded-for").join("; "), logged)
}

#[test]
fn the_client_is_the_one_in_the_preamble() {
    let app = Upstream::saying("");
    let proxy = behind_a_balancer().run(&app);
    let v6: [&[u8]; 5] = [&[0x20, 1, 0xd, 0xb8], &[0; 11], &[7], &[0; 16], &[0, 80, 1, 187]];
    let with_vectors = [V4, &[5, 0, 2, b'i', b'd'], &[4, 0, 0]].concat();
    for (preamble, expected) in [
        (TCP4.to_vec(), ("192.0.2.1", "192.0.2.1:8080")),
        (b"PROXY TCP6 2001:db8::7 ::1 80 443\r\n".to_vec(), ("2001:db8::7", "[2001:db8::7]:80")),
        (v2(0x21, 0x11, V4), ("192.0.2.1", "192.0.2.1:8080")),
        (v2(0x21, 0x11, &with_vectors), ("192.0.2.1", "192.0.2.1:8080")),
        (v2(0x21, 0x21, &v6.concat()), ("2001:db8::7", "[2001:db8::7]:80")),
    ] {
        let (child, log) = seen(&app, &proxy, &preamble);
        assert_eq!((&*child, &*log), expected, "{}", preamble.escape_ascii());
    }
}

#[test]
fn a_sender_that_speaks_for_itself_is_the_client() {
    let app = Upstream::saying("");
    let proxy = behind_a_balancer().run(&app);
    for preamble in [
        b"PROXY UNKNOWN\r\n".to_vec(),
        b"PROXY UNKNOWN 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(),
        v2(0x20, 0x00, &[]),
        v2(0x20, 0x11, V4),
        v2(0x21, 0x00, &[]),
        v2(0x21, 0x31, &[b'/'; 216]),
    ] {
        let (child, log) = seen(&app, &proxy, &preamble);
        assert_eq!((&*child, &*log), ("127.0.0.1", "the peer"), "{}", preamble.escape_ascii());
    }
}

#[test]
fn one_preamble_is_for_all_requests_of_the_connection() {
    let app = Upstream::saying("");
    let proxy = behind_a_balancer().run(&app);
    let mut client = proxy.connect();
    client.send(TCP4);
    for _ in 0..3 {
        assert_eq!(client.get("/").status, 200);
        assert_eq!(values(&app.received(), "x-forwarded-for"), ["192.0.2.1"]);
    }
    client.send(TCP4);
    assert_eq!(client.response("GET").status, 400, "a second one is no request");
}

#[test]
fn preambles_may_come_byte_by_byte() {
    let app = Upstream::saying("");
    let proxy = behind_a_balancer().with("H2C_ENABLED", true).run(&app);
    let long = v2(0x21, 0x11, &[V4, &[4, 0x03, 0x00], &[7; 0x300]].concat());
    for preamble in [TCP4, &v2(0x21, 0x11, V4), &long] {
        let mut client = proxy.connect();
        client.stream().set_nodelay(true).expect("a socket");
        for byte in [preamble, GET].concat() {
            client.send([byte]);
        }
        assert_eq!(client.response("GET").status, 200);
        assert_eq!(values(&app.received(), "x-forwarded-for"), ["192.0.2.1"]);
    }
}

/// The head of a GET for `/` as a frame of HTTP/2: names and values from the table that both sides
/// know (RFC 7541 appendix A), and `a` for the authority.
const HTTP2_GET: &[u8] = b"\0\0\x06\x01\x05\0\0\0\x01\x82\x86\x84\x41\x01a";

#[test]
fn http_2_may_follow_it() {
    let app = Upstream::saying("");
    let proxy = behind_a_balancer().with("H2C_ENABLED", true).run(&app);
    for preamble in [TCP4, &v2(0x21, 0x11, V4)] {
        let mut client = proxy.connect();
        client.send([preamble, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"].concat());
        client.send(HTTP2_GET);
        let head = app.received();
        assert_eq!(values(&head, "x-forwarded-for"), ["192.0.2.1"]);
        assert_eq!(proxy.logged_request()["remote_addr"], "192.0.2.1:8080");
    }
}

#[test]
fn a_client_that_spoke_tls_with_the_balancer_asks_by_https() {
    let app = Upstream::saying("");
    let proxy = behind_a_balancer().run(&app);
    for (bits, scheme) in [(1, "https"), (0, "http")] {
        let tls = [V4, &[0x20, 0, 5, bits, 0, 0, 0, 0]].concat();
        seen_with(&proxy, &v2(0x21, 0x11, &tls), "");
        assert_eq!(values(&app.received(), "x-forwarded-proto"), [scheme]);
    }
}

/// A connection on which a GET with these fields behind `preamble` has been answered.
fn seen_with(proxy: &Thrust, preamble: &[u8], fields: &str) -> Client {
    let mut client = proxy.connect();
    client.send(preamble).send(format!("GET / HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n"));
    assert_eq!(client.response("GET").status, 200);
    client
}

#[test]
fn what_a_client_behind_it_says_of_itself_is_judged_by_its_own_address() {
    let app = Upstream::saying("");
    let fields = "X-Forwarded-For: 203.0.113.7\r\n";
    for (proxy, expected) in [
        (behind_a_balancer(), "192.0.2.1"),
        (behind_a_balancer().with("FORWARD_HEADERS", true), "203.0.113.7, 192.0.2.1"),
        (behind_a_balancer().with("TRUSTED_PROXIES", "private"), "192.0.2.1"),
        (
            behind_a_balancer().with("TRUSTED_PROXIES", "private, 192.0.2.0/24"),
            "203.0.113.7, 192.0.2.1",
        ),
    ] {
        let proxy = proxy.run(&app);
        seen_with(&proxy, TCP4, fields);
        assert_eq!(values(&app.received(), "x-forwarded-for"), [expected]);
    }
}

#[test]
fn without_the_setting_a_preamble_is_a_bad_request() {
    let app = Upstream::saying("");
    let proxy = thrust().run(&app);
    for preamble in [TCP4, &v2(0x21, 0x11, V4)] {
        let mut client = proxy.connect();
        client.send([preamble, GET].concat());
        assert_eq!(client.response("GET").status, 400);
    }
    assert!(app.has_received_nothing());
}
