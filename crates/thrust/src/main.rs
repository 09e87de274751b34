//! The executable: its words, its exit status, and where it is linked statically its allocator.

use std::process::ExitCode;

/// musl's own is slow, and has one lock for all threads. Without huge pages, which would make
/// megabytes of what a thread has barely touched.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(thrust::thrust(std::env::args_os().skip(1)))
}
