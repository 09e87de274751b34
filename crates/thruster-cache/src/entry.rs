//! A stored response, ready to be sent again: shared, never copied.

use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use crate::{Key, Life, Variant, disk};

/// One stored response. Everything but the counters and the codings stays as it was made.
#[derive(Debug)]
pub struct Entry {
    pub key: Key,
    pub variant: Variant,
    pub life: Life,
    pub status: StatusCode,
    /// The fields every client may get, without those that are made anew for each.
    pub headers: HeaderMap,
    /// What it can be purged by.
    pub tags: Vec<Box<str>>,
    pub body: Body,
    /// Whether codings of the body are worth making.
    pub is_codable: bool,
    /// The body under other codings, each made once; only of a [`Body::Whole`].
    codings: [OnceLock<Bytes>; Coding::ALL.len()],
    pub hits: AtomicU64,
    /// Purged softly: no longer fresh, whatever `life` says.
    is_outdated: AtomicBool,
}

/// Where the body is.
#[derive(Debug, Clone)]
pub enum Body {
    /// In memory.
    Whole(Bytes),
    /// In the disk tier.
    Disk(disk::Stored),
    /// In the application's own file, which X-Sendfile named.
    File(Pointer),
}

/// A file as it was when the application named it: a file that has changed since is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    pub path: Box<Path>,
    pub length: u64,
    pub modified: SystemTime,
    pub inode: u64,
}

/// A content coding we make (RFC 9110 section 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    Brotli,
    Zstd,
    Gzip,
}

impl Coding {
    pub const ALL: [Coding; 3] = [Coding::Brotli, Coding::Zstd, Coding::Gzip];

    /// As Content-Encoding and Accept-Encoding name it.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
            Coding::Gzip => "gzip",
        }
    }
}

impl Entry {
    pub fn new(
        key: Key,
        variant: Variant,
        life: Life,
        status: StatusCode,
        headers: HeaderMap,
        tags: Vec<Box<str>>,
        body: Body,
    ) -> Self {
        Entry {
            key,
            variant,
            life,
            status,
            headers,
            tags,
            body,
            is_codable: false,
            codings: Default::default(),
            hits: AtomicU64::new(0),
            is_outdated: AtomicBool::new(false),
        }
    }

    /// The same response with another body.
    pub fn with_body(&self, body: Body) -> Self {
        let entry = Entry::new(
            self.key.clone(),
            self.variant.clone(),
            self.life.clone(),
            self.status,
            self.headers.clone(),
            self.tags.clone(),
            body,
        );
        entry.is_outdated.store(self.is_outdated(), Relaxed);
        Entry { is_codable: self.is_codable, ..entry }
    }

    /// The same body with what a validation has brought; codings and counters stay.
    pub fn renewed(&self, life: Life, headers: HeaderMap) -> Self {
        Entry {
            life,
            headers,
            codings: self.codings.clone(),
            hits: AtomicU64::new(self.hits.load(Relaxed)),
            is_outdated: AtomicBool::new(false),
            ..self.with_body(self.body.clone())
        }
    }

    /// Bytes of its body, without any coding of ours.
    pub fn length(&self) -> u64 {
        match &self.body {
            Body::Whole(bytes) => bytes.len() as u64,
            Body::Disk(stored) => stored.length(),
            Body::File(pointer) => pointer.length,
        }
    }

    /// The body under `coding`, if it has been made.
    pub fn coded(&self, coding: Coding) -> Option<&Bytes> {
        self.codings[coding as usize].get()
    }

    /// Keeps the body under `coding`. The first one stays. To be called by the store that holds
    /// the entry, which has to know what it weighs: see [`crate::memory::Memory::attach`].
    pub(crate) fn attach(&self, coding: Coding, body: Bytes) -> bool {
        self.codings[coding as usize].set(body).is_ok()
    }

    /// Marks a coding as one that is not worth making: nobody is to ask for it again.
    pub fn give_up(&self, coding: Coding) {
        self.attach(coding, Bytes::new());
    }

    /// From now on it is stale.
    pub fn outdate(&self) {
        self.is_outdated.store(true, Relaxed);
    }

    pub fn is_outdated(&self) -> bool {
        self.is_outdated.load(Relaxed)
    }

    /// Memory this takes: the body and its codings, the fields, the key and what surrounds them.
    pub fn weight(&self) -> usize {
        // What `HeaderMap` takes for a field besides its text: a bucket and its index.
        const FIELD: usize = 112;
        let body = match &self.body {
            Body::Whole(bytes) => bytes.len(),
            Body::Disk(_) => 0,
            Body::File(pointer) => pointer.path.as_os_str().len(),
        };
        let codings: usize = self.codings.iter().filter_map(OnceLock::get).map(Bytes::len).sum();
        let field = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            FIELD + name.as_str().len() + value.len()
        };
        let headers: usize = self.headers.iter().map(field).sum();
        let variant: usize =
            self.variant.0.iter().map(|(name, value)| 48 + name.as_str().len() + value.len()).sum();
        let tags: usize = self.tags.iter().map(|tag| 16 + tag.len()).sum();
        size_of::<Self>() + self.key.as_bytes().len() + body + codings + headers + variant + tags
    }
}
