//! The private listeners. [`console`] is the one with TLS, for people and for SCIM; this is the other: health, metrics, the map of personal data (counts only) and the hook of the end, without TLS, and nothing else.

pub mod antivirus;
pub mod attest;
pub mod bans;
pub mod consent;
pub mod console;
pub mod control;
pub mod incident;
pub mod notice;
pub mod registry;
pub mod remedy;
pub mod scan;
pub mod scim;
pub mod settings;

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    sync::{mpsc::UnboundedSender, oneshot},
};

pub use self::{console::Console, settings::Settings};

use crate::{
    common::pulse::Pulse,
    observe::metrics::{Format, Metrics},
};

/// A hook that waits until nothing is in flight any more. Dropping it refuses it.
pub type Asked = oneshot::Sender<()>;

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
}

/// Answers until the task is ended. Whoever gets `/drain` is sent to `asks`.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, health: Health, asks: UnboundedSender<Asked>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let (metrics, health, asks) = (Arc::clone(&metrics), health.clone(), asks.clone());
        tokio::spawn(async move {
            let (metrics, health, asks) = (&metrics, &health, &asks);
            let service = service_fn(move |request| async move {
                let drained = is_hook(&request) && drained(asks).await;
                Ok::<_, Infallible>(if drained {
                    text(StatusCode::OK, "text/plain", "drained\n".into())
                } else {
                    answer(&request, metrics, health)
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
async fn drained(asks: &UnboundedSender<Asked>) -> bool {
    let (asked, told) = oneshot::channel();
    asks.send(asked).is_ok() && told.await.is_ok()
}

fn answer(request: &Request<Incoming>, metrics: &Metrics, health: &Health) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET and HEAD\n".into());
    }
    match request.uri().path() {
        "/livez" if health.is_alive() => text(StatusCode::OK, "text/plain", "alive\n".into()),
        "/livez" => text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "a worker hangs\n".into()),
        "/readyz" if health.ready.load(Relaxed) => text(StatusCode::OK, "text/plain", "ready\n".into()),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "text/plain", "ending\n".into()),
        "/metrics" => {
            let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
            let format = Format::asked(accept.unwrap_or_default());
            text(StatusCode::OK, format.media(), metrics.render(format))
        }
        "/personal-data" => {
            let map = serde_json::json!({ "personal_data": metrics.personal_data() });
            text(StatusCode::OK, "application/json", map.to_string() + "\n")
        }
        _ => text(StatusCode::NOT_FOUND, "text/plain", "/livez /readyz /metrics /personal-data\n".into()),
    }
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
