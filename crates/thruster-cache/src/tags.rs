//! What the application has tagged a response with, to purge it by: Cache-Tag and Surrogate-Key.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};

use crate::Reason;
use crate::list::{self, Quotes};

/// Separated by commas.
static CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");
/// Separated by blanks.
static SURROGATE_KEY: HeaderName = HeaderName::from_static("surrogate-key");

/// Tags of one response: a page of records, each with its tag, has a hundred or two.
const MOST_TAGS: usize = 256;

/// Bytes of one tag, as the CDNs that take these fields have it.
const LONGEST_TAG: usize = 1024;

/// Bytes of all tags of one response, which is what CDNs take in one field.
const MOST_BYTES: usize = 16 * 1024;

/// Removes both fields and returns what they say, each tag once, in alphabetical order.
///
/// # Errors
/// They are too many or too long. A response that cannot be purged by one of its tags is better
/// not kept.
pub fn take_tags(headers: &mut HeaderMap) -> Result<Vec<Box<str>>, Reason> {
    // Hardly any response has them, and one look at all names tells.
    if !headers.keys().any(|name| *name == CACHE_TAG || *name == SURROGATE_KEY) {
        return Ok(Vec::new());
    }
    let tags = read(headers);
    headers.remove(&CACHE_TAG);
    headers.remove(&SURROGATE_KEY);
    tags
}

fn read(headers: &HeaderMap) -> Result<Vec<Box<str>>, Reason> {
    let lines = headers.get_all(&SURROGATE_KEY).into_iter().map(HeaderValue::as_bytes);
    let keys = lines.flat_map(|line| line.split(u8::is_ascii_whitespace));
    let mut tags: Vec<&[u8]> = list::of(headers, &CACHE_TAG, Quotes::Plain)
        .chain(keys.filter(|key| !key.is_empty()))
        .collect();
    tags.sort_unstable();
    tags.dedup();
    let length: usize = tags.iter().map(|tag| tag.len()).sum();
    let is_long = tags.iter().any(|tag| tag.len() > LONGEST_TAG);
    if tags.len() > MOST_TAGS || length > MOST_BYTES || is_long {
        return Err(Reason::TooManyTags);
    }
    // A purge is asked for in UTF-8; what is not can only be asked for as it looks then.
    Ok(tags.into_iter().map(|tag| String::from_utf8_lossy(tag).into()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary;

    fn tags(fields: &[(&'static str, &str)]) -> Result<Vec<String>, Reason> {
        let mut headers = vocabulary::fields(fields);
        headers.insert("etag", HeaderValue::from_static("\"1\""));
        let tags = take_tags(&mut headers);
        assert_eq!(headers.len(), 1, "only the tags are taken");
        Ok(tags?.into_iter().map(String::from).collect())
    }

    #[test]
    fn tags_are_taken_from_both_fields_and_all_lines() {
        assert_eq!(
            tags(&[
                ("cache-tag", "post-1, all posts,,post-2 "),
                ("cache-tag", "post-3"),
                ("surrogate-key", "post-1  home\tpost-4"),
                ("surrogate-key", "a,b"),
            ])
            .unwrap(),
            ["a,b", "all posts", "home", "post-1", "post-2", "post-3", "post-4"]
        );
        assert!(tags(&[]).unwrap().is_empty());
        assert!(tags(&[("cache-tag", " , "), ("surrogate-key", "")]).unwrap().is_empty());
    }

    #[test]
    fn more_tags_than_are_kept_are_an_error_and_gone_all_the_same() {
        let many = |count: usize| (0..count).map(|n| format!("t{n}")).collect::<Vec<_>>().join(" ");
        assert_eq!(tags(&[("surrogate-key", &many(256))]).unwrap().len(), 256);
        assert_eq!(tags(&[("surrogate-key", &many(257))]), Err(Reason::TooManyTags));
        assert_eq!(tags(&[("cache-tag", &"x".repeat(1024))]).unwrap().len(), 1);
        assert_eq!(tags(&[("cache-tag", &"x".repeat(1025))]), Err(Reason::TooManyTags));
        let long: Vec<_> = (10..40).map(|n| format!("{n}{}", "x".repeat(1000))).collect();
        assert_eq!(tags(&[("cache-tag", &long.join(","))]), Err(Reason::TooManyTags));
        let twice = format!("{}, {}", long[..16].join(","), long[..16].join(","));
        assert_eq!(tags(&[("cache-tag", &twice)]).unwrap().len(), 16);
    }
}
