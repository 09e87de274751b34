//! The body of the child's answer. Reading it drives the connection it comes from; at its end
//! the connection goes back to the pool if it may, and dropped before, it is closed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;

use super::connection::Connection;
use super::line::Line;
use super::pool::Pool;
use crate::error::Error;
use crate::hop_by_hop;

pub struct AnswerBody {
    incoming: Incoming,
    /// `None` once the body has ended.
    source: Option<Source>,
}

struct Source {
    connection: Connection,
    pool: Arc<Pool>,
    /// Asked at the end whether the connection may be kept; `None` is always.
    line: Option<Arc<Line>>,
    /// Given up with the end.
    _place: Option<OwnedSemaphorePermit>,
}

impl AnswerBody {
    pub fn new(
        connection: Connection,
        incoming: Incoming,
        pool: Arc<Pool>,
        line: Option<Arc<Line>>,
        place: Option<OwnedSemaphorePermit>,
    ) -> Self {
        AnswerBody { incoming, source: Some(Source { connection, pool, line, _place: place }) }
    }

    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(Source { connection, .. }) = &mut self.source else { return Poll::Ready(None) };
        // Asking first tells the connection that there is room; most often what we ask for has
        // come with the head already.
        let mut frame = Pin::new(&mut self.incoming).poll_frame(cx);
        if frame.is_pending() {
            let is_closed = connection.poll_drive(cx).is_ready();
            frame = Pin::new(&mut self.incoming).poll_frame(cx);
            debug_assert!(!is_closed || frame.is_ready(), "a closed connection ends its body");
        }
        match &frame {
            Poll::Ready(Some(Ok(_))) | Poll::Pending => self.settle(cx),
            Poll::Ready(Some(Err(_)) | None) => self.finish(cx),
        }
        frame.map(|frame| {
            frame.map(|frame| {
                let mut frame = frame.map_err(Error::AnswerCut)?;
                if let Some(trailers) = frame.trailers_mut() {
                    hop_by_hop::remove_from_trailers(trailers);
                }
                Ok(frame)
            })
        })
    }

    /// Lets go of the connection if there is nothing more to come.
    pub fn settle(&mut self, cx: &mut Context<'_>) {
        if self.incoming.is_end_stream() {
            self.finish(cx);
        }
    }

    fn finish(&mut self, cx: &mut Context<'_>) {
        let Some(Source { mut connection, pool, line, .. }) = self.source.take() else { return };
        let may_stay = line.is_none_or(|line| !line.is_long(Instant::now()));
        if may_stay && connection.is_ready(cx) {
            pool.put(connection);
        }
    }

    pub fn is_end_stream(&self) -> bool {
        self.source.is_none()
    }

    pub fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
