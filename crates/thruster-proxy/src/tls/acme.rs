//! Certificates from a CA that speaks ACME (RFC 8555): one for each name that has none otherwise,
//! obtained and renewed by a thread of its own, away from the cores. What is half done when that ends
//! is done again.

mod account;
mod client;
mod failure;
mod keeper;
mod order;
mod roots;
mod schedule;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use http::Uri;
use http::uri::Scheme;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;

use self::account::Session;
use self::keeper::{Keeper, Shared};
use super::autocert::Autocert;
use super::certificates::Certificates;
use super::challenges::Challenges;
use crate::config::Config;
use crate::thread;

/// Orders at once: enough that one that hangs does not hold up the others. Arbitrary.
const TURNS: usize = 4;

pub struct Acme {
    /// Where to knock for a name.
    wanted: HashMap<String, Arc<Notify>>,
    /// Those who have not begun yet.
    keepers: Mutex<Vec<Keeper>>,
    /// Their thread ends with it.
    alive: watch::Sender<()>,
}

impl Acme {
    /// Looks after the names that have no certificate so far, and shows what the folder has for
    /// them. `None`: there is no such name.
    ///
    /// # Errors
    /// Names that no CA can certify for us, in words for the person who set them.
    pub fn new(
        config: &Config,
        certificates: &Arc<Certificates>,
        challenges: &Arc<Challenges>,
    ) -> Result<Option<Self>, String> {
        let missing =
            config.tls.domains.iter().filter(|name| certificates.find(Some(name)).is_none());
        let missing: Vec<&String> = missing.collect();
        if config.tls.local || missing.is_empty() {
            return Ok(None);
        }
        // RFC 8555 section 7.1.3 has wildcards validated in the DNS, which is not ours to change.
        if let Some(wildcard) = missing.iter().find(|name| name.starts_with("*.")) {
            return Err(format!(
                "no certificate for {wildcard} can be had by way of ports 80 and 443: name each \
                 host in TLS_DOMAIN, or bring a certificate with TLS_CERTIFICATE and TLS_KEY"
            ));
        }
        let directory = &config.tls.acme.directory;
        if !directory.parse::<Uri>().is_ok_and(|url| url.scheme() == Some(&Scheme::HTTPS)) {
            return Err(format!("ACME_DIRECTORY={directory:?}: expected a URL with https://"));
        }
        let folder = Arc::new(Autocert::open(&config.storage_path));
        let shared = Arc::new(Shared {
            session: Session::new(config.tls.acme.clone(), folder.clone()),
            folder,
            certificates: certificates.clone(),
            challenges: challenges.clone(),
            profile: config.tls.acme.profile.clone(),
            turns: Semaphore::new(TURNS),
        });
        let wanted: HashMap<String, Arc<Notify>> =
            missing.into_iter().map(|name| (name.clone(), Arc::default())).collect();
        let keepers = wanted.iter().map(|(name, wanted)| Keeper::new(name, &shared, wanted));
        let keepers = Mutex::new(keepers.collect());
        Ok(Some(Acme { wanted, keepers, alive: watch::Sender::new(()) }))
    }

    /// Begins to ask for certificates. The CA will look for us, so the ports are to be open.
    ///
    /// # Errors
    /// The system refused a thread or what its event loop needs.
    pub fn begin(&self) -> std::io::Result<()> {
        let mut keepers = self.keepers.lock().unwrap_or_else(PoisonError::into_inner);
        let keepers = std::mem::take(&mut *keepers);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut alive = self.alive.subscribe();
        thread::spawn("acme", move || {
            runtime.block_on(async {
                let tasks = keepers.into_iter().map(Keeper::keep);
                let mut tasks = tasks.collect::<JoinSet<()>>();
                tokio::select! {
                    // Nothing is ever sent: its end is the message.
                    _ = alive.changed() => {}
                    () = async { while tasks.join_next().await.is_some() {} } => {}
                }
            });
            // A name that is being looked up may take its time.
            runtime.shutdown_background();
        })?;
        Ok(())
    }

    /// Somebody asks for this name, for which there is no certificate yet.
    pub fn want(&self, name: &str) {
        if let Some(wanted) = self.wanted.get(name) {
            wanted.notify_one();
        }
    }
}
