//! HTTP/2 with one client (RFC 9113), which hyper speaks; WebSockets over it (RFC 8441).

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::{CONNECTION, COOKIE, HOST, UPGRADE};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::ext::Protocol;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::Connection;
use crate::body::{Content, RequestBody, ResponseBody};
use crate::deadline::Deadline;
use crate::drain::Drain;
use crate::error::Error;
use crate::pipeline::Pipeline;
use crate::transport::Transport;

mod ahead;
mod budget;
mod frames;
mod leaving;
mod stream;
mod streams;
mod watched;

pub use ahead::Ahead;
use leaving::Leaving;
use streams::{Seat, Seated, Streams};
use watched::Watched;

/// Requests a client may have under way. RFC 9113 section 6.5.2 advises at least 100, which is
/// also what browsers keep to; nginx's 128 leaves room for event streams beside a page.
const MAX_STREAMS: u32 = 128;

/// The largest list of fields, as RFC 9113 section 6.5.2 counts them, and their number: the same
/// as over HTTP/1. What is larger, h2 refuses with a 431 and without us; far larger, with a GOAWAY.
const MAX_HEAD: u32 = 128 * 1024;
const MAX_FIELDS: usize = 128;

/// Flow control: what a client may send ahead on one stream, and on all together. At a round trip
/// of 50 ms an upload came to 4.3 MB/s through 256 KiB, and to 7.0 through 512; without one
/// neither was felt (above 180 MB/s). More than half of the whole would let one request that is
/// not read stop the others. The whole is what a connection can make us hold.
const STREAM_WINDOW: u32 = 512 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// Bytes of an answer that h2 takes at once; the rest is read ahead, within a bound for all. A
/// client that asked for 100 answers of 10 MB and took none made us hold 68 MB, whose bound is 64.
const SEND_BUFFER: usize = 64 * 1024;

/// How often a quiet client is asked whether it is still there, and how long it may think.
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_PATIENCE: Duration = Duration::from_secs(20);

const SEC_WEBSOCKET_KEY: HeaderName = HeaderName::from_static("sec-websocket-key");
const SEC_WEBSOCKET_ACCEPT: HeaderName = HeaderName::from_static("sec-websocket-accept");

/// Serves the connection until it ends. `early` is what has been read off it already.
pub async fn serve(transport: Transport, early: BytesMut, connection: Box<Connection>) {
    let timeouts = connection.pipeline.timeouts;
    let streams = Arc::new(Streams::new(Instant::now()));
    let connection: Arc<Connection> = connection.into();
    let service = {
        let (connection, streams) = (connection.clone(), streams.clone());
        service_fn(move |request| {
            let seat = Seat::new(&streams);
            let exchange = exchange(prepare(request), connection.clone(), streams.clone());
            // Boxed, for hyper wants to move it.
            Box::pin(async move {
                Ok::<_, Infallible>(exchange.await.map(|body| Seated::new(body, seat)))
            })
        })
    };
    let stream = stream::Rewound::new(transport, early, timeouts.write);
    let stream = Watched::new(stream, streams.clone());
    let served = protocol().serve_connection(TokioIo::new(stream), service);

    let mut served = pin!(served);
    let mut leaving = Leaving::new(&connection.drain, timeouts.idle);
    let mut progress = Progress::new(timeouts.write);
    poll_fn(|cx| {
        if served.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if leaving.poll_begin(cx, &streams).is_ready() {
            // GOAWAY: what is under way is finished, and nothing new is taken.
            served.as_mut().graceful_shutdown();
            if served.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        if leaving.poll_must_end(cx, &streams).is_ready() {
            return Poll::Ready(());
        }
        progress.poll_exhausted(cx, &streams, leaving.has_begun())
    })
    .await;
    let excess = streams.budget().excess();
    if let Some(excess) = excess {
        let client = connection.client.address;
        tracing::info!(%client, reason = %excess, "An HTTP/2 client was cut off");
    }
}

fn protocol() -> http2::Builder<TokioExecutor> {
    let mut protocol = http2::Builder::new(TokioExecutor::new());
    protocol
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEAD)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .enable_connect_protocol();
    protocol
}

/// Whether a client takes what waits for it. A window that stays shut is nothing the socket
/// knows of, so the streams are looked at from time to time.
struct Progress {
    pause: Option<Duration>,
    look: Deadline,
    was_stuck: bool,
    moves: usize,
}

impl Progress {
    fn new(patience: Option<Duration>) -> Self {
        let mut look = Deadline::new();
        look.restart(patience);
        Progress { pause: patience, look, was_stuck: false, moves: 0 }
    }

    /// Ready when everything has waited for the client from one look to the next.
    fn poll_exhausted(
        &mut self,
        cx: &mut Context<'_>,
        streams: &Streams,
        is_leaving: bool,
    ) -> Poll<()> {
        loop {
            ready!(self.look.poll(cx));
            // Without a stream under way a connection is idle, unless it ought to have ended.
            let is_stuck = streams.are_all_waiting() && (is_leaving || streams.are_active());
            let has_moved = std::mem::replace(&mut self.moves, streams.moves()) != streams.moves();
            if is_stuck && !has_moved && self.was_stuck {
                return Poll::Ready(());
            }
            self.was_stuck = is_stuck;
            self.look.restart(self.pause);
        }
    }
}

/// A request as the pipeline takes it, and the client's end of what is to be a WebSocket.
type Prepared = (Box<Request<RequestBody>>, Option<OnUpgrade>);

fn prepare(mut request: Request<Incoming>) -> Result<Prepared, Error> {
    let protocol = request.extensions_mut().remove::<Protocol>();
    if *request.method() == Method::CONNECT && protocol.is_none() {
        return Err(Error::NotImplemented("CONNECT is for forward proxies"));
    }
    name_host(&mut request)?;
    join_cookies(&mut request);
    if request.headers().len() > MAX_FIELDS {
        return Err(Error::HeadTooLarge);
    }
    match protocol {
        None => Ok((Box::new(request.map(RequestBody::http2)), None)),
        Some(protocol) if protocol.as_str().eq_ignore_ascii_case("websocket") => {
            let client_end = hyper::upgrade::on(&mut request);
            ask_for_websocket(&mut request);
            Ok((Box::new(request.map(|_| RequestBody::empty())), Some(client_end)))
        }
        Some(_) => Err(Error::NotImplemented("unknown :protocol")),
    }
}

/// One request and its response. What is awaited is boxed, so that each piece is of a size that is
/// quick to allocate.
async fn exchange(
    prepared: Result<Prepared, Error>,
    connection: Arc<Connection>,
    streams: Arc<Streams>,
) -> Response<ResponseBody> {
    let Connection { pipeline, client, drain, .. } = &*connection;
    let (request, client_end) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            return Box::pin(pipeline.answer_unread(error, client, Instant::now())).await;
        }
    };
    let mut response = Box::pin(pipeline.answer(request, client)).await;
    if let Some(client_end) = client_end {
        return accept_websocket(response, client_end, drain, &streams);
    }
    if is_to_be_read_ahead(response.body()) {
        Box::pin(read_ahead(response.body_mut(), pipeline)).await;
    }
    response
}

/// What is on its way to others too is read ahead already, and a file waits for nobody.
fn is_to_be_read_ahead(body: &ResponseBody) -> bool {
    matches!(body.content, Content::Answer(_) | Content::Coded(_)) && !body.content.is_end_stream()
}

/// Lets the child's answer be read ahead of the client.
async fn read_ahead(body: &mut ResponseBody, pipeline: &Pipeline) {
    let answer = std::mem::replace(&mut body.content, Content::Empty);
    let (held, patience) = (pipeline.read_ahead.hold(), pipeline.timeouts.write);
    let record = std::mem::take(&mut body.record);
    body.content = Content::Ahead(Ahead::start(answer, record, held, patience).await);
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
    streams: &Arc<Streams>,
) -> Response<ResponseBody> {
    let body = response.body_mut();
    match std::mem::replace(&mut body.content, Content::Empty) {
        Content::Tunnel(tunnel) => {
            let (drain, seat) = (drain.clone(), Seat::for_tunnel(streams));
            let mut record = std::mem::take(&mut body.record);
            tokio::spawn(async move {
                if let Ok(client_end) = client_end.await {
                    tunnel.join(TokioIo::new(client_end), &mut record, drain).await;
                }
                drop(seat);
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
