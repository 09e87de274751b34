//! A process under valgrind's callgrind, asked from outside for the instructions between two
//! moments. All else it does is not counted, and the quicker for it: the program needs no word of
//! this, and what is counted is what is released.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;

use thruster_test::Folder;

/// One for each process.
pub struct Callgrind {
    folder: Folder,
    dumps: Cell<u32>,
}

impl Callgrind {
    pub fn new() -> Self {
        Callgrind { folder: Folder::new(), dumps: Cell::new(0) }
    }

    /// What to put before the program and its arguments.
    pub fn words(&self) -> Vec<String> {
        let at = |name| self.folder.at(name).display().to_string();
        vec![
            "valgrind".into(),
            "--quiet".into(),
            "--tool=callgrind".into(),
            "--instr-atstart=no".into(),
            format!("--callgrind-out-file={}", at("dump")),
            format!("--vgdb-prefix={}", at("vgdb")),
            // System calls younger than valgrind are not there for the program, and that would be said.
            format!("--log-file={}", at("log")),
        ]
    }

    /// What the process executes while `work` is done, in all of its threads: a file that
    /// [`total`] and callgrind_annotate read.
    pub fn profile(&self, pid: u32, work: impl FnOnce()) -> PathBuf {
        self.tell(pid, &["instrumentation", "on"]);
        work();
        self.tell(pid, &["dump", "-c", "instrumentation", "off"]);
        self.dumps.set(self.dumps.get() + 1);
        self.folder.at(&format!("dump.{}", self.dumps.get()))
    }

    fn tell(&self, pid: u32, words: &[&str]) {
        let prefix = self.folder.at("vgdb");
        let mut vgdb = Command::new("vgdb");
        vgdb.args([format!("--vgdb-prefix={}", prefix.display()), format!("--pid={pid}")]);
        let output = vgdb.args(words).output().expect("vgdb comes with valgrind");
        // It may have to interrupt what the process waits for, which takes ptrace(2).
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "vgdb cannot reach process {pid}: {said}");
    }
}

/// All instructions in a profile.
pub fn total(profile: &Path) -> u64 {
    let profile = std::fs::read_to_string(profile).expect("callgrind writes where it was told to");
    let total = profile.lines().find_map(|line| line.strip_prefix("totals: "));
    total.and_then(|number| number.trim().parse().ok()).expect("a profile has its totals")
}
