//! What is to be purged: the question that a purge puts to every stored response.

use crate::Key;

/// A purge as somebody asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    pub selection: Selection,
    /// Marks what it finds as stale instead of removing it.
    pub is_soft: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// One target: of this origin (`scheme://host`), or of every one.
    Url {
        origin: Option<Box<str>>,
        target: Box<str>,
    },
    /// All targets that begin so.
    Prefix {
        origin: Option<Box<str>>,
        target: Box<str>,
    },
    /// Everything under one key.
    Key(Key),
    /// What the application has given one of these tags.
    Tags(Vec<Box<str>>),
    All,
}

impl Selection {
    /// Reads `/path?query` or `http://host/path?query`; `None` is neither.
    pub fn url(text: &str) -> Option<Self> {
        let (origin, target) = split(text)?;
        Some(Selection::Url { origin, target })
    }

    /// As [`url`](Self::url), for all that begins so.
    pub fn prefix(text: &str) -> Option<Self> {
        let (origin, target) = split(text)?;
        Some(Selection::Prefix { origin, target })
    }

    pub fn includes(&self, key: &Key, tags: &[Box<str>]) -> bool {
        match self {
            Selection::Url { origin, target } => {
                key.target() == target.as_bytes() && is_of(key, origin.as_deref())
            }
            Selection::Prefix { origin, target } => {
                key.target().starts_with(target.as_bytes()) && is_of(key, origin.as_deref())
            }
            Selection::Key(wanted) => key == wanted,
            Selection::Tags(wanted) => tags.iter().any(|tag| wanted.contains(tag)),
            Selection::All => true,
        }
    }
}

/// Whether the key is of this origin. A key may say more of its origin than `scheme://host`,
/// after a blank.
fn is_of(key: &Key, origin: Option<&str>) -> bool {
    origin.is_none_or(|origin| {
        let own = key.origin();
        own.len() >= origin.len()
            && own[..origin.len()].eq_ignore_ascii_case(origin.as_bytes())
            && own.get(origin.len()).is_none_or(|&b| b == b' ')
    })
}

fn split(text: &str) -> Option<(Option<Box<str>>, Box<str>)> {
    if text.starts_with('/') {
        return Some((None, text.into()));
    }
    let (scheme, rest) = text.split_once("://").filter(|(s, _)| matches!(*s, "http" | "https"))?;
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if host.is_empty() {
        return None;
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some((Some(format!("{scheme}://{host}").into()), format!("{slash}{path}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purge_finds_what_it_names_and_nothing_else() {
        let key = |origin: &str, target: &str| Key::new(origin.as_bytes(), target.as_bytes());
        let here = key("http://a.example", "/posts/1");
        let disguised = key("http://a.example x-forwarded-host=b", "/posts/1");
        let url = |text| Selection::url(text).expect("a URL");
        assert!(url("/posts/1").includes(&here, &[]) && url("/posts/1").includes(&disguised, &[]));
        assert!(url("http://A.example/posts/1").includes(&disguised, &[]));
        assert!(!url("http://a.example.org/posts/1").includes(&here, &[]));
        assert!(!url("http://a.exampl/posts/1").includes(&here, &[]));
        assert!(!url("/posts/1?a").includes(&here, &[]) && !url("/posts").includes(&here, &[]));
        assert!(Selection::prefix("/posts").expect("a prefix").includes(&here, &[]));
        assert!(!Selection::prefix("https://a.example/posts").expect("one").includes(&here, &[]));
        assert!(Selection::Tags(vec!["x".into()]).includes(&here, &["y".into(), "x".into()]));
        assert_eq!(url("http://a"), url("http://a/"));
        for none in ["", "posts", "ftp://a/", "http://", "http:///a"] {
            assert_eq!(Selection::url(none), None, "{none}");
        }
    }
}
