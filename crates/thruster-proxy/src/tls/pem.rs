//! Certificates and private keys in PEM (RFC 7468), and what is wrong with them in words of our own:
//! the library's errors quote whole lines, and a key whose lines were joined is one line.

use rustls::pki_types::pem::{Error, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What is wrong with a text, said of its file. Nothing of the text is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("has a BEGIN line that does not end after its label")]
    Begin,
    #[error("has a part without an END line of its own")]
    End,
    #[error("has a part that is not in base64")]
    Base64,
    #[error("has no private key in it")]
    NoKey,
    #[error("is encrypted: the key is needed without a password")]
    Encrypted,
    #[error("cannot be read as PEM")]
    Other,
}

/// All certificates of the text, of which there may be none.
///
/// # Errors
/// A part of it, whatever it is for, is broken.
pub fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, Broken> {
    let all: Result<_, _> = CertificateDer::pem_slice_iter(text).collect();
    all.map_err(|error| broken(text, &error))
}

/// The first private key of the text.
///
/// # Errors
/// There is none that could be read.
pub fn private_key(text: &[u8]) -> Result<PrivateKeyDer<'static>, Broken> {
    PrivateKeyDer::from_pem_slice(text).map_err(|error| broken(text, &error))
}

/// The one place that sees the library's errors.
fn broken(text: &[u8], error: &Error) -> Broken {
    match error {
        _ if is_encrypted(text) => Broken::Encrypted,
        Error::IllegalSectionStart { .. } => Broken::Begin,
        Error::MissingSectionEnd { .. } => Broken::End,
        Error::Base64Decode(_) => Broken::Base64,
        Error::NoItemsFound => Broken::NoKey,
        _ => Broken::Other,
    }
}

/// By its label (RFC 5958 section 3), or by a header as OpenSSL writes it (RFC 1421 section 4.6.1.1).
fn is_encrypted(text: &[u8]) -> bool {
    text.split(|byte| matches!(byte, b'\n' | b'\r')).any(|line| {
        line.starts_with(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
            || (line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED"))
    })
}

#[cfg(test)]
pub mod tests;
