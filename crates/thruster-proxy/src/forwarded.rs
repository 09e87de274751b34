//! What the child is told of the client: X-Forwarded-*, X-Request-Start, X-Request-Id. What an
//! untrusted client says of itself under such names is taken away, also in disguise.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{StatusCode, response};

use crate::hop_by_hop;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_REQUEST_START: HeaderName = HeaderName::from_static("x-request-start");
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_ACCEL_MAPPING: HeaderName = HeaderName::from_static("x-accel-mapping");
const X_SENDFILE_TYPE: HeaderName = HeaderName::from_static("x-sendfile-type");

/// Fields that a trusted proxy sets and Rails acts upon: from anybody else they are a forgery
/// (and Client-IP beside X-Forwarded-For makes Rails raise IpSpoofAttackError).
const FORGEABLE: [HeaderName; 8] = [
    X_FORWARDED_FOR,
    X_FORWARDED_HOST,
    X_FORWARDED_PROTO,
    HeaderName::from_static("x-forwarded-port"),
    HeaderName::from_static("x-forwarded-ssl"),
    HeaderName::from_static("x-forwarded-scheme"),
    http::header::FORWARDED,
    HeaderName::from_static("client-ip"),
];

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
        let (peer, ip) = (address.to_string().into(), text(address.ip().to_string()));
        Client { address, peer, ip, interim: Interim::default() }
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

/// Rewrites the request's fields; `is_trusted` is FORWARD_HEADERS. The time is the caller's.
pub fn on_request(
    headers: &mut HeaderMap,
    client: &Client,
    is_trusted: bool,
    now: SystemTime,
    id: HeaderValue,
) {
    remove_disguises(headers);
    // It is for us to say whether files can be sent, and how (Rack::Sendfile asks these fields).
    headers.remove(X_SENDFILE_TYPE);
    headers.remove(X_ACCEL_MAPPING);

    let chain = joined(headers, X_FORWARDED_FOR).filter(|_| is_trusted);
    let chain = chain.map(|list| text(format!("{list}, {}", client.address.ip())));
    if !is_trusted {
        for name in &FORGEABLE {
            headers.remove(name);
        }
    }
    headers.insert(X_FORWARDED_FOR, chain.unwrap_or_else(|| client.ip.clone()));
    if !headers.contains_key(X_FORWARDED_HOST)
        && let Some(host) = headers.get(HOST).cloned()
    {
        headers.insert(X_FORWARDED_HOST, host);
    }
    if !headers.contains_key(X_FORWARDED_PROTO) {
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !headers.contains_key(X_REQUEST_START) {
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        headers.insert(X_REQUEST_START, text(format!("t={}", since.as_millis() as u64)));
    }
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

/// The client's address by X-Forwarded-For: the last one that is not on a private network, as
/// Rails' `remote_ip` has it, else the first. Only worth something from a trusted peer.
pub fn client_address(headers: &HeaderMap) -> Option<String> {
    let list = joined(headers, X_FORWARDED_FOR)?;
    let named: Vec<IpAddr> = list.split(',').filter_map(|name| name.trim().parse().ok()).collect();
    let public = named.iter().rev().find(|address| !is_private(**address));
    public.or(named.first()).map(IpAddr::to_string)
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// CGI and Rack write `X_Forwarded_For` and `X-Forwarded-For` as one and the same
/// HTTP_X_FORWARDED_FOR: a name with underscores for one that means something to us or to the
/// framing is not passed on. Others are; applications use them.
fn remove_disguises(headers: &mut HeaderMap) {
    let is_disguise = |name: &&HeaderName| {
        name.as_str().contains('_') && is_meaningful(&name.as_str().replace('_', "-"))
    };
    while let Some(name) = headers.keys().find(is_disguise).cloned() {
        headers.remove(name);
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

/// All lines of a list field as one (RFC 9110 section 5.3).
fn joined(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<_> =
        headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

/// Whether there is one id, in characters that need no thought in a log or a URL.
fn has_usable_id(headers: &HeaderMap) -> bool {
    let mut ids = headers.get_all(X_REQUEST_ID).iter().map(HeaderValue::as_bytes);
    let is_plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_@.:/+=~".contains(b);
    let is_usable = |id: &[u8]| (1..=MAX_REQUEST_ID).contains(&id.len()) && id.iter().all(is_plain);
    ids.next().is_some_and(is_usable) && ids.next().is_none()
}

fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("addresses, numbers and joined field values are visible")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(fields: &[(&'static str, &str)], is_trusted: bool) -> HeaderMap {
        let mut headers: HeaderMap = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), text(value.to_string())))
            .collect();
        let client = Client::new("192.0.2.7:5555".parse().unwrap());
        let now = UNIX_EPOCH + std::time::Duration::from_millis(1234);
        let id = request_id(&headers, || 7);
        on_request(&mut headers, &client, is_trusted, now, id);
        headers
    }

    #[test]
    fn an_unknown_client_is_described_by_us() {
        let headers = rewritten(
            &[
                ("host", "a.example"),
                ("x-forwarded-for", "6.6.6.6"),
                ("x-forwarded-host", "evil"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-port", "1"),
                ("client-ip", "6.6.6.6"),
                ("forwarded", "for=6.6.6.6"),
            ],
            false,
        );
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["x-forwarded-host"], "a.example");
        assert_eq!(headers["x-forwarded-proto"], "http");
        assert_eq!(headers["x-request-start"], "t=1234");
        assert_eq!(headers.len(), 6);
    }

    #[test]
    fn a_trusted_proxy_is_believed_and_added() {
        let headers = rewritten(
            &[
                ("host", "a.example"),
                ("x-forwarded-for", "1.1.1.1"),
                ("x-forwarded-for", "2.2.2.2"),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-port", "443"),
                ("x-request-start", "t=1"),
                ("x-request-id", "from-the-router"),
            ],
            true,
        );
        assert_eq!(headers["x-forwarded-for"], "1.1.1.1, 2.2.2.2, 192.0.2.7");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-port"], "443");
        assert_eq!(headers["x-request-start"], "t=1");
        assert_eq!(headers["x-request-id"], "from-the-router");
    }

    #[test]
    fn disguises_are_removed_and_innocent_underscores_stay() {
        let headers = rewritten(
            &[
                ("x_forwarded_for", "6.6.6.6"),
                ("x_forwarded-for", "6.6.6.6"),
                ("content_length", "5"),
                ("x_request_id", "mine"),
                ("my_field", "1"),
            ],
            true,
        );
        assert_eq!(headers["x-forwarded-for"], "192.0.2.7");
        assert_eq!(headers["my_field"], "1");
        assert!(!headers.keys().any(|name| name.as_str().contains('_') && name != "my_field"));
    }

    #[test]
    fn an_unusable_id_is_replaced() {
        let long = "x".repeat(256);
        for bad in ["", "a b", "a\"b", &long] {
            let id = &rewritten(&[("x-request-id", bad)], true)["x-request-id"];
            assert_eq!(id.len(), 36, "{bad:?}");
        }
    }

    #[test]
    fn the_logged_address_is_the_last_public_one() {
        let logged = |list: &str| {
            client_address(&HeaderMap::from_iter([(X_FORWARDED_FOR, text(list.to_owned()))]))
        };
        assert_eq!(logged("6.6.6.6, 1.2.3.4, 10.0.0.1").as_deref(), Some("1.2.3.4"));
        assert_eq!(logged("10.0.0.2, 10.0.0.1").as_deref(), Some("10.0.0.2"));
        assert_eq!(logged("unknown, <script>"), None);
        assert_eq!(client_address(&HeaderMap::new()), None);
    }
}
