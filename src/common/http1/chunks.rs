//! The frame of a chunked body (RFC 9112, section 7.1).

use super::is_token;

/// What the first bytes of what comes next of a chunked body are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// So many of its frame.
    Frame(usize),
    /// So many of its data.
    Data(usize),
    /// So many of its trailer section, which goes on.
    Trailers(usize),
    /// So many of its trailer section, with which it ends.
    End(usize),
}

/// A chunked body is not as RFC 9112, section 7.1 has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

/// The strict reading of a chunked body across any cuts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunks {
    state: Chunk,
    /// Bytes of the size line or trailer section so far.
    line: usize,
    /// Whether white space may follow a size, as some old applications pad it.
    padded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chunk {
    /// In the digits of a size; how many so far, and their value.
    Size(u8, u64),
    /// In white space after a size.
    Padding(u64),
    /// In a chunk extension of a chunk of this size.
    Extension(u64),
    /// After the CR of the size line.
    SizeLf(u64),
    /// In data, this many bytes to come.
    Data(u64),
    DataCr,
    DataLf,
    /// At the start of a trailer line.
    TrailerStart,
    /// In a trailer's name, value, and after its CR.
    TrailerName,
    TrailerValue,
    TrailerLf,
    /// After the CR of the last empty line.
    EndLf,
}

impl Default for Chunk {
    fn default() -> Self {
        Self::Size(0, 0)
    }
}

/// Longest size line with its extension, and longest trailer section.
const CHUNK_LINE: usize = 1024;
const TRAILERS: usize = 8192;

impl Chunks {
    /// The reading of an answer, whose sizes may be padded.
    #[must_use]
    pub fn padded() -> Self {
        Self { padded: true, ..Self::default() }
    }

    /// Reads on to the end of one part.
    ///
    /// # Errors
    /// At the first byte that is not as it must be.
    pub fn next(&mut self, bytes: &[u8]) -> Result<Part, Malformed> {
        if let (Chunk::Data(left), false) = (self.state, bytes.is_empty()) {
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
            let left = left - here as u64;
            self.state = if left == 0 { Chunk::DataCr } else { Chunk::Data(left) };
            return Ok(Part::Data(here));
        }
        let trailers = self.is_in_trailers();
        let mut at = 0;
        while at < bytes.len() && self.is_in_trailers() == trailers && !matches!(self.state, Chunk::Data(_)) {
            at += 1;
            if self.step(bytes[at - 1])? {
                return Ok(Part::End(at));
            }
        }
        Ok(if trailers { Part::Trailers(at) } else { Part::Frame(at) })
    }

    /// Reads on. `Ok(Some(n))` when the body ended after `n` bytes of `bytes`, `Ok(None)` when it goes on.
    ///
    /// # Errors
    /// At the first byte that is not as it must be.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        let mut at = 0;
        while at < bytes.len() {
            at += match self.next(&bytes[at..])? {
                Part::Frame(read) | Part::Data(read) | Part::Trailers(read) => read,
                Part::End(read) => return Ok(Some(at + read)),
            };
        }
        Ok(None)
    }

    fn is_in_trailers(&self) -> bool {
        use Chunk::{EndLf, TrailerLf, TrailerName, TrailerStart, TrailerValue};
        matches!(self.state, TrailerStart | TrailerName | TrailerValue | TrailerLf | EndLf)
    }

    /// One byte outside data; `true` when it was the last of the body.
    fn step(&mut self, byte: u8) -> Result<bool, Malformed> {
        let bad = Err(Malformed);
        self.line += 1;
        self.state = match (self.state, byte) {
            (Chunk::Size(digits, size), b) if b.is_ascii_hexdigit() => {
                if digits >= 15 {
                    return bad;
                }
                Chunk::Size(digits + 1, size << 4 | u64::from(hex(b)))
            }
            (Chunk::Size(1.., size), b'\r') => Chunk::SizeLf(size),
            (Chunk::Size(1.., size), b';') => Chunk::Extension(size),
            (Chunk::Size(1.., size) | Chunk::Padding(size), b' ' | b'\t') if self.padded && self.line <= CHUNK_LINE => {
                Chunk::Padding(size)
            }
            (Chunk::Padding(size), b'\r') => Chunk::SizeLf(size),
            (Chunk::Padding(size), b';') => Chunk::Extension(size),
            (Chunk::Extension(size), b'\r') => Chunk::SizeLf(size),
            (Chunk::Extension(size), b) if is_text(b) && self.line <= CHUNK_LINE => Chunk::Extension(size),
            (Chunk::SizeLf(size), b'\n') => {
                self.line = 0;
                if size == 0 { Chunk::TrailerStart } else { Chunk::Data(size) }
            }
            (Chunk::DataCr, b'\r') => Chunk::DataLf,
            (Chunk::DataLf, b'\n') => {
                self.line = 0;
                Chunk::Size(0, 0)
            }
            (Chunk::TrailerStart, b'\r') => Chunk::EndLf,
            (Chunk::TrailerStart | Chunk::TrailerName, b) if is_token(b) && self.line <= TRAILERS => Chunk::TrailerName,
            (Chunk::TrailerName, b':') => Chunk::TrailerValue,
            (Chunk::TrailerValue, b'\r') => Chunk::TrailerLf,
            (Chunk::TrailerValue, b) if is_text(b) && self.line <= TRAILERS => Chunk::TrailerValue,
            (Chunk::TrailerLf, b'\n') => Chunk::TrailerStart,
            (Chunk::EndLf, b'\n') => return Ok(true),
            _ => return bad,
        };
        Ok(false)
    }
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= 0x20 && byte != 0x7f)
}

fn hex(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        _ => byte - b'A' + 10,
    }
}

#[cfg(test)]
mod tests;
