//! Signals in a process that had threads before us, such as Ruby's: what reaches one of them is
//! noted for the thread that waits. The kernel picks any thread that does not block a signal, and
//! only ours can be told to.

use std::io;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

use super::{FORWARDED, Signal, block};

/// Whether anything is diverted at all.
static IS_ON: AtomicBool = AtomicBool::new(false);

/// The thread that waits; 0 while there is none.
static WAITER: AtomicUsize = AtomicUsize::new(0);

/// What has come and it has not had, a bit each: from a terminal, and otherwise.
static FROM_TERMINAL: AtomicU64 = AtomicU64::new(0);
static NOTED: AtomicU64 = AtomicU64::new(0);

/// Blocks signals for this thread, and diverts those of the others. There is no way back: the
/// process is ours until it ends. What was ignored, by nohup(1) for instance, stays so.
///
/// # Errors
/// The system refused.
#[allow(unsafe_code)]
pub fn divert() -> io::Result<()> {
    block()?;
    IS_ON.store(true, SeqCst);
    for number in FORWARDED.into_iter().chain([libc::SIGCHLD]) {
        let mut found = MaybeUninit::<libc::sigaction>::uninit();
        // SAFETY: nothing is changed, and the action so far is written.
        let found = unsafe {
            check(libc::sigaction(number, std::ptr::null(), found.as_mut_ptr()))?;
            found.assume_init()
        };
        if found.sa_sigaction == libc::SIG_IGN {
            continue;
        }
        // SAFETY: all zeros is an action without flags, with an empty mask.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = note as *const () as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        // SAFETY: the handler does only what a handler may, and lives as long as the process.
        check(unsafe { libc::sigaction(number, &raw const action, std::ptr::null_mut()) })?;
    }
    Ok(())
}

/// What has been noted, for the thread that waits. What comes after that finds it and wakes it.
#[allow(unsafe_code)]
pub fn noted() -> Option<Signal> {
    if !IS_ON.load(SeqCst) {
        return None;
    }
    // SAFETY: it touches no memory.
    WAITER.store(unsafe { libc::pthread_self() } as usize, SeqCst);
    let from = |noted: &AtomicU64, number| noted.fetch_and(!bit(number), SeqCst) & bit(number) != 0;
    if from(&NOTED, libc::SIGCHLD) {
        return Some(Signal::ChildEnded);
    }
    FORWARDED.into_iter().find_map(|number| match number {
        _ if from(&FROM_TERMINAL, number) => Some(Signal::FromTerminal(number)),
        _ if from(&NOTED, number) => Some(Signal::Forward(number)),
        _ => None,
    })
}

/// The handler: a system call and atomics alone (POSIX, section 2.4.3).
#[allow(unsafe_code)]
extern "C" fn note(number: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel has written it, for a handler that asks for it.
    let is_from_terminal = super::is_from_terminal(number, unsafe { &*info });
    if is_from_terminal { &FROM_TERMINAL } else { &NOTED }.fetch_or(bit(number), SeqCst);
    let waiter = WAITER.load(SeqCst);
    if waiter != 0 {
        // The end of no child is no news, but it wakes.
        // SAFETY: it touches no memory of ours; the thread lives as long as the process.
        unsafe { libc::pthread_kill(waiter as libc::pthread_t, libc::SIGCHLD) };
    }
}

fn bit(number: libc::c_int) -> u64 {
    1 << number
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
