//! What threads wait at while a server starts or stops. Ruby may call them away from it.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use magnus::Error;

use crate::gvl;

#[derive(Default)]
pub struct Gate {
    is_open: Mutex<bool>,
    news: Condvar,
    /// Ends when the gate has opened.
    last: Mutex<Option<JoinHandle<()>>>,
}

impl Gate {
    pub fn open(&self) {
        *self.lock() = true;
        self.news.notify_all();
    }

    /// The thread that opens it.
    pub fn opens_with(&self, thread: JoinHandle<()>) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    }

    /// Waits until it is open, for as long as Ruby lets this thread wait.
    pub fn pass(&self) -> Result<(), Error> {
        loop {
            let is_wanted = AtomicBool::new(false);
            let wake = || {
                let _open = self.lock();
                is_wanted.store(true, Relaxed);
                self.news.notify_all();
            };
            if gvl::released(|| self.wait(&is_wanted), &wake)? == Some(true) {
                return Ok(());
            }
            gvl::check_interrupts()?;
        }
    }

    fn wait(&self, is_wanted: &AtomicBool) -> bool {
        let is_shut = |is_open: &mut bool| !*is_open && !is_wanted.load(Relaxed);
        let waited = self.news.wait_while(self.lock(), is_shut);
        let is_open = *waited.unwrap_or_else(PoisonError::into_inner);
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).take_if(|_| is_open);
        // It panics as little as we do.
        last.into_iter().for_each(|thread| drop(thread.join()));
        is_open
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.is_open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
