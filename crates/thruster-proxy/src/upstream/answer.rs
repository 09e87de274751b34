//! The body of the child's answer. Reading it drives the connection it comes from; at its end
//! the connection goes back to the pool if it may, and dropped before, it is closed.

use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::connection::Connection;
use super::line::Line;
use super::pool::Pool;
use super::upload_fault;
use crate::body::Upload;
use crate::error::Error;
use crate::hop_by_hop;
use crate::http1::Decoder;

pub struct AnswerBody {
    decoder: Decoder,
    /// `None` once the body has ended.
    source: Option<Source>,
}

pub struct Source {
    pub connection: Box<Connection>,
    pub pool: Arc<Pool>,
    /// Asked at the end whether the connection may be kept.
    pub line: Arc<Line>,
    /// Given up with the end.
    pub _place: Option<OwnedSemaphorePermit>,
    /// What may be to blame if the exchange breaks off.
    pub upload: Option<Arc<Upload>>,
}

impl AnswerBody {
    pub fn new(source: Source, decoder: Decoder) -> Self {
        let mut body = AnswerBody { decoder, source: Some(source) };
        if body.decoder.is_done() {
            body.finish();
        }
        body
    }

    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(source) = &mut self.source else { return Poll::Ready(None) };
        let frame = std::task::ready!(source.connection.poll_frame(cx, &mut self.decoder));
        Poll::Ready(match frame {
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    hop_by_hop::remove_from_trailers(trailers);
                }
                if self.decoder.is_done() {
                    self.finish();
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                let fault = source.upload.as_ref().and_then(|upload| upload_fault(upload));
                self.source = None;
                Some(Err(fault.unwrap_or(error)))
            }
            None => {
                self.finish();
                None
            }
        })
    }

    fn finish(&mut self) {
        let Some(Source { connection, pool, line, .. }) = self.source.take() else { return };
        if line.may_keep_alive() && connection.is_reusable() {
            pool.put(connection);
        }
    }

    pub fn is_end_stream(&self) -> bool {
        self.source.is_none()
    }

    pub fn size_hint(&self) -> SizeHint {
        self.decoder.length().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
