//! How hard each coding tries, and which one is the best bargain. Times are in nanoseconds a byte, on
//! one core of a small cloud machine, over pages, scripts, style sheets and JSON: the example
//! `compression` of thruster-test prints them all.

use thruster_cache::Coding;

/// The codings for a body that is made for one client, from the best bargain. At the levels below,
/// zstd takes 2.5 ns and leaves 18 % of the bytes, brotli 10-40 ns and 16.5 %, gzip 2-6 ns and
/// 21 %; of a page, brotli leaves a tenth to a fifth less than gzip.
pub const LIVE_PREFERENCE: [Coding; 3] = [Coding::Zstd, Coding::Brotli, Coding::Gzip];

/// The codings for a body of this length that is made once, from the smallest.
pub fn kept_preference(length: usize) -> [Coding; 3] {
    // What brotli has over zstd are its two last levels.
    if length <= SLOW_BROTLI {
        [Coding::Brotli, Coding::Zstd, Coding::Gzip]
    } else {
        [Coding::Zstd, Coding::Brotli, Coding::Gzip]
    }
}

/// A level is worth it while another byte saved costs less than about 300 ns, the time that it
/// takes at 25 Mbit/s: beyond that, sending it is quicker than saving it.
pub fn live(coding: Coding) -> u32 {
    match coding {
        // 4 is 3 ns less for a page, and leaves 5-10 % more of it; 6 saves nothing on short ones.
        Coding::Brotli => 5,
        // 5 is 4 ns more for 5 % less, in 3 MB instead of 1.2.
        Coding::Zstd => 3,
        // 3 is 1 ns more for 3 % less of a page, 8 % of a long file: 100 ns a byte. Those who know
        // nothing better are mostly machines, with a quicker line.
        Coding::Gzip => 2,
    }
}

/// Longest bodies that brotli's levels 11 (1,500 ns) and 10 (500 ns) are for.
const SLOWEST_BROTLI: usize = 64 * 1024;
const SLOW_BROTLI: usize = 512 * 1024;

/// Longest bodies that zstd's levels 19 (370 ns) and 17 (120 ns) are for.
const SLOWEST_ZSTD: usize = 256 * 1024;
const SLOW_ZSTD: usize = 1024 * 1024;

/// The smallest result for at most a quarter of a second of a core, on a thread that gives way to
/// all others, and about 20 MB while it lasts; at 1 MiB, the longest body that is kept by default,
/// for 100 ms. Longer ones take more of both. Sending 24 % more cost as much more CPU a hit.
pub fn kept(coding: Coding, length: usize) -> u32 {
    match coding {
        Coding::Brotli if length <= SLOWEST_BROTLI => 11,
        Coding::Brotli if length <= SLOW_BROTLI => 10,
        // 50 ns and 11 MB; 9 would be 120 ns and 35 MB, for 1-2 % less.
        Coding::Brotli => 7,
        Coding::Zstd if length <= SLOWEST_ZSTD => 19,
        Coding::Zstd if length <= SLOW_ZSTD => 17,
        // 14 ns and 12 MB; the levels between would be 40-70 MB for long bodies, for 1-3 % less.
        Coding::Zstd => 9,
        // 20 ns, and nothing above it.
        Coding::Gzip => 9,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_bodies_get_less_effort_and_never_none() {
        for coding in Coding::ALL {
            let lengths = [0, 64 << 10, (64 << 10) + 1, 400_000, 1 << 20, 10 << 20, usize::MAX];
            let levels = lengths.map(|length| kept(coding, length));
            assert!(levels.is_sorted_by(|a, b| a >= b), "{coding:?} {levels:?}");
            assert!(levels.into_iter().all(|level| level >= live(coding)), "{coding:?} {levels:?}");
        }
    }

    #[test]
    fn every_coding_has_its_place_in_each_order() {
        for order in [LIVE_PREFERENCE, kept_preference(0), kept_preference(usize::MAX)] {
            assert!(Coding::ALL.into_iter().all(|coding| order.contains(&coding)), "{order:?}");
        }
    }
}
