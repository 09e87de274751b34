//! Whose word about the client counts: TRUSTED_PROXIES, and what FORWARD_HEADERS makes of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

/// What an item of the list may be, for the person who typed another.
pub const EXPECTED: &str =
    "IP addresses, networks such as 10.0.0.0/8 or 2001:db8::/32, and private, between commas";

/// `private`: what no packet from the Internet can come from. Networks of a machine or a house
/// (RFC 1122 section 3.2.1.3, RFC 1918, RFC 3927, RFC 4193, RFC 4291 section 2.5), and those that
/// carriers and clouds put between their own machines (RFC 6598).
const PRIVATE: [Network; 9] = [
    Network::v4([127, 0, 0, 0], 8),
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 168, 0, 0], 16),
    Network::v4([169, 254, 0, 0], 16),
    Network::v4([100, 64, 0, 0], 10),
    Network::v6(Ipv6Addr::LOCALHOST, 128),
    Network::v6(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    Network::v6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
];

/// The addresses that belong to proxies of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// Whose X-Forwarded-* and Forwarded are believed.
#[derive(Debug, Clone)]
pub enum Trust {
    Nobody,
    /// Whoever connects.
    Everybody,
    /// Those on the list, and what they say of each other.
    Listed(Arc<TrustedProxies>),
}

/// The addresses that begin with the same bits. Those of IPv4 are a family of their own: `::/0`
/// holds none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    is_v4: bool,
    first: u128,
    mask: u128,
}

impl TrustedProxies {
    /// Reads a list between commas; blanks are ignored.
    ///
    /// # Errors
    /// The first item that is neither an address nor a network nor a word, or the whole text if
    /// it has no item at all.
    pub fn parse(text: &str) -> Result<Self, &str> {
        let mut networks = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match item.eq_ignore_ascii_case("private") {
                true => networks.extend(PRIVATE),
                false => networks.push(Network::parse(item).ok_or(item)?),
            }
        }
        if networks.is_empty() { Err(text) } else { Ok(TrustedProxies(networks)) }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl Trust {
    /// `is_on` is FORWARD_HEADERS. Off is off, whoever is on the list: it asks for less trust.
    pub fn new(is_on: bool, listed: Option<Arc<TrustedProxies>>) -> Self {
        match (is_on, listed) {
            (false, _) => Trust::Nobody,
            (true, None) => Trust::Everybody,
            (true, Some(listed)) => Trust::Listed(listed),
        }
    }

    /// Whether this peer's word counts.
    pub fn believes(&self, peer: IpAddr) -> bool {
        match self {
            Trust::Nobody => false,
            Trust::Everybody => true,
            Trust::Listed(proxies) => proxies.contains(peer),
        }
    }
}

impl Network {
    const fn v4(first: [u8; 4], prefix: u32) -> Self {
        let [a, b, c, d] = first;
        Network::new(true, Ipv4Addr::new(a, b, c, d).to_bits() as u128, prefix + 96)
    }

    const fn v6(first: Ipv6Addr, prefix: u32) -> Self {
        Network::new(false, first.to_bits(), prefix)
    }

    /// `prefix` counts the bits that are fixed, out of 128 for both families.
    const fn new(is_v4: bool, address: u128, prefix: u32) -> Self {
        // There is no shift by 128.
        let mask = if prefix == 0 { 0 } else { u128::MAX << (128 - prefix) };
        Network { is_v4, first: address & mask, mask }
    }

    /// `10.0.0.0/8`, `2001:db8::/32`, or one address. Bits beyond the prefix do not matter.
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let address: IpAddr = bare.unwrap_or(address).parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => width,
            Some(digits) if !digits.bytes().all(|b| b.is_ascii_digit()) => return None,
            Some(digits) => digits.parse().ok().filter(|prefix| *prefix <= width)?,
        };
        Some(match (address, address.to_canonical()) {
            (IpAddr::V4(v4), _) => Network::v4(v4.octets(), prefix),
            // ::ffff:10.0.0.0/104 is IPv4 in disguise.
            (_, IpAddr::V4(v4)) if prefix >= 96 => Network::v4(v4.octets(), prefix - 96),
            (IpAddr::V6(v6), _) => Network::v6(v6, prefix),
        })
    }

    fn contains(&self, address: IpAddr) -> bool {
        let (is_v4, bits) = match address.to_canonical() {
            IpAddr::V4(v4) => (true, v4.to_bits().into()),
            IpAddr::V6(v6) => (false, v6.to_bits()),
        };
        is_v4 == self.is_v4 && bits & self.mask == self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_in(address: &str, list: &str) -> bool {
        TrustedProxies::parse(list).expect(list).contains(address.parse().expect(address))
    }

    #[test]
    fn networks_hold_what_begins_like_them() {
        for (address, list) in [
            ("10.255.0.1", "10.0.0.0/8"),
            ("10.255.0.1", "192.0.2.1, ,10.1.2.3/8,"),
            ("192.0.2.7", "192.0.2.7"),
            ("192.0.2.7", "192.0.2.7/32"),
            ("203.0.113.9", "0.0.0.0/0"),
            ("::ffff:192.0.2.7", "192.0.2.0/24"),
            ("192.0.2.7", "::ffff:192.0.2.0/120"),
            ("192.0.2.7", "::ffff:192.0.2.7"),
            ("2001:db8::1", "2001:db8::/32"),
            ("2001:db8::1", "[2001:db8::1]"),
            ("2001:db8::1", "::/0"),
        ] {
            assert!(is_in(address, list), "{address} in {list}");
        }
        for (address, list) in [
            ("11.0.0.0", "10.0.0.0/8"),
            ("192.0.2.8", "192.0.2.7"),
            ("192.0.2.128", "192.0.2.0/25"),
            ("2001:db9::", "2001:db8::/32"),
            ("::a00:1", "10.0.0.0/8"),
            ("203.0.113.9", "::/0"),
            ("2001:db8::1", "0.0.0.0/0"),
        ] {
            assert!(!is_in(address, list), "{address} not in {list}");
        }
    }

    #[test]
    fn private_is_what_the_internet_does_not_route() {
        for address in [
            "127.0.0.1",
            "127.255.255.255",
            "10.0.0.0",
            "172.16.0.0",
            "172.31.255.255",
            "192.168.9.9",
            "169.254.169.254",
            "100.64.0.0",
            "100.127.255.255",
            "::1",
            "fd12::1",
            "fe80::1",
            "::ffff:10.1.1.1",
        ] {
            assert!(is_in(address, "Private"), "{address}");
        }
        for address in [
            "126.255.255.255",
            "11.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.169.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "0.0.0.0",
            "::2",
            "fec0::1",
            "2001:db8::1",
            "::ffff:8.8.8.8",
        ] {
            assert!(!is_in(address, "private"), "{address}");
        }
    }

    #[test]
    fn an_item_that_is_no_network_is_named() {
        for (list, bad) in [
            ("10.0.0.0/33", "10.0.0.0/33"),
            ("private, cloudflare", "cloudflare"),
            ("10.0.0.1,proxy.example", "proxy.example"),
            ("::1/129", "::1/129"),
            ("10.0.0.0/", "10.0.0.0/"),
            ("10.0.0.0/+8", "10.0.0.0/+8"),
            ("10.0.0.0/8/8", "10.0.0.0/8/8"),
            ("10.0.0/8", "10.0.0/8"),
            ("10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"),
            ("10.0.0.1:80", "10.0.0.1:80"),
            ("010.0.0.1", "010.0.0.1"),
            (" , ", " , "),
        ] {
            assert_eq!(TrustedProxies::parse(list), Err(bad), "{list}");
        }
    }

    #[test]
    fn a_list_narrows_trust_and_off_ends_it() {
        let listed = || TrustedProxies::parse("10.0.0.0/8").ok().map(Arc::new);
        let (inside, outside) = ("10.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap());
        let believed = |trust: Trust| (trust.believes(inside), trust.believes(outside));
        assert_eq!(believed(Trust::new(true, None)), (true, true));
        assert_eq!(believed(Trust::new(true, listed())), (true, false));
        assert_eq!(believed(Trust::new(false, listed())), (false, false));
        assert_eq!(believed(Trust::new(false, None)), (false, false));
    }
}
