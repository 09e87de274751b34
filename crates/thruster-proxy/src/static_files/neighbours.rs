//! The same file under a coding, made beforehand by whoever built it: `app.css.br` beside
//! `app.css`.

use std::time::{SystemTime, UNIX_EPOCH};

use thruster_cache::Coding;

use crate::compress::Accepted;
use crate::files::Opened;

/// From the smallest. Brotli's last levels are what builders use.
const SMALLEST_FIRST: [Coding; 3] = [Coding::Brotli, Coding::Zstd, Coding::Gzip];

/// What the tools that make them append to the name.
pub fn extension(coding: Coding) -> &'static str {
    match coding {
        Coding::Brotli => ".br",
        Coding::Zstd => ".zst",
        Coding::Gzip => ".gz",
    }
}

/// The codings that are looked for, the best first.
pub fn wanted(codings: Option<&[Coding]>) -> Vec<Coding> {
    codings.unwrap_or(&SMALLEST_FIRST).to_vec()
}

/// Whether what is beside a file can be of the file as it is now. Builders copy its time, some to
/// the second only; what is older is from before its last change.
pub fn is_current(plain: &Opened, neighbour: &Opened) -> bool {
    seconds(neighbour.pointer.modified) >= seconds(plain.pointer.modified)
}

/// The one that the client likes best; `None` is the file as it is.
pub fn choose(accepted: &Accepted, neighbours: Vec<(Coding, Opened)>) -> Option<(Coding, Opened)> {
    let codings: Vec<Coding> = neighbours.iter().map(|(coding, _)| *coding).collect();
    let chosen = accepted.choose(&codings)?;
    neighbours.into_iter().find(|(coding, _)| *coding == chosen)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
