//! `privet attest --pack` and `--verify`.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::ExitCode,
};

use http::Method;
use serde_json::{Value, json};

use super::known;
use crate::{
    app,
    attest::{
        Report,
        pack::{
            self, Packed, Wanted,
            signer::{self, Signer, text_of},
        },
    },
    cli::{
        control::{Gateway, exchange},
        noted,
        office::Office,
        safe::scrubbed,
        staff::{self, certificate},
    },
    common::clock,
    config::{Config, secret},
    format::font::{self, Font},
    journal::{Kind, Record},
};

/// Access records that are packed where nobody says from when on.
const DAYS: u64 = 31;
/// So many days before now count in what leavers have seen: access records are kept no longer without another setting.
const SEEN: u32 = 365;

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Pack(#[from] pack::Error),
    #[error(transparent)]
    Signer(#[from] signer::Error),
    #[error("the certificates of those who have left: {0}")]
    Leavers(#[from] staff::Failure),
    #[error("the font of [incident]: {0}")]
    Font(#[from] font::Error),
}

/// Packs the evidence of `report` into a new file, and notes it in the journal.
pub(super) fn write(
    file: &Path,
    report: &Report,
    config: &Config,
    gateway: &Gateway,
    since: Option<u64>,
) -> Result<(), ExitCode> {
    let failed = |why: &dyn std::fmt::Display| {
        eprintln!("privet attest: {}: {why}", file.display());
        ExitCode::from(3)
    };
    // Before anything is read: who names a file that is there has made a mistake.
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(|e| failed(&e))?;
    let packed = packed(report, config, gateway, since).inspect_err(|_| {
        let _ = fs::remove_file(file);
    });
    let (packed, key) = packed.map_err(|error| failed(&error))?;
    out.write_all(&packed.bytes).and_then(|()| out.sync_all()).map_err(|error| failed(&error))?;
    let Packed { manifest, sha256, .. } = &packed;
    eprintln!("{}: {} files, manifest {sha256}, signed by {key}", file.display(), manifest.files.len());
    for listed in &manifest.files {
        eprintln!("    {:>9}  {}", listed.bytes, listed.name);
    }
    let record = Record::new(
        Kind::AttestPacked,
        [
            ("manifest_sha256", sha256.as_str().into()),
            ("key", key.into()),
            ("access_since", manifest.access_since.as_str().into()),
            ("files", manifest.files.len().into()),
        ],
    );
    let (Some(journal), Some(keys)) = (&config.journal, &config.seal.key_file) else { return Ok(()) };
    let place = noted::Place { data_dir: config.data_dir.clone(), journal: journal.clone(), keys: keys.clone() };
    noted::note(&place, &[record]).map_err(|error| {
        eprintln!("privet attest: the pack is written, and the journal was not told of it: {error}");
        ExitCode::from(3)
    })
}

fn packed(
    report: &Report,
    config: &Config,
    gateway: &Gateway,
    since: Option<u64>,
) -> Result<(Packed, String), Failure> {
    let signer = Signer::load_or_make(&config.data_dir)?;
    let state = known(config);
    let facts = app::attest::facts(config);
    let scan = exchange(&config.data_dir, Method::GET, "/v1/scan", Value::Null.to_string());
    let text = gateway.text().and_then(|text| secret::removed(&text)).map(|text| scrubbed(&text));
    let realm = config.identity.realms.iter().find(|realm| realm.name == config.registry.realm);
    let office = realm.map(|realm| Office::of(config.clone(), realm.clone()));
    let leavers = match office.filter(|office| office.journal.is_some()) {
        Some(office) => certificate::of_leavers(&office, SEEN)?,
        None => Vec::new(),
    };
    let font = config.incident.notices.font.as_deref().map(Font::open).transpose()?;
    let wanted = Wanted {
        report,
        leavers,
        font: font.as_ref(),
        facts: &facts,
        registry: state.as_ref().map(|state| (state, &config.registry)),
        config: text,
        scan: scan.ok().filter(|(status, _)| status.is_success()).map(|(_, answer)| answer),
        since: since.unwrap_or_else(|| clock::millis().saturating_sub(DAYS * 86_400_000)),
        now: clock::now(),
    };
    Ok((pack::make(&wanted, &signer)?, text_of(&signer.public())))
}

/// Says whether a pack is what was signed.
pub(super) fn check(file: &Path, json: bool) -> ExitCode {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => {
            eprintln!("privet attest: {}: {error}", file.display());
            return ExitCode::from(3);
        }
    };
    let (manifest, key, wrong) = match pack::check(&bytes) {
        Ok(checked) => checked,
        Err(error) => {
            if json {
                println!("{}", json!({ "whole": false, "problems": [error.to_string()] }));
            }
            eprintln!("privet attest: {}: {error}", file.display());
            return ExitCode::FAILURE;
        }
    };
    if json {
        let object = json!({
            "whole": wrong.is_empty(), "made": manifest.made, "key": key, "files": manifest.files.len(),
            "problems": wrong,
        });
        println!("{object}");
    } else {
        println!("made     {} by privet {}", manifest.made, manifest.version);
        println!("files    {}", manifest.files.len());
        println!("key      {key}");
        println!(
            "         compare it with the one that the operator has published, or with `attest.packed` in the journal"
        );
        for problem in &wrong {
            println!("BAD      {problem}");
        }
        println!("{}", if wrong.is_empty() { "whole and unchanged" } else { "NOT whole and unchanged" });
    }
    if wrong.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
