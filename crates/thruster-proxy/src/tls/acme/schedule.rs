//! When to ask for a certificate. Time and chance are arguments; chance is from 0 to 1.

use std::time::{Duration, SystemTime};

use crate::tls::leaf::Leaf;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// After the first failure. Doubled after each further one, up to the longest, which finds a
/// mended mistake within the same day.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(4 * 3600);

/// Between two orders for a name, however much somebody waits for the first to succeed. Let's
/// Encrypt forgives a failed validation every 12 minutes.
const SHORTEST_WAIT: Duration = Duration::from_secs(12 * 60);

/// How often a CA is asked for its advice at most and at least (RFC 9773 section 4.3.2).
const OFTEN: Duration = MINUTE;
const SELDOM: Duration = DAY;

/// A time to renew a certificate in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub start: SystemTime,
    pub end: SystemTime,
}

impl Window {
    /// The first tenth of the last third of a certificate's life, however long that is: nine tenths
    /// are left for failures, and machines that were set up together come one by one.
    pub fn of_lifetime(leaf: &Leaf) -> Self {
        let third = leaf.lifetime() / 3;
        let start = leaf.not_before + 2 * third;
        Window { start, end: start + third / 10 }
    }

    /// What the CA advises (RFC 9773 section 4.2), if it can be meant, and in any case not so late
    /// that a failure could not be made up for.
    pub fn advised(start: SystemTime, end: SystemTime, leaf: &Leaf) -> Option<Self> {
        let latest = leaf.not_before + leaf.lifetime() / 10 * 9;
        (start < end).then(|| Window { start: start.min(latest), end: end.min(latest) })
    }

    pub fn moment(&self, chance: f64) -> SystemTime {
        self.start + self.end.duration_since(self.start).unwrap_or_default().mul_f64(chance)
    }
}

/// How long a certificate is kept before another is asked for, whatever the clock says: with one
/// that is wrong by months, what we get looks old when it comes.
pub fn shortest_keep(leaf: &Leaf) -> Duration {
    (leaf.lifetime() / 2).clamp(Duration::from_secs(1), DAY)
}

/// When to ask the CA again for its advice.
pub fn advice_lasts(requested: Option<Duration>) -> Duration {
    // RFC 9773 section 4.3.3 has clients choose for themselves when they are not told.
    requested.unwrap_or(6 * HOUR).clamp(OFTEN, SELDOM)
}

/// How long to wait after so many failures in a row, the last one included. One who would be
/// without a certificate before long tries again sooner.
pub fn pause(
    failures: u32,
    requested: Option<Duration>,
    lifetime: Option<Duration>,
    chance: f64,
) -> Duration {
    let longest = lifetime.map_or(LONGEST_PAUSE, |lifetime| lifetime / 20);
    let longest = longest.clamp(FIRST_PAUSE, LONGEST_PAUSE);
    let doubled = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(20)).min(longest);
    // From half of it to all of it.
    let pause = doubled.mul_f64(0.5 + chance / 2.0);
    // RFC 8555 section 6.6.
    requested.map_or(pause, |requested| pause.max(requested))
}

/// How much of that has to pass before we try because somebody asks for the name.
pub fn hurried(pause: Duration, requested: Option<Duration>) -> Duration {
    match requested {
        Some(_) => pause,
        None => (pause / 4).max(SHORTEST_WAIT).min(pause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(lifetime: Duration) -> Leaf {
        let not_before = SystemTime::UNIX_EPOCH + 20_000 * DAY;
        let not_after = not_before + lifetime;
        Leaf { names: vec![], issuer: String::new(), not_before, not_after }
    }

    /// How much of the lifetime has passed then.
    fn share(leaf: &Leaf, time: SystemTime) -> f64 {
        let age = time.duration_since(leaf.not_before).expect("a time after its beginning");
        age.as_secs_f64() / leaf.lifetime().as_secs_f64()
    }

    #[test]
    fn certificates_are_renewed_in_the_last_third_of_any_lifetime() {
        for lifetime in [Duration::from_secs(6), HOUR, 6 * DAY, 45 * DAY, 90 * DAY, 397 * DAY] {
            let leaf = leaf(lifetime);
            let window = Window::of_lifetime(&leaf);
            assert!((share(&leaf, window.moment(0.0)) - 0.6667).abs() < 0.001, "{lifetime:?}");
            assert!((share(&leaf, window.moment(1.0)) - 0.7).abs() < 0.001, "{lifetime:?}");
        }
    }

    #[test]
    fn advice_is_taken_unless_it_is_none_or_too_late() {
        let leaf = leaf(90 * DAY);
        let at = |days| leaf.not_before + days * DAY;
        let advised = |start, end| Window::advised(at(start), at(end), &leaf);
        let window = advised(20, 22).expect("good advice");
        assert_eq!((window.moment(0.0), window.moment(0.5)), (at(20), at(21)));
        assert_eq!(advised(80, 100), Some(Window { start: at(80), end: at(81) }));
        assert_eq!(advised(100, 110).map(|window| window.moment(0.7)), Some(at(81)));
        assert_eq!(advised(30, 30), None);
        assert_eq!(advised(30, 29), None);
    }

    #[test]
    fn advice_is_asked_for_neither_too_often_nor_too_seldom() {
        let seconds = Duration::from_secs;
        assert_eq!(advice_lasts(Some(seconds(1))), seconds(60));
        assert_eq!(advice_lasts(Some(seconds(7200))), seconds(7200));
        assert_eq!(advice_lasts(Some(seconds(u64::MAX))), DAY);
        assert_eq!(advice_lasts(None), 6 * HOUR);
    }

    #[test]
    fn pauses_double_up_to_hours() {
        let pauses = (1..=13).map(|failures| pause(failures, None, None, 1.0).as_secs());
        let expected = [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 5120, 10240, 14400, 14400];
        assert!(pauses.eq(expected));
        assert_eq!(pause(u32::MAX, None, None, 0.0), 2 * HOUR);
        assert_eq!(pause(1, None, None, 0.0), Duration::from_secs(5));
    }

    #[test]
    fn a_short_life_makes_for_short_pauses() {
        assert_eq!(pause(20, None, Some(HOUR), 1.0), 3 * MINUTE);
        assert_eq!(pause(20, None, Some(MINUTE), 1.0), FIRST_PAUSE);
        assert_eq!(pause(20, None, Some(90 * DAY), 1.0), LONGEST_PAUSE);
    }

    #[test]
    fn what_the_ca_asks_for_is_waited_out() {
        assert_eq!(pause(1, Some(HOUR), None, 1.0), HOUR);
        assert_eq!(pause(1, Some(HOUR), Some(MINUTE), 1.0), HOUR);
        assert_eq!(pause(9, Some(MINUTE), None, 1.0), Duration::from_secs(2560));
    }

    #[test]
    fn who_waits_for_a_name_shortens_long_pauses_of_our_own() {
        assert_eq!(hurried(4 * HOUR, None), HOUR);
        assert_eq!(hurried(HOUR, None), 15 * MINUTE);
        assert_eq!(hurried(20 * MINUTE, None), 12 * MINUTE);
        assert_eq!(hurried(10 * MINUTE, None), 10 * MINUTE);
        assert_eq!(hurried(4 * HOUR, Some(HOUR)), 4 * HOUR);
    }

    #[test]
    fn a_certificate_is_kept_for_a_while_whatever_the_clock_says() {
        assert_eq!(shortest_keep(&leaf(90 * DAY)), DAY);
        assert_eq!(shortest_keep(&leaf(HOUR)), HOUR / 2);
        assert_eq!(shortest_keep(&leaf(Duration::ZERO)), Duration::from_secs(1));
    }
}
