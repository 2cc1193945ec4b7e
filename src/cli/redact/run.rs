//! From an input to an output: lines on all cores, or a format that must be read in one go.

use std::{
    io::Write,
    path::Path,
    sync::{Arc, mpsc},
    thread,
};

use anyhow::Context as _;

use super::input::Input;
use crate::{
    format::Media,
    privacy::{
        Engine, Lines, Tally,
        mask::{Mask, Rewriter, settings::Uninspectable},
    },
};

/// Bytes that one thread takes at a time.
const BLOCK: usize = 1 << 20;
/// A line beyond this many bytes is read in parts.
const LONGEST_LINE: usize = 4 << 20;

/// How a text is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// Text, logs, JSON lines: a line a text
    Lines,
    /// One value of JSON
    Json,
    /// A table with names of columns in its first row
    Csv,
    /// The same, parted by TAB
    Tsv,
    /// HTML
    Html,
    /// XML
    Xml,
}

impl Form {
    /// By a file's name, less what says that it is compressed.
    pub(super) fn of(path: &Path) -> Self {
        let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let bare = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
        match bare.rsplit_once('.').map(|(_, end)| end) {
            Some("json") => Self::Json,
            Some("csv") => Self::Csv,
            Some("tsv") => Self::Tsv,
            Some("html" | "htm") => Self::Html,
            Some("xml") => Self::Xml,
            _ => Self::Lines,
        }
    }

    fn media(self) -> Option<Media> {
        match self {
            Self::Lines => None,
            Self::Json => Some(Media::Json),
            Self::Csv => Some(Media::Csv),
            Self::Tsv => Some(Media::Tsv),
            Self::Html => Some(Media::Html),
            Self::Xml => Some(Media::Xml),
        }
    }
}

/// Reads all of `input` and writes it redacted; counts in `tally`.
pub(super) fn all(
    input: Input,
    form: Form,
    engine: &Arc<Engine>,
    mut out: impl Write,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    match form.media() {
        Some(media) => one_by_one(input, media, engine, &mut out, tally),
        None if input.is_live => live(input, engine, &mut out, tally),
        None => on_all_cores(input, engine, &mut out, tally),
    }
}

fn one_by_one(
    mut input: Input,
    media: Media,
    engine: &Arc<Engine>,
    out: &mut impl Write,
    tally: &mut Tally,
) -> anyhow::Result<()> {
    let mask = Arc::new(Mask::new(Arc::clone(engine), Vec::new(), String::new()));
    let mut rewriter = Rewriter::new(&mask, Some(media), None, Uninspectable::Refuse, None);
    let (mut text, mut new) = (Vec::new(), Vec::new());
    loop {
        text.clear();
        new.clear();
        let more = input.read(&mut text)?;
        let outcome = if more { rewriter.push(&text, &mut new) } else { rewriter.finish(&mut new) };
        outcome.context("can't be read in this format; `--format lines` reads any text")?;
        out.write_all(&new)?;
        if !more {
            break;
        }
    }
    if let Some(found) = rewriter.found(crate::privacy::mask::Found::masked) {
        tally.merge(&found);
    }
    Ok(out.flush()?)
}

/// Every line goes out when it is whole.
fn live(mut input: Input, engine: &Arc<Engine>, out: &mut impl Write, tally: &mut Tally) -> anyhow::Result<()> {
    let mut lines = Lines::new(Arc::clone(engine));
    let (mut text, mut new) = (Vec::new(), Vec::new());
    while input.read(&mut text)? {
        let whole = memchr::memrchr(b'\n', &text).map_or(0, |n| n + 1);
        lines.push(&text[..whole], &mut new);
        text.drain(..whole);
        if text.len() > LONGEST_LINE {
            lines.part(&text, &mut new);
            text.clear();
        }
        out.write_all(&new)?;
        out.flush()?;
        new.clear();
    }
    // A last line without an end; what was written in parts has its end here too.
    lines.push(&text, &mut new);
    lines.finish(&mut new);
    out.write_all(&new)?;
    tally.merge(&lines.tally());
    Ok(out.flush()?)
}

/// A block of lines, and what it became.
struct Done {
    block: Vec<u8>,
    new: Vec<u8>,
    lines: Lines,
}

fn on_all_cores(mut input: Input, engine: &Arc<Engine>, out: &mut impl Write, tally: &mut Tally) -> anyhow::Result<()> {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (give, blocks) = mpsc::sync_channel::<Vec<u8>>(2);
                let (done, take) = mpsc::sync_channel::<Done>(2);
                scope.spawn(move || {
                    for block in blocks {
                        let (mut lines, mut new) = (Lines::new(Arc::clone(engine)), Vec::with_capacity(block.len()));
                        lines.push(&block, &mut new);
                        if done.send(Done { block, new, lines }).is_err() {
                            return;
                        }
                    }
                });
                (give, take)
            })
            .collect();
        let mut order = Order { carry: None, out, tally };
        let (mut given, mut taken) = (0, 0);
        let mut text = Vec::with_capacity(2 * BLOCK);
        let mut more = true;
        while more {
            more = input.read(&mut text)?;
            if more && text.len() < BLOCK {
                continue;
            }
            let whole = if more { memchr::memrchr(b'\n', &text).map_or(0, |n| n + 1) } else { text.len() };
            if whole == 0 {
                continue;
            }
            let rest = text.split_off(whole);
            let block = std::mem::replace(&mut text, rest);
            if given - taken >= 2 * threads {
                order.take(workers[taken % threads].1.recv().context("a thread has ended")?)?;
                taken += 1;
            }
            workers[given % threads].0.send(block).context("a thread has ended")?;
            given += 1;
        }
        while taken < given {
            order.take(workers[taken % threads].1.recv().context("a thread has ended")?)?;
            taken += 1;
        }
        order.finish()
    })
}

/// Puts blocks behind one another.
struct Order<'a, W> {
    /// The lines before, where a value of theirs goes on.
    carry: Option<Lines>,
    out: &'a mut W,
    tally: &'a mut Tally,
}

impl<W: Write> Order<'_, W> {
    fn take(&mut self, mut done: Done) -> anyhow::Result<()> {
        if let Some(mut before) = self.carry.take() {
            // Read again, from within the value.
            done.new.clear();
            before.push(&done.block, &mut done.new);
            done.lines = before;
        }
        self.out.write_all(&done.new)?;
        if done.lines.is_within_value() {
            self.carry = Some(done.lines);
        } else {
            self.tally.merge(&done.lines.tally());
        }
        Ok(())
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        if let Some(lines) = self.carry.take() {
            self.tally.merge(&lines.tally());
        }
        Ok(self.out.flush()?)
    }
}
