//! The command line: one file a subcommand. Exit codes: 0 done; 1 the answer is no; 2 usage or configuration; 3 something
//! needed is not available.

pub mod access;
pub mod antivirus;
pub mod attest;
pub mod audit;
pub mod backup;
pub mod ban;
pub mod breached;
pub mod certs;
pub mod check;
pub mod completions;
pub mod consent;
pub mod control;
pub mod demo;
pub mod detect;
pub mod doctor;
mod downloads;
pub mod handover;
pub mod incident;
pub mod init;
pub mod intercept;
pub mod logins;
pub mod logs;
mod noted;
mod office;
pub mod pledge;
mod prompt;
pub mod quarantine;
pub mod redact;
pub mod reveal;
mod safe;
pub mod scan;
pub mod serve;
pub mod sessions;
pub mod staff;
pub mod top;

use std::{ffi::OsString, iter, path::PathBuf, process::ExitCode, time::SystemTime};

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::{common::memory, config::Flags};

/// A TLS-terminating reverse proxy that makes a privacy policy true on live traffic.
#[derive(Debug, Parser)]
#[command(name = "privet", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Protect an application.
    Serve(ServeArgs),
    /// Say who may do what with personal data, and why.
    #[command(subcommand)]
    Access(access::AccessCommand),
    /// Say how clamd and its signatures are, or bring it signatures that can't wait.
    #[command(subcommand)]
    Antivirus(antivirus::AntivirusCommand),
    /// Say whether each clause of the policy is true, why, and pack the evidence.
    Attest(attest::AttestArgs),
    /// Verify, search or export the journal.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Make, prove or bring back a sealed back-up of journal, keys and accounts.
    #[command(subcommand)]
    Backup(backup::BackupCommand),
    /// Say who is banned, ban somebody, or lift a ban.
    #[command(subcommand)]
    Ban(ban::BanCommand),
    /// Make a filter of breached passwords.
    #[command(subcommand)]
    Breached(breached::BreachedCommand),
    /// Show the certificates of a running gateway, or make the development CA.
    #[command(subcommand)]
    Certs(certs::CertsCommand),
    /// Say whether a configuration is valid, and everything that is wrong with it.
    Check(CheckArgs),
    /// Print what a shell has to know to complete commands and options.
    Completions(completions::CompletionsArgs),
    /// Say who has agreed to be worked with, or take it over.
    #[command(subcommand)]
    Consent(consent::ConsentCommand),
    /// Serve the legacy application with made-up customers alone, unprotected, to try Privet in front of it.
    Demo(demo::DemoArgs),
    /// Tell what personal data and secrets the lines of a JSON-lines file hold.
    Detect(detect::DetectArgs),
    /// Look at machine and configuration as an experienced operator would, and say what to do. Changes nothing.
    Doctor(doctor::DoctorArgs),
    /// Let duties and roles go over from one to another, with two signatures.
    #[command(subcommand)]
    Handover(handover::HandoverCommand),
    /// Open, decide and follow cases of incidents: whose data it was, what laws ask for, and how long there is.
    #[command(subcommand)]
    Incident(incident::IncidentCommand),
    /// Write a commented configuration: from a few answers, or from the file of nginx or Caddy.
    Init(Box<init::InitArgs>),
    /// Print the rules that lead an application's ports to Privet (nftables or iptables).
    Intercept(intercept::InterceptArgs),
    /// Say who fails to sign in most, as pseudonyms, and what was learned of the applications' answers.
    Logins(logins::LoginsArgs),
    /// Open or verify sealed access logs.
    #[command(subcommand)]
    Logs(logs::LogsCommand),
    /// Show, sign or withdraw the security pledge.
    #[command(subcommand)]
    Pledge(pledge::PledgeCommand),
    /// Say what an application or a configuration leaves open, and how that is mended.
    Scan(Box<scan::ScanArgs>),
    /// List, take out, let go or delete infected files that are kept.
    #[command(subcommand)]
    Quarantine(quarantine::QuarantineCommand),
    /// List or end the sessions of people who have signed in.
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// Rewrite the personal data and secrets in texts, logs and tables.
    Redact(redact::RedactArgs),
    /// Open what `redact --operator encrypt` has written, and record why.
    Reveal(reveal::RevealArgs),
    /// Say who may sign in, and who may what.
    #[command(subcommand)]
    Staff(staff::StaffCommand),
    /// Watch what goes by: rates, times, verdicts, redactions, applications; in place on a terminal.
    Top(top::TopArgs),
}

/// `serve` by itself.
#[derive(Debug, Parser)]
struct Serve {
    #[command(flatten)]
    args: ServeArgs,
}

/// What `serve` takes.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// A TOML file; docs/CONFIGURATION.md lists every key.
    #[arg(long, value_name = "FILE", group = "source")]
    config: Option<PathBuf>,
    /// The application to protect, such as <http://127.0.0.1:9000>; no file needed.
    #[arg(long, value_name = "URL", group = "source")]
    to: Option<String>,
    /// Protect an embedded legacy application with made-up data.
    #[arg(long, group = "source")]
    demo: bool,
    /// Start the clock that records go by at this time, such as 2026-03-01T09:00:00+09:00; they say so.
    #[arg(long, value_name = "RFC3339", requires = "demo", value_parser = moment)]
    now: Option<SystemTime>,
    /// Where TLS is served [default: 127.0.0.1:8443].
    #[arg(long, value_name = "ADDR")]
    https: Option<String>,
    /// Where cleartext is redirected, or "off" [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR")]
    http: Option<String>,
    /// Where health and metrics are served, or "off" [default: 127.0.0.1:9901].
    #[arg(long, value_name = "ADDR")]
    admin: Option<String>,
    /// Where identity providers are served, or "off", over what the file says.
    #[arg(long, value_name = "ADDR", requires = "config")]
    console: Option<String>,
    /// Folder for Privet's own state.
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Why cleartext to an application beyond loopback is acceptable (with --to).
    #[arg(long, value_name = "TEXT", requires = "to")]
    cleartext_reason: Option<String>,
}

/// What `check` takes.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// All commands with their options, for whoever writes about them.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    // Every command has keys, passwords or people's data in its memory. Where this is not possible `serve` and `check` say so.
    let _ = memory::seclude();
    if let Some(args) = serve_alone(std::env::args_os().skip(1)) {
        return serve::run(args);
    }
    match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
        Command::Access(command) => access::run(&command),
        Command::Antivirus(command) => antivirus::run(&command),
        Command::Attest(args) => attest::run(&args),
        Command::Consent(command) => consent::run(&command),
        Command::Audit(command) => audit::run(&command),
        Command::Backup(command) => backup::run(&command),
        Command::Ban(command) => ban::run(&command),
        Command::Check(args) => check::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Detect(args) => detect::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Breached(command) => breached::run(&command),
        Command::Certs(command) => certs::run(&command),
        Command::Handover(command) => handover::run(&command),
        Command::Incident(command) => incident::run(&command),
        Command::Pledge(command) => pledge::run(&command),
        Command::Init(args) => init::run(&args),
        Command::Intercept(args) => intercept::run(&args),
        Command::Logins(args) => logins::run(&args),
        Command::Logs(command) => logs::run(&command),
        Command::Scan(args) => scan::run(&args),
        Command::Quarantine(command) => quarantine::run(&command),
        Command::Sessions(command) => sessions::run(&command),
        Command::Redact(args) => redact::run(&args),
        Command::Reveal(args) => reveal::run(&args),
        Command::Staff(command) => staff::run(&command),
        Command::Top(args) => top::run(&args),
    }
}

/// What `serve` was given, where it is that and nothing is wrong with it. What a gateway builds at its start stays in its memory, and the tree of all
/// commands is the largest part of it; whatever there is to say to people is said by that.
fn serve_alone(mut arguments: impl Iterator<Item = OsString>) -> Option<ServeArgs> {
    let serve = arguments.next().filter(|command| command == "serve")?;
    Serve::try_parse_from(iter::once(serve).chain(arguments)).ok().map(|serve| serve.args)
}

fn moment(text: &str) -> Result<SystemTime, time::error::Parse> {
    time::OffsetDateTime::parse(text, &time::format_description::well_known::Rfc3339).map(SystemTime::from)
}

impl ServeArgs {
    fn flags(&self) -> Flags {
        Flags {
            to: self.to.clone(),
            https: self.https.clone(),
            http: self.http.clone(),
            admin: self.admin.clone(),
            console: self.console.clone(),
            data: self.data.clone(),
            cleartext_reason: self.cleartext_reason.clone(),
            safeguards: "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serve_is_read_alone_where_nothing_is_wrong() {
        let alone = |line: &str| serve_alone(line.split(' ').map(OsString::from));
        let args = alone("serve --to http://127.0.0.1:1 --https 127.0.0.1:2").expect("read");
        assert_eq!((args.to.as_deref(), args.https.as_deref()), (Some("http://127.0.0.1:1"), Some("127.0.0.1:2")));
        for line in [
            "",
            "check --config x",
            "serve --help",
            "serve --to",
            "serve --demo --to http://127.0.0.1:1",
            "serve --what",
        ] {
            assert!(alone(line).is_none(), "{line}");
        }
    }
}
