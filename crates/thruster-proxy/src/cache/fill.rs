//! Brings an answer from the application into the cache and to all who wait for it, whether
//! or not the client that asked first is still there.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use thruster_cache::Body;
use thruster_cache::disk::Writer;

use super::flights::Lead;
use super::live::Live;
use super::store::Store;
use crate::deadline::Patience;
use crate::early::{End, Next, joined};
use crate::upstream::AnswerBody;

/// How long an answer that nobody waits for any more may stand still.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Filling {
    body: AnswerBody,
    live: Arc<Live>,
    lead: Lead,
    store: Arc<Store>,
    patience: Patience,
    writer: Option<Writer>,
    /// Too large for memory: on to the disk, or nowhere.
    is_large: bool,
}

impl Filling {
    pub fn new(body: AnswerBody, live: Arc<Live>, lead: Lead, store: Arc<Store>) -> Self {
        let patience = Patience::new(Some(PATIENCE));
        Filling { body, live, lead, store, patience, writer: None, is_large: false }
    }

    /// Takes what has come already.
    pub fn begin(&mut self, pieces: Vec<Bytes>) {
        pieces.into_iter().for_each(|piece| self.take(piece));
    }

    /// Takes all that comes.
    pub async fn run(mut self) {
        loop {
            match self.next().await {
                Some(Next::Piece(piece)) => self.take(piece),
                Some(Next::End(end)) => return self.end(end),
                None => return tracing::debug!("Gave up an answer that nobody waits for"),
            }
        }
    }

    /// What comes next; `None` if nobody waits for it.
    async fn next(&mut self) -> Option<Next> {
        poll_fn(|cx| {
            // Nobody reads it, and nobody will.
            if self.is_of_no_use() && self.live.poll_unread(cx).is_ready() {
                return Poll::Ready(None);
            }
            ready!(self.live.poll_room(cx));
            let Poll::Ready(frame) = self.body.poll_frame(cx) else {
                if self.live.poll_unread(cx).is_pending() {
                    self.patience.moved();
                    return Poll::Pending;
                }
                return self.patience.poll_exhausted(cx).map(|()| None);
            };
            self.patience.moved();
            Poll::Ready(Some(frame.into()))
        })
        .await
    }

    fn is_of_no_use(&self) -> bool {
        self.is_large && self.writer.is_none() || self.lead.is_doomed()
    }

    fn take(&mut self, piece: Bytes) {
        let come = self.live.come() + piece.len() as u64;
        if !self.is_large && come > self.store.memory_item {
            self.outgrow();
        }
        if let Some(writer) = &mut self.writer
            && (come > self.store.disk_item || !writer.write(piece.clone()))
        {
            self.give_up_keeping();
        }
        self.live.push(piece);
    }

    /// It does not fit into memory: what has come so far goes to the disk, if there is one.
    fn outgrow(&mut self) {
        self.is_large = true;
        self.writer = self.store.disk.begin(self.live.head.clone());
        let Some(writer) = &mut self.writer else { return self.give_up_keeping() };
        let is_written = self.live.pieces().into_iter().all(|piece| writer.write(piece));
        if !is_written {
            return self.give_up_keeping();
        }
        if let Some(partial) = writer.reader() {
            let live = Arc::downgrade(&self.live);
            writer.on_progress(Box::new(move || {
                if let Some(live) = live.upgrade() {
                    live.has_spilled();
                }
            }));
            self.live.spills(partial);
        }
    }

    /// Whoever reads it reads on; nobody else begins to.
    fn give_up_keeping(&mut self) {
        self.writer = None;
        self.lead.closes();
        self.store.loners.remember(&self.live.head.key, std::time::SystemTime::now());
    }

    /// All has come, or the rest never will.
    pub fn end(mut self, end: End) {
        match self.writer.take() {
            _ if end.is_err() => {}
            Some(writer) if !self.lead.is_doomed() => writer.finish(),
            _ if self.is_large => {}
            _ => {
                let body = Body::Whole(joined(&self.live.pieces()));
                self.store.keep(&Arc::new(self.live.head.with_body(body)), &self.lead);
            }
        }
        self.live.end(end);
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        // Nothing, after an end that has been told.
        self.live.abandon();
    }
}
