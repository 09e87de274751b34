//! Which files a path may mean: rules about text alone, before any disk is asked. Whatever looks
//! like a trick means none, and is for the application to answer.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode;

/// The one hidden folder that is there to be seen (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// The files that a path may mean, below the root and in the order in which
/// `ActionDispatch::Static` looks: the name itself, that with `.html`, and its `index.html`.
pub fn candidates(path: &str) -> Vec<PathBuf> {
    let Some(path) = path.strip_prefix('/') else { return Vec::new() };
    let (path, is_folder) = match path.strip_suffix('/') {
        Some(path) => (path, true),
        None => (path, path.is_empty()),
    };
    let mut base = PathBuf::new();
    if !path.is_empty() {
        for (place, segment) in path.split('/').enumerate() {
            let Some(name) = name(segment, place == 0) else { return Vec::new() };
            base.push(OsStr::from_bytes(&name));
        }
    }
    let mut found = Vec::with_capacity(3);
    if !is_folder {
        found.push(base.clone());
    }
    // There is no use in looking for app.css.html.
    if !is_folder && mime_guess::from_path(&base).first_raw().is_some() {
        return found;
    }
    if base.file_name().is_some() {
        let mut page = base.clone().into_os_string();
        page.push(".html");
        found.push(page.into());
    }
    found.push(base.join("index.html"));
    found
}

/// Whether no folder or file on the way is hidden. Asked again once symlinks are resolved.
pub fn is_public(relative: &Path) -> bool {
    relative.iter().enumerate().all(|(place, name)| is_visible(name.as_bytes(), place == 0))
}

fn is_visible(name: &[u8], is_first: bool) -> bool {
    !name.starts_with(b".") || (is_first && name == WELL_KNOWN)
}

/// One segment, decoded once: what is a `%` or a slash after that is a name's, or a trick.
fn name(segment: &str, is_first: bool) -> Option<Vec<u8>> {
    if !is_well_encoded(segment.as_bytes()) {
        return None;
    }
    let name: Vec<u8> = percent_decode(segment.as_bytes()).collect();
    // Hidden are also `.` and `..`. An empty segment, as in `//host/file`, is no name.
    let is_name = !name.is_empty() && is_visible(&name, is_first);
    (is_name && !name.iter().any(|b| matches!(b, 0 | b'/' | b'\\'))).then_some(name)
}

/// Whether each `%` has its two digits (RFC 3986 section 2.1).
fn is_well_encoded(segment: &[u8]) -> bool {
    segment
        .split(|&b| b == b'%')
        .skip(1)
        .all(|rest| rest.get(..2).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Vec<String> {
        let shown = |path: PathBuf| path.as_os_str().as_bytes().escape_ascii().to_string();
        candidates(path).into_iter().map(shown).collect()
    }

    #[test]
    fn a_path_means_a_file_or_a_page() {
        for (path, files) in [
            ("/app.css", &["app.css"][..]),
            ("/a/b/app.js", &["a/b/app.js"]),
            ("/about", &["about", "about.html", "about/index.html"]),
            ("/about/", &["about.html", "about/index.html"]),
            ("/", &["index.html"]),
            ("/v1.x9", &["v1.x9", "v1.x9.html", "v1.x9/index.html"]),
            ("/a%20b.txt", &["a b.txt"]),
            ("/%E4%BD%A0.txt", &["\\xe4\\xbd\\xa0.txt"]),
            ("/%ff.txt", &["\\xff.txt"]),
            ("/.well-known/security.txt", &[".well-known/security.txt"]),
            ("/a..b.txt", &["a..b.txt"]),
            // Decoded once, this is a file with such a name.
            ("/%252e%252e.txt", &["%2e%2e.txt"]),
        ] {
            assert_eq!(found(path), files, "{path}");
        }
    }

    #[test]
    fn tricks_mean_nothing() {
        for path in [
            "",
            "*",
            "app.css",
            "//etc/passwd",
            "/a//b.css",
            "/a.css//",
            "/..",
            "/../a.css",
            "/a/../b.css",
            "/a/./b.css",
            "/%2e%2e/a.css",
            "/%2E./a.css",
            "/..%2fa.css",
            "/a%2Fb.css",
            "/..%5ca.css",
            "/a\\b.css",
            "/a%5Cb.css",
            "/a.css%00",
            "/a%00.css",
            "/%",
            "/100%",
            "/%zz.css",
            "/%2.css",
            "/.env",
            "/.git/config",
            "/a/.htaccess",
            "/%2egit/config",
            "/a/.well-known/b.txt",
            "/.well-known/.hidden",
            "/.well-knownx/a",
            "/..;/a.css",
            "/a/..%00/b.css",
        ] {
            assert_eq!(found(path), [""; 0], "{path}");
        }
    }

    #[test]
    fn nothing_that_is_found_leaves_the_root() {
        let mut random = fastrand::Rng::with_seed(11);
        let bits = ["/", "..", ".", "%2e", "%2F", "%5c", "a", "%00", "%", "\\", "b.css", "%25"];
        for _ in 0..20_000 {
            let count = random.usize(1..10);
            let path: String = (0..count).map(|_| bits[random.usize(..bits.len())]).collect();
            for file in candidates(&format!("/{path}")) {
                let is_plain = |part| matches!(part, std::path::Component::Normal(_));
                assert!(file.components().all(is_plain) && is_public(&file), "{path}: {file:?}");
            }
        }
    }
}
