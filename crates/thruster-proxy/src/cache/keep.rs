//! What becomes of an answer of the application's: kept and passed on, or only passed on, with
//! the reason.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::header::{CONTENT_RANGE, HeaderValue};
use http::{Method, Response, StatusCode, response};
use thruster_cache::storable::{self, Plan};
use thruster_cache::{Body, Entry, Reason, conditional, invalidate, take_tags};

use super::fill::Filling;
use super::flights::{Joined, Lead, Phase};
use super::live::Live;
use super::note::{Forwarded, Note};
use super::refusals::Refusal;
use super::{Cache, Noted, Question};
use crate::body::Content;
use crate::compress;
use crate::early;
use crate::error::Error;
use crate::files;
use crate::representation::Head;
use crate::upstream::{Answer, AnswerBody};

impl Cache {
    /// Takes the application's answer, or the lack of one.
    ///
    /// # Errors
    /// There was none, and nothing to give instead.
    pub async fn on_answer(
        self: &Arc<Self>,
        mut question: Box<Question>,
        answer: Result<Answer, Error>,
    ) -> Result<Noted, Error> {
        let now = SystemTime::now();
        let response = match answer {
            Ok(Answer::Response(response)) => response,
            Ok(Answer::Switched(head, tunnel)) => {
                return Ok((head.map(|()| Content::Tunnel(Box::new(tunnel))), question.note));
            }
            Err(error) => match self.give_spare(&mut question, now).await {
                Some(noted) => {
                    tracing::debug!(%error, "Answered with what is stale");
                    return Ok(noted);
                }
                None => {
                    if let Some(lead) = question.lead.take() {
                        lead.lands(Phase::Alone);
                    }
                    return Err(error);
                }
            },
        };
        let (mut head, body) = response.into_parts();
        question.note.status = Some(head.status);
        let tags = take_tags(&mut head.headers);
        if let Some(Forwarded::Method | Forwarded::Bypass) = question.note.forwarded {
            let Question { key, method, .. } = &*question;
            invalidate::invalidated(key, method, head.status, &head.headers)
                .into_iter()
                .for_each(|key| self.store.invalidate(key));
            return Ok((self.deliver(&question, head, body).await, question.note));
        }
        if question.is_revalidation && head.status == StatusCode::NOT_MODIFIED {
            return self.refreshed(question, head, now).await;
        }
        if is_failure(head.status)
            && let Some(noted) = self.give_spare(&mut question, now).await
        {
            return Ok(noted);
        }
        if question.method == Method::HEAD {
            self.compare(&question, &head);
        }
        let plan = self.plan(&question, &head, now);
        match plan.and_then(|plan| Ok(Plan { tags: tags?, ..plan })) {
            Ok(plan) => match self.lead(&mut question) {
                Some(lead) => Ok(self.keep(question, lead, plan, head, body).await),
                None => Ok((self.deliver(&question, head, body).await, question.note)),
            },
            Err(reason) => Ok(self.refuse(question, head, body, reason, now).await),
        }
    }

    fn plan(
        &self,
        question: &Question,
        head: &response::Parts,
        now: SystemTime,
    ) -> Result<Plan, Reason> {
        let Question { method, headers, asked, .. } = question;
        storable::plan(method, headers, head.status, &head.headers, *asked, now)
    }

    /// The right to keep an answer: the question's own, or one taken now, if nothing has been
    /// purged since it was asked.
    pub(super) fn lead(&self, question: &mut Question) -> Option<Lead> {
        if let Some(lead) = question.lead.take() {
            return Some(lead);
        }
        self.store.loners.forget(&question.key);
        match self.store.flights.join(&question.key, None) {
            Joined::Lead(lead) if question.may_keep && self.store.is_still(question.epoch) => {
                Some(lead)
            }
            Joined::Lead(_) | Joined::Follow(_) => None,
        }
    }

    /// Passes an answer on and says why it is not kept, and remembers that where the next would not
    /// be either.
    async fn refuse(
        self: &Arc<Self>,
        mut question: Box<Question>,
        head: response::Parts,
        body: AnswerBody,
        reason: Reason,
        now: SystemTime,
    ) -> Noted {
        question.note.detail = Some(reason.as_str());
        if let Some(lead) = question.lead.take() {
            if !reason.is_of_the_request() {
                self.store.loners.remember(&question.key, now);
            }
            lead.lands(Phase::Alone);
        }
        if question.method != Method::HEAD {
            self.store.refusals.add(Refusal {
                key: question.key.clone(),
                status: head.status,
                reason: reason.as_str(),
                at: now,
            });
        }
        let lacks_whole = self.lacks_whole(&question, &head, now);
        let noted = (self.deliver(&question, head, body).await, question.note);
        if lacks_whole {
            self.fetch_behind(question.for_the_whole(SystemTime::now(), self.store.epoch()));
        }
        noted
    }

    /// Whether the client got a part, or the word that it has it, of what could be kept as a whole.
    /// Players of videos never ask for that.
    fn lacks_whole(&self, question: &Question, head: &response::Parts, now: SystemTime) -> bool {
        let is_of_whole =
            matches!(head.status, StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED);
        if !is_of_whole || !question.may_keep || question.method == Method::HEAD {
            return false;
        }
        let length = head.headers.get(CONTENT_RANGE).and_then(complete_length);
        let mut headers = question.headers.clone();
        conditional::remove_conditions(&mut headers);
        let Question { asked, key, .. } = question;
        length.is_none_or(|length| length <= self.largest())
            && !self.store.loners.includes(key, now)
            && storable::plan(&Method::GET, &headers, StatusCode::OK, &head.headers, *asked, now)
                .is_ok()
    }

    fn largest(&self) -> u64 {
        self.store.memory_item.max(self.store.disk_item)
    }

    /// Passes an answer on, or sends the file that it names.
    async fn deliver(
        &self,
        question: &Question,
        mut head: response::Parts,
        body: AnswerBody,
    ) -> Response<Content> {
        match self.file_named(&mut head) {
            None => Response::from_parts(head, Content::Answer(body)),
            Some(name) => match Box::pin(files::open(&self.roots, &name)).await {
                Ok(opened) => {
                    files::describe(&mut head.headers, &opened.pointer);
                    files::respond(&question.method, &question.headers, head, opened)
                }
                Err(error) => files::missing(&error),
            },
        }
    }

    fn file_named(&self, head: &mut response::Parts) -> Option<HeaderValue> {
        self.has_files.then(|| files::named(&mut head.headers)).flatten()
    }

    /// Keeps an answer, and passes it on as it comes.
    async fn keep(
        self: &Arc<Self>,
        mut question: Box<Question>,
        lead: Lead,
        mut plan: Plan,
        mut head: response::Parts,
        mut body: AnswerBody,
    ) -> Noted {
        lead.is_tagged(&plan.tags);
        question.note.ttl = Some(plan.life.ttl(SystemTime::now()));
        if let Some(name) = self.file_named(&mut head) {
            return self.keep_file(question, lead, plan, head, &name).await;
        }
        let length = body.size_hint().exact();
        if length.is_some_and(|length| length > self.largest()) {
            question.lead = Some(lead);
            return self.refuse(question, head, body, Reason::TooLarge, SystemTime::now()).await;
        }
        question.note.is_stored = true;
        let is_codable = compress::is_eligible(head.status, &plan.headers, length);
        if is_codable && self.compression.is_on() {
            compress::vary_by_coding(&mut plan.headers);
            compress::vary_by_coding(&mut head.headers);
        }
        let mut entry = self.entry(&question, plan, head.status, Body::Whole(Bytes::new()));
        entry.is_codable = is_codable;
        let most = self.store.memory_item;
        let (pieces, end) = early::take(|cx| body.poll_frame(cx), most).await;
        let client = Head { status: head.status, headers: head.headers };
        if let Some(Ok(None)) = end {
            let body = early::joined(&pieces);
            let entry = Arc::new(entry.with_body(Body::Whole(body.clone())));
            question.note.is_stored = self.store.keep(&entry, &lead);
            lead.lands(Phase::Kept(entry.clone()));
            return (self.respond_whole(&body, &question, client), question.note);
        }
        let live = Live::new(Arc::new(entry), length, self.store.memory_item);
        lead.goes_live(live.clone());
        let mut filling = Filling::new(body, live.clone(), lead, self.store.clone());
        filling.begin(pieces);
        let response = self.respond_live(&live, &question, client);
        match end {
            Some(end) => filling.end(end),
            None => drop(tokio::spawn(filling.run())),
        }
        let response = response.expect("its first reader finds its beginning");
        (response, question.note)
    }

    /// Keeps the pointer to a file; the file itself stays where it is.
    async fn keep_file(
        self: &Arc<Self>,
        mut question: Box<Question>,
        lead: Lead,
        mut plan: Plan,
        mut head: response::Parts,
        name: &HeaderValue,
    ) -> Noted {
        let opened = match Box::pin(files::open(&self.roots, name)).await {
            Ok(opened) => opened,
            Err(error) => {
                lead.lands(Phase::Alone);
                question.note.detail = Some(Reason::NoFile.as_str());
                return (files::missing(&error), question.note);
            }
        };
        files::named(&mut plan.headers);
        for headers in [&mut plan.headers, &mut head.headers] {
            files::describe(headers, &opened.pointer);
        }
        let pointer = Body::File(opened.pointer.clone());
        let entry = Arc::new(self.entry(&question, plan, head.status, pointer));
        question.note.is_stored = self.store.keep(&entry, &lead);
        lead.lands(Phase::Kept(entry));
        (files::respond(&question.method, &question.headers, head, opened), question.note)
    }

    fn entry(&self, question: &Question, plan: Plan, status: StatusCode, body: Body) -> Entry {
        let Plan { life, variant, headers, tags } = plan;
        Entry::new(question.key.clone(), variant, life, status, headers, tags, body)
    }

    /// What is stale, where that is better than an error (RFC 5861 section 4).
    pub(super) async fn give_spare(
        &self,
        question: &mut Question,
        now: SystemTime,
    ) -> Option<Noted> {
        let spare = question.spare()?.clone();
        let Question { method, headers, wish, .. } = &*question;
        let response = self.serve(&spare, method, headers, *wish, now).await?;
        if let Some(lead) = question.lead.take() {
            lead.lands(Phase::Spare(spare.clone()));
        }
        let note = Note {
            is_collapsed: question.note.is_collapsed,
            detail: Some("stale-if-error"),
            ..Note::hit(spare.life.ttl(now))
        };
        Some((response, note))
    }
}

/// What RFC 5861 section 4 takes for an error.
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

/// The length after the slash in Content-Range.
fn complete_length(range: &HeaderValue) -> Option<u64> {
    range.to_str().ok()?.rsplit_once('/')?.1.parse().ok()
}
