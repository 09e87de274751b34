//! `thrust COMMAND [ARG...]`: puts the web server that COMMAND starts on the open Internet. The
//! executable is nothing but this; where there is none, the gem's extension does the same in Ruby.

mod help;
mod trust;

use std::ffi::OsString;

use thruster_proxy::config::Config;
use thruster_proxy::config::env::{self, ProcessEnvironment};

const SUCCESS: u8 = 0;
const FAILURE: u8 = 1;

/// Does what the words after the command's name ask for, and returns the status to exit with.
pub fn thrust(mut arguments: impl Iterator<Item = OsString>) -> u8 {
    let Some(first) = arguments.next() else {
        eprintln!("ERROR: missing upstream command");
        eprintln!("{}", help::USAGE);
        return FAILURE;
    };
    // Only the first word can be ours; all that follows a command is the command's.
    match first.to_str() {
        Some("--help" | "-h") => help::print_help(&ProcessEnvironment),
        Some("--version" | "-v") => help::print_version(),
        Some("--trust") => match load() {
            Some(config) => trust::trust(&config, &ProcessEnvironment),
            None => FAILURE,
        },
        Some(option) if option.starts_with('-') => {
            eprintln!("ERROR: unknown option {option}");
            eprintln!("{}", help::USAGE);
            FAILURE
        }
        _ => run(&first, &arguments.collect::<Vec<_>>()),
    }
}

fn run(command: &OsString, arguments: &[OsString]) -> u8 {
    match load() {
        Some(config) => thruster_proxy::run(&config, command, arguments),
        None => FAILURE,
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
