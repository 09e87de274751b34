//! HTTP/2 with one client (RFC 9113), which hyper speaks; WebSockets over it (RFC 8441).

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, COOKIE, HOST, UPGRADE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;

use super::Connection;
use crate::body::{Content, RequestBody, ResponseBody};
use crate::deadline::Deadline;
use crate::drain::Drain;
use crate::error::Error;

mod ahead;
mod stream;

pub use ahead::Ahead;

/// Requests a client may have under way. RFC 9113 section 6.5.2 advises at least 100.
const MAX_STREAMS: u32 = 128;

/// The largest list of fields, as RFC 9113 section 6.5.2 counts them; nginx and Go take 32 KiB
/// and 1 MiB.
const MAX_FIELDS: u32 = 128 * 1024;

/// Flow control: what a client may send ahead on one stream, and on all together. A window of
/// 256 KiB fills 20 Mbit/s at a round trip of 100 ms.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Bytes of a response that may wait for the client before the child has to.
const SEND_BUFFER: usize = 64 * 1024;

/// How often a quiet client is asked whether it is still there, and how long it may think.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(20);

const SEC_WEBSOCKET_KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const SEC_WEBSOCKET_ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");

/// Serves the connection until it ends. `early` is what has been read off it already.
pub async fn serve(stream: TcpStream, early: BytesMut, connection: Connection) {
    let timeouts = connection.pipeline.timeouts;
    let drain = connection.drain.clone();
    let active = Arc::<AtomicUsize>::default();
    let connection = Arc::new(connection);
    let service = {
        let active = active.clone();
        service_fn(move |request| {
            let (connection, seat) = (connection.clone(), Seat::new(&active));
            // Boxed, for hyper wants to move it.
            Box::pin(async move {
                let mut response = exchange(request, &connection).await;
                read_ahead(response.body_mut(), &connection).await;
                Ok::<_, Infallible>(response.map(|body| Seated { body, _seat: seat }))
            })
        })
    };
    let stream = stream::Rewound::new(stream, early, timeouts.write);
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_FIELDS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .enable_connect_protocol()
        .serve_connection(TokioIo::new(stream), service);

    let (mut served, mut draining) = (pin!(served), pin!(drain.begun()));
    let (mut is_leaving, mut was_busy, mut idle) = (false, true, Deadline::new());
    poll_fn(|cx| {
        if served.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let is_busy = active.load(Relaxed) > 0;
        if was_busy && !is_busy {
            idle.restart(timeouts.idle);
        }
        was_busy = is_busy;
        if is_leaving {
            return Poll::Pending;
        }
        is_leaving = draining.as_mut().poll(cx).is_ready() || !is_busy && idle.poll(cx).is_ready();
        if is_leaving {
            // GOAWAY: what is under way is finished, and nothing new is taken.
            served.as_mut().graceful_shutdown();
            return served.as_mut().poll(cx).map(drop);
        }
        Poll::Pending
    })
    .await;
}

/// Counts the requests under way, for as long as it lives.
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn new(active: &Arc<AtomicUsize>) -> Self {
        active.fetch_add(1, Relaxed);
        Seat(active.clone())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// A body that keeps its request's seat: an event stream is no idle connection.
struct Seated {
    body: ResponseBody,
    _seat: Seat,
}

impl Body for Seated {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

async fn exchange(
    mut request: Request<Incoming>,
    connection: &Connection,
) -> Response<ResponseBody> {
    let Connection { pipeline, client, .. } = connection;
    let protocol = request.extensions_mut().remove::<Protocol>();
    if *request.method() == Method::CONNECT && protocol.is_none() {
        let error = Error::NotImplemented("CONNECT is for forward proxies");
        return pipeline.answer_unread(error, client, Instant::now()).await;
    }
    if let Err(error) = name_host(&mut request) {
        return pipeline.answer_unread(error, client, Instant::now()).await;
    }
    join_cookies(&mut request);
    match protocol {
        None => pipeline.answer(Box::new(request.map(RequestBody::http2)), client).await,
        Some(protocol) if protocol.as_str().eq_ignore_ascii_case("websocket") => {
            let client_end = hyper::upgrade::on(&mut request);
            ask_for_websocket(&mut request);
            let request = Box::new(request.map(|_| RequestBody::empty()));
            let response = pipeline.answer(request, client).await;
            accept_websocket(response, client_end, &connection.drain)
        }
        Some(_) => {
            let error = Error::NotImplemented("unknown :protocol");
            pipeline.answer_unread(error, client, Instant::now()).await
        }
    }
}

/// Lets the child's answer be read ahead of the client.
async fn read_ahead(body: &mut ResponseBody, connection: &Connection) {
    let Connection { pipeline, .. } = connection;
    match std::mem::replace(&mut body.content, Content::Empty) {
        // What is on its way to others too is read ahead already, and a file waits for nobody.
        answer @ (Content::Answer(_) | Content::Coded(_)) if !answer.is_end_stream() => {
            let (held, patience) = (pipeline.read_ahead.hold(), pipeline.timeouts.write);
            let record = std::mem::take(&mut body.record);
            body.content = Content::Ahead(Ahead::start(answer, record, held, patience).await);
        }
        content => body.content = content,
    }
}

/// Makes `:authority` the Host and the target one in origin form (RFC 9113 section 8.3.1).
fn name_host(request: &mut Request<Incoming>) -> Result<(), Error> {
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    if let Some(authority) = parts.authority.take() {
        if authority.as_str().contains('@') {
            return Err(Error::Malformed("userinfo in :authority"));
        }
        let host = HeaderValue::from_str(authority.as_str())
            .map_err(|_| Error::Malformed("bad :authority"))?;
        request.headers_mut().insert(HOST, host);
    } else if !request.headers().contains_key(HOST) {
        return Err(Error::Malformed("missing :authority"));
    }
    let target = parts.path_and_query.ok_or(Error::Malformed("missing :path"))?;
    *request.uri_mut() = Uri::from(target);
    Ok(())
}

/// HTTP/2 may cut Cookie into several lines; HTTP/1.1 has one (RFC 9113 section 8.2.3).
fn join_cookies(request: &mut Request<Incoming>) {
    let mut lines = request.headers().get_all(COOKIE).iter();
    if lines.nth(1).is_some() {
        let lines: Vec<_> =
            request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
        let whole = HeaderValue::from_bytes(&lines.join(&b"; "[..]))
            .expect("valid field values joined by a valid separator");
        request.headers_mut().insert(COOKIE, whole);
    }
}

/// The extended CONNECT of RFC 8441 as the HTTP/1.1 upgrade that the child understands.
fn ask_for_websocket(request: &mut Request<Incoming>) {
    *request.method_mut() = Method::GET;
    let headers = request.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    // Its purpose, to wake up servers that do not know WebSockets, HTTP/2 fulfils otherwise; the
    // child wants one all the same. ("thruster-rfc8441" in base64.)
    headers.insert(SEC_WEBSOCKET_KEY, HeaderValue::from_static("dGhydXN0ZXItcmZjODQ0MQ=="));
}

/// The child's 101 as the 200 of RFC 8441; after it the stream is the tunnel.
fn accept_websocket(
    mut response: Response<ResponseBody>,
    client_end: OnUpgrade,
    drain: &Drain,
) -> Response<ResponseBody> {
    let body = response.body_mut();
    match std::mem::replace(&mut body.content, Content::Empty) {
        Content::Tunnel(tunnel) => {
            let drain = drain.clone();
            let mut record = std::mem::take(&mut body.record);
            tokio::spawn(async move {
                if let Ok(client_end) = client_end.await {
                    tunnel.join(TokioIo::new(client_end), &mut record, drain).await;
                }
            });
            *response.status_mut() = StatusCode::OK;
            for name in [CONNECTION, UPGRADE, SEC_WEBSOCKET_ACCEPT] {
                response.headers_mut().remove(name);
            }
        }
        content => body.content = content,
    }
    response
}
