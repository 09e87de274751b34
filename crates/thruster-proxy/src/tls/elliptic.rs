//! Keys of P-256 as files have them: SEC 1, in which autocert writes, and PKCS #8, in which our
//! libraries think.

/// `ecPublicKey` on `prime256v1` (RFC 5480 section 2.1.1), as an AlgorithmIdentifier.
const ALGORITHM: [u8; 21] = [
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];

/// The curve alone.
const CURVE: &[u8] = ALGORITHM.split_at(11).1;

const INTEGER_0: [u8; 3] = [2, 1, 0];
const INTEGER_1: [u8; 3] = [2, 1, 1];
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// Context-specific and constructed: `[0]` and `[1]`.
const PARAMETERS: u8 = 0xa0;
const PUBLIC_KEY: u8 = 0xa1;

/// Where ring puts the key's two halves: 32 bytes that are secret, and `[1]` with the point.
const SECRET: std::ops::Range<usize> = 36..68;
const POINT: std::ops::Range<usize> = 70..138;

/// A key that ring made, as an ECPrivateKey (RFC 5915 section 3) that names its curve: without
/// that Go would not know it.
pub fn to_sec1(pkcs8: &[u8]) -> Option<Vec<u8>> {
    if pkcs8.len() != POINT.end || pkcs8.get(6..27)? != ALGORITHM {
        return None;
    }
    let secret = value(OCTET_STRING, pkcs8.get(SECRET)?);
    let parameters = value(PARAMETERS, CURVE);
    let public = value(PUBLIC_KEY, pkcs8.get(POINT)?);
    Some(value(SEQUENCE, &[&INTEGER_1[..], &secret, &parameters, &public].concat()))
}

/// An ECPrivateKey inside a PrivateKeyInfo (RFC 5208 section 5). Whether it is on P-256, its
/// reader will tell.
pub fn to_pkcs8(sec1: &[u8]) -> Vec<u8> {
    let key = value(OCTET_STRING, sec1);
    value(SEQUENCE, &[&INTEGER_0[..], &ALGORITHM, &key].concat())
}

/// A value in DER (X.690 section 8.1).
fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut der = vec![tag];
    match content.len() {
        0..128 => der.push(content.len() as u8),
        _ => {
            der.push(0x80 | significant.len() as u8);
            der.extend_from_slice(significant);
        }
    }
    der.extend_from_slice(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;
    use instant_acme::Key;
    use rcgen::KeyPair;
    use rustls::crypto::ring::sign::any_supported_type;
    use rustls::pki_types::{PrivateKeyDer, PrivateSec1KeyDer};

    #[test]
    fn a_key_goes_from_one_form_to_the_other_and_back() {
        let key = KeyPair::generate().expect("a key");
        let sec1 = to_sec1(key.serialized_der()).expect("a key of P-256");
        let form = PrivateKeyDer::from(PrivateSec1KeyDer::from(sec1.clone()));
        let usable = any_supported_type(&form).expect("a usable key");
        let public = usable.public_key().expect("a public half");
        assert!(public.ends_with(key.public_key_raw()));
        Key::from_pkcs8_der(to_pkcs8(&sec1).into()).expect("a key for an account");
    }

    #[test]
    fn keys_of_other_curves_are_left_alone() {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("a key");
        assert_eq!(to_sec1(key.serialized_der()), None);
        assert_eq!(to_sec1(b"no key at all"), None);
    }

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        assert_eq!(value(4, &[9; 127])[..2], [4, 127]);
        assert_eq!(value(4, &[9; 128])[..3], [4, 0x81, 128]);
        assert_eq!(value(4, &[9; 256])[..4], [4, 0x82, 1, 0]);
    }
}
