//! The life of one name's certificate: had from the folder or the CA, renewed in time, asked for
//! again when there was none to be had. One order at a time, for there is one keeper a name.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use instant_acme::{CertificateIdentifier, ChallengeType};
use tokio::sync::{Notify, Semaphore};

use super::account::Session;
use super::failure::Failure;
use super::order::{self, Obtained, Wish};
use super::schedule::{self, Window};
use crate::tls::autocert::{Autocert, Held};
use crate::tls::certificates::Certificates;
use crate::tls::challenges::Challenges;
use crate::tls::leaf::Leaf;

/// For all of an order: one that hangs is given up, and the next may go better.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// How long to sleep at most without a look at the clock: it may be set, or the machine may have
/// been asleep itself.
const NAP: Duration = Duration::from_secs(3600);

/// What all keepers share.
pub struct Shared {
    pub session: Session,
    pub folder: Arc<Autocert>,
    pub certificates: Arc<Certificates>,
    pub challenges: Arc<Challenges>,
    pub profile: Option<String>,
    /// Orders that may be under way at once.
    pub turns: Semaphore,
}

pub struct Keeper {
    name: String,
    /// What is shown to clients now.
    held: Option<Held>,
    /// When we got it, if it was us.
    since: Option<Instant>,
    /// Whether the CA advises when to renew it.
    is_advised: bool,
    /// How the CA validated us last, or is to next.
    way: ChallengeType,
    /// In a row.
    failures: u32,
    shared: Arc<Shared>,
    /// Somebody asks for the name.
    wanted: Arc<Notify>,
}

impl Keeper {
    /// Begins with what the folder has, which clients see from now on.
    pub fn new(name: &str, shared: &Arc<Shared>, wanted: &Arc<Notify>) -> Self {
        let mut keeper = Keeper {
            name: name.to_owned(),
            held: None,
            since: None,
            is_advised: false,
            // Port 80 is open in any case, for those who come without https://.
            way: ChallengeType::Http01,
            failures: 0,
            shared: shared.clone(),
            wanted: wanted.clone(),
        };
        if let Some(held) = shared.folder.load(name, SystemTime::now()) {
            keeper.show("Certificate found", held);
        }
        keeper
    }

    pub async fn keep(mut self) {
        loop {
            self.await_due().await;
            match self.attempt().await {
                Ok(()) => self.failures = 0,
                Err(failure) => self.recover(&failure).await,
            }
        }
    }

    async fn await_due(&mut self) {
        let Some(leaf) = self.held.as_ref().map(|held| held.leaf.clone()) else { return };
        if self.failures > 0 {
            return;
        }
        loop {
            let (window, ask_again) = self.window(&leaf).await;
            let kept = self.since.map_or(Duration::MAX, |since| since.elapsed());
            let soonest = SystemTime::now() + schedule::shortest_keep(&leaf).saturating_sub(kept);
            let due = window.moment(fastrand::f64()).max(soonest);
            let at = humantime::format_rfc3339_seconds(due);
            tracing::debug!(name = self.name, %at, "Certificate is to be renewed");
            match ask_again.map(|pause| SystemTime::now() + pause) {
                Some(then) if then < due => sleep_until(then).await,
                _ => return sleep_until(due).await,
            }
        }
    }

    /// When the certificate is to be renewed, and how long until there is better advice.
    async fn window(&mut self, leaf: &Leaf) -> (Window, Option<Duration>) {
        let unadvised = Window::of_lifetime(leaf);
        let requested = match self.advice().await {
            Ok((start, end, lasts)) => {
                self.is_advised = true;
                if let Some(window) = Window::advised(start, end, leaf) {
                    return (window, Some(schedule::advice_lasts(Some(lasts))));
                }
                Some(lasts)
            }
            Err(instant_acme::Error::Unsupported(_)) => return (unadvised, None),
            Err(error) => {
                let name = &self.name;
                tracing::debug!(name, %error, "No advice on when to renew a certificate");
                self.shared.session.forget().await;
                None
            }
        };
        (unadvised, Some(schedule::advice_lasts(requested)))
    }

    /// The CA's word on when to renew (RFC 9773 section 4), and how long that holds.
    async fn advice(&self) -> Result<(SystemTime, SystemTime, Duration), instant_acme::Error> {
        let missing = instant_acme::Error::Unsupported("advice for no certificate");
        let id = self.id().ok_or(missing)?;
        let account = self.shared.session.account().await;
        let account = account.map_err(|failure| instant_acme::Error::Other(failure.why.into()))?;
        let (advice, lasts) = account.renewal_info(&id).await?;
        let window = advice.suggested_window;
        Ok((window.start.into(), window.end.into(), lasts))
    }

    /// What a CA knows our certificate by; none without a key identifier of its issuer.
    fn id(&self) -> Option<CertificateIdentifier<'static>> {
        let certificate = self.held.as_ref()?.key.cert.first()?;
        CertificateIdentifier::try_from(certificate).ok()
    }

    async fn attempt(&mut self) -> Result<(), Failure> {
        if let Some(found) = self.in_folder() {
            self.since = None;
            self.show("Certificate found", found);
            return Ok(());
        }
        let shared = self.shared.clone();
        let _turn = shared.turns.acquire().await;
        let mut ordered = self.order().await;
        if ordered.as_ref().is_err_and(Failure::is_about_account) {
            shared.session.forget().await;
            ordered = self.order().await;
        }
        let held = ordered?;
        self.since = Some(Instant::now());
        self.show("Certificate obtained", held);
        Ok(())
    }

    /// A certificate that another process has put into the folder meanwhile, and that is not to be
    /// renewed yet.
    fn in_folder(&self) -> Option<Held> {
        // It is not long ago that we looked.
        if self.held.is_none() && self.failures == 0 {
            return None;
        }
        let now = SystemTime::now();
        let found = self.shared.folder.load(&self.name, now)?;
        let known = self.held.as_ref().map(|held| held.leaf.not_after);
        let is_new = known.is_none_or(|known| known < found.leaf.not_after);
        (is_new && now < Window::of_lifetime(&found.leaf).start).then_some(found)
    }

    async fn order(&self) -> Result<Held, Failure> {
        let wish = Wish {
            name: &self.name,
            profile: self.shared.profile.as_deref(),
            // It may be what the CA had against the last order.
            replaces: self.id().filter(|_| self.is_advised && self.failures == 0),
            way: self.way.clone(),
        };
        let account = self.shared.session.account().await?;
        let obtained = order::obtain(&account, &wish, &self.shared.challenges);
        let late = |_| Failure::new(format!("the order took longer than {PATIENCE:?}"), "");
        let Obtained { key, chain } =
            tokio::time::timeout(PATIENCE, obtained).await.map_err(late)??;
        let held = Held::new(&self.name, key.clone_key().into(), chain.clone());
        let held = held.map_err(|why| Failure::new(format!("what the CA sent: {why}"), ""))?;
        if let Err(error) = self.shared.folder.save(&self.name, &key, &chain) {
            let name = &self.name;
            tracing::warn!(name, %error, "Certificate in use, but not kept: a restart needs another");
        }
        Ok(held)
    }

    fn show(&mut self, message: &'static str, held: Held) {
        let Leaf { issuer, not_after, .. } = &held.leaf;
        let expires = humantime::format_rfc3339_seconds(*not_after);
        tracing::info!(name = self.name, %expires, issuer, "{message}");
        self.shared.certificates.put(self.name.clone(), &held.key);
        self.held = Some(held);
        self.is_advised = false;
    }

    /// Says what went wrong, and waits before the next attempt.
    async fn recover(&mut self, failure: &Failure) {
        self.failures = self.failures.saturating_add(1);
        self.shared.session.forget().await;
        let lifetime = self.held.as_ref().map(|held| held.leaf.lifetime());
        let requested = failure.retry_after;
        let pause = schedule::pause(self.failures, requested, lifetime, fastrand::f64());
        let port = if self.way == ChallengeType::TlsAlpn01 { 443 } else { 80 };
        tracing::warn!(
            name = self.name,
            error = failure.why,
            check = failure.check(&self.name, port),
            attempt = self.failures,
            next_try_in = %humantime::format_duration(Duration::from_secs(pause.as_secs())),
            "Certificate not obtained"
        );
        // One port may be closed and the other open.
        self.way = match self.way {
            ChallengeType::Http01 => ChallengeType::TlsAlpn01,
            _ => ChallengeType::Http01,
        };
        tokio::select! {
            () = sleep_until(SystemTime::now() + pause) => {}
            () = async {
                tokio::time::sleep(schedule::hurried(pause, requested)).await;
                self.wanted.notified().await;
            } => {}
        }
    }
}

async fn sleep_until(time: SystemTime) {
    while let Ok(remaining) = time.duration_since(SystemTime::now())
        && !remaining.is_zero()
    {
        tokio::time::sleep(remaining.min(NAP)).await;
    }
}
