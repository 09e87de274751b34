//! The head of an HTTP/1 response and the framing of its body (RFC 9112 sections 4, 6 and 7).
//! Pure, but for the date, which is made once a second.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{BufMut, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, DATE, HeaderMap, TRANSFER_ENCODING};
use http::{HeaderValue, Method, StatusCode, Version, response};

use crate::http1::{Framing, fields};

/// What the framing of a response depends on.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    pub method: &'a Method,
    pub version: Version,
    /// Both sides are ready for another request after this.
    pub keep_alive: bool,
}

/// Decides the framing: `length` is the body's, where it is known.
pub fn framing(exchange: Exchange<'_>, head: &response::Parts, length: Option<u64>) -> Framing {
    let is_bodiless = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
        || head.status.is_informational();
    match length {
        _ if is_bodiless || *exchange.method == Method::HEAD => Framing::None,
        Some(length) => Framing::Length(length),
        None if exchange.version == Version::HTTP_11 => Framing::Chunked,
        None => Framing::Close,
    }
}

/// Writes a response's head.
pub fn head(
    out: &mut BytesMut,
    head: &mut response::Parts,
    framing: Framing,
    exchange: Exchange<'_>,
) {
    let headers = &mut head.headers;
    headers.remove(TRANSFER_ENCODING);
    match framing {
        // The child's word on what a GET would have got stays (RFC 9110 section 8.6), but a 204
        // has no length.
        Framing::None if head.status != StatusCode::NO_CONTENT => {}
        Framing::Length(length) => {
            headers.insert(CONTENT_LENGTH, length.into());
        }
        Framing::None | Framing::Chunked | Framing::Close => {
            headers.remove(CONTENT_LENGTH);
        }
    }
    if framing == Framing::Chunked {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    if head.status != StatusCode::SWITCHING_PROTOCOLS {
        let is_http11 = exchange.version == Version::HTTP_11;
        match exchange.keep_alive && framing != Framing::Close {
            true if is_http11 => headers.remove(CONNECTION),
            true => headers.insert(CONNECTION, HeaderValue::from_static("keep-alive")),
            false => headers.insert(CONNECTION, HeaderValue::from_static("close")),
        };
    }
    status_line(out, head.status);
    fields::write(out, headers);
    if !headers.contains_key(DATE) && !head.status.is_informational() {
        date(out);
    }
    out.put_slice(b"\r\n");
}

/// Writes an interim response (RFC 9110 section 15.2).
pub fn interim(out: &mut BytesMut, status: StatusCode, headers: &HeaderMap) {
    status_line(out, status);
    fields::write(out, headers);
    out.put_slice(b"\r\n");
}

fn status_line(out: &mut BytesMut, status: StatusCode) {
    // The version is ours, also towards a client of HTTP/1.0 (RFC 9110 section 6.2).
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.put_slice(b"\r\n");
}

fn date(out: &mut BytesMut) {
    thread_local!(static DATE_LINE: RefCell<(u64, String)> = const { RefCell::new((0, String::new())) });
    let second = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    DATE_LINE.with_borrow_mut(|(made, line)| {
        if *made != second {
            let now = UNIX_EPOCH + Duration::from_secs(second);
            *line = format!("date: {}\r\n", httpdate::fmt_http_date(now));
            *made = second;
        }
        out.put_slice(line.as_bytes());
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;

    fn encoded(status: u16, method: &Method, version: Version, length: Option<u64>) -> String {
        let exchange = Exchange { method, version, keep_alive: true };
        let response = Response::builder().status(status).header("content-length", "7");
        let mut parts = response.body(()).unwrap().into_parts().0;
        let framing = framing(exchange, &parts, length);
        let mut out = BytesMut::new();
        head(&mut out, &mut parts, framing, exchange);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn each_body_is_delimited_in_one_way() {
        let get = &Method::GET;
        assert!(encoded(200, get, Version::HTTP_11, Some(7)).contains("content-length: 7\r\n"));
        let chunked = encoded(200, get, Version::HTTP_11, None);
        assert!(chunked.contains("transfer-encoding: chunked\r\n"));
        assert!(!chunked.contains("content-length"));
        let old = encoded(200, get, Version::HTTP_10, None);
        assert!(old.contains("connection: close\r\n") && !old.contains("transfer-encoding"));
    }

    #[test]
    fn head_and_304_tell_the_length_and_204_does_not() {
        let length = "content-length: 7\r\n";
        assert!(encoded(200, &Method::HEAD, Version::HTTP_11, Some(0)).contains(length));
        assert!(encoded(304, &Method::GET, Version::HTTP_11, Some(0)).contains(length));
        assert!(!encoded(204, &Method::GET, Version::HTTP_11, Some(0)).contains("length"));
    }
}
