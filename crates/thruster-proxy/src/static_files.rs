//! The stage that sends what lies below STATIC_PATH, such as `public/`, without asking the
//! application. What it does not find, or will not send, is for the application to answer.
//!
//! `locate` says which files a path may mean, `lasting` how long they may be kept, `neighbours`
//! which coding of them there is; here they are opened and told of.

mod lasting;
mod locate;
mod neighbours;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue,
};
use http::{Method, Request, Response};
use thruster_cache::Coding;

use crate::body::{Content, RequestBody};
use crate::cache::note::{CACHE_STATUS, X_CACHE};
use crate::compress::{Accepted, vary_by_coding};
use crate::config::Config;
use crate::files::{self, Opened};

/// For names that change with their content: a year is for ever (RFC 9111 section 5.2.2.1), and
/// `immutable` spares the question on a reload (RFC 8246).
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// For all others. A browser that hears nothing guesses, by the age of the file, that it need not
/// ask; `no-cache` has it ask each time, and get a 304 (RFC 9111 section 5.2.2.4). They are the
/// same for everybody, also behind a login.
const ASKING: HeaderValue = HeaderValue::from_static("public, no-cache");

pub struct StaticFiles(Option<Arc<Served>>);

struct Served {
    root: PathBuf,
    /// The codings that may be looked for.
    codings: Vec<Coding>,
}

/// What there is for a path.
struct Found {
    /// As it was asked for, below the root.
    name: PathBuf,
    plain: Opened,
    neighbours: Vec<(Coding, Opened)>,
}

impl StaticFiles {
    pub fn new(config: &Config) -> Self {
        let compression = &config.compression;
        let codings = match compression.enabled {
            true => neighbours::wanted(compression.codings.as_deref()),
            false => Vec::new(),
        };
        let root = config.files.static_path.clone();
        StaticFiles(root.map(|root| Arc::new(Served { root, codings })))
    }

    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The answer, if there is a file for it. `is_switch` tells of a request that asks for another
    /// protocol.
    pub async fn on_request(
        &self,
        request: &Request<RequestBody>,
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
        let served = served.clone();
        let found = tokio::task::spawn_blocking(move || served.find_blocking(candidates)).await;
        Some(respond(request, found.ok()??))
    }
}

impl Served {
    fn find_blocking(&self, candidates: Vec<PathBuf>) -> Option<Found> {
        // Each time, for a deploy may have made it another folder.
        let root = self.root.canonicalize().ok()?;
        let opened = |name: PathBuf| open_blocking(&root, &name).ok().map(|plain| (name, plain));
        let (name, plain) = candidates.into_iter().find_map(opened)?;
        let neighbours = self.codings.iter().filter_map(|&coding| {
            let mut beside = name.clone().into_os_string();
            beside.push(neighbours::extension(coding));
            let neighbour = open_blocking(&root, Path::new(&beside)).ok()?;
            neighbours::is_current(&plain, &neighbour).then_some((coding, neighbour))
        });
        let neighbours = neighbours.collect();
        Some(Found { name, plain, neighbours })
    }
}

/// Opens what the name leads to, if that is in the root and not hidden. Between the look and the
/// opening only somebody who may write there could change it.
fn open_blocking(root: &Path, name: &Path) -> io::Result<Opened> {
    let path = root.join(name).canonicalize()?;
    let is_inside = path.strip_prefix(root).is_ok_and(locate::is_public);
    match is_inside {
        true => files::open_blocking(path.into()),
        false => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

fn respond(request: &Request<RequestBody>, found: Found) -> Response<Content> {
    let (mut head, ()) = Response::new(()).into_parts();
    let headers = &mut head.headers;
    headers.insert(CONTENT_TYPE, media_type(&found.name));
    headers.insert(CACHE_CONTROL, if lasting::is_lasting(&found.name) { FOR_EVER } else { ASKING });
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    // Neither found there nor looked for (RFC 9211 section 2).
    headers.insert(X_CACHE, HeaderValue::from_static("bypass"));
    headers.insert(CACHE_STATUS, HeaderValue::from_static("thruster; detail=static"));
    if !found.neighbours.is_empty() {
        vary_by_coding(headers);
    }
    let chosen = neighbours::choose(&Accepted::of(request.headers()), found.neighbours);
    let opened = match chosen {
        Some((coding, opened)) => {
            files::describe(headers, &opened.pointer);
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
            name_coding(headers, coding);
            opened
        }
        None => {
            files::describe(headers, &found.plain.pointer);
            found.plain
        }
    };
    files::respond(request.method(), request.headers(), head, opened)
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
    let kind = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    match kind.starts_with("text/") {
        true => HeaderValue::try_from(format!("{kind}; charset=utf-8")).expect("a media type"),
        false => HeaderValue::from_static(kind),
    }
}
