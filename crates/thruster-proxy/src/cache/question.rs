//! What is remembered of a request while the application has it.

use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, Method, Request, Uri};
use thruster_cache::{Entry, Key, conditional, reuse};

use super::flights::Lead;
use super::note::{Forwarded, Note};
use super::store::Epoch;
use crate::body::RequestBody;
use crate::compress::Wish;
use crate::forwarded::RawTarget;

pub struct Question {
    pub method: Method,
    uri: Uri,
    raw_target: Option<RawTarget>,
    /// As the client sent them, and we rewrote them; none where nothing can be kept.
    pub headers: HeaderMap,
    pub wish: Option<Wish>,
    pub key: Key,
    pub asked: SystemTime,
    pub epoch: Epoch,
    pub note: Note,
    /// Others wait for the answer.
    pub lead: Option<Lead>,
    /// What there is already, and may be of use yet.
    pub stale: Option<Arc<Entry>>,
    /// The conditions in the request that was sent are ours: they ask about `stale`.
    pub is_revalidation: bool,
    /// An answer for this request alone, such as a part, may lead us to fetch the whole.
    pub may_keep: bool,
}

impl Question {
    pub fn new(
        request: &Request<RequestBody>,
        wish: Option<Wish>,
        key: Key,
        asked: SystemTime,
        epoch: Epoch,
        why: Forwarded,
    ) -> Box<Self> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        Box::new(Question {
            method: request.method().clone(),
            uri: request.uri().clone(),
            raw_target: request.extensions().get().cloned(),
            headers: if is_read { request.headers().clone() } else { HeaderMap::new() },
            wish,
            key,
            asked,
            epoch,
            note: Note::forwarded(why),
            lead: None,
            stale: None,
            is_revalidation: false,
            may_keep: false,
        })
    }

    /// Makes the request ask whether what there is still holds, if it can be asked so.
    pub fn revalidate(&mut self, request: &mut HeaderMap) {
        self.is_revalidation = self
            .stale
            .as_ref()
            .is_some_and(|stale| conditional::condition(request, &stale.headers));
    }

    /// The request once more, as one for the whole.
    pub fn request(&self) -> Box<Request<RequestBody>> {
        let mut request = Box::new(Request::new(RequestBody::empty()));
        *request.method_mut() = Method::GET;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        conditional::remove_conditions(request.headers_mut());
        if let Some(raw_target) = &self.raw_target {
            request.extensions_mut().insert(raw_target.clone());
        }
        request
    }

    /// Makes it one for the whole, asked by ourselves.
    pub fn for_the_whole(mut self: Box<Self>, asked: SystemTime, epoch: Epoch) -> Box<Self> {
        conditional::remove_conditions(&mut self.headers);
        self.method = Method::GET;
        self.asked = asked;
        self.epoch = epoch;
        self.note = Note::forwarded(Forwarded::Stale);
        self.stale = None;
        self.is_revalidation = false;
        self.may_keep = true;
        self
    }

    /// A stale answer that may be given instead of an error.
    pub fn spare(&self) -> Option<&Arc<Entry>> {
        let now = SystemTime::now;
        let may = |stale: &&Arc<Entry>| reuse::may_replace_error(&self.headers, &stale.life, now());
        self.stale.as_ref().filter(may)
    }
}
