//! HSTS: browsers are told to come back over TLS alone (RFC 6797). On the way out, after all that
//! could keep a response, and on what is refused too.

use std::time::Duration;

use http::header::{HeaderMap, HeaderValue, STRICT_TRANSPORT_SECURITY};

use crate::forwarded::Client;

/// The word to say, if one is.
pub struct Hsts(Option<HeaderValue>);

impl Hsts {
    /// `patience` is how long browsers are to remember it, from each response on.
    pub fn new(patience: Option<Duration>) -> Self {
        let value = patience.map(|patience| format!("max-age={}", patience.as_secs()));
        Hsts(value.map(|value| HeaderValue::try_from(value).expect("letters and digits")))
    }

    /// Says it where it may be said: over TLS alone (RFC 6797 section 7.2). What the application
    /// says stands: it may know of subdomains, or want its browsers to forget.
    pub fn on_response(&self, headers: &mut HeaderMap, client: &Client) {
        if let Some(value) = self.0.as_ref().filter(|_| client.is_secure) {
            headers.entry(STRICT_TRANSPORT_SECURITY).or_insert_with(|| value.clone());
        }
    }
}
