//! Files that the child names with X-Sendfile instead of sending them itself.

pub mod local;
pub mod open;
pub mod recent;
mod roots;

pub use roots::Roots;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
    if let Some(file) = roots.open_at_hand(path, Instant::now()) {
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
    headers.entry(ETAG).or_insert_with(|| tag(since, pointer.length));
    if let Some(date) = date(pointer.modified) {
        headers.entry(LAST_MODIFIED).or_insert(date);
    }
}

/// Written in place: a `String` would grow in between, and be copied once more.
fn tag(since: Duration, length: u64) -> HeaderValue {
    let mut tag = [b'"'; 2 + 32 + 1 + 16];
    let mut room = &mut tag[1..];
    write!(room, "{:x}-{length:x}", since.as_nanos()).expect("the longest numbers fit");
    let left = room.len();
    let end = tag.len() - left;
    HeaderValue::from_bytes(&tag[..=end]).expect("digits are visible")
}

/// None for a time that such a date cannot tell: it has four digits for the year, and those who
/// read it may know none before 1970.
fn date(time: SystemTime) -> Option<HeaderValue> {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    time.duration_since(UNIX_EPOCH).ok().filter(|since| *since < YEAR_10000)?;
    let date = httpdate::fmt_http_date(time);
    Some(HeaderValue::try_from(date).expect("dates are visible"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn described(modified: SystemTime, length: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let path = Path::new("/a.css").into();
        describe(&mut headers, &Pointer { path, length, modified, inode: 1 });
        headers
    }

    #[test]
    fn a_file_is_told_by_its_time_and_length() {
        let headers = described(UNIX_EPOCH + Duration::new(784_111_777, 5), 20_480);
        assert_eq!(headers[CONTENT_TYPE], "text/css");
        assert_eq!(headers[ETAG], "\"ae1b981bc490a05-5000\"");
        assert_eq!(headers[LAST_MODIFIED], "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn times_that_are_no_dates_are_not_told() {
        let before = UNIX_EPOCH - Duration::from_secs(1);
        let late = UNIX_EPOCH + Duration::from_secs(253_402_300_800);
        for (modified, tag) in
            [(before, "\"0-ffffffffffffffff\""), (late, "\"dbca9d1fea2af0000-ffffffffffffffff\"")]
        {
            let headers = described(modified, u64::MAX);
            assert_eq!(headers[ETAG], tag);
            assert!(!headers.contains_key(LAST_MODIFIED), "{tag}");
        }
        let first = described(UNIX_EPOCH, 0);
        assert_eq!(first[LAST_MODIFIED], "Thu, 01 Jan 1970 00:00:00 GMT");
        let last = described(late - Duration::from_nanos(1), 0);
        assert_eq!(last[LAST_MODIFIED], "Fri, 31 Dec 9999 23:59:59 GMT");
    }
}
