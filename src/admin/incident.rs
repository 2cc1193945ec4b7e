//! Cases of incidents over the control socket: what is known of them, and orders that officers give in their own name.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::registry::{Office, status};
use crate::{
    common::clock,
    identity::order::{Order, SignedIn},
    incident::{
        Cases, Command, Refused,
        signal::{
            Feed,
            feed::{self, carry_out},
            mutes,
        },
        view,
    },
};

/// Below which paths they are.
pub const PREFIX: &str = "/v1/incidents";
/// Where mutes are.
pub const MUTES: &str = "/v1/incidents/mutes";

/// Answers a command about cases.
pub(super) async fn answer(
    desk: Option<(Arc<Office>, &Arc<Cases>)>,
    method: &Method,
    path: &str,
    body: &[u8],
    by: Option<&SignedIn>,
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
        (&Method::POST, Some(path @ ("/orders" | "/rehearsals"))) => {
            let Some(order) = Order::<Command>::read(body, by) else {
                return (StatusCode::BAD_REQUEST, json!({ "error": "the order can't be read", "exit": 2 }));
            };
            let Some(realm) = office.realm().await else {
                return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the realm can't be opened", "exit": 3 }));
            };
            let outcome = if path == "/rehearsals" {
                cases.try_out(realm, order, clock::now()).await
            } else {
                cases.carry_out(realm, order, clock::now()).await
            };
            match outcome {
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

/// Answers a command about rules that are muted.
pub(super) async fn mutes(
    desk: Option<(Arc<Office>, &Arc<Feed>)>,
    method: &Method,
    body: &[u8],
    by: Option<&SignedIn>,
) -> (StatusCode, Value) {
    let Some((office, feed)) = desk else {
        let error = "this gateway keeps no cases: it keeps no journal, or is one of several with a journal each";
        return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error, "exit": 3 }));
    };
    if method == Method::GET {
        let mut object = feed.mutes().state().object(clock::now().into());
        object["unread"] = feed.mutes().unread().missing().into();
        return (StatusCode::OK, object);
    }
    let Some(order) = Order::<mutes::Order>::read(body, by) else {
        return (StatusCode::BAD_REQUEST, json!({ "error": "the order can't be read", "exit": 2 }));
    };
    let Some(realm) = office.realm().await else {
        return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the realm can't be opened", "exit": 3 }));
    };
    match carry_out(feed.mutes(), feed.registry(), realm, order, clock::now()).await {
        Ok(events) => (StatusCode::OK, json!({ "events": events })),
        Err(denied) => {
            let status = match &denied {
                feed::Denied::Unproved(refused) => status(refused),
                feed::Denied::Refused(_) if denied.exit() == 3 => StatusCode::SERVICE_UNAVAILABLE,
                feed::Denied::Refused(_) => StatusCode::FORBIDDEN,
            };
            (status, json!({ "error": denied.to_string(), "hint": denied.hint(), "exit": denied.exit() }))
        }
    }
}
