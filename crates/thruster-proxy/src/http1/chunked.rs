//! The chunked transfer coding (RFC 9112 section 7.1), both ways: bytes to data and trailers, and
//! back. Pure. Line ends are CRLF and sizes are plain hexadecimal: a lenient reader in front of a
//! strict one, or the other way round, is how requests are smuggled.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::fields;
use crate::error::Error;

/// The longest size line, extensions included: nobody sends extensions in earnest.
const MAX_SIZE_LINE: usize = 256;

/// The longest trailer section. Trailers carry checksums and timings.
const MAX_TRAILERS: usize = 8 * 1024;

/// Trailer fields in one section.
const MAX_TRAILER_FIELDS: usize = 32;

/// Where in the coding the reader stands.
#[derive(Debug, Default)]
pub enum Chunked {
    #[default]
    Size,
    Data(u64),
    DataEnd,
    Trailers,
    Done,
}

/// What the next bytes held.
#[derive(Debug, PartialEq)]
pub enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    /// Nothing whole: read more.
    NeedMore,
}

impl Chunked {
    /// Decodes the next piece off the front of `buffer`.
    ///
    /// # Errors
    /// The coding is broken, and the place of the next request with it.
    pub fn step(&mut self, buffer: &mut BytesMut) -> Result<Step, Error> {
        loop {
            match self {
                Chunked::Size => match size_line(buffer)? {
                    None => return Ok(Step::NeedMore),
                    Some(0) => *self = Chunked::Trailers,
                    Some(size) => *self = Chunked::Data(size),
                },
                Chunked::Data(left) => {
                    if buffer.is_empty() {
                        return Ok(Step::NeedMore);
                    }
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                    *left -= here as u64;
                    if *left == 0 {
                        *self = Chunked::DataEnd;
                    }
                    return Ok(Step::Data(buffer.split_to(here).freeze()));
                }
                Chunked::DataEnd => {
                    if !b"\r\n".starts_with(&buffer[..buffer.len().min(2)]) {
                        return Err(Error::Malformed("bad end of chunk"));
                    }
                    if buffer.len() < 2 {
                        return Ok(Step::NeedMore);
                    }
                    buffer.advance(2);
                    *self = Chunked::Size;
                }
                Chunked::Trailers => {
                    let Some(trailers) = trailers(buffer)? else { return Ok(Step::NeedMore) };
                    *self = Chunked::Done;
                    if !trailers.is_empty() {
                        return Ok(Step::Trailers(trailers));
                    }
                }
                Chunked::Done => return Ok(Step::End),
            }
        }
    }
}

fn size_line(buffer: &mut BytesMut) -> Result<Option<u64>, Error> {
    const BAD_SIZE: Error = Error::Malformed("bad chunk size");
    let Some(end) = memchr::memchr(b'\n', &buffer[..buffer.len().min(MAX_SIZE_LINE)]) else {
        return if buffer.len() < MAX_SIZE_LINE { Ok(None) } else { Err(BAD_SIZE) };
    };
    let line = buffer[..end].strip_suffix(b"\r").ok_or(BAD_SIZE)?;
    let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    // Extensions are read over (section 7.1.1), but must look like some.
    let extension = &line[digits..];
    let is_clean = extension.iter().all(|&b| b == b'\t' || (b' '..=b'~').contains(&b));
    if !(1..=15).contains(&digits) || !is_clean || !matches!(extension.first(), None | Some(b';')) {
        return Err(BAD_SIZE);
    }
    let size = std::str::from_utf8(&line[..digits]).ok();
    let size = size.and_then(|digits| u64::from_str_radix(digits, 16).ok()).ok_or(BAD_SIZE)?;
    buffer.advance(end + 1);
    Ok(Some(size))
}

fn trailers(buffer: &mut BytesMut) -> Result<Option<HeaderMap>, Error> {
    const BAD_TRAILERS: Error = Error::Malformed("bad trailers");
    if buffer.starts_with(b"\r\n") {
        buffer.advance(2);
        return Ok(Some(HeaderMap::new()));
    }
    let mut fields = [httparse::EMPTY_HEADER; MAX_TRAILER_FIELDS];
    let (length, fields) = match httparse::parse_headers(buffer, &mut fields) {
        Ok(httparse::Status::Complete(parsed)) => parsed,
        Ok(httparse::Status::Partial) if buffer.len() < MAX_TRAILERS => return Ok(None),
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            return Err(Error::HeadTooLarge);
        }
        Err(_) => return Err(BAD_TRAILERS),
    };
    // httparse takes a line feed alone for a line end.
    let is_alone = |at| at == 0 || buffer[at - 1] != b'\r';
    if memchr::memchr_iter(b'\n', &buffer[..length]).any(is_alone) {
        return Err(BAD_TRAILERS);
    }
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| BAD_TRAILERS)?;
        let value = HeaderValue::from_bytes(field.value).map_err(|_| BAD_TRAILERS)?;
        trailers.append(name, value);
    }
    buffer.advance(length);
    Ok(Some(trailers))
}

/// Writes the line before a chunk of `length` bytes.
pub fn write_size(out: &mut BytesMut, length: usize) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    for digit in (0..digits).rev() {
        out.put_u8(HEX[length >> (4 * digit) & 0xf]);
    }
    out.put_slice(b"\r\n");
}

/// Writes what follows the last chunk.
pub fn write_end(out: &mut BytesMut, trailers: Option<&HeaderMap>) {
    out.put_slice(b"0\r\n");
    if let Some(trailers) = trailers {
        fields::write(out, trailers);
    }
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Decodes `input` given in pieces of `piece` bytes.
    fn decode(input: &[u8], piece: usize) -> Result<(Vec<u8>, HeaderMap, Vec<u8>), Error> {
        let mut chunked = Chunked::default();
        let (mut buffer, mut data, mut trailers) = (BytesMut::new(), Vec::new(), HeaderMap::new());
        let mut pieces = input.chunks(piece.max(1));
        loop {
            match chunked.step(&mut buffer)? {
                Step::Data(bytes) => data.extend_from_slice(&bytes),
                Step::Trailers(fields) => trailers = fields,
                Step::NeedMore => match pieces.next() {
                    Some(piece) => buffer.extend_from_slice(piece),
                    None => return Err(Error::ClientGone),
                },
                Step::End => {
                    buffer.extend(pieces.flatten());
                    return Ok((data, trailers, buffer.to_vec()));
                }
            }
        }
    }

    #[test]
    fn data_trailers_and_the_next_request_are_told_apart() {
        let input = b"5;a=\"b\"\r\nhello\r\n0A\r\n, world...\r\n0\r\nDigest: x\r\n\r\nGET /";
        for piece in 1..input.len() {
            let (data, trailers, rest) = decode(input, piece).unwrap();
            assert_eq!(data, b"hello, world...");
            assert_eq!(trailers["digest"], "x");
            assert_eq!(rest, b"GET /");
        }
    }

    #[test]
    fn broken_codings_are_refused() {
        for bad in [
            "x\r\n",
            "\r\n",
            "-1\r\n",
            "+5\r\n",
            "0x5\r\n",
            "5 \r\nhello",
            "5\nhello",
            "5\r\nhelloX",
            "5\r\nhello\n0\r\n",
            "FFFFFFFFFFFFFFFF\r\n",
            "1_0\r\n",
            "5;\x01\r\n",
            "0\r\nbad field\r\n\r\n",
            "0\r\n\n",
            "0\r\na: b\n\r\n",
        ] {
            let status = decode(bad.as_bytes(), 64).unwrap_err().status();
            assert_eq!(status, 400, "{bad:?}");
        }
        assert!(decode(&[b'1'; 300], 7).is_err());
        assert_eq!(
            decode(format!("0\r\n{}", "a: b\r\n".repeat(40)).as_bytes(), 99).unwrap_err().status(),
            431
        );
    }

    #[test]
    fn chunk_sizes_are_hexadecimal() {
        for (length, line) in [(0, "0\r\n"), (10, "a\r\n"), (255, "ff\r\n"), (65536, "10000\r\n")] {
            let mut out = BytesMut::new();
            write_size(&mut out, length);
            assert_eq!(out, line);
        }
    }

    proptest! {
        #[test]
        fn what_was_chunked_comes_back(chunks: Vec<Vec<u8>>, piece in 1..64usize) {
            let mut input = BytesMut::new();
            for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
                write_size(&mut input, chunk.len());
                input.extend_from_slice(chunk);
                input.extend_from_slice(b"\r\n");
            }
            write_end(&mut input, None);
            let (data, _, rest) = decode(&input, piece).unwrap();
            prop_assert_eq!(data, chunks.concat());
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn no_bytes_make_it_panic(input: Vec<u8>, piece in 1..64usize) {
            // Whether they decode is not the question here.
            drop(decode(&input, piece));
        }
    }
}
