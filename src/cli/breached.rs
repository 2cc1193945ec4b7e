//! `privet breached`: makes the filter that `[[login]] breached` looks passwords up in.

use std::{
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;

use crate::login::breached::{Filter, Hash};

/// What `breached` takes.
#[derive(Debug, clap::Subcommand)]
pub enum BreachedCommand {
    /// Make a filter of a list.
    Build(BuildArgs),
}

/// What `breached build` takes.
#[derive(Debug, clap::Args)]
pub struct BuildArgs {
    /// A file of passwords or SHA-1 hashes, one a line; a count may follow a hash after a colon. It is read twice.
    list: PathBuf,
    /// Where the filter goes.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Of passwords that are not listed, one in so many may seem to be.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(2..=1_000_000_000))]
    one_in: u32,
}

/// Builds; exit 0 when the filter is written, 3 when a file can't be used.
#[must_use]
pub fn run(command: &BreachedCommand) -> ExitCode {
    let BreachedCommand::Build(args) = command;
    match build(args) {
        Ok((passwords, bytes)) => {
            println!(
                "{passwords} passwords in {bytes} bytes, which a gateway holds in memory; one other in {} is taken for listed",
                args.one_in
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("privet breached: {error:#}");
            ExitCode::from(3)
        }
    }
}

fn build(args: &BuildArgs) -> anyhow::Result<(u64, usize)> {
    let mut passwords = 0;
    each(&args.list, |_| passwords += 1)?;
    anyhow::ensure!(passwords > 0, "{} lists nothing", args.list.display());
    let mut filter = Filter::new(passwords, args.one_in)?;
    each(&args.list, |hash| filter.insert(&hash))?;
    write(&filter, &args.output).with_context(|| format!("{} can't be written", args.output.display()))?;
    Ok((passwords, filter.bytes()))
}

/// The passwords of a list.
fn each(list: &Path, mut found: impl FnMut(Hash)) -> anyhow::Result<()> {
    let told = || format!("{} can't be read", list.display());
    let (mut reader, mut line) = (BufReader::new(File::open(list).with_context(told)?), Vec::new());
    while reader.read_until(b'\n', &mut line).with_context(told)? > 0 {
        if let Some(hash) = hash(&line) {
            found(hash);
        }
        line.clear();
    }
    Ok(())
}

/// What a line lists: a hash, with or without a count, or a password. A count of nought is padding.
fn hash(line: &[u8]) -> Option<Hash> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let (digits, rest) = line.split_at_checked(40).unwrap_or((line, b""));
    let count = rest.strip_prefix(b":").filter(|count| !count.is_empty() && count.iter().all(u8::is_ascii_digit));
    match (Hash::parse(digits), rest, count) {
        _ if line.is_empty() => None,
        (Some(hash), b"", _) => Some(hash),
        (Some(hash), _, Some(count)) => count.iter().any(|digit| *digit != b'0').then_some(hash),
        _ => Some(Hash::of(line)),
    }
}

/// Writes it beside its place first, so that nobody reads half of it.
fn write(filter: &Filter, path: &Path) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let beside = path.with_file_name(name);
    let mut out = BufWriter::new(File::create(&beside)?);
    filter.write(&mut out)?;
    out.flush()?;
    out.get_ref().sync_all()?;
    fs::rename(beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_passwords_or_hashes() {
        let known = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8";
        let same = |line: &str, password: &str| {
            let mut filter = Filter::new(1, 1_000_000).expect("room");
            filter.insert(&hash(line.as_bytes()).expect("listed"));
            filter.has(&Hash::of(password.as_bytes()))
        };
        for line in ["password", "password\r\n", known, &known.to_lowercase(), &format!("{known}:3861493\r\n")] {
            assert!(same(line, "password"), "{line}");
        }
        assert!(same(" a:b \n", " a:b "), "space belongs to a password");
        assert!(same(&format!("{known}x"), &format!("{known}x")) && same(&format!("{known}:"), &format!("{known}:")));
        assert!(hash(b"\r\n").is_none() && hash(format!("{known}:0").as_bytes()).is_none());
    }
}
