//! `privet detect`: what is found in each line of a JSON-lines file.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, bail};

use crate::privacy::{Detector, settings::Settings};

/// What `detect` takes.
#[derive(Debug, clap::Args)]
pub struct DetectArgs {
    /// Field whose text is looked at, of every line's object.
    #[arg(long, value_name = "FIELD")]
    jsonl: String,
    /// How findings are written: one JSON object out for every line in.
    #[arg(long, value_enum, default_value_t = Output::Json)]
    output: Output,
    /// File to read; standard input where none is given.
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    /// `{"findings":[{"type","start","end","confidence"}]}`, offsets in bytes of the field's UTF-8
    Json,
}

#[derive(serde::Serialize)]
struct Line<'a> {
    findings: Vec<Found<'a>>,
}

#[derive(serde::Serialize)]
struct Found<'a> {
    r#type: &'a str,
    start: usize,
    end: usize,
    confidence: f64,
}

/// Detects; exit 0 when every line was looked at, 2 when one could not be read, 3 when the file could not be opened.
#[must_use]
pub fn run(args: &DetectArgs) -> ExitCode {
    let name = args.file.as_ref().map_or("standard input".to_owned(), |file| file.display().to_string());
    let input: Box<dyn BufRead> = match &args.file {
        None => Box::new(io::stdin().lock()),
        Some(file) => match File::open(file) {
            Ok(file) => Box::new(BufReader::new(file)),
            Err(error) => {
                eprintln!("privet detect: cannot open {name}: {error}");
                return ExitCode::from(3);
            }
        },
    };
    match lines(args, &name, input) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads us may stop reading.
        Err(error) if kind(&error) == Some(io::ErrorKind::BrokenPipe) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("privet detect: {error:#}");
            // What can't be read as text is the text's fault, everything else of its kind the machine's.
            let machine = kind(&error).is_some_and(|kind| kind != io::ErrorKind::InvalidData);
            ExitCode::from(if machine { 3 } else { 2 })
        }
    }
}

fn kind(error: &anyhow::Error) -> Option<io::ErrorKind> {
    error.chain().find_map(|cause| {
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        cause.downcast_ref::<io::Error>().map(io::Error::kind).or(json)
    })
}

fn lines(detect: &DetectArgs, name: &str, input: Box<dyn BufRead>) -> anyhow::Result<()> {
    let Output::Json = detect.output;
    let detector = Detector::new(&Settings::default());
    let mut out = BufWriter::new(io::stdout().lock());
    for (number, line) in input.lines().enumerate() {
        let place = || format!("{name}:{}", number + 1);
        let line = line.with_context(|| format!("{}: cannot be read as UTF-8", place()))?;
        if line.trim().is_empty() {
            out.write_all(b"{\"findings\":[]}\n")?;
            continue;
        }
        // serde_json's own message would quote nothing of the line, but its position is all that helps.
        let value: serde_json::Value = serde_json::from_str(&line)
            .map_err(|error| anyhow::anyhow!("{}:{}: not a JSON object", place(), error.column()))?;
        let Some(text) = value.get(&detect.jsonl).and_then(serde_json::Value::as_str) else {
            bail!("{}: the object has no text in the field given by --jsonl", place());
        };
        let found = detector.detect(text.as_bytes());
        let findings = found
            .iter()
            .map(|f| Found {
                r#type: f.kind.name(),
                start: f.start,
                end: f.end,
                confidence: f64::from(f.confidence) / 100.0,
            })
            .collect();
        serde_json::to_writer(&mut out, &Line { findings })?;
        out.write_all(b"\n")?;
    }
    Ok(out.flush()?)
}
