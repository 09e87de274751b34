//! A kept response as the answer to one request: the whole or a part, plain or coded, or only
//! the word that nothing has changed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{AGE, RANGE};
use http::{HeaderMap, Method, Response, StatusCode};
use thruster_cache::conditional::{self, Verdict};
use thruster_cache::{Body, Coding, Entry};

use super::live::Live;
use super::{Cache, Question};
use crate::body::Content;
use crate::compress::{self, Wish};
use crate::file_body::ReadAt;
use crate::files;
use crate::representation::{self, Head};

impl Cache {
    /// Answers from `entry`; `None` if the file it points to has changed or gone.
    pub(super) async fn serve(
        &self,
        entry: &Arc<Entry>,
        method: &Method,
        request: &HeaderMap,
        wish: Option<Wish>,
        now: SystemTime,
    ) -> Option<Response<Content>> {
        let opened = match &entry.body {
            Body::File(pointer) => match Box::pin(files::reopen(&self.roots, pointer)).await {
                Some(opened) => Some(opened),
                None => {
                    self.store.remove(entry);
                    return None;
                }
            },
            Body::Whole(_) | Body::Disk(_) => None,
        };
        entry.hits.fetch_add(1, Relaxed);
        let mut head = head(entry, now);
        let coded = self.coded(entry, request, wish);
        if let Some((coding, _)) = &coded {
            compress::mark(&mut head.headers, *coding);
        }
        let length = coded.as_ref().map_or(entry.length(), |(_, body)| body.len() as u64);
        let choice = representation::select(method, request, &mut head, length);
        let content = match (&entry.body, coded) {
            (_, Some((_, body))) => choice.of_bytes(&body),
            (Body::Whole(body), None) => choice.of_bytes(body),
            (Body::Disk(_), None) => choice.of_source(Arc::new(OnDisk(entry.clone()))),
            (Body::File(_), None) => {
                let file = opened.expect("a file body was opened above").into_file();
                choice.of_source(Arc::new(file))
            }
        };
        Some(head.with(content))
    }

    /// Answers the first client, with its own head and the body that all get.
    pub(super) fn respond_whole(
        &self,
        body: &Bytes,
        question: &Question,
        mut head: Head,
    ) -> Response<Content> {
        let Question { method, headers, .. } = question;
        let choice = representation::select(method, headers, &mut head, body.len() as u64);
        head.with(choice.of_bytes(body))
    }

    /// Answers from what is still on its way; `None` if its beginning has gone already.
    pub(super) fn serve_live(
        &self,
        live: &Arc<Live>,
        question: &Question,
    ) -> Option<Response<Content>> {
        let head = head(&live.head, SystemTime::now());
        self.respond_live(live, question, head)
    }

    /// The same, with this head instead of the one for everybody.
    pub(super) fn respond_live(
        &self,
        live: &Arc<Live>,
        question: &Question,
        mut head: Head,
    ) -> Option<Response<Content>> {
        let Question { method, headers, .. } = question;
        if head.status == StatusCode::OK
            && conditional::evaluate(method, headers, &head.headers) == Verdict::NotModified
        {
            head.status = StatusCode::NOT_MODIFIED;
            head.headers = conditional::not_modified(&head.headers);
            return Some(head.with(Content::Empty));
        }
        Some(head.with(Content::Live(live.reader()?)))
    }

    /// The body under the coding that suits the client best, if that has been made. If not, it
    /// will be, for the next one.
    fn coded(
        &self,
        entry: &Arc<Entry>,
        request: &HeaderMap,
        wish: Option<Wish>,
    ) -> Option<(Coding, Bytes)> {
        let Body::Whole(body) = &entry.body else { return None };
        if !entry.is_codable || request.contains_key(RANGE) {
            return None;
        }
        let coding = self.compression.of_kept(wish?, &entry.headers, body.len())?;
        match entry.coded(coding) {
            Some(body) => (!body.is_empty()).then(|| (coding, body.clone())),
            None => {
                self.store.encode(entry, coding);
                None
            }
        }
    }
}

/// The head that everybody gets, with the age it has now.
fn head(entry: &Entry, now: SystemTime) -> Head {
    let mut headers = entry.headers.clone();
    headers.insert(AGE, entry.life.age(now).as_secs().into());
    Head { status: entry.status, headers }
}

/// A body in the disk tier.
struct OnDisk(Arc<Entry>);

impl ReadAt for OnDisk {
    fn read_at(&self, at: u64, length: usize) -> io::Result<Bytes> {
        match &self.0.body {
            Body::Disk(stored) => stored.read(at, length),
            Body::Whole(_) | Body::File(_) => Err(io::ErrorKind::NotFound.into()),
        }
    }
}
