//! The API for programs that operate a gateway, behind the listener of the console, under `/v1`.
//!
//! What happens to a request, in [`Api::answer`]: health is told to everybody; all else is for programs of `[[api]]`, known by a token or by their
//! client certificate (`who`); its path and method are looked up (`operation`), its body is read strictly (`body`), and the gateway
//! answers as it does to commands. What is refused is a problem as RFC 9457 has it (`problem`). `openapi.json` describes it, and tests hold the two together.

mod body;
mod operation;
mod problem;
#[cfg(test)]
mod tests;
mod who;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited};
use serde_json::Value;
use tokio::time::timeout;

use self::{
    operation::{Operation, find, is_known},
    problem::Problem,
};
use super::{
    by::{By, Program},
    console::Peer,
    control::{self, Reach},
    health,
    settings::{Client, May},
};
use crate::common::clock;

/// What it is, for programs and their makers.
const DOCUMENT: &str = include_str!("openapi.json");
/// Most bytes of a body.
const LONGEST: usize = 16 << 10;
/// How long one may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// The API, for as long as the process lives.
#[derive(Debug)]
pub struct Api {
    reach: Arc<Reach>,
    clients: ArcSwap<Vec<Client>>,
}

impl Api {
    /// Over what commands reach, for these programs.
    #[must_use]
    pub fn new(reach: Arc<Reach>, clients: Vec<Client>) -> Self {
        Self { reach, clients: ArcSwap::from_pointee(clients) }
    }

    /// Takes other programs.
    pub fn apply(&self, clients: Vec<Client>) {
        self.clients.store(Arc::new(clients));
    }

    /// Whether a path is its own, whatever is there.
    #[must_use]
    pub fn has(path: &str) -> bool {
        matches!(path, "/livez" | "/readyz" | "/metrics" | "/v1") || path.starts_with("/v1/")
    }

    /// Answers a request.
    pub async fn answer<B>(&self, request: Request<B>, peer: &Peer) -> Response<Full<Bytes>>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let is_head = request.method() == Method::HEAD;
        let answer = self.serve(request, peer).await.unwrap_or_else(Problem::answer);
        if is_head { answer.map(|_| Full::default()) } else { answer }
    }

    async fn serve<B>(&self, request: Request<B>, peer: &Peer) -> Result<Response<Full<Bytes>>, Problem>
    where
        B: Body,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path();
        // Before a path is looked up: whoever is nobody learns nothing of what there is.
        let client = if operation::is_open(path) {
            None
        } else {
            let clients = self.clients.load();
            Some(who::identify(&clients, &parts.headers, peer.certificate.as_ref(), clock::now())?)
        };
        let Some(operation) = find(&parts.method, path) else {
            return Err(if is_known(path) { Problem::method(operation::allowed(path)) } else { Problem::missing() });
        };
        if operation.may == Some(May::Operate) && client.as_ref().is_none_or(|(_, may)| *may != May::Operate) {
            return Err(Problem::forbidden());
        }
        if parts.uri.query().is_some() {
            return Err(Problem::of(StatusCode::BAD_REQUEST, "this takes no query"));
        }
        let bytes = whole(body).await?;
        let order = body::read(operation.takes, parts.headers.get(header::CONTENT_TYPE), &bytes)?;
        self.carry_out(operation, &parts, &order, client.map(|(program, _)| program)).await
    }

    async fn carry_out(
        &self,
        operation: &Operation,
        parts: &http::request::Parts,
        order: &[u8],
        program: Option<Program>,
    ) -> Result<Response<Full<Bytes>>, Problem> {
        let path = parts.uri.path();
        if let Some(answer) = health(path, self.reach.health.get()) {
            return Ok(answer);
        }
        match path {
            operation::METRICS => return Ok(super::exposition(&parts.headers, &self.reach.metrics)),
            operation::OPENAPI => return Ok(respond(StatusCode::OK, DOCUMENT.to_owned())),
            _ => {}
        }
        // What is open was answered.
        let Some(program) = program else { return Err(Problem::missing()) };
        let (status, said) = control::ask(&self.reach, &operation.method, path, order, By::Program(&program)).await;
        match said {
            Value::Null => Err(Problem::missing()),
            said if status.is_success() => Ok(respond(status, said.to_string() + "\n")),
            // Its form is right, or it would have been refused before: what it says can't be.
            said if status == StatusCode::BAD_REQUEST => Err(Problem::said(StatusCode::UNPROCESSABLE_ENTITY, &said)),
            said => Err(Problem::said(status, &said)),
        }
    }
}

async fn whole<B>(body: B) -> Result<Bytes, Problem>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let slow = || Problem::of(StatusCode::REQUEST_TIMEOUT, "the body did not come as a whole");
    match timeout(PATIENCE, Limited::new(body, LONGEST).collect()).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Problem::of(StatusCode::PAYLOAD_TOO_LARGE, "the body is longer than 16 KiB"))
        }
        Ok(Err(_)) | Err(_) => Err(slow()),
    }
}

fn respond(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
