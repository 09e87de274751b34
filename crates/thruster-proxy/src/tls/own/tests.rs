use super::*;
use std::fs;

use crate::tls::pem::tests::{said, spoilt, tells_of};
use rcgen::{CertificateParams, KeyPair, SanType};

/// A folder with a pair of files in it.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        let name = format!("thrust-own-{:016x}", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }

    pub fn files(&self) -> OwnCertificate {
        OwnCertificate { chain: self.0.join("chain.pem"), key: self.0.join("key.pem") }
    }

    pub fn write(&self, chain: &str, key: &str) {
        // Even within a tick of the file system's clock, another file is seen to be another.
        for (path, text) in [(self.files().chain, chain), (self.files().key, key)] {
            fs::write(self.0.join("draft"), text).unwrap();
            fs::rename(self.0.join("draft"), path).unwrap();
        }
    }

    fn load(&self) -> Result<Loaded, Unusable> {
        load(&self.files())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

fn certify(names: Vec<SanType>, key: &KeyPair) -> String {
    let mut params = CertificateParams::default();
    params.subject_alt_names = names;
    params.self_signed(key).unwrap().pem()
}

fn name(name: &str) -> SanType {
    SanType::DnsName(name.try_into().unwrap())
}

fn address() -> SanType {
    SanType::IpAddress([192, 0, 2, 1].into())
}

#[test]
fn no_error_says_a_part_of_a_key() {
    let (scratch, key) = (Scratch::new(), KeyPair::generate().unwrap());
    let (chain, pem) = (certify(vec![name("a.example")], &key), key.serialize_pem());
    let files = scratch.files();
    for (text, broken) in spoilt(&pem) {
        scratch.write(&chain, &text);
        let error = scratch.load().unwrap_err();
        assert!(!tells_of(&said(&error), &pem), "{error}");
        assert_eq!(error.to_string(), format!("{} {broken}", files.key.display()));
        // One file for both, as some have it.
        scratch.write(&(chain.clone() + &text), &text);
        let error = scratch.load().unwrap_err();
        assert!(!tells_of(&said(&error), &pem), "{error}");
        // The files swapped.
        scratch.write(&text, &chain);
        let error = scratch.load().unwrap_err();
        assert!(!tells_of(&said(&error), &pem), "{error}");
    }
    let given = OwnCertificate { chain: files.chain.clone(), key: pem.clone().into() };
    let error = load(&given).unwrap_err();
    assert!(matches!(error, Unusable::NoPath) && !tells_of(&said(&error), &pem), "{error}");
}

#[test]
fn keys_that_cannot_be_used_are_told_apart() {
    let scratch = Scratch::new();
    let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let chain = certify(vec![name("a.example")], &key);
    let complaint = |text: &str| {
        scratch.write(&chain, text);
        scratch.load().unwrap_err().to_string()
    };
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHj\n-----END ENCRYPTED PRIVATE KEY-----";
    assert!(complaint(locked).contains("key.pem is encrypted"));
    assert!(complaint("").ends_with("key.pem has no private key in it"));
    assert!(complaint(&chain).ends_with("key.pem has no private key in it"));
    // An ECPrivateKey on P-521 by its name, and no more.
    let curve =
        "-----BEGIN EC PRIVATE KEY-----\nMA8CAQEEAKAHBgUrgQQAIw==\n-----END EC PRIVATE KEY-----";
    let said = complaint(curve);
    assert!(["RSA", "P-256", "P-384", "Ed25519"].iter().all(|kind| said.contains(kind)), "{said}");
    assert!(complaint(&other.serialize_pem()).contains("cannot be used with"));
}

#[test]
fn all_kinds_of_keys_that_are_promised_are_taken() {
    let scratch = Scratch::new();
    for kind in
        [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_ED25519]
    {
        let key = KeyPair::generate_for(kind).unwrap();
        scratch.write(&certify(vec![name("a.example")], &key), &key.serialize_pem());
        assert!(scratch.load().is_ok(), "{kind:?}");
    }
}

#[test]
fn a_certificate_for_addresses_alone_is_taken_and_one_for_nobody_is_not() {
    let (scratch, key) = (Scratch::new(), KeyPair::generate().unwrap());
    scratch.write(&certify(vec![address()], &key), &key.serialize_pem());
    assert_eq!(scratch.load().unwrap().leaf.names, [""; 0]);
    scratch.write(&certify(vec![address(), name("a.example")], &key), &key.serialize_pem());
    assert_eq!(scratch.load().unwrap().leaf.names, ["a.example"]);
    scratch.write(&certify(vec![], &key), &key.serialize_pem());
    assert!(matches!(scratch.load(), Err(Unusable::Nameless(_))));
}

#[test]
fn what_is_no_file_is_not_waited_for() {
    let (scratch, key) = (Scratch::new(), KeyPair::generate().unwrap());
    scratch.write(&certify(vec![name("a.example")], &key), &key.serialize_pem());
    fs::remove_file(scratch.files().key).unwrap();
    let made = std::process::Command::new("mkfifo").arg(scratch.files().key).status();
    assert!(made.unwrap().success());
    let error = scratch.load().unwrap_err().to_string();
    assert!(error.contains("key.pem: it is no file"), "{error}");
    fs::remove_file(scratch.files().key).unwrap();
    fs::write(scratch.files().key, vec![b'A'; (1 << 20) + 1]).unwrap();
    assert!(matches!(scratch.load(), Err(Unusable::Unreadable(..))));
}
