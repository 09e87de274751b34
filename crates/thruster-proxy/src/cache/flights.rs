//! Requests for one key that the application has been asked once for: one leads, the others
//! wait for its answer.

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use thruster_cache::{Entry, Key, Selection, Variant};
use tokio::sync::watch;

use super::live::Live;

/// Parts that are locked each for itself.
const SHARDS: usize = 16;

/// What has become of a flight.
#[derive(Clone)]
pub enum Phase {
    /// The application is being asked.
    Asked,
    /// Its answer, on its way.
    Live(Arc<Live>),
    /// Its answer, whole.
    Kept(Arc<Entry>),
    /// An error, and what is stale and may stand in for it.
    Spare(Arc<Entry>),
    /// Its answer is of no use to others.
    Alone,
}

/// Flights under way.
pub struct Flights {
    shards: [Mutex<HashMap<Bytes, Arc<Flight>>>; SHARDS],
    hasher: RandomState,
}

/// One question to the application.
pub struct Flight {
    name: Bytes,
    key: Key,
    phase: watch::Receiver<Phase>,
    /// Known with the head of the answer.
    tags: OnceLock<Vec<Box<str>>>,
    is_doomed: AtomicBool,
}

/// The leader's side of a flight. Dropped without a word, it leaves the lead to another.
pub struct Lead {
    flight: Arc<Flight>,
    phase: watch::Sender<Phase>,
    flights: Arc<Flights>,
}

pub enum Joined {
    Lead(Lead),
    Follow(Follower),
}

/// Somebody who waits.
pub struct Follower(watch::Receiver<Phase>);

/// How long one waits for another's answer to begin, before it asks for its own: one that hangs
/// must not make others hang. nginx has the same 5 s.
const PATIENCE: Duration = Duration::from_secs(5);

impl Follower {
    /// Whether the answer had begun before this one came.
    pub fn is_late(&self) -> bool {
        !matches!(*self.0.borrow(), Phase::Asked)
    }

    /// What became of the flight; `None` if its leader has left it.
    pub async fn wait(mut self) -> Option<Phase> {
        let landed = self.0.wait_for(|phase| !matches!(phase, Phase::Asked));
        match tokio::time::timeout(PATIENCE, landed).await {
            Ok(landed) => landed.ok().map(|phase| phase.clone()),
            Err(_) => Some(Phase::Alone),
        }
    }
}

impl Flights {
    pub fn new() -> Arc<Self> {
        Arc::new(Flights { shards: Default::default(), hasher: RandomState::new() })
    }

    /// Joins the flight for `key`, or begins one. With `variant`, one for just that variant:
    /// it is not known beforehand by what the answers vary.
    pub fn join(self: &Arc<Self>, key: &Key, variant: Option<&Variant>) -> Joined {
        let name = name(key, variant);
        match self.shard(&name).entry(name.clone()) {
            Occupied(flight) => Joined::Follow(Follower(flight.get().phase.clone())),
            Vacant(place) => {
                let (sender, phase) = watch::channel(Phase::Asked);
                let flight = Arc::new(Flight {
                    name,
                    key: key.clone(),
                    phase,
                    tags: OnceLock::new(),
                    is_doomed: AtomicBool::new(false),
                });
                place.insert(flight.clone());
                Joined::Lead(Lead { flight, phase: sender, flights: self.clone() })
            }
        }
    }

    /// What is under way for the selection is not to be kept, and not to be joined.
    pub fn doom(&self, selection: &Selection) {
        for shard in &self.shards {
            lock(shard).retain(|_, flight| {
                let is_meant = match (flight.tags.get(), selection) {
                    // Not known yet what it is: it may be meant.
                    (None, Selection::Tags(_)) => true,
                    (tags, _) => selection.includes(&flight.key, tags.map_or(&[], |tags| tags)),
                };
                if is_meant {
                    flight.is_doomed.store(true, SeqCst);
                }
                !is_meant
            });
        }
    }

    fn shard(&self, name: &Bytes) -> MutexGuard<'_, HashMap<Bytes, Arc<Flight>>> {
        lock(&self.shards[self.hasher.hash_one(name) as usize % SHARDS])
    }

    fn remove(&self, flight: &Arc<Flight>) {
        if let Occupied(found) = self.shard(&flight.name).entry(flight.name.clone())
            && Arc::ptr_eq(found.get(), flight)
        {
            found.remove();
        }
    }
}

impl Lead {
    /// To be called as soon as the tags are known, and before anything is kept.
    pub fn is_tagged(&self, tags: &[Box<str>]) {
        // There is one answer to a flight, or the first of them tells.
        drop(self.flight.tags.set(tags.to_vec()));
    }

    /// Lets the others have the answer as it comes.
    pub fn goes_live(&self, live: Arc<Live>) {
        self.phase.send_replace(Phase::Live(live));
    }

    /// Nobody else joins; those who have go on.
    pub fn closes(&self) {
        self.flights.remove(&self.flight);
    }

    /// Ends the flight.
    pub fn lands(self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Whether its answer was purged before it came.
    pub fn is_doomed(&self) -> bool {
        self.flight.is_doomed.load(SeqCst)
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.flights.remove(&self.flight);
    }
}

fn name(key: &Key, variant: Option<&Variant>) -> Bytes {
    let Some(variant) = variant else { return Bytes::copy_from_slice(key.as_bytes()) };
    let mut name = key.as_bytes().to_vec();
    for (field, value) in &variant.0 {
        for part in [b"\n", field.as_str().as_bytes(), b"\n", value] {
            name.extend_from_slice(part);
        }
    }
    name.into()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
