//! The body of a message on its way in.

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use super::{
    chunks::{Chunks, Malformed, Part},
    fields,
};

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its frame is broken, or a field behind it.
    Malformed,
    /// Its connection ended first.
    Ended,
}

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// Most fields behind a body.
const FIELDS: usize = 100;

/// How the body of a message ends, and how far it is.
#[derive(Debug)]
pub enum Remaining {
    /// It has ended.
    Over,
    /// After so many bytes more.
    Bytes(u64),
    /// After its last chunk. Its trailers are gathered beside.
    Chunked(Box<(Chunks, Vec<u8>)>),
    /// When the connection does.
    ToTheEnd,
}

/// Most bytes read at once of a body that goes on slower than it comes.
pub const READ: usize = 1 << 16;
/// Least bytes read at once where nobody knows how many will come.
const FIRST: usize = 1 << 13;

impl Remaining {
    /// In chunks, as they are read by `chunks`.
    #[must_use]
    pub fn chunked(chunks: Chunks) -> Self {
        Self::Chunked(Box::new((chunks, Vec::new())))
    }

    /// Whether nothing more comes.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// How much comes, where it is known.
    #[must_use]
    pub fn size_hint(&self) -> SizeHint {
        match self {
            Self::Over => SizeHint::with_exact(0),
            Self::Bytes(left) => SizeHint::with_exact(*left),
            Self::Chunked(_) | Self::ToTheEnd => SizeHint::default(),
        }
    }

    /// How much room to read into, up to `most`, where the last read took `last` bytes.
    #[must_use]
    pub fn room(&self, last: usize, most: usize) -> usize {
        match self {
            Self::Bytes(left) => usize::try_from(*left).unwrap_or(most).min(most),
            _ => (2 * last).clamp(FIRST, most),
        }
    }

    /// What `read` holds of it: a frame, or nothing where more must be read.
    ///
    /// # Errors
    /// When its frame is broken.
    pub fn take(&mut self, read: &mut BytesMut) -> Result<Option<Frame<Bytes>>, Fault> {
        while !read.is_empty() {
            match self {
                Self::Over => return Ok(None),
                Self::ToTheEnd => return Ok(Some(Frame::data(read.split().freeze()))),
                Self::Bytes(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(read.len());
                    *left -= taken as u64;
                    if *left == 0 {
                        *self = Self::Over;
                    }
                    return Ok(Some(Frame::data(read.split_to(taken).freeze())));
                }
                Self::Chunked(chunked) => {
                    let (chunks, trailers) = &mut **chunked;
                    match chunks.next(read)? {
                        Part::Frame(size) => read.advance(size),
                        Part::Data(size) => return Ok(Some(Frame::data(read.split_to(size).freeze()))),
                        Part::Trailers(size) => trailers.extend_from_slice(&read.split_to(size)),
                        Part::End(size) => {
                            trailers.extend_from_slice(&read.split_to(size));
                            let trailers = parse(std::mem::take(trailers))?;
                            *self = Self::Over;
                            return Ok(trailers.map(Frame::trailers));
                        }
                    }
                }
            }
        }
        Ok(None)
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// When it should not have.
    pub fn end(&mut self) -> Result<(), Fault> {
        match self {
            Self::Over => Ok(()),
            Self::ToTheEnd => {
                *self = Self::Over;
                Ok(())
            }
            Self::Bytes(_) | Self::Chunked(_) => Err(Fault::Ended),
        }
    }
}

/// A trailer section; nothing where it is empty.
fn parse(section: Vec<u8>) -> Result<Option<HeaderMap>, Fault> {
    let section = Bytes::from(section);
    let mut rest = section.strip_suffix(b"\r\n").unwrap_or(&section);
    let mut trailers = HeaderMap::new();
    while !rest.is_empty() {
        let (name, value) = fields::read(&section, fields::next(&mut rest)).map_err(|_| Fault::Malformed)?;
        if trailers.len() == FIELDS {
            return Err(Fault::Malformed);
        }
        trailers.append(name, value);
    }
    Ok((!trailers.is_empty()).then_some(trailers))
}
