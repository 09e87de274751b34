//! One request from its arrival to its response: every stage, in order, with the reason for its
//! place. Read this first.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode, Version};
use http_body::Body;

use crate::access_log::{AccessLog, Record};
use crate::body::{Content, RequestBody, ResponseBody};
use crate::cache::{Cache, Noted, Question, Store, Verdict};
use crate::compress::{Compression, Wish};
use crate::config::{Config, Timeouts};
use crate::drain::Drain;
use crate::error::Error;
use crate::forwarded::{self, Client, X_REQUEST_ID};
use crate::hop_by_hop;
use crate::hsts::Hsts;
use crate::limits;
use crate::log::Log;
use crate::proxy_protocol::ProxyProtocol;
use crate::read_ahead::ReadAhead;
use crate::static_files::StaticFiles;
use crate::to_https::ToHttps;
use crate::trusted_proxies::Trust;
use crate::upstream::{Shared, Took, Upstream};

/// Marks a response after which the client's connection is to be closed.
#[derive(Clone, Copy)]
pub struct ClosesConnection;

/// Marks a response that nobody is there to read.
#[derive(Clone, Copy)]
pub struct ClientLeft;

/// The stages, as one core uses them.
pub struct Pipeline {
    access_log: AccessLog,
    trust: Trust,
    to_https: Option<Arc<ToHttps>>,
    hsts: Hsts,
    max_request_body: Option<u64>,
    bad_gateway_page: PathBuf,
    static_files: StaticFiles,
    cache: Arc<Cache>,
    compression: Arc<Compression>,
    upstream: Arc<Upstream>,
    boot_timeout: Duration,
    buffer_requests: u64,
    /// Asked by each connection before all else.
    pub proxy_protocol: Option<ProxyProtocol>,
    pub timeouts: Timeouts,
    pub read_ahead: ReadAhead,
}

impl Pipeline {
    pub fn new(
        config: &Config,
        log: Log,
        (shared, store, to_https): (Shared, Arc<Store>, Option<Arc<ToHttps>>),
        core: usize,
        drain: Drain,
    ) -> Self {
        let read_ahead = shared.read_ahead.clone();
        let upstream = Arc::new(Upstream::new(config, shared, core, drain));
        let compression = Arc::new(Compression::new(&config.compression));
        let trust = Trust::new(config.trust_forwarded, config.trusted_proxies.clone());
        Pipeline {
            access_log: AccessLog { log: config.log.requests.then_some(log), trust: trust.clone() },
            trust,
            to_https,
            hsts: Hsts::new(config.tls.hsts),
            max_request_body: config.max_request_body,
            bad_gateway_page: config.bad_gateway_page.clone(),
            static_files: StaticFiles::new(config, store.clone(), compression.clone()),
            cache: Cache::new(config, store, upstream.clone(), compression.clone()),
            compression,
            upstream,
            boot_timeout: config.boot.timeout,
            buffer_requests: config.upstream.buffer_requests,
            proxy_protocol: ProxyProtocol::new(config),
            timeouts: config.timeouts,
            read_ahead,
        }
    }

    /// Work that is due once a second, whether or not there are requests.
    pub fn tidy(&self) {
        self.upstream.sweep();
    }

    /// Answers one request. There is always an answer, and always a log line. The request is
    /// boxed because it is handed down through futures, each of which would hold room for it.
    pub async fn answer(
        &self,
        request: Box<Request<RequestBody>>,
        client: &Client,
    ) -> Response<ResponseBody> {
        // The log comes first, and the id by which a line in it is found: they are to know of
        // everything, also of what is refused.
        let mut record = self.access_log.open(&request, client);
        let id = forwarded::request_id(request.headers(), || fastrand::u128(..));
        record.identified(&id);
        let is_head = *request.method() == Method::HEAD;
        let passed = Box::pin(self.pass(request, client, id.clone(), &mut record)).await;
        let response = match passed {
            Ok(response) => response,
            Err(error) => Box::pin(self.refuse(error, &mut record)).await,
        };
        let mut response = finish(response, is_head, record);
        // The application's own word, if it has one, is the better one.
        response.headers_mut().entry(X_REQUEST_ID).or_insert(id);
        self.hsts.on_response(response.headers_mut(), client);
        response
    }

    /// Answers a request that could not even be read; `began` is when its first byte came.
    pub async fn answer_unread(
        &self,
        error: Error,
        client: &Client,
        began: Instant,
    ) -> Response<ResponseBody> {
        let mut record = self.access_log.open_unread(client, began);
        let response = self.refuse(error, &mut record).await;
        let mut response = finish(response, false, record);
        self.hsts.on_response(response.headers_mut(), client);
        response
    }

    async fn pass(
        &self,
        mut request: Box<Request<RequestBody>>,
        client: &Client,
        id: HeaderValue,
        record: &mut Record,
    ) -> Result<Response<Content>, Error> {
        // What breaks a limit costs nobody anything further.
        limits::on_request(&request, self.max_request_body)?;
        request.body_mut().restrict(self.max_request_body, self.timeouts.read);

        // What is for the next hop only ends here: before ours are added, or Connection could name
        // those away.
        let protocol = hop_by_hop::on_request(&mut request);

        // From here on the fields are what the child may believe.
        let now = SystemTime::now();
        forwarded::on_request(request.headers_mut(), client, &self.trust, now, id);

        // As soon as it is known whose word counts on how the client came: nothing of the site,
        // files and cache included, is for those who are to come back over TLS, and no child needs
        // to be up for that.
        if let Some(to_https) = &self.to_https
            && let Some(response) = to_https.on_request(&request, client)?
        {
            return Ok(response);
        }

        // What the client can decode is asked here, for the child gets the request.
        let wish = self.compression.on_request(&request);

        // What is a file needs no cache: one would hold it twice, and go on when it has changed.
        let is_switch = protocol.is_some();
        let found = match self.static_files.is_on() {
            true => Box::pin(self.static_files.on_request(&request, wish, is_switch)).await,
            false => None,
        };
        let response = match found {
            Some(response) => response,
            None => self.answer_for_child(request, wish, now, protocol, client, record).await?,
        };

        // Below the cache, which has codings of its own.
        match wish {
            Some(wish) => Box::pin(self.compression.on_response(wish, response)).await,
            None => Ok(response),
        }
    }

    /// What the child says, or said.
    async fn answer_for_child(
        &self,
        mut request: Box<Request<RequestBody>>,
        wish: Option<Wish>,
        now: SystemTime,
        protocol: Option<HeaderValue>,
        client: &Client,
        record: &mut Record,
    ) -> Result<Response<Content>, Error> {
        // Above all that costs more. It sees what the child would, for that is what answers
        // depend on.
        let is_switch = protocol.is_some();
        let (mut response, note) =
            match Box::pin(self.cache.on_request(&mut request, wish, is_switch, now)).await? {
                Verdict::Answer(noted) => *noted,
                Verdict::Ask(question) => {
                    Box::pin(self.ask(request, question, protocol, client, record)).await?
                }
            };
        note.write(response.headers_mut());
        record.cached(&note);
        Ok(response)
    }

    /// Has the child answer.
    async fn ask(
        &self,
        mut request: Box<Request<RequestBody>>,
        question: Box<Question>,
        protocol: Option<HeaderValue>,
        client: &Client,
        record: &mut Record,
    ) -> Result<Noted, Error> {
        if self.buffer_requests > 0 {
            let held = self.read_ahead.hold_up_to(self.buffer_requests);
            Box::pin(request.body_mut().gather(held)).await?;
        }
        let interim = (request.version() == Version::HTTP_11).then_some(&client.interim);
        let mut took = Took::default();
        let patience = match self.upstream.has_accepted() {
            // What is stale is better than a long wait for a child that is down.
            _ if question.spare().is_some() => Duration::ZERO,
            true => self.boot_timeout,
            false => Box::pin(self.patience_at_boot(&request)).await,
        };
        // Boxed on its own, so that it and the rest are each of a size that is quick to allocate.
        let answer =
            Box::pin(self.upstream.forward(request, protocol, interim, patience, &mut took)).await;
        record.took(took);
        Box::pin(self.cache.on_answer(question, answer)).await
    }

    /// How long a request waits for a child that does not accept connections. A person who waits
    /// for it to boot had better see a page, which knows to try again.
    async fn patience_at_boot(&self, request: &Request<RequestBody>) -> Duration {
        match is_navigation(request) && self.bad_gateway_page().await.is_some() {
            true => Duration::ZERO,
            false => self.boot_timeout,
        }
    }

    /// The one place where an error becomes a response.
    async fn refuse(&self, error: Error, record: &mut Record) -> Response<Content> {
        let status = error.status();
        record.failed(&error);
        let page = match status {
            StatusCode::BAD_GATEWAY => self.bad_gateway_page().await,
            _ => None,
        };
        let (kind, text) = match page {
            Some(page) => ("text/html", page),
            None => ("text/plain", error.public_text().into()),
        };
        let mut response =
            Response::new(if text.is_empty() { Content::Empty } else { Content::Full(text) });
        *response.status_mut() = status;
        if matches!(response.body(), Content::Full(_)) {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        if matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE) {
            let headers = response.headers_mut();
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        if matches!(error, Error::ClientGone | Error::ClientStalled) {
            response.extensions_mut().insert(ClientLeft);
        }
        if error.closes_connection() {
            response.extensions_mut().insert(ClosesConnection);
        }
        response
    }

    /// Read each time: a deploy may bring a new one, and 502s are rare.
    async fn bad_gateway_page(&self) -> Option<Bytes> {
        let path = self.bad_gateway_page.clone();
        let page = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
        page.ok()?.ok().map(Bytes::from)
    }
}

/// A person's browser, asking for a page.
fn is_navigation(request: &Request<RequestBody>) -> bool {
    let mut accepted = request.headers().get_all(ACCEPT).iter();
    request.method() == Method::GET
        && accepted.any(|line| memchr::memmem::find(line.as_bytes(), b"text/html").is_some())
}

fn finish(
    mut response: Response<Content>,
    is_head: bool,
    mut record: Record,
) -> Response<ResponseBody> {
    // What we have to say ourselves has a body, whatever the method: over HTTP/2 it would break
    // the stream (RFC 9110 section 9.3.2).
    if is_head && matches!(response.body(), Content::Full(_)) {
        *response.body_mut() = Content::Empty;
    }
    record.responded(response.status(), response.headers());
    let mut response = response.map(|content| ResponseBody { content, record });
    // Nobody will ask a body that is empty for its end.
    let body = response.body_mut();
    if body.is_end_stream() && !matches!(body.content, Content::Tunnel(_)) {
        body.record.ended();
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::env;
    use crate::log::Style;

    /// What an allocator can hand out from its quickest list (glibc: up to 1,032 bytes). At
    /// 5,016 bytes a request the copying and the slow path of malloc took a tenth of our time.
    const HANDY: usize = 1024;

    #[test]
    fn a_requests_futures_are_small() {
        let config = env::load(&[("LOG_REQUESTS", "0")]).expect("a valid environment").config;
        let log = Log::to(std::io::sink(), Style::Json).expect("a thread");
        let pipeline = {
            let (_, drain) = crate::drain::channel();
            let store = Store::open(&config);
            Pipeline::new(&config, log, (Shared::new(&config.upstream, 1), store, None), 0, drain)
        };
        let client = Client::new(([127, 0, 0, 1], 80).into());
        let request = || Box::new(Request::new(RequestBody::empty()));
        let answer = size_of_val(&pipeline.answer(request(), &client));
        let mut took = Took::default();
        let forward = pipeline.upstream.forward(request(), None, None, Duration::ZERO, &mut took);
        let forward = size_of_val(&forward);
        assert!(answer <= HANDY && forward <= HANDY, "{answer} and {forward} bytes");
    }
}
