//! Why a response was not kept: the name that the log and Cache-Status give for it.

/// Each is a rule that the request or the response came up against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Only answers to GET are kept.
    Method,
    /// The request says no-store.
    RequestNoStore,
    /// The status is none that is kept.
    Status,
    /// It is a part of something (206).
    Partial,
    /// It says no-store.
    NoStore,
    /// It says private.
    Private,
    /// It says no-cache, and means all of it.
    NoCache,
    /// Its Cache-Control has a quotation that does not end: no telling what else it wanted.
    MalformedCacheControl,
    /// The request had Authorization, and nothing says that others may see the answer.
    Authorization,
    /// It sets a cookie and does not say public.
    SetCookie,
    /// It does not say for how long it is fresh.
    NoFreshness,
    /// It was too old when it came, or fresh for no time at all.
    Expired,
    /// It varies by more than fields (`Vary: *`).
    VaryStar,
    /// Its Vary names what cannot be a field.
    MalformedVary,
    /// It varies by more fields than we compare.
    VaryTooLong,
    /// It has more tags, or longer ones, than we keep, and could not be purged by all of them.
    TooManyTags,
    /// Its body is larger than what is kept.
    TooLarge,
    /// It names a file that cannot be sent.
    NoFile,
    /// What it confirms was kept for requests that differ in other fields.
    OtherVary,
}

impl Reason {
    /// Whether it is this one request that stood in the way: the next answer may be kept.
    pub fn is_of_the_request(self) -> bool {
        matches!(
            self,
            Reason::Method | Reason::RequestNoStore | Reason::Authorization | Reason::Partial
        )
    }

    /// As the log and the detail of Cache-Status have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Method => "method",
            Reason::RequestNoStore => "request-no-store",
            Reason::Status => "status",
            Reason::Partial => "partial",
            Reason::NoStore => "no-store",
            Reason::Private => "private",
            Reason::NoCache => "no-cache",
            Reason::MalformedCacheControl => "malformed-cache-control",
            Reason::Authorization => "authorization",
            Reason::SetCookie => "set-cookie",
            Reason::NoFreshness => "no-freshness",
            Reason::Expired => "expired",
            Reason::VaryStar => "vary-star",
            Reason::MalformedVary => "malformed-vary",
            Reason::VaryTooLong => "vary-too-long",
            Reason::TooManyTags => "too-many-tags",
            Reason::TooLarge => "too-large",
            Reason::NoFile => "no-file",
            Reason::OtherVary => "other-vary",
        }
    }
}
