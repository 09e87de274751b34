//! What a request may ask of us before anybody works for it: the length of its target, the
//! size of its body, and a host that is one.

use http::header::{CONTENT_LENGTH, HOST};
use http::{Method, Request};

use crate::body::RequestBody;
use crate::error::Error;

/// Bytes of path and query. Puma's own limit is 12 KiB for both together, so this refuses
/// nothing that the child would have answered, and answers 414 where it would say 400.
const MAX_TARGET: usize = 16 * 1024;

/// Refuses what breaks a limit.
///
/// # Errors
/// [`Error::TargetTooLong`], [`Error::BodyTooLarge`] when the length is announced,
/// [`Error::NotImplemented`] for CONNECT.
pub fn on_request(request: &Request<RequestBody>, max_body: Option<u64>) -> Result<(), Error> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET {
        return Err(Error::TargetTooLong);
    }
    if request.method() == Method::CONNECT {
        return Err(Error::NotImplemented("CONNECT is for forward proxies"));
    }
    if request.headers().get_all(HOST).iter().count() > 1 {
        return Err(Error::Malformed("repeated Host"));
    }
    let length = request.headers().get(CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|length| length.to_str().ok()?.parse().ok());
    match max_body {
        Some(max) if length.is_some_and(|length| length > max) => Err(Error::BodyTooLarge),
        _ => Ok(()),
    }
}
