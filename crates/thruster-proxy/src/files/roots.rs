//! Where the files lie that X-Sendfile may name: SENDFILE_ROOTS. An application that can be talked
//! into naming a file of somebody else's choice is bounded here. What counts is where a file really
//! is, behind all symbolic links.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Folders; what lies in or below one of them may be sent.
#[derive(Debug)]
pub struct Roots {
    given: Vec<PathBuf>,
    /// Where they were when we started: most files lie there, and no link need be followed to
    /// find that out.
    resolved: Vec<PathBuf>,
}

impl Roots {
    /// These folders, or else the working directory and the system's temporary one.
    pub fn new(chosen: Option<&[PathBuf]>) -> Self {
        let given = chosen.map_or_else(defaults, <[PathBuf]>::to_vec);
        let resolved = given.iter().filter_map(|root| root.canonicalize().ok()).collect();
        Roots { given, resolved }
    }

    /// Whether `file`, which was opened by the name of `path`, may be sent.
    ///
    /// # Errors
    /// It may not, or nobody can tell where it lies.
    pub fn admit(&self, file: &File, path: &Path) -> io::Result<()> {
        let place = place_of(file, path)?;
        let is_below = |root: &Path| place.starts_with(root);
        // A root may be made, or be a link that is moved (`current`), while we run.
        let is_below_now =
            |root: &PathBuf| root.canonicalize().is_ok_and(|root| place.starts_with(root));
        if self.resolved.iter().any(|root| is_below(root)) || self.given.iter().any(is_below_now) {
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

/// Where an open file really is. The descriptor is asked, not the name again, which may lead
/// elsewhere by now.
fn place_of(file: &File, path: &Path) -> io::Result<PathBuf> {
    let of_descriptor = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()));
    of_descriptor.or_else(|_| place_by_name(file, path))
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

    #[test]
    fn a_release_comes_with_its_kin() {
        let kin = beside_release(Path::new("/app/releases/20261122"));
        assert_eq!(kin, [Path::new("/app/releases"), Path::new("/app/shared")]);
        for other in ["/", "/releases", "/app", "/app/releases", "/app/releases/1/public"] {
            assert!(beside_release(Path::new(other)).is_empty(), "{other}");
        }
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
        let roots = Roots { given: Vec::new(), resolved: vec![short.into()] };
        let refusal = roots.admit(&file, &place).expect_err("only its beginning").to_string();
        assert!(refusal.contains("SENDFILE_ROOTS"), "{refusal}");
    }
}
