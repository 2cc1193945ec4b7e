//! Where texts come from: files, plain or compressed, and pipes.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read, Write as _},
    time::{Duration, Instant},
};

use rustix::fs::FileType;

use crate::format::{
    Malformed,
    coding::{Coding, Decoder},
};

/// Files above this many bytes show how far they are read, on a terminal.
const LARGE: u64 = 16 << 20;

/// A text being read.
pub(super) struct Input {
    source: Box<dyn Read>,
    decoder: Option<Decoder>,
    coding: Option<Coding>,
    /// What was read to know the coding.
    first: Vec<u8>,
    buffer: Box<[u8]>,
    progress: Option<Progress>,
    ended: bool,
    /// Whether whoever writes may wait for what they wrote.
    pub(super) is_live: bool,
}

impl Input {
    /// Of standard input. Of a pipe, what is there is read, and no more is waited for.
    pub(super) fn standard() -> io::Result<Self> {
        let is_file = FileType::from_raw_mode(rustix::fs::fstat(io::stdin())?.st_mode).is_file();
        Self::new(Box::new(io::stdin().lock()), None, !is_file)
    }

    /// Of a file; its progress is shown on a terminal unless `quiet`.
    pub(super) fn file(file: File, quiet: bool) -> io::Result<Self> {
        let length = file.metadata()?.len();
        let shown = !quiet && length > LARGE && io::stderr().is_terminal();
        let progress = shown.then(|| Progress { length, read: 0, due: Instant::now() });
        Self::new(Box::new(file), progress, false)
    }

    fn new(source: Box<dyn Read>, progress: Option<Progress>, is_live: bool) -> io::Result<Self> {
        let buffer = vec![0; 256 << 10].into_boxed_slice();
        let mut input =
            Self { source, decoder: None, coding: None, first: Vec::new(), buffer, progress, ended: false, is_live };
        let mut magic = [0; 4];
        let mut have = 0;
        // A pipe that gives less is a text: none of its bytes waits for more than the first four.
        while have < 4 {
            let n = input.source.read(&mut magic[have..])?;
            have += n;
            if n == 0 || is_live && !begins_like_coded(&magic[..have]) {
                break;
            }
        }
        if have > 1 && matches!(magic, [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..]) {
            let why =
                "a text in UTF-16 or UTF-32, which would pass unread: convert it to UTF-8 first (`iconv -t UTF-8`)";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        input.first.extend_from_slice(&magic[..have]);
        input.coding = match magic {
            [0x1F, 0x8B, ..] if have > 2 => Some(Coding::Gzip),
            [0x28, 0xB5, 0x2F, 0xFD] => Some(Coding::Zstd),
            _ => None,
        };
        input.decoder = input.coding.map(Decoder::new);
        Ok(input)
    }

    /// How it is compressed.
    pub(super) fn coding(&self) -> Option<Coding> {
        self.coding
    }

    /// Appends what comes next; false at the end.
    pub(super) fn read(&mut self, out: &mut Vec<u8>) -> anyhow::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let before = out.len();
        while out.len() == before && !self.ended {
            let n = if self.first.is_empty() {
                self.source.read(&mut self.buffer)?
            } else {
                let n = self.first.len();
                self.buffer[..n].copy_from_slice(&self.first);
                self.first.clear();
                n
            };
            if let Some(progress) = &mut self.progress {
                progress.advance(n as u64, n == 0);
            }
            self.ended = n == 0;
            match &mut self.decoder {
                None => out.extend_from_slice(&self.buffer[..n]),
                Some(decoder) => decode(decoder, &self.buffer[..n], out)?,
            }
        }
        Ok(true)
    }
}

fn begins_like_coded(first: &[u8]) -> bool {
    [&[0x1F_u8, 0x8B][..], &[0x28, 0xB5, 0x2F, 0xFD], &[0xFF, 0xFE], &[0xFE, 0xFF]]
        .iter()
        .any(|magic| magic.starts_with(first) || first.starts_with(magic))
}

fn decode(decoder: &mut Decoder, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    if input.is_empty() {
        return decoder.finish(out);
    }
    while !input.is_empty() || decoder.has_more() {
        let n = decoder.step(input, out)?;
        input = &input[n..];
    }
    Ok(())
}

/// How far a file is read, on standard error.
struct Progress {
    length: u64,
    read: u64,
    due: Instant,
}

impl Progress {
    fn advance(&mut self, n: u64, ended: bool) {
        self.read += n;
        let now = Instant::now();
        if now < self.due && !ended {
            return;
        }
        self.due = now + Duration::from_millis(200);
        let done = usize::try_from(self.read.min(self.length) * 40 / self.length.max(1)).unwrap_or(0);
        let percent = self.read.min(self.length) * 100 / self.length.max(1);
        let end = if ended { "\r\x1b[K" } else { "" };
        // What can't be shown is no reason to stop.
        let _ = write!(io::stderr(), "\r[{:<40}] {percent:>3} %{end}", "#".repeat(done));
    }
}
