//! The codings themselves: a whole body at once, for what is made once and kept, and a stream of
//! pieces, for what is made for one client. Both are computations, and hold up whoever calls.

use std::cell::Cell;

use brotli::enc::StandardAlloc;
use brotli::enc::encode::{
    BrotliEncoderOperation, BrotliEncoderParameter, BrotliEncoderStateStruct,
};
use bytes::{BufMut, Bytes, BytesMut};
use flate2::{Compress, Compression, FlushCompress, Status};
use thruster_cache::Coding;
use zstd::stream::raw::{CParameter, InBuffer, Operation as _, OutBuffer};

use super::level;

/// Room made at a time for what comes out: most pieces need it once, none much of it in vain.
const ROOM: usize = 8 * 1024;

/// Binary logarithms of how far back a stream may refer: what is beyond costs memory for every
/// response under way, here and in the browser, and pages are rarely that long.
const BROTLI_WINDOW: u32 = 18;
const ZSTD_WINDOW: u32 = 19;

/// Below 17 the encoder takes another way to find repetitions from level 5 on, which clears 32 MB
/// first: 10 ms for a page of 10 KB that takes 0.15 ms otherwise.
const LEAST_BROTLI_WINDOW: u32 = 17;

/// The smallest one the format has (RFC 8878 section 3.1.1.1.2).
const LEAST_ZSTD_WINDOW: u32 = 10;

/// What padding consists of: text, as a comment in gzip has to be. Nothing codes it again, so that
/// it need not be random itself.
const PADDING: u8 = b'-';

/// Metadata of one byte comes out of the brotli crate (9.1) with a header that says none, and what
/// follows cannot be decoded.
const BROTLI_LEAST: usize = 2;

/// As far back as gzip can refer at all.
const GZIP_WINDOW: u8 = 15;

/// As far back as a whole body under brotli may refer; its own default.
const WHOLE_BROTLI_WINDOW: u32 = 22;

/// A whole body under `coding`, as small as is worth the time; `None` if it would not be smaller.
pub fn encode(coding: Coding, body: &[u8]) -> Option<Bytes> {
    encode_at(coding, level::kept(coding, body.len()), body)
}

/// As [`encode`], with the coding's own level.
pub fn encode_at(coding: Coding, level: u32, body: &[u8]) -> Option<Bytes> {
    let mut out = BytesMut::new();
    let mut encoder = Encoder::with(State::whole(coding, level, body.len()));
    encoder.push(body, false, &mut out);
    encoder.finish(&mut out);
    // Copied, for what is kept should not hold the room that was left over.
    (out.len() < body.len()).then(|| Bytes::copy_from_slice(&out))
}

thread_local! {
    /// The state of the last stream under zstd that has ended on this core: with new memory, 1.4 MB
    /// of it, a page takes a fifth longer.
    static ZSTD_SPARE: Cell<Option<ZstdState>> = const { Cell::new(None) };
}

type ZstdState = zstd::stream::raw::Encoder<'static>;

/// A body under a coding, piece by piece. Dropped before its end, it just stops.
pub struct Encoder {
    state: State,
    /// Made for one client, as the next will be.
    is_stream: bool,
    /// Something has been pushed since the last flush.
    is_pending: bool,
    /// What is still to be added.
    padding: Option<usize>,
}

enum State {
    Brotli(Box<BrotliEncoderStateStruct<StandardAlloc>>),
    Zstd(ZstdState),
    Gzip(Compress),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// Takes data in, and gives out what happens to be ready.
    Process,
    /// Gives out data that is not part of the body, at once (RFC 7932 section 9.2). Only in brotli.
    Metadata,
    /// Gives out all that was taken in.
    Flush,
    Finish,
}

/// What one call has done.
struct Step {
    read: usize,
    written: usize,
    /// The operation is complete; else it wants more room.
    is_done: bool,
}

impl Encoder {
    /// One at the level for what is made for one client. The length, where it is known, saves
    /// memory; the body may turn out to have another.
    pub fn new(coding: Coding, length: Option<u64>) -> Self {
        Encoder::at(coding, level::live(coding), length)
    }

    /// As [`new`](Self::new), with the coding's own level.
    pub fn at(coding: Coding, level: u32, length: Option<u64>) -> Self {
        Encoder { is_stream: true, ..Encoder::with(State::stream(coding, level, length)) }
    }

    fn with(state: State) -> Self {
        Encoder { state, is_stream: false, is_pending: false, padding: None }
    }

    /// Adds so many bytes, and the few that surround them, which decoders leave out.
    pub fn padded(self, padding: Option<usize>) -> Self {
        Encoder { padding, ..self }
    }

    /// Appends to `out` what comes of `data`; with `flush`, all that is needed to decode what has
    /// been pushed so far.
    pub fn push(&mut self, data: &[u8], flush: bool, out: &mut BytesMut) {
        if !data.is_empty() {
            self.pad_before(out);
            self.run(Operation::Process, data, out);
            self.is_pending = true;
        }
        // A flush of nothing would still cost some bytes.
        if flush && self.is_pending {
            self.run(Operation::Flush, &[], out);
            self.is_pending = false;
        }
    }

    /// Appends the rest.
    pub fn finish(mut self, out: &mut BytesMut) {
        self.pad_before(out);
        self.run(Operation::Finish, &[], out);
        if let Some(length) = self.padding {
            skippable_frame(length, out);
        }
        if let (State::Zstd(mut state), true) = (self.state, self.is_stream)
            && state.reinit().is_ok()
        {
            ZSTD_SPARE.set(Some(state));
        }
    }

    /// Padding comes first where it can: then what is flushed early is no exception.
    fn pad_before(&mut self, out: &mut BytesMut) {
        match (&self.state, self.padding) {
            (State::Zstd(_), _) | (_, None) => return,
            (State::Brotli(_), Some(length)) => {
                self.run(Operation::Metadata, &vec![PADDING; length + BROTLI_LEAST], out);
            }
            (State::Gzip(_), Some(length)) => {
                let start = out.len();
                self.run(Operation::Process, &[], out);
                comment(length, start, out);
            }
        }
        self.padding = None;
    }

    fn run(&mut self, operation: Operation, mut data: &[u8], out: &mut BytesMut) {
        loop {
            let start = out.len();
            out.resize(start + ROOM, 0);
            let step = self.state.step(operation, data, &mut out[start..]);
            out.truncate(start + step.written);
            data = &data[step.read..];
            if step.is_done {
                return;
            }
        }
    }
}

impl State {
    fn stream(coding: Coding, level: u32, length: Option<u64>) -> Self {
        match coding {
            Coding::Brotli => {
                let window = window(length, LEAST_BROTLI_WINDOW, BROTLI_WINDOW);
                State::brotli(level, window, length.unwrap_or(0))
            }
            Coding::Zstd => {
                let mut state = ZSTD_SPARE.take().unwrap_or_else(|| State::zstd(level));
                let window = window(length, LEAST_ZSTD_WINDOW, ZSTD_WINDOW);
                let level = CParameter::CompressionLevel(level.cast_signed());
                state.set_parameter(level).expect(ZSTD);
                state.set_parameter(CParameter::WindowLog(window)).expect(ZSTD);
                State::Zstd(state)
            }
            Coding::Gzip => State::gzip(level),
        }
    }

    fn whole(coding: Coding, level: u32, length: usize) -> Self {
        let length = length as u64;
        match coding {
            Coding::Brotli => {
                let window = window(Some(length), LEAST_BROTLI_WINDOW, WHOLE_BROTLI_WINDOW);
                State::brotli(level, window, length)
            }
            Coding::Zstd => {
                // It adapts itself to the length, and fails if that is not kept to.
                let mut encoder = State::zstd(level);
                encoder.set_pledged_src_size(Some(length)).expect(ZSTD);
                State::Zstd(encoder)
            }
            Coding::Gzip => State::gzip(level),
        }
    }

    fn brotli(level: u32, window: u32, length: u64) -> Self {
        use BrotliEncoderParameter::{
            BROTLI_PARAM_LGWIN, BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT,
        };
        let mut state = Box::new(BrotliEncoderStateStruct::new(StandardAlloc::default()));
        state.set_parameter(BROTLI_PARAM_QUALITY, level);
        state.set_parameter(BROTLI_PARAM_LGWIN, window);
        state.set_parameter(BROTLI_PARAM_SIZE_HINT, u32::try_from(length).unwrap_or(u32::MAX));
        State::Brotli(state)
    }

    fn zstd(level: u32) -> ZstdState {
        zstd::stream::raw::Encoder::new(level.cast_signed()).expect(ZSTD)
    }

    fn gzip(level: u32) -> Self {
        State::Gzip(Compress::new_gzip(Compression::new(level), GZIP_WINDOW))
    }

    fn step(&mut self, operation: Operation, data: &[u8], room: &mut [u8]) -> Step {
        match self {
            State::Brotli(state) => brotli_step(state, operation, data, room),
            State::Zstd(encoder) => zstd_step(encoder, operation, data, room),
            State::Gzip(compress) => gzip_step(compress, operation, data, room),
        }
    }
}

fn brotli_step(
    state: &mut BrotliEncoderStateStruct<StandardAlloc>,
    operation: Operation,
    data: &[u8],
    room: &mut [u8],
) -> Step {
    let (mut unread, mut read) = (data.len(), 0);
    let (mut unwritten, mut written) = (room.len(), 0);
    let is_right = state.compress_stream(
        match operation {
            Operation::Process => BrotliEncoderOperation::BROTLI_OPERATION_PROCESS,
            Operation::Metadata => BrotliEncoderOperation::BROTLI_OPERATION_EMIT_METADATA,
            Operation::Flush => BrotliEncoderOperation::BROTLI_OPERATION_FLUSH,
            Operation::Finish => BrotliEncoderOperation::BROTLI_OPERATION_FINISH,
        },
        &mut unread,
        data,
        &mut read,
        &mut unwritten,
        room,
        &mut written,
        &mut None,
        &mut |_, _, _, _| (),
    );
    assert!(is_right, "brotli fails at nothing but operations out of order");
    let is_done = match operation {
        Operation::Finish => state.is_finished(),
        _ => unread == 0 && !state.has_more_output(),
    };
    Step { read, written, is_done }
}

/// Why calls of zstd cannot fail.
const ZSTD: &str = "zstd fails at nothing but lack of memory, where all else in here ends, too";

fn zstd_step(
    encoder: &mut zstd::stream::raw::Encoder<'static>,
    operation: Operation,
    data: &[u8],
    room: &mut [u8],
) -> Step {
    let mut input = InBuffer::around(data);
    let mut output = OutBuffer::around(room);
    let is_done = match operation {
        Operation::Process | Operation::Metadata => {
            encoder.run(&mut input, &mut output).expect(ZSTD);
            input.pos() == data.len()
        }
        Operation::Flush => encoder.flush(&mut output).expect(ZSTD) == 0,
        Operation::Finish => encoder.finish(&mut output, false).expect(ZSTD) == 0,
    };
    Step { read: input.pos(), written: output.pos(), is_done }
}

fn gzip_step(compress: &mut Compress, operation: Operation, data: &[u8], room: &mut [u8]) -> Step {
    let (read, written) = (compress.total_in(), compress.total_out());
    let flush = match operation {
        Operation::Process | Operation::Metadata => FlushCompress::None,
        Operation::Flush => FlushCompress::Sync,
        Operation::Finish => FlushCompress::Finish,
    };
    let status = compress.compress(data, room, flush);
    let status = status.expect("zlib fails at nothing but operations out of order");
    // Both fit: they count no more than what was passed in.
    let read = (compress.total_in() - read) as usize;
    let written = (compress.total_out() - written) as usize;
    let is_done = match operation {
        Operation::Finish => status == Status::StreamEnd,
        // It stops early only where there is no room.
        _ => written < room.len(),
    };
    Step { read, written, is_done }
}

/// The binary logarithm of a window over a body of this length, within limits.
fn window(length: Option<u64>, least: u32, most: u32) -> u32 {
    length.map_or(most, |length| (u64::BITS - length.leading_zeros()).clamp(least, most))
}

/// Makes the header of a gzip member that begins at `start`, and so far is nothing more, into one
/// with a comment (RFC 1952 section 2.3).
fn comment(length: usize, start: usize, out: &mut BytesMut) {
    const FLAGS: usize = 3;
    const FCOMMENT: u8 = 1 << 4;
    assert_eq!(out.len() - start, 10, "zlib gives out its header first, without optional fields");
    out[start + FLAGS] |= FCOMMENT;
    out.put_bytes(PADDING, length);
    out.put_u8(0);
}

/// Appends a frame that is to be skipped (RFC 8878 section 3.1.2). It is the last one, for some
/// decoders of a stream stop after the first.
fn skippable_frame(length: usize, out: &mut BytesMut) {
    const MAGIC: u32 = 0x184D_2A50;
    out.put_u32_le(MAGIC);
    out.put_u32_le(u32::try_from(length).expect("padding is short"));
    out.put_bytes(PADDING, length);
}

#[cfg(test)]
mod tests;
