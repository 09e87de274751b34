//! A Dictionary of structured fields (RFC 8941 section 3.2) whose members are directives, which is
//! what CDN-Cache-Control is (RFC 9213 section 2.1). All of it is right, or none of it counts.

use std::borrow::Cow;
use std::collections::HashMap;

use super::{Argument, Directive, unquoted};
use crate::list::{self, Quotes};

/// Reads all lines of the field. `None` if any of it is broken.
pub(super) fn parse<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Directive<'a>>> {
    let mut dictionary = HashMap::new();
    for line in lines {
        for text in list::members(line, Quotes::Strings) {
            let mut reader = Reader(text);
            let name = reader.key()?;
            let argument = reader.value()?;
            reader.parameters()?;
            if !reader.0.is_empty() {
                return None;
            }
            // Of several with one name the last counts (RFC 8941 section 4.2.2).
            dictionary.insert(name, argument);
        }
    }
    let directives = dictionary.into_iter();
    Some(directives.map(|(name, argument)| Directive { name, argument }).collect())
}

/// What is left of a member.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn key(&mut self) -> Option<&'a [u8]> {
        let is_inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.*".contains(&b);
        let key = self.take_while(is_inner);
        key.first().filter(|b| b.is_ascii_lowercase() || **b == b'*').map(|_| key)
    }

    /// The value after a key.
    fn value(&mut self) -> Option<Argument<'a>> {
        if !self.skip(b'=') {
            return Some(Argument::Absent);
        }
        let start = self.0;
        if !self.skip(b'(') {
            return self.item();
        }
        // An inner list. No directive has one for an argument.
        loop {
            self.take_while(|b| b == b' ');
            if self.skip(b')') {
                return Some(Argument::Text(taken(start, self.0)));
            }
            self.item()?;
            self.parameters()?;
            if !matches!(self.0.first(), Some(b' ' | b')')) {
                return None;
            }
        }
    }

    fn item(&mut self) -> Option<Argument<'a>> {
        match *self.0.first()? {
            b'-' | b'0'..=b'9' => self.number(),
            b'"' => self.string(),
            b'?' => self.boolean(),
            b':' => self.bytes(),
            b if b.is_ascii_alphabetic() || b == b'*' => {
                Some(Argument::Given(self.take_while(is_token).into()))
            }
            _ => None,
        }
    }

    /// An Integer of at most 15 digits, or a Decimal of at most 12 and 3.
    fn number(&mut self) -> Option<Argument<'a>> {
        let start = self.0;
        self.skip(b'-');
        let whole = self.take_while(|b| b.is_ascii_digit()).len();
        let is_right = if self.skip(b'.') {
            let fraction = self.take_while(|b| b.is_ascii_digit()).len();
            (1..=12).contains(&whole) && (1..=3).contains(&fraction)
        } else {
            (1..=15).contains(&whole)
        };
        is_right.then(|| Argument::Given(taken(start, self.0)))
    }

    /// Printable characters, of which only these two are escaped (RFC 8941 section 4.2.5).
    fn string(&mut self) -> Option<Argument<'a>> {
        let start = self.0;
        self.skip(b'"');
        loop {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return unquoted(&start[..start.len() - rest.len()]).map(Argument::Text),
                b'\\' if self.skip(b'"') || self.skip(b'\\') => {}
                b' '..=b'~' if byte != b'\\' => {}
                _ => return None,
            }
        }
    }

    fn boolean(&mut self) -> Option<Argument<'a>> {
        let (text, rest) = self.0.split_at_checked(2)?;
        self.0 = rest;
        match text {
            b"?1" => Some(Argument::Absent),
            b"?0" => Some(Argument::False),
            _ => None,
        }
    }

    /// A Byte Sequence. No directive has one for an argument.
    fn bytes(&mut self) -> Option<Argument<'a>> {
        let start = self.0;
        self.skip(b':');
        self.take_while(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        self.skip(b':').then(|| Argument::Text(taken(start, self.0)))
    }

    /// Parameters mean nothing to any directive (RFC 9213 section 2.1), but must be right.
    fn parameters(&mut self) -> Option<()> {
        while self.skip(b';') {
            self.take_while(|b| b == b' ');
            self.key()?;
            if self.skip(b'=') {
                self.item()?;
            }
        }
        Some(())
    }

    fn skip(&mut self, byte: u8) -> bool {
        let rest = self.0.strip_prefix(&[byte]);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn take_while(&mut self, is_wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let end = self.0.iter().position(|&b| !is_wanted(b)).unwrap_or(self.0.len());
        let (taken, rest) = self.0.split_at(end);
        self.0 = rest;
        taken
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/".contains(&byte)
}

/// What was read between these two.
fn taken<'a>(start: &'a [u8], rest: &[u8]) -> Cow<'a, [u8]> {
    start[..start.len() - rest.len()].into()
}
