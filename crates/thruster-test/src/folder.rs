//! Folders of a test's own.

use std::path::{Path, PathBuf};

/// A folder that nobody else uses, removed with this handle.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        // Not named as thrust names its own, which it removes when it finds them left behind.
        let name = format!("black-box-{:016x}", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a temporary folder can be made");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where something of this name is in it, or would be.
    pub fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file in it.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        std::fs::write(&path, content).expect("a file can be written");
        path
    }
}

impl Default for Folder {
    fn default() -> Self {
        Folder::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A thrust that has just been killed may still be writing.
        drop(std::fs::remove_dir_all(&self.0));
    }
}
