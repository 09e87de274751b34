//! HSTS: who is told to come back over TLS alone, and who is not.

use thruster_test::{Authority, Http2, Thrust, ThrustBuilder, Upstream, thrust, upstream};

const HSTS: &str = "strict-transport-security";

fn secured(authority: &Authority) -> ThrustBuilder {
    thrust().with_certificates(&[&authority.certify(&["a.example"])])
}

/// What is said of it on the answers to these GETs, over TLS.
fn said(proxy: &Thrust, authority: &Authority, targets: &[&str]) -> Vec<Vec<String>> {
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    let mut get = |target: &&str| {
        client.get(target).all(HSTS).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    targets.iter().map(&mut get).collect()
}

#[test]
fn it_is_said_once_on_every_answer_over_tls() {
    let authority = Authority::new();
    let app = upstream(|exchange| {
        exchange.answer(200, "Cache-Control: public, max-age=60\n", "hello");
    });
    let proxy = secured(&authority).with("HSTS", 31_536_000).run(&app);
    // The second comes from the cache.
    assert_eq!(said(&proxy, &authority, &["/", "/"]), [["max-age=31536000"]; 2]);
    assert!(app.received().starts_with("GET / "));
    assert!(app.has_received_nothing());
    let client = Http2::connect_tls(proxy.https(), "a.example", &authority.trust());
    assert_eq!(client.get("/").all(HSTS), ["max-age=31536000"]);
}

#[test]
fn it_is_said_on_what_we_refuse() {
    let authority = Authority::new();
    let proxy = secured(&authority).with("HSTS", 60).run_alone();
    assert_eq!(said(&proxy, &authority, &["/"]), [["max-age=60"]], "with a 502");
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    let response = client.send("GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n").response("GET");
    assert_eq!((response.status, response.all(HSTS)), (400, vec!["max-age=60"]));
}

#[test]
fn it_is_never_said_without_tls() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let proxy = secured(&authority).with("HSTS", 60).with("FORWARD_HEADERS", 1).run(&app);
    for (target, host, status) in
        [("/", "a.example", 301), ("/", "b.example", 421), ("/up", "127.0.0.1", 200)]
    {
        let request = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let response = proxy.connect().send(request).response("GET");
        assert_eq!((response.status, response.all(HSTS)), (status, vec![]));
    }
    let believed = proxy.connect().ask("GET", "/", "X-Forwarded-Proto: https");
    assert_eq!((believed.status, believed.all(HSTS)), (200, vec![]));
    let proxy = thrust().with("HSTS", 60).run(&app);
    assert_eq!(proxy.connect().get("/").all(HSTS), [""; 0], "nor where there is none");
}

#[test]
fn what_the_application_says_stands() {
    let authority = Authority::new();
    let app = upstream(|exchange| {
        exchange.answer(200, "Strict-Transport-Security: max-age=0\n", "hello");
    });
    let proxy = secured(&authority).with("HSTS", 60).run(&app);
    assert_eq!(said(&proxy, &authority, &["/"]), [["max-age=0"]]);
}

#[test]
fn nothing_is_said_unasked() {
    let (authority, app) = (Authority::new(), Upstream::saying("hello"));
    let silent = [[""; 0]];
    assert_eq!(said(&secured(&authority).run(&app), &authority, &["/"]), silent);
    assert_eq!(said(&secured(&authority).with("HSTS", 0).run(&app), &authority, &["/"]), silent);
}
