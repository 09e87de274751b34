//! Reads the preamble's bytes, both versions. Sections are those of the specification,
//! proxy-protocol.txt, which comes with HAProxy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::Refusal;

/// Section 2.2. No line of HTTP and no record of TLS begins like that.
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Section 2.1.
const WORD: &[u8] = b"PROXY ";

/// The longest line of version 1 with its end (section 2.1).
const LONGEST_LINE: usize = 107;

/// The part of version 2 that is always there (section 2.2).
const FIXED: usize = 16;

/// The most that may follow it. What balancers add is some hundred bytes; the certificates that a
/// few of them pass on are not for us.
const MOST: usize = 4096;

/// Two Unix addresses (section 2.2).
const UNIX_ADDRESSES: usize = 216;

/// Section 2.2.6: PP2_TYPE_SSL, and the bit for "the client spoke TLS".
const TLS: u8 = 0x20;
const CLIENT_SPOKE_TLS: u8 = 0x01;

/// What a preamble says.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Preamble {
    /// The client's address; `None` where the sender speaks for itself, or does not know.
    pub source: Option<SocketAddr>,
    /// The client spoke TLS with the sender.
    pub is_secure: bool,
}

/// What is still to be read after some beginning of a preamble. All of it belongs to the preamble.
#[derive(Debug, PartialEq, Eq)]
pub enum Rest {
    /// As many bytes.
    Exactly(usize),
    /// All to the end of a line, which is to come within so many.
    Line(usize),
    Nothing(Preamble),
}

/// Looks at what has been read so far.
///
/// # Errors
/// It is no preamble, or none that could be read on.
pub fn rest(head: &[u8]) -> Result<Rest, Refusal> {
    if head.starts_with(WORD) {
        return rest_of_line(head);
    }
    let is_so_far = |expected: &[u8]| head.starts_with(&expected[..head.len().min(expected.len())]);
    if !is_so_far(SIGNATURE) && !is_so_far(WORD) {
        return Err(Refusal::Missing);
    }
    match head.get(14..FIXED) {
        // Version 1 is longer than that, too.
        None if head.len() < SIGNATURE.len() => Ok(Rest::Exactly(SIGNATURE.len() - head.len())),
        None => Ok(Rest::Exactly(FIXED - head.len())),
        Some(length) => {
            let length = usize::from(length[0]) << 8 | usize::from(length[1]);
            match FIXED + length - head.len() {
                _ if length > MOST => Err(Refusal::TooLong),
                0 => binary(head).map(Rest::Nothing),
                missing => Ok(Rest::Exactly(missing)),
            }
        }
    }
}

fn rest_of_line(head: &[u8]) -> Result<Rest, Refusal> {
    match head.strip_suffix(b"\n") {
        Some(line) => match line.strip_suffix(b"\r") {
            Some(line) => text(line).map(Rest::Nothing),
            None => Err(Refusal::Malformed("a line ends with CR and LF")),
        },
        None if head.len() >= LONGEST_LINE => Err(Refusal::TooLong),
        None => Ok(Rest::Line(LONGEST_LINE - head.len())),
    }
}

/// Version 1 (section 2.1): `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443`.
fn text(line: &[u8]) -> Result<Preamble, Refusal> {
    let mut words = line.split(|b| *b == b' ').skip(1);
    let source = match words.next() {
        Some(b"UNKNOWN") => return Ok(Preamble::default()),
        Some(b"TCP4") => endpoint::<Ipv4Addr>(&mut words),
        Some(b"TCP6") => endpoint::<Ipv6Addr>(&mut words),
        _ => return Err(Refusal::Malformed("unknown protocol")),
    };
    match (source, words.next()) {
        (Some(source), None) => Ok(Preamble { source: Some(source), is_secure: false }),
        _ => Err(Refusal::Malformed("not two addresses and two ports")),
    }
}

/// The source out of both addresses and both ports.
fn endpoint<'w, A>(words: &mut impl Iterator<Item = &'w [u8]>) -> Option<SocketAddr>
where
    A: std::str::FromStr + Into<IpAddr>,
{
    let mut word = || str::from_utf8(words.next()?).ok();
    let source: A = word()?.parse().ok()?;
    let _destination: A = word()?.parse().ok()?;
    let port = port(word()?)?;
    self::port(word()?)?;
    Some(SocketAddr::new(source.into().to_canonical(), port))
}

/// Digits without a sign or leading zeros.
fn port(word: &str) -> Option<u16> {
    let is_plain =
        word.bytes().all(|b| b.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    word.parse().ok().filter(|_| is_plain)
}

/// Version 2 (section 2.2), whole.
fn binary(head: &[u8]) -> Result<Preamble, Refusal> {
    let (fixed, rest) = head.split_at(FIXED);
    match fixed[12] {
        0x21 => {}
        // LOCAL: the sender itself, as for a health check; whatever follows is to be ignored.
        0x20 => return Ok(Preamble::default()),
        _ => return Err(Refusal::Malformed("unknown version or command")),
    }
    let (source, more) = match (fixed[13] >> 4, fixed[13] & 0xf) {
        (0..=3, 3..) | (4.., _) => return Err(Refusal::Malformed("unknown family or transport")),
        (1, transport) => inet(rest, transport)?,
        (2, transport) => inet6(rest, transport)?,
        (3, _) => (None, rest.get(UNIX_ADDRESSES..).ok_or(SHORT)?),
        // Nobody has said how long addresses of no family are, so nothing after them can be found.
        _ => return Ok(Preamble::default()),
    };
    Ok(Preamble { source, is_secure: spoke_tls(more)? })
}

const SHORT: Refusal = Refusal::Malformed("shorter than its addresses");

/// The source address, and what follows the addresses. Without a transport (0) they mean nothing.
fn inet(rest: &[u8], transport: u8) -> Result<(Option<SocketAddr>, &[u8]), Refusal> {
    let (both, more) = rest.split_first_chunk::<12>().ok_or(SHORT)?;
    let [a, b, c, d, .., high, low, _, _] = *both;
    let source = SocketAddr::from(([a, b, c, d], u16::from_be_bytes([high, low])));
    Ok(((transport > 0).then_some(source), more))
}

fn inet6(rest: &[u8], transport: u8) -> Result<(Option<SocketAddr>, &[u8]), Refusal> {
    let (both, more) = rest.split_first_chunk::<36>().ok_or(SHORT)?;
    let (source, others) = both.split_first_chunk::<16>().ok_or(SHORT)?;
    let port = u16::from_be_bytes([others[16], others[17]]);
    let source = SocketAddr::new(IpAddr::from(*source).to_canonical(), port);
    Ok(((transport > 0).then_some(source), more))
}

/// Looks for TLS among the vectors of type, length and value. The checksum is not looked at: TCP
/// has one, and section 2.2.3 leaves it to us.
fn spoke_tls(mut vectors: &[u8]) -> Result<bool, Refusal> {
    let mut is_secure = false;
    while let Some((&[kind, high, low], rest)) = vectors.split_first_chunk() {
        let length = u16::from_be_bytes([high, low]).into();
        let value;
        (value, vectors) = rest.split_at_checked(length).ok_or(VECTORS)?;
        is_secure |= kind == TLS && value.first().is_some_and(|bits| bits & CLIENT_SPOKE_TLS != 0);
    }
    if vectors.is_empty() { Ok(is_secure) } else { Err(VECTORS) }
}

const VECTORS: Refusal = Refusal::Malformed("vectors do not fit its length");
