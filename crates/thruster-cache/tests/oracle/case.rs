//! One case: a response, and the requests before and after it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, Method, StatusCode};
use thruster_cache::storable::{Plan, plan};

/// A response, what it was asked for with, and a request that comes later.
#[derive(Debug, Clone, Default)]
pub struct Case {
    pub status: u16,
    pub directives: Vec<String>,
    pub fields: Vec<(&'static str, String)>,
    pub first: Vec<(&'static str, String)>,
    pub later: Vec<(&'static str, String)>,
    /// Seconds from the response to the later request.
    pub elapsed: u64,
}

impl Case {
    pub fn of(directives: &[&str]) -> Self {
        let directives = directives.iter().map(ToString::to_string).collect();
        Case { status: 200, directives, ..Case::default() }
    }

    pub fn with(mut self, name: &'static str, value: String) -> Self {
        self.fields.push((name, value));
        self
    }

    pub fn asking(mut self, name: &'static str, value: &str) -> Self {
        self.later.push((name, value.to_owned()));
        self
    }

    pub fn later(self, elapsed: u64) -> Self {
        Case { elapsed, ..self }
    }

    pub fn says(&self, directive: &str) -> bool {
        self.directives.iter().any(|line| line == directive)
    }

    pub fn has(&self, directive: &str) -> bool {
        self.directives.iter().any(|line| name(line) == directive)
    }

    pub fn is_with(&self, field: &str) -> bool {
        is_in(&self.fields, field)
    }

    pub fn value(&self, field: &str) -> &str {
        let found = self.fields.iter().find(|(name, _)| *name == field);
        found.map_or("", |(_, value)| value)
    }

    pub fn response(&self) -> HeaderMap {
        let mut headers = headers(&self.fields);
        if !self.directives.is_empty() {
            let value = self.directives.join(", ").parse().expect("directives");
            headers.insert("cache-control", value);
        }
        headers
    }
}

pub fn planned(case: &Case) -> Option<Plan> {
    let status = StatusCode::from_u16(case.status).expect("a status");
    let first = headers(&case.first);
    plan(&Method::GET, &first, status, &case.response(), received(), received()).ok()
}

pub fn name(directive: &str) -> &str {
    directive.split('=').next().unwrap_or_default()
}

pub fn is_in(fields: &[(&'static str, String)], name: &str) -> bool {
    fields.iter().any(|field| field.0 == name)
}

pub fn headers(fields: &[(&'static str, String)]) -> HeaderMap {
    let field = |(name, value): &(&'static str, String)| {
        (HeaderName::from_static(name), value.parse().expect("a field value"))
    };
    fields.iter().map(field).collect()
}

/// When every response comes, at once: 1994-11-06 08:49:37.
pub fn received() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(784_111_777)
}

pub fn now(case: &Case) -> SystemTime {
    received() + Duration::from_secs(case.elapsed)
}

pub fn date(seconds: i64) -> String {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let date = if seconds < 0 { received() - distance } else { received() + distance };
    httpdate::fmt_http_date(date)
}
