//! `privet attest`: whether each clause of the policy is true, by a running gateway; what can be told without one; and the evidence.

mod pack;
mod text;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use http::{Method, StatusCode};
use serde_json::json;

use super::{
    audit::moment,
    control::{Gateway, exchange},
};
use crate::{
    admin::attest::PREFIX,
    app,
    attest::{Grounds, Report, Standing, looking},
    common::clock,
    config::Config,
    registry::{self, State},
    seal::Ring,
};

/// What `attest` takes.
#[derive(Debug, clap::Args)]
pub struct AttestArgs {
    #[command(flatten)]
    gateway: Gateway,
    /// One clause alone.
    #[arg(long, value_name = "ID", conflicts_with = "pack")]
    clause: Option<String>,
    /// Pack the evidence into a new file, made with mode 0600. Needs the configuration and the keys.
    #[arg(long, value_name = "FILE", requires = "config")]
    pack: Option<PathBuf>,
    /// From when on access records are packed, such as 2026-11-01 [default: 31 days ago].
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "pack")]
    since: Option<u64>,
    /// Check a pack that was made before. Needs nothing else.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pack", "clause", "config", "data"])]
    verify: Option<PathBuf>,
    /// JSON instead of text.
    #[arg(long)]
    json: bool,
}

/// Runs; exit 1 where a clause is not true or a pack was changed, 2 for what can't be asked, 3 where nothing is to be had.
#[must_use]
pub fn run(args: &AttestArgs) -> ExitCode {
    match &args.verify {
        Some(file) => pack::check(file, args.json),
        None => attested(args).unwrap_or_else(|code| code),
    }
}

fn attested(args: &AttestArgs) -> Result<ExitCode, ExitCode> {
    let config = args.gateway.loaded().map_err(|report| {
        eprintln!("{report}");
        ExitCode::from(2)
    })?;
    let report = report(args, config.as_ref())?;
    if args.json {
        println!("{:#}", serde_json::to_value(&report).unwrap_or_default());
    } else {
        text::print(&report);
    }
    if let (Some(file), Some(config)) = (&args.pack, &config) {
        pack::write(file, &report, config, &args.gateway, args.since)?;
    }
    Ok(if report.count(Standing::Red) > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// By the gateway that runs; by what lies here where none does.
fn report(args: &AttestArgs, config: Option<&Config>) -> Result<Report, ExitCode> {
    let data_dir = config.map_or_else(|| args.gateway.folder(), |config| config.data_dir.clone());
    match exchange(&data_dir, Method::POST, PREFIX, json!({ "clause": args.clause }).to_string()) {
        Ok((StatusCode::OK, answer)) => serde_json::from_value(answer).map_err(|_| {
            eprintln!("privet attest: the gateway is of another version: its answer can't be read");
            ExitCode::from(3)
        }),
        Ok((status, answer)) => {
            eprintln!("privet attest: {}", answer["error"].as_str().unwrap_or("the gateway refuses"));
            Err(ExitCode::from(if status == StatusCode::NOT_FOUND { 2 } else { 3 }))
        }
        Err(error) => {
            eprintln!("privet attest: no gateway answers in {}: {error}", data_dir.display());
            let Some(config) = config else {
                eprintln!(
                    "    hint: start one, or name the configuration (--config FILE) to see what can be told without"
                );
                return Err(ExitCode::from(3));
            };
            eprintln!("    only what lies here can be told; the rest is unknown");
            offline(args, config)
        }
    }
}

fn offline(args: &AttestArgs, config: &Config) -> Result<Report, ExitCode> {
    if let Some(id) = args.clause.as_ref().filter(|id| !config.attest.policy.clauses.iter().any(|it| it.id == **id)) {
        eprintln!("privet attest: the policy has no clause called \"{id}\"");
        return Err(ExitCode::from(2));
    }
    let grounds = Grounds {
        settings: config.attest.clone(),
        facts: app::attest::facts(config),
        live: None,
        registry: known(config).map(|state| (Arc::new(state), config.registry.clone())),
        clocks: None,
        now: clock::now(),
    };
    looking::look(&grounds, args.clause.as_deref()).map_err(|error| {
        eprintln!("privet attest: {error}");
        ExitCode::from(3)
    })
}

/// What the journal says of people; nothing where it can't be read, which its own control tells.
fn known(config: &Config) -> Option<State> {
    let place = config.journal.as_ref()?.place.shared()?;
    let ring = Ring::load(config.seal.key_file.as_ref()?).ok()?;
    registry::read(&place, ring).ok().map(|(state, _)| state)
}
