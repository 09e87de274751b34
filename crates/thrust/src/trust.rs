//! `thrust --trust`: makes the local CA known to those who are to believe it.

mod stores;

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use thruster_proxy::config::Config;
use thruster_proxy::config::env::Environment;
use thruster_proxy::local_authority;

use crate::{FAILURE, SUCCESS};
use stores::{Store, Tools, stores};

/// Tells every store of trust that can be found, and what to type where that takes root.
pub fn trust(config: &Config, environment: &impl Environment) -> u8 {
    let authority = match local_authority(config) {
        Ok(authority) => authority,
        Err(complaint) => {
            eprintln!("ERROR: {complaint}");
            return FAILURE;
        }
    };
    println!("{}\n    {}", authority.name, authority.path.display());
    println!("    good for {} and this machine's addresses", authority.permitted.join(", "));
    let tools = Tools::in_path(environment.variable("PATH").unwrap_or_default());
    // What sudo does in a home belongs to root, and keeps browsers from it.
    let is_sudo = environment.variable("SUDO_USER").is_some();
    let home = environment.variable("HOME").filter(|_| !is_sudo);
    let told = stores(&authority, &tools, home.as_deref()).into_iter().filter(tell).count();
    if is_sudo {
        println!("For your browsers, type it once more without sudo.");
    } else if cfg!(target_os = "linux") && tools.find("certutil").is_none() {
        println!(
            "For Chromium and Firefox, install certutil (Debian: libnss3-tools), and type it again."
        );
    }
    if told == 0 {
        eprintln!("ERROR: nobody trusts it yet; what trusts files can be given the one above");
        return FAILURE;
    }
    println!("Browsers that are running notice when they are started again.");
    SUCCESS
}

/// Whether the store has it now.
fn tell(store: &Store) -> bool {
    match store.commands.iter().try_for_each(|words| run(words)) {
        Ok(()) => {
            println!("Trusted by {}", store.whose);
            true
        }
        Err(said) => {
            println!("Not trusted by {}: {said}", store.whose);
            if store.is_roots {
                let commands = store.commands.iter().map(|words| format!("sudo {}", typed(words)));
                println!(
                    "To change that, type:\n    {}",
                    commands.collect::<Vec<_>>().join(" && ")
                );
            }
            false
        }
    }
}

/// # Errors
/// The last that it said.
fn run(words: &[OsString]) -> Result<(), String> {
    let [program, arguments @ ..] = words else { return Ok(()) };
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    Err(last.map_or_else(|| format!("{}: {}", program.display(), output.status), String::from))
}

/// The words as a shell takes them.
fn typed(words: &[OsString]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._/+=,:@%".contains(c);
    let quoted = words.iter().enumerate().map(|(place, word)| {
        // sudo finds programs by itself, also where a user would not.
        let name = std::path::Path::new(word).file_name().filter(|_| place == 0);
        let word = name.unwrap_or(OsStr::new(word)).to_string_lossy();
        match word.chars().all(is_plain) {
            true => word.into_owned(),
            false => format!("'{}'", word.replace('\'', r"'\''")),
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_typed_survives_a_shell() {
        let words = ["/usr/bin/install", "/a b/it's", "plain-1.crt", "$HOME"].map(OsString::from);
        let script = format!("install() {{ printf '%s\\n' \"$@\"; }}; {}", typed(&words));
        let output = Command::new("sh").args(["-c", &script]).output().expect("sh runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "/a b/it's\nplain-1.crt\n$HOME\n");
    }

    #[test]
    fn a_program_that_fails_is_quoted() {
        let run = |script| run(&["sh", "-c", script].map(OsString::from));
        assert_eq!(run("exit 0"), Ok(()));
        assert_eq!(run("echo one >&2; echo two >&2; echo >&2; exit 3"), Err("two".into()));
        assert_eq!(run("exit 3"), Err("sh: exit status: 3".into()));
    }
}
