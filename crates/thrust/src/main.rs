//! `thrust COMMAND [ARG...]`: puts the web server that COMMAND starts on the open Internet.

mod help;

use std::ffi::OsString;
use std::process::ExitCode;

use thruster_proxy::config::env::{self, ProcessEnvironment};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(first) = arguments.next() else {
        eprintln!("ERROR: missing upstream command");
        eprintln!("{}", help::USAGE);
        return ExitCode::FAILURE;
    };
    // Only the first word can be ours; all that follows a command is the command's.
    match first.to_str() {
        Some("--help" | "-h") => help::print_help(&ProcessEnvironment),
        Some("--version" | "-v") => help::print_version(),
        Some(option) if option.starts_with('-') => {
            eprintln!("ERROR: unknown option {option}");
            eprintln!("{}", help::USAGE);
            ExitCode::FAILURE
        }
        _ => run(&first, &arguments.collect::<Vec<_>>()),
    }
}

fn run(command: &OsString, arguments: &[OsString]) -> ExitCode {
    let loaded = match env::load(&ProcessEnvironment) {
        Ok(loaded) => loaded,
        Err(complaints) => {
            for complaint in complaints {
                eprintln!("ERROR: {complaint}");
            }
            return ExitCode::FAILURE;
        }
    };
    for complaint in &loaded.ignored {
        eprintln!("WARNING: {complaint}; using the default");
    }
    ExitCode::from(thruster_proxy::run(&loaded.config, command, arguments))
}
