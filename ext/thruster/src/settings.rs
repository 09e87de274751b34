//! Settings between Ruby and the engine: texts in, through the engine's own parser, and values out.

mod values;

use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use magnus::prelude::*;
use magnus::r_hash::ForEach;
use magnus::{Error, RArray, RHash, RModule, RString, Ruby, function};
use thruster_proxy::config::Config;
use thruster_proxy::config::env::{self, Complaint, Environment, Loaded};
use thruster_proxy::config::settings::SETTINGS;

use crate::bytes;

/// An environment that is a Hash.
struct Table(HashMap<Vec<u8>, OsString>);

/// Settings under their names in lower case, and nothing else: the process' own environment is for
/// the thrust in front of it.
struct Keywords(Table);

/// How a complaint reads where the name was an environment's.
const PREFIX: &str = "THRUSTER_";

pub fn define(_: &Ruby, native: RModule) -> Result<(), Error> {
    native.define_singleton_method("names", function!(names, 0))?;
    native.define_singleton_method("secrets", function!(secrets, 0))?;
    native.define_singleton_method("load", function!(load, 1))
}

/// The settings that `texts` make.
pub fn parse(ruby: &Ruby, texts: RHash) -> Result<Config, Error> {
    let loaded = env::load(&Keywords(Table::new(texts)?));
    let complaint = |one: &Complaint| {
        let name = one.variable.trim_start_matches(PREFIX).to_lowercase();
        format!("{name}: {:?}: expected {}", one.value, one.expected)
    };
    loaded.map(|loaded| loaded.config).map_err(|complaints| refusal(ruby, &complaints, complaint))
}

/// What an environment makes: a value for each setting, and what was left aside.
fn load(ruby: &Ruby, environment: RHash) -> Result<RArray, Error> {
    let environment = Table::new(environment)?;
    let loaded = env::load(&environment);
    let Loaded { config, ignored } =
        loaded.map_err(|complaints| refusal(ruby, &complaints, Complaint::to_string))?;
    let values = ruby.hash_new();
    for setting in SETTINGS {
        let value = values::value(ruby, &config, &environment, setting)?;
        values.aset(ruby.to_symbol(setting.name.to_lowercase()), value)?;
    }
    let warnings = ruby.ary_new();
    for complaint in &ignored {
        warnings.push(format!("{complaint}; using the default"))?;
    }
    let both = ruby.ary_new();
    both.push(values)?;
    both.push(warnings)?;
    Ok(both)
}

/// Every setting there is.
fn names(ruby: &Ruby) -> RArray {
    ruby.ary_from_iter(SETTINGS.iter().map(|setting| ruby.to_symbol(setting.name.to_lowercase())))
}

/// Those that are not to be shown.
fn secrets(ruby: &Ruby) -> RArray {
    let secrets = SETTINGS.iter().filter(|setting| setting.is_secret());
    ruby.ary_from_iter(secrets.map(|setting| ruby.to_symbol(setting.name.to_lowercase())))
}

fn refusal(ruby: &Ruby, complaints: &[Complaint], say: impl Fn(&Complaint) -> String) -> Error {
    let lines: Vec<_> = complaints.iter().map(say).collect();
    Error::new(ruby.exception_arg_error(), lines.join("\n"))
}

impl Table {
    fn new(hash: RHash) -> Result<Self, Error> {
        let mut table = HashMap::new();
        hash.foreach(|name: RString, text: RString| {
            table.insert(bytes(name), OsString::from_vec(bytes(text)));
            Ok(ForEach::Continue)
        })?;
        Ok(Table(table))
    }
}

impl Environment for Table {
    fn variable(&self, name: &str) -> Option<OsString> {
        self.0.get(name.as_bytes()).cloned()
    }
}

impl Environment for Keywords {
    /// By the prefixed name, under which a bad value is an error and not left aside.
    fn variable(&self, name: &str) -> Option<OsString> {
        let name = name.strip_prefix(PREFIX)?.to_lowercase();
        self.0.variable(&name)
    }
}
