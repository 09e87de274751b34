//! The folder and what lies in it. `lock` is held by its owner, `tmp` has files that are being
//! written, and each entry is a file `ab/abcdef...`. Whatever has another name is not ours: it is
//! neither used nor removed.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::format::{FLAG_AT, FLAG_OUTDATED};
use super::head::Name;

/// There are as many shelves as two hexadecimal digits tell apart: 100,000 entries are 400 each.
pub const SHELVES: u16 = 256;

/// What an answer contains is for its client, not for everybody on the machine.
const PRIVATE_FOLDER: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;

/// The folder, owned.
pub struct Folder {
    path: PathBuf,
    next_temporary: u64,
    /// Its lock goes with the process, however that ends.
    lock: File,
}

/// A file with a name of ours.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// When it was last used, or written.
    pub used: SystemTime,
    pub name: Name,
}

impl Folder {
    /// Makes the folder if need be and takes it; `None` while another process has it. What was
    /// being written when its last owner died is removed.
    ///
    /// # Errors
    /// It cannot be made, or not locked.
    pub fn take(path: &Path) -> io::Result<Option<Self>> {
        private_folder().recursive(true).create(path)?;
        if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
            // Where the folder is somebody else's, what is in it is private all the same.
            let _ = fs::set_permissions(path, Permissions::from_mode(PRIVATE_FOLDER));
        }
        let mut lock = OpenOptions::new();
        lock.read(true).write(true).create(true).truncate(false).mode(PRIVATE_FILE);
        let lock = lock.open(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let folder = Folder { path: path.into(), next_temporary: 0, lock };
        folder.clear_temporaries()?;
        Ok(Some(folder))
    }

    /// A new file under a name that is only ours.
    ///
    /// # Errors
    /// Those of the system.
    pub fn temporary(&mut self) -> io::Result<(PathBuf, File)> {
        let shelf = self.path.join("tmp");
        loop {
            let path = shelf.join(self.next_temporary.to_string());
            self.next_temporary += 1;
            let mut options = OpenOptions::new();
            options.read(true).write(true).create_new(true).mode(PRIVATE_FILE);
            match options.open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                // Somebody has emptied the folder.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    private_folder().recursive(true).create(&shelf)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Puts a whole file where it is found, in place of the one that is there. It is not synced: a
    /// power cut may leave less than was written, which the checksums tell, and a cache can lose.
    ///
    /// # Errors
    /// Those of the system.
    pub fn put(&self, temporary: &Path, name: Name) -> io::Result<()> {
        let path = path_of(&self.path, name);
        match fs::rename(temporary, &path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let shelf = path.parent().expect("an entry is on a shelf");
                private_folder().recursive(true).create(shelf)?;
                fs::rename(temporary, &path)
            }
            done => done,
        }
    }

    /// Marks an entry as purged softly. An entry that cannot be marked is removed.
    ///
    /// # Errors
    /// It could not be removed either, and would be found again.
    pub fn outdate(&self, name: Name) -> io::Result<()> {
        let mark = || {
            let file = OpenOptions::new().write(true).open(path_of(&self.path, name))?;
            FileExt::write_all_at(&file, &[FLAG_OUTDATED], FLAG_AT)
        };
        mark().or_else(|_| self.remove(name))
    }

    /// Removes an entry, or at least what is in it.
    ///
    /// # Errors
    /// Neither was possible, and the entry would be found again.
    pub fn remove(&self, name: Name) -> io::Result<()> {
        let path = path_of(&self.path, name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => {
                let emptied = OpenOptions::new().write(true).truncate(true).open(&path);
                emptied.map(drop).map_err(|_| error)
            }
            Ok(()) => Ok(()),
        }
    }

    /// The entries on one shelf; none where it cannot be read.
    pub fn shelf(&self, number: u16) -> Vec<Found> {
        let Ok(files) = fs::read_dir(self.path.join(format!("{number:02x}"))) else {
            return Vec::new();
        };
        let found = |file: fs::DirEntry| {
            let name = parse_name(file.file_name().to_str()?)?;
            let metadata = file.metadata().ok()?;
            let is_ours = metadata.is_file() && (name.0 >> 120) as u16 == number;
            let used = metadata.modified().unwrap_or(UNIX_EPOCH);
            is_ours.then_some(Found { used, name })
        };
        files.filter_map(|file| found(file.ok()?)).collect()
    }

    fn clear_temporaries(&self) -> io::Result<()> {
        let shelf = self.path.join("tmp");
        private_folder().recursive(true).create(&shelf)?;
        for file in fs::read_dir(shelf)?.flatten() {
            let name = file.file_name();
            if name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
                // One that stays is in nobody's way: its name is passed over.
                let _ = fs::remove_file(file.path());
            }
        }
        Ok(())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Closing the file is not enough while a child that is just being started has it, too.
        let _ = self.lock.unlock();
    }
}

/// Where the file of an entry is.
pub fn path_of(folder: &Path, Name(name): Name) -> PathBuf {
    folder.join(format!("{:02x}/{name:032x}", name >> 120))
}

fn parse_name(text: &str) -> Option<Name> {
    let is_ours = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_ours.then(|| u128::from_str_radix(text, 16).ok()).flatten().map(Name)
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(PRIVATE_FOLDER);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ours() {
        let name = Name(0x00ab << 112 | 5);
        assert_eq!(path_of(Path::new("/c"), name), PathBuf::from(format!("/c/00/00ab{:028x}", 5)));
        assert_eq!(parse_name(&format!("00ab{:028x}", 5)), Some(name));
        for other in
            ["", "00ab", "00AB0000000000000000000000000005", "+0ab0000000000000000000000000005"]
        {
            assert_eq!(parse_name(other), None, "{other}");
        }
    }
}
