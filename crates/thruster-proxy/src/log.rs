//! Log lines on their way to stdout: written by a thread of their own, so that a slow reader of
//! the log never holds a request; whole lines, so that they do not mix with the child's.

mod diagnostics;
mod line;

pub use diagnostics::Diagnostics;
pub use line::{Line, Style};

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes that may wait for the reader of our stdout; past this, lines are dropped and counted.
const QUEUE: usize = 4 << 20;

/// How long the first line waits for company. Waking the writer for each line would cost more
/// than making the line.
const GATHER: Duration = Duration::from_millis(5);

/// A write of at most PIPE_BUF bytes to a pipe is never mixed with another process's, such as
/// the child's (POSIX write(2)); Linux has 4096.
pub const PIECE: usize = 4096;

/// How long the last lines may take at exit, should nobody read them.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where log lines go. Clones share one queue.
#[derive(Clone)]
pub struct Log {
    queue: Arc<Queue>,
    pub style: Style,
}

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    dropped: u64,
    is_writing: bool,
    is_closed: bool,
    thread: Option<JoinHandle<()>>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Log {
    /// Starts the thread that writes to `out`.
    ///
    /// # Errors
    /// The system refused the thread.
    pub fn to(out: impl Write + Send + 'static, style: Style) -> io::Result<Log> {
        let log = Log { queue: Arc::default(), style };
        let writer = log.clone();
        let thread = std::thread::Builder::new().name("log".into());
        let thread = thread.spawn(move || writer.run(out))?;
        log.queue.lock().thread = Some(thread);
        Ok(log)
    }

    /// For those who do not want any.
    pub fn nowhere() -> Log {
        let log = Log { queue: Arc::default(), style: Style::Json };
        log.queue.lock().is_closed = true;
        log
    }

    /// Queues one whole line, newline included.
    pub fn write(&self, line: &[u8]) {
        let mut state = self.queue.lock();
        if state.is_closed {
            return;
        }
        if state.lines.len() + line.len() > QUEUE {
            state.dropped += 1;
            return;
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.queue.changed.notify_all();
        }
    }

    /// Writes what is queued and returns when it is out and the thread has ended, or nobody has
    /// read it in [`LAST_WORDS`]. Later lines are lost.
    pub fn close(&self) {
        let until = Instant::now() + LAST_WORDS;
        let mut state = self.queue.lock();
        state.is_closed = true;
        self.queue.changed.notify_all();
        while state.is_writing || !state.lines.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.queue.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
        let thread = state.thread.take();
        drop(state);
        // It panics as little as we do.
        thread.into_iter().for_each(|thread| drop(thread.join()));
    }

    fn run(self, mut out: impl Write) {
        let mut batch = Vec::new();
        while let Some(dropped) = self.take(&mut batch) {
            for piece in pieces(&batch) {
                // A broken stdout is no reason to stop serving, and there is nowhere to tell.
                drop(write_all(&mut out, piece));
            }
            if dropped > 0 {
                let mut note = Vec::new();
                Line::begin(&mut note, self.style, "WARN", "Log lines dropped, stdout is not read")
                    .number("lines", dropped)
                    .end();
                drop(write_all(&mut out, &note));
            }
            batch.clear();
            batch.shrink_to(64 * 1024);
            self.queue.lock().is_writing = false;
            self.queue.changed.notify_all();
        }
    }

    /// Waits for lines and moves them into `batch`; returns how many had to be dropped. `None`: no
    /// more will come.
    fn take(&self, batch: &mut Vec<u8>) -> Option<u64> {
        let wait = |state| {
            self.queue.changed.wait(state).unwrap_or_else(std::sync::PoisonError::into_inner)
        };
        let mut state = self.queue.lock();
        while state.lines.is_empty() && state.dropped == 0 {
            if state.is_closed {
                return None;
            }
            state = wait(state);
        }
        state.is_writing = true;
        if !state.is_closed {
            drop(state);
            std::thread::sleep(GATHER);
            state = self.queue.lock();
        }
        std::mem::swap(batch, &mut state.lines);
        Some(std::mem::take(&mut state.dropped))
    }
}

/// Cuts a batch into whole lines of at most [`PIECE`] bytes together; a longer line stands alone.
fn pieces(mut batch: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        if batch.is_empty() {
            return None;
        }
        let window = &batch[..batch.len().min(PIECE)];
        let end = match memchr::memrchr(b'\n', window) {
            Some(last) => last + 1,
            None => memchr::memchr(b'\n', batch).map_or(batch.len(), |first| first + 1),
        };
        let (piece, rest) = batch.split_at(end);
        batch = rest;
        Some(piece)
    })
}

/// As `Write::write_all`, and patient with a stdout that somebody made non-blocking.
fn write_all(out: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match out.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(n) => bytes = &bytes[n..],
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(GATHER),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines() {
        let line = [b"x".repeat(1000), b"\n".to_vec()].concat();
        let long = [b"y".repeat(9000), b"\n".to_vec()].concat();
        let batch = [line.repeat(9), long.clone(), line.clone()].concat();
        let pieces: Vec<_> = pieces(&batch).collect();
        assert_eq!(pieces.concat(), batch);
        assert!(pieces.iter().all(|p| p.ends_with(b"\n")));
        assert!(pieces.iter().all(|p| p.len() <= PIECE || **p == long));
        assert_eq!(pieces[0].len(), 4 * line.len());
    }

    #[test]
    fn close_waits_for_the_last_line() {
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let log = Log::to(writer, Style::Json).expect("a thread");
        log.write(b"first\n");
        log.write(b"last\n");
        log.close();
        log.write(b"too late\n");
        let mut seen = Vec::new();
        // The pipe ends with the thread that writes to it.
        io::Read::read_to_end(&mut reader, &mut seen).expect("both lines");
        assert_eq!(seen, b"first\nlast\n");
    }

    #[test]
    fn an_unread_stdout_neither_blocks_nor_grows() {
        struct Stuck;
        impl Write for Stuck {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                loop {
                    std::thread::park();
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let log = Log::to(Stuck, Style::Json).expect("a thread");
        for _ in 0..3 * QUEUE / 1000 {
            log.write(&[b'x'; 1000]);
        }
        let state = log.queue.lock();
        assert!(state.dropped > 0 && state.lines.len() <= QUEUE);
    }
}
