//! The Forwarded field (RFC 7239): what each proxy on the way says of the one before it.

use std::borrow::Cow;
use std::net::IpAddr;

use http::HeaderMap;
use http::header::FORWARDED;

use super::chain;
use crate::trusted_proxies::TrustedProxies;

/// What those we trust say of a request.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The client and the proxies after it, as far as they are known.
    pub addresses: Vec<IpAddr>,
    /// What the client called the host.
    pub host: Option<Vec<u8>>,
    /// Whether the client spoke https, or http.
    pub is_secure: Option<bool>,
}

/// One proxy's word, with what is of use here.
#[derive(Default)]
struct Element<'f> {
    whose: Option<Cow<'f, [u8]>>,
    host: Option<Cow<'f, [u8]>>,
    proto: Option<Cow<'f, [u8]>>,
}

impl Element<'_> {
    /// Nothing where it is `unknown` or hidden (section 6).
    fn address(&self) -> Option<IpAddr> {
        chain::address(self.whose.as_deref()?)
    }
}

/// Reads the field of a request that one of `proxies` has sent; `None` if there is none, or it is
/// broken: then nobody knows where one proxy's word ends and the next one's begins.
pub fn told(headers: &HeaderMap, proxies: &TrustedProxies) -> Option<Told> {
    let mut elements = Vec::new();
    for line in headers.get_all(FORWARDED) {
        read_line(line.as_bytes(), &mut elements)?;
    }
    // The newest word first. Each is one of ours up to the first that speaks of a stranger: that
    // one is still ours, and the stranger is the client. What it has brought along is not.
    elements.reverse();
    let is_last = |element: &Element| element.address().is_none_or(|ip| !proxies.contains(ip));
    let last = elements.iter().position(is_last).or(elements.len().checked_sub(1))?;
    let client = &elements[last];
    Some(Told {
        addresses: elements[..=last].iter().rev().filter_map(Element::address).collect(),
        host: client.host.as_deref().filter(|host| !host.is_empty()).map(<[u8]>::to_vec),
        is_secure: match client.proto.as_deref() {
            Some(proto) if proto.eq_ignore_ascii_case(b"https") => Some(true),
            Some(proto) if proto.eq_ignore_ascii_case(b"http") => Some(false),
            _ => None,
        },
    })
}

/// Section 4: elements between commas, each of pairs between semicolons. `None` if it is broken.
fn read_line<'f>(line: &'f [u8], elements: &mut Vec<Element<'f>>) -> Option<()> {
    let mut rest = line;
    loop {
        let mut element = Element::default();
        let mut is_empty = true;
        let end = loop {
            rest = rest.trim_ascii_start();
            if let Some((name, after)) = token(rest) {
                is_empty = false;
                let value;
                (value, rest) = read_value(after.strip_prefix(b"=")?)?;
                element.add(name, value)?;
            }
            rest = rest.trim_ascii_start();
            match rest.split_first() {
                Some((b';', after)) => rest = after,
                end => break end,
            }
        };
        if !is_empty {
            elements.push(element);
        }
        match end {
            None => return Some(()),
            Some((b',', after)) => rest = after,
            Some(_) => return None,
        }
    }
}

impl<'f> Element<'f> {
    fn add(&mut self, name: &[u8], value: Cow<'f, [u8]>) -> Option<()> {
        let place = match name.to_ascii_lowercase().as_slice() {
            b"for" => &mut self.whose,
            b"host" => &mut self.host,
            b"proto" => &mut self.proto,
            _ => return Some(()),
        };
        // None occurs twice (section 4): which one would count?
        place.replace(value).is_none().then_some(())
    }
}

/// A token, or a quoted string (RFC 9110 section 5.6.4) without its quotes; and what is after it.
fn read_value(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let (value, rest) = token(text)?;
        return Some((Cow::Borrowed(value), rest));
    };
    let end = quoted.iter().position(|b| b"\"\\".contains(b))?;
    if quoted[end] == b'"' {
        return Some((Cow::Borrowed(&quoted[..end]), &quoted[end + 1..]));
    }
    let (mut value, mut bytes) = (Vec::new(), quoted.iter());
    loop {
        match *bytes.next()? {
            b'"' => return Some((Cow::Owned(value), bytes.as_slice())),
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(byte),
        }
    }
}

/// What is in front of the first character that ends a name or a plain value, if it is anything.
/// Colons and brackets are let through: addresses are written without the quotes they ought to
/// have.
fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:[]".contains(b);
    let end = text.iter().position(|b| !is_part(b)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(lines: &[&[u8]]) -> Option<Told> {
        let lines = lines.iter().map(|line| (FORWARDED, HeaderValue::from_bytes(line).unwrap()));
        let proxies = TrustedProxies::parse("private, 2001:db8:1::/48").unwrap();
        told(&HeaderMap::from_iter(lines), &proxies)
    }

    fn addresses(line: &str) -> Vec<String> {
        let told = read(&[line.as_bytes()]).unwrap_or_default();
        told.addresses.iter().map(IpAddr::to_string).collect()
    }

    #[test]
    fn the_client_is_the_first_stranger_from_the_right() {
        for (line, expected) in [
            ("for=192.0.2.1", &["192.0.2.1"][..]),
            ("For=192.0.2.1;By=10.0.0.1 , FOR=10.0.0.2", &["192.0.2.1", "10.0.0.2"]),
            ("for=6.6.6.6, for=192.0.2.1, for=10.0.0.2", &["192.0.2.1", "10.0.0.2"]),
            ("for=\"[2001:db8::1]:443\"", &["2001:db8::1"]),
            ("for=\"192.0.2.1:_port\"", &["192.0.2.1"]),
            ("for=192.0.2.1:80", &["192.0.2.1"]),
            ("for=\"1\\92.0.2.\\1\"", &["192.0.2.1"]),
            ("for=10.0.0.3, for=\"[2001:db8:1::9]\"", &["10.0.0.3", "2001:db8:1::9"]),
            ("for=6.6.6.6, for=unknown, for=10.0.0.2", &["10.0.0.2"]),
            ("for=6.6.6.6, for=_hidden", &[]),
            ("for=6.6.6.6, proto=https", &[]),
            (",, for=192.0.2.1;; ,", &["192.0.2.1"]),
        ] {
            assert_eq!(addresses(line), expected, "{line}");
        }
    }

    #[test]
    fn host_and_proto_are_those_the_client_used() {
        let told = |line: &str| {
            let told = read(&[line.as_bytes()]).unwrap_or_default();
            (told.is_secure, told.host.map(|host| String::from_utf8(host).unwrap()))
        };
        let shop = || Some("shop.example:8443".to_owned());
        for line in [
            "for=192.0.2.1;proto=https;host=shop.example:8443",
            "for=192.0.2.1; proto=HTTPS; host=\"shop.example:8443\", for=10.0.0.1;proto=http;host=in",
            "for=6.6.6.6;host=evil, for=unknown;proto=https;host=shop.example:8443",
        ] {
            assert_eq!(told(line), (Some(true), shop()), "{line}");
        }
        assert_eq!(told("for=192.0.2.1;proto=http"), (Some(false), None));
        assert_eq!(told("for=192.0.2.1;proto=gopher;host=\"\""), (None, None));
        assert_eq!(told("host=evil;proto=https, for=192.0.2.1"), (None, None));
    }

    #[test]
    fn lines_follow_each_other() {
        let told = read(&[b"for=6.6.6.6", b"for=192.0.2.1, for=10.0.0.1", b"for=10.0.0.2"]);
        assert_eq!(told.unwrap().addresses.len(), 3);
    }

    #[test]
    fn a_broken_field_says_nothing() {
        for line in [
            &b"for=\"192.0.2.1"[..],
            b"for=6.6.6.6;x=\", for=\"[2001:db8::1]\";proto=https",
            b"for=6.6.6.6;x=\", for=192.0.2.1;host=\"a.example\"",
            b"for=192.0.2.1;for=6.6.6.6",
            b"for=192.0.2.1 for=6.6.6.6",
            b"for",
            b"for=",
            b"=192.0.2.1",
            b"for=\"\\",
            b"for=\xff",
            b"6.6.6.6\xff, for=192.0.2.1",
            b"",
            b",;,",
        ] {
            assert_eq!(read(&[line]), None, "{}", line.escape_ascii());
        }
    }

    proptest::proptest! {
        #[test]
        fn what_a_stranger_brought_along_is_never_told(
            brought in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..60),
        ) {
            let brought = String::from_utf8_lossy(&brought).replace(|c: char| c.is_control(), " ");
            let line = format!("{brought}, for=192.0.2.1;proto=https, for=10.0.0.1");
            let known: [IpAddr; 2] = ["192.0.2.1".parse().unwrap(), "10.0.0.1".parse().unwrap()];
            if let Some(told) = read(&[line.as_bytes()]) {
                proptest::prop_assert_eq!(told.addresses, known);
            }
        }
    }
}
