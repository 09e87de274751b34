//! What a certificate says of itself: whose it is, and for how long.

use std::time::{Duration, SystemTime};

use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

/// The last second of the year 9999, which is how far these dates go (RFC 5280 section 4.1.2.5).
const END_OF_TIME: u64 = 253_402_300_799;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// In lower case.
    pub names: Vec<String>,
    pub issuer: String,
    pub not_before: SystemTime,
    pub not_after: SystemTime,
}

impl Leaf {
    /// Reads a certificate, unless it is none.
    pub fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
        let validity = certificate.validity();
        Some(Leaf {
            names: names(&certificate),
            issuer: certificate.issuer().to_string(),
            not_before: time(validity.not_before),
            not_after: time(validity.not_after),
        })
    }

    /// Whether it is for this name, itself or by a wildcard (RFC 9525 section 6.3).
    pub fn is_for(&self, name: &str) -> bool {
        let wildcard = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
        self.names.iter().any(|own| own == name || Some(own) == wildcard.as_ref())
    }

    pub fn is_valid_at(&self, now: SystemTime) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }

    pub fn lifetime(&self) -> Duration {
        self.not_after.duration_since(self.not_before).unwrap_or_default()
    }
}

/// Whether a certificate is for an address.
pub fn has_address(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate).is_ok_and(|(_, certificate)| {
        let is_address = |name: &GeneralName<'_>| matches!(name, GeneralName::IPAddress(_));
        let alternatives = certificate.subject_alternative_name().ok().flatten();
        alternatives.is_some_and(|names| names.value.general_names.iter().any(is_address))
    })
}

/// The host names that it is for (RFC 5280 section 4.2.1.6). That section wants them in ASCII; what
/// is not can be asked for by nobody.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else { return Vec::new() };
    let names = alternatives.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) if name.is_ascii() => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}

/// Nothing that matters to us was signed before 1970.
fn time(time: ASN1Time) -> SystemTime {
    let seconds = u64::try_from(time.timestamp()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(END_OF_TIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_not_in_ascii_are_none() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let names = ["a.example".to_owned(), "buecher.example".to_owned()];
        let params = rcgen::CertificateParams::new(names).expect("names");
        let der = params.self_signed(&key).expect("a certificate").der().to_vec();
        let place = der.windows(7).position(|part| part == b"buecher").expect("the name");
        let mut der = der;
        der[place..place + 7].copy_from_slice("bücher".as_bytes());
        let leaf = Leaf::read(&der.into()).expect("a certificate");
        assert_eq!(leaf.names, ["a.example"]);
    }

    #[test]
    fn names_and_times_are_read() {
        let mut params = rcgen::CertificateParams::new(["A.example".into(), "*.b.example".into()])
            .expect("names");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 1, 7);
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let leaf = Leaf::read(certificate.der()).expect("a certificate");
        assert_eq!(leaf.names, ["a.example", "*.b.example"]);
        assert_eq!(leaf.lifetime(), Duration::from_secs(6 * 24 * 3600));
        assert!(leaf.is_valid_at(leaf.not_before) && leaf.is_valid_at(leaf.not_after));
        for (at, is_valid) in [(leaf.not_before, false), (leaf.not_after, true)] {
            assert_eq!(leaf.is_valid_at(at - Duration::from_secs(1)), is_valid);
        }
        assert!(!leaf.is_valid_at(leaf.not_after + Duration::from_secs(1)));
        assert!(leaf.is_for("a.example") && leaf.is_for("www.b.example"));
        for other in ["b.example", "a.b.b.example", "www.a.example"] {
            assert!(!leaf.is_for(other), "{other}");
        }
        assert!(Leaf::read(&CertificateDer::from(vec![1, 2, 3])).is_none());
    }
}
