//! Where the control socket is: a path that somebody chose, or a folder that only we can enter.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};

/// The beginning of the names of our folders, and the socket in each.
const FOLDER: &str = "thruster-";
const SOCKET: &str = "control";

pub struct Place {
    socket: PathBuf,
    /// Ours, and removed with the socket.
    folder: Option<PathBuf>,
    /// Our socket's number, once it is there: a successor's has another.
    inode: Option<u64>,
}

impl Place {
    /// Takes a path that somebody chose, also from one of us who still listens there: in a rolling
    /// deploy that is our predecessor.
    ///
    /// # Errors
    /// There is something else than a socket.
    pub fn given(path: &Path) -> io::Result<Self> {
        match fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                Err(io::Error::new(io::ErrorKind::AlreadyExists, "not a socket"))
            }
            _ => Ok(Place { socket: path.to_owned(), folder: None, inode: None }),
        }
    }

    /// Makes a folder that only we can enter.
    ///
    /// # Errors
    /// The system refused.
    pub fn private() -> io::Result<Self> {
        let temporary = std::env::temp_dir();
        let folder = temporary.join(format!("{FOLDER}{:016x}", fastrand::u64(..)));
        DirBuilder::new().mode(0o700).create(&folder)?;
        remove_leftovers(&temporary, fs::symlink_metadata(&folder)?.uid());
        Ok(Place { socket: folder.join(SOCKET), folder: Some(folder), inode: None })
    }

    /// Listens there, for this user alone. It appears at once as one that listens: a socket that
    /// does not would be taken for a leftover.
    ///
    /// # Errors
    /// The system refused.
    pub fn listen(&mut self) -> io::Result<UnixListener> {
        let mut unborn = self.socket.clone().into_os_string();
        unborn.push(format!(".{:04x}", fastrand::u16(..)));
        let listener = UnixListener::bind(&unborn)?;
        let born = fs::set_permissions(&unborn, Permissions::from_mode(0o600))
            .and_then(|()| fs::rename(&unborn, &self.socket));
        if let Err(error) = born {
            drop(fs::remove_file(&unborn));
            return Err(error);
        }
        self.inode = inode(&self.socket);
        Ok(listener)
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed now, the next one of us will remove.
        if self.inode.is_some() && self.inode == inode(&self.socket) {
            drop(fs::remove_file(&self.socket));
        }
        if let Some(folder) = &self.folder {
            drop(fs::remove_dir(folder));
        }
    }
}

fn inode(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().map(|there| there.ino())
}

/// Removes the folders of those of us that were killed: nobody listens there any more. Only
/// folders, and this user's: in a place that all share, a name may lead anywhere.
fn remove_leftovers(temporary: &Path, user: u32) {
    let Ok(found) = fs::read_dir(temporary) else { return };
    for folder in found.flatten() {
        let is_named_so = folder.file_name().to_string_lossy().starts_with(FOLDER);
        let is_ours = |there: fs::Metadata| there.is_dir() && there.uid() == user;
        if !is_named_so || !fs::symlink_metadata(folder.path()).is_ok_and(is_ours) {
            continue;
        }
        let socket = folder.path().join(SOCKET);
        if is_deserted(&socket) {
            drop(fs::remove_file(&socket).and_then(|()| fs::remove_dir(folder.path())));
        }
    }
}

/// Whether nobody listens there. One who does may be too busy to let us in, and we do not wait.
fn is_deserted(path: &Path) -> bool {
    let connect = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.connect(&SockAddr::unix(path)?)
    };
    connect().is_err_and(|error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_can_enter_and_nothing_stays() {
        let mut place = Place::private().unwrap();
        let listener = place.listen().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = place.folder.clone().unwrap();
        assert_eq!((mode(&folder), mode(place.socket())), (0o700, 0o600));
        drop((listener, place));
        assert!(!folder.exists());
    }

    #[test]
    fn a_predecessors_place_is_taken_over_and_not_given_up_with_it() {
        let private = Place::private().unwrap();
        let path = private.folder.clone().unwrap().join("chosen");
        let mut old = Place::given(&path).unwrap();
        let listening = old.listen().unwrap();
        let mut new = Place::given(&path).unwrap();
        let listener = new.listen().unwrap();
        drop((listening, old));
        assert!(!is_deserted(&path), "the new one is there");
        drop((listener, new));
        fs::write(&path, "mine").unwrap();
        assert!(Place::given(&path).is_err());
        fs::remove_file(&path).unwrap();
    }
}
