//! `privet antivirus` and `privet quarantine` over the control socket.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::control::time;
use crate::{
    antivirus::{
        Scanner,
        outbreak::{Error, Outbreak},
        quarantine::{self, About, Quarantine},
        seen::Passed,
        signatures::{Version, age},
    },
    common::clock,
    journal::{Journal, Kind, Record},
};

/// Where commands about clamd begin.
pub const PREFIX: &str = "/v1/antivirus";
/// Where commands about infected files begin.
pub const QUARANTINE: &str = "/v1/quarantine";
/// Most bytes of a file that one answer has.
const PIECE: usize = 16 << 20;
/// Most bytes of a reason.
const LONGEST_REASON: usize = 200;
/// Most files that have passed and are named.
const NAMED: usize = 1000;
/// Longest time that clamd is given to read its signatures.
const PATIENCE: Duration = Duration::from_secs(900);

/// What answers need.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) scanner: Option<&'a Arc<Scanner>>,
    pub(super) journal: Option<&'a Arc<Journal>>,
}

type Answer = (StatusCode, Value);

fn no(status: StatusCode, why: impl std::fmt::Display) -> Answer {
    (status, json!({ "error": why.to_string() }))
}

/// Answers one command.
pub(super) async fn answer(desk: Desk<'_>, method: &Method, path: &str, said: &Value) -> Answer {
    let Some(scanner) = desk.scanner else {
        let why = "this gateway scans nothing: add `antivirus = \"block\"` to a route of its configuration";
        return no(StatusCode::CONFLICT, why);
    };
    match (method, path.strip_prefix(PREFIX), path.strip_prefix(QUARANTINE)) {
        (&Method::GET, Some(""), _) => status(scanner).await,
        (&Method::POST, Some("/outbreak"), _) => outbreak(scanner, &desk, said).await,
        (method, _, Some(rest)) => {
            let Some(quarantine) = scanner.quarantine() else {
                let why = "this gateway keeps no infected files: add `quarantine = true` to [antivirus]";
                return no(StatusCode::CONFLICT, why);
            };
            match (method, rest) {
                (&Method::GET, "") => list(quarantine).await,
                (&Method::POST, "/export") => export(quarantine, &desk, said).await,
                (&Method::POST, "/release") => remove(quarantine, &desk, said, Kind::QuarantineReleased).await,
                (&Method::POST, "/purge") => remove(quarantine, &desk, said, Kind::QuarantinePurged).await,
                _ => no(StatusCode::NOT_FOUND, "no such command"),
            }
        }
        _ => no(StatusCode::NOT_FOUND, "no such command"),
    }
}

/// Does what may wait for a disk or clamd.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Answer> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| no(StatusCode::INTERNAL_SERVER_ERROR, "the command has failed"))
}

async fn status(scanner: &Arc<Scanner>) -> Answer {
    let own = Arc::clone(scanner);
    let asked = apart(move || {
        own.look();
        own.engines().clamd().and_then(|clamd| clamd.stats().ok())
    });
    let stats = match asked.await {
        Ok(stats) => stats,
        Err(answer) => return answer,
    };
    let settings = scanner.settings();
    let (held, memory) = scanner.held();
    let known = scanner.signatures().version().unwrap_or_else(|| Version::read(""));
    let seconds = |made: u64| age(made, clock::now()).as_secs();
    let lines = |stats: String| -> Vec<String> {
        let of_use = |line: &&str| ["STATE", "THREADS", "QUEUE"].iter().any(|word| line.starts_with(word));
        stats.lines().filter(of_use).map(str::to_owned).collect()
    };
    let answer = json!({
        "clamd": settings.clamd.as_ref().map(ToString::to_string), "icap": settings.icap.as_ref().map(ToString::to_string), "up": scanner.signatures().is_up(), "engine": known.engine,
        "signatures": known.signatures, "tag": known.tag, "made": known.made.and_then(|made| time(i64::try_from(made).ok()?)),
        "age_seconds": known.made.map(seconds), "dated": known.dated, "max_age_seconds": settings.max_age.as_secs(),
        "stale": scanner.is_stale(), "waiting": scanner.waiting(), "held_bytes": held, "held_memory_bytes": memory,
        "stats": stats.map(lines),
    });
    (StatusCode::OK, answer)
}

async fn outbreak(scanner: &Arc<Scanner>, desk: &Desk<'_>, said: &Value) -> Answer {
    let (name, text) = (said["name"].as_str().unwrap_or_default(), said["text"].as_str().unwrap_or_default());
    let outbreak = match Outbreak::read(name, text) {
        Ok(outbreak) => outbreak,
        Err(fault) => return no(StatusCode::BAD_REQUEST, fault),
    };
    let Some(folder) = scanner.settings().database.clone() else {
        let why = "where clamd's signatures are is not known: name the folder in `antivirus.database`";
        return no(StatusCode::CONFLICT, why);
    };
    if scanner.engines().clamd().is_none() {
        let why = "this gateway asks an ICAP server alone, which takes signatures from its own maker only";
        return no(StatusCode::CONFLICT, why);
    }
    let patience = said["wait_ms"].as_u64().map_or(Duration::from_secs(120), Duration::from_millis).min(PATIENCE);
    let (own, file) = (Arc::clone(scanner), outbreak.clone());
    let installed = apart(move || {
        let installed = own.engines().clamd().map(|clamd| file.install(clamd, &folder, patience));
        own.signatures().renew();
        installed.unwrap_or(Err(Error::Clamd(crate::antivirus::wire::Error::Silent)))
    });
    let installed = match installed.await {
        Ok(installed) => installed,
        Err(answer) => return answer,
    };
    let outcome = if installed.is_ok() { "in force" } else { "refused" };
    let fields =
        [("file", file_name(name).into()), ("signatures", outbreak.signatures.into()), ("outcome", outcome.into())];
    if let Err(answer) = written(desk, Record::new(Kind::OutbreakInstalled, fields)).await {
        return answer;
    }
    match installed {
        Ok(path) => {
            let mut answer = json!({ "installed": path.display().to_string(), "signatures": outbreak.signatures });
            answer["passed"] = passed(scanner, &outbreak);
            (StatusCode::OK, answer)
        }
        Err(error @ Error::Refused(_)) => no(StatusCode::CONFLICT, error),
        Err(error) => no(StatusCode::SERVICE_UNAVAILABLE, error),
    }
}

fn file_name(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Which files have passed that these signatures match; nothing is said where nobody can tell.
fn passed(scanner: &Scanner, outbreak: &Outbreak) -> Value {
    let remember = scanner.settings().remember;
    if !outbreak.can_be_answered() {
        let why = "can't be answered: of files that have passed MD5, SHA-256 and size are known, and nothing else";
        return json!({ "answer": why });
    }
    let found = scanner.passage().find(remember, |file| outbreak.matches(file));
    let one = |passed: &Passed| {
        json!({
            "request_id": &*passed.request, "route": &*passed.route, "direction": passed.direction.name(),
            "size": passed.file.size, "at": time(i64::try_from(passed.at / 1000).unwrap_or(i64::MAX)),
        })
    };
    let named: Vec<Value> = found.files.iter().rev().take(NAMED).map(one).collect();
    let mut limits = vec!["files within archives are not compared".to_owned()];
    if found.unknown > 0 {
        limits.push(format!("{} bodies have passed without a scan, and are not known", found.unknown));
    }
    if found.incomplete {
        limits.push("more files have passed than are remembered".to_owned());
    }
    json!({
        "within_seconds": remember.as_secs(), "compared": found.compared, "matches": found.files.len(), "files": named,
        "limits": limits,
    })
}

async fn list(quarantine: &Arc<Quarantine>) -> Answer {
    let own = Arc::clone(quarantine);
    match apart(move || own.list()).await {
        Ok(Ok(files)) => {
            let all: Vec<Value> = files.iter().map(|(id, about)| shown(id, about)).collect();
            (StatusCode::OK, json!({ "files": all }))
        }
        Ok(Err(error)) => refused(&error),
        Err(answer) => answer,
    }
}

fn shown(id: &str, about: &About) -> Value {
    json!({
        "id": id, "signature": about.signature, "route": about.route, "request_id": about.request, "size": about.size,
        "direction": about.direction, "sha256": about.sha256, "field": about.field, "name": about.name, "at": time(i64::try_from(about.at / 1000).unwrap_or(i64::MAX)),
    })
}

fn refused(error: &quarantine::Error) -> Answer {
    let status = match error {
        quarantine::Error::Unknown => StatusCode::NOT_FOUND,
        quarantine::Error::Full | quarantine::Error::Released => StatusCode::CONFLICT,
        quarantine::Error::Io(_) | quarantine::Error::Seal(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    no(status, error)
}

/// Id and reason of a command.
fn named(said: &Value) -> Result<(String, String), Answer> {
    let reason = said["reason"].as_str().unwrap_or_default().trim().to_owned();
    if reason.is_empty() || reason.len() > LONGEST_REASON || reason.contains(char::is_control) {
        return Err(no(StatusCode::BAD_REQUEST, format!("say why: 1 to {LONGEST_REASON} bytes in one line")));
    }
    Ok((said["id"].as_str().unwrap_or_default().to_owned(), reason))
}

/// Writes down that something is done with a file, before it is.
async fn announced(
    quarantine: &Arc<Quarantine>,
    desk: &Desk<'_>,
    said: &Value,
    kind: Kind,
) -> Result<(String, String), Answer> {
    let (id, reason) = named(said)?;
    let (own, name) = (Arc::clone(quarantine), id.clone());
    let about = apart(move || own.about(&name)).await?.map_err(|error| refused(&error))?;
    let fields = [
        ("quarantine", id.as_str().into()),
        ("signature", about.signature.into()),
        ("sha256", about.sha256.into()),
        ("request_id", about.request.into()),
        ("reason", reason.as_str().into()),
    ];
    written(desk, Record::new(kind, fields)).await?;
    Ok((id, reason))
}

async fn export(quarantine: &Arc<Quarantine>, desk: &Desk<'_>, said: &Value) -> Answer {
    let offset = said["offset"].as_u64().unwrap_or_default();
    // Later pieces belong to the same command.
    let named =
        if offset == 0 { announced(quarantine, desk, said, Kind::QuarantineExported).await } else { named(said) };
    let id = match named {
        Ok((id, _)) => id,
        Err(answer) => return answer,
    };
    let own = Arc::clone(quarantine);
    match apart(move || own.read(&id, offset, PIECE)).await {
        Ok(Ok(bytes)) => {
            (StatusCode::OK, json!({ "bytes": BASE64_STANDARD.encode(&bytes), "next": offset + bytes.len() as u64 }))
        }
        Ok(Err(error)) => refused(&error),
        Err(answer) => answer,
    }
}

/// Lets a file go, or deletes it.
async fn remove(quarantine: &Arc<Quarantine>, desk: &Desk<'_>, said: &Value, kind: Kind) -> Answer {
    let (id, reason) = match announced(quarantine, desk, said, kind).await {
        Ok(named) => named,
        Err(answer) => return answer,
    };
    let (own, name) = (Arc::clone(quarantine), id.clone());
    let done = apart(move || match kind {
        Kind::QuarantineReleased => own.release(&name, &reason),
        _ => own.purge(&name),
    });
    match done.await {
        Ok(Ok(())) => (StatusCode::OK, json!({ "id": id })),
        Ok(Err(error)) => refused(&error),
        Err(answer) => answer,
    }
}

/// On disk before anything is done.
async fn written(desk: &Desk<'_>, record: Record) -> Result<(), Answer> {
    let Some(journal) = desk.journal else { return Ok(()) };
    let outcome = journal.append(&record).await;
    outcome
        .map(|_| ())
        .map_err(|error| no(StatusCode::SERVICE_UNAVAILABLE, format!("it can't be written down: {error}")))
}
