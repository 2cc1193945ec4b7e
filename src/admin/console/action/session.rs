//! Ending somebody's session.

use http::StatusCode;
use serde_json::{Value, json};

use super::act::{Act, Doing, Outcome};
use crate::admin::console::visit::{Absent, Visit};

/// By its handle.
pub(in crate::admin::console) const END: Act = Act { fields: |_| Vec::new(), run: |visit, _, sure| end(visit, sure) };

fn end(visit: &Visit, sure: bool) -> Doing<'_> {
    Box::pin(async move {
        let handle = visit.rest.as_str();
        let all = visit.ask("/v1/sessions").await?;
        let session = all["sessions"].as_array().and_then(|all| all.iter().find(|one| one["handle"] == handle));
        let none =
            || Absent::new(StatusCode::NOT_FOUND, visit.say("There is no such session.", "해당 세션이 없습니다."));
        let who = session.and_then(|session| session["subject"].as_str()).ok_or_else(none)?;
        let seen = session.and_then(|session| session["seen"].as_str()).unwrap_or_default();
        let says = visit.say(
            "The session of {w}, last seen at {t}, ends now. They can sign in again.",
            "{w}의 세션(마지막 활동 {t})이 지금 종료됩니다. 다시 로그인할 수 있습니다.",
        );
        let says = says.replace("{w}", who).replace("{t}", seen);
        if sure {
            let order: Value = json!({ "handle": handle });
            visit.order("/v1/sessions/end", &order).await?;
        }
        Ok(Outcome::new("/sessions?done=1", [says]))
    })
}
