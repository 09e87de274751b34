//! Where the files lie that X-Sendfile may name: SENDFILE_ROOTS. An application that can be talked
//! into naming a file of somebody else's choice is bounded here. What counts is where a file really
//! is, behind all symbolic links.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::local::Local;
use super::open::{self, Folder, Links};
use super::recent::Recent;

/// Folders; what lies in or below one of them may be sent.
#[derive(Debug)]
pub struct Roots {
    given: Vec<PathBuf>,
    /// Where they were when we started: most files lie there, and no link need be followed to
    /// find that out.
    resolved: Vec<Recent>,
    local: Local,
}

impl Roots {
    /// These folders, or else the working directory and the system's temporary one.
    pub fn new(chosen: Option<&[PathBuf]>) -> Self {
        let given = chosen.map_or_else(defaults, <[PathBuf]>::to_vec);
        let resolved = given.iter().filter_map(|root| root.canonicalize().ok());
        let resolved = resolved.map(|root| Recent::new(root, Links::Refused)).collect();
        Roots { given, resolved, local: Local::default() }
    }

    /// Opens a file at once, if it may be sent and nobody has to wait for it. Else a thread is to
    /// open it, and [`admit`](Self::admit) to say whether it may be sent.
    ///
    /// Mostly nobody needs to be asked where the file is: its name begins with where a root was when
    /// we started, and that root is held, found by a way of plain names on which the kernel met no
    /// link. From there the way is of plain names again, and the kernel takes it only as long as it
    /// meets no link: it ends below the folder that was the root, at most a moment ago, whatever
    /// is linked or moved meanwhile.
    pub fn open_at_hand(&self, path: &Path, now: Instant) -> Option<File> {
        let (folder, name) = apart(path).filter(|_| open::is_available())?;
        self.open_below_root(path, now).or_else(|| self.open_in_folder(folder, name))
    }

    fn open_below_root(&self, path: &Path, now: Instant) -> Option<File> {
        let (root, rest) =
            self.resolved.iter().find_map(|root| Some((root, below(root, path)?)))?;
        root.folder(&self.local, now).ok()?.open_at_hand(rest).ok()
    }

    /// Where the name begins with no root, as with releases whose `storage` is a link to what they
    /// share, or leads into another file system. The folder is found first, and where it is then is
    /// told by the kernel; the last step, to a name in it, follows no link. So the file was below the
    /// root when we came by, even if the folder leaves it that very moment.
    fn open_in_folder(&self, folder: &Path, name: &Path) -> Option<File> {
        let found = Folder::at_hand(folder, Links::Followed).ok()?;
        let place = found.place().ok()?;
        // Before the file is opened, for a server elsewhere would be asked for that.
        let may_open = self.is_below_resolved(&place) && self.local.has(&found);
        may_open.then(|| found.open_at_hand(name).ok())?
    }

    fn is_below_resolved(&self, place: &Path) -> bool {
        self.resolved.iter().any(|root| place.starts_with(root.path()))
    }

    /// Finds out whether the next file beside this one can be opened at once. Blocks.
    pub fn learn(&self, path: &Path) {
        if let Some((folder, _)) = apart(path) {
            self.local.learn(folder);
        }
    }

    /// Whether `file`, which was opened by the name of `path`, may be sent.
    ///
    /// # Errors
    /// It may not, or nobody can tell where it lies.
    pub fn admit(&self, file: &File, path: &Path) -> io::Result<()> {
        let place = place_of(file, path)?;
        // A root may be made, or be a link that is moved (`current`), while we run.
        let is_below_now =
            |root: &PathBuf| root.canonicalize().is_ok_and(|root| place.starts_with(root));
        if self.is_below_resolved(&place) || self.given.iter().any(is_below_now) {
            return Ok(());
        }
        let place = place.display();
        Err(io::Error::other(format!("{place} is outside of the folders of SENDFILE_ROOTS")))
    }
}

fn defaults() -> Vec<PathBuf> {
    // One that was removed under us has no files.
    let working = std::env::current_dir().and_then(|folder| folder.canonicalize());
    let mut roots = vec![std::env::temp_dir()];
    if let Ok(working) = working {
        roots.extend(beside_release(&working));
        roots.push(working);
    }
    roots
}

/// Deployments by Capistrano and its kind run in `releases/N`, with links to `shared` beside
/// `releases` for what outlives one of them. After a deployment without a restart of ours, a
/// newer release names its own files. The repository and the like beside those stay out.
fn beside_release(working: &Path) -> Vec<PathBuf> {
    let releases =
        working.parent().filter(|folder| folder.file_name() == Some(OsStr::new("releases")));
    let Some(releases) = releases else { return Vec::new() };
    vec![releases.to_owned(), releases.with_file_name("shared")]
}

/// The folder and the name of what is called so in plain words; `None` where there is more to it,
/// such as `..`, or a slash at the end. It is for every request, and bytes are quicker to look at
/// than `Components`.
fn apart(path: &Path) -> Option<(&Path, &Path)> {
    let bytes = path.as_os_str().as_bytes();
    let slash = memchr::memrchr(b'/', bytes)?;
    let (folder, name) = (&bytes[..slash], &bytes[slash + 1..]);
    let is_plain = |part: &[u8]| part != b"..";
    let is_file = is_plain(name) && !matches!(name, b"" | b".");
    let is_absolute = folder.first() == Some(&b'/');
    let [taken, name] = [folder, name].map(|part| Path::new(OsStr::from_bytes(part)));
    (is_file && is_absolute && folder.split(|&byte| byte == b'/').all(is_plain))
        .then_some((taken, name))
}

/// What is left of a path below this root, if its text begins with it.
fn below<'p>(root: &Recent, path: &'p Path) -> Option<&'p Path> {
    let rest = path.as_os_str().as_bytes().strip_prefix(root.path().as_os_str().as_bytes())?;
    let rest = rest.strip_prefix(b"/")?;
    Some(Path::new(OsStr::from_bytes(rest)))
}

/// Where an open file really is. The descriptor is asked, not the name again, which may lead
/// elsewhere by now.
fn place_of(file: &File, path: &Path) -> io::Result<PathBuf> {
    open::place_of(file.as_fd()).or_else(|_| place_by_name(file, path))
}

/// The same where there is no /proc: a name without links by which this very file was found.
fn place_by_name(file: &File, path: &Path) -> io::Result<PathBuf> {
    let place = path.canonicalize()?;
    let (found, opened) = (place.metadata()?, file.metadata()?);
    match (found.dev(), found.ino()) == (opened.dev(), opened.ino()) {
        true => Ok(place),
        false => Err(io::Error::other("it was replaced while it was opened")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::recent::FRESH;

    #[test]
    fn a_release_comes_with_its_kin() {
        let kin = beside_release(Path::new("/app/releases/20261122"));
        assert_eq!(kin, [Path::new("/app/releases"), Path::new("/app/shared")]);
        for other in ["/", "/releases", "/app", "/app/releases", "/app/releases/1/public"] {
            assert!(beside_release(Path::new(other)).is_empty(), "{other}");
        }
    }

    #[test]
    fn only_plain_names_are_taken_apart() {
        let taken = apart(Path::new("/app/public//./a b.txt"));
        assert_eq!(taken, Some((Path::new("/app/public"), Path::new("a b.txt"))));
        for other in ["", "/", "a.txt", "public/a.txt", "/app/../a.txt", "/app/.."] {
            assert_eq!(apart(Path::new(other)), None, "{other}");
        }
        for other in ["/app/a.txt/", "/app/a.txt/.", "/app/a.txt/..", "/a.txt"] {
            assert_eq!(apart(Path::new(other)), None, "{other}");
        }
    }

    #[test]
    fn what_is_below_a_root_is_opened_at_once_from_the_second_time_on() {
        let folder = std::env::temp_dir().canonicalize().expect("a folder");
        let folder = folder.join(format!("roots-{:016x}", fastrand::u64(..)));
        let (inside, outside) = (folder.join("in/a"), folder.join("in-front/b"));
        for path in [&inside, &outside] {
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            std::fs::write(path, "content").expect("a file");
        }
        let roots = Roots::new(Some(&[folder.join("in")]));
        let now = Instant::now();
        assert!(roots.open_at_hand(&inside, now).is_none(), "nobody knows yet what disk this is");
        roots.learn(&inside);
        assert!(roots.open_at_hand(&inside, now).is_some());
        assert!(roots.open_at_hand(&outside, now).is_none());
        assert!(roots.open_at_hand(&folder.join("in/../in-front/b"), now).is_none());
        std::fs::rename(folder.join("in"), folder.join("in-back")).expect("another name");
        std::os::unix::fs::symlink("in-front", folder.join("in")).expect("a link");
        for now in [now, now + FRESH] {
            assert!(
                roots.open_at_hand(&folder.join("in/b"), now).is_none(),
                "a root became a link"
            );
        }
        assert!(roots.open_at_hand(&inside, now + FRESH).is_none(), "it is found to be one");
        std::fs::remove_dir_all(&folder).expect("it can be removed");
    }

    #[test]
    fn a_folder_is_not_its_neighbour_of_a_longer_name() {
        let file = File::open("/proc/self/exe").expect("this test");
        let place = place_of(&file, Path::new("/proc/self/exe")).expect("a place");
        assert_eq!(place_by_name(&file, Path::new("/proc/self/exe")).expect("a place"), place);
        let folder = place.parent().expect("a folder").to_owned();
        assert!(Roots::new(Some(&[folder])).admit(&file, &place).is_ok());
        let mut short = place.clone().into_os_string().into_string().expect("UTF-8");
        short.pop();
        let resolved = vec![Recent::new(short.into(), Links::Refused)];
        let roots = Roots { given: Vec::new(), resolved, local: Local::default() };
        let refusal = roots.admit(&file, &place).expect_err("only its beginning").to_string();
        assert!(refusal.contains("SENDFILE_ROOTS"), "{refusal}");
    }
}
