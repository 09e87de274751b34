//! What `--help` and `--version` print.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use thruster_proxy::config::env::{Environment, current};
use thruster_proxy::config::settings::{SETTINGS, Setting};

use crate::{FAILURE, SUCCESS};

pub const USAGE: &str = "Usage: thrust COMMAND [ARG...]";

pub fn print_version() -> u8 {
    print(concat!("thrust ", env!("CARGO_PKG_VERSION"), " (", env!("THRUST_TARGET"), ")\n"))
}

pub fn print_help(environment: &impl Environment) -> u8 {
    print(&help(environment))
}

fn print(text: &str) -> u8 {
    // `thrust --help | head` closes the pipe early; that is no reason to panic.
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => SUCCESS,
        Err(_) => FAILURE,
    }
}

fn help(environment: &impl Environment) -> String {
    let mut help = format!(
        "{USAGE}\n\n\
         Starts COMMAND with PORT set, and puts HTTP in front of the web server it runs:\n\n    \
         thrust bin/rails server\n\n\
         Options, only before COMMAND:\n  \
         -h, --help     how to use it, and every setting with its value here\n  \
         -v, --version  version and target\n  \
         --trust        have browsers here accept the certificates of TLS_LOCAL\n\n\
         Settings, from the environment (THRUSTER_NAME wins over NAME):\n\n"
    );
    for setting in SETTINGS {
        // Writing into a `String` cannot fail.
        let _ = writeln!(help, "  {}\n      {}", setting.name, setting.help);
        let now = now(setting, environment);
        let _ = writeln!(help, "      default {}, now {now}", default(setting));
    }
    help
}

fn default(setting: &Setting) -> &str {
    if setting.default.is_empty() { "none" } else { setting.default }
}

fn now(setting: &Setting, environment: &impl Environment) -> String {
    match current(environment, setting) {
        None => default(setting).to_owned(),
        Some(_) if setting.is_secret() => "(hidden)".to_owned(),
        Some((variable, text)) => format!("{} (from {variable})", text.to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_tells_defaults_current_values_and_no_secrets() {
        let help = help(&[("THRUSTER_TARGET_PORT", "4000"), ("EAB_HMAC_KEY", "hunter2")]);
        assert!(help.contains("default 3000, now 4000 (from THRUSTER_TARGET_PORT)"));
        assert!(!help.contains("hunter2"));
        assert!(help.contains("--trust"));
        for setting in SETTINGS {
            assert!(help.contains(setting.name), "{}", setting.name);
        }
    }
}
