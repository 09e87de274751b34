//! Single steps of the path that nobody outside can call, ready to be taken again and again: for
//! `bin/micro`, which counts their instructions. Not part of what is released.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::SystemTime;

use bytes::BytesMut;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, StatusCode};

use crate::access_log::AccessLog;
use crate::body::RequestBody;
use crate::cache::note::X_CACHE;
use crate::connection::http1::head;
use crate::forwarded::{self, Client, X_REQUEST_ID};
use crate::hop_by_hop;
use crate::log::{Log, Style};
use crate::trusted_proxies::Trust;

/// Reads a request's head off the wire.
///
/// # Panics
/// When it is called, if `bytes` are no head.
pub fn head_parsing(bytes: &[u8]) -> impl FnMut() + use<> {
    let bytes = BytesMut::from(bytes);
    move || drop(std::hint::black_box(parsed(&bytes)))
}

/// Makes of the client's fields what the child gets; a copy of the request comes before that.
///
/// # Panics
/// `bytes` are no head.
pub fn header_rewriting(bytes: &[u8]) -> impl FnMut() + use<> {
    let (head, client) = (parsed(&BytesMut::from(bytes)), client());
    let now = SystemTime::UNIX_EPOCH;
    move || {
        let mut request = Request::new(RequestBody::empty());
        *request.headers_mut() = head.request.headers().clone();
        hop_by_hop::on_request(&mut request);
        let id = forwarded::request_id(request.headers(), || 1);
        forwarded::on_request(request.headers_mut(), &client, &Trust::Nobody, now, id);
        drop(std::hint::black_box(request));
    }
}

/// Notes what is known of a request, and makes a line of it.
///
/// # Panics
/// `bytes` are no head, or the system refuses the thread that writes.
pub fn access_log_line(bytes: &[u8]) -> impl FnMut() + use<> {
    let (head, client) = (parsed(&BytesMut::from(bytes)), client());
    let request = head.request.map(|()| RequestBody::empty());
    let log = Log::to(io::sink(), Style::Json).expect("a thread");
    let log = AccessLog { log: Some(log), trust: Trust::Nobody };
    let id = HeaderValue::from_static("0b3a1c5e-5b1f-4d0e-9d5c-1f1c7f1d2a3b");
    let answer = HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (X_CACHE, HeaderValue::from_static("hit")),
        (X_REQUEST_ID, id.clone()),
    ]);
    move || {
        let mut record = log.open(&request, &client);
        record.identified(&id);
        record.responded(StatusCode::OK, &answer);
        record.sent(30_000);
        record.ended();
    }
}

fn parsed(bytes: &BytesMut) -> head::Head {
    head::parse(&mut bytes.clone()).expect("a good head").expect("a whole one")
}

fn client() -> Client {
    Client::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 50_000)))
}
