//! One setting at a time: what is set, or the table's default, and what there is to complain of.

use std::time::Duration;

use super::{Complaint, Environment, current};
use crate::config::settings::{Setting, setting_named};
use crate::config::value::{self, Expected};

/// Reads settings, and gathers complaints.
pub struct Reader<'e, E> {
    pub environment: &'e E,
    pub errors: Vec<Complaint>,
    pub ignored: Vec<Complaint>,
}

impl<E: Environment> Reader<'_, E> {
    /// What is well-formed and cannot be meant.
    pub fn contradicts(&mut self, variable: &str, value: &str, expected: String) {
        let (variable, value) = (variable.to_owned(), value.to_owned());
        self.errors.push(Complaint { variable, value, expected });
    }

    pub fn duration(&mut self, name: &str) -> Duration {
        self.value(name, value::pause)
    }

    pub fn seconds(&mut self, name: &str) -> Option<Duration> {
        self.value(name, value::seconds)
    }

    /// The value that is set, or the table's default.
    pub fn value<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, Expected>) -> T {
        self.set(name, parse).unwrap_or_else(|| {
            parse(setting_named(name).default).expect("the defaults in the table are valid")
        })
    }

    /// The same where a default would be a danger: a site meant for TLS is not to go without.
    pub fn strictly<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, Expected>) -> Option<T> {
        let earlier = self.ignored.len();
        let value = self.set(name, parse);
        self.errors.extend(self.ignored.drain(earlier..));
        value
    }

    /// The value that is set, if one is and it can be read.
    pub fn set<T>(&mut self, name: &str, parse: fn(&str) -> Result<T, Expected>) -> Option<T> {
        self.read(setting_named(name), parse)
    }

    pub fn read<T>(
        &mut self,
        setting: &Setting,
        parse: fn(&str) -> Result<T, Expected>,
    ) -> Option<T> {
        let (variable, text) = current(self.environment, setting)?;
        let parsed = text.to_str().ok_or("UTF-8 text").and_then(|text| parse(text.trim()));
        let expected = match parsed {
            Ok(value) => return Some(value),
            Err(expected) => expected.to_owned(),
        };
        let value = match setting.is_secret() {
            true => "(hidden)".to_owned(),
            false => text.to_string_lossy().into_owned(),
        };
        let is_ours = variable.starts_with("THRUSTER_");
        let complaint = Complaint { variable, value, expected };
        if is_ours {
            self.errors.push(complaint)
        } else {
            self.ignored.push(complaint)
        }
        None
    }
}
