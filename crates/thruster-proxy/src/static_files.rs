//! The stage that sends what lies below STATIC_PATH, such as `public/`, without asking the
//! application. What it does not find, or will not send, is for the application to answer.
//!
//! `locate` says which files a path may mean, `find` opens them, `neighbours` says which coding of
//! them there is, `coded` keeps those we have made ourselves, `lasting` says how long clients may
//! keep them; here they are told of.

mod coded;
mod find;
mod lasting;
mod locate;
mod neighbours;

pub use coded::CodedFiles;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderValue,
};
use http::{Method, Request, Response, StatusCode};
use thruster_cache::{Coding, conditional};

use self::coded::Wanted;
use self::find::{Asked, Found, Root, Unknown};
use crate::body::{Content, RequestBody};
use crate::cache::Store;
use crate::cache::note::{CACHE_STATUS, X_CACHE};
use crate::compress::{self, Accepted, Compression, Wish, vary_by_coding};
use crate::config::Config;
use crate::files::{self, Opened};
use crate::representation::{self, Head};

/// For names that change with their content: a year is for ever (RFC 9111 section 5.2.2.1), and
/// `immutable` spares the question on a reload (RFC 8246).
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// For all others. A browser that hears nothing guesses, by the age of the file, that it need not
/// ask; `no-cache` has it ask each time, and get a 304 (RFC 9111 section 5.2.2.4). They are the
/// same for everybody, also behind a login.
const ASKING: HeaderValue = HeaderValue::from_static("public, no-cache");

pub struct StaticFiles(Option<Arc<Served>>);

struct Served {
    root: Root,
    /// Those that may be looked for beside a file, the better ones first; none if nothing is to be
    /// coded.
    codings: Vec<Coding>,
    compression: Arc<Compression>,
    store: Arc<Store>,
}

impl StaticFiles {
    pub fn new(config: &Config, store: Arc<Store>, compression: Arc<Compression>) -> Self {
        let codings = config.compression.codings.as_deref().unwrap_or(&neighbours::SMALLEST_FIRST);
        let codings = if compression.is_on() { codings.to_vec() } else { Vec::new() };
        let root = config.files.static_path.clone().map(Root::new);
        StaticFiles(root.map(|root| Arc::new(Served { root, codings, compression, store })))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The answer, if there is a file for it. `is_switch` tells of a request that asks for another
    /// protocol.
    pub async fn on_request(
        &self,
        request: &Request<RequestBody>,
        wish: Option<Wish>,
        is_switch: bool,
    ) -> Option<Response<Content>> {
        let served = self.0.as_ref()?;
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        if !is_read || is_switch || !request.body().is_empty() {
            return None;
        }
        let candidates = locate::candidates(request.uri().path());
        if candidates.is_empty() {
            return None;
        }
        let codings = Accepted::of(request.headers()).ranked(&served.codings);
        let asked = Asked { candidates, codings };
        let found = match served.root.find_at_hand(&asked, Instant::now()) {
            Ok(found) => found,
            Err(Unknown) => {
                let served = served.clone();
                tokio::task::spawn_blocking(move || served.root.find(&asked)).await.ok()?
            }
        };
        Some(served.respond(request, wish, found?))
    }
}

impl Served {
    fn respond(
        &self,
        request: &Request<RequestBody>,
        wish: Option<Wish>,
        mut found: Found,
    ) -> Response<Content> {
        let mut head = head(&found.name);
        // Also where there is no coding of it yet, or not for this client.
        if !self.codings.is_empty() && neighbours::may_have(&found.name) {
            vary_by_coding(&mut head.headers);
        }
        let Some((coding, opened)) = found.neighbour.take() else {
            return self.respond_plain(request, wish, found, head);
        };
        files::describe(&mut head.headers, &opened.pointer);
        head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        name_coding(&mut head.headers, coding);
        let (method, request) = (request.method(), request.headers());
        let choice = representation::select(method, request, &mut head, opened.pointer.length);
        head.with(choice.of_source(Arc::new(opened.into_file())))
    }

    /// The file itself, or a coding that we have made of it. Where there is none yet, the answer is
    /// coded on its way out.
    fn respond_plain(
        &self,
        request: &Request<RequestBody>,
        wish: Option<Wish>,
        found: Found,
        mut head: Head,
    ) -> Response<Content> {
        let Found { name, plain, .. } = found;
        let length = plain.pointer.length;
        files::describe(&mut head.headers, &plain.pointer);
        let coding = self.coding(wish, &head.headers, length);
        let (method, headers) = (request.method(), request.headers());
        // Judged as the plain file, as it is where it is coded on its way out.
        let choice = representation::select(method, headers, &mut head, length);
        match (coding, head.status) {
            (Some(_), StatusCode::NOT_MODIFIED) => conditional::weaken(&mut head.headers),
            (Some(coding), StatusCode::OK) => {
                let wanted = Wanted { name, coding };
                let now = SystemTime::now();
                match self.store.coded_files.find(&wanted, &plain.pointer, now) {
                    coded::Found::Body(body) => return respond_coded(method, head, coding, body),
                    coded::Found::Nothing if *method == Method::GET => {
                        return head.with(choice.of_source(self.make(wanted, plain)));
                    }
                    coded::Found::Nothing | coded::Found::Never => {}
                }
            }
            _ => {}
        }
        head.with(choice.of_source(Arc::new(plain.into_file())))
    }

    /// The coding of ours that the client would like best, if it may have any.
    fn coding(&self, wish: Option<Wish>, headers: &HeaderMap, length: u64) -> Option<Coding> {
        if !compress::is_eligible(StatusCode::OK, headers, Some(length)) {
            return None;
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.compression.of_kept(wish?, headers, length)
    }

    /// Has a coding made for those who come later.
    fn make(&self, wanted: Wanted, plain: Opened) -> Arc<File> {
        let pointer = plain.pointer.clone();
        let file = Arc::new(plain.into_file());
        let files = self.store.coded_files.clone();
        let work = {
            let (files, wanted) = (files.clone(), wanted.clone());
            let (file, pointer) = (file.clone(), pointer.clone());
            move || files.make(wanted, file, pointer)
        };
        files.begin(wanted.clone(), pointer);
        if !self.store.do_later(work) {
            files.forget(&wanted);
        }
        file
    }
}

/// What is said of every file, whatever its bytes are.
fn head(name: &Path) -> Head {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, media_type(name));
    headers.insert(CACHE_CONTROL, if lasting::is_lasting(name) { FOR_EVER } else { ASKING });
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Neither found there nor looked for (RFC 9211 section 2).
    headers.insert(X_CACHE, HeaderValue::from_static("bypass"));
    headers.insert(CACHE_STATUS, HeaderValue::from_static("thruster; detail=static"));
    Head { status: StatusCode::OK, headers }
}

fn respond_coded(
    method: &Method,
    mut head: Head,
    coding: Coding,
    body: Bytes,
) -> Response<Content> {
    compress::mark(&mut head.headers, coding);
    if *method == Method::HEAD {
        head.headers.insert(CONTENT_LENGTH, body.len().into());
        return head.with(Content::Empty);
    }
    head.with(Content::Full(body))
}

/// Neighbours may have the same time and, by chance, the same length; they are other bytes.
fn name_coding(headers: &mut HeaderMap, coding: Coding) {
    let Some(tag) = headers.get(ETAG).and_then(|tag| tag.to_str().ok()) else { return };
    let tag = format!("{}-{}\"", tag.trim_end_matches('"'), coding.name());
    headers.insert(ETAG, HeaderValue::try_from(tag).expect("a visible tag stays visible"));
}

/// By the name. Text without a charset would be guessed at, and files of a Rails application are
/// UTF-8.
fn media_type(name: &Path) -> HeaderValue {
    let kind = files::media_type(name);
    match kind.starts_with("text/") {
        true => HeaderValue::try_from(format!("{kind}; charset=utf-8")).expect("a media type"),
        false => HeaderValue::from_static(kind),
    }
}
