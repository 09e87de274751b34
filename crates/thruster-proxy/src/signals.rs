//! Signals, taken in turn by one thread instead of by handlers: [`block`] them before any other
//! thread exists, then wait for them with [`next`].

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

/// Waits for the next signal.
///
/// # Errors
/// The wait could not begin, or was interrupted.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub fn next() -> io::Result<Signal> {
    let mut info = MaybeUninit::<libc::siginfo_t>::uninit();
    // SAFETY: sigwaitinfo writes one siginfo_t when it returns a signal.
    let number = unsafe { libc::sigwaitinfo(&set(), info.as_mut_ptr()) };
    if number < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: written by the call that has just succeeded.
    let is_from_kernel = unsafe { info.assume_init() }.si_code == libc::SI_KERNEL;
    Ok(match number {
        libc::SIGCHLD => Signal::ChildEnded,
        // A hang-up may be for the leader of the session alone, and that may be us.
        number @ (libc::SIGINT | libc::SIGQUIT | libc::SIGWINCH) if is_from_kernel => {
            Signal::FromTerminal(number)
        }
        number => Signal::Forward(number),
    })
}

/// Waits for the next signal. Where it came from cannot be known here.
///
/// # Errors
/// The wait could not begin.
#[cfg(not(target_os = "linux"))]
#[allow(unsafe_code)]
pub fn next() -> io::Result<Signal> {
    let mut number = 0;
    // SAFETY: sigwait writes one int.
    check(unsafe { libc::sigwait(&set(), &raw mut number) })?;
    Ok(if number == libc::SIGCHLD { Signal::ChildEnded } else { Signal::Forward(number) })
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
