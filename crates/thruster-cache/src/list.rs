//! Comma-separated lists (RFC 9110 section 5.6.1), the one reader of them.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

/// What a quotation mark means to the list it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quotes {
    /// It encloses a quoted string, in which a backslash escapes (RFC 9110 section 5.6.4).
    Strings,
    /// It encloses an entity tag, in which a backslash is one (section 8.8.3).
    Tags,
    /// Nothing.
    Plain,
}

/// The members of one line, without the blanks around them. A comma too many makes an empty one.
pub struct Members<'a> {
    rest: Option<&'a [u8]>,
    quotes: Quotes,
    /// A quotation did not end, and took the rest of the line with it. Known after the last member.
    pub is_unterminated: bool,
}

pub fn members(line: &[u8], quotes: Quotes) -> Members<'_> {
    Members { rest: Some(line), quotes, is_unterminated: false }
}

impl<'a> Iterator for Members<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let (mut is_quoted, mut is_escaped) = (false, false);
        let ends = |&byte: &u8| {
            if std::mem::take(&mut is_escaped) {
                return false;
            }
            match byte {
                b'"' if self.quotes != Quotes::Plain => is_quoted = !is_quoted,
                b'\\' if is_quoted && self.quotes == Quotes::Strings => is_escaped = true,
                b',' => return !is_quoted,
                _ => {}
            }
            false
        };
        let end = rest.iter().position(ends);
        self.is_unterminated |= is_quoted;
        self.rest = end.map(|end| &rest[end + 1..]);
        Some(rest[..end.unwrap_or(rest.len())].trim_ascii())
    }
}

/// The members of all lines of a field that are not empty.
pub fn of<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
    quotes: Quotes,
) -> impl Iterator<Item = &'a [u8]> {
    let lines = headers.get_all(name).into_iter().map(HeaderValue::as_bytes);
    lines.flat_map(move |line| members(line, quotes)).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str, quotes: Quotes) -> (Vec<&str>, bool) {
        let mut members = members(line.as_bytes(), quotes);
        let all = members.by_ref().map(|member| std::str::from_utf8(member).unwrap()).collect();
        (all, members.is_unterminated)
    }

    #[test]
    fn a_comma_in_quotation_marks_separates_nothing() {
        let strings = |line| split(line, Quotes::Strings);
        assert_eq!(strings("a , b=\"c, d\"\t,e"), (vec!["a", "b=\"c, d\"", "e"], false));
        assert_eq!(strings(r#"a="\",\\",b"#), (vec![r#"a="\",\\""#, "b"], false));
        assert_eq!(strings(",a,, "), (vec!["", "a", "", ""], false));
        assert_eq!(strings(r"a\,b"), (vec![r"a\", "b"], false));
        assert_eq!(split(r#""a\", "b,""#, Quotes::Tags), (vec![r#""a\""#, r#""b,""#], false));
        assert_eq!(split("a\",b\"", Quotes::Plain), (vec!["a\"", "b\""], false));
    }

    #[test]
    fn a_quotation_without_an_end_is_told() {
        for line in ["a=\"b, c", "a=\"b\\\", c", "\"", "a\",\"b\""] {
            assert!(split(line, Quotes::Strings).1, "{line}");
        }
        assert_eq!(split("a, b=\"c, d", Quotes::Strings).0, ["a", "b=\"c, d"]);
    }
}
