//! The body of the child's answer. Reading it drives the connection it comes from; at its end
//! the connection goes back to the pool, and dropped before, it is closed.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connection::Connection;
use super::pool::Pool;
use crate::error::Error;
use crate::hop_by_hop;

pub struct AnswerBody {
    incoming: Incoming,
    /// `None` once the body has ended.
    source: Option<(Connection, Arc<Pool>)>,
}

impl AnswerBody {
    pub fn new(
        connection: Connection,
        incoming: Incoming,
        pool: Arc<Pool>,
        cx: &mut Context<'_>,
    ) -> Self {
        let mut body = AnswerBody { incoming, source: Some((connection, pool)) };
        if body.incoming.is_end_stream() {
            body.finish(cx);
        }
        body
    }

    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some((connection, _)) = &mut self.source else { return Poll::Ready(None) };
        // Asking first tells the connection that there is room; most often what we ask for has
        // come with the head already.
        let mut frame = Pin::new(&mut self.incoming).poll_frame(cx);
        if frame.is_pending() {
            let is_closed = connection.poll_drive(cx).is_ready();
            frame = Pin::new(&mut self.incoming).poll_frame(cx);
            debug_assert!(!is_closed || frame.is_ready(), "a closed connection ends its body");
        }
        if !matches!(&frame, Poll::Ready(Some(Ok(_))) | Poll::Pending)
            || self.incoming.is_end_stream()
        {
            self.finish(cx);
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

    /// Gives the connection back, if it can be used again.
    fn finish(&mut self, cx: &mut Context<'_>) {
        if let Some((mut connection, pool)) = self.source.take()
            && connection.is_ready(cx)
        {
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
