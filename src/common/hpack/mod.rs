//! How HTTP/2 writes the fields of a head (RFC 7541): as what both sides remember of the heads before. [`Decoder`] reads those of requests,
//! [`Encoder`] writes those of answers.

mod decoder;
mod encoder;
mod fixed;
mod huffman;

use bytes::{BufMut as _, BytesMut};
use http::HeaderName;

pub use self::{decoder::Decoder, encoder::Encoder};

/// What a table may take unless the other side says otherwise (RFC 9113, section 6.5.2).
const TABLE: usize = 4096;
/// What an entry takes beside its bytes (RFC 7541, section 4.1).
const OVERHEAD: usize = 32;

/// Where a block does not follow the RFC. What follows on its connection can't be read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a malformed header block")]
pub struct Malformed;

/// A name as HTTP/2 has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// That of a control datum (RFC 9113, section 8.3).
    Pseudo(Pseudo),
    /// That of a field.
    Field(HeaderName),
    /// Neither, of so many bytes.
    Bad(usize),
}

/// A control datum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pseudo {
    /// `:authority`.
    Authority,
    /// `:method`.
    Method,
    /// `:path`.
    Path,
    /// `:protocol` (RFC 8441).
    Protocol,
    /// `:scheme`.
    Scheme,
    /// `:status`, which only answers have.
    Status,
}

impl Name {
    fn read(bytes: &[u8]) -> Self {
        match bytes {
            b":authority" => Self::Pseudo(Pseudo::Authority),
            b":method" => Self::Pseudo(Pseudo::Method),
            b":path" => Self::Pseudo(Pseudo::Path),
            b":protocol" => Self::Pseudo(Pseudo::Protocol),
            b":scheme" => Self::Pseudo(Pseudo::Scheme),
            b":status" => Self::Pseudo(Pseudo::Status),
            _ => HeaderName::from_lowercase(bytes).map_or(Self::Bad(bytes.len()), Self::Field),
        }
    }

    /// How many bytes it has.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "an empty one is bad")]
    pub fn len(&self) -> usize {
        match self {
            Self::Pseudo(Pseudo::Path) => 5,
            Self::Pseudo(Pseudo::Method | Pseudo::Scheme | Pseudo::Status) => 7,
            Self::Pseudo(Pseudo::Protocol) => 9,
            Self::Pseudo(Pseudo::Authority) => 10,
            Self::Field(name) => name.as_str().len(),
            Self::Bad(length) => *length,
        }
    }
}

/// Writes an integer behind the bits of `first` that are before its own `bits` (RFC 7541, section 5.1).
#[allow(clippy::cast_possible_truncation, reason = "what is cut off comes next")]
fn write_integer(first: u8, bits: u32, value: usize, out: &mut BytesMut) {
    let most = (1 << bits) - 1;
    if value < most {
        return out.put_u8(first | value as u8);
    }
    out.put_u8(first | most as u8);
    let mut rest = value - most;
    while rest >= 0x80 {
        out.put_u8(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.put_u8(rest as u8);
}

#[cfg(test)]
mod tests;
