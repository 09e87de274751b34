//! `thrust COMMAND [ARG...]`: puts the web server that COMMAND starts on the open Internet.

mod help;
mod trust;

use std::ffi::OsString;
use std::process::ExitCode;

use thruster_proxy::config::Config;
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
        Some("--trust") => match load() {
            Some(config) => trust::trust(&config, &ProcessEnvironment),
            None => ExitCode::FAILURE,
        },
        Some(option) if option.starts_with('-') => {
            eprintln!("ERROR: unknown option {option}");
            eprintln!("{}", help::USAGE);
            ExitCode::FAILURE
        }
        _ => run(&first, &arguments.collect::<Vec<_>>()),
    }
}

fn run(command: &OsString, arguments: &[OsString]) -> ExitCode {
    match load() {
        Some(config) => ExitCode::from(thruster_proxy::run(&config, command, arguments)),
        None => ExitCode::FAILURE,
    }
}

/// The settings; `None` when they have been complained of.
fn load() -> Option<Config> {
    match env::load(&ProcessEnvironment) {
        Ok(loaded) => {
            for complaint in &loaded.ignored {
                eprintln!("WARNING: {complaint}; using the default");
            }
            Some(loaded.config)
        }
        Err(complaints) => {
            for complaint in complaints {
                eprintln!("ERROR: {complaint}");
            }
            None
        }
    }
}
