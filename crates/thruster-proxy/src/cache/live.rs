//! An answer on its way into the cache, and to everybody who waits for it. One task fills it
//! from the application; each reader takes what is there at its own pace.
//!
//! While it may still be kept in memory, all of it stays. Past that size it is a window: what
//! everybody has read goes, and so does what can be read back from the disk tier. Where neither
//! helps, the slowest reader holds up the application and the others; the key is remembered then, so
//! that the next ones go on their own.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::mem::replace;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use thruster_cache::Entry;
use thruster_cache::disk::Partial;

use crate::error::{BrokeOff, Error};
use crate::file_body::{FileBody, ReadAt};

/// Bytes that wait in memory for the slowest reader, and for the disk: it may lag behind while it
/// writes something else, and who comes later reads from it.
const WINDOW: u64 = 4 << 20;

pub struct Live {
    /// Its head, as others get it.
    pub head: Arc<Entry>,
    length: Option<u64>,
    /// Up to this size all of it stays.
    whole: u64,
    log: Mutex<Log>,
}

impl ReadAt for Partial {
    fn read_at(&self, at: u64, length: usize) -> io::Result<Bytes> {
        self.read(at, length)
    }
}

#[derive(Default)]
struct Log {
    pieces: VecDeque<Bytes>,
    /// The number of the first piece, and where in the body it begins.
    first: u64,
    base: u64,
    /// Bytes that have come.
    end: u64,
    trailers: Option<HeaderMap>,
    ended: Option<Result<(), Error>>,
    readers: HashMap<u64, Place>,
    last_reader: u64,
    /// Whoever fills it, where that waits for room, and for the last reader to leave.
    filler: Option<Waker>,
    leaving: Option<Waker>,
    /// What has been written to the disk tier so far.
    spill: Option<Partial>,
}

/// How far a reader is.
#[derive(Default)]
struct Place {
    position: u64,
    waker: Option<Waker>,
}

impl Live {
    pub fn new(head: Arc<Entry>, length: Option<u64>, whole: u64) -> Arc<Self> {
        Arc::new(Live { head, length, whole, log: Mutex::default() })
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ready when another piece may come.
    pub fn poll_room(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut log = self.lock();
        log.trim(self.whole);
        if log.end <= self.whole || log.end - log.base < WINDOW {
            return Poll::Ready(());
        }
        log.filler = Some(cx.waker().clone());
        Poll::Pending
    }

    pub fn push(&self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        let mut log = self.lock();
        log.end += piece.len() as u64;
        log.pieces.push_back(piece);
        log.wake_readers();
    }

    /// From now on what is in `spill` need not stay in memory.
    pub fn spills(&self, spill: Partial) {
        self.lock().spill = Some(spill);
    }

    /// More of it is on the disk, or no more will be.
    pub fn has_spilled(&self) {
        let mut log = self.lock();
        log.wake_readers();
        if let Some(filler) = log.filler.take() {
            filler.wake();
        }
    }

    /// Nothing more comes.
    pub fn end(&self, ended: Result<Option<HeaderMap>, Error>) {
        let mut log = self.lock();
        log.ended = Some(ended.map(|trailers| log.trailers = trailers));
        log.wake_readers();
    }

    /// It will not be filled any further: if its end has not been told, it is cut.
    pub fn abandon(&self) {
        let mut log = self.lock();
        log.ended.get_or_insert(Err(Error::AnswerCut(BrokeOff::Closed)));
        log.wake_readers();
    }

    /// Bytes that have come so far.
    pub fn come(&self) -> u64 {
        self.lock().end
    }

    /// Ready when nobody reads.
    pub fn poll_unread(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut log = self.lock();
        if log.readers.is_empty() {
            return Poll::Ready(());
        }
        log.leaving = Some(cx.waker().clone());
        Poll::Pending
    }

    /// All pieces; to be asked only while all have stayed.
    pub fn pieces(&self) -> Vec<Bytes> {
        self.lock().pieces.iter().cloned().collect()
    }

    /// A reader from the first byte on, unless that has gone already.
    pub fn reader(self: &Arc<Self>) -> Option<Reader> {
        let mut log = self.lock();
        let is_there = |spill: &Partial| spill.written() >= log.base || !spill.has_failed();
        if log.base > 0 && !log.spill.as_ref().is_some_and(is_there) {
            return None;
        }
        log.last_reader += 1;
        let id = log.last_reader;
        log.readers.insert(id, Place::default());
        let next = (log.base == 0).then_some(log.first);
        Some(Reader { live: self.clone(), id, position: 0, next, spilled: None })
    }
}

impl Log {
    /// Lets go of what nobody needs from memory any more.
    fn trim(&mut self, whole: u64) {
        if self.end <= whole {
            return;
        }
        let read = self.readers.values().map(|place| place.position).min().unwrap_or(self.end);
        let safe = match &self.spill {
            // For those who come later, as long as that holds nobody up.
            Some(spill) if self.end - self.base < WINDOW => spill.written(),
            Some(spill) => spill.written().max(read),
            None => read,
        };
        while let Some(piece) = self.pieces.front()
            && self.base + piece.len() as u64 <= safe
        {
            self.base += piece.len() as u64;
            self.first += 1;
            self.pieces.pop_front();
        }
    }

    fn wait(&mut self, reader: u64, cx: &Context<'_>) {
        self.readers.entry(reader).or_default().waker = Some(cx.waker().clone());
    }

    fn wake_readers(&mut self) {
        self.readers.values_mut().filter_map(|place| place.waker.take()).for_each(Waker::wake);
    }
}

/// A response's body, read from what comes for all.
pub struct Reader {
    live: Arc<Live>,
    id: u64,
    position: u64,
    /// The number of the piece that begins at `position`, where that is in memory.
    next: Option<u64>,
    /// What is being read back from the disk.
    spilled: Option<FileBody>,
}

impl Reader {
    pub fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(spilled) = &mut self.spilled {
            match ready!(spilled.poll_piece(cx)) {
                Some(Ok(piece)) => return Poll::Ready(Some(Ok(self.took(piece)))),
                Some(Err(error)) => return Poll::Ready(Some(Err(Error::FileCut(error)))),
                None => self.spilled = None,
            }
        }
        let live = self.live.clone();
        let mut log = live.lock();
        if self.position < log.base
            && let Some(spill) = log.spill.clone()
        {
            let there = spill.written().min(log.base);
            if self.position < there {
                drop(log);
                self.next = None;
                self.spilled = Some(FileBody::new(Arc::new(spill), self.position..there));
                return self.poll_frame(cx);
            }
            // The disk lags behind those who have read it from memory.
            if spill.has_failed() {
                return Poll::Ready(Some(Err(Error::AnswerCut(BrokeOff::Closed))));
            }
            log.wait(self.id, cx);
            return Poll::Pending;
        }
        let next = self.next.unwrap_or(log.first);
        if let Some(piece) = log.pieces.get((next - log.first) as usize).cloned() {
            self.next = Some(next + 1);
            drop(log);
            return Poll::Ready(Some(Ok(self.took(piece))));
        }
        match &mut log.ended {
            None => {
                log.wait(self.id, cx);
                Poll::Pending
            }
            Some(Ok(())) => {
                let is_told = replace(&mut self.position, u64::MAX) == u64::MAX;
                let trailers = log.trailers.clone().filter(|_| !is_told);
                Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
            }
            // The first to hear it gets the reason, the others the fact.
            Some(ended) => {
                let cut = Err(Error::AnswerCut(BrokeOff::Closed));
                Poll::Ready(replace(ended, cut).err().map(Err))
            }
        }
    }

    fn took(&mut self, piece: Bytes) -> Frame<Bytes> {
        self.position += piece.len() as u64;
        let mut log = self.live.lock();
        if let Some(place) = log.readers.get_mut(&self.id) {
            place.position = self.position;
        }
        if let Some(filler) = log.filler.take() {
            filler.wake();
        }
        Frame::data(piece)
    }

    /// Whether nothing more comes, as far as that is known.
    pub fn is_end_stream(&self) -> bool {
        let log = self.live.lock();
        let is_whole = matches!(log.ended, Some(Ok(()))) && log.trailers.is_none();
        is_whole && self.position >= log.end
    }

    pub fn size_hint(&self) -> SizeHint {
        let rest = self.live.length.map(|length| length.saturating_sub(self.position));
        rest.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut log = self.live.lock();
        log.readers.remove(&self.id);
        let (filler, leaving) = (log.filler.take(), log.leaving.take());
        drop(log);
        filler.into_iter().chain(leaving).for_each(Waker::wake);
    }
}
