//! Where frames begin in a stream of bytes (RFC 9113 section 4.1). Payloads are passed over.

const HEAD: usize = 9;

pub struct Head {
    pub length: usize,
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
}

#[derive(Default)]
pub struct Frames {
    /// Bytes until the next head.
    rest: usize,
    /// As much of a head as has been seen.
    head: [u8; HEAD],
    seen: usize,
}

impl Frames {
    /// The first frame comes after so many bytes.
    pub fn after(bytes: usize) -> Self {
        Frames { rest: bytes, ..Frames::default() }
    }

    /// Whether what has been seen ends where a frame does.
    pub fn is_between(&self) -> bool {
        self.rest == 0 && self.seen == 0
    }

    /// Looks at the bytes that come next, and tells of each head that they complete.
    pub fn see(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Head)) {
        loop {
            let passed = self.rest.min(bytes.len());
            self.rest -= passed;
            bytes = &bytes[passed..];
            if bytes.is_empty() {
                return;
            }
            let taken = (HEAD - self.seen).min(bytes.len());
            self.head[self.seen..][..taken].copy_from_slice(&bytes[..taken]);
            self.seen += taken;
            bytes = &bytes[taken..];
            if self.seen == HEAD {
                let [a, b, c, kind, flags, s, t, u, v] = self.head;
                let length = u32::from_be_bytes([0, a, b, c]) as usize;
                // The first bit is reserved.
                let stream = u32::from_be_bytes([s & 0x7f, t, u, v]);
                (self.rest, self.seen) = (length, 0);
                tell(Head { length, kind, flags, stream });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_found_however_the_bytes_are_cut() {
        let bytes = [
            &b"preface"[..],
            b"\x00\x00\x00\x04\x00\x00\x00\x00\x00",
            b"\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678",
            b"\x00\x00\x03\x00\x01\x80\x00\x01\x03abc",
        ]
        .concat();
        for size in 1..=bytes.len() {
            let (mut frames, mut heads) = (Frames::after(7), Vec::new());
            for piece in bytes.chunks(size) {
                frames.see(piece, |head| {
                    heads.push((head.kind, head.flags, head.length, head.stream))
                });
            }
            assert_eq!(heads, [(4, 0, 0, 0), (6, 0, 8, 0), (0, 1, 3, 259)], "in pieces of {size}");
            assert!(frames.is_between());
            frames.see(b"\x00", |_| {});
            assert!(!frames.is_between());
        }
    }
}
