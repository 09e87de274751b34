//! Who we are to whom, and who is refused.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustls::version::{TLS12, TLS13};
use rustls::{AlertDescription, Error, HandshakeKind};
use thruster_test::{Authority, Client, Thrust, Trust, Upstream, thrust};

fn why_not(proxy: &Thrust, name: &str, trust: &Trust) -> Option<Error> {
    let failure = Client::try_connect_tls(proxy.https(), name, trust).err()?;
    failure.get_ref()?.downcast_ref().cloned()
}

#[test]
fn each_name_gets_its_certificate() {
    let authority = Authority::new();
    let (a, b) = (authority.certify(&["a.example"]), authority.certify(&["*.b.example"]));
    let app = Upstream::saying("hello");
    let proxy = thrust().with_certificates(&[&a, &b]).run(&app);
    // The client checks that it is for the name.
    for name in ["a.example", "A.Example", "www.b.example", "shop.b.example"] {
        assert_eq!(proxy.connect_tls(name, &authority.trust()).get("/").text(), "hello", "{name}");
    }
}

#[test]
fn names_that_are_not_ours_are_told_so() {
    let authority = Authority::new();
    let pair = authority.certify(&["a.example", "*.b.example"]);
    let proxy = thrust().with_certificates(&[&pair]).run_alone();
    for name in ["b.example", "www.a.example", "x.y.b.example", "example"] {
        let why = why_not(&proxy, name, &authority.trust());
        assert_eq!(why, Some(Error::AlertReceived(AlertDescription::UnrecognisedName)), "{name}");
    }
}

#[test]
fn who_comes_by_address_gets_a_certificate_all_the_same() {
    let authority = Authority::new();
    let pair = authority.certify(&["a.example", "127.0.0.1"]);
    let app = Upstream::saying("hello");
    let proxy = thrust().with_certificates(&[&pair]).run(&app);
    assert_eq!(proxy.connect_tls("127.0.0.1", &authority.trust()).get("/").text(), "hello");
}

#[test]
fn a_session_is_resumed() {
    let authority = Authority::new();
    let app = Upstream::saying("hello");
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run(&app);
    for version in [&TLS12, &TLS13] {
        let trust = authority.trust().in_version(version);
        let kinds = [(); 2].map(|()| {
            let mut client = proxy.connect_tls("a.example", &trust);
            // The ticket comes with or before the answer.
            assert_eq!(client.get("/").text(), "hello");
            assert_eq!(client.tls().protocol_version(), Some(version.version));
            client.tls().handshake_kind()
        });
        assert_eq!(kinds, [Some(HandshakeKind::Full), Some(HandshakeKind::Resumed)]);
    }
}

#[test]
fn who_speaks_plain_http_to_the_port_for_tls_is_told_so() {
    let authority = Authority::new();
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run_alone();
    let mut client = Client::connect(proxy.https());
    client.send(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000)));
    let response = client.response("GET");
    assert_eq!(response.status, 400);
    assert!(response.text().contains("https://"), "{}", response.text());
    client.finish();
    assert!(client.is_closed());
}

#[test]
fn a_handshake_may_not_take_for_ever_and_holds_nobody_up() {
    let authority = Authority::new();
    let app = Upstream::saying("hello");
    let pair = authority.certify(&["a.example"]);
    let proxy = thrust().with_certificates(&[&pair]).with("HTTP_READ_TIMEOUT", 1).run(&app);
    // One says nothing, one the beginning of a record, one half a hello that promises more.
    let starts: [&[u8]; 3] = [b"", &[22, 3, 1], &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]];
    let mut slow: Vec<TcpStream> = starts
        .iter()
        .map(|start| {
            let mut stream = TcpStream::connect(proxy.https()).expect("somebody listens");
            stream.set_read_timeout(Some(thruster_test::PATIENCE)).expect("a timeout");
            stream.write_all(start).expect("the other side reads");
            stream
        })
        .collect();
    assert_eq!(proxy.connect_tls("a.example", &authority.trust()).get("/").text(), "hello");
    for stream in &mut slow {
        assert_eq!(stream.read(&mut [0]).expect("an end, not a silence"), 0);
    }
}

#[test]
fn who_has_not_said_hello_holds_no_stop_up() {
    let authority = Authority::new();
    let pair = authority.certify(&["a.example"]);
    let mut proxy = thrust().with_certificates(&[&pair]).with("DRAIN_TIMEOUT", 60).run_alone();
    let silent = [&b""[..], &[22, 3, 1, 2, 0, 1]].map(|start| {
        let mut stream = TcpStream::connect(proxy.https()).expect("somebody listens");
        stream.write_all(start).expect("the other side reads");
        stream
    });
    // Both have been accepted before this one was.
    drop(proxy.connect_tls("a.example", &authority.trust()));
    proxy.signal("TERM");
    // It would be killed by a signal if the command had to be asked twice.
    proxy.wait();
    drop(silent);
}

#[test]
fn rubbish_is_answered_with_an_alert() {
    let authority = Authority::new();
    let proxy = thrust().with_certificates(&[&authority.certify(&["a.example"])]).run_alone();
    let mut client = Client::connect(proxy.https());
    client.send([22; 600]);
    let answer = client.remains();
    assert_eq!(answer.first(), Some(&21), "an alert: {answer:?}");
}

#[test]
fn files_that_cannot_be_used_are_an_error_at_the_start() {
    let authority = Authority::new();
    let (a, b) = (authority.certify(&["a.example"]), authority.certify(&["b.example"]));
    let stderr = |chain: &std::path::Path, key: &std::path::Path| {
        let pair = thruster_test::Pair { chain: chain.to_owned(), key: key.to_owned() };
        let failure = thrust().with_certificates(&[&pair]).fail();
        assert_eq!(failure.code, Some(1));
        failure.stderr
    };
    let secret = std::fs::read_to_string(&a.key).expect("the key");
    let secret = secret.lines().nth(1).expect("a line of base64");
    assert!(stderr(&a.chain, &b.key).contains("cannot be used with"));
    assert!(stderr(&a.key, &a.key).contains("has no certificate in it"));
    assert!(stderr("/nowhere.pem".as_ref(), &a.key).contains("/nowhere.pem"));
    std::fs::write(&b.key, secret).expect("a file");
    let said = stderr(&a.chain, &b.key);
    assert!(said.contains("has no private key in it") && !said.contains(secret), "{said}");
}
