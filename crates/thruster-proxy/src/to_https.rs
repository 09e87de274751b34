//! What comes without TLS where TLS is spoken is sent to https, if it asks for a name of ours.
//! Also where a CA finds what it wants to see of us.

use std::net::Ipv6Addr;
use std::sync::Arc;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, LOCATION};
use http::{Method, Request, Response, StatusCode};

use crate::body::{Content, RequestBody};
use crate::config::{self, Port};
use crate::error::Error;
use crate::forwarded::{Client, RawTarget, X_FORWARDED_PROTO};
use crate::pipeline::ClosesConnection;
use crate::tls::{self, Tls};

/// The port that URLs with https need not name (RFC 9110 section 4.2.2).
const HTTPS: u16 = 443;

/// Where a CA looks for the answers to its challenges (RFC 8555 section 8.3).
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// The stage, as all cores use it.
pub struct ToHttps {
    tls: Arc<Tls>,
    ports: Ports,
    /// Whether all our names are of this machine alone.
    is_local: bool,
    health_path: String,
}

/// Where https is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Ports {
    /// By names that all the world knows.
    public: u16,
    /// By names that mean this machine.
    local: u16,
}

/// What becomes of a request.
#[derive(Debug)]
enum Way {
    /// It goes on to the next stage.
    On,
    /// To a CA.
    Challenge(String),
    /// To this name, over TLS.
    Elsewhere(String),
    /// Nowhere.
    Misdirected,
}

impl ToHttps {
    /// `bound` is the port on which TLS is spoken.
    pub fn new(config: &config::Config, tls: &Arc<Tls>, bound: u16) -> Self {
        ToHttps {
            tls: tls.clone(),
            ports: Ports::new(config.listen.https_port, bound),
            is_local: config.tls.local,
            health_path: config.tls.health_path.clone(),
        }
    }

    /// Answers what is not to go on. The fields are those that the child may believe.
    ///
    /// # Errors
    /// [`Error::Misdirected`]: it is for a name that https would not help with;
    /// [`Error::Malformed`] for a target that no URL can have.
    pub fn on_request(
        &self,
        request: &Request<RequestBody>,
        client: &Client,
    ) -> Result<Option<Response<Content>>, Error> {
        match self.way(request, client) {
            Way::On => Ok(None),
            Way::Challenge(answer) => Ok(Some(plain_text(StatusCode::OK, answer))),
            Way::Elsewhere(name) => Ok(Some(redirect(request.method(), self.url(&name, request)?))),
            Way::Misdirected => Err(Error::Misdirected),
        }
    }

    fn way(&self, request: &Request<RequestBody>, client: &Client) -> Way {
        // By either door and any name: a CA follows redirects, also those of a proxy before us
        // that sends all to https (RFC 8555 section 8.3). Others than ours are the application's.
        if let Some(answer) = self.challenged(request) {
            return Way::Challenge(answer);
        }
        // Over TLS any Host is taken: whom the client wanted, the handshake has settled, and which
        // names it answers to is for the application to say (Rails: `config.hosts`).
        if client.is_secure || came_over_tls(request) {
            return Way::On;
        }
        let name = request.headers().get(HOST).and_then(named);
        let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
        match name.filter(|name| self.tls.certificates.is_ours(name)) {
            Some(name) => Way::Elsewhere(name),
            // Load balancers ask for it by address.
            None if is_reading && request.uri().path() == self.health_path => Way::On,
            None => Way::Misdirected,
        }
    }

    fn challenged(&self, request: &Request<RequestBody>) -> Option<String> {
        let token = request.uri().path().strip_prefix(CHALLENGES)?;
        let is_reading = matches!(*request.method(), Method::GET | Method::HEAD);
        self.tls.challenges.key_authorization(token).filter(|_| is_reading)
    }

    /// Where the same is found over TLS. The target stays as it came, to the byte.
    fn url(&self, name: &str, request: &Request<RequestBody>) -> Result<HeaderValue, Error> {
        const BAD_TARGET: Error = Error::Malformed("bad request target");
        let mut url = format!("https://{}", Host(name)).into_bytes();
        let port = match self.is_local || tls::is_reserved(name) {
            true => self.ports.local,
            false => self.ports.public,
        };
        if port != HTTPS {
            url.extend_from_slice(format!(":{port}").as_bytes());
        }
        let seen = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let raw = request.extensions().get::<RawTarget>();
        let target = raw.map_or(seen.as_bytes(), |RawTarget(bytes)| bytes);
        match target {
            // Anything else would go on with the host.
            [b'/' | b'?', ..] => url.extend_from_slice(target),
            // OPTIONS * is about the whole server, and has no path (RFC 9112 section 3.3).
            b"*" => {}
            _ => return Err(BAD_TARGET),
        }
        HeaderValue::try_from(url).map_err(|_| BAD_TARGET)
    }
}

impl Ports {
    fn new(wanted: Port, bound: u16) -> Self {
        match wanted {
            Port::Fixed(0) => Ports { public: bound, local: bound },
            Port::Fixed(port) => Ports { public: port, local: port },
            // If the system did not let us have it, somebody leads the world's 443 here, or the
            // world would find nothing. Nobody does that on a laptop.
            Port::Default { own, .. } => Ports { public: own, local: bound },
        }
    }
}

/// A name or an address, as URLs have it (RFC 3986 section 3.2.2).
struct Host<'n>(&'n str);

impl std::fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.contains(':') {
            true => write!(f, "[{}]", self.0),
            false => f.write_str(self.0),
        }
    }
}

/// A proxy whose word counts speaks TLS with the client, and plain HTTP with us (Cloudflare calls
/// it flexible): a redirect would come back to us the same way, for ever. Each proxy may have
/// added a word of its own; the first is about the client.
fn came_over_tls(request: &Request<RequestBody>) -> bool {
    let scheme = request.headers().get(X_FORWARDED_PROTO).map_or(&b""[..], HeaderValue::as_bytes);
    let first = scheme.split(|&b| b == b',').next().unwrap_or_default();
    first.trim_ascii().eq_ignore_ascii_case(b"https")
}

/// The name in Host, in lower case and without the port; `None` if no certificate could be for
/// it. Host itself may have characters that mean something else in a URL.
fn named(host: &HeaderValue) -> Option<String> {
    let host = host.to_str().ok()?;
    let (name, port) = match host.strip_prefix('[') {
        Some(literal) => literal.split_once(']')?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_port = |rest: &str| {
        rest.is_empty() || rest.strip_prefix(':').is_some_and(|p| p.bytes().all(is_digit))
    };
    if !is_port(port) {
        return None;
    }
    if host.starts_with('[') {
        return name.parse::<Ipv6Addr>().ok().map(|address| address.to_string());
    }
    // The root, which nobody writes into a certificate.
    let name = name.strip_suffix('.').unwrap_or(name);
    name.split('.').all(is_label).then(|| name.to_ascii_lowercase())
}

fn is_digit(b: u8) -> bool {
    b.is_ascii_digit()
}

fn is_label(label: &str) -> bool {
    let is_in_labels = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
    (1..=63).contains(&label.len()) && label.bytes().all(is_in_labels)
}

fn redirect(method: &Method, url: HeaderValue) -> Response<Content> {
    // Whoever may change the method on a 301 would lose what was posted (RFC 9110 section 15.4.2).
    let status = match *method {
        Method::GET | Method::HEAD => StatusCode::MOVED_PERMANENTLY,
        _ => StatusCode::PERMANENT_REDIRECT,
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let mut response = plain_text(status, format!("{reason}: use https:// in the address\n"));
    response.headers_mut().insert(LOCATION, url);
    // Browsers would keep it with no end, and look for https here when there is none any more, or
    // when the next project has this port. Who wants them to remember has HSTS.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The client goes on elsewhere.
    response.extensions_mut().insert(ClosesConnection);
    response
}

fn plain_text(status: StatusCode, text: String) -> Response<Content> {
    let mut response = Response::new(Content::Full(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(host: &'static str) -> Option<String> {
        named(&HeaderValue::from_static(host))
    }

    #[test]
    fn a_name_is_found_in_every_form_of_host() {
        for host in ["a.example", "A.Example", "a.example:8080", "a.example:", "a.example.:80"] {
            assert_eq!(name(host).as_deref(), Some("a.example"), "{host}");
        }
        assert_eq!(name("127.0.0.1:80").as_deref(), Some("127.0.0.1"));
        assert_eq!(name("[0:0::1]:80").as_deref(), Some("::1"));
        assert_eq!(name("my_app.example").as_deref(), Some("my_app.example"));
    }

    #[test]
    fn what_could_be_read_in_another_way_is_no_name() {
        let long = "x".repeat(64);
        let long: &'static str = format!("{long}.example").leak();
        for host in [
            "",
            ".",
            ".a.example",
            "a..example",
            "a.example..",
            "a.example:80:80",
            "a.example:http",
            "a.example:80@evil.example",
            "evil.example%2f.a.example",
            "evil.example;.a.example",
            "[::1",
            "[::1]a.example",
            "[a.example]",
            "::1",
            long,
        ] {
            assert_eq!(name(host), None, "{host}");
        }
    }

    #[test]
    fn a_port_that_somebody_chose_is_the_one_to_go_to() {
        assert_eq!(Ports::new(Port::Fixed(8443), 8443), Ports { public: 8443, local: 8443 });
        assert_eq!(Ports::new(Port::Fixed(0), 4711), Ports { public: 4711, local: 4711 });
    }

    #[test]
    fn a_port_that_nobody_chose_is_only_where_this_machine_goes() {
        assert_eq!(Ports::new(Port::HTTPS, 443), Ports { public: 443, local: 443 });
        assert_eq!(Ports::new(Port::HTTPS, 8443), Ports { public: 443, local: 8443 });
    }

    #[test]
    fn the_first_word_on_the_scheme_is_about_the_client() {
        let came = |scheme: &'static str| {
            let mut request = Request::new(RequestBody::empty());
            let scheme = HeaderValue::from_static(scheme);
            request.headers_mut().insert(X_FORWARDED_PROTO, scheme);
            came_over_tls(&request)
        };
        assert!(came("https") && came("HTTPS , http"));
        assert!(!came("http") && !came("http, https") && !came("httpsx") && !came(""));
    }
}
