//! Several parts of one body in one answer: multipart/byteranges (RFC 9110 section 14.6). Nothing
//! is made before it is read: the parts are read where they are.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use thruster_cache::range;

use crate::file_body::ReadAt;

/// What the message is made of, in order.
pub struct Layout {
    /// Each with the place in the message where it begins.
    pieces: Vec<(u64, Piece)>,
    pub length: u64,
}

enum Piece {
    Text(Bytes),
    Part(Range<u64>),
}

impl Layout {
    /// These parts of a body of `length` bytes, whose Content-Type is `kind`.
    pub fn new(
        parts: Vec<Range<u64>>,
        length: u64,
        kind: Option<&HeaderValue>,
        boundary: &str,
    ) -> Self {
        let mut layout = Layout { pieces: Vec::with_capacity(parts.len() * 2 + 1), length: 0 };
        let mut before = "";
        for part in parts {
            let mut text = BytesMut::new();
            text.extend_from_slice(format!("{before}--{boundary}\r\n").as_bytes());
            if let Some(kind) = kind {
                let lines: [&[u8]; 3] = [b"content-type: ", kind.as_bytes(), b"\r\n"];
                lines.into_iter().for_each(|bytes| text.extend_from_slice(bytes));
            }
            text.extend_from_slice(b"content-range: ");
            text.extend_from_slice(range::content_range(&part, length).as_bytes());
            text.extend_from_slice(b"\r\n\r\n");
            layout.push(Piece::Text(text.freeze()));
            layout.push(Piece::Part(part));
            before = "\r\n";
        }
        layout.push(Piece::Text(format!("\r\n--{boundary}--\r\n").into()));
        layout
    }

    /// The whole message, with the parts of a body in memory.
    pub fn of_bytes(&self, body: &Bytes) -> Bytes {
        let mut message = BytesMut::with_capacity(self.length as usize);
        for (_, piece) in &self.pieces {
            message.extend_from_slice(match piece {
                Piece::Text(text) => text,
                Piece::Part(part) => &body[part.start as usize..part.end as usize],
            });
        }
        message.freeze()
    }

    fn push(&mut self, piece: Piece) {
        let length = piece.length();
        self.pieces.push((self.length, piece));
        self.length += length;
    }
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Piece::Text(text) => text.len() as u64,
            Piece::Part(part) => part.end - part.start,
        }
    }
}

/// The message, with the parts read from a source.
pub struct Multipart {
    pub layout: Layout,
    pub source: Arc<dyn ReadAt>,
}

impl ReadAt for Multipart {
    fn read_at(&self, at: u64, length: usize) -> io::Result<Bytes> {
        let mut message = BytesMut::with_capacity(length);
        for (begin, piece) in &self.layout.pieces {
            // Until a piece ends behind `at`, and while there is room.
            let mut from = (at + message.len() as u64).saturating_sub(*begin);
            while from < piece.length() && message.len() < length {
                let most = usize::try_from(piece.length() - from).unwrap_or(length);
                let most = most.min(length - message.len());
                let come = match piece {
                    Piece::Text(text) => text.slice(from as usize..from as usize + most),
                    Piece::Part(part) => self.source.read_at(part.start + from, most)?,
                };
                if come.is_empty() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                message.extend_from_slice(&come);
                from += come.len() as u64;
            }
        }
        Ok(message.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that gives at most three bytes at a time.
    struct Slow(&'static [u8]);

    impl ReadAt for Slow {
        fn read_at(&self, at: u64, length: usize) -> io::Result<Bytes> {
            let rest = self.0.get(at as usize..).unwrap_or_default();
            Ok(Bytes::from_static(&rest[..rest.len().min(length).min(3)]))
        }
    }

    const MESSAGE: &[u8] = b"--b\r\ncontent-type: text/plain\r\ncontent-range: bytes 5-9/20\r\n\r\n\
        56789\r\n--b\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-0/20\r\n\r\n0\r\n--b--\r\n";

    fn message(content: &'static [u8]) -> Multipart {
        let kind = HeaderValue::from_static("text/plain");
        let layout = Layout::new(vec![5..10, 0..1], 20, Some(&kind), "b");
        Multipart { layout, source: Arc::new(Slow(content)) }
    }

    #[test]
    fn it_is_the_same_from_wherever_it_is_read() {
        let message = message(b"0123456789abcdefghij");
        assert_eq!(message.layout.length, MESSAGE.len() as u64);
        let body = Bytes::from_static(b"0123456789abcdefghij");
        assert_eq!(message.layout.of_bytes(&body), MESSAGE);
        for at in 0..=MESSAGE.len() {
            for length in [1, 2, 7, 64, 1000] {
                let expected = &MESSAGE[at..(at + length).min(MESSAGE.len())];
                assert_eq!(message.read_at(at as u64, length).expect("bytes"), expected);
            }
        }
    }

    #[test]
    fn a_source_that_has_become_shorter_is_an_error() {
        assert!(message(b"0123456").read_at(0, 1000).is_err());
    }
}
