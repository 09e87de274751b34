//! What has come of a body before anybody waits for it: most answers have come whole with their
//! head.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Frame;

use crate::error::Error;

/// How a body ended: with trailers perhaps, or in the middle.
pub type End = Result<Option<HeaderMap>, Error>;

/// What a body gives next.
pub enum Next {
    Piece(Bytes),
    End(End),
}

impl From<Option<Result<Frame<Bytes>, Error>>> for Next {
    fn from(frame: Option<Result<Frame<Bytes>, Error>>) -> Self {
        match frame.transpose().map(|frame| frame.map(Frame::into_data)) {
            Ok(Some(Ok(piece))) => Next::Piece(piece),
            Ok(Some(Err(frame))) => Next::End(Ok(frame.into_trailers().ok())),
            Ok(None) => Next::End(Ok(None)),
            Err(error) => Next::End(Err(error)),
        }
    }
}

/// Takes what is there of a body, until it is more than `most` bytes; and its end, if that is
/// there too.
pub async fn take(
    mut poll_frame: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>>,
    most: u64,
) -> (Vec<Bytes>, Option<End>) {
    let (mut pieces, mut come) = (Vec::new(), 0);
    let end = poll_fn(|cx| {
        while come <= most {
            let Poll::Ready(frame) = poll_frame(cx) else { break };
            match Next::from(frame) {
                Next::Piece(piece) => {
                    come += piece.len() as u64;
                    pieces.push(piece);
                }
                Next::End(end) => return Poll::Ready(Some(end)),
            }
        }
        Poll::Ready(None)
    });
    let end = end.await;
    (pieces, end)
}

/// The pieces as one, in memory of its own: a piece that came off a connection keeps alive all
/// that was read with it.
pub fn joined(pieces: &[Bytes]) -> Bytes {
    let mut whole = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|piece| whole.extend_from_slice(piece));
    whole.freeze()
}
