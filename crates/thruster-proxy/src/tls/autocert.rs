//! The folder of certificates, as Go's autocert keeps it: a file a name, with the private key and
//! then the chain, in PEM; `NAME+rsa` where the key is RSA; the account's key in a file of its own.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use base64::prelude::{BASE64_STANDARD, Engine};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::elliptic;
use super::leaf::Leaf;
use super::pem::{self, Broken};
use super::private;

const ACCOUNT: &str = "acme_account+key";

pub struct Autocert {
    folder: PathBuf,
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Held {
    pub key: Arc<CertifiedKey>,
    pub leaf: Leaf,
}

/// Why a file is of no use. No part of a key is in it.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error(transparent)]
    Unreadable(#[from] io::Error),
    #[error("it {0}")]
    NotPem(#[from] Broken),
    #[error("there is no certificate in it")]
    NoCertificate,
    #[error("its certificate is not for {0}")]
    OtherName(String),
    #[error("key and certificate cannot be used: {0}")]
    Rejected(#[from] rustls::Error),
}

impl Autocert {
    /// The folder, made if it is missing, and closed to others if it was open to them.
    pub fn open(folder: &Path) -> Self {
        if let Err(error) = private::folder(folder) {
            tracing::warn!(%error, ?folder, "Certificates may be lost, or seen by others");
        }
        Autocert { folder: folder.to_owned() }
    }

    /// The best that there is for this name: one that has not expired before one that has, which is
    /// better than none, for who comes can decide to go on; one with an EC key before one with RSA.
    pub fn load(&self, name: &str, now: SystemTime) -> Option<Held> {
        let files = [name.to_owned(), format!("{name}+rsa")];
        let found = files.iter().filter_map(|file| self.read_certificate(file, name));
        // Of equals the first is kept.
        found.reduce(|best, other| match best.leaf.not_after <= now && other.leaf.not_after > now {
            true => other,
            false => best,
        })
    }

    /// Keeps a certificate and its key (PKCS #8 of P-256).
    ///
    /// # Errors
    /// The system's. What was there before is there still.
    pub fn save(
        &self,
        name: &str,
        key: &PrivatePkcs8KeyDer<'_>,
        chain: &[CertificateDer<'_>],
    ) -> io::Result<()> {
        let certificates = chain.iter().map(|certificate| encode("CERTIFICATE", certificate));
        let certificates: String = certificates.collect();
        self.write(name, &(encode_key(key) + &certificates))
    }

    /// The key of our account with the CA, if there is one.
    pub fn account_key(&self) -> Option<PrivatePkcs8KeyDer<'static>> {
        let key = self.read(ACCOUNT)?.and_then(|text| Ok(pem::private_key(text.as_bytes())?));
        match key {
            Ok(PrivateKeyDer::Pkcs8(key)) => Some(key),
            Ok(PrivateKeyDer::Sec1(key)) => Some(elliptic::to_pkcs8(key.secret_sec1_der()).into()),
            Ok(_) => {
                tracing::warn!(file = ACCOUNT, "The account's key is not on P-256");
                None
            }
            Err(error) => {
                tracing::warn!(%error, file = ACCOUNT, "The account's key cannot be used");
                None
            }
        }
    }

    /// # Errors
    /// The system's.
    pub fn save_account_key(&self, key: &PrivatePkcs8KeyDer<'_>) -> io::Result<()> {
        self.write(ACCOUNT, &encode_key(key))
    }

    fn read_certificate(&self, file: &str, name: &str) -> Option<Held> {
        let held = self.read(file)?.and_then(|text| parse(text.as_bytes(), name));
        let complain = |error| tracing::warn!(%error, file, "A certificate cannot be used");
        held.map_err(complain).ok()
    }

    fn read(&self, file: &str) -> Option<Result<String, Unusable>> {
        match private::read(&self.folder.join(file)) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            read => Some(read.map_err(Unusable::from)),
        }
    }

    fn write(&self, file: &str, text: &str) -> io::Result<()> {
        private::write(&self.folder.join(file), text)
    }
}

impl Held {
    /// # Errors
    /// Key and chain do not belong together, or not to this name.
    pub fn new(
        name: &str,
        key: PrivateKeyDer<'static>,
        chain: Vec<CertificateDer<'static>>,
    ) -> Result<Self, Unusable> {
        let leaf = chain.first().and_then(Leaf::read).ok_or(Unusable::NoCertificate)?;
        if !leaf.is_for(name) {
            return Err(Unusable::OtherName(name.to_owned()));
        }
        let key = CertifiedKey::from_der(chain, key, &ring::default_provider())?;
        Ok(Held { key: Arc::new(key), leaf })
    }
}

fn parse(text: &[u8], name: &str) -> Result<Held, Unusable> {
    Held::new(name, pem::private_key(text)?, pem::certificates(text)?)
}

/// As autocert writes it, if it can be.
fn encode_key(key: &PrivatePkcs8KeyDer<'_>) -> String {
    match elliptic::to_sec1(key.secret_pkcs8_der()) {
        Some(sec1) => encode("EC PRIVATE KEY", &sec1),
        None => encode("PRIVATE KEY", key.secret_pkcs8_der()),
    }
}

/// RFC 7468 section 2.
fn encode(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    // 48 bytes are the 64 characters of a line.
    for line in der.chunks(48) {
        BASE64_STANDARD.encode_string(line, &mut text);
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

#[cfg(test)]
mod tests;
