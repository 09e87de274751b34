//! The heads of an exchange with the child: ours written, its read. Pure.

use bytes::{BufMut, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, request, response};
use http_body::Body;

use crate::body::RequestBody;
use crate::error::{BrokeOff, Error};
use crate::forwarded::RawTarget;
use crate::hop_by_hop::has_token;
use crate::http1::Framing;
use crate::http1::fields::{self, Places, decimal};

/// The largest head of an answer.
const MAX_HEAD: usize = 256 * 1024;

/// Fields in it. Rack has no limit; this is far beyond what an application sets.
const MAX_FIELDS: usize = 512;

/// Fields that the pipeline adds to most answers.
const FIELDS_ADDED: usize = 4;

/// The head of an answer.
pub struct Head {
    pub parts: response::Parts,
    pub framing: Framing,
    /// The child will read another request on this connection.
    pub keep_alive: bool,
}

impl Head {
    /// Another head follows (RFC 9110 section 15.2); after a 101 it is another protocol's.
    pub fn is_interim(&self) -> bool {
        let status = self.parts.status;
        status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
    }
}

/// How a request's body is to be delimited.
pub fn framing(body: &RequestBody) -> Framing {
    match body.size_hint().exact() {
        _ if body.is_empty() => Framing::None,
        Some(length) => Framing::Length(length),
        None => Framing::Chunked,
    }
}

/// Writes a request's head.
pub fn write(out: &mut BytesMut, parts: &mut request::Parts, framing: Framing) {
    match framing {
        // An announced length of nothing is worth as much as none, and some servers want it.
        Framing::None | Framing::Close => {}
        Framing::Length(length) => {
            parts.headers.insert(CONTENT_LENGTH, length.into());
        }
        Framing::Chunked => {
            parts.headers.remove(CONTENT_LENGTH);
            parts.headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
    out.put_slice(parts.method.as_str().as_bytes());
    out.put_u8(b' ');
    match parts.extensions.get::<RawTarget>() {
        Some(RawTarget(target)) => out.put_slice(target),
        None => out.put_slice(parts.uri.path_and_query().map_or("/", |t| t.as_str()).as_bytes()),
    }
    out.put_slice(b" HTTP/1.1\r\n");
    fields::write(out, &parts.headers);
    out.put_slice(b"\r\n");
}

/// Takes the head of an answer to a request of this method off the front of `buffer`; `None`
/// when it is not whole yet.
///
/// # Errors
/// It is no answer.
pub fn parse(buffer: &mut BytesMut, method: &Method) -> Result<Option<Head>, Error> {
    let bad = |what: &str| Error::NoAnswer(BrokeOff::Malformed(what.to_owned()));
    let mut storage = [const { std::mem::MaybeUninit::uninit() }; MAX_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let config = httparse::ParserConfig::default();
    let status = config.parse_response_with_uninit_headers(&mut parsed, buffer, &mut storage);
    let length = match status.map_err(|error| bad(&error.to_string()))? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial if buffer.len() < MAX_HEAD => return Ok(None),
        httparse::Status::Partial => return Err(bad("head too large")),
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or_else(|| bad("bad status"))?;
    let is_http11 = parsed.version == Some(1);
    let places = Places::of(buffer, parsed.headers);
    let bytes = buffer.split_to(length).freeze();
    let headers = places.read(&bytes, FIELDS_ADDED).map_err(|error| bad(&error.to_string()))?;
    let framing = answer_framing(method, status, &headers).ok_or_else(|| bad("bad framing"))?;
    let keep_alive = match is_http11 {
        true => !has_token(&headers, CONNECTION, "close"),
        false => has_token(&headers, CONNECTION, "keep-alive"),
    };
    let (mut parts, ()) = http::Response::new(()).into_parts();
    (parts.status, parts.headers) = (status, headers);
    parts.version = if is_http11 { Version::HTTP_11 } else { Version::HTTP_10 };
    Ok(Some(Head { parts, framing, keep_alive }))
}

/// RFC 9112 section 6.3. `None` for what cannot be trusted.
fn answer_framing(method: &Method, status: StatusCode, headers: &HeaderMap) -> Option<Framing> {
    let is_bodiless = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if *method == Method::HEAD || is_bodiless || status.is_informational() {
        return Some(Framing::None);
    }
    // "identity" was a coding once (RFC 2616 section 3.6), and says nothing.
    let coding = headers.get_all(TRANSFER_ENCODING).iter().next_back();
    if let Some(coding) =
        coding.filter(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        let is_chunked = has_token(headers, TRANSFER_ENCODING, "chunked");
        let ends_chunked = coding.as_bytes().to_ascii_lowercase().ends_with(b"chunked");
        // A coding we do not undo would be taken for the content's own.
        return (is_chunked && ends_chunked && !coding.as_bytes().contains(&b','))
            .then_some(Framing::Chunked);
    }
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter().map(|v| decimal(v.as_bytes()));
    match lengths.next() {
        None => Some(Framing::Close),
        Some(length) if lengths.all(|other| other == length) => length.map(Framing::Length),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str, method: &Method) -> Result<Option<Head>, Error> {
        parse(&mut BytesMut::from(text), method)
    }

    fn framed(fields: &str) -> Option<Framing> {
        let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        answer(&text, &Method::GET).ok().map(|head| head.unwrap().framing)
    }

    #[test]
    fn an_answers_body_is_delimited_by_its_fields() {
        assert_eq!(framed("Content-Length: 5\r\n"), Some(Framing::Length(5)));
        assert_eq!(framed("Transfer-Encoding: chunked\r\n"), Some(Framing::Chunked));
        assert_eq!(framed(""), Some(Framing::Close));
        assert_eq!(framed("Transfer-Encoding: identity\r\n"), Some(Framing::Close));
        assert_eq!(framed("Content-Length: 5\r\nContent-Length: 5\r\n"), Some(Framing::Length(5)));
        assert_eq!(framed("Content-Length: 5\r\nContent-Length: 6\r\n"), None);
        assert_eq!(framed("Content-Length: x\r\n"), None);
        assert_eq!(framed("Transfer-Encoding: gzip, chunked\r\n"), None);
    }

    #[test]
    fn some_answers_have_no_body_whatever_their_fields() {
        let none = |status: u16, method| {
            let text = format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n");
            answer(&text, method).unwrap().unwrap().framing == Framing::None
        };
        assert!(none(200, &Method::HEAD) && none(204, &Method::GET) && none(304, &Method::GET));
        assert!(!none(200, &Method::GET));
    }

    #[test]
    fn a_head_that_is_no_answer_is_an_error() {
        assert!(answer("SMTP ready\r\n\r\n", &Method::GET).is_err());
        assert!(answer("HTTP/1.1 200 OK\r\nContent", &Method::GET).unwrap().is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            // Whether they are an answer is not the question here.
            drop(answer(&String::from_utf8_lossy(&bytes), &Method::GET));
        }
    }
}
