//! Everything that can keep a request from its answer, whose fault it was, and the status that
//! says so. It becomes a response in one place, [`Pipeline`](crate::pipeline::Pipeline).

use std::io;

use http::StatusCode;

/// nginx's code for a client that left before its answer; only ever seen in the log.
const CLIENT_CLOSED_REQUEST: u16 = 499;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request breaks a rule of RFC 9110, 9112 or 9113; the text names the rule.
    #[error("{0}")]
    Malformed(&'static str),
    #[error("request target too long")]
    TargetTooLong,
    #[error("request head too large")]
    HeadTooLarge,
    #[error("request body larger than MAX_REQUEST_BODY")]
    BodyTooLarge,
    #[error("request head not complete within HTTP_READ_TIMEOUT")]
    HeadTimeout,
    #[error("request body stalled for HTTP_READ_TIMEOUT")]
    BodyTimeout,
    #[error("client stopped reading for HTTP_WRITE_TIMEOUT")]
    ClientStalled,
    #[error("client went away")]
    ClientGone,
    #[error("{0}")]
    NotImplemented(&'static str),
    #[error("HTTP version not supported here")]
    Version,
    /// It came without TLS, and nobody here has TLS by the name that it asked for.
    #[error("no certificate here is for this host name")]
    Misdirected,

    #[error("no connection to the command: {0}")]
    Unreachable(io::Error),
    #[error("no answer from the command: {0}")]
    NoAnswer(BrokeOff),
    #[error("the command broke off in the middle of its answer: {0}")]
    AnswerCut(BrokeOff),
    #[error("the command switched protocols unasked")]
    UnaskedSwitch,
    #[error("no turn within QUEUE_TIMEOUT: the command has MAX_CONCURRENCY requests")]
    QueueTimeout,
    #[error("the command did not answer within PROXY_TIMEOUT")]
    UpstreamTimeout,

    #[error("the client wants only what is cached")]
    OnlyIfCached,
    #[error("cannot send {0}: {1}")]
    NoFile(Box<str>, io::Error),
    #[error("a file broke off in the middle: {0}")]
    FileCut(io::Error),
}

/// How the child ended an exchange before its time.
#[derive(Debug, thiserror::Error)]
pub enum BrokeOff {
    #[error("it closed the connection")]
    Closed,
    #[error("{0}")]
    Io(io::Error),
    #[error("what it sent is no HTTP: {0}")]
    Malformed(String),
}

impl Error {
    /// The status of the answer, if there is still somebody to answer.
    pub fn status(&self) -> StatusCode {
        match self {
            Error::Malformed(_) => StatusCode::BAD_REQUEST,
            Error::TargetTooLong => StatusCode::URI_TOO_LONG,
            Error::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Error::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Error::HeadTimeout | Error::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Error::ClientGone | Error::ClientStalled => {
                StatusCode::from_u16(CLIENT_CLOSED_REQUEST).expect("499 is in range")
            }
            Error::NotImplemented(_) => StatusCode::NOT_IMPLEMENTED,
            Error::Version => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Error::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Error::Unreachable(_)
            | Error::NoAnswer(_)
            | Error::AnswerCut(_)
            | Error::UnaskedSwitch => StatusCode::BAD_GATEWAY,
            Error::QueueTimeout => StatusCode::SERVICE_UNAVAILABLE,
            Error::UpstreamTimeout | Error::OnlyIfCached => StatusCode::GATEWAY_TIMEOUT,
            Error::NoFile(..) => StatusCode::NOT_FOUND,
            Error::FileCut(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether the client's connection can carry another request: not when we may have lost
    /// our place in what it sends.
    pub fn closes_connection(&self) -> bool {
        self.status().is_client_error() || matches!(self, Error::NotImplemented(_) | Error::Version)
    }

    /// The few words the client gets; what went wrong behind us stays in the log.
    pub fn public_text(&self) -> String {
        match self.status() {
            StatusCode::BAD_GATEWAY => String::new(),
            StatusCode::GATEWAY_TIMEOUT => "Gateway Timeout\n".to_owned(),
            StatusCode::SERVICE_UNAVAILABLE => "Service Unavailable\n".to_owned(),
            status => format!("{}: {self}\n", status.canonical_reason().unwrap_or("Refused")),
        }
    }
}
