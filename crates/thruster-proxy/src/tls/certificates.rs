//! The certificates we have, by the names that they are for.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::sync::watch;

use super::local::Local;

/// Names are in lower case and ASCII; one that begins with `*.` is for all with another first
/// label (RFC 9525 section 6.3).
#[derive(Debug)]
pub struct Certificates {
    /// Names that we shall have a certificate for, sooner or later.
    expected: Vec<String>,
    /// Makes what is asked for, where nothing else is there.
    local: Option<Local>,
    held: RwLock<Held>,
    /// Whoever waits for one hears of each.
    arrivals: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Held {
    /// Those of somebody who had them already, by their place in the settings.
    own: BTreeMap<usize, (Vec<String>, Arc<CertifiedKey>)>,
    /// The same by name, in the order of places.
    own_by_name: HashMap<String, Vec<Arc<CertifiedKey>>>,
    /// Each for one name.
    acquired: HashMap<String, Arc<CertifiedKey>>,
}

impl Held {
    /// What is for this very name or wildcard, the better one first.
    fn at<'h>(&'h self, name: &str) -> impl Iterator<Item = &'h Arc<CertifiedKey>> + use<'h> {
        self.own_by_name.get(name).into_iter().flatten().chain(self.acquired.get(name))
    }

    fn first(&self) -> Option<&Arc<CertifiedKey>> {
        let own = self.own.values().next().map(|(_, key)| key);
        own.or_else(|| self.acquired.values().next())
    }
}

impl Certificates {
    pub fn new(expected: Vec<String>) -> Self {
        Certificates {
            expected,
            local: None,
            held: RwLock::default(),
            arrivals: watch::Sender::new(()),
        }
    }

    /// Asks this one for what nobody else has a certificate for.
    pub fn with_local(self, local: Option<Local>) -> Self {
        Certificates { local, ..self }
    }

    /// Has this one used for the name from now on.
    pub fn put(&self, name: String, key: &Arc<CertifiedKey>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.acquired.insert(name, key.clone());
        drop(held);
        self.arrivals.send_replace(());
    }

    /// Has this one used for these names from now on, and the one that had its place for none.
    pub fn replace(&self, place: usize, names: Vec<String>, key: &Arc<CertifiedKey>) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.own.insert(place, (names, key.clone()));
        let mut by_name: HashMap<String, Vec<_>> = HashMap::new();
        for (names, key) in held.own.values() {
            for name in names {
                by_name.entry(name.clone()).or_default().push(key.clone());
            }
        }
        held.own_by_name = by_name;
        drop(held);
        self.arrivals.send_replace(());
    }

    /// The one to show to a client that asks for this name. One that names nobody (by an address
    /// in its URL, or because it is very old) is shown the first.
    pub fn find(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        self.choose(name, |_| true)
    }

    /// The best that fits; where none does, the best: the handshake will say what is wrong.
    fn choose(
        &self,
        name: Option<&str>,
        fits: impl Fn(&CertifiedKey) -> bool,
    ) -> Option<Arc<CertifiedKey>> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let chosen = match name {
            Some(name) => {
                let best = || forms(name).flat_map(|form| held.at(&form));
                best().find(|key| fits(key)).or_else(|| best().next())
            }
            None => {
                let first = self.expected.iter().find_map(|name| held.at(name).next());
                first.or_else(|| held.first())
            }
        };
        let chosen = chosen.cloned();
        drop(held);
        chosen.or_else(|| self.local.as_ref()?.certificate(name, SystemTime::now()))
    }

    /// Whether this name is one that we answer to.
    pub fn is_ours(&self, name: &str) -> bool {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        forms(name).any(|form| held.at(&form).next().is_some() || self.is_expected(&form))
            || self.local.as_ref().is_some_and(|local| local.is_for(name))
    }

    /// Whether there is one for this name, perhaps after a wait for its arrival. Who else asks for
    /// names that are not ours is told at once.
    pub async fn await_for(&self, name: Option<&str>) -> bool {
        let mut arrivals = self.arrivals.subscribe();
        loop {
            if self.find(name).is_some() {
                return true;
            }
            let is_to_come = match name {
                Some(name) => forms(name).any(|form| self.is_expected(&form)),
                None => !self.expected.is_empty(),
            };
            // The other end is ours, and cannot have gone.
            if !is_to_come || arrivals.changed().await.is_err() {
                return false;
            }
        }
    }

    fn is_expected(&self, name: &str) -> bool {
        self.expected.iter().any(|expected| expected == name)
    }
}

/// The name itself, and the wildcard that it falls under.
fn forms(name: &str) -> impl Iterator<Item = String> {
    let wildcard = name.split_once('.').map(|(_, rest)| format!("*.{rest}"));
    [name.to_owned()].into_iter().chain(wildcard)
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let schemes = hello.signature_schemes();
        // Beside an EC certificate there may be an RSA one, for clients that know no other.
        self.choose(name.as_deref(), |key| key.key.choose_scheme(schemes).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::crypto::ring::sign::any_supported_type;
    use rustls::pki_types::PrivateKeyDer;

    fn some_key() -> Arc<CertifiedKey> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a private key");
        Arc::new(CertifiedKey::new(vec![], any_supported_type(&key).expect("a usable key")))
    }

    #[test]
    fn an_exact_name_comes_before_a_wildcard_of_one_label() {
        let certificates = Certificates::new(vec![]);
        let (exact, wildcard) = (some_key(), some_key());
        certificates.put("www.a.example".into(), &exact);
        certificates.put("*.a.example".into(), &wildcard);
        let is =
            |name, key: &_| certificates.find(Some(name)).is_some_and(|k| Arc::ptr_eq(&k, key));
        assert!(is("www.a.example", &exact) && is("shop.a.example", &wildcard));
        for other in ["a.example", "b.shop.a.example", "example", ""] {
            assert!(certificates.find(Some(other)).is_none(), "{other}");
            assert!(!certificates.is_ours(other), "{other}");
        }
    }

    #[test]
    fn the_earlier_of_two_of_ones_own_is_shown_and_what_is_replaced_is_gone() {
        let certificates = Certificates::new(vec![]);
        let (first, second, acquired) = (some_key(), some_key(), some_key());
        let is = |name, key: Option<&Arc<_>>| {
            let found = certificates.find(name);
            found.as_ref().map(Arc::as_ptr) == key.map(Arc::as_ptr)
        };
        certificates.put("a.example".into(), &acquired);
        certificates.replace(1, vec!["a.example".into(), "b.example".into()], &second);
        assert!(is(Some("a.example"), Some(&second)));
        certificates.replace(0, vec!["a.example".into()], &first);
        assert!(is(Some("a.example"), Some(&first)) && is(Some("b.example"), Some(&second)));
        assert!(is(None, Some(&first)));
        certificates.replace(0, vec!["c.example".into()], &first);
        certificates.replace(1, vec!["d.example".into()], &second);
        assert!(is(Some("a.example"), Some(&acquired)) && is(Some("b.example"), None));
        assert!(!certificates.is_ours("b.example") && certificates.is_ours("d.example"));
    }

    #[test]
    fn who_names_nobody_gets_the_first() {
        let certificates = Certificates::new(vec!["a.example".into(), "b.example".into()]);
        assert!(certificates.find(None).is_none());
        let (a, b) = (some_key(), some_key());
        certificates.put("b.example".into(), &b);
        certificates.put("a.example".into(), &a);
        assert!(certificates.find(None).is_some_and(|key| Arc::ptr_eq(&key, &a)));
    }

    #[tokio::test]
    async fn a_name_of_ours_is_waited_for_and_no_other() {
        let certificates = Arc::new(Certificates::new(vec!["a.example".into()]));
        assert!(!certificates.await_for(Some("b.example")).await);
        let waiting = certificates.clone();
        let waiting = tokio::spawn(async move { waiting.await_for(Some("a.example")).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        certificates.put("a.example".into(), &some_key());
        assert!(waiting.await.expect("no panic"));
    }
}
