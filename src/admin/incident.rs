//! Cases of incidents over the control socket: what is known of them, and orders that officers give in their own name.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::registry::{Office, status};
use crate::{
    common::clock,
    identity::order::Order,
    incident::{Cases, Command, Refused, view},
};

/// Below which paths they are.
pub const PREFIX: &str = "/v1/incidents";

/// Answers a command about cases.
pub(super) async fn answer(
    desk: Option<(Arc<Office>, &Arc<Cases>)>,
    method: &Method,
    path: &str,
    body: &[u8],
) -> (StatusCode, Value) {
    let Some((office, cases)) = desk else {
        let error = "this gateway keeps no cases: it keeps no journal, or is one of several with a journal each";
        return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error, "exit": 3 }));
    };
    let now = || clock::now().into();
    match (method, path.strip_prefix(PREFIX)) {
        (&Method::GET, Some("")) => {
            let mut object = view::list(&cases.state(), &cases.settings().laws, now());
            object["unread"] = cases.unread().missing().into();
            (StatusCode::OK, object)
        }
        (&Method::POST, Some("/orders")) => {
            let Ok(order) = serde_json::from_slice::<Order<Command>>(body) else {
                return (StatusCode::BAD_REQUEST, json!({ "error": "the order can't be read", "exit": 2 }));
            };
            let Some(realm) = office.realm().await else {
                return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the realm can't be opened", "exit": 3 }));
            };
            match cases.carry_out(realm, order, clock::now()).await {
                Ok(events) => (StatusCode::OK, json!({ "events": events })),
                Err(refused) => {
                    let status = match &refused {
                        Refused::Unproved(refused) => status(refused),
                        Refused::Denied(denied) if denied.is_trouble() => StatusCode::SERVICE_UNAVAILABLE,
                        Refused::Denied(_) => StatusCode::FORBIDDEN,
                    };
                    let (hint, exit) = (refused.hint(), refused.exit());
                    (status, json!({ "error": refused.to_string(), "hint": hint, "exit": exit }))
                }
            }
        }
        (&Method::GET, Some(path)) => {
            let number = path.strip_prefix('/').and_then(|number| number.parse().ok()).unwrap_or_default();
            (StatusCode::OK, view::show(&cases.state(), &cases.settings().laws, number, now()))
        }
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such command", "exit": 3 })),
    }
}
