//! The control socket: how commands on the same machine reach a running gateway.
//!
//! `DATA/control.sock`, mode 0600, HTTP/1.1 with JSON. Whoever connects must be the user that Privet runs as, or root: the kernel tells.

use std::{
    convert::Infallible,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock, atomic::AtomicBool},
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::mpsc::UnboundedSender,
};

use super::{
    Asked, Health, antivirus, attest, bans,
    by::By,
    consent, incident, notice, process,
    registry::{self, Office},
    remedy, scan, state,
};
use crate::{
    access::consent::Desk,
    attest::Attestor,
    common::clock,
    gateway::Plan,
    identity::{Realm, session::table::Listed},
    incident::{Cases, notice::Notices, remedy::Remedies, signal::Feed},
    journal::{Journal, Kind, Record},
    login::{Rule, top::Offender},
    observe::metrics::Metrics,
    privacy::{Engine, Tally},
    tls::{self, Source},
};

/// Its name in the data folder.
pub const NAME: &str = "control.sock";
/// Most bytes of a command.
const LONGEST: usize = 1 << 20;
/// Kinds of records that commands may ask for: what they do themselves.
const NOTED: [Kind; 5] =
    [Kind::AttestPacked, Kind::BackupCreated, Kind::BackupRestored, Kind::JournalWitnessed, Kind::WitnessFailed];
/// Most offenders that are named.
const TOP: usize = 20;

/// What commands, and the console, may reach.
#[derive(Debug)]
pub struct Reach {
    /// The plan in use.
    pub plan: ArcSwap<Plan>,
    /// Certificates.
    pub tls: Arc<tls::Store>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Who has agreed to what, where that is kept.
    pub desk: ArcSwapOption<Desk>,
    /// The journal, once it is open.
    pub journal: OnceLock<Arc<Journal>>,
    /// The registry, where there is one.
    pub office: ArcSwapOption<Office>,
    /// What says whether the policy is true.
    pub attestor: OnceLock<Arc<Attestor>>,
    /// Cases of incidents, where they are kept.
    pub cases: OnceLock<Arc<Cases>>,
    /// What opens them.
    pub feed: OnceLock<Arc<Feed>>,
    /// Notices of them, where they are kept.
    pub notices: OnceLock<Arc<Notices>>,
    /// Their countermeasures.
    pub remedies: OnceLock<Arc<Remedies>>,
    /// The keys that everything is sealed by.
    pub keys: Option<PathBuf>,
    /// How the process is, once it serves.
    pub health: OnceLock<Health>,
    /// Where the process is asked for what it does as a whole.
    pub asks: UnboundedSender<Asked>,
    /// Whether metrics are told where nobody signs in.
    pub open_metrics: AtomicBool,
}

/// Binds the socket in `data_dir`. One that is left over from a process that has ended is removed; the data folder's lock says that it has.
///
/// # Errors
/// When it can't be made.
pub fn bind(data_dir: &Path) -> io::Result<UnixListener> {
    let path = data_dir.join(NAME);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    // The folder is 0700 already; this is for folders that are not ours.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until the task is ended.
pub async fn serve(listener: UnixListener, reach: Arc<Reach>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if is_ours(&stream) {
            tokio::spawn(connection(stream, Arc::clone(&reach)));
        }
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

async fn connection(stream: UnixStream, reach: Arc<Reach>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let reach = Arc::clone(&reach);
        async move { Ok::<_, Infallible>(answer(request, &reach).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .serve_connection(TokioIo::new(stream), service);
    // A command that breaks off concerns nobody.
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>, reach: &Reach) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LONGEST).collect().await else {
        return respond(StatusCode::PAYLOAD_TOO_LARGE, &json!({ "error": "the command is too long" }));
    };
    let (status, said) = ask(reach, &parts.method, parts.uri.path(), &body.to_bytes(), By::Local).await;
    respond(status, &said)
}

/// Answers a command. Whoever has signed in, in the console, gives it in their own name, and so does a program.
pub(super) async fn ask(reach: &Reach, method: &Method, path: &str, body: &[u8], by: By<'_>) -> (StatusCode, Value) {
    let plan = &reach.plan.load_full();
    let office = reach.office.load_full();
    let person = by.person();
    if path.starts_with(registry::PREFIX) {
        return registry::answer(office, method, path, body, person).await;
    }
    if path == incident::MUTES {
        return incident::mutes(office.zip(reach.feed.get()), method, body, person).await;
    }
    if path.starts_with(incident::PREFIX) {
        return incident::answer(office.zip(reach.cases.get()), method, path, body, person).await;
    }
    if path.starts_with(notice::PREFIX) {
        return notice::answer(office.zip(reach.notices.get()), method, path, body, person).await;
    }
    if path.starts_with(remedy::PREFIX) {
        let known = office.zip(reach.remedies.get());
        let desk = known.map(|(office, remedies)| remedy::Desk { office, remedies, plan });
        return remedy::answer(desk, method, path, body, person).await;
    }
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    if path.starts_with(consent::PREFIX) {
        return consent::answer(reach.desk.load_full(), method, path, &said).await;
    }
    if path.starts_with(bans::PREFIX) {
        let desk = bans::Desk { bans: plan.bans.as_ref(), journal: reach.journal.get(), engine: &plan.engine, by };
        return bans::answer(desk, method, path, &said).await;
    }
    if path.starts_with(attest::PREFIX) {
        return attest::answer(reach.attestor.get().cloned(), method, path, &said).await;
    }
    if path.starts_with(scan::PREFIX) {
        return scan::answer(plan, method, path);
    }
    if [antivirus::PREFIX, antivirus::QUARANTINE].iter().any(|prefix| path.starts_with(prefix)) {
        let desk = antivirus::Desk { scanner: plan.antivirus.as_ref(), journal: reach.journal.get() };
        return antivirus::answer(desk, method, path, &said).await;
    }
    if let Some(answer) = state::answer(reach, plan, method, path) {
        return answer;
    }
    match (method, path) {
        (&Method::GET, "/v1/certificates") => {
            let listed: Vec<Value> = reach.tls.list().iter().map(|listed| certificate(listed, &plan.engine)).collect();
            (StatusCode::OK, json!({ "certificates": listed }))
        }
        (&Method::GET, "/v1/logins") => (StatusCode::OK, logins(plan)),
        (&Method::GET, "/v1/sessions") => (StatusCode::OK, json!({ "sessions": sessions(plan) })),
        (&Method::POST, "/v1/journal/notes") => note(reach, said).await,
        (&Method::POST, "/v1/reload") => process::reload(reach, plan, by).await,
        (&Method::POST, "/v1/drain") => process::drain(reach, by).await,
        (&Method::POST, "/v1/sessions/end") => end_sessions(reach, plan, &said, by).await,
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such command" })),
    }
}

/// Words of others, which may repeat an address.
pub(super) fn scrubbed(engine: &Engine, text: &str) -> String {
    let mut out = Vec::new();
    engine.scrub(text.as_bytes(), &mut out, &mut Tally::default());
    String::from_utf8_lossy(&out).into_owned()
}

fn certificate(listed: &tls::Listed, engine: &Engine) -> Value {
    let (kind, place) = match &listed.source {
        Source::File(path) => ("file", path.display().to_string()),
        Source::Acme(directory) => ("acme", directory.clone()),
        Source::Development(path) => ("development", path.display().to_string()),
    };
    let (since, until) = listed.validity.unzip();
    let trouble = listed.trouble.as_ref().map(|text| scrubbed(engine, text));
    json!({
        "names": listed.names, "issuer": listed.issuer, "source": kind, "place": place, "since": since.and_then(time),
        "until": until.and_then(time), "next": listed.next.and_then(time), "trouble": trouble,
    })
}

/// As RFC 3339 has it.
pub(super) fn time(seconds: i64) -> Option<String> {
    let at = time::OffsetDateTime::from_unix_timestamp(seconds).ok()?;
    at.format(&time::format_description::well_known::Rfc3339).ok()
}

/// Sessions that this process knows, of all realms, the latest first in each.
fn sessions(plan: &Plan) -> Vec<Value> {
    let time = |seconds: u64| time(i64::try_from(seconds).unwrap_or(i64::MAX));
    let of_realm = |realm: &Realm| -> Vec<Value> {
        let listed = realm.sessions().list(clock::now());
        let one = |session: &Listed| {
            let who = &session.principal;
            json!({
                "handle": session.handle, "realm": realm.name(), "subject": who.subject, "issuer": who.issuer,
                "roles": who.roles, "methods": who.methods, "began": time(session.began), "seen": time(session.seen),
            })
        };
        listed.iter().map(one).collect()
    };
    plan.realms().iter().flat_map(|realm| of_realm(realm)).collect()
}

/// Ends one session by its handle, or all of a person.
async fn end_sessions(reach: &Reach, plan: &Plan, said: &Value, by: By<'_>) -> (StatusCode, Value) {
    let (handle, subject) = (said["handle"].as_str(), said["subject"].as_str());
    let mut ended = 0;
    for realm in plan.realms() {
        let sessions = realm.sessions();
        let now = clock::now();
        ended += match (handle, subject) {
            (Some(handle), _) => usize::from(sessions.revoke(handle, now).await),
            (None, Some(subject)) => sessions.revoke_where(|_, entry| entry.principal().subject == subject, now).await,
            (None, None) => return (StatusCode::BAD_REQUEST, json!({ "error": "name a handle or a subject" })),
        };
    }
    if ended == 0 {
        return (StatusCode::NOT_FOUND, json!({ "error": "there is no such session" }));
    }
    tracing::info!(ended, "sessions were ended by command");
    if let Some(journal) = reach.journal.get() {
        let fields = [("handle", handle.into()), ("subject", subject.into()), ("ended", ended.into())];
        journal.note(&by.sign(Record::new(Kind::SessionEnded, fields)));
    }
    (StatusCode::OK, json!({ "ended": ended }))
}

/// Writes down what a command has done that no gateway could see.
async fn note(reach: &Reach, mut said: Value) -> (StatusCode, Value) {
    let kind = said["kind"].as_str().and_then(Kind::named).filter(|kind| NOTED.contains(kind));
    let (Some(kind), Value::Object(body)) = (kind, said["body"].take()) else {
        return (StatusCode::BAD_REQUEST, json!({ "error": "that is not for a command to write down" }));
    };
    let Some(journal) = reach.journal.get() else {
        return (StatusCode::CONFLICT, json!({ "error": "this gateway keeps no journal" }));
    };
    match journal.append(&Record::of(kind, body)).await {
        Ok(receipt) => (StatusCode::OK, json!({ "index": receipt.index })),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error.to_string() })),
    }
}

/// What is known of attempts to sign in; pseudonyms only.
fn logins(plan: &Plan) -> Value {
    let named = |offenders: Vec<Offender>| -> Vec<Value> {
        let one = |offender: &Offender| json!({ "pseudonym": offender.key.to_string(), "count": offender.count });
        offenders.iter().map(one).collect()
    };
    let (addresses, accounts) = plan.guard.top(TOP);
    let rules: Vec<Value> = plan.logins().iter().map(|rule| login(rule)).collect();
    json!({
        "logins": rules,
        "accounts": named(accounts),
        "addresses": named(addresses),
        "keys": plan.guard.remembered(),
    })
}

fn login(rule: &Rule) -> Value {
    let belief =
        rule.belief().map(|belief| json!({ "text": belief.text, "confidence": belief.confidence.to_string() }));
    json!({ "login": rule.name(), "belief": belief })
}

fn respond(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string() + "\n"));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
