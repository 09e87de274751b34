//! Connections that end because of their preamble, without an answer.

use super::{GET, TCP4, V4, behind_a_balancer, seen, v2};
use thruster_test::{Upstream, thrust};

/// Why the log says that a connection was closed.
const WARNING: &str = "No PROXY protocol preamble";

#[test]
fn what_does_not_begin_with_a_right_preamble_is_closed() {
    let app = Upstream::saying("");
    for (bytes, reason) in [
        (GET.to_vec(), "there is none"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), "there is none"),
        (b"\x16\x03\x01\x02\x00\x01".to_vec(), "there is none"),
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 8080\r\n".to_vec(), "malformed: not two"),
        (b"PROXY TCP4 192.0.2.1 198.51.100.1 8080 443\n".to_vec(), "malformed: a line"),
        ([b"PROXY UNKNOWN ", &[b'x'; 200][..]].concat(), "too long"),
        (v2(0x22, 0x11, V4), "malformed: unknown version"),
        (v2(0x21, 0x11, &V4[1..]), "malformed: shorter"),
        (v2(0x21, 0x00, &[0; 5000]), "too long"),
    ] {
        let proxy = behind_a_balancer().with("H2C_ENABLED", true).run(&app);
        let mut client = proxy.connect();
        // It may have been closed before all of it was sent.
        drop(client.try_send([&bytes, GET].concat()));
        assert_eq!(client.remains(), b"", "{}", bytes.escape_ascii());
        let line = proxy.log_where(|line| line["msg"] == WARNING);
        assert!(line["reason"].as_str().expect("a reason").starts_with(reason), "{line}");
        let peer = client.stream().local_addr().expect("an address").to_string();
        assert_eq!((&line["level"], &line["peer"]), (&"WARN".into(), &peer.into()));
        assert!(app.has_received_nothing());
        assert_eq!(seen(&app, &proxy, TCP4).0, "192.0.2.1", "others are served");
    }
}

#[test]
fn half_a_preamble_is_closed() {
    let app = Upstream::saying("");
    for half in [&TCP4[..20], b"\r\n\r\n\0\r\n", &v2(0x21, 0x11, V4)[..20]] {
        let proxy = behind_a_balancer().run(&app);
        let mut client = proxy.connect();
        assert_eq!(client.send(half).finish().remains(), b"");
        let line = proxy.log_where(|line| line["msg"] == WARNING);
        assert_eq!(line["reason"], "the connection ended in the middle of it");
    }
}

#[test]
fn a_preamble_that_takes_too_long_is_closed() {
    let app = Upstream::saying("");
    for half in [&b""[..], &TCP4[..20], &v2(0x21, 0x11, V4)[..20]] {
        let proxy = behind_a_balancer().with("HTTP_READ_TIMEOUT", 1).run(&app);
        let mut client = proxy.connect();
        assert_eq!(client.send(half).remains(), b"");
        let line = proxy.log_where(|line| line["msg"] == WARNING);
        assert_eq!(line["reason"], "not complete within HTTP_READ_TIMEOUT");
    }
}

#[test]
fn a_probe_of_the_port_is_no_warning() {
    let app = Upstream::saying("");
    let proxy = behind_a_balancer().with("DEBUG", true).run(&app);
    assert_eq!(proxy.connect().finish().remains(), b"");
    let line = proxy.log_where(|line| line["msg"] == WARNING);
    assert_eq!(line["level"], "DEBUG", "{line}");
}

#[test]
fn many_refusals_are_a_few_lines() {
    let app = Upstream::saying("");
    let proxy = behind_a_balancer().run(&app);
    for _ in 0..200 {
        assert_eq!(proxy.connect().send("x").remains(), b"");
    }
    seen(&app, &proxy, TCP4);
    proxy.signal("TERM");
    let lines = proxy.last_lines();
    let warnings = lines.iter().filter(|line| line.contains(WARNING)).count();
    assert!(warnings < 100, "{warnings} lines for 200 refusals");
}

#[test]
fn only_those_on_the_list_may_send_one() {
    let app = Upstream::saying("");
    for headers in ["", "off"] {
        let behind = |list: &str| {
            let proxy = behind_a_balancer().with("TRUSTED_PROXIES", list);
            proxy.with("FORWARD_HEADERS", headers).run(&app)
        };
        let strange = behind("203.0.113.0/24");
        let mut client = strange.connect();
        drop(client.try_send([TCP4, GET].concat()));
        assert_eq!(client.remains(), b"");
        let line = strange.log_where(|line| line["msg"] == WARNING);
        assert_eq!(line["reason"], "its sender is not in TRUSTED_PROXIES");
        assert!(app.has_received_nothing());
        assert_eq!(seen(&app, &behind("private"), TCP4).0, "192.0.2.1");
    }
}

#[test]
fn a_preamble_under_way_does_not_hold_up_the_end() {
    let app = Upstream::saying("");
    let proxy = thrust().with("PROXY_PROTOCOL", true).with("HTTP_READ_TIMEOUT", 0);
    let mut proxy = proxy.with("DRAIN_TIMEOUT", 600).run(&app);
    let mut client = proxy.connect();
    client.send(&TCP4[..20]);
    // Answered on the same listener, so the first has been accepted.
    seen(&app, &proxy, TCP4);
    proxy.signal("TERM");
    assert_eq!(client.remains(), b"");
    proxy.wait();
}
