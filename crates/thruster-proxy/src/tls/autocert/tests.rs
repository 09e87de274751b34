use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateSec1KeyDer;
use rustls::pki_types::pem::PemObject;

use crate::tls::pem::tests::{said, spoilt, tells_of};

/// A folder that is removed again.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        Folder(std::env::temp_dir().join(format!("autocert-{:016x}", fastrand::u64(..))))
    }

    fn open(&self) -> Autocert {
        Autocert::open(&self.0)
    }

    fn mode(&self, file: &str) -> u32 {
        let metadata = fs::metadata(self.0.join(file)).expect("a file");
        metadata.permissions().mode() & 0o777
    }

    fn write(&self, file: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.join(file), text).expect("a file can be written");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A key, and a certificate for it that is good until 2026 is over.
fn pair(name: &str) -> (KeyPair, CertificateDer<'static>) {
    pair_until(name, 2027)
}

fn pair_until(name: &str, year: i32) -> (KeyPair, CertificateDer<'static>) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(year, 1, 1);
    let certificate = params.self_signed(&key).expect("a certificate").der().clone();
    (key, certificate)
}

fn pkcs8(key: &KeyPair) -> PrivatePkcs8KeyDer<'static> {
    key.serialize_der().into()
}

fn text(key: &KeyPair, certificate: &CertificateDer<'_>) -> String {
    encode_key(&pkcs8(key)) + &encode("CERTIFICATE", certificate)
}

fn in_2026() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_000_000)
}

#[test]
fn what_is_saved_is_found_again() {
    let folder = Folder::new();
    let autocert = folder.open();
    let (key, certificate) = pair("a.example");
    assert!(autocert.load("a.example", in_2026()).is_none());
    autocert.save("a.example", &pkcs8(&key), std::slice::from_ref(&certificate)).expect("room");
    let held = folder.open().load("a.example", in_2026()).expect("a certificate");
    assert_eq!(held.key.cert, [certificate]);
    assert!(autocert.load("b.example", in_2026()).is_none());
}

#[test]
fn the_form_is_gos() {
    let folder = Folder::new();
    let (key, certificate) = pair("a.example");
    folder
        .open()
        .save("a.example", &pkcs8(&key), &[certificate.clone(), certificate])
        .expect("room");
    let text = fs::read_to_string(folder.0.join("a.example")).expect("a file");
    let labels = text.lines().filter(|line| line.starts_with("-----BEGIN "));
    let labels: Vec<_> = labels.map(|line| line.trim_matches('-')).collect();
    assert_eq!(labels, ["BEGIN EC PRIVATE KEY", "BEGIN CERTIFICATE", "BEGIN CERTIFICATE"]);
    assert!(text.lines().all(|line| line.len() <= 64) && text.ends_with("-----\n"));
    PrivateSec1KeyDer::from_pem_slice(text.as_bytes()).expect("a key in SEC 1");
}

#[test]
fn others_can_read_nothing_not_even_what_they_could() {
    let folder = Folder::new();
    fs::create_dir(&folder.0).expect("a new folder");
    let (key, certificate) = pair("a.example");
    folder.write("a.example", text(&key, &certificate));
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o755)).expect("our folder");
    fs::set_permissions(folder.0.join("a.example"), fs::Permissions::from_mode(0o644))
        .expect("ours");
    let autocert = folder.open();
    assert_eq!(folder.mode("."), 0o700);
    assert!(autocert.load("a.example", in_2026()).is_some());
    assert_eq!(folder.mode("a.example"), 0o600);
    autocert.save("b.example", &pkcs8(&key), &[certificate]).expect("room");
    autocert.save_account_key(&pkcs8(&key)).expect("room");
    assert_eq!((folder.mode("b.example"), folder.mode(ACCOUNT)), (0o600, 0o600));
}

#[test]
fn a_write_leaves_nothing_beside_the_file() {
    let folder = Folder::new();
    let (key, certificate) = pair("a.example");
    for _ in 0..2 {
        folder
            .open()
            .save("a.example", &pkcs8(&key), std::slice::from_ref(&certificate))
            .expect("room");
    }
    // There can be no file with the name of a folder.
    fs::create_dir(folder.0.join("b.example")).expect("a new folder");
    assert!(folder.open().save("b.example", &pkcs8(&key), &[certificate]).is_err());
    let names = fs::read_dir(&folder.0).expect("a folder").flatten().map(|entry| entry.file_name());
    let mut names: Vec<_> = names.collect();
    names.sort();
    assert_eq!(names, ["a.example", "b.example"]);
}

#[test]
fn an_rsa_key_is_used_where_there_is_no_other() {
    let folder = Folder::new();
    let autocert = folder.open();
    // The test is about the names of the files: what kind of key is in them is for rustls to tell.
    let ((rsa, rsa_certificate), (ec, ec_certificate)) = (pair("a.example"), pair("a.example"));
    folder.write("a.example+rsa", text(&rsa, &rsa_certificate));
    let found = |now| autocert.load("a.example", now).map(|held| held.key.cert[0].clone());
    assert_eq!(found(in_2026()), Some(rsa_certificate.clone()));
    folder.write("a.example", text(&ec, &ec_certificate));
    assert_eq!(found(in_2026()), Some(ec_certificate));
    let (old, old_certificate) = pair_until("a.example", 2025);
    folder.write("a.example", text(&old, &old_certificate));
    assert_eq!(found(in_2026()), Some(rsa_certificate), "the other has expired");
}

#[test]
fn an_expired_certificate_is_better_than_none() {
    let folder = Folder::new();
    let autocert = folder.open();
    let (key, certificate) = pair_until("a.example", 2025);
    folder.write("a.example", text(&key, &certificate));
    assert!(autocert.load("a.example", in_2026()).is_some());
}

#[test]
fn what_is_broken_is_passed_over() {
    let folder = Folder::new();
    let autocert = folder.open();
    let ((key, certificate), (other, _)) = (pair("a.example"), pair("a.example"));
    let whole = text(&key, &certificate);
    let broken = [
        String::new(),
        "rubbish".to_owned(),
        whole[..whole.len() - 30].to_owned(),
        encode_key(&pkcs8(&key)),
        encode("CERTIFICATE", &certificate),
        text(&other, &certificate),
        whole.replace("EC PRIVATE KEY", "PRIVATE KEY"),
        encode_key(&pkcs8(&key)) + &encode("CERTIFICATE", b"no certificate"),
    ];
    for text in broken {
        folder.write("a.example", &text);
        assert!(autocert.load("a.example", in_2026()).is_none(), "{text}");
    }
    folder.write("b.example", whole);
    assert!(autocert.load("b.example", in_2026()).is_none(), "it is for a.example");
}

#[test]
fn complaints_have_no_part_of_a_key_in_them() {
    let ((key, certificate), (other, _)) = (pair("a.example"), pair("a.example"));
    let chain = encode("CERTIFICATE", &certificate);
    for key in [encode_key(&pkcs8(&key)), key.serialize_pem()] {
        for (text, _) in spoilt(&key) {
            for text in [text.clone(), text.clone() + &chain, chain.clone() + &text] {
                let complaint = parse(text.as_bytes(), "a.example").expect_err("unusable");
                assert!(!tells_of(&said(&complaint), &key), "{complaint}");
            }
        }
    }
    let complaint =
        parse(text(&other, &certificate).as_bytes(), "a.example").expect_err("a mismatch");
    assert!(!tells_of(&said(&complaint), &other.serialize_pem()), "{complaint}");
}

#[test]
fn the_accounts_key_is_kept_in_gos_form_and_read_in_both() {
    let folder = Folder::new();
    let autocert = folder.open();
    assert!(autocert.account_key().is_none());
    let key = pkcs8(&KeyPair::generate().expect("a key"));
    autocert.save_account_key(&key).expect("room");
    let text = fs::read_to_string(folder.0.join(ACCOUNT)).expect("a file");
    assert!(text.starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
    let thumbprint = |der: PrivatePkcs8KeyDer<'_>| {
        let key = instant_acme::Key::from_pkcs8_der(der);
        key.map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(thumbprint(autocert.account_key().expect("a key")), Ok(()));
    folder.write(ACCOUNT, encode("PRIVATE KEY", key.secret_pkcs8_der()));
    assert_eq!(autocert.account_key().as_ref(), Some(&key));
    folder.write(ACCOUNT, "rubbish");
    assert!(autocert.account_key().is_none());
}
