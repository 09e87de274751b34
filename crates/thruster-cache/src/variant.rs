//! Which of the answers under one key is meant: the request's fields that Vary names, as they
//! were (RFC 9111 section 4.1).

use std::borrow::Cow;

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderName, HeaderValue, VARY};

use crate::list::{self, Quotes};
use crate::{Reason, accept_encoding};

/// Fields that a response may vary by. Two or three are usual, and each is compared at every hit.
const MOST_NAMES: usize = 16;

/// Stands for a field that was not there, which is not the same as an empty one. No field value
/// can hold it.
const ABSENT: &[u8] = b"\0";

/// The fields that Vary names and the values they had, normalised, in the order of the names.
/// Empty for an answer that does not vary.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Variant(pub Vec<(HeaderName, Box<[u8]>)>);

impl Variant {
    /// The variant that `response` is of what `request` asked for.
    ///
    /// # Errors
    /// Nobody can tell which it is.
    pub fn of(response: &HeaderMap, request: &HeaderMap) -> Result<Self, Reason> {
        let mut names = Vec::new();
        for member in list::of(response, &VARY, Quotes::Plain) {
            if member == b"*" {
                return Err(Reason::VaryStar);
            }
            let name = HeaderName::from_bytes(member).map_err(|_| Reason::MalformedVary)?;
            if names.contains(&name) {
                continue;
            }
            if names.len() == MOST_NAMES {
                return Err(Reason::VaryTooLong);
            }
            names.push(name);
        }
        names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        let fields = names.into_iter().map(|name| {
            let value = normalised(request, &name).into();
            (name, value)
        });
        Ok(Variant(fields.collect()))
    }

    /// The variant that another request means, as far as these fields tell.
    pub fn for_request(&self, request: &HeaderMap) -> Self {
        let fields = self.0.iter().map(|(name, _)| {
            let value = normalised(request, name).into();
            (name.clone(), value)
        });
        Variant(fields.collect())
    }

    /// Whether a request with these fields means this variant.
    pub fn matches(&self, request: &HeaderMap) -> bool {
        self.0.iter().all(|(name, value)| *normalised(request, name) == **value)
    }
}

/// All lines as one, without the blanks around commas (RFC 9111 section 4.1); and what
/// Accept-Encoding comes to.
fn normalised<'a>(request: &'a HeaderMap, name: &HeaderName) -> Cow<'a, [u8]> {
    if *name == ACCEPT_ENCODING && request.contains_key(name) {
        return accept_encoding::normal_form(request).into();
    }
    let lines = request.get_all(name).into_iter().map(HeaderValue::as_bytes);
    let mut members = lines.flat_map(|line| list::members(line, Quotes::Strings));
    let Some(first) = members.next() else { return ABSENT.into() };
    let Some(second) = members.next() else { return first.into() };
    let mut joined = [first, b",", second].concat();
    for member in members {
        joined.push(b',');
        joined.extend_from_slice(member);
    }
    joined.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::fields;

    fn variant(vary: &[&str], request: &[(&'static str, &str)]) -> Result<Variant, Reason> {
        let vary: Vec<_> = vary.iter().map(|line| ("vary", *line)).collect();
        Variant::of(&fields(&vary), &fields(request))
    }

    #[test]
    fn every_field_on_every_line_of_vary_is_compared() {
        let request = [("accept", "text/html"), ("x-theme", "dark")];
        let variant = variant(&["X-Theme , accept", "Accept-Language"], &request).unwrap();
        let names: Vec<_> = variant.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["accept", "accept-language", "x-theme"]);
        assert!(variant.matches(&fields(&request)));
        assert!(variant.matches(&fields(&[request[0], request[1], ("cookie", "a=b")])));
        assert!(!variant.matches(&fields(&[request[0]])));
        assert!(!variant.matches(&fields(&[request[0], ("x-theme", "light")])));
        assert!(!variant.matches(&fields(&[request[0], request[1], ("accept-language", "")])));
    }

    #[test]
    fn lines_are_joined_and_blanks_around_commas_do_not_count() {
        let request = [("accept", "a;q=\"1, 2\" ,b"), ("accept", "c")];
        let variant = variant(&["accept"], &request).unwrap();
        assert!(variant.matches(&fields(&[("accept", "a;q=\"1, 2\",b , c")])));
        for other in ["a;q=\"1,2\",b,c", "a;q=\"1, 2\",b", "b,c,a;q=\"1, 2\"", "A;q=\"1, 2\",b,c"] {
            assert!(!variant.matches(&fields(&[("accept", other)])), "{other}");
        }
    }

    #[test]
    fn accept_encoding_is_compared_by_what_it_allows() {
        let variant = variant(&["Accept-Encoding"], &[("accept-encoding", "gzip, br")]).unwrap();
        assert!(variant.matches(&fields(&[("accept-encoding", "br;q=0.9,GZIP,zstd;q=0")])));
        assert!(!variant.matches(&fields(&[("accept-encoding", "gzip")])));
        assert!(!variant.matches(&fields(&[])));
    }

    #[test]
    fn a_response_that_does_not_vary_is_for_all() {
        for vary in [&[][..], &[""], &[" , "]] {
            let variant = variant(vary, &[("accept", "a")]).unwrap();
            assert_eq!(variant, Variant::default());
            assert!(variant.matches(&fields(&[("accept", "b")])));
        }
        let same = variant(&["accept, ACCEPT"], &[]).unwrap();
        assert_eq!(same.0.len(), 1);
    }

    #[test]
    fn what_cannot_be_told_apart_is_no_variant() {
        assert_eq!(variant(&["accept", "x, *"], &[]), Err(Reason::VaryStar));
        assert_eq!(variant(&["accept encoding"], &[]), Err(Reason::MalformedVary));
        let names =
            |count: usize| (0..count).map(|n| format!("x-{n}")).collect::<Vec<_>>().join(",");
        assert_eq!(variant(&[&names(16)], &[]).unwrap().0.len(), 16);
        assert_eq!(variant(&[&names(17)], &[]), Err(Reason::VaryTooLong));
    }
}
