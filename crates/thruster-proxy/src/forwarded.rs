//! What the child is told of the client: X-Forwarded-*, X-Request-Start, X-Request-Id. What an
//! untrusted client says of itself under such names is taken away, also in disguise.

mod chain;
mod rfc7239;
#[cfg(test)]
mod tests;

pub use chain::client_address;

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{Entry, FORWARDED, HOST, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, response};

use crate::hop_by_hop;
use crate::trusted_proxies::{Trust, TrustedProxies};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_START: HeaderName = HeaderName::from_static("x-request-start");
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// `[IPv6]:PORT`, so that a `String` of it need not grow.
const LONGEST_ADDRESS: usize = 47;

/// Longest X-Request-Id taken over; Rails cuts at 255 too.
const MAX_REQUEST_ID: usize = 255;

/// Who sent a request, as far as the child needs to know.
#[derive(Debug)]
pub struct Client {
    pub address: SocketAddr,
    // Both are made once a connection, and shared by what is made of its requests.
    /// Address and port, for the log.
    pub peer: Bytes,
    /// The address alone, for X-Forwarded-For.
    ip: HeaderValue,
    /// It speaks https, with us or with a balancer whose word counts.
    pub is_secure: bool,
    /// Interim responses for it, which only HTTP/1.1 carries.
    pub interim: Interim,
}

/// Heads of interim responses (RFC 9110 section 15.2) on their way to a client.
#[derive(Debug, Default)]
pub struct Interim(Mutex<Vec<(StatusCode, HeaderMap)>>);

/// A target that `Uri` does not take, for the child to judge: Puma takes what RFC 3986 does not.
#[derive(Debug, Clone)]
pub struct RawTarget(pub Bytes);

impl Client {
    pub fn new(address: SocketAddr) -> Self {
        // Without the zone that an address of IPv6 may have.
        let address = SocketAddr::new(address.ip(), address.port());
        let mut peer = String::with_capacity(LONGEST_ADDRESS);
        write!(peer, "{address}").expect("a string takes all");
        let peer = Bytes::from(peer);
        let last = |mark| memchr::memrchr(mark, &peer).expect("IP:PORT or [IP]:PORT");
        let ip = match address {
            SocketAddr::V4(_) => peer.slice(..last(b':')),
            SocketAddr::V6(_) => peer.slice(1..last(b']')),
        };
        let ip = HeaderValue::from_maybe_shared(ip).expect("addresses are visible");
        Client { address, peer, ip, is_secure: false, interim: Interim::default() }
    }
}

impl Interim {
    /// More of them than a client will ever want to see.
    const MOST: usize = 16;

    /// Queues one. A 100 is not for the client: it gets ours, when its body is asked for.
    pub fn push(&self, head: &response::Parts) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if head.status != StatusCode::CONTINUE && waiting.len() < Self::MOST {
            let mut headers = head.headers.clone();
            hop_by_hop::remove(&mut headers);
            waiting.push((head.status, headers));
        }
    }

    /// All that wait.
    pub fn take(&self) -> Vec<(StatusCode, HeaderMap)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Rewrites the request's fields; `trust` says whether the client's count. The time is the
/// caller's.
pub fn on_request(
    headers: &mut HeaderMap,
    client: &Client,
    trust: &Trust,
    now: SystemTime,
    id: HeaderValue,
) {
    let is_believed = trust.believes(client.address.ip());
    let ends_here = |name: &&HeaderName| is_pretence(name, is_believed);
    // One look at the names costs less than ten at the table, and most often finds nothing.
    while let Some(name) = headers.keys().find(ends_here).cloned() {
        headers.remove(name);
    }
    if let (true, Trust::Listed(proxies)) = (is_believed, trust) {
        translate(headers, proxies);
    }
    // The whole list stays, though what is left of the first stranger may be an invention: it
    // may as well be the truth about a network behind that stranger, of which the child knows
    // more than we do. Whoever reads such a list reads it from the right, as Rails does.
    append(headers, X_FORWARDED_FOR, &client.ip);
    if let Some(host) = headers.get(HOST).cloned() {
        headers.entry(X_FORWARDED_HOST).or_insert(host);
    }
    headers.entry(X_FORWARDED_PROTO).or_insert_with(|| scheme(client.is_secure));
    headers.entry(X_REQUEST_START).or_insert_with(|| {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        text(["t=", itoa::Buffer::new().format(since.as_millis() as u64)].concat())
    });
    headers.insert(X_REQUEST_ID, id);
}

/// The id that the request came with, if it is usable, or a new one.
pub fn request_id(headers: &HeaderMap, random: impl FnOnce() -> u128) -> HeaderValue {
    match headers.get(X_REQUEST_ID) {
        Some(id) if has_usable_id(headers) => id.clone(),
        _ => {
            let id = uuid::Builder::from_random_bytes(random().to_ne_bytes()).into_uuid();
            text(id.hyphenated().to_string())
        }
    }
}

/// None of what the head was judged by may come after it (RFC 9110 section 6.5.1).
pub fn remove_from_trailers(trailers: &mut HeaderMap) {
    let is_late = |name: &&HeaderName| is_meaningful(&name.as_str().replace('_', "-"));
    while let Some(name) = trailers.keys().find(is_late).cloned() {
        trailers.remove(name);
    }
}

/// Says in X-Forwarded-* what one of our proxies said in Forwarded. Beside X-Forwarded-For, which
/// it did write, Forwarded may be the client's own, passed on unread; and Rack would believe it
/// before all others.
fn translate(headers: &mut HeaderMap, proxies: &TrustedProxies) {
    let told = match headers.contains_key(X_FORWARDED_FOR) {
        true => None,
        false => rfc7239::told(headers, proxies),
    };
    let Some(told) = told else {
        headers.remove(FORWARDED);
        return;
    };
    let addresses: Vec<_> = told.addresses.iter().map(IpAddr::to_string).collect();
    if !addresses.is_empty() {
        headers.insert(X_FORWARDED_FOR, text(addresses.join(", ")));
    }
    if !headers.contains_key(X_FORWARDED_HOST)
        && let Some(host) = told.host.and_then(|host| HeaderValue::try_from(host).ok())
    {
        headers.insert(X_FORWARDED_HOST, host);
    }
    if !headers.contains_key(X_FORWARDED_PROTO)
        && let Some(is_secure) = told.is_secure
    {
        headers.insert(X_FORWARDED_PROTO, scheme(is_secure));
    }
}

fn scheme(is_secure: bool) -> HeaderValue {
    HeaderValue::from_static(if is_secure { "https" } else { "http" })
}

/// Whether it is a field that this client may not say.
fn is_pretence(name: &HeaderName, is_believed: bool) -> bool {
    match name.as_str() {
        // It is for us to say whether files can be sent, and how: Rack::Sendfile asks these.
        "x-sendfile-type" | "x-accel-mapping" => true,
        // What a trusted proxy sets and Rails acts upon, from anybody else is a forgery (and
        // Client-IP beside X-Forwarded-For makes Rails raise IpSpoofAttackError).
        "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto" | "x-forwarded-port"
        | "x-forwarded-ssl" | "x-forwarded-scheme" | "forwarded" | "client-ip" => !is_believed,
        // CGI and Rack write `X_Forwarded_For` and `X-Forwarded-For` as one and the same
        // HTTP_X_FORWARDED_FOR: a name with underscores for one that means something to us or to
        // the framing is not passed on. Others are; applications use them.
        name => name.contains('_') && is_meaningful(&name.replace('_', "-")),
    }
}

fn is_meaningful(name: &str) -> bool {
    let begins = ["x-forwarded-", "x-request-", "x-sendfile-", "x-accel-", "content-"];
    let is = [
        "authorization",
        "client-ip",
        "connection",
        "cookie",
        "expect",
        "forwarded",
        "host",
        "transfer-encoding",
        "upgrade",
        "x-real-ip",
    ];
    begins.iter().any(|prefix| name.starts_with(prefix)) || is.contains(&name)
}

/// Makes one of all lines of a list field (RFC 9110 section 5.3), with one more element. Bytes stay
/// what they are: to leave out what is no text would move what is left of it to the right.
fn append(headers: &mut HeaderMap, name: HeaderName, element: &HeaderValue) {
    match headers.entry(name) {
        Entry::Vacant(place) => {
            place.insert(element.clone());
        }
        Entry::Occupied(mut lines) => {
            let all: Vec<_> = lines.iter().chain([element]).map(HeaderValue::as_bytes).collect();
            let all = HeaderValue::try_from(all.join(&b", "[..]));
            lines.insert(all.expect("values joined by commas are a value"));
        }
    }
}

/// Whether there is one id, in characters that need no thought in a log or a URL.
fn has_usable_id(headers: &HeaderMap) -> bool {
    let mut ids = headers.get_all(X_REQUEST_ID).iter().map(HeaderValue::as_bytes);
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_@.:/+=~".contains(b);
    let is_usable = |id: &[u8]| (1..=MAX_REQUEST_ID).contains(&id.len()) && id.iter().all(is_plain);
    ids.next().is_some_and(is_usable) && ids.next().is_none()
}

fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("addresses, numbers and ids are visible")
}
