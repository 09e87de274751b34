//! CAs that refuse, are gone, or have forgotten us.

use super::{failure, obtained, serves_with_a_certificate, text};
use thruster_test::{Folder, Upstream, pebble};

#[test]
fn the_site_comes_up_without_its_ca_and_gets_its_certificate_later() {
    let (mut pebble, storage) = (pebble().prepare(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    let line = failure(&proxy);
    assert!(text(&line, "check").contains("ACME_DIRECTORY"), "{line}");
    assert_eq!(text(&line, "attempt"), "1");
    pebble.start();
    pebble.look_at(&proxy);
    serves_with_a_certificate(&proxy, &pebble);
}

#[test]
fn the_site_goes_on_with_what_it_has_while_its_ca_is_down() {
    let (mut pebble, storage) = (pebble().for_seconds(9).run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
    let trust = pebble.trust();
    pebble.stop();
    failure(&proxy);
    assert_eq!(proxy.connect_tls("a.example", &trust).get("/").text(), "hello");
    pebble.start();
    serves_with_a_certificate(&proxy, &pebble);
}

#[test]
fn a_ca_that_has_forgotten_us_gets_to_know_us_again() {
    let (mut pebble, storage) = (pebble().for_seconds(9).run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
    let key = std::fs::read(storage.at("acme_account+key")).expect("a key");
    pebble.start();
    let next = proxy.log_where(|line| text(line, "msg").starts_with("Certificate"));
    assert_eq!(next["msg"], "Certificate obtained", "at the first attempt");
    let mut client = proxy.connect_tls("a.example", &pebble.trust());
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(std::fs::read(storage.at("acme_account+key")).expect("a key"), key);
}

#[test]
fn a_limit_is_waited_out_for_as_long_as_the_ca_says() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let problem = r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"Enough!"}"#;
    pebble.refuse_next_order(
        429,
        "Content-Type: application/problem+json\nRetry-After: 7200",
        problem,
    );
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    let line = failure(&proxy);
    assert_eq!(text(&line, "error"), "urn:ietf:params:acme:error:rateLimited: Enough!");
    assert_eq!(text(&line, "next_try_in"), "2h");
    assert_eq!(pebble.orders().len(), 1);
}

#[test]
fn an_answer_that_is_no_acme_is_shown() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    pebble.refuse_next_order(503, "Content-Type: text/html", "<h1>Back soon</h1>");
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    let line = failure(&proxy);
    assert!(text(&line, "error").contains("503"), "{line}");
    assert!(text(&line, "error").contains("Back soon"), "{line}");
    obtained(&proxy, "a.example");
}

#[test]
fn a_ca_whose_own_certificate_nobody_vouches_for_is_not_believed() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let stranger = thruster_test::Authority::new();
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage);
    let proxy = proxy.with("SSL_CERT_FILE", stranger.root().display()).run(&app);
    let line = failure(&proxy);
    assert!(text(&line, "error").contains("invalid peer certificate"), "{line}");
    assert!(text(&line, "check").contains("SSL_CERT_FILE"), "{line}");
    assert_eq!(pebble.orders().len(), 0);
}

#[test]
fn a_system_that_believes_nobody_is_told_what_to_install() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage);
    let proxy = proxy.with("SSL_CERT_FILE", storage.file("none.pem", "").display()).run(&app);
    let line = failure(&proxy);
    assert!(text(&line, "check").contains("ca-certificates"), "{line}");
}

#[test]
fn handshakes_for_names_that_are_not_ours_bring_about_no_order() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
    let orders = pebble.orders().len();
    let stranger =
        thruster_test::Client::try_connect_tls(proxy.https(), "b.example", &pebble.trust());
    assert!(stranger.is_err());
    // Nor does a handshake that only a CA would begin, when it was not sent for.
    let ca = pebble.trust().speaking(&["acme-tls/1"]);
    let ca = thruster_test::Client::try_connect_tls(proxy.https(), "a.example", &ca);
    assert!(ca.is_err());
    assert_eq!(pebble.orders().len(), orders);
}
