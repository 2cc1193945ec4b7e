//! `privet scan`: what an application, or a configuration, leaves open; and what a running gateway has seen going by.

mod lint;
mod live;
mod site;
mod wish;

use std::{
    io::stdout,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use time::OffsetDateTime;

use super::{control::Gateway, safe};
use crate::{
    common::{colour, unit},
    gateway::watch::Lens,
    scan::{
        Finding, Severity,
        baseline::Baseline,
        report::{Report, html, json, sarif, suggest, text},
    },
};

/// What `scan` takes.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct ScanArgs {
    /// The site, such as <https://shop.example/>. Others than those of this machine and of the configuration are asked with --i-own-this alone.
    #[arg(value_name = "URL", required_unless_present_any = ["config", "data", "live", "accept"])]
    url: Option<String>,
    #[command(flatten)]
    gateway: Gateway,
    /// What a running gateway has found in answers of routes with `watch`.
    #[arg(long, conflicts_with = "url")]
    live: bool,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// End with 1 where something of at least this severity was found; with --baseline, where that is new: info, low, medium, high or critical.
    #[arg(long, value_name = "LEVEL", value_parser = Severity::named)]
    fail_on: Option<Severity>,
    /// Findings that are known.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Take what is found for known; what was accepted stays so.
    #[arg(long, requires = "baseline")]
    update_baseline: bool,
    /// Accept a finding of the baseline by the beginning of its id, and scan nothing.
    #[arg(long, value_name = "ID", requires_all = ["baseline", "reason", "until"], conflicts_with_all = ["url", "live"])]
    accept: Option<String>,
    /// Why it may stay.
    #[arg(long, value_name = "TEXT", requires = "accept")]
    reason: Option<String>,
    /// Until which day it may stay, such as 2026-12-31.
    #[arg(long, value_name = "DAY", requires = "accept")]
    until: Option<String>,
    /// The lines of a configuration that mend what is found, in place of the report.
    #[arg(long)]
    suggest: bool,
    #[command(flatten)]
    asking: Asking,
}

/// How a site is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Asking {
    /// You may scan this site though it is neither on this machine nor in the configuration.
    #[arg(long)]
    i_own_this: bool,
    /// Where the site is in truth, whatever its name says.
    #[arg(long, value_name = "HOST:PORT", requires = "url")]
    connect: Option<String>,
    /// Where the site is asked in cleartext, which should lead to TLS [default: port 80 where the site is at 443].
    #[arg(long, value_name = "HOST:PORT")]
    http: Option<String>,
    /// PEM file of the only authorities that are believed [default: the system's].
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Most pages that are fetched.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pages: usize,
    /// Most requests and connections a second.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Most requests and connections in all.
    #[arg(long, value_name = "N", default_value_t = 400)]
    max_requests: u32,
    /// Longest time, such as 3m.
    #[arg(long, value_name = "DURATION", default_value = "3m", value_parser = unit::parse_duration)]
    max_time: Duration,
    /// No attempts to sign in.
    #[arg(long)]
    no_login: bool,
    /// No questions for files that should not be there.
    #[arg(long)]
    no_files: bool,
    /// JavaScript libraries with known holes, in the form of `RetireJS` [default: that of the configuration].
    #[arg(long, value_name = "FILE")]
    retirejs: Option<PathBuf>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a terminal.
    Text,
    /// For programs.
    Json,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
    /// One file for a browser.
    Html,
}

/// What there is to tell, and of which route each finding is.
struct Outcome {
    report: Report,
    /// Lines and their title, by route; an address where there is no configuration yet.
    routes: Vec<(String, Option<String>, Vec<Finding>)>,
    /// What is written in place of the text of a report.
    text: Option<String>,
}

/// Runs; exit 1 where `--fail-on` says so, 2 for what can't be asked, 3 where nothing answers.
#[must_use]
pub fn run(args: &ScanArgs) -> ExitCode {
    match scanned(args) {
        Ok(code) | Err(code) => code,
    }
}

fn scanned(args: &ScanArgs) -> Result<ExitCode, ExitCode> {
    let baseline = args.baseline.as_ref().map(|file| open(file, args.update_baseline)).transpose()?;
    if let (Some(id), Some(file), Some(mut baseline)) = (&args.accept, &args.baseline, baseline.clone()) {
        let (reason, until) = (args.reason.as_deref().unwrap_or_default(), args.until.as_deref().unwrap_or_default());
        let known = baseline.accept(id, reason, until).map_err(usage)?.clone();
        baseline.write(file).map_err(usage)?;
        println!("{} is accepted until {until}", known.rule);
        return Ok(ExitCode::SUCCESS);
    }
    let Some(engine) = safe::engine() else {
        eprintln!("privet: the cryptographic library failed");
        return Err(ExitCode::from(3));
    };
    let eye = Lens(Arc::clone(engine));
    let now = OffsetDateTime::now_utc();
    let outcome = if args.live {
        live::look(args, baseline.as_ref(), &eye, now)?
    } else {
        site::look(args, baseline.as_ref(), &eye, now)?
    };
    if args.update_baseline
        && let (Some(file), Some(baseline)) = (&args.baseline, &baseline)
    {
        let found: Vec<Finding> = outcome.report.findings.iter().map(|(finding, _)| finding.clone()).collect();
        baseline.updated(&found).write(file).map_err(usage)?;
    }
    print(args, &outcome);
    let fails = args.fail_on.is_some_and(|level| outcome.report.fails(level));
    Ok(if fails { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn open(file: &Path, may_be_new: bool) -> Result<Baseline, ExitCode> {
    if may_be_new && !file.exists() {
        return Ok(Baseline::default());
    }
    Baseline::open(file).map_err(|error| usage(format!("{}: {error}", file.display())))
}

/// Says what is wrong with what was asked for.
fn usage(error: impl std::fmt::Display) -> ExitCode {
    eprintln!("privet scan: {}", safe::printable(&error.to_string()));
    ExitCode::from(2)
}

fn print(args: &ScanArgs, outcome: &Outcome) {
    if args.suggest {
        let text = args.gateway.text().unwrap_or_default();
        let fragments: Vec<String> = outcome
            .routes
            .iter()
            .map(|(title, upstream, findings)| {
                suggest::write(&findings.iter().collect::<Vec<_>>(), title, upstream.as_deref(), &text)
            })
            .filter(|fragment| !fragment.is_empty())
            .collect();
        print!("{}", fragments.join("\n"));
        return;
    }
    let format = if args.json { Format::Json } else { args.format };
    match format {
        Format::Text => match &outcome.text {
            Some(text) => print!("{text}"),
            None => print!("{}", text::write(&outcome.report, colour::on(&stdout()))),
        },
        Format::Json => println!("{:#}", json::write(&outcome.report)),
        Format::Sarif => println!("{:#}", sarif::write(&outcome.report)),
        Format::Html => print!("{}", html::write(&outcome.report)),
    }
}
