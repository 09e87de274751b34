//! How entries become files, and what goes to make room for them.

use std::io;
use std::sync::Arc;

use super::{DiskThread, Stream};
use crate::disk::copies::{self, Step};
use crate::disk::draft::Draft;
use crate::disk::writer::Progress;
use crate::disk::{head, unchanged};
use crate::{Body, Entry, Key, Variant};

/// Why an entry was not written.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the folder is not ours")]
    NotOwner,
    #[error("its head is too long")]
    Head,
    #[error("what is being written already takes all there is")]
    NoRoom,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What an entry that is written replaces: whatever is there from before.
struct Predecessor {
    key: Key,
    variant: Variant,
    before: u64,
}

impl Predecessor {
    fn of(draft: &Draft) -> Self {
        let (key, variant) = (draft.key.clone(), draft.variant.clone());
        Predecessor { key, variant, before: draft.generation }
    }
}

impl DiskThread {
    pub(super) fn write(&mut self, entry: &Entry) {
        let written = self.try_write(entry);
        let before = self.shared.next_generation();
        let (key, variant) = (entry.key.clone(), entry.variant.clone());
        self.settle(written, Predecessor { key, variant, before });
    }

    fn try_write(&mut self, entry: &Entry) -> Result<(), Refusal> {
        if let Body::Whole(body) = &entry.body
            && unchanged::is_there(&self.shared, entry, body)
        {
            return Ok(());
        }
        let mut draft = self.draft(entry, head::encode(entry))?;
        match &entry.body {
            Body::Whole(body) => {
                self.make_room(draft.size_with(body.len() as u64))?;
                draft.append(body)?;
                self.finish(draft)
            }
            Body::Disk(body) if body.length() <= copies::STEP as u64 => {
                self.make_room(draft.size_with(body.length()))?;
                draft.append(&body.read(0, copies::STEP)?)?;
                self.finish(draft)
            }
            Body::Disk(body) => {
                self.copies.push(draft, body.clone());
                Ok(())
            }
            Body::File(_) => self.finish(draft),
        }
    }

    pub(super) fn begin(&mut self, head: &Entry, progress: Arc<Progress>) {
        let begun = self.draft(head, head::encode_stream(head)).map(|draft| {
            progress.begin(draft.file(), draft.body_at());
            let stream = Stream { draft, progress: progress.clone(), is_doomed: false };
            self.streams.insert(progress.number, stream);
        });
        if begun.is_err() {
            progress.fail();
        }
        let before = self.shared.next_generation();
        let (key, variant) = (head.key.clone(), head.variant.clone());
        self.settle(begun, Predecessor { key, variant, before });
    }

    pub(super) fn append(&mut self, number: u64, bytes: &[u8]) {
        // Without a stream it has failed already.
        let Some(mut stream) = self.streams.remove(&number) else { return };
        let Stream { draft, progress, .. } = &mut stream;
        let room = self.make_room(draft.size_with(bytes.len() as u64));
        match room.and_then(|()| Ok(draft.append(bytes)?)) {
            Ok(()) => {
                progress.advance(draft.length());
                self.streams.insert(number, stream);
            }
            failed => {
                progress.fail();
                let predecessor = Predecessor::of(draft);
                self.settle(failed, predecessor);
            }
        }
    }

    pub(super) fn end_stream(&mut self, number: u64) {
        let Some(Stream { draft, progress, is_doomed: false }) = self.streams.remove(&number)
        else {
            return;
        };
        let predecessor = Predecessor::of(&draft);
        let finished = self.finish(draft);
        if finished.is_err() {
            progress.fail();
        }
        self.settle(finished, predecessor);
    }

    fn draft(&mut self, entry: &Entry, head: Option<Vec<u8>>) -> Result<Draft, Refusal> {
        let folder = self.folder.as_mut().ok_or(Refusal::NotOwner)?;
        let head = head.ok_or(Refusal::Head)?;
        Ok(Draft::begin(folder, entry, &head, self.shared.next_generation())?)
    }

    fn finish(&mut self, draft: Draft) -> Result<(), Refusal> {
        self.make_room(draft.size_with(0))?;
        let index = &self.shared.index;
        let folder = self.folder.as_ref().ok_or(Refusal::NotOwner)?;
        let there = index.peek(&draft.key, &draft.variant);
        if there.is_some_and(|there| there.generation > draft.generation) {
            return Ok(()); // Something later came while this was being written.
        }
        let (key, record) = draft.finish(folder)?;
        if let Some(name) = index.insert(&key, record) {
            folder.remove(name)?;
        }
        // For the sake of the index's own weight.
        self.make_room(0)
    }

    /// Evicts until this much more can be written.
    fn make_room(&self, more: u64) -> Result<(), Refusal> {
        let folder = self.folder.as_ref().ok_or(Refusal::NotOwner)?;
        let streams: u64 = self.streams.values().map(|stream| stream.draft.size_with(0)).sum();
        let under_way = streams.saturating_add(self.copies.size()).saturating_add(more);
        let left = self.shared.size.checked_sub(under_way).ok_or(Refusal::NoRoom)?;
        while self.shared.index.is_over(left) {
            let name = self.shared.index.evict().ok_or(Refusal::NoRoom)?;
            folder.remove(name)?;
        }
        Ok(())
    }

    /// What could not be written takes its predecessor with it: that one has been replaced, if by
    /// nothing.
    fn settle(
        &mut self,
        written: Result<(), Refusal>,
        Predecessor { key, variant, before }: Predecessor,
    ) {
        match written {
            Ok(()) | Err(Refusal::NotOwner) => return,
            Err(Refusal::Io(error)) => self.shared.complain(&error),
            Err(refusal) => tracing::debug!(%refusal, %key, "Not kept on disk"),
        }
        let there = self.shared.index.peek(&key, &variant);
        if let Some(there) = there.filter(|there| there.generation < before) {
            self.shared.index.remove(&key, there.generation);
        }
        self.discard(&key, &variant);
    }

    /// Removes the file of an entry that is not in the index any more.
    pub(super) fn discard(&self, key: &Key, variant: &Variant) {
        if let Some(folder) = &self.folder
            && self.shared.index.peek(key, variant).is_none()
            && let Err(error) = folder.remove(head::Name::of(key, variant))
        {
            self.shared.complain(&error);
        }
    }

    pub(super) fn copy_some(&mut self) {
        let Some(mut copy) = self.copies.take() else { return };
        let room = self.make_room(copy.size_after_step());
        let predecessor = Predecessor::of(&copy.draft);
        let copied = match room.and_then(|()| Ok(copy.step()?)) {
            Ok(Step::More) => {
                self.copies.put_back(copy);
                Ok(())
            }
            Ok(Step::Done) => self.finish(copy.draft),
            Err(refusal) => Err(refusal),
        };
        self.settle(copied, predecessor);
    }
}
