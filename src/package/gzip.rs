//! A gzip stream, compressed in blocks by several threads.
//!
//! Goes in: pieces of bytes. Comes out: one gzip member with the header fields of Helm's archives. The bytes are cut into
//! blocks of one size; each is compressed with the end of the block before it as its dictionary, so that little is lost, and
//! ends at a byte (as pigz does). What comes out depends on the bytes alone, not on the number of threads. The header is
//! Helm's (`pkg/chart/v2/util/save.go`); the compressed stream differs from Go's, and reads the same.

use crate::error::{Error, ErrorKind, Result};
use crate::parallel;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

/// How many bytes a block takes in: few enough to stay near the processor, and for charts of a few hundred kilobytes to be
/// shared out; smaller ones would be lost in what each block costs.
const BLOCK: usize = 128 << 10;
/// How many bytes are compressed to at once. Always as many: how much room there is shows in what comes out.
const ROOM: usize = BLOCK / 4;
/// How far back deflate can refer.
const WINDOW: usize = 32 << 10;
/// A third faster than the default of 6, for an archive about a hundredth larger.
const LEVEL: u32 = 5;
/// Header: deflate, with extra field and comment, no time, unknown system.
const HEAD: &[u8] = &[0x1f, 0x8b, 8, 0x04 | 0x10, 0, 0, 0, 0, 0, 0xff];
/// Helm marks its archives with this gzip field; nothing reads it.
const EXTRA: &[u8] = b"rr\x28\x00aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";
/// Helm's comment, with its end.
const COMMENT: &[u8] = b"Helm\0";

/// The gzip stream of all pieces, one behind the other.
pub fn compress(pieces: &[Cow<'_, [u8]>]) -> Result<Vec<u8>> {
    compress_by(pieces, parallel::threads)
}

/// The same by so many threads as `threads` gives for the blocks.
fn compress_by(pieces: &[Cow<'_, [u8]>], threads: impl Fn(usize) -> usize) -> Result<Vec<u8>> {
    let length: usize = pieces.iter().map(|piece| piece.len()).sum();
    let count = length.div_ceil(BLOCK).max(1);
    let blocks = Mutex::new(Blocks { pieces: pieces.iter(), rest: &[], tail: Vec::new(), next: 0, count });
    let done: Vec<Mutex<Option<Result<Packed>>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let work = || {
        // One each for all blocks of a thread: fresh memory costs as much as copying into it.
        let (mut block, mut room) = (Block::default(), vec![0; ROOM]);
        while blocks.lock().unwrap_or_else(PoisonError::into_inner).fill(&mut block) {
            if let Some(place) = done.get(block.number) {
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(pack(&block, &mut room));
            }
        }
    };
    parallel::run(threads(count), work);
    let mut blocks = Vec::with_capacity(count);
    for place in done {
        let packed = place.into_inner().unwrap_or_else(PoisonError::into_inner);
        blocks.push(packed.unwrap_or_else(|| Err(failed("a block is missing")))?);
    }
    // Fresh memory costs more than what is copied into it: all at once, and no more than that.
    let length: usize = blocks.iter().map(|packed| packed.bytes.len()).sum();
    let mut stream = Vec::with_capacity(HEAD.len() + 2 + EXTRA.len() + COMMENT.len() + length + 8);
    stream.extend_from_slice(HEAD);
    stream.extend_from_slice(&u16::try_from(EXTRA.len()).unwrap_or(0).to_le_bytes());
    stream.extend_from_slice(EXTRA);
    stream.extend_from_slice(COMMENT);
    let mut sum = Crc::new();
    for packed in blocks {
        stream.extend_from_slice(&packed.bytes);
        sum.combine(&packed.sum);
    }
    stream.extend_from_slice(&sum.sum().to_le_bytes());
    stream.extend_from_slice(&sum.amount().to_le_bytes());
    Ok(stream)
}

/// A block to be compressed.
#[derive(Default)]
struct Block {
    number: usize,
    /// The end of the block before it, then its own bytes.
    bytes: Vec<u8>,
    /// Where its own bytes begin.
    start: usize,
    is_last: bool,
}

/// What a block came to.
struct Packed {
    bytes: Vec<u8>,
    /// The checksum of what went in.
    sum: Crc,
}

/// Cuts pieces into blocks.
struct Blocks<'a> {
    pieces: std::slice::Iter<'a, Cow<'a, [u8]>>,
    /// What is left of the piece before the next one.
    rest: &'a [u8],
    /// The end of the last block.
    tail: Vec<u8>,
    next: usize,
    count: usize,
}

impl Blocks<'_> {
    /// Puts the next block in the place of what `block` held; false when there is none.
    fn fill(&mut self, block: &mut Block) -> bool {
        if self.next == self.count {
            return false;
        }
        let bytes = &mut block.bytes;
        bytes.clear();
        bytes.append(&mut self.tail);
        block.start = bytes.len();
        let end = block.start + BLOCK;
        while bytes.len() < end {
            if self.rest.is_empty() {
                let Some(piece) = self.pieces.next() else { break };
                self.rest = piece;
            }
            let (taken, rest) = self.rest.split_at(self.rest.len().min(end - bytes.len()));
            bytes.extend_from_slice(taken);
            self.rest = rest;
        }
        self.tail.extend_from_slice(bytes.get(bytes.len().saturating_sub(WINDOW).max(block.start)..).unwrap_or_default());
        block.number = self.next;
        self.next += 1;
        block.is_last = self.next == self.count;
        true
    }
}

/// Compresses a block by way of `room`, whatever that holds.
fn pack(block: &Block, room: &mut [u8]) -> Result<Packed> {
    // A new one each time: one that is reset still shows in its output what it compressed before, and so which thread it was.
    let mut state = Compress::new(Compression::new(LEVEL), false);
    let (dictionary, data) = block.bytes.split_at(block.start);
    let mut sum = Crc::new();
    sum.update(data);
    if !dictionary.is_empty() {
        state.set_dictionary(dictionary).map_err(|error| failed(&error.to_string()))?;
    }
    let flush = if block.is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut bytes = Vec::new();
    loop {
        let read = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        let rest = data.get(read..).unwrap_or_default();
        let before = state.total_out();
        let status = state.compress(rest, room, flush).map_err(|error| failed(&error.to_string()))?;
        let written = usize::try_from(state.total_out() - before).unwrap_or(usize::MAX);
        // Most blocks come to one piece, which takes no more memory than it needs.
        bytes.reserve_exact(written);
        bytes.extend_from_slice(room.get(..written).unwrap_or_default());
        // Room that is left tells that all was written that there was.
        let all_read = usize::try_from(state.total_in()).is_ok_and(|read| read == data.len());
        let done = if block.is_last { status == Status::StreamEnd } else { all_read && written < room.len() };
        if done {
            return Ok(Packed { bytes, sum });
        }
    }
}

fn failed(message: &str) -> Error {
    Error::new(ErrorKind::Io, format!("compression failed: {message}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Bytes that repeat themselves now and then.
    fn sample(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 24
        };
        let mut bytes = Vec::new();
        while bytes.len() < length {
            let word = format!("word{} ", next() % 64);
            bytes.extend_from_slice(word.as_bytes());
            if next() == 0 {
                bytes.extend((0..200).map(|_| next() as u8));
            }
        }
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn what_goes_in_comes_out_again() {
        for length in [0, 1, 1000, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7] {
            let data = sample(length);
            let stream = compress(&[Cow::Borrowed(&data)]).expect("it compresses");
            let mut decoder = flate2::read::GzDecoder::new(stream.as_slice());
            let mut back = Vec::new();
            decoder.read_to_end(&mut back).expect("it is gzip");
            assert!(back == data, "{length} bytes");
            let header = decoder.header().expect("a header");
            assert_eq!(
                (header.comment(), header.extra(), header.mtime(), header.operating_system()),
                (Some(&b"Helm"[..]), Some(EXTRA), 0, 255)
            );
        }
    }

    /// Numbers in digits: of what was tried, the text in which a compressor that is used twice shows it.
    fn numbers(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let mut bytes = Vec::new();
        while bytes.len() < length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let number = (state >> 16) % 1000;
            bytes.extend_from_slice(format!("{} ", number * number / 1000).as_bytes());
        }
        bytes.truncate(length);
        bytes
    }

    #[test]
    fn threads_do_not_show() {
        let data = numbers(9 * BLOCK + 5000);
        let pieces = [Cow::Borrowed(&data[..])];
        let alone = compress_by(&pieces, |_| 1).expect("it compresses");
        for threads in [2, 3, 5, 16].repeat(6) {
            assert!(alone == compress_by(&pieces, |_| threads).expect("it compresses"), "{threads} threads");
        }
    }

    #[test]
    fn pieces_do_not_show() {
        let data = sample(2 * BLOCK + 100);
        let whole = compress(&[Cow::Borrowed(&data)]).expect("it compresses");
        let pieces: Vec<Cow<'_, [u8]>> = data.chunks(777).map(Cow::Borrowed).collect();
        assert!(whole == compress(&pieces).expect("it compresses"));
        assert!(whole == compress(&[Cow::Owned(Vec::new()), Cow::Owned(data)]).expect("it compresses"));
    }

    #[test]
    fn bytes_that_do_not_compress_are_stored() {
        let mut state = 1u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(BLOCK + 5000)
        .collect();
        let stream = compress(&[Cow::Borrowed(&noise)]).expect("it compresses");
        assert!(stream.len() < noise.len() + 1000);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(stream.as_slice()).read_to_end(&mut back).expect("it is gzip");
        assert!(back == noise);
    }
}
