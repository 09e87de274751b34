//! Opening by openat2(2), which Linux has: at once, if the kernel has the whole way in memory, or
//! else not at all; and below a folder, whatever is linked or moved meanwhile.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// For files: without the first, opening a pipe would wait for somebody to write into it; without
/// the second, a terminal could become ours.
pub const FLAGS: libc::c_int = libc::O_NONBLOCK | libc::O_NOCTTY;

/// A folder as it is found once; what takes its place later is another.
#[derive(Debug)]
pub struct Folder(File);

/// Whether symbolic links on the way are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    Followed,
    Refused,
}

impl Folder {
    /// The folder at this path, if that can be told without a disk.
    ///
    /// # Errors
    /// `WouldBlock` if it cannot, and whatever else the system says.
    pub fn at_hand(path: &Path, links: Links) -> io::Result<Self> {
        let resolve = match links {
            Links::Followed => system::CACHED,
            Links::Refused => system::CACHED | system::NO_SYMLINKS,
        };
        system::open(None, path, system::FOLDER, resolve).map(|folder| Folder(folder.into()))
    }

    /// The same on a thread that may wait, and through links.
    ///
    /// # Errors
    /// What the system says.
    pub fn find(path: &Path) -> io::Result<Self> {
        system::open(None, path, system::FOLDER, 0).map(|folder| Folder(folder.into()))
    }

    /// The number of the file system it is in.
    ///
    /// # Errors
    /// What the system says.
    pub fn device(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.dev())
    }

    /// Where it really is by now, behind all links.
    ///
    /// # Errors
    /// There is no /proc.
    pub fn place(&self) -> io::Result<PathBuf> {
        place_of(self.as_fd())
    }

    /// Opens what is below it and in the same file system, if that can be done without a disk.
    ///
    /// # Errors
    /// `WouldBlock` if it cannot, `ELOOP` and `EXDEV` where the way leads over a link or elsewhere.
    pub fn open_at_hand(&self, name: &Path) -> io::Result<File> {
        self.open_by(name, system::CACHED | system::NO_XDEV)
    }

    /// Whether there certainly is nothing of this name in it, by what the kernel has in memory.
    pub fn lacks(&self, name: &Path) -> bool {
        let resolve = system::CACHED | system::NO_XDEV | system::BENEATH | system::NO_SYMLINKS;
        let place = system::open(Some(self.as_fd()), name, system::PLACE, resolve);
        place.is_err_and(|error| is_missing(&error))
    }

    /// Opens what is below it, on a thread that may wait.
    ///
    /// # Errors
    /// `ELOOP` where the way leads over a link, `EXDEV` where it leads out.
    pub fn open(&self, name: &Path) -> io::Result<File> {
        loop {
            match self.open_by(name, 0) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                opened => return opened,
            }
        }
    }

    fn open_by(&self, name: &Path, resolve: u64) -> io::Result<File> {
        let resolve = resolve | system::BENEATH | system::NO_SYMLINKS;
        system::open(Some(self.as_fd()), name, FLAGS | system::LARGE, resolve).map(File::from)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Where an open file or folder really is. No disk is asked.
///
/// # Errors
/// There is no /proc.
pub fn place_of(opened: BorrowedFd<'_>) -> io::Result<PathBuf> {
    std::fs::read_link(format!("/proc/self/fd/{}", opened.as_raw_fd()))
}

/// Whether an error says for sure that there is nothing of the name.
pub fn is_missing(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENOTDIR))
}

/// Whether an error says that there is a link on the way.
pub fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ELOOP)
}

/// Whether this system has all of it: Linux 5.12, unless a sandbox forbids the call. It is asked
/// once, for neither changes while we run.
pub fn is_available() -> bool {
    static IS_AVAILABLE: OnceLock<bool> = OnceLock::new();
    *IS_AVAILABLE.get_or_init(|| match Folder::at_hand(Path::new("/"), Links::Refused) {
        Ok(_) => true,
        Err(error) => error.kind() == io::ErrorKind::WouldBlock,
    })
}

#[cfg(target_os = "linux")]
mod system {
    use std::ffi::CString;
    use std::io;
    use std::mem::{MaybeUninit, size_of};
    use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    /// A place in the file system; what is there is not opened.
    pub const PLACE: libc::c_int = libc::O_PATH;
    pub const FOLDER: libc::c_int = libc::O_PATH | libc::O_DIRECTORY;

    /// For files past 2 GiB where integers have 32 bits.
    pub const LARGE: libc::c_int = libc::O_LARGEFILE;

    pub use libc::{
        RESOLVE_BENEATH as BENEATH, RESOLVE_CACHED as CACHED, RESOLVE_NO_SYMLINKS as NO_SYMLINKS,
        RESOLVE_NO_XDEV as NO_XDEV,
    };

    /// openat2(2). Without a folder, names begin where the process works.
    #[allow(unsafe_code)]
    pub fn open(
        folder: Option<BorrowedFd<'_>>,
        path: &Path,
        flags: libc::c_int,
        resolve: u64,
    ) -> io::Result<OwnedFd> {
        let path = c_string(path)?;
        let folder = folder.map_or(libc::AT_FDCWD, |folder| folder.as_raw_fd());
        // SAFETY: it is of three integers, for each of which 0 is a value.
        let mut how: libc::open_how = unsafe { MaybeUninit::zeroed().assume_init() };
        how.flags = (flags | libc::O_CLOEXEC) as u64;
        how.resolve = resolve;
        let size = size_of::<libc::open_how>();
        // SAFETY: the path ends with a NUL, `how` has the size that is told, and both outlive the
        // call, which only reads them.
        let opened = unsafe {
            libc::syscall(libc::SYS_openat2, folder, path.as_ptr(), &raw const how, size)
        };
        match RawFd::try_from(opened) {
            // SAFETY: the kernel has just made it, for us.
            Ok(descriptor @ 0..) => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn c_string(path: &Path) -> io::Result<CString> {
        CString::new(path.as_os_str().as_bytes()).map_err(|_| io::ErrorKind::InvalidInput.into())
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::io;
    use std::os::fd::{BorrowedFd, OwnedFd};
    use std::path::Path;

    pub const PLACE: libc::c_int = 0;
    pub const FOLDER: libc::c_int = 0;
    pub const LARGE: libc::c_int = 0;
    pub const BENEATH: u64 = 0;
    pub const CACHED: u64 = 0;
    pub const NO_SYMLINKS: u64 = 0;
    pub const NO_XDEV: u64 = 0;

    pub fn open(
        _: Option<BorrowedFd<'_>>,
        _: &Path,
        _: libc::c_int,
        _: u64,
    ) -> io::Result<OwnedFd> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
