//! How much of something whole a client gets: all of it, a part (RFC 9110 section 14), or only
//! the word that it has not changed (section 13). For what is kept and for files alike.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use thruster_cache::conditional::{self, Verdict};
use thruster_cache::range::{self, Selected};

use crate::body::Content;
use crate::file_body::{FileBody, ReadAt};
use crate::multipart::{Layout, Multipart};

/// The head of an answer under construction.
pub struct Head {
    pub status: StatusCode,
    pub headers: HeaderMap,
}

impl Head {
    /// The answer with this body.
    pub fn with(self, content: Content) -> Response<Content> {
        let mut response = Response::new(content);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// What is to be sent of a body.
pub enum Choice {
    Range(Range<u64>),
    Parts(Layout),
}

impl Choice {
    /// It, of a body in memory.
    pub fn of_bytes(self, body: &Bytes) -> Content {
        match self {
            Choice::Range(range) if range.is_empty() => Content::Empty,
            Choice::Range(range) => {
                Content::Full(body.slice(range.start as usize..range.end as usize))
            }
            Choice::Parts(layout) => Content::Full(layout.of_bytes(body)),
        }
    }

    /// It, of a body that is read when its turn comes.
    pub fn of_source(self, source: Arc<dyn ReadAt>) -> Content {
        match self {
            Choice::Range(range) if range.is_empty() => Content::Empty,
            Choice::Range(range) => Content::File(Box::new(FileBody::new(source, range))),
            Choice::Parts(layout) => {
                let range = 0..layout.length;
                let source = Arc::new(Multipart { layout, source });
                Content::File(Box::new(FileBody::new(source, range)))
            }
        }
    }
}

/// Makes `head`, that of a whole answer with a body of `length` bytes, into the one this request
/// gets, and returns what is to be sent of the body.
pub fn select(method: &Method, request: &HeaderMap, head: &mut Head, length: u64) -> Choice {
    // RFC 9110 section 13.2.1: conditions are about answers that would be a success.
    if head.status != StatusCode::OK {
        return whole(method, head, length);
    }
    match conditional::evaluate(method, request, &head.headers) {
        Verdict::Proceed => {}
        Verdict::NotModified => {
            head.status = StatusCode::NOT_MODIFIED;
            return refuse(head);
        }
        Verdict::PreconditionFailed => {
            head.status = StatusCode::PRECONDITION_FAILED;
            return refuse(head);
        }
    }
    match range::select(method, request, &head.headers, length) {
        Selected::Whole => whole(method, head, length),
        Selected::Part(part) => {
            head.status = StatusCode::PARTIAL_CONTENT;
            head.headers.insert(CONTENT_RANGE, range::content_range(&part, length));
            Choice::Range(part)
        }
        Selected::Parts(parts) => {
            head.status = StatusCode::PARTIAL_CONTENT;
            // Nobody can have put into the body what nobody could foresee.
            let boundary = format!("{:032x}", fastrand::u128(..));
            let kind = format!("multipart/byteranges; boundary={boundary}");
            let kind = HeaderValue::try_from(kind).expect("digits are visible");
            let kind = head.headers.insert(CONTENT_TYPE, kind);
            Choice::Parts(Layout::new(parts, length, kind.as_ref(), &boundary))
        }
        Selected::Unsatisfiable => {
            head.status = StatusCode::RANGE_NOT_SATISFIABLE;
            let nothing = refuse(head);
            head.headers.insert(CONTENT_RANGE, range::unsatisfied_range(length));
            nothing
        }
    }
}

fn whole(method: &Method, head: &mut Head, length: u64) -> Choice {
    Choice::Range(match *method == Method::HEAD {
        true => {
            head.headers.insert(CONTENT_LENGTH, length.into());
            0..0
        }
        false => 0..length,
    })
}

/// The fields that describe the body go with it.
fn refuse(head: &mut Head) -> Choice {
    head.headers = conditional::not_modified(&head.headers);
    Choice::Range(0..0)
}
