//! What the child gets to see of the fields that a client sent.

use super::*;

fn rewritten(fields: &[(&'static str, &str)], is_trusted: bool) -> HeaderMap {
    rewritten_by(&Trust::new(is_trusted, None), fields)
}

fn rewritten_by(trust: &Trust, fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers: HeaderMap = fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), text(value.to_string())))
        .collect();
    let client = Client::new("192.0.2.7:5555".parse().unwrap());
    let now = UNIX_EPOCH + std::time::Duration::from_millis(1234);
    let id = request_id(&headers, || 7);
    on_request(&mut headers, &client, trust, now, id);
    headers
}

#[test]
fn a_client_has_an_address_with_its_port_and_one_without() {
    for (address, peer, ip) in [
        ("192.0.2.7:5555", "192.0.2.7:5555", "192.0.2.7"),
        ("[2001:db8::1]:80", "[2001:db8::1]:80", "2001:db8::1"),
        ("[fe80::1%3]:80", "[fe80::1]:80", "fe80::1"),
    ] {
        let client = Client::new(address.parse().unwrap());
        assert_eq!((&client.peer[..], client.ip.as_bytes()), (peer.as_bytes(), ip.as_bytes()));
    }
}

#[test]
fn an_unknown_client_is_described_by_us() {
    let headers = rewritten(
        &[
            ("host", "a.example"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-host", "evil"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-port", "1"),
            ("x-forwarded-ssl", "on"),
            ("x-forwarded-scheme", "https"),
            ("client-ip", "6.6.6.6"),
            ("forwarded", "for=6.6.6.6"),
        ],
        false,
    );
    assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
    assert_eq!(headers["x-forwarded-host"], "a.example");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-request-start"], "t=1234");
    assert_eq!(headers.len(), 6);
}

#[test]
fn a_trusted_proxy_is_believed_and_added() {
    let headers = rewritten(
        &[
            ("host", "a.example"),
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-for", "2.2.2.2"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-port", "443"),
            ("x-request-start", "t=1"),
            ("x-request-id", "from-the-router"),
        ],
        true,
    );
    assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 2.2.2.2, 192.0.2.7");
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(headers["x-forwarded-port"], "443");
    assert_eq!(headers["x-request-start"], "t=1");
    assert_eq!(headers["x-request-id"], "from-the-router");
}

#[test]
fn disguises_are_removed_and_innocent_underscores_stay() {
    let headers = rewritten(
        &[
            ("x_forwarded_for", "6.6.6.6"),
            ("x_forwarded-for", "6.6.6.6"),
            ("content_length", "5"),
            ("x_request_id", "mine"),
            ("my_field", "1"),
        ],
        true,
    );
    assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
    assert_eq!(headers["my_field"], "1");
    assert!(!headers.keys().any(|name| name.as_str().contains('_') && name != "my_field"));
}

#[test]
fn an_unusable_id_is_replaced() {
    let long = "x".repeat(256);
    for bad in ["", "a b", "a\"b", &long] {
        let id = &rewritten(&[("x-request-id", bad)], true)["x-request-id"];
        assert_eq!(id.len(), 36, "{bad:?}");
    }
}

#[test]
fn a_proxy_on_the_list_is_believed_and_no_other() {
    let fields = [
        ("host", "a.example"),
        ("x-forwarded-for", "6.6.6.6, 1.2.3.4"),
        ("x-forwarded-host", "b.example"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=6.6.6.6;proto=http;host=evil"),
        ("client-ip", "1.2.3.4"),
    ];
    let ours = rewritten_by(&listed("192.0.2.0/24"), &fields);
    assert_eq!(ours["x-forwarded-for"], "6.6.6.6, 1.2.3.4, 192.0.2.7");
    assert_eq!(ours["x-forwarded-host"], "b.example");
    assert_eq!(ours["x-forwarded-proto"], "https");
    assert_eq!(ours["client-ip"], "1.2.3.4");
    assert!(!ours.contains_key("forwarded"), "it is the client's: the proxy speaks otherwise");
    let strangers = rewritten_by(&listed("private"), &fields);
    assert_eq!(strangers["x-forwarded-for"], "192.0.2.7");
    assert_eq!(strangers["x-forwarded-host"], "a.example");
    assert_eq!(strangers["x-forwarded-proto"], "http");
    assert!(!strangers.contains_key("forwarded") && !strangers.contains_key("client-ip"));
}

#[test]
fn forwarded_of_a_proxy_on_the_list_is_translated() {
    let trust = listed("192.0.2.0/24, 10.0.0.0/8");
    let line = "for=6.6.6.6;host=evil, for=\"[2001:db8::1]:1\";host=b.example;proto=https, \
                for=10.0.0.1;proto=http";
    let fields = [("host", "a.example"), ("forwarded", line)];
    let headers = rewritten_by(&trust, &fields);
    assert_eq!(headers["x-forwarded-for"], "2001:db8::1, 10.0.0.1, 192.0.2.7");
    assert_eq!(headers["x-forwarded-host"], "b.example");
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(headers["forwarded"], line);

    let said = [("x-forwarded-host", "c.example"), ("x-forwarded-proto", "http")];
    let headers = rewritten_by(&trust, &[&fields[..], &said].concat());
    assert_eq!(headers["x-forwarded-host"], "c.example");
    assert_eq!(headers["x-forwarded-proto"], "http");

    let broken = rewritten_by(&trust, &[("host", "a.example"), ("forwarded", "for=\"1.2.3.4")]);
    assert_eq!(broken["x-forwarded-for"], "192.0.2.7");
    assert!(!broken.contains_key("forwarded"));

    let stranger = rewritten_by(&listed("private"), &fields);
    assert_eq!(stranger["x-forwarded-for"], "192.0.2.7");
    assert_eq!(stranger["x-forwarded-host"], "a.example");
    assert!(!stranger.contains_key("forwarded"));
}

#[test]
fn what_is_no_text_keeps_its_place_in_the_list() {
    let mut headers = HeaderMap::new();
    for line in [&b"6.6.6.6"[..], b"\xff, 1.2.3.4"] {
        headers.append(X_FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
    }
    let client = Client::new("192.0.2.7:5555".parse().unwrap());
    let id = HeaderValue::from_static("1");
    on_request(&mut headers, &client, &Trust::Everybody, UNIX_EPOCH, id);
    assert_eq!(headers[X_FORWARDED_FOR].as_bytes(), b"6.6.6.6, \xff, 1.2.3.4, 192.0.2.7");
}

#[test]
fn a_client_that_spoke_tls_is_told_apart() {
    let mut client = Client::new("192.0.2.7:5555".parse().unwrap());
    client.is_secure = true;
    let mut headers = HeaderMap::new();
    let id = HeaderValue::from_static("1");
    on_request(&mut headers, &client, &Trust::Nobody, UNIX_EPOCH, id);
    assert_eq!(headers["x-forwarded-proto"], "https");
}

fn listed(list: &str) -> Trust {
    Trust::new(true, TrustedProxies::parse(list).ok().map(std::sync::Arc::new))
}
