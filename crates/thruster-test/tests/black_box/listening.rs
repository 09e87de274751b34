//! Where thrust listens, and what it says when it cannot.

mod leaving;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};

use serde_json::Value;
use thruster_test::{Client, Failure, Upstream, thrust};

/// Starts with these settings, where it must not start.
fn failure(settings: &[(&str, String)]) -> Failure {
    let begin = thrust().command(&["echo", "the command has run"]);
    let failure =
        settings.iter().fold(begin, |thrust, (name, value)| thrust.with(name, value)).fail();
    assert_eq!(failure.code, Some(1), "{failure:?}");
    assert!(failure.stderr.starts_with("ERROR: "), "{failure:?}");
    assert!(!failure.stdout.contains("the command has run"), "{failure:?}");
    failure
}

/// Whether there is IPv6 here to be tested.
fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

#[test]
fn the_start_is_logged_with_the_address() {
    let app = Upstream::saying("hello");
    let proxy = thrust().run(&app);
    let line: Value = serde_json::from_str(&proxy.line()).expect("JSON");
    assert_eq!((&line["level"], &line["msg"]), (&"INFO".into(), &"Server started".into()));
    assert_eq!(line["http"], proxy.address().to_string());
    assert_ne!(proxy.address().port(), 0, "the port is the one the system chose");
}

#[test]
fn all_addresses_of_both_families_are_listened_on() {
    let app = Upstream::saying("hello");
    let proxy = thrust().with("BIND", "").run(&app);
    let port = proxy.address().port();
    assert!(proxy.address().ip().is_unspecified());
    let mut client = Client::connect((Ipv4Addr::LOCALHOST, port).into());
    assert_eq!(client.get("/").text(), "hello");
    // An IPv4 client is one, also where its connection came to an IPv6 socket.
    let line = proxy.logged_request();
    assert_eq!(line["remote_addr"], client.stream().local_addr().expect("one").to_string());
    assert!(app.received().contains("\r\nx-forwarded-for: 127.0.0.1"));
    if has_ipv6() {
        let mut client = Client::connect((Ipv6Addr::LOCALHOST, port).into());
        assert_eq!(client.get("/").text(), "hello");
        let line = proxy.logged_request();
        assert_eq!(line["remote_addr"], client.stream().local_addr().expect("one").to_string());
        assert!(app.received().contains("\r\nx-forwarded-for: ::1"));
    }
}

#[test]
fn one_address_can_be_chosen() {
    let app = Upstream::saying("hello");
    let proxy = thrust().with("BIND", "127.0.0.1").run(&app);
    assert_eq!(proxy.address().ip(), Ipv4Addr::LOCALHOST);
    assert_eq!(proxy.connect().get("/").text(), "hello");
    let elsewhere: SocketAddr = ([127, 0, 0, 2], proxy.address().port()).into();
    assert!(TcpStream::connect(elsewhere).is_err());
    if has_ipv6() {
        for bind in ["::1", "[::1]"] {
            let proxy = thrust().with("BIND", bind).run(&app);
            assert_eq!(proxy.address().ip(), Ipv6Addr::LOCALHOST);
            assert_eq!(proxy.connect().get("/").text(), "hello");
        }
    }
}

#[test]
fn an_address_this_machine_does_not_have_is_an_error() {
    // TEST-NET-1 (RFC 5737).
    let failure = failure(&[("BIND", "192.0.2.1".into())]);
    assert!(failure.stderr.contains("192.0.2.1"), "{failure:?}");
}

#[test]
fn a_port_in_use_is_an_error_that_names_it() {
    for address in ["127.0.0.1", "0.0.0.0"] {
        let taken = TcpListener::bind((address, 0)).expect("a free port");
        let port = taken.local_addr().expect("an address").port();
        for bind in ["127.0.0.1", ""] {
            let failure = failure(&[("HTTP_PORT", port.to_string()), ("BIND", bind.into())]);
            let text = format!(":{port}: the port is in use");
            assert!(failure.stderr.contains(&text), "{failure:?}");
        }
    }
}

#[test]
fn a_port_that_was_just_left_can_be_had_at_once() {
    let app = Upstream::saying("hello");
    let mut first = thrust().run(&app);
    let port = first.address().port();
    let mut client = first.connect();
    assert_eq!(client.get("/").text(), "hello");
    first.signal("TERM");
    first.wait();
    // It closed first, so its end of the connection waits out the last stray packets.
    drop(client);
    let second = thrust().with("HTTP_PORT", port).run(&app);
    assert_eq!(second.connect().get("/").text(), "hello");
}

#[test]
fn a_proxy_to_itself_is_an_error() {
    let same = failure(&[("HTTP_PORT", "4000".into()), ("TARGET_PORT", "4000".into())]);
    assert!(same.stderr.contains("HTTP_PORT") && same.stderr.contains("4000"), "{same:?}");
}

#[test]
fn every_bad_setting_of_ours_is_named_at_once() {
    let failure = failure(&[
        ("THRUSTER_HTTP_PORT", "http".into()),
        ("THRUSTER_BIND", "here".into()),
        ("THRUSTER_HTTP_READ_TIMEOUT", "1m".into()),
    ]);
    for part in ["HTTP_PORT=\"http\"", "BIND=\"here\"", "HTTP_READ_TIMEOUT=\"1m\""] {
        assert!(failure.stderr.contains(&format!("THRUSTER_{part}: expected")), "{failure:?}");
    }
}
