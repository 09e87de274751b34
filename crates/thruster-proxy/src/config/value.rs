//! Reads one setting's text: booleans, sizes, seconds, ports. Each parser says what it
//! expected, in words for the person who typed the value.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use thruster_cache::Coding;

/// Characters of a name in DNS, dots included (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 253;

/// What a well-formed value would have looked like.
pub type Expected = &'static str;

/// Go's booleans, as Thruster reads them, and the words people use: `on`, `yes`, `off`, `no`.
pub fn boolean(text: &str) -> Result<bool, Expected> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "yes" => Ok(true),
        "0" | "f" | "false" | "off" | "no" => Ok(false),
        _ => Err("on or off (also 1/0, true/false, yes/no)"),
    }
}

/// Bytes: a plain number, or one with a decimal (`kB`, `MB`, `GB`) or binary (`KiB`, `MiB`,
/// `GiB`) unit.
pub fn size(text: &str) -> Result<u64, Expected> {
    const EXPECTED: Expected = "a size in bytes, such as 1048576, 64MB or 64MiB";
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(EXPECTED),
    };
    number.parse::<u64>().ok().and_then(|n| n.checked_mul(scale)).ok_or(EXPECTED)
}

/// Whole seconds; `0` means "never", as in Go's server.
pub fn seconds(text: &str) -> Result<Option<Duration>, Expected> {
    // A century: longer sums would overflow the clock, and nobody waits that long.
    const LONGEST: u64 = 100 * 365 * 24 * 3600;
    match text.parse::<u64>() {
        Ok(0) => Ok(None),
        Ok(n) if n <= LONGEST => Ok(Some(Duration::from_secs(n))),
        _ => Err("a whole number of seconds, 0 for never"),
    }
}

/// Whole seconds; `0` means "not at all".
pub fn pause(text: &str) -> Result<Duration, Expected> {
    seconds(text).map(Option::unwrap_or_default).map_err(|_| "a whole number of seconds")
}

/// A TCP port to listen on; `0` lets the system choose.
pub fn listening_port(text: &str) -> Result<u16, Expected> {
    text.parse().map_err(|_| "a port number from 0 to 65535")
}

/// A TCP port to connect to.
pub fn port(text: &str) -> Result<u16, Expected> {
    match text.parse() {
        Ok(0) | Err(_) => Err("a port number from 1 to 65535"),
        Ok(port) => Ok(port),
    }
}

/// How many, `0` included.
pub fn count(text: &str) -> Result<u32, Expected> {
    text.parse().map_err(|_| "a whole number, 0 or more")
}

/// Bytes of padding. More would hide nothing more, and there are decoders that take no comment of
/// 64 KiB in gzip.
pub fn jitter(text: &str) -> Result<u32, Expected> {
    const MOST: u32 = 32768;
    let few = text.parse().ok().filter(|count| *count <= MOST);
    few.ok_or("a whole number from 0 to 32768")
}

/// Codings between commas, the best first. `None` is all of them, in an order of ours.
pub fn codings(text: &str) -> Result<Option<Vec<Coding>>, Expected> {
    if let Ok(is_on) = boolean(text) {
        return Ok((!is_on).then(Vec::new));
    }
    let mut codings = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let is_named = |coding: &Coding| coding.name().eq_ignore_ascii_case(name);
        match Coding::ALL.into_iter().find(is_named) {
            Some(coding) if !codings.contains(&coding) => codings.push(coding),
            _ => return Err("on, off or some of br, gzip and zstd between commas"),
        }
    }
    Ok(Some(codings))
}

/// An IPv4 or IPv6 address, the latter with or without brackets.
pub fn address(text: &str) -> Result<IpAddr, Expected> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse().map_err(|_| "an IP address, such as 127.0.0.1 or ::1")
}

/// Host names between commas, in lower case and ASCII; blanks are ignored. The first label may be
/// `*`, for all.
pub fn names(text: &str) -> Result<Vec<String>, Expected> {
    let texts = text.split(',').map(str::trim).filter(|name| !name.is_empty());
    let mut names = Vec::new();
    for text in texts {
        let name = name(text)
            .ok_or("host names between commas, such as example.com, without https:// or a port")?;
        // To certify one twice would be an order wasted.
        if !names.contains(&name) {
            names.push(name);
        }
    }
    Ok(names)
}

/// One name, as DNS has it (RFC 1035 section 2.3.4, RFC 5891 section 4).
fn name(text: &str) -> Option<String> {
    let (wildcard, text) = text.strip_prefix("*.").map_or(("", text), |rest| ("*.", rest));
    let text = text.strip_suffix('.').unwrap_or(text);
    // Letters, digits and hyphens alone: no CA certifies a name with an underscore.
    let name = Uts46::new().to_ascii(
        text.as_bytes(),
        AsciiDenyList::STD3,
        Hyphens::CheckFirstLast,
        DnsLength::Verify,
    );
    let name = format!("{wildcard}{}", name.ok()?);
    // An address: no last label is a number (RFC 3696 section 2).
    let last = name.rsplit('.').next()?;
    let is_number = last.bytes().all(|b| b.is_ascii_digit());
    (!is_number && name.len() <= LONGEST_NAME).then_some(name)
}

/// Folders between colons; blanks are ignored, so that none means the working directory unasked.
pub fn folders(text: &str) -> Result<Vec<PathBuf>, Expected> {
    let folders = text.split(':').map(str::trim).filter(|folder| !folder.is_empty());
    let folders: Vec<_> = folders.map(PathBuf::from).collect();
    match folders.is_empty() {
        true => Err("folders between colons, such as /app/storage:/tmp"),
        false => Ok(folders),
    }
}

/// Files between commas; blanks are ignored.
pub fn files(text: &str) -> Result<Vec<PathBuf>, Expected> {
    let files = text.split(',').map(str::trim).filter(|file| !file.is_empty());
    Ok(files.map(PathBuf::from).collect())
}

/// The path of a URL.
pub fn path(text: &str) -> Result<String, Expected> {
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"?#".contains(&b);
    match text.starts_with('/') && text.bytes().all(is_plain) {
        true => Ok(text.to_owned()),
        false => Err("a path, such as /up"),
    }
}

/// A key in base64 or base64url, padded or not; in base64url without padding.
pub fn base64_key(text: &str) -> Result<String, Expected> {
    let digits = text.trim_end_matches('=');
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || b"+/-_".contains(&b);
    // One digit more than a multiple of four is six bits: less than a byte.
    let is_whole = !digits.is_empty() && digits.len() % 4 != 1 && text.len() - digits.len() <= 2;
    match is_whole && digits.bytes().all(is_digit) {
        true => Ok(digits.replace('+', "-").replace('/', "_")),
        false => Err("a key in base64 or base64url"),
    }
}

/// Any text at all.
pub fn text(text: &str) -> Result<String, Expected> {
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_are_gos_and_the_words_people_use() {
        for text in ["1", "t", "T", "TRUE", "true", "True", "on", "Yes"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["0", "f", "F", "FALSE", "false", "False", "off", "NO"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        assert!(boolean("2").is_err() && boolean("").is_err() && boolean("enabled").is_err());
    }

    #[test]
    fn sizes_know_decimal_and_binary_units() {
        assert_eq!(size("1048576"), Ok(1_048_576));
        assert_eq!(size("64MB"), Ok(64_000_000));
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("1GB"), Ok(1_000_000_000));
        assert_eq!(size("2 kib"), Ok(2048));
        for bad in ["", "MB", "-1", "1.5MB", "64XB", "18446744073709551616", "99999999999GiB"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn zero_seconds_is_never() {
        assert_eq!(seconds("0"), Ok(None));
        assert_eq!(seconds("30"), Ok(Some(Duration::from_secs(30))));
        assert!(seconds("1m").is_err() && seconds("-1").is_err());
        assert!(seconds("18446744073709551615").is_err());
    }

    #[test]
    fn ports_fit_sixteen_bits() {
        assert_eq!(listening_port("0"), Ok(0));
        assert!(port("0").is_err() && port("65536").is_err() && port("tcp://10.0.0.1:80").is_err());
    }

    #[test]
    fn keys_are_base64_in_either_alphabet() {
        for key in ["c2VjcmV0", "c2VjcmV0MQ==", "c2VjcmV0MQ", "-_-_", "+/+/"] {
            assert!(base64_key(key).is_ok(), "{key}");
        }
        assert_eq!(base64_key("+/+/MQ==").as_deref(), Ok("-_-_MQ"));
        for bad in ["secret!", "=", "abcde", "abc===", "a b="] {
            assert!(base64_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn folders_stand_between_colons() {
        assert_eq!(folders("/a b: :c:"), Ok(vec!["/a b".into(), "c".into()]));
        assert!(folders(":").is_err());
    }

    #[test]
    fn codings_keep_the_order_they_are_given_in() {
        use Coding::{Brotli, Gzip, Zstd};
        assert_eq!(codings("on"), Ok(None));
        assert_eq!(codings("off"), Ok(Some(vec![])));
        assert_eq!(codings("gzip, BR"), Ok(Some(vec![Gzip, Brotli])));
        assert_eq!(codings("zstd,"), Ok(Some(vec![Zstd])));
        for bad in ["deflate", "gzip br", "gzip,gzip", "gzip,off"] {
            assert!(codings(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_are_kept_as_dns_has_them() {
        let named = |text| names(text).expect("names");
        assert_eq!(named(" a.com , ,B.com.,a.COM,"), ["a.com", "b.com"]);
        assert_eq!(named("bücher.example"), ["xn--bcher-kva.example"]);
        assert_eq!(named("BU\u{308}CHER.example"), ["xn--bcher-kva.example"], "decomposed");
        assert_eq!(
            named("straße.example,例え。テスト"),
            ["xn--strae-oqa.example", "xn--r8jz45g.xn--zckzah"]
        );
        assert_eq!(named("*.a.com,*.bücher.example"), ["*.a.com", "*.xn--bcher-kva.example"]);
        assert_eq!(
            named("localhost,r3---sn.a.com,1.a.com"),
            ["localhost", "r3---sn.a.com", "1.a.com"]
        );
        assert_eq!(named(" ,"), [""; 0]);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let (label, long) = ("x".repeat(64), "long.".repeat(60));
        for bad in [
            "a b",
            "a..com",
            ".a.com",
            "a.com..",
            ".",
            "*",
            "*.",
            "*a.com",
            "a.*.com",
            "*.*.com",
            "https://a.com",
            "a.com:443",
            "a.com/",
            "a@b.com",
            "my_app.com",
            "-a.com",
            "a-.com",
            "127.0.0.1",
            "１２７.0.0.1",
            "::1",
            "[::1]",
            "xn--a.com",
            "a\u{200b}.\u{0}com",
            &label,
            &long,
        ] {
            assert!(names(bad).is_err(), "{bad:?}");
            assert!(names(&format!("a.com,{bad}")).is_err(), "{bad:?}");
        }
    }
}
