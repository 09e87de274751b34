//! One client connection: which protocol it speaks, and what every exchange on it shares.

pub mod http1;
pub mod http2;

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::drain::Drain;
use crate::forwarded::Client;
use crate::pipeline::Pipeline;

/// What begins every HTTP/2 connection (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub struct Connection {
    pub pipeline: Arc<Pipeline>,
    pub client: Client,
    pub drain: Drain,
    /// HTTP/2 by prior knowledge is welcome.
    pub h2c: bool,
}

/// Serves a connection until it ends.
pub async fn serve(mut stream: TcpStream, connection: Connection) {
    let mut early = BytesMut::new();
    if connection.h2c {
        let drain = connection.drain.clone();
        let is_silent = tokio::select! {
            () = read_preface(&mut stream, &mut early, &connection) => early.is_empty(),
            // HTTP/1 knows how long to wait for a request that may be under way.
            () = drain.begun() => false,
        };
        if early.starts_with(PREFACE) {
            return http2::serve(stream, early, connection).await;
        }
        // It has said nothing for as long as it may, or has left.
        if is_silent {
            return;
        }
    }
    http1::serve(stream, early, &connection).await;
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
