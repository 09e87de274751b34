//! Names that change whenever their content does: what has one can be kept for ever. To miss one
//! costs a 304 a visit; to see one where there is none would hide changes for a year. So what is
//! not certain is none.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Whether the name of the file carries a digest of its content:
///
/// - Sprockets: `-` and 64 or 32 hexadecimal digits before a dot,
/// - Propshaft's own mark: `-`, 7 to 128 letters and digits, `.digested.`,
/// - and below a folder `assets`, where the builders put them: Propshaft's 8 hexadecimal digits, a
///   letter and a digit among them at least, and Vite's 8 of base64url, with small and capital
///   letters and digits.
pub fn is_lasting(relative: &Path) -> bool {
    let Some(name) = relative.file_name() else { return false };
    let mut folders = relative.iter().rev().skip(1);
    let is_built = folders.any(|folder| folder == "assets");
    let parts: Vec<&[u8]> = name.as_bytes().split(|&b| b == b'.').collect();
    (1..parts.len()).any(|next| {
        let part = parts[next - 1];
        let is_long = [64, 32].iter().any(|&count| last(part, count).is_some_and(is_hex));
        // An extension follows.
        let is_marked = || next + 1 < parts.len() && parts[next] == b"digested";
        let is_short = || last(part, 8).is_some_and(|end| is_short_hex(end) || is_mixed(end));
        is_long || (is_marked() && is_propshaft(part)) || (is_built && is_short())
    })
}

/// The last so many bytes, if a name and a dash are before them.
fn last(part: &[u8], count: usize) -> Option<&[u8]> {
    let (name, digest) = part.split_at_checked(part.len().checked_sub(count)?)?;
    (name.len() > 1 && name.ends_with(b"-")).then_some(digest)
}

fn is_propshaft(part: &[u8]) -> bool {
    let digest = part.rsplit(|&b| b == b'-').next().filter(|digest| digest.len() < part.len());
    digest.is_some_and(|digest| {
        (7..=128).contains(&digest.len()) && digest.iter().all(u8::is_ascii_alphanumeric)
    })
}

fn is_hex(digest: &[u8]) -> bool {
    digest.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Dates are of digits only, and words of letters.
fn is_short_hex(digest: &[u8]) -> bool {
    is_hex(digest)
        && digest.iter().any(u8::is_ascii_digit)
        && digest.iter().any(u8::is_ascii_lowercase)
}

/// Words have no digits, versions no capitals, constants no small letters.
fn is_mixed(digest: &[u8]) -> bool {
    digest.iter().all(|&b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && digest.iter().any(u8::is_ascii_digit)
        && digest.iter().any(u8::is_ascii_lowercase)
        && digest.iter().any(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

    #[test]
    fn digests_of_the_asset_builders_are_known() {
        let sha256 = format!("{MD5}{MD5}");
        for name in [
            format!("assets/application-{sha256}.css"),
            format!("assets/application-{sha256}.js.map"),
            format!("packs/js/application-{MD5}.js"),
            "assets/chunk-2b7e151628ae.digested.js".to_owned(),
            "vendor/chunk-ABCdef7.digested.css".to_owned(),
            "assets/controllers/hello_controller-549135e8.js".to_owned(),
            "vite/assets/app-BkJ3x_9Q.js".to_owned(),
            "assets/app-DiwrTd-4.css.map".to_owned(),
        ] {
            assert!(is_lasting(Path::new(&name)), "{name}");
        }
    }

    #[test]
    fn other_names_may_get_other_content() {
        for name in [
            "robots.txt",
            "application.css",
            "assets/app-.css",
            "assets/report-20240131.pdf",
            "assets/bootstrap-carousel.js",
            "assets/style-facadeee.css",
            "assets/logo-ICON2024.png",
            "photos/summer-Beach201.jpg",
            "reports/q1-549135e8.pdf",
            "assets/549135e8.js",
            "assets/-549135e8.js",
            "assets/app-549135e8",
            "assets/chunk-abc123.digested.js",
            "assets/chunk-abcdefg.digested",
            "d41d8cd98f00b204e9800998ecf8427e.css",
            "app-D41D8CD98F00B204E9800998ECF8427E.css",
        ] {
            assert!(!is_lasting(Path::new(name)), "{name}");
        }
    }
}
