//! What is in STORAGE_PATH from before.

use std::os::unix::fs::PermissionsExt;

use base64::prelude::{BASE64_STANDARD, Engine};
use rcgen::KeyPair;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use thruster_test::{Authority, Client, Folder, Upstream, pebble};

use super::{failure, obtained, serves_with_a_certificate, text};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[test]
fn a_restart_orders_nothing() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "a.example");
    drop(proxy);
    let proxy = pebble.thrust("a.example", &storage).with("DEBUG", 1).run(&app);
    let mut client = proxy.connect_tls("a.example", &pebble.trust());
    assert_eq!(client.get("/").text(), "hello");
    let line = proxy.log_where(|line| line["msg"] == "Certificate is to be renewed");
    assert!(text(&line, "at") > text(&line, "time"), "{line}");
    assert_eq!(pebble.orders().len(), 1);
}

/// A file as autocert writes it.
fn file(label: &str, key: &[u8], chain: &str) -> String {
    let key = BASE64_STANDARD.encode(key);
    format!("-----BEGIN {label}-----\n{key}\n-----END {label}-----\n{chain}")
}

/// The key in SEC 1 (RFC 5915 section 3), as Go puts it.
fn sec1(key: &KeyPair) -> Vec<u8> {
    let pkcs8 = key.serialize_der();
    let (secret, point) = (&pkcs8[36..68], &pkcs8[73..138]);
    let curve = [0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 0xa1, 0x44, 3, 0x42, 0];
    [&[0x30, 0x77, 2, 1, 1, 4, 32], secret, &curve, point].concat()
}

#[test]
fn a_folder_of_autocerts_is_taken_over() {
    let (pebble, storage, authority) = (pebble().run(), Folder::new(), Authority::new());
    let rsa = KeyPair::from_pem(include_str!("rsa.pem")).expect("a key");
    let (ec, other) = (KeyPair::generate().expect("a key"), KeyPair::generate().expect("a key"));
    let app = Upstream::saying("hello");
    // PKCS #1 is what PKCS #8 has inside it.
    let forms = [
        ("a.example+rsa", "RSA PRIVATE KEY", &rsa, rsa.serialize_der().split_off(26)),
        ("a.example", "EC PRIVATE KEY", &ec, sec1(&ec)),
        ("a.example", "PRIVATE KEY", &other, other.serialize_der()),
    ];
    for (name, label, key, der) in forms {
        let chain = authority.certify_key("a.example", key);
        let path = storage.file(name, file(label, &der, &chain));
        let proxy = pebble.thrust("a.example", &storage).run(&app);
        let mut client = proxy.connect_tls("a.example", &authority.trust());
        assert_eq!(client.get("/").text(), "hello", "{label}");
        let shown = client.tls().peer_certificates().expect("a chain")[0].clone();
        assert_eq!(Ok(shown), CertificateDer::from_pem_slice(chain.as_bytes()).map_err(drop));
        assert_eq!((mode(&path), mode(storage.path())), (0o600, 0o700));
    }
    assert_eq!(pebble.orders().len(), 0);
}

#[test]
fn a_broken_file_is_no_obstacle() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    storage.file("a.example", "rubbish");
    storage.file("acme_account+key", "rubbish");
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    pebble.look_at(&proxy);
    proxy.log_where(|line| line["msg"] == "A certificate cannot be used");
    proxy.log_where(|line| line["msg"] == "The account's key cannot be used");
    obtained(&proxy, "a.example");
    for name in ["a.example", "acme_account+key"] {
        let text = std::fs::read_to_string(storage.at(name)).expect("a file");
        assert!(text.starts_with("-----BEGIN EC PRIVATE KEY-----"), "{name}: {text}");
        assert_eq!(mode(&storage.at(name)), 0o600, "{name}");
    }
}

#[test]
fn an_expired_certificate_is_shown_until_there_is_another() {
    let (mut pebble, storage, authority) = (pebble().prepare(), Folder::new(), Authority::new());
    let key = KeyPair::generate().expect("a key");
    let chain = authority.certify_key_until("a.example", &key, 2020);
    storage.file("a.example", file("EC PRIVATE KEY", &sec1(&key), &chain));
    let app = Upstream::saying("hello");
    let proxy = pebble.thrust("a.example", &storage).run(&app);
    failure(&proxy);
    let why = Client::try_connect_tls(proxy.https(), "a.example", &authority.trust()).err();
    let why = why.expect("it has expired").to_string();
    assert!(why.contains("expired"), "{why}");
    pebble.start();
    pebble.look_at(&proxy);
    serves_with_a_certificate(&proxy, &pebble);
}

#[test]
fn a_full_disk_keeps_nobody_from_the_site() {
    let (pebble, storage) = (pebble().run(), Folder::new());
    let app = Upstream::saying("hello");
    // The account's key fits, a certificate does not.
    let proxy = pebble.thrust("a.example", &storage).with_files_up_to(512).run(&app);
    pebble.look_at(&proxy);
    let line = proxy.log_where(|line| line["level"] == "WARN");
    assert!(text(&line, "msg").contains("not kept"), "{line}");
    serves_with_a_certificate(&proxy, &pebble);
    let left = std::fs::read_dir(storage.path()).expect("a folder").flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert_eq!(left, ["acme_account+key"]);
}

#[test]
fn a_name_with_a_certificate_of_its_own_is_not_ordered() {
    let (pebble, storage, authority) = (pebble().run(), Folder::new(), Authority::new());
    let app = Upstream::saying("hello");
    let own = authority.certify(&["*.a.example"]);
    let proxy = pebble.thrust("www.a.example,b.example", &storage).with_certificates(&[&own]);
    let proxy = proxy.run(&app);
    pebble.look_at(&proxy);
    obtained(&proxy, "b.example");
    let mut client = proxy.connect_tls("www.a.example", &authority.trust());
    assert_eq!(client.get("/").text(), "hello");
    assert!(!storage.at("www.a.example").exists());
    assert_eq!(pebble.orders().len(), 1);
}
