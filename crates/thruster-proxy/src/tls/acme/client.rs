//! HTTP to the CA. Answers that are no good become errors here, with all that the CA said: our
//! library would look past their status, or past when to come again.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body::Body;
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{self, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient, Problem};
use rustls::ClientConfig;
use rustls::crypto::ring;

use super::roots::{self, NoRoots};

/// For one answer. CAs take their time, but not with one request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of an answer. Certificates with their chains have some thousands.
const LARGEST: usize = 1 << 20;

/// What a CA may have us wait: beyond it, it has surely made a mistake.
const LONGEST_PAUSE: Duration = Duration::from_secs(7 * 24 * 3600);

/// How much of an answer is shown that is no problem document.
const SHOWN: usize = 200;

#[derive(Clone)]
pub struct Client(legacy::Client<HttpsConnector<HttpConnector>, BodyWrapper<Bytes>>);

/// An answer that no request of ours can go on with.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub struct Refusal {
    pub status: StatusCode,
    pub problem: Option<Problem>,
    /// The beginning of what is no problem document.
    said: String,
    /// How long not to ask again (RFC 8555 section 6.6).
    pub retry_after: Option<Duration>,
}

/// Why there was no answer.
#[derive(Debug, thiserror::Error)]
pub enum Silence {
    #[error("{}", self::chain(.0))]
    Unreachable(#[from] legacy::Error),
    #[error("its answer broke off: {0}")]
    BrokenOff(#[from] hyper::Error),
    #[error("its answer is too long")]
    TooLong,
    #[error("what it calls its directory is none")]
    NoDirectory,
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    TooLate,
}

impl Silence {
    /// Whether somebody answered whom this system does not take for the CA.
    pub fn is_distrust(&self) -> bool {
        let Silence::Unreachable(error) = self else { return false };
        causes(error)
            .filter_map(innermost)
            .any(|error| matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_))))
    }
}

impl Client {
    /// One that believes whom this system believes.
    ///
    /// # Errors
    /// The system believes nobody.
    pub fn new() -> Result<Self, NoRoots> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has what TLS 1.2 and 1.3 need")
            .with_root_certificates(roots::load()?)
            .with_no_client_auth();
        // RFC 8555 section 6.1: HTTPS, and nothing else.
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .build();
        Ok(Client(legacy::Client::builder(TokioExecutor::new()).build(connector)))
    }

    async fn exchange(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Error> {
        let is_directory = request.method() == Method::GET;
        let answer = self.0.request(request).await.map_err(Silence::from).map_err(other)?;
        let (mut parts, body) = answer.into_parts();
        let body = read(body).await.map_err(other)?;
        let retry_after = take_retry_after(&mut parts.headers, SystemTime::now());
        if let Some(refusal) = Refusal::of(parts.status, retry_after, &body) {
            return Err(other(refusal));
        }
        if is_directory && !has_usable_urls(&body) {
            return Err(other(Silence::NoDirectory));
        }
        Ok(BytesResponse { parts, body: Box::new(body) })
    }
}

impl HttpClient for Client {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let exchange = self.clone().exchange(request);
        Box::pin(async {
            let late = |_| other(Silence::TooLate);
            tokio::time::timeout(PATIENCE, exchange).await.map_err(late)?
        })
    }
}

impl Refusal {
    /// Not of an answer that the library has to see: a problem document is how a CA says that it
    /// has used a nonce before, or does not know an account.
    fn of(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Option<Self> {
        let problem = serde_json::from_slice::<Problem>(body).ok();
        let is_for_later = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        if status.is_success() || (problem.is_some() && !is_for_later) {
            return None;
        }
        let said = body.get(..body.len().min(SHOWN)).map(String::from_utf8_lossy);
        let said = said.unwrap_or_default().trim().to_owned();
        Some(Refusal { status, problem, said, retry_after })
    }

    fn text(&self) -> String {
        match &self.problem {
            Some(problem) => problem.to_string(),
            None => format!("it answered {}: {}", self.status, self.said),
        }
    }
}

/// How long not to ask again (RFC 9110 section 10.2.3), which is left where it was as a number of
/// seconds that a clock can bear: the library would add up more than that, and panic.
fn take_retry_after(headers: &mut HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.remove(RETRY_AFTER)?;
    let text = value.to_str().ok()?.trim();
    let pause = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => httpdate::parse_http_date(text).ok()?.duration_since(now).unwrap_or_default(),
    };
    let pause = pause.min(LONGEST_PAUSE);
    headers.insert(RETRY_AFTER, pause.as_secs().into());
    Some(pause)
}

/// Whether the one URL in a directory that the library takes for granted is one, if there is any.
fn has_usable_urls(body: &[u8]) -> bool {
    let body: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    body["newNonce"].as_str().is_none_or(|url| url.parse::<Uri>().is_ok())
}

async fn read(mut body: Incoming) -> Result<Bytes, Silence> {
    let mut read = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let Ok(data) = frame?.into_data() else { continue };
        if read.len() + data.len() > LARGEST {
            return Err(Silence::TooLong);
        }
        read.extend_from_slice(&data);
    }
    Ok(read.into())
}

fn other(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Other(Box::new(error))
}

/// What went wrong, and what made it: the outermost says little.
fn chain(error: &dyn std::error::Error) -> String {
    causes(error).fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

fn causes<'e>(
    error: &'e dyn std::error::Error,
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(error.source(), |error| error.source())
}

/// What an error of I/O was made of, which it does not call its source.
fn innermost<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e (dyn std::error::Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        Some(error) => innermost(error.get_ref()?),
        None => Some(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_what_the_ca_said_and_when_to_come_again() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let refusal = |status, retry_after: &str, body: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, retry_after.parse().expect("a value"));
            let status = StatusCode::from_u16(status).expect("a status");
            Refusal::of(status, take_retry_after(&mut headers, now), body.as_bytes())
        };
        let problem =
            r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"Enough for now"}"#;
        let limited = refusal(429, "120", problem).expect("a refusal");
        assert_eq!(limited.retry_after, Some(Duration::from_secs(120)));
        assert!(limited.to_string().contains("Enough for now"), "{limited}");
        let down = refusal(503, "Thu, 01 Jan 2026 01:00:00 GMT", "<h1>Back soon</h1>");
        let down = down.expect("a refusal");
        assert_eq!(down.retry_after, Some(Duration::from_secs(3600)));
        assert!(down.to_string().contains("503") && down.to_string().contains("Back soon"));
        let lost = refusal(404, "soon", &"x".repeat(1000)).expect("a refusal");
        assert!(lost.retry_after.is_none() && lost.to_string().len() < 300);
    }

    #[test]
    fn problems_that_the_library_can_solve_are_left_to_it() {
        let problem = br#"{"type":"urn:ietf:params:acme:error:badNonce","status":400}"#;
        let is_left = |status, body| Refusal::of(status, None, body).is_none();
        assert!(is_left(StatusCode::BAD_REQUEST, problem));
        assert!(is_left(StatusCode::OK, b"anything"));
        assert!(!is_left(StatusCode::SERVICE_UNAVAILABLE, problem));
    }

    #[test]
    fn a_pause_beyond_all_measure_is_cut() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, u64::MAX.into());
        let pause = take_retry_after(&mut headers, SystemTime::UNIX_EPOCH);
        assert_eq!(pause, Some(Duration::from_secs(604_800)));
        assert_eq!(headers[RETRY_AFTER], "604800");
        headers.insert(RETRY_AFTER, "soon".parse().expect("a value"));
        assert_eq!(take_retry_after(&mut headers, SystemTime::UNIX_EPOCH), None);
        assert!(headers.is_empty());
    }

    #[test]
    fn a_directory_without_usable_urls_is_none() {
        assert!(has_usable_urls(br#"{"newNonce":"https://ca.example/nonce"}"#));
        assert!(has_usable_urls(br#"{"suggestedWindow":{}}"#));
        assert!(!has_usable_urls(br#"{"newNonce":"https://ca example/"}"#));
    }
}
