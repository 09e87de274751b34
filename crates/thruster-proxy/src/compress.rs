//! Content codings (RFC 9110 section 8.4.1): which one the client likes best ([`Accepted`]),
//! whether a response may be coded at all ([`is_eligible`]), what its fields say then ([`mark`]), the
//! coding itself ([`encode`], [`Encoder`]), and the stage that does it to what leaves, and says what
//! the cache is to code once and keep ([`Compression`]).

mod coded;
mod eligible;
mod encode;
mod jitter;
mod level;
mod mark;
mod negotiate;
mod stage;

pub(crate) use coded::Coded;
pub use eligible::{is_compressible, is_eligible};
pub use encode::{Encoder, encode, encode_at};
pub use mark::{mark, vary_by_coding};
pub use negotiate::Accepted;
pub(crate) use stage::{Compression, Wish};
pub use thruster_cache::Coding;
