//! `privet attest` over the control socket.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::attest::Attestor;

/// Where commands about the policy begin.
pub const PREFIX: &str = "/v1/attest";

/// Answers one command: POST looks, at one `clause` where it names one, and GET says what came of the last look at the whole.
pub(super) async fn answer(
    attestor: Option<Arc<Attestor>>,
    method: &Method,
    path: &str,
    said: &Value,
) -> (StatusCode, Value) {
    let no = |status, why: &str| (status, json!({ "error": why }));
    let Some(attestor) = attestor else {
        return no(StatusCode::SERVICE_UNAVAILABLE, "this gateway is not ready yet");
    };
    let report = match (method, path) {
        (&Method::POST, PREFIX) => {
            let clause = said["clause"].as_str().map(str::to_owned);
            if clause.as_deref().is_some_and(|clause| !attestor.has(clause)) {
                return no(StatusCode::NOT_FOUND, "the policy has no clause of this name");
            }
            match attestor.run(clause).await {
                Ok(report) => report,
                Err(error) => return no(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
            }
        }
        (&Method::GET, PREFIX) => match attestor.last() {
            Some(report) => report,
            None => return no(StatusCode::NOT_FOUND, "nobody has looked yet: run `privet attest`"),
        },
        _ => return no(StatusCode::NOT_FOUND, "no such command"),
    };
    match serde_json::to_value(&*report) {
        Ok(value) => (StatusCode::OK, value),
        Err(_) => no(StatusCode::INTERNAL_SERVER_ERROR, "the report can't be written"),
    }
}
