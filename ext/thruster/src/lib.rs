//! The engine of thrust inside a Ruby process: `Thruster::Native`, of which `lib/thruster` makes
//! `Thruster::Server` and `Thruster::Settings`. Whatever is Ruby's own stays in this crate.

mod front;
mod gate;
mod gvl;
mod settings;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use magnus::prelude::*;
use magnus::{Error, RArray, RString, Ruby, function};

#[magnus::init(name = "native")]
fn init(ruby: &Ruby) -> Result<(), Error> {
    check_ruby(ruby)?;
    let native = ruby.define_module("Thruster")?.define_module("Native")?;
    native.define_singleton_method("run", function!(run, 1))?;
    settings::define(ruby, native)?;
    front::define(ruby, native)
}

/// Ruby's own structures differ from version to version, and we were compiled for one: another
/// would crash.
#[allow(unsafe_code)]
fn check_ruby(ruby: &Ruby) -> Result<(), Error> {
    // SAFETY: a constant of the Ruby that loads us.
    let [major, minor, _] = unsafe { rb_sys::ruby_api_version };
    let ours = (rb_sys::RUBY_API_VERSION_MAJOR, rb_sys::RUBY_API_VERSION_MINOR);
    if (major.cast_unsigned(), minor.cast_unsigned()) == ours {
        return Ok(());
    }
    let text = format!(
        "this copy of thruster was compiled for Ruby {}.{}, and this is {major}.{minor}. \
         To have it compiled again, type: gem pristine thruster",
        ours.0, ours.1
    );
    Err(Error::new(ruby.exception_load_error(), text))
}

/// Is thrust, until the command has ended: for a process that has nothing else to do. Its signals
/// are the command's from now on. To be called on the main thread, since the command ends with
/// the thread that started it.
fn run(ruby: &Ruby, words: RArray) -> Result<u8, Error> {
    let word = |place| words.entry::<RString>(place as isize).map(bytes).map(OsString::from_vec);
    let words = (0..words.len()).map(word).collect::<Result<Vec<_>, _>>()?;
    thruster_proxy::divert_signals().map_err(|error| {
        let text = format!("cannot take charge of signals: {error}");
        Error::new(ruby.exception_runtime_error(), text)
    })?;
    let mut words = words.into_iter();
    loop {
        // What came before they were ours.
        gvl::check_interrupts()?;
        if let Some(status) = gvl::released(|| thrust::thrust(&mut words), &|| ())? {
            return Ok(status);
        }
    }
}

/// The very bytes, whatever their encoding.
#[allow(unsafe_code)]
fn bytes(text: RString) -> Vec<u8> {
    // SAFETY: they are copied before Ruby can move or change them.
    unsafe { text.as_slice() }.to_vec()
}
