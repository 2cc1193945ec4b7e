//! All of it in one archive that can be taken along: the report, the records that it rests on, and a signed manifest of their hashes.
//!
//! `signer` has the key, `archive` the ZIP, `records` what the journal holds, `summary` the page for people, `oscal` the same for programs.

pub mod archive;
pub mod oscal;
pub mod records;
pub mod signer;
pub mod summary;

use std::time::SystemTime;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::{
    archive::Entry,
    signer::{Signer, public_pem},
};
use super::{grounds::Facts, looking::stamp, report::Report};
use crate::{
    format::{font::Font, pdf},
    journal::{search, tree::hex, verify::Outside, verify::verify},
    registry::{self, State, view},
    seal::{Ring, keys},
};

/// The manifest.
pub const MANIFEST: &str = "manifest.json";
/// Its signature: 64 bytes of Ed25519.
pub const SIGNATURE: &str = "manifest.sig";
/// What checks it.
pub const PUBLIC: &str = "attest.pub.pem";
/// What `sha256sum -c` reads.
const SUMS: &str = "SHA256SUMS";
/// What the manifest calls its own form.
const FORM: &str = "privet-evidence/1";

/// What is packed.
#[derive(Debug)]
pub struct Wanted<'a> {
    /// What came of looking.
    pub report: &'a Report,
    /// What the configuration says.
    pub facts: &'a Facts,
    /// Who may what.
    pub registry: Option<(&'a State, &'a registry::Settings)>,
    /// The certificate of each leaver: what they held, promised and saw, and who has taken over.
    pub leavers: Vec<Value>,
    /// For the page on paper.
    pub font: Option<&'a Font>,
    /// The configuration's text, without secrets.
    pub config: Option<String>,
    /// What is open of the vulnerability analysis.
    pub scan: Option<Value>,
    /// From when on access records are taken along, in milliseconds since 1970.
    pub since: u64,
    /// When.
    pub now: SystemTime,
}

/// Why there is no pack.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk refuses.
    #[error("the disk refuses: {0}")]
    Io(#[from] std::io::Error),
    /// The keys can't be used.
    #[error("the keys can't be used: {0}")]
    Keys(#[from] keys::Error),
    /// The journal can't be read.
    #[error("{0}")]
    Journal(#[from] search::Error),
    /// The key that signs can't be used.
    #[error("{0}")]
    Signer(#[from] signer::Error),
    /// More than the form of archive holds.
    #[error("{0}")]
    Archive(#[from] archive::Error),
    /// The font lacks what the page says.
    #[error("{0}: take another `font`")]
    Paper(#[from] pdf::Error),
    /// Something can't be written as JSON.
    #[error("it can't be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// What a pack holds, and under whose signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Its own form.
    pub form: String,
    /// When it was made, by RFC 3339.
    pub made: String,
    /// Of Privet.
    pub version: String,
    /// SHA-256 of the policy's file.
    pub policy_sha256: String,
    /// SHA-256 of the configuration.
    pub config_sha256: String,
    /// From when on access records are in it.
    pub access_since: String,
    /// Each file.
    pub files: Vec<Listed>,
}

/// A file of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// A pack, and what is said of it in the journal.
#[derive(Debug)]
pub struct Packed {
    /// The archive.
    pub bytes: Vec<u8>,
    /// What it holds.
    pub manifest: Manifest,
    /// SHA-256 of the manifest.
    pub sha256: String,
}

/// Packs all of it.
///
/// # Errors
/// When the journal or a key can't be used.
pub fn make(wanted: &Wanted<'_>, signer: &Signer) -> Result<Packed, Error> {
    let mut files: Vec<Entry> = Vec::new();
    let mut add = |name: &str, bytes: Vec<u8>| files.push(Entry { name: name.to_owned(), bytes });
    add("README.txt", include_bytes!("readme.txt").to_vec());
    add("report.json", pretty(wanted.report)?);
    add("summary.html", summary::page(wanted.report).into_bytes());
    if let Some(font) = wanted.font {
        add("summary.pdf", summary::paper(wanted.report, font)?);
    }
    add("oscal-assessment-results.json", pretty(&oscal::results(wanted.report))?);
    if let Some(config) = &wanted.config {
        add("configuration.toml", config.clone().into_bytes());
    }
    if let Some(scan) = &wanted.scan {
        add("scan.json", pretty(scan)?);
    }
    if let Some((state, rules)) = wanted.registry {
        add("leavers.json", pretty(&wanted.leavers)?);
        add("registry.json", pretty(&view::object(state, rules, wanted.now.into()))?);
    }
    journals(wanted, &mut files)?;
    let sums = files.iter().map(|file| format!("{}  {}", sha256(&file.bytes), file.name));
    let sums = sums.collect::<Vec<_>>().join("\n") + "\n";
    files.push(Entry { name: SUMS.to_owned(), bytes: sums.into_bytes() });
    files.push(Entry { name: PUBLIC.to_owned(), bytes: public_pem(&signer.public()).into_bytes() });
    let listed =
        |file: &Entry| Listed { name: file.name.clone(), bytes: file.bytes.len() as u64, sha256: sha256(&file.bytes) };
    let manifest = Manifest {
        form: FORM.to_owned(),
        made: stamp(wanted.now),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        policy_sha256: wanted.report.policy_sha256.clone(),
        config_sha256: wanted.report.config_sha256.clone(),
        access_since: stamp(SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(wanted.since)),
        files: files.iter().map(listed).collect(),
    };
    let text = pretty(&manifest)?;
    let (signature, sha256) = (signer.sign(&text), sha256(&text));
    files.insert(0, Entry { name: SIGNATURE.to_owned(), bytes: signature });
    files.insert(0, Entry { name: MANIFEST.to_owned(), bytes: text });
    Ok(Packed { bytes: archive::write(&files, wanted.now)?, manifest, sha256 })
}

/// What the journals hold, and what vouches for them.
fn journals(wanted: &Wanted<'_>, files: &mut Vec<Entry>) -> Result<(), Error> {
    let (Some(journal), Some(keys)) = (&wanted.facts.journal, &wanted.facts.seal) else { return Ok(()) };
    let mut groups = records::Groups::new(wanted.since);
    for place in journal.place.all()? {
        let name = place.name();
        let report = verify(&place, Outside::default())?;
        let problems: Vec<String> = report.problems.iter().map(ToString::to_string).collect();
        let whole = json!({
            "journal": name, "whole": problems.is_empty(), "records": report.records, "root": hex(&report.root),
            "key": report.verifier, "signed": report.signed, "problems": problems,
        });
        files.push(Entry { name: format!("journal/{name}/verify.json"), bytes: pretty(&whole)? });
        let disk = place.files()?;
        for vouches in ["checkpoint", "checkpoint.pub"] {
            if let Ok(bytes) = disk.read(vouches) {
                files.push(Entry { name: format!("journal/{name}/{vouches}"), bytes });
            }
        }
        groups.read(&place, Ring::load(keys)?)?;
    }
    files.extend(groups.files().map(|(name, bytes)| Entry { name: format!("records/{name}.jsonl"), bytes }));
    Ok(())
}

fn pretty(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    Ok(text)
}

fn sha256(bytes: &[u8]) -> String {
    let mut sum = [0; 32];
    sum.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hex(&sum)
}

/// What is wrong with a pack; nothing where it is what was signed. Its public key comes with it, as a line of base64.
///
/// # Errors
/// When it is no such archive.
pub fn check(bytes: &[u8]) -> Result<(Manifest, String, Vec<String>), archive::Error> {
    let files = archive::read(bytes)?;
    let find = |name: &str| files.iter().find(|file| file.name == name).map(|file| &*file.bytes);
    let missing = |name: &'static str| archive::Error::Missing(name);
    let text = find(MANIFEST).ok_or_else(|| missing(MANIFEST))?;
    let signature = find(SIGNATURE).ok_or_else(|| missing(SIGNATURE))?;
    let pem = find(PUBLIC).ok_or_else(|| missing(PUBLIC))?;
    let manifest: Manifest = serde_json::from_slice(text).map_err(|_| missing(MANIFEST))?;
    let key = signer::public_of(pem).ok_or_else(|| missing(PUBLIC))?;
    let mut wrong = Vec::new();
    if !signer::verify(&key, text, signature) {
        wrong.push("the manifest is not what was signed".to_owned());
    }
    for listed in &manifest.files {
        match find(&listed.name) {
            None => wrong.push(format!("{} is missing", listed.name)),
            Some(bytes) if sha256(bytes) != listed.sha256 => wrong.push(format!("{} was changed", listed.name)),
            Some(_) => {}
        }
    }
    for file in files.iter().filter(|file| ![MANIFEST, SIGNATURE].contains(&&*file.name)) {
        if !manifest.files.iter().any(|listed| listed.name == file.name) {
            wrong.push(format!("{} is in no manifest", file.name));
        }
    }
    Ok((manifest, signer::text_of(&key), wrong))
}
