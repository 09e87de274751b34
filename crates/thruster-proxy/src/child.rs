//! The wrapped command: how it starts, what it hears of our signals, how it ends. It never
//! outlives us, and as process 1 we bury whom it leaves behind.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus};

use crate::descriptors::Found;
use crate::signals;

/// The command, running.
pub struct Child {
    pid: libc::pid_t,
}

/// What the command is told in its environment.
pub struct Given<'a> {
    /// Where it is to listen: PORT.
    pub port: u16,
    /// Where it can purge our cache: THRUSTER_CONTROL.
    pub control: Option<&'a Path>,
    /// Whether it may name files by X-Sendfile: THRUSTER_X_SENDFILE.
    pub x_sendfile: bool,
}

/// A command that could not be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {command:?}: {reason}")]
pub struct CannotStart {
    command: OsString,
    reason: String,
}

impl Child {
    /// Starts the command with our environment, directory and standard streams, and what it is `given`.
    /// To be called on a thread that lives as long as the process: Linux ends the child with
    /// the thread that started it.
    ///
    /// # Errors
    /// There is no such command, or the system refused.
    #[allow(unsafe_code)]
    pub fn start(
        command: &OsString,
        arguments: &[OsString],
        given: Given<'_>,
        descriptors: Found,
    ) -> Result<Self, CannotStart> {
        let parent = std::process::id();
        let mut child = Command::new(command);
        child.args(arguments).env("PORT", given.port.to_string());
        match given.control {
            Some(path) => child.env("THRUSTER_CONTROL", path),
            // Another thrust's, if we were started by one.
            None => child.env_remove("THRUSTER_CONTROL"),
        };
        match given.x_sendfile {
            true => child.env("THRUSTER_X_SENDFILE", "1"),
            false => child.env_remove("THRUSTER_X_SENDFILE"),
        };
        // Meant for us, and taken.
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
            child.env_remove(name);
        }
        // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
        unsafe {
            child.pre_exec(move || {
                descriptors.restore()?;
                signals::unblock()?;
                die_with(parent)
            });
        }
        match child.spawn() {
            // The handle is dropped, not waited for: `reap` waits for all children alike.
            Ok(child) => Ok(Child { pid: child.id().cast_signed() }),
            Err(error) => Err(CannotStart {
                command: command.clone(),
                reason: match error.kind() {
                    io::ErrorKind::NotFound => "no such command".to_owned(),
                    io::ErrorKind::PermissionDenied => "it is not executable".to_owned(),
                    _ => error.to_string(),
                },
            }),
        }
    }

    /// Passes a signal on.
    #[allow(unsafe_code)]
    pub fn signal(&self, number: libc::c_int) {
        // SAFETY: kill touches no memory; the child is not reaped while we hold its number.
        if unsafe { libc::kill(self.pid, number) } != 0 {
            let error = io::Error::last_os_error();
            tracing::debug!(%error, signal = number, "Cannot signal the command");
        }
    }

    /// Buries whoever has ended. Returns the exit status if the command is among them: its own,
    /// or 128 and the signal that ended it.
    #[allow(unsafe_code)]
    pub fn reap(&self) -> Option<u8> {
        loop {
            let mut status = 0;
            // SAFETY: waitpid writes one int.
            let pid = unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) };
            if pid == self.pid {
                return Some(exit_status(ExitStatus::from_raw(status)));
            }
            // 0: nobody else has ended yet; -1: nobody is left.
            if pid <= 0 {
                return None;
            }
        }
    }
}

fn exit_status(status: ExitStatus) -> u8 {
    let code = match (status.code(), status.signal()) {
        (Some(code), _) => code,
        (None, Some(signal)) => 128 + signal,
        (None, None) => 1,
    };
    u8::try_from(code).unwrap_or(1)
}

/// Asks the kernel to end this process when `parent` ends, even by SIGKILL.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn die_with(parent: u32) -> io::Result<()> {
    // SAFETY: neither call touches memory.
    let (asked, still) =
        unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL), libc::getppid()) };
    if asked != 0 {
        return Err(io::Error::last_os_error());
    }
    // It may have ended before we asked.
    if still.cast_unsigned() == parent { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
}

#[cfg(not(target_os = "linux"))]
fn die_with(_: u32) -> io::Result<()> {
    Ok(())
}
