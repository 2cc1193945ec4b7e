//! The registry over the control socket: everything that is in it, and orders that people give in their own name.

use std::sync::Arc;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::{
    common::clock,
    identity::{
        Realm,
        order::{Order, Refused, SignedIn},
        settings,
    },
    login::Guard,
    registry::{Registry, view},
};

/// Below which paths it is.
pub const PREFIX: &str = "/v1/registry";
/// Below which of them a review is, by its number.
pub const REVIEWS: &str = "/reviews/";

/// Who carries orders out.
#[derive(Debug)]
pub struct Office {
    registry: Arc<Registry>,
    realm: OnceCell<Arc<Realm>>,
    settings: settings::Realm,
    guard: Arc<Guard>,
}

impl Office {
    /// Where a realm has no gate it is opened when somebody orders something.
    #[must_use]
    pub fn new(
        registry: Arc<Registry>,
        realm: Option<Arc<Realm>>,
        settings: settings::Realm,
        guard: Arc<Guard>,
    ) -> Self {
        Self { registry, realm: OnceCell::new_with(realm), settings, guard }
    }

    pub(super) async fn realm(&self) -> Option<&Arc<Realm>> {
        let open = || async {
            let (settings, guard) = (self.settings.clone(), Arc::clone(&self.guard));
            let opened = tokio::task::spawn_blocking(move || Realm::open(&settings, &guard, None)).await;
            let realm = opened.ok()?.inspect_err(|error| tracing::error!(%error, "the realm can't be opened")).ok()?;
            realm.follow(Some(Arc::clone(&self.registry)));
            Some(realm)
        };
        self.realm.get_or_try_init(|| async { open().await.ok_or(()) }).await.ok()
    }
}

/// Answers a command about the registry, of whoever has signed in or is named in it.
pub async fn answer(
    office: Option<Arc<Office>>,
    method: &Method,
    path: &str,
    body: &[u8],
    by: Option<&SignedIn>,
) -> (StatusCode, Value) {
    let Some(office) = office else {
        let error = "this gateway has no registry: it keeps no journal, or is one of several with a journal each";
        return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error, "exit": 3 }));
    };
    match (method, path.strip_prefix(PREFIX)) {
        (&Method::GET, Some("")) => {
            let mut object = view::object(&office.registry.state(), &office.registry.settings(), clock::now().into());
            object["unread"] = office.registry.unread().missing().into();
            (StatusCode::OK, object)
        }
        (&Method::GET, Some(path)) if path.starts_with(REVIEWS) => {
            let id = path.strip_prefix(REVIEWS).and_then(|id| id.parse().ok()).unwrap_or_default();
            (StatusCode::OK, view::review(&office.registry.state(), id))
        }
        (&Method::POST, Some(path @ ("/orders" | "/rehearsals"))) => {
            let Some(order) = Order::read(body, by) else {
                return (StatusCode::BAD_REQUEST, json!({ "error": "the order can't be read", "exit": 2 }));
            };
            let Some(realm) = office.realm().await else {
                return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": "the realm can't be opened", "exit": 3 }));
            };
            let outcome = if path == "/rehearsals" {
                realm.try_out(&office.registry, order, clock::now()).await
            } else {
                realm.carry_out(&office.registry, order, clock::now()).await
            };
            match outcome {
                Ok(events) => (StatusCode::OK, json!({ "events": events })),
                Err(refused) => (status(&refused), refusal(&refused)),
            }
        }
        _ => (StatusCode::NOT_FOUND, json!({ "error": "no such command", "exit": 3 })),
    }
}

pub(super) fn status(refused: &Refused) -> StatusCode {
    match refused {
        Refused::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
        Refused::Nobody | Refused::Code => StatusCode::BAD_REQUEST,
        Refused::Wrong => StatusCode::UNAUTHORIZED,
        refused if refused.exit() == 3 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::FORBIDDEN,
    }
}

fn refusal(refused: &Refused) -> Value {
    json!({ "error": refused.to_string(), "hint": refused.hint(), "exit": refused.exit() })
}
