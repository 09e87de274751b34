//! One client connection: which protocol it speaks, and what every exchange on it shares.
//!
//! Ten thousand of them wait for a next request. What few have, or only while something lasts, is
//! boxed, so that none has room for it: HTTP/2, TLS, a tunnel, a goodbye. And so is what all have,
//! HTTP/1, for a task is copied several times while it is made.

pub mod http1;
pub mod http2;

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::drain::Drain;
use crate::forwarded::Client;
use crate::pipeline::Pipeline;
use crate::tls::{self, Tls};
use crate::transport::Transport;

/// What begins every HTTP/2 connection (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub struct Connection {
    pub pipeline: Arc<Pipeline>,
    pub client: Client,
    pub drain: Drain,
    /// HTTP/2 by prior knowledge is welcome.
    pub h2c: bool,
    /// Where TLS is spoken.
    pub tls: Option<Arc<Tls>>,
}

/// Serves a connection until it ends.
pub async fn serve(mut stream: TcpStream, mut connection: Box<Connection>) {
    // Before all else: it says who the client is.
    if let Some(protocol) = &connection.pipeline.proxy_protocol {
        let peer = connection.client.address;
        match Box::pin(protocol.read(&mut stream, peer, &connection.drain)).await {
            Some(client) => connection.client = client,
            None => return,
        }
    }
    match connection.tls.take() {
        None => serve_plain(stream, connection).await,
        Some(tls) => Box::pin(serve_tls(stream, tls, connection)).await,
    }
}

async fn serve_tls(stream: TcpStream, tls: Arc<Tls>, mut connection: Box<Connection>) {
    let Some(stream) = Box::pin(accept_tls(stream, &tls, &connection)).await else { return };
    connection.client.is_secure = true;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2);
    let transport = Transport::Tls(stream);
    match is_http2 {
        true => Box::pin(http2::serve(transport, BytesMut::new(), connection)).await,
        false => Box::pin(http1::serve(transport, BytesMut::new(), &connection)).await,
    }
}

async fn accept_tls(
    stream: TcpStream,
    tls: &Tls,
    connection: &Connection,
) -> Option<Box<TlsStream<TcpStream>>> {
    tokio::select! {
        accepted = tls.accept(stream, connection.pipeline.timeouts.read) => match accepted {
            Ok(stream) => Some(Box::new(stream)),
            Err(reason) => {
                let client = &connection.client.address;
                tracing::debug!(%reason, %client, "No TLS with a client");
                None
            }
        },
        // Who has not finished saying hello by then has asked for nothing.
        () = connection.drain.clone().grace_is_over() => None,
    }
}

async fn serve_plain(mut stream: TcpStream, connection: Box<Connection>) {
    let mut early = BytesMut::new();
    if connection.h2c {
        let has_spoken = Box::pin(tell_protocol(&mut stream, &mut early, &connection)).await;
        if early.starts_with(PREFACE) {
            return Box::pin(http2::serve(Transport::Plain(stream), early, connection)).await;
        }
        if !has_spoken {
            return;
        }
    }
    Box::pin(http1::serve(Transport::Plain(stream), early, &connection)).await;
}

/// Reads what tells the protocol into `early`; false if the client has said nothing for as long as it
/// may, or has left.
async fn tell_protocol(
    stream: &mut TcpStream,
    early: &mut BytesMut,
    connection: &Connection,
) -> bool {
    tokio::select! {
        () = read_preface(stream, early, connection) => !early.is_empty(),
        // HTTP/1 knows how long to wait for a request that may be under way.
        () = connection.drain.clone().begun() => true,
    }
}

/// Reads into `early` until it is clear what is spoken, or the client has been silent for long.
async fn read_preface(stream: &mut TcpStream, early: &mut BytesMut, connection: &Connection) {
    let is_preface_so_far = |early: &[u8]| early == &PREFACE[..early.len().min(PREFACE.len())];
    let preface = async {
        while early.len() < PREFACE.len() && is_preface_so_far(early) {
            if stream.read_buf(early).await.unwrap_or(0) == 0 {
                return;
            }
        }
    };
    match connection.pipeline.timeouts.idle {
        Some(patience) => drop(tokio::time::timeout(patience, preface).await),
        None => preface.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten thousand idle connections have ten thousand of these.
    #[test]
    fn a_connections_futures_are_small() {
        fn size<S, C, F>(_: impl Fn(S, C) -> F) -> usize {
            size_of::<F>()
        }
        fn size_http1<'c, F>(_: impl Fn(Transport, BytesMut, &'c Connection) -> F) -> usize {
            size_of::<F>()
        }
        let (all, http1) = (size(serve), size_http1(http1::serve));
        assert!(all <= 300 && http1 <= 1200, "{all} and {http1} bytes");
    }
}
