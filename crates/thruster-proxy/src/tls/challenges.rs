//! What a CA asks to see before it believes that a name is ours (RFC 8555 section 8), for as long
//! as an order is under way.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring::{self, sign::any_supported_type};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

/// What a CA offers to speak, and nothing else (RFC 8737 section 4).
pub const ACME_TLS: &[u8] = b"acme-tls/1";

#[derive(Debug, Default)]
pub struct Challenges {
    /// Key authorizations by their tokens (RFC 8555 section 8.3).
    http: Mutex<HashMap<String, String>>,
    /// Handshakes by the names that they are for (RFC 8737 section 3).
    tls: Mutex<HashMap<String, Arc<ServerConfig>>>,
}

/// Something that can be seen until this is dropped.
#[must_use]
pub struct Shown {
    challenges: Arc<Challenges>,
    key: Key,
}

enum Key {
    Token(String),
    Name(String),
}

impl Challenges {
    /// What is to be read below `/.well-known/acme-challenge/`.
    pub fn key_authorization(&self, token: &str) -> Option<String> {
        lock(&self.http).get(token).cloned()
    }

    /// How to shake hands with one who offers [`ACME_TLS`] and names this host.
    pub fn handshake(&self, name: &str) -> Option<Arc<ServerConfig>> {
        lock(&self.tls).get(name).cloned()
    }

    /// Shows what http-01 wants to see.
    pub fn show_http(self: &Arc<Self>, token: &str, key_authorization: &str) -> Shown {
        lock(&self.http).insert(token.to_owned(), key_authorization.to_owned());
        Shown { challenges: self.clone(), key: Key::Token(token.to_owned()) }
    }

    /// Shows what tls-alpn-01 wants to see.
    ///
    /// # Errors
    /// There can be no certificate for this name.
    pub fn show_tls(self: &Arc<Self>, name: &str, digest: &[u8]) -> Result<Shown, Box<dyn Error>> {
        let handshake = handshake(name, digest)?;
        lock(&self.tls).insert(name.to_owned(), Arc::new(handshake));
        Ok(Shown { challenges: self.clone(), key: Key::Name(name.to_owned()) })
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        match &self.key {
            Key::Token(token) => drop(lock(&self.challenges.http).remove(token)),
            Key::Name(name) => drop(lock(&self.challenges.tls).remove(name)),
        }
    }
}

/// One with a certificate signed by nobody but itself, whose critical extension has the digest of
/// the key authorization (RFC 8737 section 3).
fn handshake(name: &str, digest: &[u8]) -> Result<ServerConfig, Box<dyn Error>> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key)?.der().clone();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    // Not by way of what checks that both belong together: it knows nothing of such extensions.
    let key = CertifiedKey::new(vec![certificate], any_supported_type(&key)?);
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    config.alpn_protocols = vec![ACME_TLS.to_vec()];
    Ok(config)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_seen_while_their_order_is_under_way() {
        let challenges = Arc::new(Challenges::default());
        let token = challenges.show_http("token", "token.thumbprint");
        let name = challenges.show_tls("a.example", &[7; 32]).expect("a good name");
        assert_eq!(challenges.key_authorization("token").as_deref(), Some("token.thumbprint"));
        assert!(challenges.key_authorization("another").is_none());
        let config = challenges.handshake("a.example").expect("the one that is shown");
        assert_eq!(config.alpn_protocols, [ACME_TLS]);
        assert!(challenges.handshake("b.example").is_none());
        drop((token, name));
        assert!(challenges.key_authorization("token").is_none());
        assert!(challenges.handshake("a.example").is_none());
    }
}
