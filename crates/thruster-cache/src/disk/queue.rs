//! What waits for the disk thread, in order. Bounded: what would be written is refused when too
//! much of it waits; purges never are.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use bytes::Bytes;

use super::pending::MAX_PENDING;
use super::writer::Progress;
use crate::{Entry, Key, Purge, Selection, Variant};

/// Bytes of memory that may wait to be written: enough for the bursts in which memory evicts, and
/// beyond them the disk is too slow to be a help.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// What a command takes besides what it carries. Begun files count for their buffers.
const COMMAND: usize = 128;
const BEGUN: usize = 8 * 1024;

pub enum Command {
    /// To be written whole.
    Write(Arc<Entry>),
    /// The head of one that comes in pieces.
    Begin(Arc<Entry>, Arc<Progress>),
    Piece(u64, Bytes),
    Finish(u64),
    Abort(u64),
    /// It has left the index, and its file is to follow.
    Discard(Key, Variant),
    /// Whoever waits is told how many there were.
    Purge(Purge, Option<mpsc::Sender<usize>>),
}

impl Command {
    /// The memory it holds, if it may be refused for that.
    fn cost(&self) -> usize {
        match self {
            Command::Write(entry) => COMMAND + entry.weight(),
            Command::Begin(head, _) => BEGUN + head.weight(),
            Command::Piece(_, bytes) => COMMAND + bytes.len(),
            Command::Finish(_) | Command::Abort(_) | Command::Discard(..) | Command::Purge(..) => 0,
        }
    }

    fn is_purge_later(&self) -> bool {
        matches!(self, Command::Purge(_, None))
    }
}

/// What there was to take.
pub enum Taken {
    Command(Command),
    /// Nothing came in time.
    Nothing,
    /// And nothing will come.
    End,
}

#[derive(Default)]
pub struct Queue {
    waiting: Mutex<Waiting>,
    news: Condvar,
    room: Condvar,
}

#[derive(Default)]
struct Waiting {
    commands: VecDeque<Command>,
    bytes: usize,
    purges: usize,
    is_closed: bool,
}

impl Queue {
    /// `false`: there is no room, or nobody to do it any more.
    pub fn push(&self, command: Command) -> bool {
        let mut waiting = self.lock();
        let cost = command.cost();
        if waiting.is_closed || (cost > 0 && waiting.bytes + cost > MAX_BYTES) {
            return false;
        }
        waiting.bytes += cost;
        waiting.purges += usize::from(command.is_purge_later());
        waiting.commands.push_back(command);
        if waiting.purges > MAX_PENDING {
            waiting.collapse();
        }
        drop(waiting);
        self.news.notify_one();
        true
    }

    /// The same, but waits for room instead of giving up.
    pub fn push_patiently(&self, command: Command) -> bool {
        let cost = command.cost();
        if cost > MAX_BYTES {
            return false;
        }
        let is_full =
            |waiting: &mut Waiting| !waiting.is_closed && waiting.bytes + cost > MAX_BYTES;
        let waiting = self.room.wait_while(self.lock(), is_full);
        drop(waiting.unwrap_or_else(PoisonError::into_inner));
        self.push(command)
    }

    /// Waits for a command, for ever if `patience` is `None`.
    pub fn take(&self, patience: Option<Duration>) -> Taken {
        let is_idle = |waiting: &mut Waiting| waiting.commands.is_empty() && !waiting.is_closed;
        let waiting = self.lock();
        let mut waiting = match patience {
            Some(patience) => {
                let waited = self.news.wait_timeout_while(waiting, patience, is_idle);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = self.news.wait_while(waiting, is_idle);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        };
        match waiting.commands.pop_front() {
            Some(command) => {
                waiting.bytes -= command.cost();
                waiting.purges -= usize::from(command.is_purge_later());
                self.room.notify_all();
                Taken::Command(command)
            }
            None if waiting.is_closed => Taken::End,
            None => Taken::Nothing,
        }
    }

    /// Takes no more. What waits is still done.
    pub fn close(&self) {
        self.lock().is_closed = true;
        self.news.notify_one();
        self.room.notify_all();
    }

    /// Forgets what waits.
    pub fn clear(&self) {
        let mut waiting = self.lock();
        for command in std::mem::take(&mut waiting.commands) {
            if let Command::Begin(_, progress) = command {
                progress.fail();
            }
        }
        (waiting.bytes, waiting.purges) = (0, 0);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// More purges than are worth remembering: one that takes everything does for them all, and for
    /// what is still to be written before them.
    fn collapse(&mut self) {
        self.commands
            .retain(|command| !command.is_purge_later() && !matches!(command, Command::Write(_)));
        let everything = Purge { selection: Selection::All, is_soft: false };
        self.commands.push_back(Command::Purge(everything, None));
        self.bytes = self.commands.iter().map(Command::cost).sum();
        self.purges = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(target: usize) -> Command {
        let selection = Selection::Tags(vec![target.to_string().into()]);
        Command::Purge(Purge { selection, is_soft: true }, None)
    }

    #[test]
    fn what_is_to_be_written_is_refused_when_too_much_waits() {
        let queue = Queue::default();
        let piece = || Command::Piece(1, Bytes::from(vec![0; MAX_BYTES / 2]));
        assert!(queue.push(piece()));
        assert!(!queue.push(piece()), "no room");
        assert!(queue.push(later(1)) && queue.push(Command::Finish(1)), "always room");
        assert!(matches!(queue.take(None), Taken::Command(Command::Piece(..))));
        assert!(queue.push(piece()), "room again");
    }

    #[test]
    fn too_many_purges_become_one_of_everything() {
        let queue = Queue::default();
        queue.push(Command::Piece(1, Bytes::from_static(b"x")));
        (0..=MAX_PENDING).for_each(|n| assert!(queue.push(later(n))));
        assert!(matches!(queue.take(None), Taken::Command(Command::Piece(..))));
        let Taken::Command(Command::Purge(purge, None)) = queue.take(None) else {
            panic!("a purge");
        };
        assert_eq!(purge, Purge { selection: Selection::All, is_soft: false });
        assert!(matches!(queue.take(Some(Duration::ZERO)), Taken::Nothing));
    }

    #[test]
    fn a_closed_queue_ends_when_it_is_empty() {
        let queue = Queue::default();
        queue.push(later(1));
        queue.close();
        assert!(!queue.push(later(2)));
        assert!(matches!(queue.take(None), Taken::Command(_)));
        assert!(matches!(queue.take(None), Taken::End));
    }
}
