use super::*;
use rcgen::KeyPair;

/// What people make of a key (PEM) that they carry from one place to another, and what is wrong
/// with it then. Whatever is said of these is to say nothing of the key.
pub fn spoilt(key: &str) -> Vec<(String, Broken)> {
    let (half, lines) = (key.len() / 2, key.trim_end().replace('\n', ""));
    let dashes = "-----END";
    vec![
        (lines.clone(), Broken::End),
        (lines.clone() + "\n", Broken::End),
        (key.trim_end().replace('\n', " "), Broken::End),
        (key.replace('\n', "\\n"), Broken::Begin),
        (key.replace('\n', "\\n") + "\n", Broken::Begin),
        (key[..half].to_owned(), Broken::End),
        (lines[..half].to_owned(), Broken::Begin),
        (key.replacen("-----\n", "", 1), Broken::Begin),
        (key.replacen(dashes, "----END", 1), Broken::End),
        (key.replacen("-----\nM", "-----\n!", 1), Broken::Base64),
        (key.replacen(&format!("\n{dashes}"), &format!("=\n{dashes}"), 1), Broken::Base64),
        (key.replace('\n', "\n    ").replace("-----B", "    -----B"), Broken::NoKey),
        (lines.replace("-----", ""), Broken::NoKey),
        (String::new(), Broken::NoKey),
    ]
}

/// Whether a part of the key is in what is said, as base64 or as a list of bytes in decimal.
pub fn tells_of(said: &str, key: &str) -> bool {
    let body: String = key.lines().filter(|line| !line.starts_with('-')).collect();
    let der = rustls::pki_types::PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
    let is_said = |bytes: &[u8]| {
        let listed = format!("{bytes:?}");
        said.contains(listed.trim_matches(['[', ']']))
    };
    body.as_bytes().windows(8).any(|part| said.contains(std::str::from_utf8(part).expect("ASCII")))
        || body.as_bytes().windows(4).any(is_said)
        || der.secret_der().windows(4).any(is_said)
}

/// All that an error says, in whatever way it is asked.
pub fn said(error: &(dyn std::error::Error + 'static)) -> String {
    let errors = std::iter::successors(Some(error), |error| error.source());
    errors.map(|error| format!("{error} {error:?} {error:#?} ")).collect()
}

#[test]
fn nothing_of_a_key_is_said_however_it_is_spoilt() {
    let key = KeyPair::generate().expect("a key").serialize_pem();
    for (text, broken) in spoilt(&key) {
        let error = private_key(text.as_bytes()).expect_err("unusable");
        assert_eq!(error, broken, "{text}");
        assert!(!tells_of(&said(&error), &key), "{error}");
        if let Err(error) = certificates(text.as_bytes()) {
            assert_eq!(error, broken, "{text}");
        } else {
            assert_eq!(broken, Broken::NoKey, "{text}");
        }
    }
}

#[test]
fn the_library_would_have_said_it() {
    let key = KeyPair::generate().expect("a key").serialize_pem();
    let lines = key.replace('\n', "");
    for text in [lines.clone(), key.replace('\n', "\\n")] {
        let error = PrivateKeyDer::from_pem_slice(text.as_bytes()).expect_err("unusable");
        assert!(tells_of(&error.to_string(), &key) && tells_of(&format!("{error:?}"), &key));
    }
    assert!(tells_of(&lines, &key));
}

#[test]
fn a_key_that_is_encrypted_is_told_from_one_that_is_none() {
    let (pkcs8, openssl, dos) = (
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIHj\n-----END ENCRYPTED PRIVATE KEY-----\n",
        "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,5C\n\nMIHj\n\
         -----END EC PRIVATE KEY-----\n",
        "-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n\r\nMIHj\r\n\
         -----END RSA PRIVATE KEY-----\r\n",
    );
    for text in [pkcs8, openssl, dos] {
        assert_eq!(private_key(text.as_bytes()), Err(Broken::Encrypted), "{text}");
    }
    let plain = KeyPair::generate().expect("a key").serialize_pem();
    let both = format!("{pkcs8}{plain}");
    assert!(private_key(both.as_bytes()).is_ok(), "the one that can be used is");
}
