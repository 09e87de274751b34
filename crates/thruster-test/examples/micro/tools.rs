//! What the counts depend on besides our own code: another compiler makes other instructions, the
//! C library has its own `malloc` and `memcpy`, and valgrind says which CPU it is that they choose
//! their code for.

use std::process::Command;

/// Their versions, in one line.
pub fn versions() -> String {
    let rustc = said("rustc", &["-vV"]);
    let rustc = |name| rustc.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?");
    let (release, host) = (rustc("release: "), rustc("host: "));
    let libc = said("getconf", &["GNU_LIBC_VERSION"]);
    format!("rustc {release} for {host}, {libc}, {}", said("valgrind", &["--version"]))
}

fn said(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().map(|output| output.stdout);
    String::from_utf8_lossy(&output.unwrap_or_default()).trim().to_owned()
}
