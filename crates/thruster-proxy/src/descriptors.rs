//! How many descriptors this process may have: all the system allows, for each connection takes
//! two. The child gets back what we found: programs that use select(2) break beyond 1,024.

use std::io;

/// The limits as they were found.
#[derive(Clone, Copy)]
pub struct Found(libc::rlimit);

/// Raises the limit as far as it goes.
///
/// # Errors
/// The system did not let us look.
#[allow(unsafe_code)]
pub fn raise() -> io::Result<Found> {
    let mut found = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes one rlimit, and that is what it is given.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut found) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let raised = libc::rlimit { rlim_cur: found.rlim_max, ..found };
    if set(raised).is_err() {
        tracing::debug!(limit = found.rlim_cur, "Keeping the limit on open files");
    }
    Ok(Found(found))
}

impl Found {
    /// Puts the limit back. Safe between fork and exec.
    ///
    /// # Errors
    /// The system refused, which it does not do to a limit that is not raised.
    pub fn restore(self) -> io::Result<()> {
        set(self.0)
    }
}

#[allow(unsafe_code)]
fn set(limit: libc::rlimit) -> io::Result<()> {
    // SAFETY: setrlimit reads one rlimit, and that is what it is given.
    match unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
