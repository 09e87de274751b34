//! The head of an HTTP/1 request: bytes in, `Request` and framing out, or the reason why not.
//! Pure. Strict where leniency lets two parsers disagree (RFC 9112 sections 2.2, 3, 5, 6 and 11.2).

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version};

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use crate::error::Error;
use crate::forwarded::RawTarget;
use crate::hop_by_hop::has_token;
use crate::http1::Framing;
use crate::http1::fields::{self, Places, decimal};
use crate::limits::MAX_TARGET;

/// The largest head we take. Puma gives up at 112 KiB of fields, so no working application
/// needs more.
pub const MAX_HEAD: usize = 128 * 1024;

/// Fields in one head. Browsers send about 20; Puma has no limit of its own.
const MAX_FIELDS: usize = 128;

/// What `Uri` does not take in a target and Puma does; sent on as it is, and shown like this.
const NOT_IN_URIS: &AsciiSet = &CONTROLS
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'`')
    .add(b'^')
    .add(b'\\')
    .add(b'{')
    .add(b'}')
    .add(b'|');

/// Fields that the pipeline adds to most requests.
const FIELDS_ADDED: usize = 6;

/// A request whose head has been read.
#[derive(Debug)]
pub struct Head {
    pub request: Request<()>,
    pub framing: Framing,
    /// The client waits for a 100 before it sends the body (RFC 9110 section 10.1.1).
    pub expects_continue: bool,
    /// The client would like to send another request on this connection.
    pub keep_alive: bool,
}

/// Takes one head off the front of `buffer`; `None` when it is not whole yet.
///
/// # Errors
/// The reason why this is no request; the connection has lost its place then.
pub fn parse(buffer: &mut BytesMut) -> Result<Option<Head>, Error> {
    let mut fields = [const { std::mem::MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Request::new(&mut []);
    let status = parsed.parse_with_uninit_headers(buffer, &mut fields);
    let length = match status.map_err(|error| refusal(error, buffer))? {
        httparse::Status::Complete(length) if length <= MAX_HEAD => length,
        httparse::Status::Partial if buffer.len() < MAX_HEAD => return Ok(None),
        _ => return Err(too_large(buffer)),
    };
    let (method, target, minor) = match (parsed.method, parsed.path, parsed.version) {
        (Some(method), Some(target), Some(minor)) => (method, target, minor),
        _ => return Err(Error::Malformed("bad request line")),
    };
    let method = Method::from_bytes(method.as_bytes())
        .map_err(|_| Error::Malformed("bad request method"))?;
    let places = Places::of(buffer, parsed.headers);
    let target = places.place(target.as_bytes());

    let bytes = buffer.split_to(length).freeze();
    let mut request = Request::new(());
    *request.method_mut() = method;
    *request.version_mut() = if minor == 1 { Version::HTTP_11 } else { Version::HTTP_10 };
    // Ours come on top: without them the table would grow twice.
    *request.headers_mut() = places.read(&bytes, FIELDS_ADDED)?;
    let target = fields::slice(&bytes, target);
    let authority = set_target(&mut request, target)?;
    if let Some(authority) = authority {
        // RFC 9112 section 3.2.2: the target's host replaces the Host field, which there must be.
        match request.headers().get_all(HOST).iter().count() {
            0 => return Err(Error::Malformed("missing Host")),
            1 => {}
            _ => return Err(Error::Malformed("repeated Host")),
        }
        let host = HeaderValue::from_str(authority.as_str())
            .map_err(|_| Error::Malformed("bad host in target"))?;
        request.headers_mut().insert(HOST, host);
    }
    finish(request).map(Some)
}

fn refusal(error: httparse::Error, buffer: &[u8]) -> Error {
    // A head may be both malformed further down and too long already; its size is the answer.
    if buffer.len() > MAX_HEAD {
        return too_large(buffer);
    }
    match error {
        httparse::Error::HeaderName => Error::Malformed("bad field name"),
        httparse::Error::HeaderValue => Error::Malformed("bad field value"),
        httparse::Error::NewLine => Error::Malformed("bad line end"),
        httparse::Error::TooManyHeaders => Error::HeadTooLarge,
        // "HTTP/2.0" is a version we do not speak here; "HTTP/x" is not a version.
        httparse::Error::Version if names_a_version(buffer) => Error::Version,
        _ => Error::Malformed("bad request line"),
    }
}

/// Whether it is the target that is too long, or the fields are too many.
fn too_large(buffer: &[u8]) -> Error {
    match memchr::memchr(b'\n', &buffer[..buffer.len().min(MAX_TARGET)]) {
        Some(_) => Error::HeadTooLarge,
        None => Error::TargetTooLong,
    }
}

fn names_a_version(buffer: &[u8]) -> bool {
    let line = buffer.split(|&b| b == b'\r' || b == b'\n').find(|line| !line.is_empty());
    let version = line.and_then(|line| line.splitn(3, |&b| b == b' ').nth(2));
    matches!(version, Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
        if major.is_ascii_digit() && minor.is_ascii_digit())
}

/// Sets the request's target in origin or asterisk form and returns the authority that an
/// absolute form named (RFC 9112 section 3.2).
fn set_target(request: &mut Request<()>, target: Bytes) -> Result<Option<Authority>, Error> {
    const BAD_TARGET: Error = Error::Malformed("bad request target");
    if target.len() > MAX_TARGET {
        return Err(Error::TargetTooLong);
    }
    if target.contains(&b'#') {
        // A fragment never leaves the client (RFC 9110 section 4.1), and `Uri` would drop it.
        return Err(BAD_TARGET);
    }
    let is_origin_form = target.starts_with(b"/") || &target[..] == b"*";
    let (path, authority) = if is_origin_form {
        let path = PathAndQuery::from_maybe_shared(target.clone()).or_else(|_| {
            let shown = percent_encode(&target, NOT_IN_URIS).to_string();
            request.extensions_mut().insert(RawTarget(target));
            PathAndQuery::try_from(shown)
        });
        (path.map_err(|_| BAD_TARGET)?, None)
    } else if *request.method() == Method::CONNECT {
        return Err(Error::NotImplemented("CONNECT is for forward proxies"));
    } else {
        let parts = Uri::from_maybe_shared(target).map_err(|_| BAD_TARGET)?.into_parts();
        let is_http = parts.scheme.is_some_and(|s| s.as_str() == "http" || s.as_str() == "https");
        let authority = parts.authority.filter(|a| is_http && !a.as_str().contains('@'));
        let path = parts.path_and_query.unwrap_or(PathAndQuery::from_static("/"));
        (path, Some(authority.ok_or(BAD_TARGET)?))
    };
    *request.uri_mut() = Uri::from(path);
    Ok(authority)
}

/// Reads framing and persistence off the fields.
fn finish(request: Request<()>) -> Result<Head, Error> {
    let is_http11 = request.version() == Version::HTTP_11;
    let headers = request.headers();
    let framing = framing(headers, is_http11)?;
    let expects_continue = is_http11
        && framing != Framing::None
        && headers.get(EXPECT).is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    let keep_alive = match is_http11 {
        true => !has_token(headers, CONNECTION, "close"),
        false => {
            has_token(headers, CONNECTION, "keep-alive") && !has_token(headers, CONNECTION, "close")
        }
    };
    Ok(Head { request, framing, expects_continue, keep_alive })
}

/// RFC 9112 section 6.3, without its leniencies: what a second parser could read otherwise is
/// refused.
fn framing(headers: &HeaderMap, is_http11: bool) -> Result<Framing, Error> {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    let (length, coding) = (lengths.next(), codings.next());
    if lengths.next().is_some() {
        return Err(Error::Malformed("repeated Content-Length"));
    }
    match (length, coding) {
        (None, None) => Ok(Framing::None),
        (Some(_), Some(_)) => Err(Error::Malformed("Content-Length with Transfer-Encoding")),
        (None, Some(_)) if !is_http11 => Err(Error::Malformed("Transfer-Encoding in HTTP/1.0")),
        (None, Some(_)) if codings.next().is_some() => {
            Err(Error::Malformed("repeated Transfer-Encoding"))
        }
        (None, Some(coding)) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => {
            Ok(Framing::Chunked)
        }
        (None, Some(_)) => Err(Error::NotImplemented("unknown Transfer-Encoding")),
        (Some(length), None) => match decimal(length.as_bytes()) {
            Some(0) => Ok(Framing::None),
            Some(length) => Ok(Framing::Length(length)),
            None => Err(Error::Malformed("bad Content-Length")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<Head>, Error> {
        parse(&mut BytesMut::from(text))
    }

    fn refused(text: &str) -> String {
        match head(text) {
            Err(error) => format!("{} {error}", error.status().as_u16()),
            Ok(_) => panic!("not refused: {text:?}"),
        }
    }

    #[test]
    fn a_request_is_taken_off_the_front_and_the_rest_stays() {
        let mut buffer = BytesMut::from("GET /a?b=%20&c;d HTTP/1.1\r\nHost: x\r\n\r\nGET /");
        let head = parse(&mut buffer).unwrap().unwrap();
        assert_eq!(head.request.uri(), "/a?b=%20&c;d");
        assert_eq!(head.framing, Framing::None);
        assert!(head.keep_alive);
        assert_eq!(&buffer[..], b"GET /");
    }

    #[test]
    fn framing_that_two_parsers_could_read_differently_is_refused() {
        let post = |fields: &str| refused(&format!("POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n"));
        assert_eq!(
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"),
            "400 Content-Length with Transfer-Encoding"
        );
        assert_eq!(
            post("Content-Length: 5\r\nContent-Length: 5\r\n"),
            "400 repeated Content-Length"
        );
        for bad in ["5, 5", "+5", "-1", "0x5", "5 5", "", "18446744073709551616"] {
            assert_eq!(post(&format!("Content-Length: {bad}\r\n")), "400 bad Content-Length");
        }
        assert_eq!(post("Transfer-Encoding: gzip, chunked\r\n"), "501 unknown Transfer-Encoding");
        assert_eq!(
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
            "400 repeated Transfer-Encoding"
        );
        assert_eq!(
            refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "400 Transfer-Encoding in HTTP/1.0"
        );
    }

    #[test]
    fn malformed_heads_are_refused_by_name() {
        assert_eq!(refused("GET http://a/ HTTP/1.1\r\n\r\n"), "400 missing Host");
        assert_eq!(refused("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), "400 bad request line");
        assert_eq!(refused("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), "400 bad field name");
        assert_eq!(refused("GET / HTTP/1.1\r\nHost: a\r\n b: c\r\n\r\n"), "400 bad field name");
        assert_eq!(refused("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n"), "400 bad field value");
        assert_eq!(refused("GET /\r\n\r\n"), "400 bad request line");
        assert_eq!(refused("GET / HTTP/2.0\r\n\r\n"), "505 HTTP version not supported here");
        assert_eq!(refused("PRI * HTTP/2.0\r\n\r\n"), "505 HTTP version not supported here");
        assert_eq!(refused("\x16\x03\x01\x02"), "400 bad request line");
        assert_eq!(refused("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"), "400 bad request target");
        assert_eq!(refused("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"), "400 bad request line");
    }

    #[test]
    fn floods_are_refused_by_size() {
        let fields = "a: b\r\n".repeat(MAX_FIELDS + 1);
        let many = format!("GET / HTTP/1.1\r\n{fields}\r\n");
        assert_eq!(refused(&many), "431 request head too large");
        let long = format!("GET / HTTP/1.1\r\na: {}", "b".repeat(MAX_HEAD));
        assert_eq!(refused(&long), "431 request head too large");
    }

    #[test]
    fn an_absolute_target_names_the_host() {
        let text = "GET http://b.example/p?q HTTP/1.1\r\nHost: a.example\r\n\r\n";
        let request = head(text).unwrap().unwrap().request;
        assert_eq!(request.uri(), "/p?q");
        assert_eq!(request.headers()[HOST], "b.example");
        assert_eq!(refused("GET b:80 HTTP/1.1\r\nHost: b\r\n\r\n"), "400 bad request target");
    }

    #[test]
    fn persistence_follows_version_and_connection() {
        let keeps = |text: &str| head(text).unwrap().unwrap().keep_alive;
        assert!(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n"));
        assert!(!keeps("GET / HTTP/1.0\r\n\r\n"));
        assert!(keeps("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            // Whether they are a request is not the question here.
            drop(parse(&mut BytesMut::from(&bytes[..])));
        }
    }
}
