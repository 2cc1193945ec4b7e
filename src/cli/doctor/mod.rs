//! `privet doctor`: looks at machine and configuration as an experienced operator would, and says what to do. Nothing is changed.
//!
//! `CHECKS` is the table: a check looks at a `Ground` and tells what it sees. All look at the same time, each on a thread of its own, so that a
//! resolver or a server that keeps one waiting keeps no other; what has not looked by the deadline is said not to have.

mod acme;
mod antivirus;
mod asked;
mod backup;
mod clock;
mod configuration;
mod data;
mod database;
mod files;
mod finding;
mod gateway;
mod ground;
mod holder;
mod journal;
mod limits;
mod log;
mod memory;
mod oidc;
mod ports;
mod redis;
mod report;
mod systemd;
mod tls;
mod upstream;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use self::{
    finding::{Found, Told},
    ground::Ground,
    report::Report,
};
use super::safe::scrubbed;
use crate::config::{Config, Flags};

/// Longest time for each check, and so for all of them.
const DEADLINE: Duration = Duration::from_secs(20);

/// What looks. It may take its time: nobody waits for it alone.
type Look = fn(&Ground, &Found);

/// Every check, by the name that its findings begin with.
const CHECKS: &[(&str, Look)] = &[
    ("acme", acme::look),
    ("antivirus", antivirus::look),
    ("backup", backup::look),
    ("clock", clock::look),
    ("config", configuration::look),
    ("data", data::look),
    ("database", database::look),
    ("files", files::look),
    ("gateway", gateway::look),
    ("journal", journal::look),
    ("limits", limits::look),
    ("log", log::look),
    ("memory", memory::look),
    ("oidc", oidc::look),
    ("ports", ports::look),
    ("redis", redis::look),
    ("systemd", systemd::look),
    ("tls", tls::look),
    ("upstream", upstream::look),
];

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// The configuration of the gateway, whether it runs or not.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// One check alone, such as `tls`, or one finding, such as `tls.expired`; may be given several times.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// PEM file of the authorities that clients believe [default: the system's].
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs; exit 1 for a fault, 2 where the configuration is invalid or a name is not known, 3 where something could not be looked at.
#[must_use]
pub fn run(args: &DoctorArgs) -> ExitCode {
    let checks = match chosen(&args.only) {
        Ok(checks) => checks,
        Err(unknown) => {
            let names: Vec<&str> = CHECKS.iter().map(|(name, _)| *name).collect();
            eprintln!("privet doctor: no check is called \"{unknown}\"\n    hint: there are {}", names.join(", "));
            return ExitCode::from(2);
        }
    };
    let config = match Config::load(&args.config, &Flags::default()) {
        Ok(config) => config,
        Err(report) => {
            eprintln!("{}", scrubbed(&report.to_string()));
            return ExitCode::from(2);
        }
    };
    let ground = Ground::new(args.config.clone(), config, args.ca.clone());
    let mut report = examine(&Arc::new(ground), &checks, DEADLINE);
    report.keep(&args.only);
    if args.json {
        println!("{:#}", report.json());
    } else {
        print!("{}", report.text());
    }
    report.code()
}

/// The checks that `only` asks for; all of them where it asks for nothing.
fn chosen(only: &[String]) -> Result<Vec<(&'static str, Look)>, &str> {
    if only.is_empty() {
        return Ok(CHECKS.to_vec());
    }
    let check = |asked: &String| asked.split('.').next().unwrap_or_default().to_owned();
    let known = |asked: &&String| !CHECKS.iter().any(|(name, _)| *name == check(asked));
    if let Some(unknown) = only.iter().find(known) {
        return Err(unknown);
    }
    Ok(CHECKS.iter().filter(|(name, _)| only.iter().any(|asked| check(asked) == *name)).copied().collect())
}

/// Has all of them look at once, and gathers what they say until the deadline.
fn examine(ground: &Arc<Ground>, checks: &[(&'static str, Look)], deadline: Duration) -> Report {
    let (to, told) = mpsc::channel();
    let mut report = Report::default();
    let mut looking: Vec<&'static str> = Vec::new();
    for &(name, look) in checks {
        let (ground, found) = (Arc::clone(ground), Found::new(name, to.clone()));
        let thread = thread::Builder::new().name(format!("look at {name}"));
        match thread.spawn(move || {
            look(&ground, &found);
            found.done();
        }) {
            Ok(_) => looking.push(name),
            Err(error) => report.unseen(name, &format!("there is no thread for it: {error}")),
        }
    }
    drop(to);
    let end = Instant::now() + deadline;
    let mut late = "it took too long";
    while !looking.is_empty() {
        match told.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Told::Finding(finding)) => report.findings.push(finding),
            Ok(Told::Unseen(name, why)) => report.unseen(name, &why),
            Ok(Told::Done(name)) => {
                looking.retain(|known| *known != name);
                report.looked.push(name);
            }
            Err(mpsc::RecvTimeoutError::Timeout) => break,
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                late = "it broke off by a fault of ours";
                break;
            }
        }
    }
    for name in looking {
        report.unseen(name, late);
    }
    report.sort();
    report
}

#[cfg(test)]
mod tests;
