//! Which file systems are on disks of this machine. Others may ask somebody over a network at
//! every opening, also of what the kernel has in memory, and the core would wait for it.

use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::open::{self, Folder};

/// As statfs(2) names them: ext2 to ext4, XFS, Btrfs, tmpfs, overlay, ZFS, F2FS, bcachefs, EROFS,
/// squashfs. One that is missing here is opened by threads.
const LOCAL: [u32; 10] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0x0102_1994,
    0x794c_7630,
    0x2fc1_2fc1,
    0xf2f5_2010,
    0xca45_1a4e,
    0xe0f5_e1e2,
    0x7371_7368,
];

/// File systems that are remembered. A machine has a few, and a container fewer.
const MOST: usize = 64;

/// The numbers of those that were found to be local. A number can be given to another file system
/// once its own is gone; then somebody waits who need not, and gets what is right.
#[derive(Debug, Default)]
pub struct Local(Mutex<Vec<u64>>);

impl Local {
    /// Whether the folder is known to be in one.
    pub fn has(&self, folder: &Folder) -> bool {
        folder.device().is_ok_and(|device| self.lock().contains(&device))
    }

    /// Finds out about the folder at this path, on a thread that may wait.
    pub fn learn(&self, path: &Path) {
        if !open::is_available() {
            return;
        }
        let Ok(folder) = Folder::find(path) else { return };
        let Ok(device) = folder.device() else { return };
        if self.lock().contains(&device) || !kind(&folder).is_ok_and(|kind| LOCAL.contains(&kind)) {
            return;
        }
        let mut known = self.lock();
        if known.len() < MOST && !known.contains(&device) {
            known.push(device);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn kind(folder: &Folder) -> io::Result<u32> {
    use std::os::fd::{AsFd, AsRawFd};

    let mut told = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: it writes into the one struct, which has the size that it expects.
    let status = unsafe { libc::fstatfs(folder.as_fd().as_raw_fd(), told.as_mut_ptr()) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it is of integers, which were zero and are now what the call has told.
    let told = unsafe { told.assume_init() };
    // Its type has another width and sign on every platform; the numbers have 32 bits.
    Ok(told.f_type as u32)
}

#[cfg(not(target_os = "linux"))]
fn kind(_: &Folder) -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_makes_up_is_no_disk_of_this_machine() {
        let local = Local::default();
        local.learn(Path::new("/proc/self"));
        local.learn(Path::new("/nowhere"));
        assert!(local.lock().is_empty());
    }

    #[test]
    fn a_disk_is_learnt_once() {
        let local = Local::default();
        // Where this test was built.
        let here = std::env::current_dir().expect("a folder");
        local.learn(&here);
        local.learn(&here);
        let folder = Folder::find(&here).expect("the folder");
        let is_local = LOCAL.contains(&kind(&folder).expect("a kind"));
        assert_eq!(local.has(&folder), is_local);
        assert_eq!(local.lock().len(), usize::from(is_local));
    }
}
