//! One line a request, whatever became of it. A [`Record`] is opened when the request arrives
//! and writes itself when it is dropped: after the last byte of the response, or when the
//! request's life ends early, which nobody needs to notice for it to be logged.

mod query;

use std::borrow::Cow;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderMap, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri, Version};

use crate::body::{RequestBody, Upload};
use crate::cache::Note;
use crate::cache::note::X_CACHE;
use crate::error::Error;
use crate::forwarded::{self, Client};
use crate::http1::fields::content_length;
use crate::log::{self, Line, Log};
use crate::trusted_proxies::Trust;
use crate::upstream::Took;

/// Bytes of one value, tried in turn until the line can be written in one piece.
const LONGEST_VALUES: [usize; 3] = [usize::MAX, 512, 64];

/// Where request lines go, if anywhere, and whose word is taken for the client's address.
#[derive(Clone)]
pub struct AccessLog {
    pub log: Option<Log>,
    pub trust: Trust,
}

/// What will be said of one request. Empty when requests are not logged.
#[derive(Default)]
pub struct Record(Option<Box<Entry>>);

struct Entry {
    log: Log,
    started: Instant,
    peer: Bytes,
    method: Option<Method>,
    target: Uri,
    version: Option<Version>,
    forwarded_for: Option<String>,
    request_id: Option<HeaderValue>,
    request_type: Option<HeaderValue>,
    request_length: i64,
    user_agent: Option<HeaderValue>,
    upload: Option<Arc<Upload>>,
    status: Option<StatusCode>,
    response_type: Option<HeaderValue>,
    cache: Option<HeaderValue>,
    cache_reason: Option<&'static str>,
    took: Option<Took>,
    /// Beyond what `upload` has counted.
    received: u64,
    sent: u64,
    error: Option<String>,
    has_ended: bool,
}

impl AccessLog {
    /// Opens the record of a request that has just arrived.
    pub fn open(&self, request: &Request<RequestBody>, client: &Client) -> Record {
        let mut record = self.open_unread(client, Instant::now());
        if let Some(entry) = &mut record.0 {
            let headers = request.headers();
            entry.method = Some(request.method().clone());
            entry.target = request.uri().clone();
            entry.version = Some(request.version());
            entry.forwarded_for = forwarded::client_address(headers, client, &self.trust);
            entry.request_type = headers.get(CONTENT_TYPE).cloned();
            entry.request_length = content_length(headers)
                .and_then(|length| length.try_into().ok())
                .unwrap_or_else(|| if request.body().is_empty() { 0 } else { -1 });
            entry.user_agent = headers.get(USER_AGENT).cloned();
            entry.upload = request.body().upload();
        }
        record
    }

    /// Opens the record of a request that could not be read.
    pub fn open_unread(&self, client: &Client, began: Instant) -> Record {
        Record(self.log.as_ref().map(|log| {
            Box::new(Entry {
                log: log.clone(),
                started: began,
                peer: client.peer.clone(),
                method: None,
                target: Uri::default(),
                version: None,
                forwarded_for: None,
                request_id: None,
                request_type: None,
                request_length: 0,
                user_agent: None,
                upload: None,
                status: None,
                response_type: None,
                cache: None,
                cache_reason: None,
                took: None,
                received: 0,
                sent: 0,
                error: None,
                has_ended: false,
            })
        }))
    }
}

impl Record {
    /// The id by which the request is known here, to the child and to the client.
    pub fn identified(&mut self, id: &HeaderValue) {
        if let Some(entry) = &mut self.0 {
            entry.request_id = Some(id.clone());
        }
    }

    /// What the cache did, or why it did not.
    pub fn cached(&mut self, note: &Note) {
        if let Some(entry) = &mut self.0 {
            entry.cache_reason = note.detail;
        }
    }

    /// How long the child was asked for an answer.
    pub fn took(&mut self, took: Took) {
        if let Some(entry) = &mut self.0 {
            entry.took = Some(took);
        }
    }

    /// The head of the response is decided.
    pub fn responded(&mut self, status: StatusCode, headers: &HeaderMap) {
        if let Some(entry) = &mut self.0 {
            entry.status = Some(status);
            entry.response_type = headers.get(CONTENT_TYPE).cloned();
            entry.cache = headers.get(X_CACHE).cloned();
        }
    }

    /// So many more bytes of body went towards the client.
    pub fn sent(&mut self, bytes: usize) {
        if let Some(entry) = &mut self.0 {
            entry.sent += bytes as u64;
        }
    }

    /// Bytes of another protocol went through, both ways.
    pub fn tunnelled(&mut self, received: u64, sent: u64) {
        if let Some(entry) = &mut self.0 {
            entry.received += received;
            entry.sent += sent;
        }
    }

    /// Something went wrong. The first reason is the one that counts.
    pub fn failed(&mut self, error: &Error) {
        if let Some(entry) = &mut self.0 {
            entry.error.get_or_insert_with(|| error.to_string());
            if matches!(error, Error::ClientGone | Error::ClientStalled) {
                entry.status = Some(error.status());
            }
            entry.has_ended = true;
        }
    }

    /// The response is whole.
    pub fn ended(&mut self) {
        if let Some(entry) = &mut self.0 {
            entry.has_ended = true;
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // Nobody came to the end of it: the client's side gave up first.
        if self.0.as_ref().is_some_and(|entry| !entry.has_ended) {
            self.failed(&Error::ClientGone);
        }
        if let Some(entry) = &self.0 {
            thread_local!(static LINE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
            LINE.with_borrow_mut(|line| {
                for longest in LONGEST_VALUES {
                    line.clear();
                    entry.write(line, longest);
                    if line.len() <= log::PIECE {
                        break;
                    }
                }
                entry.log.write(line);
            });
        }
    }
}

impl Entry {
    fn write(&self, out: &mut Vec<u8>, longest: usize) {
        let text = |value| cut(text(value), longest);
        let peer = str::from_utf8(&self.peer).expect("an address is ASCII");
        let mut line = Line::begin(out, self.log.style, "INFO", "Request");
        let path = self.method.as_ref().map_or("", |_| self.target.path());
        let method = self.method.as_ref().map_or("", Method::as_str);
        let query = query::filtered(self.target.query().unwrap_or_default());
        line.text("path", &cut(Cow::Borrowed(path), longest))
            .number("status", self.status.map_or(0, |status| status.as_u16()))
            .number("dur", self.started.elapsed().as_millis() as u64)
            .text("method", &cut(Cow::Borrowed(method), longest))
            .number("req_content_length", self.request_length)
            .text("req_content_type", &text(&self.request_type))
            .number("resp_content_length", self.sent)
            .text("resp_content_type", &text(&self.response_type))
            .text("remote_addr", self.forwarded_for.as_deref().unwrap_or(peer))
            .text("user_agent", &text(&self.user_agent))
            .text("cache", &text(&self.cache))
            .text("query", &cut(query, longest))
            .text("proto", self.version.map_or("", protocol));
        if self.request_id.is_some() {
            line.text("request_id", &text(&self.request_id));
        }
        if let Some(reason) = self.cache_reason {
            line.text("cache_reason", reason);
        }
        if let Some(took) = self.took {
            line.millis("queue", took.queue);
        }
        if let Some(upstream) = self.took.and_then(|took| took.upstream) {
            line.millis("upstream", upstream);
        }
        let uploaded = self.upload.as_ref().map_or(0, |upload| upload.received());
        line.number("bytes_in", uploaded + self.received);
        line.number("bytes_out", self.sent);
        if let Some(error) = &self.error {
            line.text("error", error);
        }
        line.end();
    }
}

/// The value, or its beginning.
fn cut(value: Cow<'_, str>, longest: usize) -> Cow<'_, str> {
    if value.len() <= longest {
        return value;
    }
    Cow::Owned(format!("{}…", value.chars().take(longest).collect::<String>()))
}

fn text(value: &Option<HeaderValue>) -> Cow<'_, str> {
    let bytes = value.as_ref().map_or(&[][..], HeaderValue::as_bytes);
    // Nearly always it is UTF-8, and to look for that alone is much quicker.
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The protocol as Go spells it.
fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2.0",
        _ => "HTTP/1.1",
    }
}
