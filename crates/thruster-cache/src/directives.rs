//! Cache directives (RFC 9111 section 5.2): how one is written. What the request's and the
//! response's mean is below, in files of their own.

mod dictionary;
mod request;
mod response;

use std::borrow::Cow;
use std::time::Duration;

use crate::number;
pub use request::RequestDirectives;
pub use response::{ResponseDirectives, Restriction};

/// The greatest number of seconds that counts; greater ones count as this (RFC 9111 section 1.2.2).
pub(crate) const MOST: Duration = Duration::from_secs(1 << 31);

/// One directive, such as `max-age=60` or `private="x-user"`.
struct Directive<'a> {
    /// As it was written; compare it without regard to letter case.
    name: &'a [u8],
    argument: Argument<'a>,
}

enum Argument<'a> {
    Absent,
    /// A token, or what was quoted: the recipient takes either for the other (section 5.2).
    Given(Cow<'a, [u8]>),
    /// A string where strings are not numbers (RFC 9213 section 2.1), or no argument by any grammar.
    Text(Cow<'a, [u8]>),
    /// Says that the directive is not there (RFC 8941 section 3.3.6).
    False,
}

impl<'a> Directive<'a> {
    fn parse(member: &'a [u8]) -> Self {
        let Some(equals) = member.iter().position(|&b| b == b'=') else {
            return Directive { name: member, argument: Argument::Absent };
        };
        // No blank belongs around the sign, but a restriction is one with blanks too.
        let argument = member[equals + 1..].trim_ascii();
        let argument = match unquoted(argument) {
            Some(text) => Argument::Given(text),
            None => Argument::Text(argument.into()),
        };
        Directive { name: member[..equals].trim_ascii(), argument }
    }

    fn is(&self, name: &str) -> bool {
        !matches!(self.argument, Argument::False) && self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Whether it is this one, and without an argument. For what permits something: what
    /// restricts does so with any argument.
    fn is_plain(&self, name: &str) -> bool {
        matches!(self.argument, Argument::Absent) && self.is(name)
    }

    /// Its argument as seconds (section 1.2.2); `None` if it has none that can be read so.
    fn seconds(&self) -> Option<Duration> {
        match &self.argument {
            Argument::Given(digits) => seconds(digits),
            Argument::Absent | Argument::Text(_) | Argument::False => None,
        }
    }
}

/// `delta-seconds`.
pub(crate) fn seconds(digits: &[u8]) -> Option<Duration> {
    number::parse(digits).map(|number| Duration::from_secs(number).min(MOST))
}

/// Takes the quotation marks and escapes off. `None`: it begins as a quoted string and is none.
fn unquoted(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(quoted) = text.strip_prefix(b"\"") else { return Some(text.into()) };
    if !quoted.contains(&b'\\') {
        return quoted.strip_suffix(b"\"").filter(|text| !text.contains(&b'"')).map(Cow::from);
    }
    let mut plain = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter();
    loop {
        match *bytes.next()? {
            b'"' => return bytes.as_slice().is_empty().then_some(plain.into()),
            b'\\' => plain.push(*bytes.next()?),
            byte => plain.push(byte),
        }
    }
}

#[cfg(test)]
mod tests;
