//! The same file under a coding, made beforehand by whoever built it: `app.css.br` beside
//! `app.css`.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use thruster_cache::Coding;

use crate::compress;
use crate::files::{self, Opened};

/// What the tools that make them append to the name.
pub fn extension(coding: Coding) -> &'static str {
    match coding {
        Coding::Brotli => ".br",
        Coding::Zstd => ".zst",
        Coding::Gzip => ".gz",
    }
}

/// The codings that are looked for, by their size: brotli's last levels are what builders use.
pub const SMALLEST_FIRST: [Coding; 3] = [Coding::Brotli, Coding::Zstd, Coding::Gzip];

/// Whether builders make any for files of this name. They do for what shrinks.
pub fn may_have(name: &Path) -> bool {
    compress::is_compressible(files::media_type(name))
}

/// Whether what is beside a file can be of the file as it is now. Builders copy its time, some to
/// the second only; what is older is from before its last change.
pub fn is_current(plain: &Opened, neighbour: &Opened) -> bool {
    seconds(neighbour.pointer.modified) >= seconds(plain.pointer.modified)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
