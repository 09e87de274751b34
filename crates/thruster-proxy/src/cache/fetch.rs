//! Questions to the application that no client's request carries: in its name, and behind its
//! back.

use std::sync::Arc;
use std::time::Duration;

use thruster_cache::memory::Found;

use super::flights::Joined;
use super::{Cache, Noted, Question};
use crate::error::Error;
use crate::upstream::Took;

impl Cache {
    /// Asks for the whole, after a 304 that confirms something else than what is kept.
    pub(super) async fn ask_again(
        self: &Arc<Self>,
        mut question: Box<Question>,
    ) -> Result<Noted, Error> {
        question.stale = None;
        question.is_revalidation = false;
        Box::pin(self.ask(question)).await
    }

    /// Asks the application in the name of a question.
    pub(super) async fn ask(self: &Arc<Self>, mut question: Box<Question>) -> Result<Noted, Error> {
        let mut request = question.request();
        question.revalidate(request.headers_mut());
        let mut took = Took::default();
        // What is stale is better than a wait for an application that is down.
        let has_spare = question.spare().is_some();
        let patience = if has_spare { Duration::ZERO } else { self.boot_timeout };
        let answer = self.upstream.forward(request, None, None, patience, &mut took).await;
        self.on_answer(question, answer).await
    }

    /// Asks without anybody waiting for the answer, unless somebody is asking already.
    pub(super) fn fetch_behind(self: &Arc<Self>, mut question: Box<Question>) {
        let Joined::Lead(lead) = self.store.flights.join(&question.key, None) else { return };
        // Somebody may have done it between our look and our turn.
        let kept = self.store.memory.find(&question.key, &question.headers);
        let is_news = match (kept, &question.stale) {
            (Found::Entry(kept), Some(stale)) => Arc::ptr_eq(&kept, stale),
            (Found::Entry(_), None) => false,
            (Found::OtherVariants | Found::Nothing, _) => true,
        };
        if !is_news {
            return;
        }
        let Ok(permit) = self.store.fetches.clone().try_acquire_owned() else { return };
        question.lead = Some(lead);
        let cache = self.clone();
        tokio::spawn(async move {
            match cache.ask(question).await {
                Ok((_, note)) => tracing::debug!(?note, "Fetched behind a client's back"),
                Err(error) => tracing::debug!(%error, "Could not fetch behind a client's back"),
            }
            drop(permit);
        });
    }
}
