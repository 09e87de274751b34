//! Certificates that somebody has already: TLS_CERTIFICATE and TLS_KEY. [`Watch`] notices when
//! they are new.

mod watch;

pub use watch::Watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use humantime::format_rfc3339_seconds;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::leaf::{Leaf, has_address};
use super::pem::{self, Broken};
use super::private;
use crate::config::OwnCertificate;

/// What every key in PEM begins with, and no name of a file.
const NO_PATH: &str = "-----BEGIN";

/// What is wrong with the files. No part of a key is in it.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("TLS_CERTIFICATE and TLS_KEY are names of files, not what is in them")]
    NoPath,
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, #[source] std::io::Error),
    #[error("{0} {1}")]
    Broken(PathBuf, #[source] Broken),
    #[error("{0} has no certificate in it")]
    NoCertificate(PathBuf),
    #[error("the certificate in {0} is none")]
    Malformed(PathBuf),
    #[error("{0} is for no host name and no address")]
    Nameless(PathBuf),
    #[error("the key in {0} is of another kind than RSA, P-256, P-384 and Ed25519, or broken")]
    OtherKind(PathBuf),
    #[error("{1} cannot be used with {0}: {2}")]
    Mismatched(PathBuf, PathBuf, #[source] Error),
    #[error("{0} is not valid before {at}", at = format_rfc3339_seconds(*.1))]
    TooEarly(PathBuf, SystemTime),
    #[error("{0} has expired at {at}", at = format_rfc3339_seconds(*.1))]
    Expired(PathBuf, SystemTime),
}

/// A chain and its key, and what is to be known of them.
#[derive(Debug)]
pub struct Loaded {
    pub leaf: Leaf,
    pub key: Arc<CertifiedKey>,
}

/// Reads a chain and its key, valid today or not.
///
/// # Errors
/// What is wrong with either.
pub fn load(files: &OwnCertificate) -> Result<Loaded, Unusable> {
    let OwnCertificate { chain, key } = files;
    // Whoever gives us the key itself is not to find it in an error that names the file.
    if [chain, key].iter().any(|path| path.to_string_lossy().contains(NO_PATH)) {
        return Err(Unusable::NoPath);
    }
    let certificates = read(chain, pem::certificates)?;
    let Some(first) = certificates.first() else {
        return Err(Unusable::NoCertificate(chain.clone()));
    };
    let Some(leaf) = Leaf::read(first) else { return Err(Unusable::Malformed(chain.clone())) };
    // One for addresses alone is for those who name nobody.
    if leaf.names.is_empty() && !has_address(first) {
        return Err(Unusable::Nameless(chain.clone()));
    }
    let private = read(key, pem::private_key)?;
    let signing = any_supported_type(&private).map_err(|_| Unusable::OtherKind(key.clone()))?;
    let certified = CertifiedKey::new(certificates, signing);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
            Ok(Loaded { leaf, key: Arc::new(certified) })
        }
        Err(error) => Err(Unusable::Mismatched(chain.clone(), key.clone(), error)),
    }
}

fn read<T>(path: &Path, parse: impl Fn(&[u8]) -> Result<T, Broken>) -> Result<T, Unusable> {
    let text = private::contents(path);
    let text = text.map_err(|error| Unusable::Unreadable(path.to_owned(), error))?;
    parse(&text).map_err(|broken| Unusable::Broken(path.to_owned(), broken))
}

#[cfg(test)]
mod tests;
