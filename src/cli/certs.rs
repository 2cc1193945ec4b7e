//! `privet certs`: the certificates of a running gateway, and the development CA.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::SystemTime,
};

use http::Method;
use serde_json::{Value, json};

use super::{control::Gateway, safe::scrubbed};
use crate::{
    config::{Config, Flags},
    tls::dev_ca,
};

/// What `certs` takes.
#[derive(Debug, clap::Subcommand)]
pub enum CertsCommand {
    /// The certificates that a running gateway uses or waits for: names, issuer, validity, source, next renewal.
    Show(ShowArgs),
    /// Make the development CA where there is none, and say where it is.
    DevCa(DevCaArgs),
}

/// What `certs show` takes.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// What `certs dev-ca` takes.
#[derive(Debug, clap::Args)]
pub struct DevCaArgs {
    /// The configuration that names its folder [default: the folder `certs`].
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs; exit 2 when the configuration is invalid, 3 when no gateway answers or the CA can't be made.
#[must_use]
pub fn run(command: &CertsCommand) -> ExitCode {
    let outcome = match command {
        CertsCommand::Show(args) => args
            .gateway
            .ask(Method::GET, "/v1/certificates", &Value::Null)
            .map(|answer| if args.json { println!("{answer}") } else { print(&answer) }),
        CertsCommand::DevCa(args) => development(args),
    };
    outcome.map_or_else(|code| code, |()| ExitCode::SUCCESS)
}

fn print(answer: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for row in answer["certificates"].as_array().into_iter().flatten() {
        let names: Vec<String> = row["names"].as_array().into_iter().flatten().map(text).collect();
        println!("{}", if names.is_empty() { "(no DNS name)".to_owned() } else { names.join(", ") });
        println!("    source   {} {}", text(&row["source"]), text(&row["place"]));
        if row["until"].is_null() {
            println!("    waited for: there is no certificate yet");
        } else {
            println!("    issuer   {}", text(&row["issuer"]));
            println!("    valid    {} to {}", text(&row["since"]), text(&row["until"]));
        }
        if let Some(next) = row["next"].as_str() {
            println!("    next     {next}");
        }
        if let Some(trouble) = row["trouble"].as_str() {
            println!("    trouble  {trouble}");
        }
    }
}

fn development(args: &DevCaArgs) -> Result<(), ExitCode> {
    let dir = match &args.config {
        None => PathBuf::from("certs"),
        Some(file) => {
            let config = Config::load(file, &Flags::default()).map_err(|report| {
                eprintln!("{}", scrubbed(&report.to_string()));
                ExitCode::from(2)
            })?;
            config.tls.development_dir
        }
    };
    let made = dev_ca::ensure(&dir, SystemTime::now()).map_err(|error| {
        let error = anyhow::Error::from(error);
        eprintln!("privet: {error:#}");
        ExitCode::from(3)
    })?;
    let ca = absolute(&made.ca);
    if args.json {
        println!("{}", json!({ "ca": ca, "chain": absolute(&made.chain), "names": made.names }));
    } else {
        println!("{}", ca.display());
        println!("    import it into your browser, or:  curl --cacert {} https://localhost:8443/", ca.display());
        println!("    the leaf is for {}", made.names.join(", "));
    }
    Ok(())
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
