//! Certificates from a CA, which here is pebble.

mod failures;
mod folder;
mod renewal;

use serde_json::Value;
use thruster_test::{Folder, Pebble, Thrust, Upstream, pebble};

/// Waits until there is a certificate for this name.
fn obtained(proxy: &Thrust, name: &str) -> Value {
    proxy.log_where(|line| line["msg"] == "Certificate obtained" && line["name"] == name)
}

/// Waits until there is one for a.example, and asks for a page under it.
fn serves_with_a_certificate(proxy: &Thrust, pebble: &Pebble) {
    obtained(proxy, "a.example");
    let mut client = proxy.connect_tls("a.example", &pebble.trust());
    assert_eq!(client.get("/").text(), "hello");
}

/// Waits for the report of a failure.
fn failure(proxy: &Thrust) -> Value {
    proxy.log_where(|line| line["msg"] == "Certificate not obtained")
}

fn text<'l>(line: &'l Value, field: &str) -> &'l str {
    line[field].as_str().unwrap_or_else(|| panic!("no {field} in {line}"))
}

#[test]
fn a_name_is_certified_by_way_of_port_80() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    let line = obtained(&proxy, "a.example");
    assert!(text(&line, "issuer").contains("Pebble Intermediate CA"), "{line}");
    let mut client = proxy.connect_tls("a.example", &pebble.trust());
    assert_eq!(client.get("/").text(), "hello");
}

#[test]
fn a_name_is_certified_by_way_of_port_443_when_port_80_is_closed() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at_port_443_of(&proxy);
    let line = failure(&proxy);
    assert!(text(&line, "error").starts_with("urn:ietf:params:acme:error:connection: "), "{line}");
    assert!(text(&line, "check").contains("port 80 can be reached from the Internet"), "{line}");
    serves_with_a_certificate(&proxy, &pebble);
}

#[test]
fn each_name_gets_a_certificate_of_its_own() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example, b.example,c.example", &storage).run(&app);
    pebble.look_at(&proxy);
    for name in ["a.example", "b.example", "c.example"] {
        // Who comes before its certificate waits for it.
        let mut client = proxy.connect_tls(name, &pebble.trust());
        assert_eq!(client.get("/").text(), "hello");
        assert!(storage.at(name).exists());
    }
    let mut names: Vec<_> =
        pebble.orders().iter().map(|order| order["identifiers"].clone()).collect();
    names.sort_by_key(Value::to_string);
    let name = |name: &str| serde_json::json!([{ "type": "dns", "value": name }]);
    assert_eq!(names, [name("a.example"), name("b.example"), name("c.example")]);
}

#[test]
fn an_account_elsewhere_vouches_for_us() {
    let key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    let pebble = pebble()
        .with("externalAccountBindingRequired", true)
        .with("externalAccountMACKeys", serde_json::json!({ "kid-1": key }))
        .run();
    let (storage, app) = (Folder::new(), Upstream::saying("hello"));
    let stranger = pebble.thrust("a.example", &storage).run(&app);
    let line = failure(&stranger);
    assert!(text(&line, "check").contains("EAB_KID and EAB_HMAC_KEY"), "{line}");
    drop(stranger);
    for attempt in 0..2 {
        let proxy = pebble.thrust(["a.example", "b.example"][attempt], &storage);
        // People copy it with its padding, or without.
        let key = key.to_owned() + ["", "=="][attempt];
        let proxy = proxy.with("EAB_KID", "kid-1").with("EAB_HMAC_KEY", key).run(&app);
        pebble.look_at(&proxy);
        obtained(&proxy, ["a.example", "b.example"][attempt]);
    }
}

#[test]
fn keys_are_never_logged() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).with("DEBUG", 1).run(&app);
    pebble.look_at(&proxy);
    let log = std::cell::RefCell::new(String::new());
    proxy.log_where(|line| {
        log.borrow_mut().push_str(&line.to_string());
        line["msg"] == "Certificate obtained"
    });
    let log = log.into_inner();
    assert!(log.contains("The CA is to look"), "{log}");
    for file in ["a.example", "acme_account+key"] {
        let key = std::fs::read_to_string(storage.at(file)).expect("a file");
        let secret = key.lines().nth(1).expect("a line of base64");
        assert!(!log.contains(secret) && !log.contains("PRIVATE KEY"), "{log}");
    }
}

#[test]
fn a_profile_is_asked_for_by_its_name() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).with("ACME_PROFILE", "shortlived").run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
    assert_eq!(pebble.orders()[0]["profile"], "shortlived");
}

#[test]
fn nonces_that_are_refused_are_replaced() {
    let pebble = pebble().in_environment("PEBBLE_WFE_NONCEREJECT", 20).run();
    let (storage, app) = (Folder::new(), Upstream::saying("hello"));
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
}

#[test]
fn a_ca_is_asked_over_tls_or_not_at_all() {
    let storage = Folder::new();
    for directory in ["http://127.0.0.1/dir", "/dir", "https://a b/"] {
        let proxy = thruster_test::thrust().with("TLS_DOMAIN", "a.example");
        let proxy = proxy.with("STORAGE_PATH", storage.path().display());
        let failure = proxy.with("ACME_DIRECTORY", directory).fail();
        assert_eq!(failure.code, Some(1));
        assert!(failure.stderr.contains("ACME_DIRECTORY"), "{}", failure.stderr);
    }
}

#[test]
fn wildcards_are_an_error_unless_there_is_a_certificate() {
    let (authority, storage) = (thruster_test::Authority::new(), Folder::new());
    let proxy = || {
        let proxy = thruster_test::thrust().with("TLS_DOMAIN", "*.a.example");
        proxy.with("STORAGE_PATH", storage.path().display())
    };
    let failure = proxy().fail();
    assert_eq!(failure.code, Some(1));
    assert!(failure.stderr.contains("*.a.example") && failure.stderr.contains("TLS_CERTIFICATE"));
    let app = Upstream::saying("hello");
    let own = proxy().with_certificates(&[&authority.certify(&["*.a.example"])]).run(&app);
    assert_eq!(own.connect_tls("www.a.example", &authority.trust()).get("/").text(), "hello");
}
