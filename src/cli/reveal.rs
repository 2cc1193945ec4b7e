//! `privet reveal`: opens what `encrypt` has written, after the reason is recorded.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use rustix::fs::{FlockOperation, flock};
use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::safe::scrubbed;
use crate::{
    privacy::{Revealed, keys::Ring, reveal},
    seal,
};

/// What `reveal` takes.
#[derive(Debug, clap::Args)]
pub struct RevealArgs {
    /// The keys that it was encrypted with.
    #[arg(long, value_name = "FILE", default_value = "data/pseudonym.key")]
    key_file: PathBuf,
    /// Why somebody must see this; it is recorded.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Where that is recorded [default: reveal.jsonl beside the keys].
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// A file; standard input where none is given.
    file: Option<PathBuf>,
}

/// Reveals; exit 0 when every mark was opened, 1 when some were not, 2 without a reason, 3 when keys, file or record can't be used.
#[must_use]
pub fn run(args: &RevealArgs) -> ExitCode {
    if args.reason.trim().len() < 4 {
        eprintln!("privet reveal: say why, in words that an auditor understands: --reason TEXT");
        return ExitCode::from(2);
    }
    match run_recorded(args) {
        Ok(Revealed { closed: 0, .. }) => ExitCode::SUCCESS,
        Ok(Revealed { closed, .. }) => {
            eprintln!(
                "privet reveal: {closed} not opened: their epoch's key is not in {}, or they were changed",
                args.key_file.display()
            );
            ExitCode::from(1)
        }
        Err(error) => {
            eprintln!("privet reveal: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn run_recorded(args: &RevealArgs) -> anyhow::Result<Revealed> {
    let ring = Ring::of(&seal::Ring::load(&args.key_file)?)?;
    let name = args.file.as_ref().map_or("standard input".to_owned(), |file| file.display().to_string());
    let input: Box<dyn BufRead> = match &args.file {
        None => Box::new(io::stdin().lock()),
        Some(file) => Box::new(BufReader::new(File::open(file).with_context(|| format!("{name} can't be opened"))?)),
    };
    let mut record = Record::open(args, &name)?;
    // Nothing is shown before it is on the disk that it will be.
    record.note("begun", None)?;
    let revealed = stream(input, &ring).with_context(|| name.clone());
    record.note(if revealed.is_ok() { "done" } else { "broken off" }, revealed.as_ref().ok())?;
    revealed
}

fn stream(mut input: Box<dyn BufRead>, ring: &Ring) -> anyhow::Result<Revealed> {
    let mut out = io::stdout().lock();
    let (mut line, mut new) = (Vec::new(), Vec::new());
    let mut all = Revealed::default();
    loop {
        line.clear();
        new.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let revealed = reveal(ring, &line, &mut new);
        all.opened += revealed.opened;
        all.closed += revealed.closed;
        out.write_all(&new)?;
    }
    out.flush()?;
    Ok(all)
}

/// Who opened what, when and why: a line of JSON for the beginning and one for the end, flushed to the disk.
struct Record {
    path: PathBuf,
    file: File,
    what: serde_json::Value,
}

impl Record {
    fn open(args: &RevealArgs, source: &str) -> anyhow::Result<Self> {
        let beside = || args.key_file.parent().unwrap_or(Path::new("")).join("reveal.jsonl");
        let path = args.record.clone().unwrap_or_else(beside);
        let shown = path.display().to_string();
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        let file = file.with_context(|| format!("the record {shown} can't be written, so nothing is revealed"))?;
        let what = json!({
            "user.id": rustix::process::getuid().as_raw(),
            "process.pid": std::process::id(),
            "reason": scrubbed(&args.reason),
            "source": scrubbed(source),
        });
        Ok(Self { path, file, what })
    }

    fn note(&mut self, event: &str, revealed: Option<&Revealed>) -> anyhow::Result<()> {
        let mut line = self.what.clone();
        line["timestamp"] = OffsetDateTime::now_utc().format(&Rfc3339)?.into();
        line["event"] = event.into();
        if let Some(revealed) = revealed {
            line["opened"] = revealed.opened.into();
            line["closed"] = revealed.closed.into();
        }
        let written = flock(&self.file, FlockOperation::LockExclusive)
            .map_err(io::Error::from)
            .and_then(|()| self.file.write_all(format!("{line}\n").as_bytes()))
            .and_then(|()| self.file.sync_all());
        let unlocked = flock(&self.file, FlockOperation::Unlock).map_err(io::Error::from);
        written.and(unlocked).with_context(|| format!("the record {} can't be written", self.path.display()))
    }
}
