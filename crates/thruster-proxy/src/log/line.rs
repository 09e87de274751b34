//! One log line under construction: JSON as Go's slog writes it, or text for people.

use std::io::Write;
use std::time::{Duration, SystemTime};

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Json,
    Text,
    /// Text on a terminal.
    Colour,
}

const GREY: &str = "\x1b[90m";
const YELLOW: &str = "\x1b[33m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";
const COLOURED_KEY: &[u8] = b" \x1b[90m";
const COLOURED_VALUE: &[u8] = b"=\x1b[0m";

/// A line that grows field by field. Writing into a `Vec` cannot fail, hence the dropped results.
pub struct Line<'a> {
    out: &'a mut Vec<u8>,
    style: Style,
}

impl<'a> Line<'a> {
    pub fn begin(out: &'a mut Vec<u8>, style: Style, level: &str, message: &str) -> Self {
        let now = SystemTime::now();
        let (time, millis) =
            (humantime::format_rfc3339_nanos(now), humantime::format_rfc3339_millis(now));
        let _ = match style {
            Style::Json => write!(out, r#"{{"time":"{time}","level":"{level}","msg":"#),
            Style::Text => write!(out, "{millis} {level:<5} "),
            Style::Colour => {
                let colour = match level {
                    "ERROR" => RED,
                    "WARN" => YELLOW,
                    _ => GREY,
                };
                write!(out, "{GREY}{millis} {colour}{level:<5}{PLAIN} ")
            }
        };
        let line = Line { out, style };
        match style {
            Style::Json => quote(line.out, message),
            Style::Text | Style::Colour => plain(line.out, message),
        }
        line
    }

    /// Text; for people, none where there is none.
    pub fn text(&mut self, key: &str, value: &str) -> &mut Self {
        if value.is_empty() && self.style != Style::Json {
            return self;
        }
        self.key(key);
        let is_bare = |b: u8| b.is_ascii_graphic() && !b"\"=\\".contains(&b);
        match self.style {
            Style::Text | Style::Colour if value.bytes().all(is_bare) => {
                self.out.extend_from_slice(value.as_bytes());
            }
            Style::Json => quote(self.out, value),
            Style::Text | Style::Colour => {
                self.out.push(b'"');
                plain(self.out, value);
                self.out.push(b'"');
            }
        }
        self
    }

    pub fn number(&mut self, key: &str, value: impl itoa::Integer) -> &mut Self {
        self.key(key);
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self
    }

    /// A duration as milliseconds with three decimals.
    pub fn millis(&mut self, key: &str, value: Duration) -> &mut Self {
        self.key(key);
        let micros = value.as_micros() as u64;
        let mut decimals = itoa::Buffer::new();
        let decimals = decimals.format(micros % 1000 + 1000);
        self.out.extend_from_slice(itoa::Buffer::new().format(micros / 1000).as_bytes());
        self.out.push(b'.');
        self.out.extend_from_slice(&decimals.as_bytes()[1..]);
        self
    }

    pub fn end(&mut self) {
        self.out.extend_from_slice(if self.style == Style::Json { b"}\n" } else { b"\n" });
    }

    fn key(&mut self, key: &str) {
        // Spelled out, for pieces of known lengths are not copied but stored.
        let (key, out) = (key.as_bytes(), &mut *self.out);
        match self.style {
            Style::Json => {
                out.extend_from_slice(b",\"");
                out.extend_from_slice(key);
                out.extend_from_slice(b"\":");
            }
            Style::Text => {
                out.push(b' ');
                out.extend_from_slice(key);
                out.push(b'=');
            }
            Style::Colour => {
                out.extend_from_slice(COLOURED_KEY);
                out.extend_from_slice(key);
                out.extend_from_slice(COLOURED_VALUE);
            }
        }
    }
}

fn quote(out: &mut Vec<u8>, text: &str) {
    // Hardly any text has something to escape. Asked of all bytes at once, that costs next to
    // nothing; looked at one by one, they were a twentieth of a request.
    let is_special = |b: u8| b < b' ' || b == b'"' || b == b'\\';
    if text.bytes().fold(false, |found, b| found | is_special(b)) {
        serde_json::to_writer(out, text).expect("a string is always valid JSON");
        return;
    }
    out.reserve(text.len() + 2);
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Text for a terminal, without what could steer it.
fn plain(out: &mut Vec<u8>, text: &str) {
    for c in text.chars() {
        if c.is_control() || c == '"' || c == '\\' {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            let _ = write!(out, "{c}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(style: Style) -> String {
        let mut out = Vec::new();
        Line::begin(&mut out, style, "INFO", "Request")
            .text("path", "/a\"\n\u{9b}31m")
            .text("user_agent", "")
            .number("status", 200)
            .millis("took", Duration::from_micros(12_034))
            .end();
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn json_is_json_whatever_the_values() {
        let line = line(Style::Json);
        let parsed: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(parsed["path"], "/a\"\n\u{9b}31m");
        assert_eq!(parsed["status"], 200);
        assert_eq!(parsed["took"], 12.034);
        assert_eq!(parsed["level"], "INFO");
        assert!(line.starts_with(r#"{"time":"2"#) && line.ends_with("}\n"));
    }

    #[test]
    fn text_quotes_what_could_confuse() {
        let line = line(Style::Text);
        assert!(line.contains(r#" INFO  Request path="/a\"\n\u{9b}31m" status=200"#));
        assert_eq!(line.lines().count(), 1);
    }
}
