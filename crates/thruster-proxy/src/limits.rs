//! What a request may ask of us before anybody works for it: the length of its target, the
//! size of its body, and a host that is one.

use http::header::{CONTENT_LENGTH, HOST};
use http::{Method, Request, Version};

use crate::body::RequestBody;
use crate::error::Error;
use crate::http1::fields::content_length;

/// Bytes of path and query. Puma's own limit is 12 KiB for both together, so this refuses
/// nothing that the child would have answered, and answers 414 where it would say 400.
pub const MAX_TARGET: usize = 16 * 1024;

/// Refuses what breaks a limit.
///
/// # Errors
/// [`Error::TargetTooLong`], [`Error::BodyTooLarge`] when the length is announced,
/// [`Error::NotImplemented`] for CONNECT, [`Error::Malformed`] for a Host that is none.
pub fn on_request(request: &Request<RequestBody>, max_body: Option<u64>) -> Result<(), Error> {
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > MAX_TARGET {
        return Err(Error::TargetTooLong);
    }
    if request.method() == Method::CONNECT {
        return Err(Error::NotImplemented("CONNECT is for forward proxies"));
    }
    one_host(request)?;
    // HTTP/2 has its own framing, but whoever reads the fields later may not know.
    if request.headers().get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(Error::Malformed("repeated Content-Length"));
    }
    match max_body {
        Some(max) if content_length(request.headers()).is_some_and(|length| length > max) => {
            Err(Error::BodyTooLarge)
        }
        _ => Ok(()),
    }
}

/// RFC 9112 section 3.2: one Host, and a valid one; only HTTP/1.0 may go without.
fn one_host(request: &Request<RequestBody>) -> Result<(), Error> {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if request.version() == Version::HTTP_10 => Ok(()),
        (None, _) => Err(Error::Malformed("missing Host")),
        (Some(host), None) if host.as_bytes().iter().all(is_in_hosts) => Ok(()),
        (Some(_), None) => Err(Error::Malformed("bad Host")),
        (Some(_), Some(_)) => Err(Error::Malformed("repeated Host")),
    }
}

fn is_in_hosts(b: &u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~:[]%!$&'()*+,;=".contains(b)
}
