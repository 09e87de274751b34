//! Certificates that somebody has already: TLS_CERTIFICATE and TLS_KEY. [`Watch`] notices when
//! they are new.

mod watch;

pub use watch::Watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::sign::CertifiedKey;

use super::leaf::Leaf;
use crate::config::OwnCertificate;

/// What is wrong with the files. No part of a key is in it.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, #[source] pem::Error),
    #[error("{0} has no certificate in it")]
    NoCertificate(PathBuf),
    #[error("the certificate in {0} is none")]
    Malformed(PathBuf),
    #[error("{0} is for no host name")]
    Nameless(PathBuf),
    #[error("{1} cannot be used with {0}: {2}")]
    Mismatched(PathBuf, PathBuf, #[source] rustls::Error),
}

/// A chain and its key, and what is to be known of them.
#[derive(Debug)]
pub struct Loaded {
    pub leaf: Leaf,
    pub key: Arc<CertifiedKey>,
}

/// Reads a chain and its key.
///
/// # Errors
/// What is wrong with either.
pub fn load(files: &OwnCertificate) -> Result<Loaded, Unusable> {
    let OwnCertificate { chain, key } = files;
    let unreadable = |path: &Path| {
        let path = path.to_owned();
        move |error| Unusable::Unreadable(path, error)
    };
    let certificates = CertificateDer::pem_file_iter(chain).map_err(unreadable(chain))?;
    let certificates: Vec<_> = certificates.collect::<Result<_, _>>().map_err(unreadable(chain))?;
    let Some(first) = certificates.first() else {
        return Err(Unusable::NoCertificate(chain.clone()));
    };
    let Some(leaf) = Leaf::read(first) else { return Err(Unusable::Malformed(chain.clone())) };
    if leaf.names.is_empty() {
        return Err(Unusable::Nameless(chain.clone()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(unreadable(key))?;
    let certified = CertifiedKey::from_der(certificates, private, &ring::default_provider());
    let certified =
        certified.map_err(|error| Unusable::Mismatched(chain.clone(), key.clone(), error))?;
    Ok(Loaded { leaf, key: Arc::new(certified) })
}
