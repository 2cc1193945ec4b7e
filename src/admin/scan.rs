//! `privet scan --live` over the control socket: what rules have found in answers of watched routes, and whom these name.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::control::time;
use crate::{gateway::Plan, scan::report::json::finding_value};

/// Where commands about the analysis begin.
pub const PREFIX: &str = "/v1/scan";

/// Answers one command.
pub(super) fn answer(plan: &Plan, method: &Method, path: &str) -> (StatusCode, Value) {
    if (method, path) != (&Method::GET, PREFIX) {
        return (StatusCode::NOT_FOUND, json!({ "error": "no such command" }));
    }
    let Some(watch) = &plan.watch else {
        let error = "this gateway watches no route: add `watch = true` to a [[route]]";
        return (StatusCode::CONFLICT, json!({ "error": error }));
    };
    let at = |millis: u64| time(i64::try_from(millis / 1000).unwrap_or(i64::MAX));
    let findings: Vec<Value> = watch
        .found()
        .iter()
        .map(|(route, entry)| {
            let mut value = finding_value(&entry.finding);
            value["route"] = (**route).into();
            value["first"] = at(entry.first).into();
            value["last"] = at(entry.last).into();
            value
        })
        .collect();
    let recipients: Vec<Value> = watch
        .recipients()
        .iter()
        .flat_map(|(route, all)| all.hosts.iter().map(move |(host, heard)| (route, host, heard)))
        .map(|(route, host, heard)| {
            let ways: Vec<&str> = heard.ways.iter().map(|way| way.name()).collect();
            json!({
                "route": **route, "host": host, "ways": ways, "times": heard.times,
                "first": at(heard.first), "last": at(heard.last),
            })
        })
        .collect();
    let (looked, dropped) = watch.counts();
    let answer = json!({ "findings": findings, "recipients": recipients, "looked": looked, "dropped": dropped });
    (StatusCode::OK, answer)
}
