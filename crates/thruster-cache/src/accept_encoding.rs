//! Which content codings a client takes (RFC 9110 section 12.5.3).

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

use crate::list::{self, Quotes};
use crate::quality;

/// Codings that we make, in alphabetical order: by these the answers to different Accept-Encoding
/// differ. An application that makes others is not confused: what it has coded goes only to those
/// who take that coding.
const MADE: [&str; 3] = ["br", "gzip", "zstd"];

/// Whether a body with this Content-Encoding, which may be several codings, can go to the client.
/// One that sends no Accept-Encoding may be sent anything, by the letter; but it is more likely
/// a script than a browser and gets what is not coded, or the application's own choice.
pub fn accepts_coding(request: &HeaderMap, content_encoding: &str) -> bool {
    let mut codings = list::members(content_encoding.as_bytes(), Quotes::Plain);
    codings.all(|coding| {
        let coding = if coding.is_empty() { b"identity" } else { coding };
        accepted(request, [coding]) == [true]
    })
}

/// One text for all fields that mean the same to us: the made codings that are accepted, and
/// whether it may be none.
pub(crate) fn normal_form(request: &HeaderMap) -> Vec<u8> {
    let [br, gzip, zstd] = MADE.map(str::as_bytes);
    let [made @ .., is_identity_accepted] = accepted(request, [br, gzip, zstd, b"identity"]);
    let mut form = Vec::with_capacity(32);
    for (coding, _) in MADE.iter().zip(made).filter(|(_, is_accepted)| *is_accepted) {
        form.extend_from_slice(coding.as_bytes());
        form.push(b',');
    }
    if !is_identity_accepted {
        form.extend_from_slice(b"identity;q=0");
    }
    form
}

/// Which of these codings the client takes.
fn accepted<const N: usize>(request: &HeaderMap, codings: [&[u8]; N]) -> [bool; N] {
    let (mut named, mut others) = ([None; N], None);
    for member in list::of(request, &ACCEPT_ENCODING, Quotes::Plain) {
        let mut parts = member.split(|&b| b == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let is_wanted = parts.all(|parameter| is_positive(parameter).unwrap_or(true));
        // What is said twice is meant in its narrower sense.
        let narrow = |said: &mut Option<bool>| *said = Some(said.unwrap_or(true) && is_wanted);
        if name == b"*" {
            narrow(&mut others);
        } else if let Some(place) = codings.iter().position(|coding| is_same(name, coding)) {
            narrow(&mut named[place]);
        }
    }
    std::array::from_fn(|place| {
        let is_identity = codings[place].eq_ignore_ascii_case(b"identity");
        named[place].or(others).unwrap_or(is_identity)
    })
}

/// Names of codings, of which gzip has two (RFC 9110 section 8.4.1.3).
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let plain = |name: &[u8]| name.eq_ignore_ascii_case(b"x-gzip");
    one.eq_ignore_ascii_case(other)
        || (plain(one) && other.eq_ignore_ascii_case(b"gzip"))
        || (plain(other) && one.eq_ignore_ascii_case(b"gzip"))
}

/// Whether a weight (RFC 9110 section 12.4.2) is above zero; one that is none counts as zero.
/// `None` if the parameter is not a weight.
fn is_positive(parameter: &[u8]) -> Option<bool> {
    let (name, value) = parameter.split_at_checked(2)?;
    let is_weight = name.eq_ignore_ascii_case(b"q=");
    is_weight.then(|| quality::parse(value).is_some_and(|weight| weight > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (ACCEPT_ENCODING, line.parse().unwrap())).collect()
    }

    #[test]
    fn the_normal_form_is_what_can_be_sent() {
        for (lines, form) in [
            (&["gzip, deflate, br, zstd"][..], "br,gzip,zstd,"),
            (&["zstd;q=0.1,br ; q=1 , gzip;Q=0.5", "deflate"], "br,gzip,zstd,"),
            (&["GZIP", "br;q=0"], "gzip,"),
            (&["x-gzip"], "gzip,"),
            (&["*"], "br,gzip,zstd,"),
            (&["*;q=0.001, gzip;q=0"], "br,zstd,"),
            (&["br, *;q=0"], "br,identity;q=0"),
            (&["br, *;q=0, identity"], "br,"),
            (&["br, identity;q=0.000"], "br,identity;q=0"),
            (&["gzip;q=0, gzip"], ""),
            (&["compress, dcb"], ""),
            (&["identity"], ""),
            (&[""], ""),
            (&[",,gzip,"], "gzip,"),
            (&["gzip;q=1.000, br;q=0.0"], "gzip,"),
            (&["gzip;level=9"], "gzip,"),
        ] {
            let formed = normal_form(&asking(lines));
            assert_eq!(std::str::from_utf8(&formed).unwrap(), form, "{lines:?}");
        }
    }

    #[test]
    fn a_weight_that_is_none_counts_as_zero() {
        for weight in ["q=", "q=2", "q=1.5", "q=0.0001", "q=x", "q=-1", "q=1.001", "q=0.a", "q=0,5"]
        {
            let asked = asking(&[&format!("gzip;{weight}")]);
            assert!(!accepts_coding(&asked, "gzip"), "{weight}");
        }
        assert!(accepts_coding(&asking(&["gzip;q=0.001"]), "gzip"));
    }

    #[test]
    fn what_is_stored_under_a_coding_goes_to_those_who_take_it() {
        assert!(accepts_coding(&asking(&["gzip, br"]), "BR"));
        assert!(accepts_coding(&asking(&["gzip"]), "x-gzip"));
        assert!(accepts_coding(&asking(&["gzip, br"]), "gzip, br"));
        assert!(!accepts_coding(&asking(&["gzip"]), "gzip, br"));
        assert!(accepts_coding(&asking(&["dcb"]), "dcb") && accepts_coding(&asking(&["*"]), "dcb"));
        assert!(!accepts_coding(&asking(&["gzip"]), "dcb"));
        assert!(!accepts_coding(&asking(&[]), "gzip"));
        for none in ["", "identity"] {
            assert!(accepts_coding(&asking(&[]), none) && accepts_coding(&asking(&["br"]), none));
            assert!(!accepts_coding(&asking(&["br, identity;q=0"]), none));
        }
    }
}
