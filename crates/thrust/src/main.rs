//! The executable: its words, its exit status, and where it is linked statically its allocator.

use std::process::ExitCode;

// Defines malloc(3) for all, C code too: musl's own is slow, has one lock for all threads, and gives
// what is large back to the system each time. Without huge pages, which would make megabytes of what
// a thread has barely touched.
#[cfg(target_env = "musl")]
use libmimalloc_sys as _;

fn main() -> ExitCode {
    ExitCode::from(thrust::thrust(std::env::args_os().skip(1)))
}
