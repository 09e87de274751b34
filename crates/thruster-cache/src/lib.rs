//! HTTP caching as rules and stores: what RFC 9111 says of a request, a stored response and the
//! time, and where responses are kept. No socket and no runtime in here: the engine's `cache`
//! stage has those. Nor a clock, but for the disk tier, whose files have times of their own.
//!
//! The rules, in the order in which a request meets them: [`Key`] names what is asked for,
//! [`Variant`] tells the answers apart that share a key, [`reuse`] says whether a stored one may be
//! used now, [`conditional`] and [`range`] how much of it the client gets, [`storable`] whether an
//! answer is kept, [`refresh`] what a 304 changes and [`invalidate`] what a POST puts an end to.
//!
//! The stores: [`memory`], and [`disk`] behind it, both of [`Entry`].

mod accept_encoding;
pub mod conditional;
mod date;
pub mod directives;
pub mod disk;
mod entry;
mod etag;
mod freshness;
pub mod invalidate;
mod key;
mod life;
mod list;
pub mod memory;
mod number;
mod purge;
pub mod quality;
pub mod range;
mod reason;
pub mod refresh;
pub mod reuse;
pub mod storable;
mod tags;
mod variant;
#[cfg(test)]
mod vocabulary;

pub use accept_encoding::accepts_coding;
pub use entry::{Body, Coding, Entry, Pointer};
pub use key::Key;
pub use life::Life;
pub use purge::{Purge, Selection};
pub use reason::Reason;
pub use tags::take_tags;
pub use variant::Variant;
