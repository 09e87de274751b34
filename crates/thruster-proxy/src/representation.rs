//! How much of something whole a client gets: all of it, a part (RFC 9110 section 14), or only
//! the word that it has not changed (section 13). For what is kept and for files alike.

use std::ops::Range;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE};
use http::{HeaderMap, Method, StatusCode};
use thruster_cache::conditional::{self, Verdict};
use thruster_cache::range::{self, Selected};

/// The head of an answer under construction.
pub struct Head {
    pub status: StatusCode,
    pub headers: HeaderMap,
}

/// Makes `head`, that of a whole answer with a body of `length` bytes, into the one this request
/// gets, and returns what is to be sent of the body.
pub fn select(method: &Method, request: &HeaderMap, head: &mut Head, length: u64) -> Range<u64> {
    // RFC 9110 section 13.2.1: conditions are about answers that would be a success.
    if head.status != StatusCode::OK {
        return whole(method, head, length);
    }
    match conditional::evaluate(method, request, &head.headers) {
        Verdict::Proceed => {}
        Verdict::NotModified => {
            head.status = StatusCode::NOT_MODIFIED;
            head.headers = conditional::not_modified(&head.headers);
            return 0..0;
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
            part
        }
        Selected::Unsatisfiable => {
            head.status = StatusCode::RANGE_NOT_SATISFIABLE;
            let range = refuse(head);
            head.headers.insert(CONTENT_RANGE, range::unsatisfied_range(length));
            range
        }
    }
}

fn whole(method: &Method, head: &mut Head, length: u64) -> Range<u64> {
    match *method == Method::HEAD {
        true => {
            head.headers.insert(CONTENT_LENGTH, length.into());
            0..0
        }
        false => 0..length,
    }
}

/// The fields that describe the body go with it.
fn refuse(head: &mut Head) -> Range<u64> {
    head.headers = conditional::not_modified(&head.headers);
    0..0
}
