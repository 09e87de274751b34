//! Signals, taken in turn by one thread instead of by handlers: [`block`] them before any other
//! thread exists, then wait for them with [`next`].

mod divert;

pub use divert::divert;

use std::io;
use std::mem::MaybeUninit;

/// Those the child is to have whenever we get them.
const FORWARDED: [libc::c_int; 9] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGQUIT,
    libc::SIGHUP,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGWINCH,
];

/// What a signal means to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A child, ours or an adopted one, has ended.
    ChildEnded,
    /// For the child.
    Forward(libc::c_int),
    /// For the child, which has it already: a terminal signals the whole foreground group.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))]
    // nobody else tells who has sent it
    FromTerminal(libc::c_int),
}

/// Keeps every signal we care about for [`next`]. Threads started later inherit this.
///
/// # Errors
/// The system refused.
#[allow(unsafe_code)]
pub fn block() -> io::Result<()> {
    // SAFETY: the set is initialised by `set` and only read.
    check(unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &set(), std::ptr::null_mut()) })
}

/// Gives every signal back its usual course. Safe between fork and exec.
///
/// # Errors
/// The system refused.
#[allow(unsafe_code)]
pub fn unblock() -> io::Result<()> {
    // SAFETY: as in `block`.
    check(unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &set(), std::ptr::null_mut()) })
}

/// Does something on whose threads, those started meanwhile, no signal is delivered: the program
/// around them has its own ways with signals.
///
/// # Errors
/// The system refused.
#[allow(unsafe_code)]
pub fn unheard<T>(work: impl FnOnce() -> T) -> io::Result<T> {
    /// What a thread brings upon itself it must hear: blocked, it would end the process unsaid.
    const OWN: [libc::c_int; 7] = [
        libc::SIGABRT,
        libc::SIGBUS,
        libc::SIGFPE,
        libc::SIGILL,
        libc::SIGSEGV,
        libc::SIGSYS,
        libc::SIGTRAP,
    ];
    let mut all = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: sigfillset initialises the set, and sigdelset takes valid numbers out of it.
    let all = unsafe {
        libc::sigfillset(all.as_mut_ptr());
        for number in OWN {
            libc::sigdelset(all.as_mut_ptr(), number);
        }
        all.assume_init()
    };
    // SAFETY: the set is only read, and the mask so far written.
    check(unsafe {
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, before.as_mut_ptr())
    })?;
    // SAFETY: the call that succeeded has written it.
    let _heard_again = Mask(unsafe { before.assume_init() });
    Ok(work())
}

/// Those this thread did not hear, and will not hear again once this is dropped, be it by a panic.
struct Mask(libc::sigset_t);

impl Drop for Mask {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the set is only read. This fails for arguments that are wrong, and these are not.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut());
        }
    }
}

/// Waits for the next signal.
///
/// # Errors
/// The wait could not begin, or was interrupted.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub fn next() -> io::Result<Signal> {
    if let Some(signal) = divert::noted() {
        return Ok(signal);
    }
    let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
    // SAFETY: sigwaitinfo writes one siginfo_t when it returns a signal.
    let number = unsafe { libc::sigwaitinfo(&set(), info.as_mut_ptr()) };
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: written by the call that has just succeeded.
    let info = unsafe { info.assume_init() };
    Ok(match number {
        libc::SIGCHLD => Signal::ChildEnded,
        number if is_from_terminal(number, &info) => Signal::FromTerminal(number),
        number => Signal::Forward(number),
    })
}

/// Whether the kernel has sent it, to our whole group.
#[cfg(target_os = "linux")]
fn is_from_terminal(number: libc::c_int, info: &libc::siginfo_t) -> bool {
    // A hang-up may be for the leader of the session alone, and that may be us.
    let is_for_all = matches!(number, libc::SIGINT | libc::SIGQUIT | libc::SIGWINCH);
    is_for_all && info.si_code == libc::SI_KERNEL
}

/// Waits for the next signal. Where it came from cannot be known here.
///
/// # Errors
/// The wait could not begin.
#[cfg(not(target_os = "linux"))]
#[allow(unsafe_code)]
pub fn next() -> io::Result<Signal> {
    if let Some(signal) = divert::noted() {
        return Ok(signal);
    }
    let mut number = 0;
    // SAFETY: sigwait writes one int.
    check(unsafe { libc::sigwait(&set(), &raw mut number) })?;
    Ok(if number == libc::SIGCHLD { Signal::ChildEnded } else { Signal::Forward(number) })
}

#[cfg(not(target_os = "linux"))]
fn is_from_terminal(_: libc::c_int, _: &libc::siginfo_t) -> bool {
    false
}

#[allow(unsafe_code)]
fn set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set, which sigaddset then extends by valid numbers.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for number in FORWARDED.into_iter().chain([libc::SIGCHLD]) {
            libc::sigaddset(set.as_mut_ptr(), number);
        }
        set.assume_init()
    }
}

fn check(error: libc::c_int) -> io::Result<()> {
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(error)) }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn signals_are_heard_again_after_a_panic() {
        assert!(!is_term_blocked());
        let outcome = catch_unwind(|| {
            unheard(|| {
                assert!(is_term_blocked());
                panic!("on purpose");
            })
        });
        let panic = outcome.expect_err("the panic goes on");
        assert_eq!(panic.downcast_ref(), Some(&"on purpose"));
        assert!(!is_term_blocked());
    }

    #[allow(unsafe_code)]
    fn is_term_blocked() -> bool {
        let mut mask = MaybeUninit::uninit();
        // SAFETY: nothing is changed, and the mask is written before it is read.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), mask.as_mut_ptr());
            libc::sigismember(mask.as_ptr(), libc::SIGTERM) == 1
        }
    }
}
