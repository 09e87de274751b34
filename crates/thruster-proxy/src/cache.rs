//! The stage that answers from what is kept, and keeps what may be kept: the HTTP side of
//! `thruster_cache`, which has the rules and the stores.
//!
//! On the way in, [`Cache::on_request`] answers from memory or disk, waits for an answer that is
//! on its way to another client, or has the application asked. On the way out, in `keep.rs`,
//! [`Cache::on_answer`] keeps what comes, refreshes what a 304 confirms, and gives what is stale
//! instead of an error.

mod encoder;
mod fetch;
mod fill;
mod flights;
mod keep;
mod key;
mod live;
mod loners;
pub mod note;
mod question;
mod refresh;
mod refusals;
mod serve;
mod store;

pub use live::Reader;
pub use note::Note;
pub use question::Question;
pub use store::Store;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::{
    AUTHORIZATION, CONTENT_ENCODING, ETAG, HeaderMap, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{Method, Request, Response};
use thruster_cache::directives::RequestDirectives;
use thruster_cache::memory::Found;
use thruster_cache::reuse::{self, Reuse, Why};
use thruster_cache::{Entry, Key, Variant, accepts_coding};

use self::flights::{Follower, Joined, Lead, Phase};
use self::note::Forwarded;
use crate::body::{Content, RequestBody};
use crate::compress::{Compression, Wish};
use crate::config::Config;
use crate::error::Error;
use crate::files;
use crate::upstream::Upstream;

pub struct Cache {
    store: Arc<Store>,
    upstream: Arc<Upstream>,
    compression: Arc<Compression>,
    has_files: bool,
    roots: Arc<files::Roots>,
    boot_timeout: Duration,
}

/// What becomes of a request.
pub enum Verdict {
    Answer(Box<Noted>),
    /// The application is to be asked.
    Ask(Box<Question>),
}

/// An answer, and what there is to say about it.
pub type Noted = (Response<Content>, Note);

impl Cache {
    pub fn new(
        config: &Config,
        store: Arc<Store>,
        upstream: Arc<Upstream>,
        compression: Arc<Compression>,
    ) -> Arc<Self> {
        Arc::new(Cache {
            store,
            upstream,
            compression,
            has_files: config.files.x_sendfile,
            roots: Arc::new(files::Roots::new(config.files.sendfile_roots.as_deref())),
            boot_timeout: config.boot.timeout,
        })
    }

    /// Answers the request, or prepares it for the application. `wish` is what it says of codings,
    /// `is_switch` tells of one that asks for another protocol, and `now` is when it came.
    ///
    /// # Errors
    /// The client wants no answer but a kept one, and there is none.
    pub async fn on_request(
        self: &Arc<Self>,
        request: &mut Request<RequestBody>,
        wish: Option<Wish>,
        is_switch: bool,
        now: SystemTime,
    ) -> Result<Verdict, Error> {
        let key = key::of(request);
        let epoch = self.store.epoch();
        if self.has_files {
            files::on_request(request.headers_mut());
        }
        let question = |why| Question::new(request, wish, key.clone(), now, epoch, why);
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(Verdict::Ask(question(Forwarded::Method)));
        }
        // RFC 9111 section 4.3.2: If-Match and If-Unmodified-Since are for the origin to judge.
        let is_for_origin = [IF_MATCH, IF_UNMODIFIED_SINCE];
        let is_for_origin = is_for_origin.iter().any(|name| request.headers().contains_key(name));
        if is_switch || is_for_origin || !request.body().is_empty() || !self.store.is_on() {
            return Ok(Verdict::Ask(question(Forwarded::Bypass)));
        }
        let mut question = match self.look_up(request, wish, &key, now).await {
            Looked::Answer(noted) => return Ok(Verdict::Answer(noted)),
            Looked::Nothing(why) => question(why),
            Looked::Stale(entry, why) => {
                let mut question = question(why);
                question.stale = Some(entry);
                question
            }
        };
        let wanted = RequestDirectives::of(request.headers());
        // RFC 9111 section 5.2.1.7.
        if wanted.only_if_cached {
            return Err(Error::OnlyIfCached);
        }
        question.may_keep = !wanted.no_store;
        Box::pin(self.join(question, request)).await
    }

    /// What there is already for a request, and whether that may be used.
    async fn look_up(
        self: &Arc<Self>,
        request: &Request<RequestBody>,
        wish: Option<Wish>,
        key: &Key,
        now: SystemTime,
    ) -> Looked {
        let headers = request.headers();
        let (entry, otherwise) = match self.store.memory.find(key, headers) {
            Found::Entry(entry) => (Some(entry), Forwarded::Miss),
            Found::OtherVariants => (None, Forwarded::VaryMiss),
            Found::Nothing => (None, Forwarded::Miss),
        };
        let entry = match entry {
            Some(entry) if is_readable(&entry, headers) => entry,
            Some(_) => return Looked::Nothing(Forwarded::VaryMiss),
            None => match Box::pin(self.look_up_on_disk(key, headers)).await {
                Some(entry) => entry,
                None => return Looked::Nothing(otherwise),
            },
        };
        let (mut note, refreshes) =
            match reuse::reuse(headers, &entry.life, entry.is_outdated(), now) {
                Reuse::Fresh => (Note::hit(entry.life.ttl(now)), false),
                Reuse::StaleAccepted => {
                    let ttl = entry.life.ttl(now);
                    (Note { detail: Some("max-stale"), ..Note::hit(ttl) }, false)
                }
                Reuse::StaleWhileRevalidate => (Note::hit(entry.life.ttl(now)), true),
                Reuse::Validate(Why::Stale | Why::Outdated) => {
                    return Looked::Stale(entry, Forwarded::Stale);
                }
                Reuse::Validate(Why::Request) => return Looked::Stale(entry, Forwarded::Request),
                Reuse::Withheld => return Looked::Nothing(Forwarded::Request),
            };
        let Some(response) = self.serve(&entry, request.method(), headers, wish, now).await else {
            return Looked::Nothing(Forwarded::Miss);
        };
        if refreshes {
            note.detail = Some("stale-while-revalidate");
            let epoch = self.store.epoch();
            let question = Question::new(request, wish, key.clone(), now, epoch, Forwarded::Stale);
            let mut behind = question.for_the_whole(now, epoch);
            behind.stale = Some(entry);
            self.fetch_behind(behind);
        }
        Looked::Answer(Box::new((response, note)))
    }

    async fn look_up_on_disk(&self, key: &Key, headers: &HeaderMap) -> Option<Arc<Entry>> {
        // From before the look into the index: what is purged after it may still be on the disk.
        let epoch = self.store.epoch();
        let place = self.store.disk.find(key, headers)?;
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || store.load(place, epoch)).await.ok()?
    }

    /// Has the application asked, once for all who want to know the same at the same time.
    async fn join(
        self: &Arc<Self>,
        mut question: Box<Question>,
        request: &mut Request<RequestBody>,
    ) -> Result<Verdict, Error> {
        let is_validated =
            question.stale.as_ref().is_some_and(|stale| can_be_validated(&stale.headers));
        let is_partial = question.headers.contains_key(RANGE) && !is_validated;
        let is_conditional = has_conditions(&question.headers) && !is_validated;
        // An answer to one of these is for its client alone, and so are those for a key whose
        // last answer was.
        let is_alone = is_partial
            || is_conditional
            || !question.may_keep
            || question.method == Method::HEAD
            || self.store.loners.includes(&question.key, question.asked);
        if is_alone {
            return Ok(Verdict::Ask(question));
        }
        let mut variant = None;
        loop {
            let follower = match self.store.flights.join(&question.key, variant.as_ref()) {
                Joined::Lead(lead) => return Ok(self.lead_off(question, lead, request).await),
                Joined::Follow(follower) => follower,
            };
            question.note.is_collapsed = true;
            match self.follow(follower, &mut question).await {
                Followed::Answer(noted) => return Ok(Verdict::Answer(noted)),
                Followed::Abandoned => {}
                // From here on only those who want the same variant go with us.
                Followed::OtherVariant(ours) if variant.is_none() => variant = Some(ours),
                Followed::OtherVariant(_) | Followed::Alone => break,
            }
        }
        question.note.is_collapsed = false;
        Ok(Verdict::Ask(question))
    }

    /// Begins a flight, unless another has landed between our look and our turn.
    async fn lead_off(
        self: &Arc<Self>,
        mut question: Box<Question>,
        lead: Lead,
        request: &mut Request<RequestBody>,
    ) -> Verdict {
        match self.look_up(request, question.wish, &question.key, SystemTime::now()).await {
            Looked::Answer(mut noted) => {
                noted.1.is_collapsed = true;
                return Verdict::Answer(noted);
            }
            Looked::Stale(entry, _) => question.stale = Some(entry),
            Looked::Nothing(_) => question.stale = None,
        }
        question.note.is_collapsed = false;
        question.lead = Some(lead);
        question.revalidate(request.headers_mut());
        Verdict::Ask(question)
    }

    /// Waits for what another client's question brings.
    async fn follow(&self, follower: Follower, question: &mut Question) -> Followed {
        let is_late = follower.is_late();
        let head = match follower.wait().await {
            // The leader has left: perhaps it is our turn now.
            None => return Followed::Abandoned,
            Some(Phase::Alone | Phase::Asked) => return Followed::Alone,
            Some(Phase::Spare(entry)) => {
                if self.is_answer(&entry, question) {
                    question.stale = Some(entry);
                }
                let spare = self.give_spare(question, SystemTime::now()).await;
                return spare.map_or(Followed::Alone, |noted| Followed::Answer(Box::new(noted)));
            }
            Some(Phase::Live(live)) if self.is_answer(&live.head, question) => {
                // One that was asked for before this request came is judged as if it were kept.
                let Question { headers, note, .. } = &*question;
                let judged = reuse::reuse(headers, &live.head.life, false, SystemTime::now());
                let is_good = !is_late || judged == Reuse::Fresh;
                let response = is_good.then(|| self.serve_live(&live, question)).flatten();
                let answer = response.map(|response| Box::new((response, *note)));
                return answer.map_or(Followed::Alone, Followed::Answer);
            }
            Some(Phase::Live(live)) => live.head.clone(),
            Some(Phase::Kept(entry)) => entry,
        };
        if !self.is_answer(&head, question) {
            return Followed::OtherVariant(head.variant.for_request(&question.headers));
        }
        let Question { method, headers, wish, note, .. } = &*question;
        let response = self.serve(&head, method, headers, *wish, SystemTime::now()).await;
        let answer = response.map(|response| Box::new((response, *note)));
        answer.map_or(Followed::Alone, Followed::Answer)
    }

    /// Whether what came for another client answers this one too.
    fn is_answer(&self, entry: &Entry, question: &Question) -> bool {
        let headers = &question.headers;
        entry.variant.matches(headers)
            && is_readable(entry, headers)
            && (entry.life.is_for_authorized || !headers.contains_key(AUTHORIZATION))
    }
}

/// What came of waiting for another's answer.
enum Followed {
    Answer(Box<Noted>),
    /// Nobody asks any more.
    Abandoned,
    /// It is an answer for others; this is what would be one for us.
    OtherVariant(Variant),
    Alone,
}

/// What there is.
enum Looked {
    Answer(Box<Noted>),
    /// Something that must be validated first.
    Stale(Arc<Entry>, Forwarded),
    Nothing(Forwarded),
}

/// Whether the client takes the coding that the application has given the body.
fn is_readable(entry: &Entry, request: &HeaderMap) -> bool {
    let coding = entry.headers.get(CONTENT_ENCODING).and_then(|coding| coding.to_str().ok());
    coding.is_none_or(|coding| accepts_coding(request, coding))
}

fn can_be_validated(stored: &HeaderMap) -> bool {
    [ETAG, LAST_MODIFIED].iter().any(|name| stored.contains_key(name))
}

fn has_conditions(request: &HeaderMap) -> bool {
    [IF_NONE_MATCH, IF_MODIFIED_SINCE].iter().any(|name| request.contains_key(name))
}
