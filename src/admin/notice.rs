//! Notices of incidents over the control socket: orders that officers give in their own name, and the steps of whoever sends one.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::registry::{Office, status};
use crate::{
    common::clock,
    identity::order::{Order, SignedIn},
    incident::{
        Actor,
        notice::{Command, Denied, Notices, Refused},
    },
};

/// Below which paths they are.
pub const PREFIX: &str = "/v1/notices";

/// Answers a command about notices.
pub(super) async fn answer(
    desk: Option<(Arc<Office>, &Arc<Notices>)>,
    method: &Method,
    path: &str,
    body: &[u8],
    by: Option<&SignedIn>,
) -> (StatusCode, Value) {
    let Some((office, notices)) = desk else {
        let error = "this gateway keeps no notices: it keeps no journal, or is one of several with a journal each";
        return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error, "exit": 3 }));
    };
    let unread = || (StatusCode::BAD_REQUEST, json!({ "error": "the order can't be read", "exit": 2 }));
    match (method, path.strip_prefix(PREFIX)) {
        (&Method::POST, Some("/orders")) => {
            let Some(order) = Order::<Command>::read(body, by) else { return unread() };
            let Some(realm) = office.realm().await else {
                return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the realm can't be opened", "exit": 3 }));
            };
            match notices.carry_out(realm, order, clock::now()).await {
                Ok(events) => (StatusCode::OK, json!({ "events": events })),
                Err(refused) => refusal(&refused),
            }
        }
        (&Method::POST, Some("/steps")) => {
            let step = serde_json::from_slice::<Command>(body).ok().filter(Command::is_step);
            let Some(step) = step else { return unread() };
            match notices.submit(step, &Actor::Gateway, clock::now()).await {
                Ok(_) => (StatusCode::OK, json!({})),
                Err(denied) => refusal(&denied.into()),
            }
        }
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such command", "exit": 3 })),
    }
}

fn refusal(refused: &Refused) -> (StatusCode, Value) {
    let status = match refused {
        Refused::Unproved(refused) => status(refused),
        Refused::Denied(Denied::Journal(_)) => StatusCode::SERVICE_UNAVAILABLE,
        Refused::Denied(_) => StatusCode::FORBIDDEN,
    };
    (status, json!({ "error": refused.to_string(), "hint": refused.hint(), "exit": refused.exit() }))
}
