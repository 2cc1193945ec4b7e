//! The control socket: how commands on the same machine reach a running gateway.
//!
//! `DATA/control.sock`, mode 0600, HTTP/1.1 with JSON. Whoever connects must be the user that Privet runs as, or root: the kernel tells.

use std::{convert::Infallible, fs, io, os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::net::{UnixListener, UnixStream};

use crate::{
    gateway::Plan,
    login::{Rule, top::Offender},
};

/// Its name in the data folder.
pub const NAME: &str = "control.sock";
/// Most offenders that are named.
const TOP: usize = 20;

/// What commands may reach: the plan in use.
pub type Reach = Arc<ArcSwap<Plan>>;

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
pub async fn serve(listener: UnixListener, reach: Reach) {
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

async fn connection(stream: UnixStream, reach: Reach) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &reach.load());
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10))
        .serve_connection(TokioIo::new(stream), service);
    // A command that breaks off concerns nobody.
    let _ = connection.await;
}

fn answer(method: &Method, path: &str, plan: &Plan) -> Response<Full<Bytes>> {
    match (method, path) {
        (&Method::GET, "/v1/logins") => respond(StatusCode::OK, &logins(plan)),
        _ => respond(StatusCode::NOT_FOUND, &json!({ "error": "no such command" })),
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
