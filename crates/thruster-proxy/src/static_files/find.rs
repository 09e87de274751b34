//! What there is for a path below STATIC_PATH: looked for in what the kernel has in memory, and
//! only where that does not tell, on a thread that may wait for a disk.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use thruster_cache::Coding;

use super::{locate, neighbours};
use crate::files::local::Local;
use crate::files::open::{self, Folder, Links};
use crate::files::recent::Recent;
use crate::files::{self, Opened};

/// The folder that is served.
pub struct Root {
    folder: Recent,
    local: Local,
}

/// What a request may mean.
pub struct Asked {
    /// The files, the first that is there.
    pub candidates: Vec<PathBuf>,
    /// The codings that the client takes, the best first.
    pub codings: Vec<Coding>,
}

/// What there is for it.
pub struct Found {
    /// As it was asked for, below the root.
    pub name: PathBuf,
    pub plain: Opened,
    pub neighbour: Option<(Coding, Opened)>,
}

/// It cannot be told without a disk.
pub struct Unknown;

/// The root as one request finds it: a deploy may have made it another folder.
struct Now {
    /// Behind all links.
    path: PathBuf,
    /// Where the system can open files below a folder.
    folder: Option<Folder>,
}

impl Root {
    pub fn new(path: PathBuf) -> Self {
        Root { folder: Recent::new(path, Links::Followed), local: Local::default() }
    }

    /// Looks at once.
    ///
    /// # Errors
    /// A thread has to look.
    pub fn find_at_hand(&self, asked: &Asked, now: Instant) -> Result<Option<Found>, Unknown> {
        let Some(folder) = self.folder_at_hand(now)? else { return Ok(None) };
        // Most of what an application is asked for is not there, and costs a call for each name, or
        // one in all where it is like `products/1`, and there is no folder `products`.
        if let [first, _, ..] = &asked.candidates[..] {
            let parent = first.parent().filter(|parent| !parent.as_os_str().is_empty());
            if parent.is_some_and(|parent| folder.lacks(parent)) {
                return Ok(None);
            }
        }
        // Links are for those who can tell where they lead.
        asked.first(|name| match folder.open_at_hand(name) {
            Ok(file) => {
                Opened::new(file, self.folder.path().join(name).into()).map_err(|_| Miss::Other)
            }
            Err(error) if open::is_missing(&error) => Err(Miss::Missing),
            Err(_) => Err(Miss::Unknown),
        })
    }

    fn folder_at_hand(&self, now: Instant) -> Result<Option<Arc<Folder>>, Unknown> {
        match self.folder.folder(&self.local, now) {
            Ok(folder) => Ok(Some(folder)),
            Err(error) if open::is_missing(&error) => Ok(None),
            Err(_) => Err(Unknown),
        }
    }

    /// Looks as long as it takes.
    pub fn find(&self, asked: &Asked) -> Option<Found> {
        self.local.learn(self.folder.path());
        let path = self.folder.path().canonicalize().ok()?;
        let folder = open::is_available().then(|| Folder::find(&path));
        let now = Now { folder: folder.transpose().ok()?, path };
        asked.first(|name| now.open(name).map_err(|_| Miss::Other)).ok()?
    }
}

/// Why a name cannot be opened.
enum Miss {
    /// There is nothing of that name.
    Missing,
    /// It is nothing to be sent.
    Other,
    Unknown,
}

impl Asked {
    /// The first candidate that can be opened, and what lies beside it.
    fn first(
        &self,
        open: impl Fn(&Path) -> Result<Opened, Miss>,
    ) -> Result<Option<Found>, Unknown> {
        let mut missing: Option<&Path> = None;
        for name in &self.candidates {
            // What is not there has no index.html in it.
            if missing.is_some_and(|missing| name.starts_with(missing)) {
                continue;
            }
            let plain = match open(name) {
                Ok(plain) => plain,
                Err(Miss::Unknown) => return Err(Unknown),
                Err(Miss::Other) => continue,
                Err(Miss::Missing) => {
                    missing = missing.or(Some(name));
                    continue;
                }
            };
            let neighbour = self.neighbour(name, &plain, open)?;
            return Ok(Some(Found { name: name.clone(), plain, neighbour }));
        }
        Ok(None)
    }

    fn neighbour(
        &self,
        name: &Path,
        plain: &Opened,
        open: impl Fn(&Path) -> Result<Opened, Miss>,
    ) -> Result<Option<(Coding, Opened)>, Unknown> {
        if !neighbours::may_have(name) {
            return Ok(None);
        }
        for &coding in &self.codings {
            let mut beside = name.as_os_str().to_owned();
            beside.push(neighbours::extension(coding));
            match open(Path::new(&beside)) {
                Ok(one) if neighbours::is_current(plain, &one) => return Ok(Some((coding, one))),
                Err(Miss::Unknown) => return Err(Unknown),
                Ok(_) | Err(Miss::Missing | Miss::Other) => {}
            }
        }
        Ok(None)
    }
}

impl Now {
    /// Opens what the name leads to, if that is in the root and not hidden.
    fn open(&self, name: &Path) -> io::Result<Opened> {
        let Some(folder) = &self.folder else {
            // Between the look and the opening only somebody who may write there could change it.
            let place = self.path.join(self.place(name)?);
            return files::open_blocking(place.into());
        };
        let file = match folder.open(name) {
            // The place has no links: if one has come there meanwhile, it is not followed.
            Err(error) if open::is_link(&error) => folder.open(&self.place(name)?)?,
            opened => opened?,
        };
        Opened::new(file, self.path.join(name).into())
    }

    /// Where in the root it is, behind all links.
    fn place(&self, name: &Path) -> io::Result<PathBuf> {
        let place = self.path.join(name).canonicalize()?;
        let inside = place.strip_prefix(&self.path).ok().filter(|inside| locate::is_public(inside));
        inside.map(Path::to_owned).ok_or_else(|| io::ErrorKind::PermissionDenied.into())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::files::recent::FRESH;

    #[test]
    fn what_is_in_memory_needs_no_thread_once_the_disk_is_known() {
        let path = std::env::temp_dir().join(format!("find-{:016x}", fastrand::u64(..)));
        std::fs::create_dir_all(path.join("docs")).expect("folders");
        std::fs::write(path.join("a.css"), "a").expect("a file");
        std::fs::write(path.join("a.css.gz"), "coded").expect("a file");
        std::os::unix::fs::symlink("a.css", path.join("b.css")).expect("a link");
        let root = Root::new(path.clone());
        let wanted = |name: &str| Asked {
            candidates: locate::candidates(name),
            codings: vec![Coding::Brotli, Coding::Gzip],
        };
        let now = Instant::now();
        assert!(root.find_at_hand(&wanted("/a.css"), now).is_err(), "nobody knows the disk yet");
        assert!(root.find(&wanted("/a.css")).is_some());
        let found = root.find_at_hand(&wanted("/a.css"), now).ok().flatten().expect("a file");
        let coding = found.neighbour.map(|(coding, _)| coding);
        assert_eq!((found.name, coding), (PathBuf::from("a.css"), Some(Coding::Gzip)));
        assert!(root.find_at_hand(&wanted("/b.css"), now).is_err(), "a link");
        assert_eq!(root.find(&wanted("/b.css")).expect("a file").plain.pointer.length, 1);
        for name in ["/products/1", "/docs", "/c.css"] {
            assert!(root.find(&wanted(name)).is_none(), "{name}");
            assert!(matches!(root.find_at_hand(&wanted(name), now), Ok(None)), "{name}");
        }
        // Another folder in its place.
        std::fs::rename(&path, path.with_extension("old")).expect("another name");
        std::fs::create_dir(&path).expect("a folder");
        assert!(matches!(root.find_at_hand(&wanted("/a.css"), now), Ok(Some(_))));
        let later = root.find_at_hand(&wanted("/a.css"), now + FRESH);
        assert!(!matches!(later, Ok(Some(_))));
        std::fs::remove_dir_all(path.with_extension("old")).expect("it can be removed");
        std::fs::remove_dir_all(&path).expect("it can be removed");
    }
}
