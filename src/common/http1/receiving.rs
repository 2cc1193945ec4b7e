//! The body of a message on its way in.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};

use super::chunks::{Chunks, Malformed, Part};

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

/// Most bytes read at once: what TLS takes at once.
const READ: usize = 1 << 16;
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

    /// How much room to read into, where the last read took `last` bytes.
    #[must_use]
    pub fn room(&self, last: usize) -> usize {
        match self {
            Self::Bytes(left) => usize::try_from(*left).unwrap_or(READ).min(READ),
            _ => (2 * last).clamp(FIRST, READ),
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
                            let trailers = parse(trailers)?;
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
fn parse(section: &[u8]) -> Result<Option<HeaderMap>, Fault> {
    if section == b"\r\n" {
        return Ok(None);
    }
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let Ok(httparse::Status::Complete((_, fields))) = httparse::parse_headers(section, &mut fields) else {
        return Err(Fault::Malformed);
    };
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Fault::Malformed)?;
        trailers.append(name, HeaderValue::from_bytes(field.value).map_err(|_| Fault::Malformed)?);
    }
    Ok(Some(trailers))
}
