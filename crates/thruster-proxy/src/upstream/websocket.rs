//! Where the frames of a WebSocket end (RFC 6455 section 5.2): a word of our own may only stand
//! between two of them. Pure.

/// A Close frame from a server: 1001, "going away" (section 7.4.1).
pub const GOING_AWAY: [u8; 4] = [0x88, 0x02, 0x03, 0xe9];

/// Follows a stream of frames.
#[derive(Debug, Default)]
pub struct Frames {
    /// The bytes of a header that is not whole yet.
    header: [u8; 14],
    length: usize,
    /// Bytes of payload still to come.
    payload: u64,
}

impl Frames {
    /// Whether the next byte begins a frame.
    pub fn is_between(&self) -> bool {
        self.length == 0 && self.payload == 0
    }

    /// How many of these bytes belong to the frame that has begun.
    pub fn rest_of_frame(&self, bytes: &[u8]) -> usize {
        let mut probe = Frames { header: self.header, ..*self };
        for (count, byte) in bytes.iter().enumerate() {
            if probe.is_between() {
                return count;
            }
            if probe.payload > 0 {
                let whole = usize::try_from(probe.payload).unwrap_or(usize::MAX);
                return count + whole.min(bytes.len() - count);
            }
            probe.advance(std::slice::from_ref(byte));
        }
        bytes.len()
    }

    /// These bytes have gone by.
    pub fn advance(&mut self, mut bytes: &[u8]) {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.payload > 0 {
                let here = usize::try_from(self.payload).unwrap_or(usize::MAX).min(bytes.len());
                self.payload -= here as u64;
                bytes = &bytes[here..];
                continue;
            }
            self.header[self.length] = first;
            self.length += 1;
            bytes = rest;
            if let Some(payload) = self.whole_header() {
                (self.length, self.payload) = (0, payload);
            }
        }
    }

    /// The length of the payload, once the header is whole.
    fn whole_header(&self) -> Option<u64> {
        let header = &self.header[..self.length];
        let second = *header.get(1)?;
        let (extended, mask) = match second & 0x7f {
            126 => (2, second & 0x80),
            127 => (8, second & 0x80),
            _ => (0, second & 0x80),
        };
        let whole = 2 + extended + if mask == 0 { 0 } else { 4 };
        if header.len() < whole {
            return None;
        }
        let length = header[2..2 + extended].iter().fold(0, |n, &b| n << 8 | u64::from(b));
        Some(if extended == 0 { u64::from(second & 0x7f) } else { length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(payload: usize, is_masked: bool) -> Vec<u8> {
        let mask = if is_masked { 0x80 } else { 0 };
        let mut frame = vec![0x82];
        match payload {
            0..126 => frame.push(mask | payload as u8),
            126..65536 => {
                frame.push(mask | 126);
                frame.extend((payload as u16).to_be_bytes());
            }
            _ => {
                frame.push(mask | 127);
                frame.extend((payload as u64).to_be_bytes());
            }
        }
        frame.extend(vec![0; payload + if is_masked { 4 } else { 0 }]);
        frame
    }

    proptest::proptest! {
        #[test]
        fn frames_end_where_they_end(
            frames in proptest::collection::vec((0..70_000_usize, proptest::bool::ANY), 1..4),
            piece in 1..5000_usize,
        ) {
            let mut state = Frames::default();
            for (payload, is_masked) in frames {
                let frame = frame(payload, is_masked);
                let end = frame.len();
                for (at, bytes) in (0..).step_by(piece).zip(frame.chunks(piece)) {
                    let with_next = [bytes, &b"\x82\x01x"[..]].concat();
                    if at > 0 && !state.is_between() && at + bytes.len() == end {
                        proptest::prop_assert_eq!(state.rest_of_frame(&with_next), bytes.len());
                    }
                    state.advance(bytes);
                    proptest::prop_assert_eq!(state.is_between(), at + bytes.len() == end);
                }
            }
        }
    }
}
