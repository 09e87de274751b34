//! Header fields off the wire, whose values share its bytes, and onto it.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::Error;

/// Where names and values stand in the head that has been parsed. Positions, not slices: the
/// buffer is frozen next, so that values can share its bytes instead of being copied.
pub struct Places {
    start: usize,
    fields: Vec<(Place, Place)>,
}

/// Offset and length.
type Place = (usize, usize);

impl Places {
    /// Remembers the places of `fields`, which were parsed off `head`.
    pub fn of(head: &[u8], fields: &[httparse::Header<'_>]) -> Self {
        let start = head.as_ptr() as usize;
        let mut places = Places { start, fields: Vec::with_capacity(fields.len()) };
        for field in fields {
            let place = (places.place(field.name.as_bytes()), places.place(field.value));
            places.fields.push(place);
        }
        places
    }

    /// The place of any part of that head.
    pub fn place(&self, part: &[u8]) -> Place {
        (part.as_ptr() as usize - self.start, part.len())
    }

    /// The fields as a map with room for `more`; `head` is what was parsed, frozen.
    ///
    /// # Errors
    /// A name or value that the parser took and `http` does not.
    pub fn read(self, head: &Bytes, more: usize) -> Result<HeaderMap, Error> {
        let mut headers = HeaderMap::with_capacity(self.fields.len() + more);
        for ((at, length), value) in self.fields {
            let name = HeaderName::from_bytes(&head[at..at + length])
                .map_err(|_| Error::Malformed("bad field name"))?;
            let value = HeaderValue::from_maybe_shared(slice(head, value))
                .map_err(|_| Error::Malformed("bad field value"))?;
            headers.append(name, value);
        }
        Ok(headers)
    }
}

/// The bytes at a place.
pub fn slice(head: &Bytes, (at, length): Place) -> Bytes {
    head.slice(at..at + length)
}

/// `1*DIGIT`, and nothing that merely looks like it: `u64::from_str` takes a `+`.
pub fn decimal(digits: &[u8]) -> Option<u64> {
    let is_plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_plain)?.parse().ok()
}

/// The length that a head announces. That it announces no two has been seen to before.
pub fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(CONTENT_LENGTH).and_then(|length| decimal(length.as_bytes()))
}

/// Writes each field as a line.
pub fn write(out: &mut BytesMut, headers: &HeaderMap) {
    let length = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    // All the room at once: to ask for it before each piece was half of the work.
    let start = out.len();
    out.put_bytes(0, length);
    let mut room = &mut out[start..];
    for (name, value) in headers {
        for piece in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            room.put_slice(piece);
        }
    }
}
