//! Whether a response may be coded by us, and whether it is worth it.

use http::StatusCode;
use http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE, COOKIE, HeaderMap,
    HeaderName, SET_COOKIE, VARY,
};

use crate::hop_by_hop::{has_token, tokens};

const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");

/// Shorter bodies stay as they are: they fit into the packet that carries the head.
pub const MIN_LENGTH: u64 = 1024;

/// What shrinks besides `text/*`, `*+json` and `*+xml`. Formats that are compressed inside (most
/// images, video, audio, WOFF, PDF, archives) are missing on purpose: they would cost the time
/// and grow.
const COMPRESSIBLE: [&str; 34] = [
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/json-seq",
    "application/jsonl",
    "application/manifest",
    "application/ndjson",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/vnd.apple.mpegurl",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-font-opentype",
    "application/x-font-otf",
    "application/x-font-truetype",
    "application/x-font-ttf",
    "application/x-javascript",
    "application/x-mpegurl",
    "application/x-ndjson",
    "application/x-sh",
    "application/x-web-app-manifest",
    "application/x-yaml",
    "application/xml",
    "application/xml-dtd",
    "application/yaml",
    "font/collection",
    "font/otf",
    "font/sfnt",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "image/x-icon",
];

/// Whether a response with these fields, and a body of this length where it is known, may be
/// coded. What the client and the settings think of it is asked elsewhere.
pub fn is_eligible(status: StatusCode, headers: &HeaderMap, length: Option<u64>) -> bool {
    // There is nothing to code in some, and a part is a part of the body as it was (RFC 9110
    // section 15.3.7).
    let has_coding_place = !status.is_informational()
        && !matches!(
            status,
            StatusCode::NO_CONTENT
                | StatusCode::RESET_CONTENT
                | StatusCode::PARTIAL_CONTENT
                | StatusCode::NOT_MODIFIED
        )
        && !headers.contains_key(CONTENT_RANGE);
    has_coding_place
        && length.is_none_or(|length| length >= MIN_LENGTH)
        // Also `identity`, by which an application says that it wants none.
        && !headers.contains_key(CONTENT_ENCODING)
        && media_type(headers).is_some_and(is_compressible)
        && !has_no_transform(headers)
}

/// Whether the message says that its content is to stay as it is: a response (RFC 9111 section
/// 5.2.2.6), or a request for the response to it (section 5.2.1.6).
pub fn has_no_transform(headers: &HeaderMap) -> bool {
    has_directive(headers, "no-transform")
}

/// Whether a response says of itself that it is the same for everybody.
pub fn is_for_everybody(response: &HeaderMap) -> bool {
    has_directive(response, "public")
}

/// Whether an exchange is about somebody, so that a secret of theirs may be in the response, and
/// its length under a coding tell of it (BREACH): what GZIP_COMPRESSION_DISABLE_ON_AUTH excludes.
/// This is what the request says of it, the other what the response does.
pub fn is_guarded_request(request: &HeaderMap) -> bool {
    [COOKIE, AUTHORIZATION, X_CSRF_TOKEN].iter().any(|name| request.contains_key(name))
}

pub fn is_guarded_response(response: &HeaderMap) -> bool {
    response.contains_key(SET_COOKIE)
        || has_directive(response, "private")
        || has_directive(response, "no-store")
        || has_token(response, VARY, "cookie")
}

/// Content-Type without its parameters.
fn media_type(headers: &HeaderMap) -> Option<&[u8]> {
    let line = headers.get(CONTENT_TYPE)?.as_bytes();
    line.split(|&b| b == b';').next().map(<[u8]>::trim_ascii)
}

/// Media types are case-insensitive (RFC 9110 section 8.3.1); a structured syntax suffix says how
/// the rest is to be read (RFC 6838 section 4.2.8).
pub fn is_compressible(kind: impl AsRef<[u8]>) -> bool {
    let kind = kind.as_ref();
    let begins = |text: &str| {
        kind.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
    };
    let ends = |text: &str| {
        let rest = kind.len().checked_sub(text.len()).map(|at| &kind[at..]);
        rest.is_some_and(|end| end.eq_ignore_ascii_case(text.as_bytes()))
    };
    begins("text/")
        || ends("+json")
        || ends("+xml")
        || COMPRESSIBLE.iter().any(|known| kind.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether Cache-Control has this directive, on any line, with or without an argument: a guard
/// takes `private="set-cookie"` for `private`.
fn has_directive(headers: &HeaderMap, directive: &str) -> bool {
    let members = headers.get_all(CACHE_CONTROL).iter().flat_map(tokens);
    members
        .filter_map(|member| member.split(|&b| b == b'=').next())
        .any(|name| name.trim_ascii().eq_ignore_ascii_case(directive.as_bytes()))
}

#[cfg(test)]
mod tests;
