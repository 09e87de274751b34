//! What the control socket answers: purges, and a look into the cache.

use std::sync::atomic::Ordering::Relaxed;
use std::time::SystemTime;

use serde_json::{Value, json};
use thruster_cache::disk::Listed;
use thruster_cache::{Coding, Entry, Purge, Selection};

use super::exchange::{Answer, Request};
use crate::cache::Store;

/// Entries that `GET /cache` lists: unless told otherwise, and at most.
const LISTED: (usize, usize) = (100, 10_000);

/// Tags in one purge. Arbitrary.
const MAX_TAGS: usize = 1000;

/// Answers a request.
pub fn to(request: &Request, store: &Store, now: SystemTime) -> Answer {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    match (path, request.method.as_str()) {
        ("/purge", "POST") => match purge(&request.body) {
            Ok(purge) => Answer { status: 200, body: json!({ "purged": store.purge(&purge) }) },
            Err(complaint) => Answer::error(400, complaint),
        },
        ("/cache", "GET") => match limit(query) {
            Some(limit) => Answer { status: 200, body: report(store, limit, now) },
            None => Answer::error(400, "limit: a whole number"),
        },
        ("/purge", _) => Answer::error(405, "POST /purge"),
        ("/cache", _) => Answer::error(405, "GET /cache"),
        _ => Answer::error(404, "there are POST /purge and GET /cache"),
    }
}

/// What a body asks to be purged.
fn purge(body: &[u8]) -> Result<Purge, &'static str> {
    const EXPECTED: &str =
        "a JSON object with one of url, prefix, tag, tags or all, and perhaps soft";
    let body: Value = serde_json::from_slice(body).map_err(|_| EXPECTED)?;
    let mut fields = body.as_object().ok_or(EXPECTED)?.clone();
    let is_soft = match fields.remove("soft") {
        None => false,
        Some(soft) => soft.as_bool().ok_or("soft: true or false")?,
    };
    let mut fields = fields.into_iter();
    let (Some((name, value)), None) = (fields.next(), fields.next()) else { return Err(EXPECTED) };
    let text = value.as_str();
    const URL: &str = "a path such as /posts/1, or a URL with http or https";
    let selection = match name.as_str() {
        "url" => text.and_then(Selection::url).ok_or(URL)?,
        "prefix" => text.and_then(Selection::prefix).ok_or(URL)?,
        "tag" => Selection::Tags(vec![text.ok_or("tag: a text")?.into()]),
        "tags" => Selection::Tags(tags(&value).ok_or("tags: a list of at most 1000 texts")?),
        "all" if value == json!(true) => Selection::All,
        _ => return Err(EXPECTED),
    };
    Ok(Purge { selection, is_soft })
}

fn tags(value: &Value) -> Option<Vec<Box<str>>> {
    let tags = value.as_array().filter(|tags| tags.len() <= MAX_TAGS)?;
    tags.iter().map(|tag| Some(tag.as_str()?.into())).collect()
}

fn limit(query: &str) -> Option<usize> {
    let given = query.split('&').find_map(|pair| pair.strip_prefix("limit="));
    given.map_or(Some(LISTED.0), |given| given.parse().ok()).map(|limit| limit.min(LISTED.1))
}

fn report(store: &Store, limit: usize, now: SystemTime) -> Value {
    let (memory, disk) = (store.memory.stats(), store.disk.stats());
    let in_memory = store.memory.list(limit);
    let on_disk = store.disk.list(limit.saturating_sub(in_memory.len()));
    let entries = in_memory.iter().map(|entry| listed(entry, now));
    let entries = entries.chain(on_disk.iter().map(|entry| listed_on_disk(entry, now)));
    let seconds = |since: SystemTime| now.duration_since(since).unwrap_or_default().as_secs();
    let refusals = store.refusals.list();
    let refusals = refusals.iter().map(|refusal| {
        json!({
            "url": refusal.key.to_string(),
            "status": refusal.status.as_u16(),
            "reason": refusal.reason,
            "age": seconds(refusal.at),
        })
    });
    json!({
        "memory": { "entries": memory.entries, "bytes": memory.bytes, "size": memory.size },
        "disk": { "entries": disk.entries, "bytes": disk.bytes, "size": disk.size },
        "entries": entries.collect::<Vec<_>>(),
        "not_cached": refusals.collect::<Vec<_>>(),
    })
}

fn listed(entry: &Entry, now: SystemTime) -> Value {
    let codings = Coding::ALL.into_iter();
    let made = |coding: &Coding| entry.coded(*coding).is_some_and(|body| !body.is_empty());
    json!({
        "url": entry.key.to_string(),
        "status": entry.status.as_u16(),
        "age": entry.life.age(now).as_secs(),
        "ttl": entry.life.ttl(now),
        "fresh": entry.life.is_fresh(now) && !entry.is_outdated(),
        "size": entry.length(),
        "hits": entry.hits.load(Relaxed),
        "codings": codings.filter(made).map(Coding::name).collect::<Vec<_>>(),
        "tags": entry.tags,
        "tier": "memory",
    })
}

fn listed_on_disk(entry: &Listed, now: SystemTime) -> Value {
    json!({
        "url": entry.key.to_string(),
        "status": entry.status.as_u16(),
        "age": entry.life.age(now).as_secs(),
        "ttl": entry.life.ttl(now),
        "fresh": entry.life.is_fresh(now) && !entry.is_outdated,
        "size": entry.size,
        "hits": entry.hits,
        "codings": [],
        "tags": entry.tags,
        "tier": "disk",
    })
}
