//! Waiting without the lock that all Ruby code runs under, so that other threads go on meanwhile:
//! among them perhaps the web server whose answer is waited for.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{from_mut, from_ref, null_mut};
use std::thread;

use magnus::Error;
use magnus::rb_sys::protect;

struct Call<W, T> {
    work: Option<W>,
    done: Option<thread::Result<T>>,
}

/// Does the work without the lock. `wake` is called, on another thread, when Ruby wants this one
/// back: for a trap, a timeout, its end. `None`: that was so before the work had begun, and
/// [`check_interrupts`] is next. An error is what ends this thread, as there.
pub fn released<W: FnOnce() -> T, T>(work: W, wake: &dyn Fn()) -> Result<Option<T>, Error> {
    let mut call = Call { work: Some(work), done: None };
    // Protected, though this variant is to raise nothing: where the main thread is the only one,
    // Ruby has a helper wake it, and runs traps while it waits for that to end.
    protect(|| {
        #[allow(unsafe_code)]
        // SAFETY: both pointers are to what lives until this call returns, and of the types that
        // the functions take them for. Called with the lock, and inside `protect`.
        unsafe {
            rb_sys::rb_thread_call_without_gvl2(
                Some(run::<W, T>),
                from_mut(&mut call).cast(),
                Some(interrupt),
                from_ref(&wake).cast_mut().cast(),
            );
        }
        rb_sys::Qnil.into()
    })?;
    Ok(call.done.map(|done| done.unwrap_or_else(|panic| resume_unwind(panic))))
}

/// Runs what Ruby has for this thread: traps. An error is what ends it, to be returned at once.
pub fn check_interrupts() -> Result<(), Error> {
    protect(|| {
        #[allow(unsafe_code)]
        // SAFETY: called with the lock, and inside `protect`.
        unsafe {
            rb_sys::rb_thread_check_ints();
        }
        rb_sys::Qnil.into()
    })
    .map(|_| ())
}

#[allow(unsafe_code)]
unsafe extern "C" fn run<W: FnOnce() -> T, T>(call: *mut c_void) -> *mut c_void {
    // SAFETY: it is what `released` has given, which waits for us.
    let call = unsafe { &mut *call.cast::<Call<W, T>>() };
    // A panic is not to unwind through Ruby's frames.
    call.done = call.work.take().map(|work| catch_unwind(AssertUnwindSafe(work)));
    null_mut()
}

#[allow(unsafe_code)]
unsafe extern "C" fn interrupt(wake: *mut c_void) {
    // SAFETY: as in `run`.
    let wake = unsafe { *wake.cast::<&dyn Fn()>() };
    wake();
}
