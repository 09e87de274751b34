//! The two bodies of an exchange: the request's on its way in, bounded and under a deadline;
//! the response's on its way out. Enums, so that no frame is boxed.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::access_log::Record;
use crate::cache;
use crate::compress::Coded;
use crate::connection::http1::BodyReader;
use crate::connection::http2::Ahead;
use crate::deadline::Patience;
use crate::error::Error;
use crate::file_body::FileBody;
use crate::forwarded;
use crate::hop_by_hop;
use crate::read_ahead::Held;
use crate::upstream::{AnswerBody, Tunnel};

/// What is known of a request's body while, and after, somebody else reads it.
#[derive(Default)]
pub struct Upload {
    received: AtomicU64,
    fault: OnceLock<Error>,
}

impl Upload {
    /// Bytes of body that have arrived.
    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// Why the body broke off, if it did.
    pub fn fault(&self) -> Option<&Error> {
        self.fault.get()
    }
}

/// A request's body. Most requests have none, and pass from hand to hand the lighter for it.
pub struct RequestBody(Option<Box<InFlight>>);

/// A body on its way in.
struct InFlight {
    source: Source,
    upload: Arc<Upload>,
    limit: u64,
    patience: Patience,
    /// What has been collected before anybody asked (BUFFER_REQUESTS).
    gathered: BytesMut,
    trailers: Option<HeaderMap>,
    /// The source has nothing more.
    is_read: bool,
    held: Option<Held>,
}

enum Source {
    Http1(BodyReader),
    Http2(Incoming),
}

impl RequestBody {
    pub fn empty() -> Self {
        RequestBody(None)
    }

    pub fn http1(reader: BodyReader) -> Self {
        RequestBody::from(Source::Http1(reader))
    }

    pub fn http2(incoming: Incoming) -> Self {
        match incoming.is_end_stream() {
            true => RequestBody::empty(),
            false => RequestBody::from(Source::Http2(incoming)),
        }
    }

    fn from(source: Source) -> Self {
        RequestBody(Some(Box::new(InFlight {
            source,
            upload: Arc::default(),
            limit: u64::MAX,
            patience: Patience::new(None),
            gathered: BytesMut::new(),
            trailers: None,
            is_read: false,
            held: None,
        })))
    }

    /// Where its progress is told; `None` for a body that is empty from the start.
    pub fn upload(&self) -> Option<Arc<Upload>> {
        self.0.as_ref().map(|body| body.upload.clone())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Collects the body before anybody asks for it, as far as `held` allows.
    ///
    /// # Errors
    /// The body broke off.
    pub async fn gather(&mut self, mut held: Held) -> Result<(), Error> {
        let Some(body) = &mut self.0 else { return Ok(()) };
        while !body.is_read && held.set(body.gathered.len()) {
            match poll_fn(|cx| body.poll_source(cx)).await?.map(Frame::into_data) {
                Some(Ok(data)) => body.gathered.extend_from_slice(&data),
                Some(Err(frame)) => body.trailers = frame.into_trailers().ok(),
                None => body.is_read = true,
            }
        }
        body.held = Some(held);
        Ok(())
    }

    /// Whether the client is known to have left without waiting for its answer.
    pub fn has_client_left(&mut self, cx: &mut Context<'_>) -> bool {
        match self.0.as_mut().map(|body| &mut body.source) {
            Some(Source::Http1(reader)) => reader.has_client_left(cx),
            // hyper drops the request of a stream that was reset.
            Some(Source::Http2(_)) | None => false,
        }
    }

    /// From now on more than `limit` bytes, or no byte for `patience`, break the body off.
    pub fn restrict(&mut self, limit: Option<u64>, patience: Option<Duration>) {
        if let Some(body) = &mut self.0 {
            body.limit = limit.unwrap_or(u64::MAX);
            body.patience = Patience::new(patience);
        }
    }
}

impl InFlight {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Error>> {
        if !self.gathered.is_empty() {
            return Poll::Ready(Ok(Some(Frame::data(self.gathered.split().freeze()))));
        }
        match self.trailers.take() {
            Some(trailers) => Poll::Ready(Ok(Some(Frame::trailers(trailers)))),
            None if self.is_read => Poll::Ready(Ok(None)),
            None => self.poll_source(cx),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let rest = match &self.source {
            // Trailers can only follow chunks.
            _ if self.trailers.is_some() => None,
            _ if self.is_read => Some(0),
            Source::Http1(reader) => reader.size_hint().exact(),
            Source::Http2(incoming) => incoming.size_hint().exact(),
        };
        let gathered = self.gathered.len() as u64;
        rest.map_or_else(SizeHint::default, |rest| SizeHint::with_exact(rest + gathered))
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Frame<Bytes>>, Error>> {
        let frame = match &mut self.source {
            Source::Http1(reader) => reader.poll_frame(cx),
            Source::Http2(incoming) => {
                Pin::new(incoming).poll_frame(cx).map_err(|_| Error::ClientGone)
            }
        };
        let Poll::Ready(frame) = frame else {
            return self.patience.poll_exhausted(cx).map(|()| Err(Error::BodyTimeout));
        };
        self.patience.moved();
        Poll::Ready(frame.transpose().and_then(|frame| frame.map(|f| self.admit(f)).transpose()))
    }

    /// Counts a frame, and finds out whether it is one too many.
    fn admit(&self, mut frame: Frame<Bytes>) -> Result<Frame<Bytes>, Error> {
        if let Some(data) = frame.data_ref() {
            let length = data.len() as u64;
            if self.upload.received.fetch_add(length, Relaxed) + length > self.limit {
                return Err(Error::BodyTooLarge);
            }
        } else if let Some(trailers) = frame.trailers_mut() {
            hop_by_hop::remove_from_trailers(trailers);
            forwarded::remove_from_trailers(trailers);
        }
        Ok(frame)
    }
}

/// Tells whoever reads the body that it broke off; the reason itself is in [`Upload::fault`].
#[derive(Debug, thiserror::Error)]
#[error("the request's body broke off")]
pub struct BrokenOff;

impl From<BrokenOff> for Error {
    fn from(_: BrokenOff) -> Self {
        Error::ClientGone
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let Some(body) = &mut self.get_mut().0 else { return Poll::Ready(None) };
        Poll::Ready(match ready!(body.poll_frame(cx)) {
            Ok(frame) => frame.map(Ok),
            Err(fault) => {
                // Polled again after its end it would tell the same story, so the first one stays.
                body.upload.fault.get_or_init(|| fault);
                Some(Err(BrokenOff))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or(SizeHint::with_exact(0), |body| body.size_hint())
    }
}

/// Where a response's body comes from.
pub enum Content {
    Empty,
    Full(Bytes),
    Answer(AnswerBody),
    /// An answer that others wait for too.
    Live(cache::Reader),
    File(Box<FileBody>),
    /// One of the others under a content coding.
    Coded(Box<Coded>),
    /// An answer that is read ahead of its client.
    Ahead(Ahead),
    /// Not a body: from here on the bytes belong to another protocol.
    Tunnel(Box<Tunnel>),
}

/// A response's body, and the log record that is written when its last byte has been taken.
pub struct ResponseBody {
    pub content: Content,
    pub record: Record,
}

impl Content {
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Poll::Ready(match self {
            Content::Empty | Content::Tunnel(_) => None,
            Content::Full(bytes) if bytes.has_remaining() => {
                Some(Ok(Frame::data(std::mem::take(bytes))))
            }
            Content::Full(_) => None,
            Content::Answer(answer) => ready!(answer.poll_frame(cx)),
            Content::Live(reader) => ready!(reader.poll_frame(cx)),
            Content::File(file) => {
                let piece = ready!(file.poll_piece(cx));
                piece.map(|piece| piece.map(Frame::data).map_err(Error::FileCut))
            }
            Content::Coded(coded) => ready!(coded.poll_frame(cx)),
            Content::Ahead(ahead) => ready!(ahead.poll_frame(cx)),
        })
    }

    pub fn is_end_stream(&self) -> bool {
        match self {
            Content::Empty | Content::Tunnel(_) => true,
            Content::Full(bytes) => bytes.is_empty(),
            Content::Answer(answer) => answer.is_end_stream(),
            Content::Live(reader) => reader.is_end_stream(),
            Content::File(file) => file.rest() == 0,
            Content::Coded(coded) => coded.is_end_stream(),
            Content::Ahead(ahead) => ahead.is_end_stream(),
        }
    }

    pub fn size_hint(&self) -> SizeHint {
        match self {
            Content::Empty | Content::Tunnel(_) => SizeHint::with_exact(0),
            Content::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Answer(answer) => answer.size_hint(),
            Content::Live(reader) => reader.size_hint(),
            Content::File(file) => SizeHint::with_exact(file.rest()),
            Content::Coded(coded) => coded.size_hint(),
            Content::Ahead(ahead) => ahead.size_hint(),
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(self.content.poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => self.record.sent(frame.data_ref().map_or(0, Bytes::len)),
            Some(Err(error)) => self.record.failed(error),
            None => self.record.ended(),
        }
        if self.is_end_stream() {
            self.record.ended();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}
