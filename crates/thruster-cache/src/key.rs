//! What a response is kept under: the origin, as the application sees it, and the target. Keys
//! are compared whole; a hash only ever finds the shelf.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

/// Between origin and target. No header field value and no target can contain it, so
/// different pairs are different keys.
const DELIMITER: u8 = b'\n';

/// An origin and a target, such as `http://example.com` and `/a?b=1`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Key(Bytes);

impl Key {
    /// `origin` is `scheme://host`, and whatever else the application may take for its own name;
    /// `target` is the path and the query, byte for byte.
    pub fn new(origin: &[u8], target: &[u8]) -> Self {
        let mut text = BytesMut::with_capacity(origin.len() + 1 + target.len());
        text.put_slice(origin);
        text.iter_mut().filter(|b| **b == DELIMITER).for_each(|b| *b = b' ');
        text.put_u8(DELIMITER);
        text.put_slice(target);
        Key(text.freeze())
    }

    /// A key as it was stored; `None` if it is none.
    pub fn from_bytes(text: Bytes) -> Option<Self> {
        text.contains(&DELIMITER).then_some(Key(text))
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub fn origin(&self) -> &[u8] {
        self.parts().0
    }

    pub fn target(&self) -> &[u8] {
        self.parts().1
    }

    /// The key of another target of the same origin.
    pub fn sibling(&self, target: &[u8]) -> Self {
        Key::new(self.origin(), target)
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        let at = self.0.iter().position(|&b| b == DELIMITER).expect("every key has a delimiter");
        (&self.0[..at], &self.0[at + 1..])
    }
}

/// As a URL.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (origin, target) = self.parts();
        write!(f, "{}{}", String::from_utf8_lossy(origin), String::from_utf8_lossy(target))
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let key = |origin: &str, target: &str| Key::new(origin.as_bytes(), target.as_bytes());
        assert_ne!(key("http://a", "/a?b=1"), key("http://a", "/ab=1"));
        assert_ne!(key("http://a", "/b"), key("http://a/b", ""));
        assert_ne!(key("http://a\n/b", "/c"), key("http://a", "/b\n/c"));
        assert_eq!(key("http://a", "/b").sibling(b"/c"), key("http://a", "/c"));
        assert_eq!(key("http://a", "/b?c").to_string(), "http://a/b?c");
    }
}
