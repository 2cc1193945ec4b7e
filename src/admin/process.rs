//! What is asked of the process itself: its configuration anew, and its end. Whoever asks over the API is written down first.

use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{
    Asked,
    by::By,
    control::{Reach, scrubbed},
};
use crate::{
    gateway::Plan,
    journal::{Kind, Record},
};

/// Takes the configuration again, as SIGHUP does; answered when that has come to something.
pub(super) async fn reload(reach: &Reach, plan: &Plan, by: By<'_>) -> (StatusCode, Value) {
    if let Err(answer) = noted(reach, "reload", by).await {
        return answer;
    }
    let (tell, told) = oneshot::channel();
    match ask(reach, Asked::Reload(tell), told).await {
        None => ending(),
        Some(Ok(())) => (StatusCode::OK, json!({ "reloaded": true })),
        Some(Err(why)) => {
            let error =
                format!("the new configuration is refused, the old one goes on: {}", scrubbed(&plan.engine, &why));
            (StatusCode::CONFLICT, json!({ "error": error }))
        }
    }
}

/// Begins the end, as SIGTERM does; what is in flight is answered first.
pub(super) async fn drain(reach: &Reach, by: By<'_>) -> (StatusCode, Value) {
    if let Err(answer) = noted(reach, "drain", by).await {
        return answer;
    }
    let (tell, told) = oneshot::channel();
    match ask(reach, Asked::End(tell), told).await {
        None => ending(),
        Some(()) => (StatusCode::ACCEPTED, json!({ "draining": true })),
    }
}

/// Nothing where it ends already.
async fn ask<T>(reach: &Reach, asked: Asked, told: oneshot::Receiver<T>) -> Option<T> {
    reach.asks.send(asked).ok()?;
    told.await.ok()
}

fn ending() -> (StatusCode, Value) {
    (StatusCode::CONFLICT, json!({ "error": "this gateway is about to end" }))
}

/// On disk before anything happens, where there is a journal.
async fn noted(reach: &Reach, order: &str, by: By<'_>) -> Result<(), (StatusCode, Value)> {
    let Some(journal) = reach.journal.get() else { return Ok(()) };
    let record = by.sign(Record::new(Kind::ProcessOrdered, [("order", order.into())]));
    journal.append(&record).await.map(|_| ()).map_err(|error| {
        (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": format!("it can't be written down: {error}") }))
    })
}
