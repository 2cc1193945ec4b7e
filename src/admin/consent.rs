//! Consent over the control socket. People are pseudonyms already when they come: whoever commands has the keys.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::access::{
    consent::{Desk, Source},
    subject::Subject,
};

/// What its paths begin with.
pub const PREFIX: &str = "/v1/consent";

/// The answer to a command.
pub async fn answer(desk: Option<Arc<Desk>>, method: &Method, path: &str, said: &Value) -> (StatusCode, Value) {
    let Some(desk) = desk else {
        let error = "this gateway keeps no consent: it has no [access], or no journal of its own";
        return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error }));
    };
    if said["key"].as_str() != Some(&format!("{:016x}", desk.consents.fingerprint())) {
        let error = "the key file of this command is not the gateway's";
        return (StatusCode::CONFLICT, json!({ "error": error }));
    }
    let people = |name: &str| -> Option<Vec<Subject>> {
        said[name].as_array()?.iter().map(|one| one.as_str().and_then(Subject::parse)).collect()
    };
    let Some(purpose) = said["purpose"].as_str() else { return unclear() };
    match (method, path.strip_prefix(PREFIX)) {
        (&Method::POST, Some("/change")) => {
            let (Some(given), Some(withdrawn)) = (people("given"), people("withdrawn")) else { return unclear() };
            let Some(source) = said["source"].as_str().and_then(Source::named) else { return unclear() };
            for (people, agreed) in [(given, true), (withdrawn, false)] {
                if let Err(error) = desk.consents.change(&desk.stream, purpose, &people, agreed, source).await {
                    let error = format!("it could not be written down: {error}");
                    return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error }));
                }
            }
            (StatusCode::OK, json!({}))
        }
        (&Method::POST, Some("/show")) => {
            let Some(subject) = said["subject"].as_str().and_then(Subject::parse) else { return unclear() };
            let standing = desk.consents.standing(purpose, &subject);
            let shown = |one: crate::access::consent::Standing| json!({ "agreed": one.agreed, "since": one.since, "record": one.index });
            (StatusCode::OK, json!({ "standing": standing.map(shown) }))
        }
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such command" })),
    }
}

fn unclear() -> (StatusCode, Value) {
    (StatusCode::BAD_REQUEST, json!({ "error": "the command can't be understood" }))
}
