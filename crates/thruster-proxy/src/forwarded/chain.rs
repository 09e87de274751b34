//! X-Forwarded-For as a list of addresses: which of them is the client's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::header::{HeaderMap, HeaderValue};

use super::{Client, X_FORWARDED_FOR, rfc7239};
use crate::trusted_proxies::{Trust, TrustedProxies};

/// The client's address by what the peer says of it, if its word counts and it says anything.
pub fn client_address(headers: &HeaderMap, client: &Client, trust: &Trust) -> Option<String> {
    let address = match trust {
        Trust::Listed(proxies) if proxies.contains(client.address.ip()) => {
            vouched_for(headers, proxies)
        }
        Trust::Nobody | Trust::Listed(_) => None,
        Trust::Everybody => last_public(headers),
    };
    address.map(|address| address.to_string())
}

/// The last address that is not on a private network, as Rails' `remote_ip` has it, else the
/// first one.
fn last_public(headers: &HeaderMap) -> Option<IpAddr> {
    let mut first = None;
    for address in from_the_right(headers).filter_map(address) {
        first = Some(address);
        if !is_private(address) {
            break;
        }
    }
    first
}

/// From the right, the first address that is none of our proxies'. Each was written by the one
/// to its right: what is left of a stranger, or of what is no address, can be anybody's invention.
fn vouched_for(headers: &HeaderMap, proxies: &TrustedProxies) -> Option<IpAddr> {
    if !headers.contains_key(X_FORWARDED_FOR) {
        return rfc7239::told(headers, proxies)?.addresses.first().copied();
    }
    let mut furthest = None;
    for element in from_the_right(headers) {
        let Some(address) = address(element) else { break };
        furthest = Some(address);
        if !proxies.contains(address) {
            break;
        }
    }
    furthest
}

/// What stands between the commas of all lines, the newest first.
fn from_the_right(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(X_FORWARDED_FOR).into_iter().rev().map(HeaderValue::as_bytes);
    let elements = lines.flat_map(|line| line.rsplit(|b| *b == b',')).map(<[u8]>::trim_ascii);
    // RFC 9110 section 5.6.1.2: those count for nothing.
    elements.filter(|element| !element.is_empty())
}

/// An address as proxies write it: `192.0.2.1`, `2001:db8::1`, in brackets, and with a port.
pub fn address(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text).ok()?;
    if let Some((inner, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let address: Ipv6Addr = inner.parse().ok()?;
        return is_port(port).then(|| IpAddr::V6(address).to_canonical());
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port) = text.split_at(text.find(':')?);
    let address: Ipv4Addr = address.parse().ok()?;
    is_port(port).then_some(address.into())
}

/// Nothing, or a colon and a port, which RFC 7239 section 6.3 lets one hide.
fn is_port(text: &str) -> bool {
    let is_name = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    match text.strip_prefix(':') {
        None => text.is_empty(),
        Some(port) => match port.strip_prefix('_') {
            Some(name) => !name.is_empty() && name.bytes().all(is_name),
            None => (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit()),
        },
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn logged(lines: &[&[u8]], peer: &str, trust: &Trust) -> Option<String> {
        let line = |line: &&[u8]| (X_FORWARDED_FOR, HeaderValue::from_bytes(line).unwrap());
        let headers = HeaderMap::from_iter(lines.iter().map(line));
        client_address(&headers, &Client::new(peer.parse().unwrap()), trust)
    }

    fn listed(list: &str) -> Trust {
        Trust::new(true, TrustedProxies::parse(list).ok().map(Arc::new))
    }

    #[test]
    fn without_a_list_it_is_the_last_public_one() {
        let logged = |list: &str| logged(&[list.as_bytes()], "192.0.2.7:1", &Trust::Everybody);
        assert_eq!(logged("6.6.6.6, 1.2.3.4, 10.0.0.1").as_deref(), Some("1.2.3.4"));
        assert_eq!(logged("10.0.0.2, 10.0.0.1").as_deref(), Some("10.0.0.2"));
        assert_eq!(logged("1.2.3.4:5678").as_deref(), Some("1.2.3.4"));
        assert_eq!(logged("1.2.3.4, unknown").as_deref(), Some("1.2.3.4"));
        assert_eq!(logged("unknown, <script>"), None);
        assert_eq!(logged(""), None);
    }

    #[test]
    fn with_a_list_it_is_the_last_that_a_proxy_of_ours_has_seen() {
        let trust = listed("private, 198.51.100.0/24, 2001:db8:1::/48");
        for (list, expected) in [
            ("1.2.3.4", "1.2.3.4"),
            ("6.6.6.6, 1.2.3.4, 198.51.100.9, 10.0.0.1", "1.2.3.4"),
            ("6.6.6.6,1.2.3.4:5678,[2001:db8:1::7]:443", "1.2.3.4"),
            ("2001:db8::1, 198.51.100.9", "2001:db8::1"),
            ("::ffff:1.2.3.4, ::ffff:10.0.0.1", "1.2.3.4"),
            ("10.0.0.2, 10.0.0.1", "10.0.0.2"),
            ("6.6.6.6, unknown, 10.0.0.1", "10.0.0.1"),
            ("6.6.6.6,, ,10.0.0.1,", "6.6.6.6"),
        ] {
            let address = logged(&[list.as_bytes()], "10.9.9.9:1", &trust);
            assert_eq!(address.as_deref(), Some(expected), "{list}");
        }
        assert_eq!(logged(&[b"6.6.6.6, garbage"], "10.9.9.9:1", &trust), None);
        assert_eq!(logged(&[b"6.6.6.6, 10.0.0.1 \"x"], "10.9.9.9:1", &trust), None);
        assert_eq!(logged(&[b"1.2.3.4"], "203.0.113.1:1", &trust), None, "a stranger");
    }

    #[test]
    fn lines_count_from_the_last_one_and_none_is_passed_over() {
        let trust = listed("private");
        let lines: &[&[u8]] = &[b"6.6.6.6", b"1.2.3.4, 10.0.0.2", b"10.0.0.1"];
        assert_eq!(logged(lines, "10.9.9.9:1", &trust).as_deref(), Some("1.2.3.4"));
        let lines: &[&[u8]] = &[b"6.6.6.6", b"\xff, 10.0.0.2"];
        assert_eq!(logged(lines, "10.9.9.9:1", &trust).as_deref(), Some("10.0.0.2"));
    }

    #[test]
    fn forwarded_counts_where_there_is_no_list() {
        let trust = listed("private");
        let client = Client::new("10.9.9.9:1".parse().unwrap());
        let forwarded = HeaderValue::from_static("for=6.6.6.6, for=\"[2001:db8::1]\"");
        let mut headers = HeaderMap::from_iter([(http::header::FORWARDED, forwarded)]);
        let logged = client_address(&headers, &client, &trust);
        assert_eq!(logged.as_deref(), Some("2001:db8::1"));
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("1.2.3.4"));
        assert_eq!(client_address(&headers, &client, &trust).as_deref(), Some("1.2.3.4"));
    }

    #[test]
    fn addresses_have_brackets_and_ports() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("192.0.2.1:65535", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:_gate-1", "2001:db8::1"),
            ("[::ffff:192.0.2.1]", "192.0.2.1"),
        ] {
            assert_eq!(address(text.as_bytes()), expected.parse().ok(), "{text}");
        }
        for bad in [
            "",
            ":",
            "192.0.2.1:",
            "192.0.2.1:123456",
            "192.0.2.1:x",
            "192.0.2.1:+1",
            "192.0.2",
            "[192.0.2.1]",
            "[::1",
            "::1]",
            "[::1]80",
            "[::1]:_",
            "192.0.2.1 ",
            "1.2.3.4:5:6",
        ] {
            assert_eq!(address(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_port_hides_no_address(ip: std::net::Ipv6Addr, v4: Ipv4Addr, port: u16) {
            let v6 = std::net::SocketAddr::from((ip, port));
            let read = address(v6.to_string().as_bytes());
            proptest::prop_assert_eq!(read, Some(v6.ip().to_canonical()));
            let read = address(format!("{v4}:{port}").as_bytes());
            proptest::prop_assert_eq!(read, Some(v4.into()));
        }
    }
}
