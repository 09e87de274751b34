//! Files that are nobody else's to read: private keys, and the folders they are in.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::Path;

const FOLDER: u32 = 0o700;
const FILE: u32 = 0o600;

/// More than any key and chain; a file beyond it is none of ours.
const LARGEST: u64 = 1 << 20;

/// All that a mode grants to others than the owner.
const OTHERS: u32 = 0o077;

/// Marks a folder that is meant for everybody, as /tmp is.
const STICKY: u32 = 0o1000;

/// Whether others than its owner may do anything with this file.
pub fn is_open_to_others(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.mode() & OTHERS != 0)
}

/// Makes the folder if need be, and closes it to others, also where it was there before.
///
/// # Errors
/// It cannot be made.
pub fn folder(path: &Path) -> io::Result<()> {
    if !path.is_dir() {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(parent) = parent.filter(|parent| !parent.exists()) {
            folder(parent)?;
        }
        match DirBuilder::new().mode(FOLDER).create(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        give_to_owner_of(parent.unwrap_or(Path::new(".")), &File::open(path)?)?;
    }
    let mode = fs::metadata(path)?.mode();
    if mode & OTHERS != 0 && mode & STICKY == 0 {
        // Where the folder is somebody else's, what is in it is private all the same.
        drop(fs::set_permissions(path, Permissions::from_mode(FOLDER)));
    }
    Ok(())
}

/// Reads a file, whosever it is.
///
/// # Errors
/// Those of the system, and that it is none, or too large to be a key or a chain.
pub fn contents(path: &Path) -> io::Result<Vec<u8>> {
    // To open a pipe is to wait for somebody who writes to it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file, but a folder, a pipe or the like"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Reads a file of ours, and closes it to others, if it was not.
///
/// # Errors
/// Those of the system.
pub fn read(path: &Path) -> io::Result<String> {
    // The error of the conversion would have the bytes in it.
    let text = String::from_utf8(contents(path)?).map_err(|_| io::ErrorKind::InvalidData)?;
    // Where the file is somebody else's, it is as good, if not as safe.
    if is_open_to_others(path)
        && let Err(error) = fs::set_permissions(path, Permissions::from_mode(FILE))
    {
        tracing::warn!(%error, file = %path.display(), "Others may read a private file");
    }
    Ok(text)
}

/// Writes a file, whole or not at all, whenever we or the machine are stopped.
///
/// # Errors
/// Those of the system.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{:016x}", fastrand::u64(..)));
    let draft = Path::new(&draft);
    let written = write_new(draft, text).and_then(|()| fs::rename(draft, path));
    if written.is_err() {
        // It may not have been made.
        drop(fs::remove_file(draft));
    }
    written?;
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE).open(path)?;
    give_to_owner_of(folder_of(path), &file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// What root makes in somebody's folder would else be out of their reach: one `sudo thrust`, and
/// no `thrust` would start any more.
fn give_to_owner_of(folder: &Path, made: &File) -> io::Result<()> {
    let (owner, maker) = (fs::metadata(folder)?, made.metadata()?);
    let is_roots = maker.uid() == 0;
    match is_roots && owner.uid() != 0 {
        true => fchown(made, Some(owner.uid()), Some(owner.gid())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new() -> Self {
            let name = format!("thrust-private-{:016x}", fastrand::u64(..));
            let path = std::env::temp_dir().join(name);
            fs::create_dir(&path).unwrap();
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn folders_and_files_are_closed_even_when_they_were_there() {
        let scratch = Scratch::new();
        let place = scratch.0.join("a/b");
        folder(&place).unwrap();
        assert_eq!((mode(&place), mode(&scratch.0.join("a"))), (0o700, 0o700));
        fs::set_permissions(&place, Permissions::from_mode(0o755)).unwrap();
        folder(&place).unwrap();
        assert_eq!(mode(&place), 0o700);
        let file = place.join("key");
        write(&file, "one").unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&file).unwrap(), "one");
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        write(&file, "two").unwrap();
        assert_eq!((mode(&file), &*fs::read_to_string(&file).unwrap()), (0o600, "two"));
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1, "no drafts are left");
    }

    #[test]
    fn a_folder_for_everybody_stays_one() {
        let scratch = Scratch::new();
        fs::set_permissions(&scratch.0, Permissions::from_mode(0o1777)).unwrap();
        folder(&scratch.0).unwrap();
        assert_eq!(mode(&scratch.0), 0o1777);
    }

    #[test]
    fn what_root_makes_in_somebodys_folder_is_theirs() {
        let scratch = Scratch::new();
        // Only root can set the scene.
        if std::os::unix::fs::chown(&scratch.0, Some(1234), Some(2345)).is_err() {
            return;
        }
        let place = scratch.0.join("a/b");
        folder(&place).unwrap();
        write(&place.join("key"), "").unwrap();
        for path in [&scratch.0.join("a"), &place, &place.join("key")] {
            let found = fs::metadata(path).unwrap();
            assert_eq!((found.uid(), found.gid()), (1234, 2345), "{}", path.display());
        }
    }
}
