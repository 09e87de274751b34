//! The head of an entry's file: everything of the entry but the bytes of its body, and back. Pure.
//! Counts and lengths stand before what they count, and nothing is reserved on their word.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use xxhash_rust::xxh3::xxh3_128;

use super::format::{Damage, MAX_HEAD};
use crate::{Body, Entry, Key, Life, Pointer, Variant};

/// Longer is as good as for ever (RFC 9111 section 1.2.2 takes 68 years for that), and a few of
/// these can be added without a thought.
const FOR_EVER: Duration = Duration::from_secs(1 << 40);

/// What can be read without the body.
#[derive(Debug, Clone, PartialEq)]
pub struct Head {
    pub key: Key,
    pub variant: Variant,
    pub life: Life,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub tags: Vec<Box<str>>,
    /// The application's own file, if that is the body.
    pub pointer: Option<Pointer>,
}

impl Head {
    pub fn into_entry(self, body: Body) -> Entry {
        let Head { key, variant, life, status, headers, tags, .. } = self;
        Entry::new(key, variant, life, status, headers, tags, body)
    }
}

/// What the file of an entry is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(pub u128);

impl Name {
    /// Different entries may come to share a name; then one replaces the other, for what is in the
    /// file decides.
    pub fn of(key: &Key, variant: &Variant) -> Self {
        let mut text = Vec::with_capacity(key.as_bytes().len() + 8);
        put_shelf(&mut text, key, variant);
        Name(xxh3_128(&text))
    }
}

/// The head as bytes; `None` if it would be too long, which is not worth a file.
pub fn encode(entry: &Entry) -> Option<Vec<u8>> {
    match &entry.body {
        Body::Whole(_) | Body::Disk(_) => encode_with(entry, None),
        Body::File(pointer) => encode_with(entry, Some(pointer)),
    }
}

/// The head of an entry whose body comes later, whatever that of `entry` is.
pub fn encode_stream(entry: &Entry) -> Option<Vec<u8>> {
    encode_with(entry, None)
}

fn encode_with(entry: &Entry, pointer: Option<&Pointer>) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(1024);
    put_shelf(&mut out, &entry.key, &entry.variant);
    put_count(&mut out, entry.tags.len());
    entry.tags.iter().for_each(|tag| put_text(&mut out, tag.as_bytes()));
    put_life(&mut out, &entry.life);
    out.extend_from_slice(&entry.status.as_u16().to_le_bytes());
    put_count(&mut out, entry.headers.len());
    for (name, value) in &entry.headers {
        put_text(&mut out, name.as_str().as_bytes());
        put_text(&mut out, value.as_bytes());
    }
    out.push(u8::from(pointer.is_some()));
    if let Some(pointer) = pointer {
        put_text(&mut out, pointer.path.as_os_str().as_bytes());
        out.extend_from_slice(&pointer.length.to_le_bytes());
        put_time(&mut out, pointer.modified);
        out.extend_from_slice(&pointer.inode.to_le_bytes());
    }
    (out.len() <= MAX_HEAD).then_some(out)
}

/// # Errors
/// [`Damage::Head`] with what is wrong.
pub fn decode(bytes: &[u8]) -> Result<Head, Damage> {
    let mut reader = Reader(bytes);
    let key = Key::from_bytes(Bytes::copy_from_slice(reader.text()?));
    let key = key.ok_or(Damage::Head("key"))?;
    let variant = reader.variant()?;
    let mut tags = Vec::new();
    for _ in 0..reader.number::<4>()? {
        let tag = std::str::from_utf8(reader.text()?).map_err(|_| Damage::Head("tag"))?;
        tags.push(tag.into());
    }
    let life = reader.life()?;
    let status = StatusCode::from_u16(reader.number::<2>()? as u16);
    let status = status.map_err(|_| Damage::Head("status"))?;
    let headers = reader.headers()?;
    let pointer = match reader.number::<1>()? {
        0 => None,
        1 => Some(reader.pointer()?),
        _ => return Err(Damage::Head("body")),
    };
    if !reader.0.is_empty() {
        return Err(Damage::Head("end"));
    }
    Ok(Head { key, variant, life, status, headers, tags, pointer })
}

fn put_shelf(out: &mut Vec<u8>, key: &Key, variant: &Variant) {
    put_text(out, key.as_bytes());
    put_count(out, variant.0.len());
    for (name, value) in &variant.0 {
        put_text(out, name.as_str().as_bytes());
        put_text(out, value);
    }
}

/// Lengths past four bytes are past [`MAX_HEAD`] all the more, so that their head is not used.
fn put_count(out: &mut Vec<u8>, count: usize) {
    out.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_count(out, text.len());
    out.extend_from_slice(text);
}

fn put_life(out: &mut Vec<u8>, life: &Life) {
    put_time(out, life.received);
    let durations =
        [life.initial_age, life.lifetime, life.stale_while_revalidate, life.stale_if_error];
    durations.iter().for_each(|&duration| put_duration(out, duration.min(FOR_EVER)));
    out.push(u8::from(life.must_revalidate) | u8::from(life.is_for_authorized) << 1);
}

fn put_duration(out: &mut Vec<u8>, duration: Duration) {
    out.extend_from_slice(&duration.as_secs().to_le_bytes());
    out.extend_from_slice(&duration.subsec_nanos().to_le_bytes());
}

fn put_time(out: &mut Vec<u8>, time: SystemTime) {
    let (is_before, distance) = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => (0, after),
        Err(before) => (1, before.duration()),
    };
    out.push(is_before);
    put_duration(out, distance);
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], Damage> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Damage::Head("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of `BYTES` bytes.
    fn number<const BYTES: usize>(&mut self) -> Result<u64, Damage> {
        let bytes = self.take(BYTES)?;
        Ok(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
    }

    fn text(&mut self) -> Result<&'a [u8], Damage> {
        let length = self.number::<4>()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn field_name(&mut self) -> Result<HeaderName, Damage> {
        HeaderName::from_bytes(self.text()?).map_err(|_| Damage::Head("field name"))
    }

    fn variant(&mut self) -> Result<Variant, Damage> {
        let mut fields = Vec::new();
        for _ in 0..self.number::<4>()? {
            fields.push((self.field_name()?, self.text()?.into()));
        }
        Ok(Variant(fields))
    }

    fn headers(&mut self) -> Result<HeaderMap, Damage> {
        let mut headers = HeaderMap::new();
        for _ in 0..self.number::<4>()? {
            let name = self.field_name()?;
            let value = HeaderValue::from_bytes(self.text()?);
            let value = value.map_err(|_| Damage::Head("field value"))?;
            headers.try_append(name, value).map_err(|_| Damage::Head("number of fields"))?;
        }
        Ok(headers)
    }

    fn life(&mut self) -> Result<Life, Damage> {
        let received = self.time()?;
        let mut durations = [Duration::ZERO; 4];
        for duration in &mut durations {
            *duration = self.duration()?;
            if *duration > FOR_EVER {
                return Err(Damage::Head("duration"));
            }
        }
        let [initial_age, lifetime, stale_while_revalidate, stale_if_error] = durations;
        let flags = self.number::<1>()?;
        Ok(Life {
            received,
            initial_age,
            lifetime,
            stale_while_revalidate,
            stale_if_error,
            must_revalidate: flags & 1 != 0,
            is_for_authorized: flags & 2 != 0,
        })
    }

    fn pointer(&mut self) -> Result<Pointer, Damage> {
        let path = Path::new(OsStr::from_bytes(self.text()?)).into();
        let (length, modified) = (self.number::<8>()?, self.time()?);
        Ok(Pointer { path, length, modified, inode: self.number::<8>()? })
    }

    fn duration(&mut self) -> Result<Duration, Damage> {
        let (seconds, nanoseconds) = (self.number::<8>()?, self.number::<4>()?);
        if nanoseconds >= 1_000_000_000 {
            return Err(Damage::Head("duration"));
        }
        Ok(Duration::new(seconds, nanoseconds as u32))
    }

    fn time(&mut self) -> Result<SystemTime, Damage> {
        let (is_before, distance) = (self.number::<1>()?, self.duration()?);
        let time = match is_before {
            0 => UNIX_EPOCH.checked_add(distance),
            _ => UNIX_EPOCH.checked_sub(distance),
        };
        time.ok_or(Damage::Head("time"))
    }
}

#[cfg(test)]
mod tests;
