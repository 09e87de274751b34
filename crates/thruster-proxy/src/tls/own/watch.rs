//! Looks after the files of one's own certificates: takes what is new in them, and says in time
//! when they need to be renewed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};

use super::{Loaded, Unusable, load};
use crate::config::OwnCertificate;
use crate::thread;
use crate::tls::Certificates;
use crate::tls::leaf::Leaf;
use crate::tls::private::is_open_to_others;

/// How often the files are looked at. Asking the system for changes instead would need as many
/// watches as there are folders and links on the way to a file.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a new pair may be one that cannot be used: whoever writes two files, or copies them
/// from afar, is done by then.
const UNFINISHED: Duration = Duration::from_secs(6);

/// A certificate that ends earlier is complained of. Arbitrary; time enough for a person.
const SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// ... unless that is more than this part of its life: those who renew every few days know.
const LAST_PART: u32 = 3;

const REMIND_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// Ends with this handle.
pub struct Watch {
    ask: SyncSender<()>,
}

impl Watch {
    /// Loads all pairs, and watches them from now on.
    ///
    /// # Errors
    /// One that cannot be used.
    pub fn start(
        files: &[OwnCertificate],
        certificates: &Arc<Certificates>,
    ) -> Result<Self, String> {
        let pairs: Result<Vec<_>, _> = files.iter().cloned().map(Pair::open).collect();
        let mut pairs = pairs.map_err(|error| error.to_string())?;
        for (place, pair) in pairs.iter_mut().enumerate() {
            pair.hand_over(place, certificates);
        }
        // One question more than is being answered is answered for all that follow it.
        let (ask, asked) = sync_channel(1);
        if !pairs.is_empty() {
            let certificates = certificates.clone();
            let watch = move || watch(&mut pairs, &certificates, &asked);
            let spawned = thread::spawn("certificates", watch);
            spawned.map_err(|error| format!("cannot start a thread: {error}"))?;
        }
        Ok(Watch { ask })
    }

    /// Reads the files now.
    pub fn reload(&self) {
        // Without files nobody is there to hear it; where one waits already, it asks for us too.
        let _ = self.ask.try_send(());
    }
}

fn watch(pairs: &mut [Pair], certificates: &Certificates, asked: &Receiver<()>) {
    let mut remind_at = Instant::now();
    loop {
        let now = Instant::now();
        if now >= remind_at {
            pairs.iter().for_each(|pair| pair.remind(SystemTime::now()));
            remind_at = now + REMIND_EVERY;
        }
        let is_asked = match asked.recv_timeout(LOOK_EVERY) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => false,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for (place, pair) in pairs.iter_mut().enumerate() {
            let found = match is_asked {
                true => Some(pair.reload(SystemTime::now())),
                false => pair.look(Instant::now(), SystemTime::now()),
            };
            match found {
                Some(Ok(true)) => {
                    pair.hand_over(place, certificates);
                    pair.remind(SystemTime::now());
                }
                Some(Err(error)) => tracing::warn!(
                    %error,
                    "The new certificate cannot be used, the old one stays"
                ),
                Some(Ok(false)) | None => {}
            }
        }
    }
}

/// A pair of files, and what we have of them.
struct Pair {
    files: OwnCertificate,
    /// How they were when they were last looked at.
    seen: [Option<Look>; 2],
    /// Since when they have been as they are; `None` when we are done with them.
    new_since: Option<Instant>,
    /// When what was refused as too early will do.
    begins: Option<SystemTime>,
    loaded: Loaded,
    has_told_of_mode: bool,
}

/// What tells that a file, or what a link leads to, is another than before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    place: (u64, u64),
    size: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Pair {
    fn open(files: OwnCertificate) -> Result<Self, Unusable> {
        // In this order: what is written in between is seen as a change.
        let seen = seen(&files);
        let loaded = load(&files)?;
        Ok(Pair { files, seen, new_since: None, begins: None, loaded, has_told_of_mode: false })
    }

    /// Whether there is something new. It is read when it has not changed between two looks, and
    /// complained of, once, when it could not be used for a while.
    fn look(&mut self, now: Instant, today: SystemTime) -> Option<Result<bool, Unusable>> {
        let seen = seen(&self.files);
        if seen != self.seen {
            (self.seen, self.new_since, self.begins) = (seen, Some(now), None);
            return None;
        }
        if self.begins.is_some_and(|begins| begins <= today) {
            (self.new_since, self.begins) = (Some(now), None);
        }
        let since = self.new_since?;
        let found = self.read(today);
        if found.is_err() && now.saturating_duration_since(since) < UNFINISHED {
            return None;
        }
        self.new_since = None;
        Some(found.map(|loaded| self.take(loaded)))
    }

    /// The same at once, changed or not.
    fn reload(&mut self, today: SystemTime) -> Result<bool, Unusable> {
        (self.seen, self.new_since, self.begins) = (seen(&self.files), None, None);
        self.read(today).map(|loaded| self.take(loaded))
    }

    /// What is in the files, unless it is too early or too late for it and what we have is good.
    fn read(&mut self, today: SystemTime) -> Result<Loaded, Unusable> {
        let loaded = load(&self.files)?;
        let Leaf { not_before, not_after, .. } = loaded.leaf;
        if loaded.leaf.is_valid_at(today) || !self.loaded.leaf.is_valid_at(today) {
            return Ok(loaded);
        }
        let chain = self.files.chain.clone();
        if today > not_after {
            return Err(Unusable::Expired(chain, not_after));
        }
        self.begins = Some(not_before);
        Err(Unusable::TooEarly(chain, not_before))
    }

    /// Whether this is another than the one we have.
    fn take(&mut self, loaded: Loaded) -> bool {
        let is_new = loaded.key.cert != self.loaded.key.cert;
        self.loaded = loaded;
        is_new
    }

    fn hand_over(&mut self, place: usize, certificates: &Certificates) {
        let Loaded { leaf, key } = &self.loaded;
        certificates.replace(place, leaf.names.clone(), key);
        let names = leaf.names.join(",");
        let expires = humantime::format_rfc3339_seconds(leaf.not_after);
        let file = self.files.chain.display();
        tracing::info!(%file, names, %expires, "Certificate loaded");
        if !self.has_told_of_mode && is_open_to_others(&self.files.key) {
            self.has_told_of_mode = true;
            let file = self.files.key.display();
            tracing::warn!(%file, "This private key can be read by others: chmod 600 keeps it private");
        }
    }

    /// Says so if it is time for a new one.
    fn remind(&self, now: SystemTime) {
        let leaf = &self.loaded.leaf;
        let Some(complaint) = complaint(leaf, now) else { return };
        let expires = humantime::format_rfc3339_seconds(leaf.not_after);
        tracing::warn!(file = %self.files.chain.display(), %expires, "{complaint}");
    }
}

fn complaint(leaf: &Leaf, now: SystemTime) -> Option<&'static str> {
    if now < leaf.not_before {
        return Some("This certificate is not valid yet");
    }
    let Ok(left) = leaf.not_after.duration_since(now) else {
        return Some("This certificate has expired");
    };
    let is_soon = left < SOON && left < leaf.lifetime() / LAST_PART;
    is_soon.then_some("This certificate expires soon")
}

fn seen(files: &OwnCertificate) -> [Option<Look>; 2] {
    [look_at(&files.chain), look_at(&files.key)]
}

/// `None` where there is nothing, or nothing for us.
fn look_at(path: &Path) -> Option<Look> {
    let found = fs::metadata(path).ok()?;
    Some(Look {
        place: (found.dev(), found.ino()),
        size: found.size(),
        written: (found.mtime(), found.mtime_nsec()),
        changed: (found.ctime(), found.ctime_nsec()),
    })
}

#[cfg(test)]
mod tests;
