//! The disk thread: the only one that writes and removes files. It does what is queued in order,
//! and between that, bit by bit, what takes long: loading the index and copying large bodies.

mod writing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::copies::Copies;
use super::draft::Draft;
use super::folder::Folder;
use super::loading::Loading;
use super::pending::Pending;
use super::queue::{Command, Taken};
use super::shared::{Shared, Standing};
use super::writer::Progress;
use crate::Purge;

/// How often a folder that another process owns is tried again. A deploy takes seconds.
const RETRY: Duration = Duration::from_secs(1);

pub struct DiskThread {
    shared: Arc<Shared>,
    next_try: Instant,
    /// Purges from before the index was whole.
    pending: Pending,
    loading: Option<Loading>,
    streams: HashMap<u64, Stream>,
    copies: Copies,
    /// `None` while somebody else has it, or nobody can. Let go last.
    folder: Option<Folder>,
}

/// An entry that comes in pieces.
struct Stream {
    draft: Draft,
    progress: Arc<Progress>,
    /// Purged before it was whole. It goes on for those who read along.
    is_doomed: bool,
}

impl DiskThread {
    pub fn new(shared: Arc<Shared>) -> Self {
        DiskThread {
            shared,
            next_try: Instant::now(),
            pending: Pending::default(),
            loading: None,
            streams: HashMap::new(),
            copies: Copies::default(),
            folder: None,
        }
    }

    /// Works until the queue has ended.
    pub fn run(mut self) {
        loop {
            if self.folder.is_none() && Instant::now() >= self.next_try {
                self.take_over();
            }
            let is_busy = self.loading.is_some() || !self.copies.is_empty();
            let patience = match self.folder {
                Some(_) if is_busy => Some(Duration::ZERO),
                Some(_) => None,
                None => Some(self.next_try.saturating_duration_since(Instant::now())),
            };
            match self.shared.queue.take(patience) {
                Taken::Command(command) => self.obey(command),
                Taken::Nothing => {}
                Taken::End => break,
            }
            self.load_some();
            self.copy_some();
        }
        self.leave();
    }

    fn leave(mut self) {
        // Nobody would remember them.
        while self.loading.is_some() && !self.pending.is_empty() {
            self.load_some();
        }
        self.streams.values().for_each(|stream| stream.progress.fail());
        let shared = self.shared.clone();
        drop(self);
        shared.index.clear();
        shared.stand(Standing::Ended);
    }

    fn take_over(&mut self) {
        self.next_try = Instant::now() + RETRY;
        match Folder::take(&self.shared.folder) {
            Ok(Some(folder)) => {
                self.folder = Some(folder);
                self.loading = Some(Loading::default());
                return self.shared.stand(Standing::Loading);
            }
            Ok(None) if self.shared.standing() == Standing::Starting => {
                let folder = self.shared.folder.display();
                tracing::info!(%folder, "Another process has the disk cache");
            }
            Ok(None) => {}
            Err(error) => self.shared.complain(&error),
        }
        self.shared.stand(Standing::Waiting);
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Write(entry) => self.write(&entry),
            Command::Begin(head, progress) => self.begin(&head, progress),
            Command::Piece(number, bytes) => self.append(number, &bytes),
            Command::Finish(number) => self.end_stream(number),
            Command::Abort(number) => drop(self.streams.remove(&number)),
            Command::Discard(key, variant) => self.discard(&key, &variant),
            Command::Purge(purge, None) => _ = self.purge(purge),
            Command::Purge(purge, Some(reply)) => {
                // Else what is not loaded yet would be purged only later, or never if the process
                // died before; and it could not be counted.
                while self.loading.is_some() {
                    self.load_some();
                }
                // Who asked may have left.
                let _ = reply.send(self.purge(purge));
            }
        }
    }

    fn purge(&mut self, purge: Purge) -> usize {
        for Stream { draft, is_doomed, .. } in self.streams.values_mut() {
            if purge.selection.includes(&draft.key, &draft.tags) {
                draft.outdate();
                *is_doomed |= !purge.is_soft;
            }
        }
        self.copies.purge(&purge);
        let names = self.shared.index.purge(&purge);
        if let Some(folder) = &self.folder {
            for &name in &names {
                let done = if purge.is_soft { folder.outdate(name) } else { folder.remove(name) };
                if let Err(error) = done {
                    self.shared.complain(&error);
                }
            }
        }
        if self.loading.is_some() || self.folder.is_none() {
            self.pending.add(purge);
        }
        names.len()
    }

    fn load_some(&mut self) {
        let (Some(loading), Some(folder)) = (&mut self.loading, &self.folder) else { return };
        if loading.step(&self.shared, folder, &self.pending) {
            self.loading = None;
            self.pending = Pending::default();
            self.shared.stand(Standing::Owner);
        }
    }
}
