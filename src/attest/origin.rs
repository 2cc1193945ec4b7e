//! Where probes end in place of an application: it swallows what it is sent, and says what probes want to see covered.
//!
//! `DATA/probe.sock`, mode 0600. It knows nobody: whoever reached it would hear of people who don't exist.

use std::{
    convert::Infallible,
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::UnixListener;

use super::person::Person;
use crate::gateway::probe::X_PRIVET_PROBE;

/// Its name in the data folder.
const NAME: &str = "probe.sock";

/// Where it is.
#[must_use]
pub fn place(data_dir: &Path) -> PathBuf {
    data_dir.join(NAME)
}

/// Binds it. What is left over from a process that has ended is removed: the data folder's lock says that it has.
///
/// # Errors
/// When it can't be made.
pub fn bind(data_dir: &Path) -> io::Result<UnixListener> {
    let path = place(data_dir);
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until the task is ended.
pub async fn serve(listener: UnixListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        tokio::spawn(async move {
            let service = service_fn(|request| async { Ok::<_, Infallible>(answer(request).await) });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(30))
                .serve_connection(TokioIo::new(stream), service);
            // A probe that breaks off says so itself.
            let _ = connection.await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, mut body) = request.into_parts();
    while let Some(Ok(_)) = body.frame().await {}
    let mut response = Response::new(Full::from(text(&parts.headers)));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn text(headers: &HeaderMap) -> String {
    let asked = headers.get(X_PRIVET_PROBE).and_then(|value| u64::from_str_radix(value.to_str().ok()?, 16).ok());
    let Some(number) = asked else { return json!({ "probe": "reached" }).to_string() };
    let Person { id, email, phone, rrn, card } = Person::of(number);
    json!({ "customers": [{ "id": id, "email": email, "phone": phone, "rrn": rrn, "card": card }] }).to_string()
}
