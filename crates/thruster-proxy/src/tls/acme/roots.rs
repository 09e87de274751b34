//! Whom this system believes among those who vouch for servers: read from the files where OpenSSL
//! and Go look for them, macOS' among them. No system's own library is asked, since none can be
//! linked into an executable that was built on another system.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::{env, fs};

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Of these, only the first that there is: some systems have one and the same under several names.
const FILES: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL from 7 on
    "/etc/pki/tls/certs/ca-bundle.crt",   // RHEL 6
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem",                  // Alpine, macOS
    "/opt/etc/ssl/certs/ca-certificates.crt", // Entware
];

/// And these, for roots that somebody has put beside them.
const FOLDERS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// No roots to believe in, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot tell whether it is the CA that we talk to: {0}")]
pub struct NoRoots(String);

/// The roots of this system; SSL_CERT_FILE and SSL_CERT_DIR name others in their place, as they do
/// for OpenSSL. They are no settings of ours, and so are read here.
///
/// # Errors
/// There is not one. What could not be read beside one that could is passed over.
pub fn load() -> Result<RootCertStore, NoRoots> {
    Places::of(env::var_os("SSL_CERT_FILE"), env::var_os("SSL_CERT_DIR")).read()
}

#[derive(Debug, PartialEq)]
struct Places {
    file: Option<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Places {
    /// An empty variable counts as not set.
    fn of(file: Option<OsString>, folders: Option<OsString>) -> Self {
        let file = file.filter(|path| !path.is_empty()).map(PathBuf::from);
        let folders = folders.unwrap_or_default();
        let named = env::split_paths(&folders).filter(|path| !path.as_os_str().is_empty());
        let folders: Vec<_> = named.collect();
        if file.is_some() || !folders.is_empty() {
            return Places { file, folders };
        }
        let there_is = |path: &PathBuf| path.exists();
        Places {
            file: FILES.map(PathBuf::from).into_iter().find(there_is),
            folders: FOLDERS.map(PathBuf::from).into_iter().filter(there_is).collect(),
        }
    }

    fn read(&self) -> Result<RootCertStore, NoRoots> {
        let mut found = Found::default();
        if let Some(path) = &self.file {
            found.take_file(path);
        }
        for path in &self.folders {
            found.take_folder(path);
        }
        let mut roots = RootCertStore::empty();
        // Among so many there are always some that are too old to be understood.
        roots.add_parsable_certificates(found.certificates);
        if roots.is_empty() { Err(self.none(&found.complaints)) } else { Ok(roots) }
    }

    fn none(&self, complaints: &[String]) -> NoRoots {
        let places: Vec<_> =
            self.file.iter().chain(&self.folders).map(|path| path.display()).collect();
        NoRoots(match (complaints, places.as_slice()) {
            ([_, ..], _) => complaints.join(", "),
            ([], []) => "this system has no root certificates where they are looked for".to_owned(),
            ([], places) => {
                let places: Vec<_> = places.iter().map(ToString::to_string).collect();
                format!("no root certificate in {}", places.join(", "))
            }
        })
    }
}

/// Certificates by their bytes, since most are in a file and in a folder.
#[derive(Default)]
struct Found {
    certificates: HashSet<CertificateDer<'static>>,
    complaints: Vec<String>,
}

impl Found {
    fn take_folder(&mut self, path: &Path) {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.complain(path, error),
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            // Links lead nowhere when what they were made for has gone.
            if path.is_file() {
                self.take_file(&path);
            }
        }
    }

    fn take_file(&mut self, path: &Path) {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) => return self.complain(path, error),
        };
        for certificate in CertificateDer::pem_slice_iter(&text) {
            match certificate {
                Ok(certificate) => drop(self.certificates.insert(certificate)),
                // The library's error would quote the file, which need not be the one that was meant.
                Err(_) => self.complain(path, "a part of it cannot be read as PEM"),
            }
        }
    }

    fn complain(&mut self, path: &Path, of: impl Display) {
        self.complaints.push(format!("{}: {of}", path.display()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    /// A folder with files in it, gone afterwards.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(files: &[(&str, &str)]) -> Self {
            let name = format!("thrust-roots-{:016x}", fastrand::u64(..));
            let scratch = Scratch(env::temp_dir().join(name));
            fs::create_dir(&scratch.0).unwrap();
            for (name, text) in files {
                fs::write(scratch.0.join(name), text).unwrap();
            }
            scratch
        }

        fn path(&self, name: &str) -> Option<OsString> {
            Some(self.0.join(name).into())
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn certificate() -> String {
        let key = KeyPair::generate().unwrap();
        CertificateParams::default().self_signed(&key).unwrap().pem()
    }

    fn count(file: Option<OsString>, folders: Option<OsString>) -> Result<usize, String> {
        let read = Places::of(file, folders).read();
        read.map(|roots| roots.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_variables_name_a_file_and_folders() {
        let both = [certificate(), certificate()].concat();
        let here = Scratch::new(&[("both.pem", &both)]);
        let there = Scratch::new(&[("more.pem", &certificate()), ("again.pem", &both)]);
        let folders = env::join_paths([&here.0, &there.0]).unwrap();
        assert_eq!(count(here.path("both.pem"), None), Ok(2));
        assert_eq!(count(None, Some(folders)), Ok(3));
        assert_eq!(count(here.path("both.pem"), there.path("")), Ok(3));
    }

    #[test]
    fn variables_that_are_empty_leave_the_systems_places() {
        let nothing = || Some(OsString::new());
        assert_eq!(Places::of(nothing(), nothing()), Places::of(None, None));
        let one = Scratch::new(&[("one.pem", &certificate())]);
        assert_eq!(count(one.path("one.pem"), nothing()), Ok(1));
    }

    #[test]
    fn what_cannot_be_read_hides_nothing_that_can() {
        let broken = certificate().replace("-----END", "-----FIN");
        let sound = certificate();
        let here =
            Scratch::new(&[("broken.pem", &broken), ("sound.pem", &sound), ("note", "no PEM")]);
        assert_eq!(count(here.path("gone.pem"), here.path("")), Ok(1));
    }

    #[test]
    fn where_there_is_no_root_the_places_are_named() {
        let here = Scratch::new(&[("empty.pem", "")]);
        let said = |file: &str| count(here.path(file), None).unwrap_err();
        assert!(said("gone.pem").contains("gone.pem: No such file"), "{}", said("gone.pem"));
        assert!(said("empty.pem").contains("no root certificate in /"), "{}", said("empty.pem"));
    }
}
