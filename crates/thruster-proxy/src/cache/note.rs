//! What the cache did about a request: X-Cache as Thruster says it, Cache-Status (RFC 9211) with
//! the reasons, and the reason again for the access log.

use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};

pub const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Why the application was asked (RFC 9211 section 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarded {
    /// The cache was not asked, or is off.
    Bypass,
    /// Only answers to GET and HEAD are kept.
    Method,
    Miss,
    /// There are answers, for requests with other fields.
    VaryMiss,
    Stale,
    /// The request's own Cache-Control demanded it.
    Request,
}

impl Forwarded {
    fn name(self) -> &'static str {
        match self {
            Forwarded::Bypass => "bypass",
            Forwarded::Method => "method",
            Forwarded::Miss => "miss",
            Forwarded::VaryMiss => "vary-miss",
            Forwarded::Stale => "stale",
            Forwarded::Request => "request",
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Note {
    /// `None` is a hit.
    pub forwarded: Option<Forwarded>,
    /// The application's status, where it is not the one that the client gets.
    pub status: Option<StatusCode>,
    pub is_stored: bool,
    pub is_collapsed: bool,
    /// Seconds for which the answer stays fresh.
    pub ttl: Option<i64>,
    /// Why something was not done that could have been expected.
    pub detail: Option<&'static str>,
}

impl Note {
    pub fn hit(ttl: i64) -> Self {
        Note { ttl: Some(ttl), ..Note::default() }
    }

    pub fn forwarded(why: Forwarded) -> Self {
        Note { forwarded: Some(why), ..Note::default() }
    }

    /// Tells the client.
    pub fn write(&self, headers: &mut HeaderMap) {
        let x_cache = match self.forwarded {
            None => "hit",
            Some(Forwarded::Bypass | Forwarded::Method) => "bypass",
            Some(_) => "miss",
        };
        headers.insert(X_CACHE, HeaderValue::from_static(x_cache));
        // A list to which each cache on the way adds itself.
        headers.append(CACHE_STATUS, self.status_field());
    }

    fn status_field(&self) -> HeaderValue {
        let mut field = String::with_capacity(64);
        field.push_str("thruster");
        match self.forwarded {
            None => field.push_str("; hit"),
            Some(why) => {
                field.push_str("; fwd=");
                field.push_str(why.name());
            }
        }
        if let Some(status) = self.status {
            field.push_str("; fwd-status=");
            field.push_str(status.as_str());
        }
        if let Some(ttl) = self.ttl {
            field.push_str("; ttl=");
            field.push_str(itoa::Buffer::new().format(ttl));
        }
        if self.is_stored {
            field.push_str("; stored");
        }
        if self.is_collapsed {
            field.push_str("; collapsed");
        }
        if let Some(detail) = self.detail {
            field.push_str("; detail=");
            field.push_str(detail);
        }
        HeaderValue::try_from(field).expect("tokens and numbers are visible")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(note: Note) -> (String, String) {
        let mut headers = HeaderMap::new();
        headers.insert(CACHE_STATUS, HeaderValue::from_static("cdn; fwd=miss"));
        note.write(&mut headers);
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        let status = headers.get_all(CACHE_STATUS).iter().map(text).collect::<Vec<_>>();
        assert_eq!(status[0], "cdn; fwd=miss");
        (text(&headers[X_CACHE]), status[1].clone())
    }

    #[test]
    fn each_outcome_is_told_in_both_ways() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(told(Note::hit(30)), pair("hit", "thruster; hit; ttl=30"));
        let stored = Note {
            status: Some(StatusCode::OK),
            is_stored: true,
            is_collapsed: true,
            ..Note::forwarded(Forwarded::VaryMiss)
        };
        let said = "thruster; fwd=vary-miss; fwd-status=200; stored; collapsed";
        assert_eq!(told(stored), pair("miss", said));
        let refused = Note { detail: Some("private"), ..Note::forwarded(Forwarded::Bypass) };
        assert_eq!(told(refused), pair("bypass", "thruster; fwd=bypass; detail=private"));
    }
}
