//! `privet redact`: texts, JSON lines, tables and logs without the personal data that they hold.

mod input;
mod place;
mod run;

use std::{
    io::{self, IsTerminal as _},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use anyhow::{Context as _, bail};

use self::{input::Input, place::Replacement, run::Form};
use super::safe::scrubbed;
use crate::{
    app::keys,
    config::{Config, Flags},
    privacy::{Engine, Keys, Operator, Tally, keys::Ring, settings::Settings},
    seal,
};

/// What `redact` takes.
#[derive(Debug, clap::Args)]
pub struct RedactArgs {
    /// What is written in a value's place: token, mask, redact, drop or encrypt [default: token, or the configuration's].
    #[arg(long, value_parser = operator)]
    operator: Option<Operator>,
    /// Keys of tokens and encryption; without it, tokens are of this run alone.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// A configuration whose `[privacy]` holds: own detectors, allowed values, operators, keys.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How files are read: `lines` is text of any kind, a line a text; `csv` believes the names of columns [default: by the file's name].
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// Replace each file by its redacted text, at once and as a whole.
    #[arg(long, requires = "files")]
    in_place: bool,
    /// No summary on standard error.
    #[arg(long)]
    quiet: bool,
    /// The summary as JSON.
    #[arg(long)]
    json: bool,
    /// Files, which may be of gzip or zstd; standard input where none is given.
    files: Vec<PathBuf>,
}

fn operator(text: &str) -> Result<Operator, String> {
    let known = Operator::ALL.iter().find(|(name, _)| *name == text).map(|(_, operator)| *operator);
    known.ok_or_else(|| {
        let names: Vec<_> = Operator::ALL.iter().map(|(name, _)| *name).collect();
        format!("one of {} is expected", names.join(", "))
    })
}

/// Redacts; exit 0 when all is done, 2 for settings that can't be or a text that can't be read, 3 for a file that can't be used.
#[must_use]
pub fn run(args: &RedactArgs) -> ExitCode {
    let engine = match engine(args) {
        Ok(engine) => engine,
        Err(error) => {
            eprintln!("privet redact: {error:#}");
            return ExitCode::from(2);
        }
    };
    let mut tally = Tally::default();
    let outcome = redact(args, &engine, &mut tally);
    if !args.quiet && (outcome.is_ok() || !tally.is_empty()) {
        summary(&tally, args.json);
    }
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads us may stop reading.
        Err(error) if is_io(&error, io::ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("privet redact: {error:#}");
            let unread =
                error.downcast_ref::<crate::format::Malformed>().is_some() || is_io(&error, io::ErrorKind::InvalidData);
            ExitCode::from(if unread { 2 } else { 3 })
        }
    }
}

fn is_io(error: &anyhow::Error, kind: io::ErrorKind) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == kind))
}

fn engine(args: &RedactArgs) -> anyhow::Result<Arc<Engine>> {
    let (mut settings, mut key_file) = (Settings::default(), args.key_file.clone());
    if let Some(path) = &args.config {
        let config = Config::load(path, &Flags::default())
            .map_err(|report| anyhow::anyhow!("\n{}", scrubbed(&report.to_string())))?;
        settings = Settings::clone(&config.gateway.privacy);
        key_file = key_file.or_else(|| Some(keys::place(&config)));
    }
    if let Some(operator) = args.operator {
        settings.operator = operator;
    }
    let encrypts =
        settings.operator == Operator::Encrypt || settings.operators.iter().any(|(_, o)| *o == Operator::Encrypt);
    let keys = match key_file {
        Some(path) => Ring::of(&seal::Ring::load_or_make(&path)?)?.current(),
        None if encrypts => {
            bail!("what is encrypted must be opened some day: name a file for its keys, `--key-file FILE`")
        }
        None => Arc::new(Keys::ephemeral()?),
    };
    Ok(Arc::new(Engine::new(&settings, keys)))
}

fn redact(args: &RedactArgs, engine: &Arc<Engine>, tally: &mut Tally) -> anyhow::Result<()> {
    if args.files.is_empty() {
        let input = Input::standard().context("standard input can't be read")?;
        return run::all(input, args.format.unwrap_or(Form::Lines), engine, io::stdout().lock(), tally)
            .context("standard input");
    }
    for path in &args.files {
        let name = || path.display().to_string();
        let form = args.format.unwrap_or_else(|| Form::of(path));
        if args.in_place {
            let mut file = Replacement::begin(path).with_context(name)?;
            let input = file.original().and_then(|original| Input::file(original, args.quiet)).with_context(name)?;
            file.code_as(input.coding());
            run::all(input, form, engine, &mut file, tally).with_context(name)?;
            file.finish().with_context(name)?;
        } else {
            let file = std::fs::File::open(path).with_context(|| format!("{} can't be opened", name()))?;
            let input = Input::file(file, args.quiet || io::stdout().is_terminal()).with_context(name)?;
            run::all(input, form, engine, io::stdout().lock(), tally).with_context(name)?;
        }
    }
    Ok(())
}

/// Counts by type, on standard error: standard output is the text's.
fn summary(tally: &Tally, json: bool) {
    let mut rows: Vec<(&str, u64)> = tally.iter().map(|(kind, n)| (kind.name(), n)).collect();
    rows.sort_unstable_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    if json {
        let counts: serde_json::Map<String, serde_json::Value> =
            rows.iter().map(|(name, n)| ((*name).to_owned(), (*n).into())).collect();
        eprintln!("{}", serde_json::json!({ "rewritten": counts }));
    } else if rows.is_empty() {
        eprintln!("privet redact: nothing was found");
    } else {
        for (name, n) in rows {
            eprintln!("{n:>10}  {name}");
        }
    }
}
