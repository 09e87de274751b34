//! The file of an entry, part by part. Pure functions of bytes, whatever the bytes are.
//!
//! ```text
//! header  magic and version 8, flag 1, zeros 3, length of the head 4, checksum of the head 8
//! head    what `head.rs` writes
//! body    in blocks of 256 KiB, the last one shorter
//! table   a checksum of 8 for each block
//! footer  length of the body 8, checksum of the table 8, of the head 8, of these 24, end 8
//! ```
//!
//! Numbers are little-endian, checksums XXH3. A soft purge writes the flag and nothing else, so it
//! stands outside of the checksums; the footer repeats the head's checksum, so that the two halves
//! of different files are not one file.

use std::io;

use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

/// Bytes of body under one checksum: a Range request of a video reads and checks this much too
/// much at most, and the table of 256 MB stays at 8 KB.
pub const BLOCK: usize = 256 * 1024;

/// The longest head. Keys and fields come from requests and responses that are bounded well below.
pub const MAX_HEAD: usize = 1024 * 1024;

pub const HEADER: usize = 24;
pub const FOOTER: usize = 40;

/// Where the flag is.
pub const FLAG_AT: u64 = 8;

/// The flags have no bit in common, and what is neither is taken for the second: no damage makes
/// a purged entry fresh again that leaves any other sense in the byte.
pub const FLAG_AS_IT_CAME: u8 = 0x5a;
pub const FLAG_OUTDATED: u8 = 0xa5;

/// The last byte is the version. Another version's files are as good as damaged: a cache may be
/// lost, and a conversion would be read by nobody.
const MAGIC: [u8; 8] = *b"THRUST\n\x01";
const END: [u8; 8] = *b"\nTSURHT\x01";

/// Why a file is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    #[error("not a file of this version of the cache")]
    Magic,
    #[error("cut short, or longer than it should be")]
    Length,
    #[error("the head is damaged")]
    HeadChecksum,
    #[error("the head makes no sense: {0}")]
    Head(&'static str),
    #[error("the footer is damaged")]
    Footer,
    #[error("the table of checksums is damaged")]
    Table,
    #[error("the body is damaged")]
    Block,
    #[error("the file belongs under another name")]
    Name,
}

impl Damage {
    /// Whether it is the file that is to blame for the error, and not the system.
    pub fn is_in(error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::UnexpectedEof
            || error.get_ref().is_some_and(|inner| inner.is::<Damage>())
    }
}

impl From<Damage> for io::Error {
    fn from(damage: Damage) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, damage)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub is_outdated: bool,
    pub head_length: u32,
    pub head_sum: u64,
}

impl Header {
    pub fn of(head: &[u8], is_outdated: bool) -> Self {
        let head_length = u32::try_from(head.len()).expect("no head is longer than MAX_HEAD");
        Header { is_outdated, head_length, head_sum: xxh3_64(head) }
    }

    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8] = if self.is_outdated { FLAG_OUTDATED } else { FLAG_AS_IT_CAME };
        bytes[12..16].copy_from_slice(&self.head_length.to_le_bytes());
        bytes[16..].copy_from_slice(&self.head_sum.to_le_bytes());
        bytes
    }

    /// # Errors
    /// [`Damage::Magic`], and [`Damage::Length`] of a head that nobody wrote.
    pub fn decode(bytes: &[u8; HEADER]) -> Result<Self, Damage> {
        let head_length = number(bytes, 12) as u32;
        if bytes[..8] != MAGIC || bytes[9..12] != [0; 3] {
            return Err(Damage::Magic);
        }
        if head_length as usize > MAX_HEAD {
            return Err(Damage::Length);
        }
        let is_outdated = bytes[8] != FLAG_AS_IT_CAME;
        Ok(Header { is_outdated, head_length, head_sum: number(bytes, 16) })
    }

    /// # Errors
    /// [`Damage::HeadChecksum`].
    pub fn check(&self, head: &[u8]) -> Result<(), Damage> {
        if xxh3_64(head) == self.head_sum { Ok(()) } else { Err(Damage::HeadChecksum) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footer {
    pub body_length: u64,
    pub table_sum: u64,
    pub head_sum: u64,
}

impl Footer {
    pub fn encode(&self) -> [u8; FOOTER] {
        let mut bytes = [0; FOOTER];
        bytes[..8].copy_from_slice(&self.body_length.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.table_sum.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.head_sum.to_le_bytes());
        let sum = xxh3_64(&bytes[..24]);
        bytes[24..32].copy_from_slice(&sum.to_le_bytes());
        bytes[32..].copy_from_slice(&END);
        bytes
    }

    /// # Errors
    /// [`Damage::Footer`].
    pub fn decode(bytes: &[u8; FOOTER]) -> Result<Self, Damage> {
        if bytes[32..] != END || number(bytes, 24) != xxh3_64(&bytes[..24]) {
            return Err(Damage::Footer);
        }
        Ok(Footer {
            body_length: number(bytes, 0),
            table_sum: number(bytes, 8),
            head_sum: number(bytes, 16),
        })
    }

    /// # Errors
    /// [`Damage::Table`].
    pub fn check(&self, table: &[u8]) -> Result<(), Damage> {
        if xxh3_64(table) == self.table_sum { Ok(()) } else { Err(Damage::Table) }
    }
}

/// Bytes that the table of a body takes.
pub fn table_length(body_length: u64) -> u64 {
    body_length.div_ceil(BLOCK as u64) * 8
}

/// Bytes that the whole file takes; `None` is more than there are.
pub fn file_length(head_length: u32, body_length: u64) -> Option<u64> {
    let around = (HEADER + FOOTER) as u64 + u64::from(head_length) + table_length(body_length);
    body_length.checked_add(around)
}

/// The checksum of one block.
pub fn block_sum(block: &[u8]) -> [u8; 8] {
    xxh3_64(block).to_le_bytes()
}

/// Makes the table, and what follows it, while the body goes by.
pub struct Sums {
    block: Box<Xxh3Default>,
    filled: usize,
    length: u64,
    table: Vec<u8>,
}

impl Sums {
    pub fn new() -> Self {
        Sums { block: Box::default(), filled: 0, length: 0, table: Vec::new() }
    }

    /// Bytes that have gone by.
    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn update(&mut self, mut bytes: &[u8]) {
        self.length += bytes.len() as u64;
        while !bytes.is_empty() {
            let (here, rest) = bytes.split_at(bytes.len().min(BLOCK - self.filled));
            self.block.update(here);
            self.filled += here.len();
            if self.filled == BLOCK {
                self.end_block();
            }
            bytes = rest;
        }
    }

    /// The table of the whole body.
    pub fn table(mut self) -> Vec<u8> {
        if self.filled > 0 {
            self.end_block();
        }
        self.table
    }

    /// What follows the body: the table and the footer.
    pub fn closing(self, head_sum: u64) -> Vec<u8> {
        let body_length = self.length;
        let mut bytes = self.table();
        let footer = Footer { body_length, table_sum: xxh3_64(&bytes), head_sum };
        bytes.extend_from_slice(&footer.encode());
        bytes
    }

    fn end_block(&mut self) {
        self.table.extend_from_slice(&self.block.digest().to_le_bytes());
        self.block.reset();
        self.filled = 0;
    }
}

impl Default for Sums {
    fn default() -> Self {
        Sums::new()
    }
}

/// Eight bytes at `at`, or as many as there are.
fn number(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].iter().take(8).rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_and_footers_come_back() {
        let header = Header { is_outdated: true, head_length: 70_000, head_sum: u64::MAX - 1 };
        assert_eq!(Header::decode(&header.encode()), Ok(header));
        let footer = Footer { body_length: 1 << 40, table_sum: 3, head_sum: 1 << 63 };
        assert_eq!(Footer::decode(&footer.encode()), Ok(footer));
    }

    #[test]
    fn a_flag_that_is_neither_is_outdated() {
        let mut bytes = Header::of(b"head", false).encode();
        assert!(!Header::decode(&bytes).expect("a header").is_outdated);
        for bit in 0..8 {
            bytes[8] = FLAG_AS_IT_CAME ^ 1 << bit;
            assert!(Header::decode(&bytes).expect("a header").is_outdated);
            assert_ne!(FLAG_OUTDATED ^ 1 << bit, FLAG_AS_IT_CAME);
        }
    }

    #[test]
    fn sums_do_not_depend_on_the_pieces() {
        let body: Vec<u8> = (0..BLOCK * 2 + 77).map(|n| ((n * 31) >> 3) as u8).collect();
        let whole = {
            let mut sums = Sums::new();
            sums.update(&body);
            sums.table()
        };
        for size in [1, 1000, BLOCK - 1, BLOCK, BLOCK + 1] {
            let mut sums = Sums::new();
            body.chunks(size).for_each(|piece| sums.update(piece));
            assert_eq!(sums.table(), whole, "{size}");
        }
        let blocks: Vec<u8> = body.chunks(BLOCK).flat_map(block_sum).collect();
        assert_eq!(whole, blocks);
        assert_eq!(table_length(body.len() as u64), 24);
    }

    #[test]
    fn lengths_do_not_overflow() {
        assert_eq!(file_length(0, 0), Some(64));
        assert_eq!(file_length(10, 1), Some(64 + 10 + 1 + 8));
        assert_eq!(file_length(0, u64::MAX), None);
    }
}
