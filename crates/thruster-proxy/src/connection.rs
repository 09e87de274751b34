//! One client connection: which protocol it speaks, and what every exchange on it shares.

pub mod http1;
mod http2;

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
    if connection.h2c && begins_http2(&mut stream, &mut early, &connection).await {
        http2::serve(stream, early, connection).await;
    } else {
        http1::serve(stream, early, &connection).await;
    }
}

/// Reads into `early` until it is clear what is spoken. Silence is HTTP/1's to deal with.
async fn begins_http2(
    stream: &mut TcpStream,
    early: &mut BytesMut,
    connection: &Connection,
) -> bool {
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
    early.starts_with(PREFACE)
}
