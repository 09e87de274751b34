//! Whether a response is kept, and what of it (RFC 9111 section 3): ours is a shared cache, and
//! keeps what says for how long it is good.

use std::time::{Duration, SystemTime};

use bytes::BytesMut;
use http::header::{
    AGE, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE,
    HeaderName, HeaderValue, PROXY_AUTHENTICATE, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, Method, StatusCode};

use crate::directives::{ResponseDirectives, Restriction};
use crate::reuse::wants_no_store;
use crate::tags::take_tags;
use crate::{Life, Reason, Variant, date, freshness};

/// Cacheable by definition (RFC 9110 section 15.1) but for 206, and the other redirects. An error
/// that is not among them is the application's bad moment, whatever it says.
const STATUSES: [u16; 14] = [200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501];

/// What is not kept of a response: what was said to the first client alone, what the connection
/// ended (RFC 9111 section 3.1), and what is made anew for each client.
const NOT_KEPT: [HeaderName; 18] = [
    SET_COOKIE,
    HeaderName::from_static("set-cookie2"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-cache"),
    HeaderName::from_static("cache-tag"),
    HeaderName::from_static("surrogate-key"),
    AGE,
    CONTENT_LENGTH,
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    HeaderName::from_static("proxy-authentication-info"),
    HeaderName::from_static("proxy-authorization"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Fields without which a body is not what it was: a response that holds one of them back holds
/// back all of it.
const OF_THE_BODY: [HeaderName; 2] = [CONTENT_ENCODING, CONTENT_TYPE];

/// What is kept of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub life: Life,
    pub variant: Variant,
    /// Without the fields that are nobody else's, and with a Date.
    pub headers: HeaderMap,
    /// The tags that the response still had. One whose tags were taken before
    /// ([`take_tags`]) has none here: put them back.
    pub tags: Vec<Box<str>>,
}

/// Whether a response may be kept for others, and what of it. `asked` is when the request was
/// sent, `received` when the response's head came. After a 304: with the stored status and what
/// [`refresh`](crate::refresh) has made of the fields.
///
/// # Errors
/// The rule by which it is not.
pub fn plan(
    method: &Method,
    request: &HeaderMap,
    status: StatusCode,
    response: &HeaderMap,
    asked: SystemTime,
    received: SystemTime,
) -> Result<Plan, Reason> {
    // RFC 9111 section 2: a cache may well know no method but this one.
    if method != Method::GET {
        return Err(Reason::Method);
    }
    if wants_no_store(request) {
        return Err(Reason::RequestNoStore);
    }
    let directives = ResponseDirectives::of(response);
    let life = judge(request, status, response, &directives, asked, received)?;
    let is_set = |name| response.contains_key(name);
    if (is_set("set-cookie") || is_set("set-cookie2")) && !directives.public {
        return Err(Reason::SetCookie);
    }
    let variant = Variant::of(response, request)?;
    let mut headers = response.clone();
    let tags = take_tags(&mut headers)?;
    strip(&mut headers, &directives, received);
    Ok(Plan { life, variant, headers: compact(&headers), tags })
}

fn judge(
    request: &HeaderMap,
    status: StatusCode,
    response: &HeaderMap,
    directives: &ResponseDirectives,
    asked: SystemTime,
    received: SystemTime,
) -> Result<Life, Reason> {
    check_status(status)?;
    check_restrictions(directives)?;
    // RFC 9111 section 3.5.
    let is_for_authorized =
        directives.public || directives.s_maxage.is_some() || directives.must_revalidate;
    if request.contains_key(AUTHORIZATION) && !is_for_authorized {
        return Err(Reason::Authorization);
    }
    // Before the age: most answers end here, and to read their Date would be in vain.
    let lifetime =
        freshness::lifetime(directives, response, received).ok_or(Reason::NoFreshness)?;
    let life = Life {
        received,
        initial_age: freshness::initial_age(response, asked, received),
        lifetime,
        stale_while_revalidate: directives.stale_while_revalidate.unwrap_or_default(),
        stale_if_error: directives.stale_if_error.unwrap_or_default(),
        // "s-maxage incorporates the semantics of proxy-revalidate" (section 5.2.2.10).
        must_revalidate: directives.must_revalidate
            || directives.proxy_revalidate
            || directives.s_maxage.is_some(),
        is_for_authorized,
    };
    if life.initial_age < reach(&life) { Ok(life) } else { Err(Reason::Expired) }
}

fn check_status(status: StatusCode) -> Result<(), Reason> {
    match status {
        StatusCode::PARTIAL_CONTENT => Err(Reason::Partial),
        _ if STATUSES.contains(&status.as_u16()) => Ok(()),
        _ => Err(Reason::Status),
    }
}

fn check_restrictions(directives: &ResponseDirectives) -> Result<(), Reason> {
    // Every status that comes this far is one we understand, and then must-understand takes
    // no-store's place (RFC 9111 section 5.2.2.3).
    if directives.no_store && !directives.must_understand {
        return Err(Reason::NoStore);
    }
    let is_whole = |restriction: &Restriction| {
        *restriction == Restriction::Whole
            || restriction.fields().iter().any(|name| OF_THE_BODY.contains(name))
    };
    if is_whole(&directives.private) {
        return Err(Reason::Private);
    }
    if is_whole(&directives.no_cache) {
        return Err(Reason::NoCache);
    }
    if directives.is_malformed {
        return Err(Reason::MalformedCacheControl);
    }
    Ok(())
}

/// The age up to which a response is of any use.
fn reach(life: &Life) -> Duration {
    if life.must_revalidate {
        return life.lifetime;
    }
    life.lifetime.saturating_add(life.stale_while_revalidate.max(life.stale_if_error))
}

fn strip(headers: &mut HeaderMap, directives: &ResponseDirectives, received: SystemTime) {
    // RFC 9111 sections 5.2.2.4 and 5.2.2.7: the others of its fields may be shared.
    let held_back = directives.private.fields().iter().chain(directives.no_cache.fields());
    for name in NOT_KEPT.iter().chain(held_back) {
        headers.remove(name);
    }
    // "Record the time it was received, and append a Date" (RFC 9110 section 6.6.1): Puma sends
    // none.
    if date::of(headers, &DATE).is_none() {
        let date = HeaderValue::try_from(httpdate::fmt_http_date(received));
        headers.insert(DATE, date.expect("a date is plain text"));
    }
}

/// The same fields with text of their own, in one piece: values that came off a connection are
/// slices of all that was read with them, and would keep that alive.
fn compact(headers: &HeaderMap) -> HeaderMap {
    let length = headers.values().map(HeaderValue::len).sum();
    let mut text = BytesMut::with_capacity(length);
    headers.values().for_each(|value| text.extend_from_slice(value.as_bytes()));
    let mut text = text.freeze();
    let mut compact = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let value = HeaderValue::from_maybe_shared(text.split_to(value.len()));
        compact.append(name, value.expect("a field value stays one"));
    }
    compact
}

#[cfg(test)]
mod tests;
