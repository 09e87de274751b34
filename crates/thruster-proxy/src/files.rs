//! Files that the child names with X-Sendfile instead of sending them itself.

mod roots;

pub use roots::Roots;

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use http::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, LAST_MODIFIED,
};
use http::{Method, Response, StatusCode, response};
use thruster_cache::Pointer;

use crate::body::Content;
use crate::error::Error;
use crate::representation::{self, Head};

const X_SENDFILE: HeaderName = HeaderName::from_static("x-sendfile");
const X_SENDFILE_TYPE: HeaderName = HeaderName::from_static("x-sendfile-type");

/// A file that can be sent.
pub struct Opened {
    file: File,
    pub pointer: Pointer,
}

/// Tells the child that it may name files (Rack::Sendfile asks this field).
pub fn on_request(headers: &mut HeaderMap) {
    headers.insert(X_SENDFILE_TYPE, HeaderValue::from_static("X-Sendfile"));
}

/// The file that an answer names, if it names one; the client does not get to see that.
pub fn named(headers: &mut HeaderMap) -> Option<HeaderValue> {
    let name = headers.remove(X_SENDFILE).filter(|name| !name.is_empty())?;
    // It tells of the body that is not sent.
    headers.remove(CONTENT_LENGTH);
    Some(name)
}

impl Opened {
    pub fn into_file(self) -> File {
        self.file
    }
}

/// Opens it.
///
/// # Errors
/// There is no such file, it is not one that can be sent, or it lies where none may be sent from.
pub async fn open(roots: &Arc<Roots>, name: &HeaderValue) -> Result<Opened, Error> {
    let roots = roots.clone();
    // As the child has sent it: bytes, which need not be UTF-8.
    let path: Box<Path> = Path::new(OsStr::from_bytes(name.as_bytes())).into();
    let shown = path.display().to_string();
    let opened = tokio::task::spawn_blocking(move || open_below(&roots, path)).await;
    let opened = opened.map_err(io::Error::other).flatten();
    opened.map_err(|error| Error::NoFile(shown.into(), error))
}

/// The same for a named file, which must lie below the roots.
fn open_below(roots: &Roots, path: Box<Path>) -> io::Result<Opened> {
    let opened = open_blocking(path)?;
    roots.admit(&opened.file, &opened.pointer.path)?;
    Ok(opened)
}

/// Opens a file, on a thread that may block.
///
/// # Errors
/// As [`open`].
pub fn open_blocking(path: Box<Path>) -> io::Result<Opened> {
    // Without the first, opening a pipe would wait for somebody to write into it; without the
    // second, a terminal could become ours.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = File::options().read(true).custom_flags(flags).open(&path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let pointer = Pointer {
        path,
        length: metadata.len(),
        modified: metadata.modified()?,
        inode: metadata.ino(),
    };
    Ok(Opened { file, pointer })
}

/// Opens the file again, if it still is the one it was.
pub async fn reopen(roots: &Arc<Roots>, pointer: &Pointer) -> Option<Opened> {
    let (roots, path) = (roots.clone(), pointer.path.clone());
    let opened = tokio::task::spawn_blocking(move || open_below(&roots, path)).await;
    opened.ok()?.ok().filter(|opened| opened.pointer == *pointer)
}

/// What is said of it: the child's words, else ours, by its name and what the system knows.
pub fn describe(headers: &mut HeaderMap, pointer: &Pointer) {
    headers.entry(CONTENT_TYPE).or_insert_with(|| {
        let kind = mime_guess::from_path(&pointer.path).first_raw();
        HeaderValue::from_static(kind.unwrap_or("application/octet-stream"))
    });
    let since = pointer.modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    let tag = format!("\"{:x}-{:x}\"", since.as_nanos(), pointer.length);
    headers.entry(ETAG).or_insert_with(|| text(tag));
    let date = httpdate::fmt_http_date(pointer.modified);
    headers.entry(LAST_MODIFIED).or_insert_with(|| text(date));
}

/// The answer that sends it, or what of it the client asked for.
pub fn respond(
    method: &Method,
    request: &HeaderMap,
    head: response::Parts,
    opened: Opened,
) -> Response<Content> {
    let length = opened.pointer.length;
    let mut chosen = Head { status: head.status, headers: head.headers };
    let choice = representation::select(method, request, &mut chosen, length);
    let mut response = Response::new(choice.of_source(Arc::new(opened.file)));
    *response.status_mut() = chosen.status;
    *response.headers_mut() = chosen.headers;
    response
}

/// What became of a file that was named and cannot be sent.
pub fn missing(error: &Error) -> Response<Content> {
    tracing::warn!(%error, "X-Sendfile named what cannot be sent");
    let mut response = Response::new(Content::Empty);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

fn text(value: String) -> HeaderValue {
    HeaderValue::try_from(value).expect("dates and numbers are visible")
}
