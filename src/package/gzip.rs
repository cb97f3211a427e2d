//! A gzip stream, compressed in blocks by several threads.
//!
//! Goes in: bytes from any source. Comes out: one gzip member with the header fields of Helm's archives. The bytes are cut into
//! blocks of one size; each is compressed with the end of the previous block as its dictionary, so that little compression is
//! lost, and ends at a byte boundary (as in pigz). The output depends only on the bytes, not on the number of threads. The
//! header is Helm's (`pkg/chart/v2/util/save.go`); the compressed stream differs from Go's, but decompresses to the same bytes.

use crate::error::{Error, ErrorKind, Result};
use crate::parallel::{self, Queue};
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

/// The block size: small enough to stay in the processor's cache, and to split charts of a few hundred
/// kilobytes between threads; in smaller blocks the overhead per block would dominate.
const BLOCK: usize = 128 << 10;
/// The size of the output buffer. It is fixed because the buffer size affects the compressed bytes.
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

/// Where the bytes come from; ranges are read in any order and by several threads at once.
pub trait Source: Sync {
    /// The total number of bytes.
    fn length(&self) -> usize;

    /// Appends the bytes of `range` to `bytes`.
    fn append(&self, range: Range<usize>, bytes: &mut Vec<u8>) -> Result<()>;
}

/// The gzip stream of the bytes of `source`. Fails if reading them fails.
pub fn compress(source: &impl Source) -> Result<Vec<u8>> {
    compress_by(source, parallel::threads)
}

/// The same, with the number of threads that `threads` returns for the number of blocks.
fn compress_by(source: &impl Source, threads: impl Fn(usize) -> usize) -> Result<Vec<u8>> {
    let length = source.length();
    let count = length.div_ceil(BLOCK).max(1);
    let queue = Queue::new(count);
    let stream = Mutex::new(Stream::new(count, length));
    let work = || {
        // Each thread reuses one pair of buffers for all its blocks: fresh memory costs as much as copying into it.
        let (mut bytes, mut room) = (Vec::with_capacity(WINDOW + BLOCK), vec![0; ROOM]);
        while let Some(number) = queue.take() {
            let start = number * BLOCK;
            // The end of the previous block, then the block's own bytes.
            let dictionary = start.min(WINDOW);
            bytes.clear();
            let read = source.append(start - dictionary..length.min(start + BLOCK), &mut bytes);
            let packed = read.and_then(|()| pack(bytes.split_at(dictionary), number + 1 == count, &mut room));
            if packed.is_err() {
                queue.stop();
            }
            stream.lock().unwrap_or_else(PoisonError::into_inner).add(number, packed);
        }
    };
    parallel::run(threads(count), work);
    stream.into_inner().unwrap_or_else(PoisonError::into_inner).finish()
}

/// The stream, as far as its blocks are complete.
struct Stream {
    bytes: Vec<u8>,
    sum: Crc,
    /// The number of the next block to append, and the blocks that were finished early.
    next: usize,
    waiting: Vec<Option<Result<Packed>>>,
}

impl Stream {
    fn new(blocks: usize, length: usize) -> Stream {
        // Reserved memory costs nothing until it is written to, and more is rarely needed.
        let mut bytes = Vec::with_capacity(1024 + length / 2);
        bytes.extend_from_slice(HEAD);
        bytes.extend_from_slice(&u16::try_from(EXTRA.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(EXTRA);
        bytes.extend_from_slice(COMMENT);
        Stream { bytes, sum: Crc::new(), next: 0, waiting: (0..blocks).map(|_| None).collect() }
    }

    /// Records the block of this number, and appends all blocks whose turn it is.
    fn add(&mut self, number: usize, packed: Result<Packed>) {
        if let Some(place) = self.waiting.get_mut(number) {
            *place = Some(packed);
        }
        while let Some(Some(Ok(packed))) = self.waiting.get_mut(self.next).map(|place| place.take_if(|packed| packed.is_ok())) {
            self.bytes.extend_from_slice(&packed.bytes);
            self.sum.combine(&packed.sum);
            self.next += 1;
        }
    }

    /// The whole stream, or the first fault.
    fn finish(mut self) -> Result<Vec<u8>> {
        for fault in self.waiting.into_iter().flatten() {
            fault?;
        }
        self.bytes.extend_from_slice(&self.sum.sum().to_le_bytes());
        self.bytes.extend_from_slice(&self.sum.amount().to_le_bytes());
        Ok(self.bytes)
    }
}

/// A compressed block.
struct Packed {
    bytes: Vec<u8>,
    /// The checksum of the uncompressed bytes.
    sum: Crc,
}

/// Compresses a block, which is passed with the dictionary in front of it. `room` is a buffer; its contents do not matter.
fn pack((dictionary, data): (&[u8], &[u8]), is_last: bool, room: &mut [u8]) -> Result<Packed> {
    // A new compressor for each block: after a reset the output still depends on earlier blocks, and so on the thread.
    let mut state = Compress::new(Compression::new(LEVEL), false);
    let mut sum = Crc::new();
    sum.update(data);
    if !dictionary.is_empty() {
        state.set_dictionary(dictionary).map_err(|error| failed(&error.to_string()))?;
    }
    let flush = if is_last { FlushCompress::Finish } else { FlushCompress::Sync };
    let mut bytes = Vec::new();
    loop {
        let read = usize::try_from(state.total_in()).unwrap_or(usize::MAX);
        let rest = data.get(read..).unwrap_or_default();
        let before = state.total_out();
        let status = state.compress(rest, room, flush).map_err(|error| failed(&error.to_string()))?;
        let written = usize::try_from(state.total_out() - before).unwrap_or(usize::MAX);
        // Most blocks fit into one piece, so this allocates exactly what is needed.
        bytes.reserve_exact(written);
        bytes.extend_from_slice(room.get(..written).unwrap_or_default());
        // Unused room in the buffer shows that all output was written.
        let all_read = usize::try_from(state.total_in()).is_ok_and(|read| read == data.len());
        let done = if is_last { status == Status::StreamEnd } else { all_read && written < room.len() };
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

    impl Source for Vec<u8> {
        fn length(&self) -> usize {
            self.len()
        }

        fn append(&self, range: Range<usize>, bytes: &mut Vec<u8>) -> Result<()> {
            bytes.extend_from_slice(&self[range]);
            Ok(())
        }
    }

    /// Mostly repetitive bytes.
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
            let stream = compress(&data).expect("it compresses");
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

    /// Numbers in digits: of the texts tried, the one for which a reused compressor gives different bytes.
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
        let alone = compress_by(&data, |_| 1).expect("it compresses");
        for threads in [2, 3, 5, 16].repeat(6) {
            assert!(alone == compress_by(&data, |_| threads).expect("it compresses"), "{threads} threads");
        }
    }

    /// Zeros, of which a range cannot be read.
    struct Broken(Range<usize>);

    impl Source for Broken {
        fn length(&self) -> usize {
            5 * BLOCK
        }

        fn append(&self, range: Range<usize>, bytes: &mut Vec<u8>) -> Result<()> {
            if range.start < self.0.end && self.0.start < range.end {
                return Err(failed("gone"));
            }
            bytes.resize(bytes.len() + range.len(), 0);
            Ok(())
        }
    }

    #[test]
    fn what_cannot_be_read_ends_it() {
        assert!(compress(&Broken(0..0)).is_ok());
        for start in [0, 100, BLOCK - 1, BLOCK, 3 * BLOCK, 5 * BLOCK - 1] {
            assert_eq!(compress(&Broken(start..start + 1)).expect_err("a fault").message(), "compression failed: gone");
        }
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
        let stream = compress(&noise).expect("it compresses");
        assert!(stream.len() < noise.len() + 1000);
        let mut back = Vec::new();
        flate2::read::GzDecoder::new(stream.as_slice()).read_to_end(&mut back).expect("it is gzip");
        assert!(back == noise);
    }
}
