//! Looking again whether the policy is true.

use http::StatusCode;
use serde_json::json;

use super::act::{Act, Doing, Outcome};
use crate::admin::console::visit::{Absent, Visit};

/// All clauses, as `privet attest` does.
pub(in crate::admin::console) const LOOK: Act = Act { fields: |_| Vec::new(), run: |visit, _, sure| look(visit, sure) };

fn look(visit: &Visit, sure: bool) -> Doing<'_> {
    Box::pin(async move {
        if visit.reach.attestor.get().is_none() {
            return Err(Absent::new(StatusCode::SERVICE_UNAVAILABLE, "this gateway is not ready yet"));
        }
        if sure {
            visit.order("/v1/attest", &json!({})).await?;
        }
        let says = visit.say(
            "Every control of the policy is looked at now, by probes through this gateway and in its records. It takes some seconds.",
            "처리방침의 모든 통제 항목을 지금 점검합니다. 이 게이트웨이를 통한 시험 요청과 기록을 사용하며 몇 초가 걸립니다.",
        );
        Ok(Outcome::new("/policy?done=1", [says.to_owned()]))
    })
}
