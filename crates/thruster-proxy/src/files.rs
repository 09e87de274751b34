//! Files that the child names with X-Sendfile instead of sending them itself.

pub mod local;
pub mod open;
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
    /// One that was opened by this name.
    ///
    /// # Errors
    /// It is not one that can be sent.
    pub fn new(file: File, path: Box<Path>) -> io::Result<Self> {
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

    pub fn into_file(self) -> File {
        self.file
    }
}

/// Opens it.
///
/// # Errors
/// There is no such file, it is not one that can be sent, or it lies where none may be sent from.
pub async fn open(roots: &Arc<Roots>, name: &HeaderValue) -> Result<Opened, Error> {
    // As the child has sent it: bytes, which need not be UTF-8.
    let path = Path::new(OsStr::from_bytes(name.as_bytes()));
    let opened = open_named(roots, path).await;
    opened.map_err(|error| Error::NoFile(path.display().to_string().into(), error))
}

/// Opens the file again, if it still is the one it was.
pub async fn reopen(roots: &Arc<Roots>, pointer: &Pointer) -> Option<Opened> {
    let opened = open_named(roots, &pointer.path).await;
    opened.ok().filter(|opened| opened.pointer == *pointer)
}

/// Opens a named file, which must lie below the roots.
async fn open_named(roots: &Arc<Roots>, path: &Path) -> io::Result<Opened> {
    if let Some(file) = roots.open_at_hand(path) {
        return Opened::new(file, path.into());
    }
    let (roots, path) = (roots.clone(), path.into());
    let opened = tokio::task::spawn_blocking(move || {
        let opened = open_blocking(path)?;
        roots.admit(&opened.file, &opened.pointer.path)?;
        roots.learn(&opened.pointer.path);
        Ok(opened)
    });
    opened.await.map_err(io::Error::other).flatten()
}

/// Opens a file, on a thread that may block.
///
/// # Errors
/// There is none, or it is not one that can be sent.
pub fn open_blocking(path: Box<Path>) -> io::Result<Opened> {
    let file = File::options().read(true).custom_flags(open::FLAGS).open(&path)?;
    Opened::new(file, path)
}

/// By the name.
pub fn media_type(name: &Path) -> &'static str {
    mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream")
}

/// What is said of it: the child's words, else ours, by its name and what the system knows.
pub fn describe(headers: &mut HeaderMap, pointer: &Pointer) {
    let kind = || HeaderValue::from_static(media_type(&pointer.path));
    headers.entry(CONTENT_TYPE).or_insert_with(kind);
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
    chosen.with(choice.of_source(Arc::new(opened.file)))
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
