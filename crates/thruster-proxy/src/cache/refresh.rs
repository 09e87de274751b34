//! What the application says of what is kept already: a 304 to our question whether it still
//! holds, or the answer to a HEAD.

use std::sync::Arc;
use std::time::SystemTime;

use http::header::{ACCEPT_ENCODING, HeaderMap, SET_COOKIE};
use http::{Method, response};
use thruster_cache::refresh::{self, Refreshed};
use thruster_cache::storable::{self, Plan};
use thruster_cache::{Entry, Reason, Variant};

use super::flights::{Joined, Phase};
use super::{Cache, Noted, Question};
use crate::compress;
use crate::error::Error;
use crate::files;

impl Cache {
    /// A 304 to our own conditions: what is kept is as good as new (RFC 9111 section 4.3.4).
    pub(super) async fn refreshed(
        self: &Arc<Self>,
        mut question: Box<Question>,
        head: response::Parts,
        now: SystemTime,
    ) -> Result<Noted, Error> {
        let Some(stale) = question.stale.clone() else { return self.ask_again(question).await };
        let Refreshed::Updated(mut headers) =
            refresh::refresh(&stale.headers, &told(&head.headers))
        else {
            self.store.remove(&stale);
            return self.ask_again(question).await;
        };
        if stale.is_codable && self.compression.is_on() {
            compress::vary_by_coding(&mut headers);
        }
        let plan = self.plan_again(&question, &stale, &headers, now);
        let lead = self.lead(&mut question);
        let entry = match plan {
            Ok(plan) => {
                let entry = Arc::new(stale.renewed(plan.life, plan.headers));
                question.note.is_stored =
                    lead.as_ref().is_some_and(|lead| self.store.renew(&stale, &entry, lead));
                question.note.ttl = Some(entry.life.ttl(now));
                entry
            }
            // Good for those who asked, and for nobody after them.
            Err(reason) => {
                question.note.detail = Some(reason.as_str());
                self.store.remove(&stale);
                stale
            }
        };
        if let Some(lead) = lead {
            lead.lands(Phase::Kept(entry.clone()));
        }
        let Question { method, headers, wish, .. } = &*question;
        let Some(mut response) = self.serve(&entry, method, headers, *wish, now).await else {
            return self.ask_again(question).await;
        };
        // Whoever has asked is whom its cookies are for.
        for cookie in head.headers.get_all(SET_COOKIE) {
            response.headers_mut().append(SET_COOKIE, cookie.clone());
        }
        Ok((response, question.note))
    }

    /// Judges what is kept anew, with the fields that a validation has brought.
    fn plan_again(
        &self,
        question: &Question,
        stale: &Entry,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Result<Plan, Reason> {
        let Question { headers: request, asked, .. } = question;
        let plan = storable::plan(&Method::GET, request, stale.status, headers, *asked, now)?;
        // We may have added this name ourselves.
        let names = |variant: &Variant| {
            let names = variant.0.iter().map(|(name, _)| name.clone());
            names.filter(|name| *name != ACCEPT_ENCODING).collect::<Vec<_>>()
        };
        match names(&plan.variant) == names(&stale.variant) {
            true => Ok(plan),
            false => Err(Reason::OtherVary),
        }
    }

    /// What a HEAD tells of the kept answer to a GET (RFC 9111 section 4.3.5).
    pub(super) fn compare(&self, question: &Question, head: &response::Parts) {
        let Some(stale) = question.stale.as_ref().filter(|stale| head.status == stale.status)
        else {
            return;
        };
        let length = stale.length();
        let now = SystemTime::now();
        let Refreshed::Updated(headers) =
            refresh::refresh_by_head(&stale.headers, &told(&head.headers), length)
        else {
            return self.store.remove(stale);
        };
        let plan = self.plan_again(question, stale, &headers, now);
        if let (Ok(plan), Joined::Lead(lead)) = (plan, self.store.flights.join(&question.key, None))
            && self.store.is_still(question.epoch)
        {
            let renewed = Arc::new(stale.renewed(plan.life, plan.headers));
            self.store.renew(stale, &renewed, &lead);
        }
    }
}

/// What an answer without a body says of what is kept. The file that it may name is not for
/// clients to know, and the length beside that is of no body.
fn told(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    files::named(&mut headers);
    headers
}
