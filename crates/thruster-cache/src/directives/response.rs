//! What a response says of caching: Cache-Control (RFC 9111 section 5.2.2), or CDN-Cache-Control
//! instead of it (RFC 9213).

use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue};

use super::request::narrow;
use super::{Argument, Directive, dictionary};
use crate::list::{self, Quotes};

const CDN_CACHE_CONTROL: HeaderName = HeaderName::from_static("cdn-cache-control");

/// The directives of a response that mean something to a shared cache. `immutable` does not: it
/// is for those who reload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseDirectives {
    pub no_store: bool,
    pub no_cache: Restriction,
    pub private: Restriction,
    pub public: bool,
    pub must_revalidate: bool,
    pub proxy_revalidate: bool,
    pub must_understand: bool,
    pub max_age: Option<Duration>,
    pub s_maxage: Option<Duration>,
    /// RFC 5861 section 3.
    pub stale_while_revalidate: Option<Duration>,
    /// RFC 5861 section 4.
    pub stale_if_error: Option<Duration>,
    /// They are from CDN-Cache-Control: Expires is not to be asked either.
    pub is_targeted: bool,
    /// A quotation did not end, so more may have been said than was read.
    pub is_malformed: bool,
}

/// What of a response a directive keeps back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Restriction {
    #[default]
    None,
    /// Some of its fields.
    Fields(Vec<HeaderName>),
    Whole,
}

impl ResponseDirectives {
    pub fn of(response: &HeaderMap) -> Self {
        if let Some(members) = targeted(response) {
            let mut directives = Self { is_targeted: true, ..Self::default() };
            members.iter().for_each(|directive| directives.add(directive));
            return directives;
        }
        let mut directives = Self::default();
        for line in response.get_all(CACHE_CONTROL) {
            // Each line by itself: a quotation left open must not take the next line with it.
            let mut members = list::members(line.as_bytes(), Quotes::Strings);
            members.by_ref().for_each(|member| directives.add(&Directive::parse(member)));
            directives.is_malformed |= members.is_unterminated;
        }
        directives
    }

    /// What is said twice is meant in its narrower sense (RFC 9111 section 4.2.1 leaves the
    /// choice), and a number that cannot be read is zero.
    fn add(&mut self, directive: &Directive<'_>) {
        let seconds = || directive.seconds().unwrap_or_default();
        if directive.is("no-store") {
            self.no_store = true;
        } else if directive.is("no-cache") {
            self.no_cache.add(&directive.argument);
        } else if directive.is("private") {
            self.private.add(&directive.argument);
        } else if directive.is("must-revalidate") {
            self.must_revalidate = true;
        } else if directive.is("proxy-revalidate") {
            self.proxy_revalidate = true;
        } else if directive.is_plain("public") {
            self.public = true;
        } else if directive.is_plain("must-understand") {
            self.must_understand = true;
        } else if directive.is("max-age") {
            narrow(&mut self.max_age, seconds());
        } else if directive.is("s-maxage") {
            narrow(&mut self.s_maxage, seconds());
        } else if directive.is("stale-while-revalidate") {
            narrow(&mut self.stale_while_revalidate, seconds());
        } else if directive.is("stale-if-error") {
            narrow(&mut self.stale_if_error, seconds());
        }
    }
}

impl Restriction {
    pub fn fields(&self) -> &[HeaderName] {
        match self {
            Restriction::Fields(names) => names,
            Restriction::None | Restriction::Whole => &[],
        }
    }

    /// No argument means all of it, and so does one that does not name fields.
    fn add(&mut self, argument: &Argument<'_>) {
        let (Argument::Given(names) | Argument::Text(names)) = argument else {
            *self = Restriction::Whole;
            return;
        };
        let members = list::members(names, Quotes::Plain).filter(|name| !name.is_empty());
        let names: Result<Vec<_>, _> = members.map(HeaderName::from_bytes).collect();
        match (&mut *self, names) {
            (Restriction::Whole, _) => {}
            (_, Err(_)) => *self = Restriction::Whole,
            (_, Ok(names)) if names.is_empty() => *self = Restriction::Whole,
            (Restriction::None, Ok(names)) => *self = Restriction::Fields(names),
            (Restriction::Fields(known), Ok(names)) => known.extend(names),
        }
    }
}

/// The directives of CDN-Cache-Control, unless it is empty or broken: then it is as if it were
/// not there (RFC 9213 section 2.1).
fn targeted(response: &HeaderMap) -> Option<Vec<Directive<'_>>> {
    let lines = response.get_all(CDN_CACHE_CONTROL).into_iter().map(HeaderValue::as_bytes);
    dictionary::parse(lines).filter(|members| !members.is_empty())
}
