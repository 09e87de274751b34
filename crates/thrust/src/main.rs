//! The executable: its words, its exit status, and where it is linked statically its allocator and
//! its way to copy.

// Not in a debug build, where what they are made of is calls of memcpy itself.
#[cfg(all(target_arch = "x86_64", any(test, all(target_env = "musl", not(debug_assertions)))))]
mod memory;

use std::process::ExitCode;

/// mimalloc defines malloc(3) for all, C code too: musl's own is slow, has one lock for all threads,
/// and gives what is large back to the system each time. It is named here so that it is linked, and
/// musl's beside it would be an error. It asks for no huge pages, which would make megabytes of what a
/// thread has barely touched.
#[cfg(target_env = "musl")]
#[used]
static MALLOC: unsafe extern "C" fn(usize) -> *mut std::ffi::c_void = libmimalloc_sys::mi_malloc;

fn main() -> ExitCode {
    ExitCode::from(thrust::thrust(std::env::args_os().skip(1)))
}
