//! `privet logs`: opens and verifies sealed access logs.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde_json::json;

use super::safe::scrubbed;
use crate::{
    config::{Config, Flags},
    seal::{Opener, Purpose, Ring, keys, stream},
};

/// What `logs` takes.
#[derive(Debug, clap::Subcommand)]
pub enum LogsCommand {
    /// Write the lines of sealed logs to standard output.
    Open(OpenArgs),
    /// Say whether sealed logs are whole and unchanged.
    Verify(VerifyArgs),
}

/// Where the keys are.
#[derive(Debug, clap::Args)]
struct KeyArgs {
    /// The key file.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    key_file: Option<PathBuf>,
    /// The configuration that names it.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What `logs open` takes.
#[derive(Debug, clap::Args)]
pub struct OpenArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// Sealed logs.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What `logs verify` takes.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    key: KeyArgs,
    /// JSON instead of text: one object a file.
    #[arg(long)]
    json: bool,
    /// Sealed logs.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Runs; exit 0 when all was whole, 1 when a file is damaged or its end missing, 2 for a bad configuration, 3 when a key or file
/// is not to be had.
#[must_use]
pub fn run(command: &LogsCommand) -> ExitCode {
    let key = match command {
        LogsCommand::Open(args) => &args.key,
        LogsCommand::Verify(args) => &args.key,
    };
    let ring = match ring(key) {
        Ok(ring) => ring,
        Err(code) => return code,
    };
    match command {
        LogsCommand::Open(args) => open(&args.files, &ring),
        LogsCommand::Verify(args) => verify(args, &ring),
    }
}

/// The keys, or the exit code after telling why there are none.
fn ring(args: &KeyArgs) -> Result<Ring, ExitCode> {
    let named = match (&args.key_file, &args.config) {
        (Some(path), _) => Some(path.clone()),
        (None, Some(config)) => {
            let config = Config::load(config, &Flags::default()).map_err(|report| {
                eprintln!("{}", scrubbed(&report.to_string()));
                ExitCode::from(2)
            })?;
            config.seal.key_file
        }
        (None, None) => None,
    };
    let Some(path) = named else {
        eprintln!("privet logs: no key\n    hint: name the key file (--key-file) or the configuration (--config)");
        return Err(ExitCode::from(2));
    };
    Ring::load(&path).map_err(|error| {
        tell(&error);
        ExitCode::from(3)
    })
}

fn tell(error: &keys::Error) {
    let cause = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    eprintln!("privet logs: {error}{cause}");
}

fn open(files: &[PathBuf], ring: &Ring) -> ExitCode {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut worst = 0;
    for file in files {
        let mut written = Ok(());
        let outcome = read(file, ring, |plain| {
            written = out.write_all(plain);
            written.is_ok()
        });
        // What opened is of use even where the rest does not.
        if written.and_then(|()| out.flush()).is_err() {
            return ExitCode::from(3);
        }
        if let Err(error) = &outcome {
            eprintln!("privet logs: {}: {}", file.display(), chain(error));
        }
        worst = worst.max(code(&outcome));
    }
    ExitCode::from(worst)
}

fn verify(args: &VerifyArgs, ring: &Ring) -> ExitCode {
    let mut worst = 0;
    for file in &args.files {
        let (mut segments, mut bytes) = (0_u64, 0_u64);
        let outcome = read(file, ring, |plain| {
            segments += 1;
            bytes += plain.len() as u64;
            true
        });
        let name = file.display();
        match (&outcome, args.json) {
            (Ok(()), false) => println!("{name}: whole, {segments} segments, {bytes} bytes of lines"),
            (Err(error), false) => {
                println!("{name}: {}; before that {segments} segments open, {bytes} bytes of lines", chain(error));
            }
            (_, true) => println!(
                "{}",
                json!({ "file": name.to_string(), "whole": outcome.is_ok(), "segments": segments, "bytes": bytes,
                    "error": outcome.as_ref().err().map(chain) })
            ),
        }
        worst = worst.max(code(&outcome));
    }
    ExitCode::from(worst)
}

/// Hands every segment to `take` until one does not open, or `take` has enough.
fn read(file: &Path, ring: &Ring, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), stream::Error> {
    let mut opener = Opener::new(BufReader::new(File::open(file)?), ring, Purpose::AccessLog)?;
    let mut buffer = Vec::new();
    while let Some(plain) = opener.next(&mut buffer)? {
        if !take(plain) {
            break;
        }
    }
    Ok(())
}

fn chain(error: &stream::Error) -> String {
    let source = std::error::Error::source(error).map_or_else(String::new, |source| format!(": {source}"));
    format!("{error}{source}")
}

fn code(outcome: &Result<(), stream::Error>) -> u8 {
    match outcome {
        Ok(()) => 0,
        Err(
            stream::Error::Io(_) | stream::Error::UnknownKey(_) | stream::Error::Version(_) | stream::Error::Cipher,
        ) => 3,
        Err(_) => 1,
    }
}
