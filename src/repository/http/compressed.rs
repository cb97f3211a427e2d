//! Compressed bodies.
//!
//! Goes in: a response that is said to be compressed. Comes out: its text, as a reader. It is apart from the transport, which could
//! do the same, because bodies that only claim to be compressed come as they are, as in Helm, which asks for none.

use super::body::patience;
use reqwest::blocking::Response;
use std::io::Read;
use std::time::{Duration, Instant};

/// A compressed body as it is sent, within the limits of what it unpacks to: it may unpack to nothing.
pub(super) struct Packed {
    response: Response,
    limit: u64,
    read: u64,
    began: Instant,
    timeout: Option<Duration>,
}

impl Read for Packed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.timeout.is_some_and(|timeout| self.began.elapsed() > patience(timeout, self.read)) {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        let count = self.response.read(buffer)?;
        self.read += count as u64;
        if self.read > self.limit {
            return Err(std::io::ErrorKind::FileTooLarge.into());
        }
        Ok(count)
    }
}

/// The text of a body that is said to be compressed. Some servers say so of every file; then it comes as it is.
pub(super) enum Unpacked {
    /// Of which nothing was read.
    Sealed(Box<Packed>),
    Open(Box<dyn Read>),
    /// What could not be opened.
    Broken,
}

impl Unpacked {
    /// The body of `response`, of at most `limit` bytes; with a timeout it must deliver bytes fast enough.
    pub(super) fn of(response: Response, limit: u64, timeout: Option<Duration>) -> Unpacked {
        Unpacked::Sealed(Box::new(Packed { response, limit, read: 0, began: Instant::now(), timeout }))
    }

    fn open(mut sealed: Box<Packed>) -> std::io::Result<Box<dyn Read>> {
        let mut start = Vec::new();
        sealed.by_ref().take(2).read_to_end(&mut start)?;
        let is_gzip = start == [0x1f, 0x8b];
        let whole = std::io::Cursor::new(start).chain(sealed);
        Ok(if is_gzip { Box::new(flate2::read::MultiGzDecoder::new(whole)) } else { Box::new(whole) })
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if let Unpacked::Sealed(_) = self
            && let Unpacked::Sealed(sealed) = std::mem::replace(self, Unpacked::Broken)
        {
            *self = Unpacked::Open(Unpacked::open(sealed)?);
        }
        match self {
            Unpacked::Open(body) => body.read(buffer),
            Unpacked::Sealed(_) | Unpacked::Broken => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
