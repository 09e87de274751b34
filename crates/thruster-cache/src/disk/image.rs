//! Reading the file of an entry: its parts are found and checked, and its body is read block by
//! block. Over bytes as well as over files, so that it can be tested on any bytes.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use bytes::Bytes;

use super::format::{self, BLOCK, Damage, FOOTER, Footer, HEADER, Header};
use super::head::{self, Head};

/// Read at once for the sake of the head: most heads fit, and it is what the system reads anyway.
const FIRST: u64 = 4096;

/// The most blocks that one call reads.
const RUN: u64 = 4;

/// What an entry's file is read from.
pub trait Source {
    /// # Errors
    /// Those of the system.
    fn length(&self) -> io::Result<u64>;

    /// # Errors
    /// Those of the system, and `UnexpectedEof`.
    fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()>;
}

impl Source for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, at)
    }
}

impl Source for [u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], at: u64) -> io::Result<()> {
        let from = usize::try_from(at).ok().and_then(|at| self.get(at..));
        let from = from.and_then(|from| from.get(..buffer.len()));
        buffer.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A file whose head, table and lengths have been checked.
pub struct Image {
    pub head: Head,
    pub header: Header,
    pub body: Layout,
}

/// Where the body is, and what its blocks must be.
pub struct Layout {
    at: u64,
    length: u64,
    table: Vec<u8>,
}

/// Checks everything but the body.
///
/// # Errors
/// Those of the system, and [`Damage`].
pub fn open(source: &(impl Source + ?Sized)) -> io::Result<Image> {
    let length = source.length()?;
    let (header, head) = read_head(source, length)?;
    let mut footer = [0; FOOTER];
    source.read_exact_at(&mut footer, length - FOOTER as u64)?;
    let footer = Footer::decode(&footer)?;
    if footer.head_sum != header.head_sum {
        return Err(Damage::Footer.into());
    }
    let expected = format::file_length(header.head_length, footer.body_length);
    if expected != Some(length) {
        return Err(Damage::Length.into());
    }
    // As long as the file says, which is as long as the file.
    let mut table = vec![0; format::table_length(footer.body_length) as usize];
    let table_at = length - (FOOTER + table.len()) as u64;
    source.read_exact_at(&mut table, table_at)?;
    footer.check(&table)?;
    let at = HEADER as u64 + u64::from(header.head_length);
    Ok(Image { head, header, body: Layout { at, length: footer.body_length, table } })
}

/// Checks and reads the head alone, of a file of this length.
///
/// # Errors
/// Those of the system, and [`Damage`].
pub fn read_head(source: &(impl Source + ?Sized), length: u64) -> io::Result<(Header, Head)> {
    let mut bytes = vec![0; length.min(FIRST) as usize];
    source.read_exact_at(&mut bytes, 0)?;
    let header = Header::decode(bytes.first_chunk().ok_or(Damage::Length)?)?;
    let end = HEADER + header.head_length as usize;
    if length < (end + FOOTER) as u64 {
        return Err(Damage::Length.into());
    }
    let read = bytes.len();
    bytes.resize(end, 0);
    if read < end {
        source.read_exact_at(&mut bytes[read..], read as u64)?;
    }
    header.check(&bytes[HEADER..])?;
    Ok((header, head::decode(&bytes[HEADER..])?))
}

impl Layout {
    /// Bytes of the body.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The checksums of its blocks.
    pub fn table(&self) -> &[u8] {
        &self.table
    }

    /// Bytes from `at` on, at most so many, and not beyond the fourth block. Whole blocks are read
    /// and checked, however little is asked for.
    ///
    /// # Errors
    /// Those of the system, and [`Damage::Block`].
    pub fn read(
        &self,
        source: &(impl Source + ?Sized),
        at: u64,
        at_most: usize,
    ) -> io::Result<Bytes> {
        let first = at / BLOCK as u64;
        let run_end = first.saturating_add(RUN).saturating_mul(BLOCK as u64);
        let end = at.saturating_add(at_most as u64).min(self.length).min(run_end);
        if at >= end {
            return Ok(Bytes::new());
        }
        let start = first * BLOCK as u64;
        let stop = end.next_multiple_of(BLOCK as u64).min(self.length);
        let mut blocks = vec![0; (stop - start) as usize];
        source.read_exact_at(&mut blocks, self.at + start)?;
        let sums = self.table[first as usize * 8..].chunks_exact(8);
        if !blocks.chunks(BLOCK).zip(sums).all(|(block, sum)| format::block_sum(block) == sum) {
            return Err(Damage::Block.into());
        }
        Ok(Bytes::from(blocks).slice((at - start) as usize..(end - start) as usize))
    }
}

#[cfg(test)]
mod tests;
