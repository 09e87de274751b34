//! Certificates that this machine makes for itself, so that there is TLS without a public name:
//! under TLS_LOCAL, and for names that never are public. [`LocalAuthority`] is who vouches for
//! them, once it is trusted.

mod authority;

pub use authority::LocalAuthority;

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rcgen::{KeyPair, SanType};
use rustls::crypto::ring::sign::any_ecdsa_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::{CertifiedKey, SigningKey};

use crate::config::{self, Config};

/// Less than the 398 days that browsers take at most, and made again in good time.
const LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const RENEW_AFTER: Duration = Duration::from_secs(60 * 24 * 60 * 60);

/// Certificates that are kept. Who asks for ever more names under a wildcard has them made anew,
/// which costs no more than the handshake.
const MOST: usize = 256;

/// Makes certificates as they are asked for: browsers take no wildcard directly under `localhost`
/// or `test`, so that `*.localhost` can only be many certificates.
pub struct Local {
    /// Names and wildcards.
    names: Vec<String>,
    authority: LocalAuthority,
    /// One key for all: they are made and lost together.
    key: KeyPair,
    signing: Arc<dyn SigningKey>,
    /// By name; the empty one is for those who come by address.
    issued: Mutex<HashMap<String, Issued>>,
}

struct Issued {
    certified: Arc<CertifiedKey>,
    renew_at: SystemTime,
}

/// Opens or makes the authority, if there is a name for it.
///
/// # Errors
/// Its files cannot be made or used.
pub fn start(settings: &config::Tls, storage: &Path) -> Result<Option<Local>, String> {
    let names = names(settings);
    if names.is_empty() {
        return Ok(None);
    }
    let authority = LocalAuthority::open(storage, &names, SystemTime::now());
    let authority = authority.map_err(|error| error.to_string())?;
    tracing::info!(
        names = names.join(","),
        authority = %authority.path.display(),
        "Local certificates: `thrust --trust` has the browsers of this machine accept them"
    );
    Local::new(names, authority)
        .map(Some)
        .map_err(|error| format!("no local certificates: {error}"))
}

/// The authority that would be used with these settings; made, if there is none yet.
///
/// # Errors
/// Its files cannot be made or used, in words for the person who asked.
pub fn local_authority(config: &Config) -> Result<LocalAuthority, String> {
    let authority =
        LocalAuthority::open(&config.storage_path, &names(&config.tls), SystemTime::now());
    authority.map_err(|error| error.to_string())
}

/// Whether we make the certificate for this name ourselves, because nobody else can or should.
pub fn is_local(settings: &config::Tls, name: &str) -> bool {
    settings.local || is_reserved(name)
}

/// Names that lead nowhere but here (RFC 6761 sections 6.2 and 6.3).
pub fn is_reserved(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost") || name.ends_with(".test")
}

fn names(settings: &config::Tls) -> Vec<String> {
    // What is not ASCII here is nothing that a client could ask for.
    let is_ours = |name: &&String| name.is_ascii() && is_local(settings, name);
    let named = settings.domains.iter().filter(is_ours).cloned();
    let usual = ["localhost", "*.localhost"].map(String::from).into_iter();
    let mut names: Vec<_> = named.chain(usual.filter(|_| settings.local)).collect();
    names.sort();
    names.dedup();
    names
}

impl Local {
    fn new(names: Vec<String>, authority: LocalAuthority) -> Result<Self, rcgen::Error> {
        let key = KeyPair::generate()?;
        let signing = PrivateKeyDer::try_from(key.serialize_der())
            .ok()
            .and_then(|der| any_ecdsa_type(&der).ok())
            .ok_or(rcgen::Error::CouldNotParseKeyPair)?;
        Ok(Local { names, authority, key, signing, issued: Mutex::default() })
    }

    pub fn is_for(&self, name: &str) -> bool {
        self.names.iter().any(|ours| match ours.strip_prefix('*') {
            // One label in the place of the star, as with any wildcard.
            Some(rest) => {
                name.strip_suffix(rest).is_some_and(|l| !l.is_empty() && !l.contains('.'))
            }
            None => name == ours,
        })
    }

    /// One for this name, if it is ours, or for those who name nobody because they come by address.
    pub fn certificate(&self, name: Option<&str>, now: SystemTime) -> Option<Arc<CertifiedKey>> {
        if name.is_some_and(|name| !self.is_for(name)) {
            return None;
        }
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        let place = name.unwrap_or_default();
        if let Some(found) = issued.get(place).filter(|found| now < found.renew_at) {
            return Some(found.certified.clone());
        }
        let certified = self.issue(name, now);
        let certified = certified
            .inspect_err(|error| tracing::warn!(place, %error, "No local certificate"))
            .ok()?;
        if issued.len() >= MOST {
            issued.clear();
        }
        let renew_at = now + RENEW_AFTER;
        issued.insert(place.to_owned(), Issued { certified: certified.clone(), renew_at });
        Some(certified)
    }

    fn issue(
        &self,
        name: Option<&str>,
        now: SystemTime,
    ) -> Result<Arc<CertifiedKey>, rcgen::Error> {
        let names = match name {
            Some(name) => vec![SanType::DnsName(name.try_into()?)],
            None => vec![
                SanType::DnsName("localhost".try_into()?),
                SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
                SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
            ],
        };
        let certificate = self.authority.issue(names, &self.key, now, LIFE)?;
        Ok(Arc::new(CertifiedKey::new(vec![certificate], self.signing.clone())))
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("names", &self.names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
