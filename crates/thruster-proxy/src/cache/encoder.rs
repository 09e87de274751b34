//! Makes content codings of what is kept: once each, on a thread of its own, so that neither the
//! request that would have liked one nor any other waits for it. Files are coded there as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use bytes::Bytes;
use thruster_cache::{Body, Coding, Entry};

use crate::{compress, thread};

/// Bodies that wait for the thread. Past them nothing is lost: the next hit asks again.
const QUEUE: usize = 64;

/// As nice(1) has it by default.
#[cfg(target_os = "linux")]
const NICENESS: libc::c_int = 10;

enum Job {
    Entry(Arc<Entry>, Coding),
    Other(Box<dyn FnOnce() + Send>),
}

pub struct Encoder {
    jobs: SyncSender<Job>,
    /// Nobody waits for what is queued any more.
    is_over: Arc<AtomicBool>,
}

impl Drop for Encoder {
    fn drop(&mut self) {
        self.is_over.store(true, Relaxed);
    }
}

/// What others can wait for is not to slow down those who wait. Linux has this per thread;
/// elsewhere it would be for the whole process.
#[allow(unsafe_code)]
fn give_way() {
    // SAFETY: it touches no memory of ours. Where it is refused, we are merely less polite.
    #[cfg(target_os = "linux")]
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS);
    }
}

impl Encoder {
    /// Starts the thread, which gives what it makes to `done`.
    ///
    /// # Errors
    /// The system refused the thread.
    pub fn start(
        done: impl Fn(&Arc<Entry>, Coding, Bytes) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, jobs) = sync_channel::<Job>(QUEUE);
        let is_over = Arc::new(AtomicBool::new(false));
        let is_ended = is_over.clone();
        thread::spawn("encoder", move || {
            give_way();
            for job in jobs.into_iter().take_while(|_| !is_ended.load(Relaxed)) {
                let (entry, coding) = match job {
                    Job::Entry(entry, coding) => (entry, coding),
                    Job::Other(work) => {
                        work();
                        continue;
                    }
                };
                let Body::Whole(body) = &entry.body else { continue };
                if entry.coded(coding).is_none() {
                    // Empty is the word for "does not get smaller", so that nobody asks again.
                    let coded = compress::encode(coding, body).unwrap_or_default();
                    done(&entry, coding, coded);
                }
            }
        })?;
        Ok(Encoder { jobs: sender, is_over })
    }

    /// Asks for a coding, if there is room.
    pub fn ask(&self, entry: &Arc<Entry>, coding: Coding) {
        self.send(Job::Entry(entry.clone(), coding));
    }

    /// Asks for this to be done; whether it will be.
    pub fn ask_for(&self, work: Box<dyn FnOnce() + Send>) -> bool {
        self.send(Job::Other(work))
    }

    fn send(&self, job: Job) -> bool {
        let sent = self.jobs.try_send(job);
        if let Err(TrySendError::Disconnected(_)) = &sent {
            tracing::debug!("The encoder has ended");
        }
        sent.is_ok()
    }
}
