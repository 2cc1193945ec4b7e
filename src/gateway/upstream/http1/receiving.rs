//! An answer's body on its way in.

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Frame, SizeHint};

use super::{error::Error, head::FIELDS};
use crate::common::http1::{Chunks, Part};

/// How the body of an answer ends, and how far it is.
#[derive(Debug)]
pub(super) enum Remaining {
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
    pub(super) fn chunked(chunks: Chunks) -> Self {
        Self::Chunked(Box::new((chunks, Vec::new())))
    }

    /// Whether nothing more comes.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// How much comes, where it is known.
    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Over => SizeHint::with_exact(0),
            Self::Bytes(left) => SizeHint::with_exact(*left),
            Self::Chunked(_) | Self::ToTheEnd => SizeHint::default(),
        }
    }

    /// How much room to read into, where the last read took `last` bytes.
    pub(super) fn room(&self, last: usize) -> usize {
        match self {
            Self::Bytes(left) => usize::try_from(*left).unwrap_or(READ).min(READ),
            _ => (2 * last).clamp(FIRST, READ),
        }
    }

    /// What `read` holds of it: a frame, or nothing where more must be read.
    ///
    /// # Errors
    /// When its frame is broken.
    pub(super) fn take(&mut self, read: &mut BytesMut) -> Result<Option<Frame<Bytes>>, Error> {
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
                    match chunks.next(read).map_err(|_| Error::Chunks)? {
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
    pub(super) fn end(&mut self) -> Result<(), Error> {
        match self {
            Self::Over => Ok(()),
            Self::ToTheEnd => {
                *self = Self::Over;
                Ok(())
            }
            Self::Bytes(_) | Self::Chunked(_) => Err(Error::Ended),
        }
    }
}

/// A trailer section; nothing where it is empty.
fn parse(section: &[u8]) -> Result<Option<HeaderMap>, Error> {
    if section == b"\r\n" {
        return Ok(None);
    }
    let mut fields = [httparse::EMPTY_HEADER; FIELDS];
    let parsed = httparse::parse_headers(section, &mut fields).map_err(Error::Head)?;
    let httparse::Status::Complete((_, fields)) = parsed else { return Err(Error::Chunks) };
    let mut trailers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(|_| Error::Field)?;
        trailers.append(name, HeaderValue::from_bytes(field.value).map_err(|_| Error::Field)?);
    }
    Ok(Some(trailers))
}
