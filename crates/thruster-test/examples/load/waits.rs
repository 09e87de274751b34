//! How long each of many answers took, and what that comes to, in the words of bench/wrk.lua.

use std::time::Duration;

pub struct Waits {
    pub each: Vec<Duration>,
    /// Of the measurement.
    pub time: Duration,
}

impl Waits {
    pub fn print(mut self) {
        self.each.sort_unstable();
        println!("RESULT");
        println!("requests {}", self.each.len());
        println!("microseconds {}", self.time.as_micros());
        for (name, percent) in [("p50", 50), ("p99", 99), ("worst", 100)] {
            println!("{name} {:.1}", self.percentile(percent).as_secs_f64() * 1e6);
        }
    }

    /// By nearest rank: one that was seen, not one between two.
    fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.each.len() * percent).div_ceil(100);
        self.each.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }
}
