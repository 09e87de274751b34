//! The executable: its words and its exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(thrust::thrust(std::env::args_os().skip(1)))
}
