//! The private listeners. [`console`] is the one with TLS, for people, for SCIM and for programs ([`api`]); this is the other: health, metrics where that is wished, and the hook of the end, without TLS, and nothing else.

pub mod antivirus;
pub mod api;
pub mod attest;
pub mod bans;
mod by;
pub mod consent;
pub mod console;
pub mod control;
pub mod incident;
pub mod notice;
mod process;
pub mod registry;
pub mod remedy;
pub mod scan;
pub mod scim;
pub mod settings;
pub mod state;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpListener, sync::oneshot};

use self::control::Reach;
pub use self::{api::Api, console::Console, settings::Settings};

use crate::{
    common::pulse::Pulse,
    observe::metrics::{Format, Metrics},
};

/// What the process is asked for from outside. Dropping it refuses it.
#[derive(Debug)]
pub enum Asked {
    /// The end, by a hook that is told when nothing is in flight any more.
    Hook(oneshot::Sender<()>),
    /// The configuration anew; what has come of it.
    Reload(oneshot::Sender<Result<(), String>>),
    /// The end, by an order that is told when it has begun.
    End(oneshot::Sender<()>),
}

/// Silence of a worker from which on the process is not alive: it beats once a second, and a machine may be busy.
const SILENCE: Duration = Duration::from_secs(30);

/// How the process is.
#[derive(Debug, Clone)]
pub struct Health {
    /// Whether it takes requests.
    pub ready: Arc<AtomicBool>,
    /// Its workers' signs of life: one that hangs still accepts its share of connections.
    pub workers: Vec<Pulse>,
}

impl Health {
    fn is_alive(&self) -> bool {
        self.workers.iter().all(|worker| worker.silence() < SILENCE)
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Relaxed)
    }
}

/// Answers until the task is ended.
pub async fn serve(listener: TcpListener, reach: Arc<Reach>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let reach = Arc::clone(&reach);
        tokio::spawn(async move {
            let reach = &reach;
            let service = service_fn(move |request| async move {
                let drained = is_hook(&request) && drained(reach).await;
                Ok::<_, Infallible>(if drained {
                    text(StatusCode::OK, "text/plain", "drained\n".into())
                } else {
                    answer(&request, reach)
                })
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(Duration::from_secs(10))
                .serve_connection(TokioIo::new(stream), service);
            // A client that breaks off concerns nobody.
            let _ = connection.await;
        });
    }
}

/// GET alone: the kubelet's hooks can't do otherwise.
fn is_hook(request: &Request<Incoming>) -> bool {
    request.method() == Method::GET && request.uri().path() == "/drain"
}

/// Asks for the end and waits until nothing is in flight; false where no hook is configured.
async fn drained(reach: &Reach) -> bool {
    let (asked, told) = oneshot::channel();
    reach.asks.send(Asked::Hook(asked)).is_ok() && told.await.is_ok()
}

fn answer(request: &Request<Incoming>, reach: &Reach) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET and HEAD\n".into());
        answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return answer;
    }
    let path = request.uri().path();
    if let Some(answer) = health(path, reach.health.get()) {
        return answer;
    }
    let is_open = reach.open_metrics.load(Relaxed);
    match path {
        "/metrics" if is_open => exposition(request.headers(), &reach.metrics),
        _ => {
            let there = if is_open { "/livez /readyz /metrics\n" } else { "/livez /readyz\n" };
            text(StatusCode::NOT_FOUND, "text/plain", there.into())
        }
    }
}

/// Whether the process lives and takes requests; `None` where that is not asked.
fn health(path: &str, health: Option<&Health>) -> Option<Response<Full<Bytes>>> {
    let (is_so, so, not_so) = match path {
        "/livez" => (health.is_some_and(Health::is_alive), "alive\n", "a worker hangs\n"),
        "/readyz" => (health.is_some_and(Health::is_ready), "ready\n", "ending\n"),
        _ => return None,
    };
    let (status, word) = if is_so { (StatusCode::OK, so) } else { (StatusCode::SERVICE_UNAVAILABLE, not_so) };
    Some(text(status, "text/plain", word.into()))
}

/// All metrics, in the format that is liked best.
fn exposition(headers: &HeaderMap, metrics: &Metrics) -> Response<Full<Bytes>> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::asked(accept.unwrap_or_default());
    text(StatusCode::OK, format.media(), metrics.render(format))
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
