//! A client that speaks HTTP/2 by prior knowledge. The connection moves on a thread of its own,
//! so that a test can wait for one end while the other works.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Error, Reason, RecvStream, SendStream};
use http::request::Builder;
use http::{HeaderMap, Request};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::authority::{Trust, server_name};
use crate::{PATIENCE, Response};

/// What may come ahead on all streams together; on each it is the default, 64 KiB less a byte.
const CONNECTION_WINDOW: u32 = 16 << 20;

pub struct Http2 {
    runtime: Arc<Runtime>,
    sender: SendRequest<Bytes>,
    connection: JoinHandle<Result<(), Error>>,
}

/// One request and its response.
pub struct Stream {
    /// Lives as long as the last of those who need it.
    runtime: Arc<Runtime>,
    response: ResponseFuture,
    outgoing: SendStream<Bytes>,
    incoming: Option<RecvStream>,
}

impl Http2 {
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(async move { TcpStream::connect(address).await.expect("somebody listens") })
    }

    /// Over TLS, with the one who answers to `name`.
    pub fn connect_tls(address: SocketAddr, name: &str, trust: &Trust) -> Self {
        let config = trust.clone().speaking(&["h2"]).config;
        let name = server_name(name);
        Self::over(async move {
            let stream = TcpStream::connect(address).await.expect("somebody listens");
            let connector = tokio_rustls::TlsConnector::from(config);
            connector.connect(name, stream).await.expect("a handshake")
        })
    }

    fn over<S>(connecting: impl Future<Output = S>) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (sender, connection) = wait(&runtime, async {
            let stream = connecting.await;
            // Streams that are read one after the other must not wait for each other.
            let mut client = h2::client::Builder::new();
            client.initial_connection_window_size(CONNECTION_WINDOW);
            client.handshake(stream).await.expect("somebody who speaks HTTP/2")
        });
        let connection = runtime.spawn(connection);
        Http2 { runtime: Arc::new(runtime), sender, connection }
    }

    /// The head of a request to `test.example`.
    pub fn request(method: &str, path: &str) -> Builder {
        Request::builder().method(method).uri(format!("http://test.example{path}"))
    }

    /// Sends a request's head; nothing follows it if `is_whole`.
    pub fn open(&self, head: Builder, is_whole: bool) -> Stream {
        let runtime = self.runtime.clone();
        let request = head.body(()).expect("a valid request");
        let (response, outgoing) = wait(&runtime, async {
            let mut sender = self.sender.clone().ready().await.expect("room for a stream");
            sender.send_request(request, is_whole).expect("a request that can be sent")
        });
        Stream { runtime, response, outgoing, incoming: None }
    }

    /// A GET, and its response.
    pub fn get(&self, path: &str) -> Response {
        self.open(Self::request("GET", path), true).response()
    }

    /// A POST, and its response.
    pub fn post(&self, path: &str, body: &[u8]) -> Response {
        let mut stream = self.open(Self::request("POST", path), false);
        stream.send(body).finish();
        stream.response()
    }

    /// Waits until the connection has ended; `Ok` is in good order.
    pub fn end(&mut self) -> Result<(), Error> {
        wait(&self.runtime, &mut self.connection).expect("the connection does not panic")
    }
}

impl Stream {
    /// Sends a piece of the body, as fast as the other side takes it. A stream that has been reset
    /// takes nothing; the answer tells of that.
    pub fn send(&mut self, data: &[u8]) -> &mut Self {
        let mut data = Bytes::copy_from_slice(data);
        let outgoing = &mut self.outgoing;
        wait(&self.runtime, async {
            while !data.is_empty() {
                outgoing.reserve_capacity(data.len());
                let Some(Ok(room)) = poll_fn(|cx| outgoing.poll_capacity(cx)).await else { return };
                let piece = data.split_to(room.min(data.len()));
                if outgoing.send_data(piece, false).is_err() {
                    return;
                }
            }
        });
        self
    }

    /// Ends the body.
    pub fn finish(&mut self) {
        drop(self.outgoing.send_data(Bytes::new(), true));
    }

    /// Ends the body with trailers.
    pub fn finish_with(&mut self, trailers: HeaderMap) {
        self.outgoing.send_trailers(trailers).expect("an open stream");
    }

    /// Gives up on the request.
    pub fn reset(&mut self) {
        self.outgoing.send_reset(Reason::CANCEL);
    }

    /// The response's head; the body stays unread.
    ///
    /// # Errors
    /// The stream was reset, or the connection ended.
    pub fn head(&mut self) -> Result<Response, Error> {
        let (head, incoming) = wait(&self.runtime, &mut self.response)?.into_parts();
        self.incoming = Some(incoming);
        let headers = fields(&head.headers);
        let status = head.status.as_u16();
        Ok(Response { status, headers, body: Vec::new(), trailers: Vec::new() })
    }

    /// The next piece of the body, for which room is made; `None` is its end.
    ///
    /// # Errors
    /// The stream was reset, or the connection ended.
    pub fn data(&mut self) -> Result<Option<Bytes>, Error> {
        let incoming = self.incoming.as_mut().expect("the head comes before the body");
        loop {
            let data = wait(&self.runtime, incoming.data()).transpose()?;
            if let Some(data) = &data {
                incoming.flow_control().release_capacity(data.len())?;
            }
            // A piece without a byte only carries the end.
            if !data.as_ref().is_some_and(Bytes::is_empty) {
                return Ok(data);
            }
        }
    }

    /// The whole response.
    pub fn response(mut self) -> Response {
        let mut response = self.head().expect("a response");
        while let Some(data) = self.data().expect("a whole body") {
            response.body.extend_from_slice(&data);
        }
        let incoming = self.incoming.as_mut().expect("the head has come");
        let trailers = wait(&self.runtime, incoming.trailers()).expect("trailers or none");
        response.trailers = fields(&trailers.unwrap_or_default());
        response
    }
}

fn fields(map: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    map.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

fn wait<T>(runtime: &Runtime, event: impl Future<Output = T>) -> T {
    runtime
        .block_on(async { tokio::time::timeout(PATIENCE, event).await })
        .expect("what a test waits for happens")
}
