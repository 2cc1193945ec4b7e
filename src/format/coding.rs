//! Content codings (RFC 9110, section 8.4.1): gzip, deflate, br (RFC 7932) and zstd (RFC 8878) undone and done again, step by step.

use compression_codecs::{
    BrotliDecoder, BrotliEncoder, DecodeV2, DeflateDecoder, EncodeV2, GzipDecoder, GzipEncoder, ZlibDecoder,
    ZlibEncoder, ZstdDecoder, ZstdEncoder,
    brotli::params::EncoderParams,
    core::{
        Level,
        util::{PartialBuffer, WriteBuffer},
    },
    flate::params::FlateEncoderParams,
    zstd::params::DParameter,
};

use super::visitor::Malformed;

/// Bytes that one step gives at most.
pub const STEP: usize = 16 << 10;
/// Beyond this many bytes a body may not be more than [`RATIO`] times as large as it was sent.
const FREE: u64 = 64 << 20;
const RATIO: u64 = 250;
/// Largest window of zstd that must be supported (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// A coding that can be undone and done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// `gzip`, `x-gzip`
    Gzip,
    /// `deflate`: zlib's format; raw deflate is read too.
    Deflate,
    /// `br`
    Brotli,
    /// `zstd`
    Zstd,
}

impl Coding {
    /// By its name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "br" => Some(Self::Brotli),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }
}

/// Undoes a coding.
pub struct Decoder {
    coding: Coding,
    inner: Option<Box<dyn DecodeV2>>,
    buffer: Box<[u8]>,
    read: u64,
    written: u64,
    /// The last step filled its buffer, so that there may be more.
    full: bool,
    ended: bool,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("coding", &self.coding).finish_non_exhaustive()
    }
}

const BROKEN: Malformed = Malformed("a body that is not in the coding it says");
const CUT: Malformed = Malformed("a coded body that is cut");
const BOMB: Malformed = Malformed("a body that grows too much when its coding is undone");

impl Decoder {
    /// A decoder at a body's beginning.
    #[must_use]
    pub fn new(coding: Coding) -> Self {
        let buffer = vec![0; STEP].into_boxed_slice();
        Self { coding, inner: None, buffer, read: 0, written: 0, full: false, ended: false }
    }

    /// Appends at most [`STEP`] bytes to `out`; says how many of `input` were read.
    ///
    /// # Errors
    /// When the body is broken, or a bomb.
    pub fn step(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<usize, Malformed> {
        if self.ended && !input.is_empty() {
            // gzip and zstd may be many members one after the other.
            let again = matches!(self.coding, Coding::Gzip | Coding::Zstd);
            let inner = self.inner.as_mut().filter(|_| again).ok_or(BROKEN)?;
            inner.reinit().map_err(|_| BROKEN)?;
            self.ended = false;
        }
        let inner = match &mut self.inner {
            Some(inner) => inner,
            None if input.is_empty() => return Ok(0),
            None => self.inner.insert(decoder(self.coding, input[0])),
        };
        let mut source = PartialBuffer::new(input);
        let mut sink = WriteBuffer::new_initialized(&mut self.buffer);
        if !input.is_empty() {
            self.ended = inner.decode(&mut source, &mut sink).map_err(|_| BROKEN)?;
        } else if self.full && !self.ended {
            inner.flush(&mut sink).map_err(|_| BROKEN)?;
        }
        self.full = sink.has_no_spare_space();
        out.extend_from_slice(sink.written());
        self.written += sink.written_len() as u64;
        let read = source.written_len();
        self.read += read as u64;
        if read == 0 && sink.written_len() == 0 && !input.is_empty() && !self.ended {
            return Err(BROKEN);
        }
        if self.written > FREE && self.written / RATIO > self.read {
            return Err(BOMB);
        }
        Ok(read)
    }

    /// Whether a step without input may give more.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.full && !self.ended
    }

    /// The body ends here.
    ///
    /// # Errors
    /// When it is cut.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        while self.has_more() {
            self.step(b"", out)?;
        }
        let Some(inner) = &mut self.inner else { return Ok(()) };
        if self.ended {
            return Ok(());
        }
        let mut sink = WriteBuffer::new_initialized(&mut self.buffer);
        let ended = inner.finish(&mut sink).map_err(|_| CUT)?;
        out.extend_from_slice(sink.written());
        self.ended = ended;
        if ended { Ok(()) } else { Err(CUT) }
    }
}

fn decoder(coding: Coding, first: u8) -> Box<dyn DecodeV2> {
    match coding {
        Coding::Gzip => Box::new(GzipDecoder::new()),
        // The first byte of zlib's format names method 8; as raw deflate it would begin a stored block with padding bits set.
        Coding::Deflate if first & 0x0F == 8 => Box::new(ZlibDecoder::new()),
        Coding::Deflate => Box::new(DeflateDecoder::new()),
        Coding::Brotli => Box::new(BrotliDecoder::new()),
        Coding::Zstd => Box::new(ZstdDecoder::new_with_params(&[DParameter::window_log_max(ZSTD_WINDOW_LOG)])),
    }
}

/// Does a coding.
pub struct Encoder {
    inner: Box<dyn EncodeV2>,
    buffer: Box<[u8]>,
    /// Bytes were taken that may not be out.
    behind: bool,
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("behind", &self.behind).finish_non_exhaustive()
    }
}

impl Encoder {
    /// An encoder at a body's beginning; its effort is what a server spends on answers that it makes.
    #[must_use]
    pub fn new(coding: Coding) -> Self {
        let flate = || FlateEncoderParams::from(Level::Precise(4));
        let inner: Box<dyn EncodeV2> = match coding {
            Coding::Gzip => Box::new(GzipEncoder::new(flate())),
            Coding::Deflate => Box::new(ZlibEncoder::new(flate())),
            Coding::Brotli => {
                Box::new(BrotliEncoder::new(EncoderParams::default().quality(Level::Precise(4)).window_size(18)))
            }
            Coding::Zstd => Box::new(ZstdEncoder::new(3)),
        };
        Self { inner, buffer: vec![0; STEP].into_boxed_slice(), behind: false }
    }

    /// Encodes `input`; appends what is ready.
    ///
    /// # Errors
    /// When the library fails.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut source = PartialBuffer::new(input);
        while !source.unwritten().is_empty() {
            let mut sink = WriteBuffer::new_initialized(&mut self.buffer);
            self.inner.encode(&mut source, &mut sink).map_err(|_| FAILED)?;
            out.extend_from_slice(sink.written());
            self.behind = true;
        }
        Ok(())
    }

    /// Appends all that was taken so far, so that it can be read at the other end.
    ///
    /// # Errors
    /// When the library fails.
    pub fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut done = !std::mem::take(&mut self.behind);
        while !done {
            let mut sink = WriteBuffer::new_initialized(&mut self.buffer);
            done = self.inner.flush(&mut sink).map_err(|_| FAILED)?;
            out.extend_from_slice(sink.written());
        }
        Ok(())
    }

    /// The body ends here: appends the rest.
    ///
    /// # Errors
    /// When the library fails.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        loop {
            let mut sink = WriteBuffer::new_initialized(&mut self.buffer);
            let done = self.inner.finish(&mut sink).map_err(|_| FAILED)?;
            out.extend_from_slice(sink.written());
            if done {
                return Ok(());
            }
        }
    }
}

const FAILED: Malformed = Malformed("a body could not be coded again");

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Coding; 4] = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];

    fn coded(coding: Coding, plain: &[u8]) -> Vec<u8> {
        let (mut encoder, mut out) = (Encoder::new(coding), Vec::new());
        for piece in plain.chunks(1000) {
            encoder.push(piece, &mut out).expect("coded");
        }
        encoder.finish(&mut out).expect("coded");
        out
    }

    fn plain(coding: Coding, coded: &[u8], size: usize) -> Result<Vec<u8>, Malformed> {
        let (mut decoder, mut out) = (Decoder::new(coding), Vec::new());
        for mut piece in coded.chunks(size) {
            while !piece.is_empty() || decoder.has_more() {
                let read = decoder.step(piece, &mut out)?;
                piece = &piece[read..];
            }
        }
        decoder.finish(&mut out)?;
        Ok(out)
    }

    #[test]
    fn codings_are_undone_and_done_whatever_the_cuts() {
        let mut text: Vec<u8> = (0..60_000_u32).flat_map(|i| (i * i % 251).to_le_bytes()).collect();
        text.extend(vec![b'a'; 3 * STEP]);
        for coding in ALL {
            let coded = coded(coding, &text);
            for size in [1, 7, 1000, usize::MAX] {
                assert_eq!(plain(coding, &coded, size).expect("valid"), text, "{coding:?} {size}");
            }
            assert_eq!(plain(coding, b"", 1), Ok(Vec::new()));
            for cut in [1, coded.len() / 2, coded.len() - 1] {
                assert!(plain(coding, &coded[..cut], 100).is_err(), "{coding:?} {cut}");
            }
            assert!(plain(coding, b"this is plain text", 100).is_err(), "{coding:?}");
        }
    }

    #[test]
    fn members_follow_each_other() {
        for coding in [Coding::Gzip, Coding::Zstd] {
            let two = [coded(coding, b"one"), coded(coding, b"two")].concat();
            for size in [1, 5, 1000] {
                assert_eq!(plain(coding, &two, size).expect("valid"), b"onetwo");
            }
            assert!(plain(coding, &[&two[..], b"rest"].concat(), 1000).is_err());
        }
    }

    #[test]
    fn a_flush_lets_everything_out() {
        for coding in ALL {
            let (mut encoder, mut out) = (Encoder::new(coding), Vec::new());
            encoder.push(b"data: hello\n\n", &mut out).expect("coded");
            encoder.flush(&mut out).expect("flushed");
            let mut decoder = Decoder::new(coding);
            let mut text = Vec::new();
            let mut rest = &out[..];
            while !rest.is_empty() {
                let read = decoder.step(rest, &mut text).expect("valid");
                rest = &rest[read..];
            }
            assert_eq!(text, b"data: hello\n\n", "{coding:?}");
        }
    }

    #[test]
    fn bombs_are_cut() {
        for coding in ALL {
            let (mut encoder, mut bomb) = (Encoder::new(coding), Vec::new());
            let zeros = vec![0; 1 << 20];
            for _ in 0..80 {
                encoder.push(&zeros, &mut bomb).expect("coded");
            }
            encoder.finish(&mut bomb).expect("coded");
            let mut decoder = Decoder::new(coding);
            let mut rest = &bomb[..];
            let mut total = 0;
            let outcome = loop {
                let mut out = Vec::new();
                match decoder.step(rest, &mut out) {
                    Err(error) => break error,
                    Ok(read) => rest = &rest[read..],
                }
                assert!(out.len() <= STEP);
                total += out.len();
                assert!(total <= 80 << 20);
            };
            assert_eq!(outcome, BOMB, "{coding:?}");
        }
    }
}
