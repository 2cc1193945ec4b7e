//! `privet antivirus`: how scanners and their signatures are, and signatures that can't wait.

use std::{fs, io, path::PathBuf, process::ExitCode, time::Duration};

use http::Method;
use serde_json::{Value, json};

use super::control::Gateway;
use crate::{
    antivirus::outbreak,
    common::{colour, unit},
};

/// What `antivirus` takes.
#[derive(Debug, clap::Subcommand)]
pub enum AntivirusCommand {
    /// Whether scanners answer, and how old their signatures are; exit 1 where one is away or they are stale.
    Status(StatusArgs),
    /// Bring a file of signatures into clamd's folder, prove that clamd goes by it, and name files that have passed.
    Outbreak(OutbreakArgs),
}

/// What `antivirus status` takes.
#[derive(Debug, clap::Args)]
pub struct StatusArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What `antivirus outbreak` takes.
#[derive(Debug, clap::Args)]
pub struct OutbreakArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// Signatures: NAME.hdb (hashes), NAME.ndb (bytes) or NAME.yar (YARA). A file of the same name is replaced.
    file: PathBuf,
    /// Longest time that clamd may take to read its signatures.
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = unit::parse_duration)]
    wait: Duration,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs; exit 1 when the answer is no, 2 when the file can't be used, 3 when no gateway answers.
#[must_use]
pub fn run(command: &AntivirusCommand) -> ExitCode {
    match command {
        AntivirusCommand::Status(args) => {
            let answer = match args.gateway.ask(Method::GET, "/v1/antivirus", &Value::Null) {
                Ok(answer) => answer,
                Err(code) => return code,
            };
            if args.json {
                println!("{answer}");
            } else {
                status(&answer);
            }
            let well = answer["up"] == true && answer["stale"] == false;
            if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        AntivirusCommand::Outbreak(args) => bring(args),
    }
}

fn bring(args: &OutbreakArgs) -> ExitCode {
    let name = args.file.file_name().unwrap_or_default().to_string_lossy();
    let text = match fs::read_to_string(&args.file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("privet: {} can't be read: {error}", args.file.display());
            return ExitCode::from(2);
        }
    };
    // The gateway reads it as well; this tells of a fault without one.
    if let Err(fault) = outbreak::Outbreak::read(&name, &text) {
        eprintln!("privet: {}: {fault}", args.file.display());
        return ExitCode::from(2);
    }
    let wait = u64::try_from(args.wait.as_millis()).unwrap_or(u64::MAX);
    let said = json!({ "name": name, "text": text, "wait_ms": wait });
    match args.gateway.ask(Method::POST, "/v1/antivirus/outbreak", &said) {
        Ok(answer) if args.json => println!("{answer}"),
        Ok(answer) => brought(&answer),
        Err(code) => return code,
    }
    ExitCode::SUCCESS
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// In red, where somebody sees it.
fn alarm(words: &str) -> String {
    if colour::on(&io::stdout()) { format!("\x1b[31m{words}\x1b[0m") } else { words.to_owned() }
}

fn status(answer: &Value) {
    let up = if answer["up"] == true { "answers".to_owned() } else { alarm("does not answer") };
    let places = ["clamd", "icap"].into_iter().filter(|name| answer[*name].is_string());
    for name in places {
        println!("{name:10} {} {up}", text(&answer[name]));
    }
    if !text(&answer["engine"]).is_empty() {
        println!("engine     {}", text(&answer["engine"]));
    }
    let age = answer["age_seconds"].as_u64().map(|seconds| format!("{} hours old", seconds / 3600));
    let age = age.unwrap_or_else(|| "of unknown age".to_owned());
    let tag = answer["tag"].as_str().map(|tag| format!(" (tag {tag})")).unwrap_or_default();
    let number = answer["signatures"].as_u64().map(|number| format!("{number}, ")).unwrap_or_default();
    let stale = if answer["stale"] == true { alarm(": STALE") } else { String::new() };
    println!("signatures {number}{age}{tag}{stale}");
    println!("waiting    {} bodies, {} bytes held", answer["waiting"], answer["held_bytes"]);
    for line in answer["stats"].as_array().into_iter().flatten() {
        println!("           {}", text(line).split_whitespace().collect::<Vec<_>>().join(" "));
    }
}

fn brought(answer: &Value) {
    println!("in force: {} signatures in {}", answer["signatures"], text(&answer["installed"]));
    println!("    proved by a sample that clamd finds by the last line of that file");
    let passed = &answer["passed"];
    if let Some(why) = passed["answer"].as_str() {
        println!("whether such files have passed {why}");
        return;
    }
    let hours = passed["within_seconds"].as_u64().unwrap_or_default() / 3600;
    println!("{} of {} files that passed within {hours} hours match", passed["matches"], passed["compared"]);
    for file in passed["files"].as_array().into_iter().flatten() {
        println!(
            "    {}\t{}\t{}\t{}\t{} bytes",
            text(&file["at"]),
            text(&file["request_id"]),
            text(&file["route"]),
            text(&file["direction"]),
            file["size"]
        );
    }
    for limit in passed["limits"].as_array().into_iter().flatten() {
        println!("    but: {}", text(limit));
    }
}
