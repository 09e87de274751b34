//! What a client may ask of one connection without getting on with it. Two purses: one pays for
//! frames that are neither requests nor bodies, the other for requests that are given up. Time
//! fills them, and so does every answer that is taken.

use std::fmt;
use std::time::{Duration, Instant};

use super::MAX_STREAMS;

/// PING, SETTINGS, PRIORITY, RST_STREAM, WINDOW_UPDATE, and what nobody knows. A thousand at once
/// is what nghttp2 forgives; 100 a second, arbitrary, are three times what it then lets pass.
const FRAMES: Terms = Terms { most: 1000, a_second: 100 };

/// Requests given up (CVE-2023-44487), or reset because of what followed them (CVE-2025-8671).
/// Each may have the child at work already, and leaves room for the next. A page that is left in
/// the middle gives up a hundred at most, for so many a browser has under way: 256 are two such
/// pages and more. 33 a second are nghttp2's figure for resets.
const GIVEN_UP: Terms = Terms { most: 256 * A_REQUEST, a_second: 33 * A_REQUEST };
const A_REQUEST: u32 = 2;

/// What an answer earns: half a request, so that a load balancer, whose one connection carries
/// many clients, may see a third of them leave; Envoy draws the line at a half.
const ANSWERED: u32 = A_REQUEST / 2;

/// Frames that go with a request: a PRIORITY, a WINDOW_UPDATE, a PING to measure by.
const FRAMES_FOR_AN_ANSWER: u32 = 4;

/// A careless client opens both windows again at every piece, a very careful one at every KiB.
const FRAMES_FOR_A_PIECE: u32 = 2;
const BYTES_FOR_A_FRAME: usize = 1024;

/// A long frame counts as several; SETTINGS may change the same thing 2,730 times.
const BYTES_LIKE_A_FRAME: usize = 256;

/// RFC 9113 section 6.
pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;

pub struct Budget {
    frames: Purse,
    given_up: Purse,
    /// Streams opened that have not become a request, as far as they are not paid for.
    unseated: u32,
    excess: Option<Excess>,
}

/// Why a client was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    Frames,
    GivenUp,
    Refused,
}

impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Excess::Frames => "too many frames that ask for nothing",
            Excess::GivenUp => "too many requests given up",
            Excess::Refused => "too many requests that cannot be taken",
        })
    }
}

impl Budget {
    pub fn new(now: Instant) -> Self {
        let [frames, given_up] = [FRAMES, GIVEN_UP].map(|terms| Purse::new(terms, now));
        Budget { frames, given_up, unseated: 0, excess: None }
    }

    /// What has been too much, once something has.
    pub fn excess(&self) -> Option<Excess> {
        self.excess
    }

    /// A frame has come.
    pub fn frame(&mut self, kind: u8, length: usize, now: impl FnOnce() -> Instant) {
        // h2 bounds these: streams by their number, CONTINUATION by the head it belongs to, and
        // DATA by the windows and by how many small ones may wait.
        if matches!(kind, DATA | HEADERS | CONTINUATION) {
            return;
        }
        let points = u32::try_from(1 + length / BYTES_LIKE_A_FRAME).unwrap_or(u32::MAX);
        if !self.frames.spend(points, now) {
            self.excess.get_or_insert(Excess::Frames);
        }
    }

    /// The client has opened a stream. What h2 refuses by itself (a head that is too large, or
    /// malformed) never becomes a request, and no request gives it up; it costs the same.
    /// As many as may be under way can be on their way to a [`seated`](Self::seated) at any time:
    /// beyond these one is paid for, so nobody pays for more than have been refused.
    pub fn opened(&mut self, now: impl FnOnce() -> Instant) {
        if self.unseated < MAX_STREAMS {
            self.unseated += 1;
        } else if !self.given_up.spend(A_REQUEST, now) {
            self.excess.get_or_insert(Excess::Refused);
        }
    }

    /// A stream has become a request.
    pub fn seated(&mut self) {
        self.unseated = self.unseated.saturating_sub(1);
    }

    /// A request has ended before its answer.
    pub fn given_up(&mut self, now: impl FnOnce() -> Instant) {
        if !self.given_up.spend(A_REQUEST, now) {
            self.excess.get_or_insert(Excess::GivenUp);
        }
    }

    /// An answer has been taken to its end.
    pub fn answered(&mut self) {
        self.frames.earn(FRAMES_FOR_AN_ANSWER);
        self.given_up.earn(ANSWERED);
    }

    /// There is a piece of an answer. Into how many frames the client has us cut it does not
    /// count, or it could earn by taking single bytes.
    pub fn sent(&mut self, length: usize) {
        let frames = u32::try_from(length / BYTES_FOR_A_FRAME).unwrap_or(u32::MAX);
        self.frames.earn(frames.saturating_add(FRAMES_FOR_A_PIECE));
    }
}

struct Terms {
    most: u32,
    a_second: u32,
}

struct Purse {
    terms: Terms,
    left: u32,
    filled: Instant,
}

impl Purse {
    fn new(terms: Terms, now: Instant) -> Self {
        Purse { left: terms.most, terms, filled: now }
    }

    fn earn(&mut self, points: u32) {
        self.left = self.left.saturating_add(points).min(self.terms.most);
    }

    /// Returns whether there was enough. The clock is asked only when it matters.
    fn spend(&mut self, points: u32, now: impl FnOnce() -> Instant) -> bool {
        if self.left < points {
            self.fill(now());
        }
        let rest = self.left.checked_sub(points);
        self.left = rest.unwrap_or(self.left);
        rest.is_some()
    }

    fn fill(&mut self, now: Instant) {
        let a_point = Duration::from_secs(1) / self.terms.a_second;
        let points = now.saturating_duration_since(self.filled).as_nanos() / a_point.as_nanos();
        // What is not a whole point yet stays to be earned.
        if points > 0 {
            self.filled = now;
            self.earn(u32::try_from(points).unwrap_or(u32::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: u8 = 6;
    const SETTINGS: u8 = 4;

    /// How many times in a row this goes well.
    fn times(budget: &mut Budget, mut once: impl FnMut(&mut Budget)) -> u32 {
        let mut times = 0;
        while times < 1_000_000 {
            once(budget);
            if budget.excess.is_some() {
                break;
            }
            times += 1;
        }
        times
    }

    #[test]
    fn frames_without_use_run_out() {
        let now = Instant::now();
        let ping = |budget: &mut Budget| budget.frame(PING, 8, || now);
        assert_eq!(times(&mut Budget::new(now), ping), 1000);
        let mut budget = Budget::new(now);
        assert_eq!(times(&mut budget, |budget| budget.frame(SETTINGS, 16_384, || now)), 15);
        assert_eq!(budget.excess(), Some(Excess::Frames));
    }

    #[test]
    fn requests_and_bodies_do_not_count() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        for kind in [DATA, HEADERS, CONTINUATION] {
            assert_eq!(times(&mut budget, |budget| budget.frame(kind, 16_384, || now)), 1_000_000);
        }
    }

    #[test]
    fn time_fills_the_purses_and_no_further_than_they_were() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        (0..1000).for_each(|_| budget.frame(PING, 8, || now));
        let later = now + Duration::from_millis(55);
        assert_eq!(times(&mut budget, |budget| budget.frame(PING, 8, || later)), 5);
        let mut budget = Budget::new(now);
        let later = now + Duration::from_secs(3600);
        assert_eq!(times(&mut budget, |budget| budget.frame(PING, 8, || later)), 2000);
    }

    #[test]
    fn a_slow_trickle_never_runs_out() {
        let start = Instant::now();
        let (mut budget, mut now) = (Budget::new(start), start);
        let trickle = |budget: &mut Budget| {
            now += Duration::from_millis(11);
            budget.frame(PING, 8, || now);
        };
        assert_eq!(times(&mut budget, trickle), 1_000_000);
    }

    #[test]
    fn who_gives_up_everything_is_cut_off_and_who_gives_up_a_third_is_not() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        assert_eq!(times(&mut budget, |budget| budget.given_up(|| now)), 256);
        assert_eq!(budget.excess(), Some(Excess::GivenUp));
        let a_third = |budget: &mut Budget| {
            budget.answered();
            budget.answered();
            budget.given_up(|| now);
        };
        assert_eq!(times(&mut Budget::new(now), a_third), 1_000_000);
    }

    #[test]
    fn streams_that_become_no_request_run_out_and_others_do_not() {
        let now = Instant::now();
        let mut budget = Budget::new(now);
        assert_eq!(times(&mut budget, |budget| budget.opened(|| now)), 128 + 256);
        assert_eq!(budget.excess(), Some(Excess::Refused));
        let full_house = |budget: &mut Budget| {
            (0..MAX_STREAMS).for_each(|_| budget.opened(|| now));
            (0..MAX_STREAMS).for_each(|_| budget.seated());
        };
        let mut budget = Budget::new(now);
        // A few were refused before, and are paid for once.
        (0..200).for_each(|_| budget.opened(|| now));
        assert_eq!(times(&mut budget, full_house), 1_000_000);
    }

    #[test]
    fn a_download_pays_for_its_window_updates() {
        const WINDOW_UPDATE: u8 = 8;
        let now = Instant::now();
        let careful = |budget: &mut Budget| {
            budget.sent(16 * 1024);
            (0..16).for_each(|_| budget.frame(WINDOW_UPDATE, 4, || now));
        };
        assert_eq!(times(&mut Budget::new(now), careful), 1_000_000);
    }
}
