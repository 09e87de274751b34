//! The rule against a model of Puma 5 and 6, in time that does not pass: what it is worth shows
//! in who waits how long.

use super::*;

/// Milliseconds of work that a request takes, and that Puma listens to an answered connection.
const WORK: u64 = 50;
const LISTEN: u64 = 200;
/// Requests that Puma serves in a row on one connection while others are in its queue.
const INLINE: u32 = 10;
const THREADS: usize = 2;
const CLIENTS: usize = 12;
const MINUTE: u64 = 60_000;

#[derive(Clone, Copy)]
enum Thread {
    Free,
    Working {
        client: usize,
        connection: usize,
        until: u64,
    },
    /// For the next request on the connection it has just answered.
    Listening {
        connection: usize,
        until: u64,
    },
}

struct Model<R> {
    /// Asked at each request and each answer: may a connection be used again?
    may_reuse: R,
    start: Instant,
    waiting: Waiting,
    threads: [Thread; THREADS],
    /// Requests that no thread has taken, each with its connection.
    queue: VecDeque<(usize, usize)>,
    /// Of each connection ever opened: requests in a row, and whether it is to be kept.
    connections: Vec<(u32, bool)>,
    idle: Vec<usize>,
    /// Each client's request: its number in the line, when, and whether on a fresh connection.
    asked: [(u64, u64, bool); CLIENTS],
    sends_at: [u64; CLIENTS],
    waits: Vec<u64>,
}

impl<R: Fn(&Waiting, Instant) -> bool> Model<R> {
    /// Twelve clients, each sending again a millisecond after its answer, for a minute. Returns
    /// everybody's waits, sorted; who was never answered has waited to the end.
    fn run(may_reuse: R) -> Vec<u64> {
        let mut model = Model {
            may_reuse,
            start: Instant::now(),
            waiting: Waiting::default(),
            threads: [Thread::Free; THREADS],
            queue: VecDeque::new(),
            connections: Vec::new(),
            idle: Vec::new(),
            asked: [(0, 0, false); CLIENTS],
            sends_at: std::array::from_fn(|client| client as u64),
            waits: Vec::new(),
        };
        for now in 0..MINUTE {
            for client in 0..CLIENTS {
                if model.sends_at[client] == now {
                    model.ask(client, now);
                }
            }
            for thread in 0..THREADS {
                model.work(thread, now);
            }
        }
        let unanswered = model.asked.iter().zip(model.sends_at).filter(|(_, at)| *at < MINUTE);
        model.waits.extend(unanswered.map(|(&(_, since, _), _)| MINUTE - since));
        model.waits.sort_unstable();
        model.waits
    }

    fn at(&self, now: u64) -> Instant {
        self.start + Duration::from_millis(now)
    }

    fn ask(&mut self, client: usize, now: u64) {
        let reuse = (self.may_reuse)(&self.waiting, self.at(now));
        let kept = self.idle.pop().filter(|_| reuse);
        let number = self.waiting.enter(self.at(now));
        self.asked[client] = (number, now, kept.is_none());
        let Some(connection) = kept else {
            self.connections.push((0, reuse));
            return self.queue.push_back((client, self.connections.len() - 1));
        };
        let listening = self.threads.iter_mut().find(
            |thread| matches!(thread, Thread::Listening { connection: c, .. } if *c == connection),
        );
        match listening {
            // It is taken at once, whoever else is in the queue.
            Some(thread) => *thread = Thread::Working { client, connection, until: now + WORK },
            // Puma looks at the connections it has before it accepts others.
            None => self.queue.push_front((client, connection)),
        }
    }

    fn work(&mut self, thread: usize, now: u64) {
        match self.threads[thread] {
            Thread::Working { client, connection, until } if until == now => {
                self.threads[thread] = self.answer(client, connection, now);
            }
            Thread::Listening { until, .. } if until == now => self.threads[thread] = Thread::Free,
            _ => {}
        }
        if let Thread::Free = self.threads[thread]
            && let Some((client, connection)) = self.queue.pop_front()
        {
            self.threads[thread] = Thread::Working { client, connection, until: now + WORK };
        }
    }

    /// Answers, and returns what the thread does next.
    fn answer(&mut self, client: usize, connection: usize, now: u64) -> Thread {
        let (number, since, in_order) = self.asked[client];
        self.waiting.answered(number, in_order, self.at(now));
        self.waits.push(now - since);
        self.sends_at[client] = now + 1;
        let may_stay = (self.may_reuse)(&self.waiting, self.at(now));
        let (in_a_row, is_kept) = &mut self.connections[connection];
        if !*is_kept || !may_stay {
            return Thread::Free;
        }
        self.idle.push(connection);
        *in_a_row += 1;
        if *in_a_row < INLINE || self.queue.is_empty() {
            return Thread::Listening { connection, until: now + LISTEN };
        }
        *in_a_row = 0;
        Thread::Free
    }
}

fn worst_to_median(waits: &[u64]) -> f64 {
    waits[waits.len() - 1] as f64 / waits[waits.len() / 2] as f64
}

#[test]
fn everybody_waits_alike_in_front_of_a_busy_puma() {
    let waits = Model::run(|waiting, now| !waiting.is_long(|| now));
    assert!(worst_to_median(&waits) <= 1.3, "{}", worst_to_median(&waits));
    // Nor is less done than two threads can do.
    assert!(waits.len() as u64 >= MINUTE / WORK * THREADS as u64 - 10, "{}", waits.len());
}

#[test]
fn without_the_rule_some_wait_many_times_longer() {
    let waits = Model::run(|_, _| true);
    assert!(worst_to_median(&waits) > 5.0, "{}", worst_to_median(&waits));
}

#[test]
fn a_line_is_long_once_somebody_has_waited() {
    let (mut waiting, start) = (Waiting::default(), Instant::now());
    let later = start + LONG + Duration::from_millis(1);
    assert!(!waiting.is_long(|| later));
    let number = waiting.enter(start);
    assert!(!waiting.is_long(|| start + LONG) && waiting.is_long(|| later));
    waiting.leave(number);
    assert!(!waiting.is_long(|| later));
}

#[test]
fn a_slow_action_that_others_have_passed_is_not_waiting() {
    let (mut waiting, start) = (Waiting::default(), Instant::now());
    let later = start + Duration::from_secs(1);
    let slow = waiting.enter(start);
    let quick = waiting.enter(later);
    assert!(waiting.is_long(|| later));
    waiting.answered(quick, true, later);
    assert!(!waiting.is_long(|| later));
    // It leaves in the end like everybody, and takes nobody else with it.
    waiting.enter(later);
    waiting.leave(slow);
    assert!(waiting.is_long(|| later + Duration::from_secs(1)));
}

#[test]
fn a_child_that_answers_faster_than_it_accepts_keeps_its_connections() {
    let (mut waiting, start) = (Waiting::default(), Instant::now());
    let slowest = waiting.enter(start);
    let mut now = start;
    for _ in 0..1_000 {
        now += Duration::from_micros(100);
        let number = waiting.enter(now);
        waiting.answered(number, false, now);
    }
    assert!(!waiting.is_long(|| now + LONG * 2));
    waiting.leave(slowest);
}
