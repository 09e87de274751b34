//! Who gets which coding, and the stage that codes what leaves as the application has made it.
//! What is cached gets codings of its own; what is made for one client is coded on its way out.

use std::collections::VecDeque;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body::Frame;

use super::coded::Coded;
use super::eligible::{
    MIN_LENGTH, has_no_transform, is_for_everybody, is_guarded_request, is_guarded_response,
};
use super::jitter::Jitter;
use super::level::{LIVE_PREFERENCE, kept_preference};
use super::{Accepted, Coding, is_eligible, mark, vary_by_coding};
use crate::body::Content;
use crate::config;
use crate::early;
use crate::error::Error;
use crate::http1::fields::content_length;

pub struct Compression {
    is_on: bool,
    /// Not for what a login protects.
    spares_guarded: bool,
    /// From the best; `None` is what we have measured.
    codings: Option<Box<[Coding]>>,
    jitter: Jitter,
}

/// What a request says of codings.
#[derive(Clone, Copy)]
pub struct Wish {
    accepted: Accepted,
    is_head: bool,
}

impl Compression {
    pub fn new(config: &config::Compression) -> Self {
        Compression {
            is_on: config.enabled,
            spares_guarded: config.disable_on_auth,
            codings: config.codings.as_deref().map(Box::from),
            jitter: Jitter::up_to(config.jitter),
        }
    }

    /// Whether anything is ever coded.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// `None`: the response is to stay as it is.
    pub fn on_request<B>(&self, request: &Request<B>) -> Option<Wish> {
        let headers = request.headers();
        let is_spared = self.spares_guarded && is_guarded_request(headers);
        let is_wanted = self.is_on && !is_spared && !has_no_transform(headers);
        is_wanted.then(|| Wish {
            accepted: Accepted::of(headers),
            is_head: *request.method() == Method::HEAD,
        })
    }

    /// The coding for a kept body of this length; `None` leaves it as it is.
    pub fn of_kept(&self, wish: Wish, response: &HeaderMap, length: usize) -> Option<Coding> {
        let measured = kept_preference(length);
        match self.spares_guarded && is_guarded_response(response) {
            true => None,
            false => wish.accepted.choose(self.codings.as_deref().unwrap_or(&measured)),
        }
    }

    /// Codes a response, if it can be and the client takes it.
    ///
    /// # Errors
    /// The body broke off before it had begun.
    pub async fn on_response(
        &self,
        wish: Wish,
        mut response: Response<Content>,
    ) -> Result<Response<Content>, Error> {
        let length = match (response.body(), wish.is_head) {
            (Content::Tunnel(_), _) | (Content::Empty, false) => return Ok(response),
            (_, true) => content_length(response.headers()),
            (content, false) => content.size_hint().exact(),
        };
        let headers = response.headers();
        let is_spared = || self.spares_guarded && is_guarded_response(headers);
        if !is_eligible(response.status(), headers, length) || is_spared() {
            return Ok(response);
        }
        // Also where this client gets it plain.
        vary_by_coding(response.headers_mut());
        let preference = self.codings.as_deref().unwrap_or(&LIVE_PREFERENCE);
        let Some(coding) = wish.accepted.choose(preference) else { return Ok(response) };
        if wish.is_head {
            mark(response.headers_mut(), coding);
            return Ok(response);
        }
        let mut content = std::mem::replace(response.body_mut(), Content::Empty);
        let mut early: VecDeque<Frame<Bytes>> = VecDeque::new();
        if length.is_none() {
            // Until that is enough for a coding. Where the application pauses, the head leaves at
            // once.
            let (pieces, end) = early::take(|cx| content.poll_frame(cx), MIN_LENGTH - 1).await;
            if let Some(Ok(None)) = end {
                *response.body_mut() = Content::Full(early::joined(&pieces));
                return Ok(response);
            }
            let trailers = end.transpose()?.flatten();
            let frames = pieces.into_iter().map(Frame::data);
            early.extend(frames.chain(trailers.map(Frame::trailers)));
        }
        // What everybody may have keeps no secret, and is better off with the same bytes each time.
        let padding = if is_for_everybody(response.headers()) { None } else { self.jitter.draw() };
        mark(response.headers_mut(), coding);
        let coded = Coded::new(coding, content, early, length, padding);
        *response.body_mut() = Content::Coded(Box::new(coded));
        Ok(response)
    }
}
