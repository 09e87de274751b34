//! Certificates that end while thrust goes on.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, SystemTime};

use rcgen::KeyPair;
use rustls::version::TLS13;
use thruster_test::{Authority, Client, Folder, Pebble, Upstream, pebble};

use super::obtained;

/// The certificates that orders were to replace.
fn replaced(pebble: &Pebble) -> Vec<Option<String>> {
    let orders = pebble.orders();
    orders.iter().map(|order| order["replaces"].as_str().map(str::to_owned)).collect()
}

#[test]
fn certificates_are_renewed_under_load_and_no_handshake_fails() {
    let (pebble, storage) = (pebble().for_seconds(8).run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
    let (trust, https, is_over) = (pebble.trust(), proxy.https(), AtomicBool::new(false));
    let connect = || {
        let mut shown = HashSet::new();
        while !is_over.load(SeqCst) {
            // It has no session to resume, and sees to it that no certificate has expired.
            let trust = trust.clone().in_version(&TLS13);
            let mut client = Client::connect_tls(https, "a.example", &trust);
            assert_eq!(client.get("/").text(), "hello");
            shown.insert(client.tls().peer_certificates().expect("a chain")[0].to_vec());
        }
        shown.len()
    };
    thread::scope(|threads| {
        let clients: [_; 3] = std::array::from_fn(|_| threads.spawn(connect));
        // What waits for longer than it should ends the test, and the clients with it.
        let renewed = std::panic::catch_unwind(AssertUnwindSafe(|| {
            for _ in 0..2 {
                obtained(&proxy, "a.example");
            }
            proxy.logged_request();
        }));
        is_over.store(true, SeqCst);
        renewed.expect("two renewals");
        for client in clients {
            assert!(client.join().expect("no handshake fails") >= 2);
        }
    });
}

#[test]
fn what_another_process_has_obtained_is_used() {
    let (pebble, storage) = (pebble().for_seconds(8).run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
    let (authority, key) = (Authority::new(), KeyPair::generate().expect("a key"));
    let chain = authority.certify_key("a.example", &key);
    storage.file("a.example", key.serialize_pem() + &chain);
    proxy.log_where(|line| line["msg"] == "Certificate found");
    let mut client = proxy.connect_tls("a.example", &authority.trust());
    assert_eq!(client.get("/").text(), "hello");
    assert_eq!(pebble.orders().len(), 1);
}

#[test]
fn the_cas_advice_on_when_to_renew_is_followed() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let (now, minute) = (SystemTime::now(), Duration::from_secs(60));
    pebble.advise(now - 2 * minute, now - minute);
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
    pebble.is_asked_for_advice();
    drop(proxy);
    assert_eq!(replaced(&pebble), [None]);
    // Not at once after the first: a CA may err, and a clock too. A restart forgets.
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
    let replaced = replaced(&pebble);
    assert!(replaced.len() == 2 && replaced[1].is_some(), "{replaced:?}");
}

#[test]
fn advice_for_later_is_kept_in_mind() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let (start, hour) =
        (SystemTime::now() + Duration::from_secs(48 * 3600), Duration::from_secs(3600));
    pebble.advise(start, start + hour);
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).with("DEBUG", 1).run(&app);
    pebble.look_at(&proxy);
    let line = proxy.log_where(|line| line["msg"] == "Certificate is to be renewed");
    let at = humantime::parse_rfc3339(line["at"].as_str().expect("a time")).expect("a time");
    // Seconds are whole, and certificates are good for years here.
    let second = Duration::from_secs(1);
    assert!(at + second >= start && at <= start + hour, "{line}");
}
