//! How the gateway is, for programs: in numbers and names of the configuration, and never by a person.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::control::Reach;
use crate::{
    common::clock,
    gateway::{Plan, upstream::shared::EndpointState},
    journal::{Journal, State, tree::hex},
    observe::metrics::{Family, Metrics, Sample, Value as Metric},
};

/// Where all metrics are, as JSON.
pub const METRICS: &str = "/v1/metrics";
/// Counts of personal data by where it was seen.
pub const MAP: &str = "/v1/personal-data";

/// Answers what is asked of the state; `None` where that is no such question.
pub(super) fn answer(reach: &Reach, plan: &Plan, method: &Method, path: &str) -> Option<(StatusCode, Value)> {
    if method != Method::GET {
        return None;
    }
    let said = match path {
        METRICS => metrics(&reach.metrics),
        MAP => json!({ "personal_data": reach.metrics.personal_data() }),
        "/v1/status" => status(reach),
        "/v1/configuration" => configuration(reach),
        "/v1/routes" => routes(plan),
        "/v1/journal" => match reach.journal.get() {
            Some(journal) => self::journal(journal, &reach.metrics),
            None => return Some((StatusCode::CONFLICT, json!({ "error": "this gateway keeps no journal" }))),
        },
        _ => return None,
    };
    Some((StatusCode::OK, said))
}

fn configuration(reach: &Reach) -> Value {
    let sha256 = reach.attestor.get().map(|attestor| hex(&attestor.config_sha256()));
    json!({ "sha256": sha256, "version": env!("CARGO_PKG_VERSION") })
}

fn status(reach: &Reach) -> Value {
    let mut said = configuration(reach);
    let health = reach.health.get();
    said["alive"] = health.is_some_and(super::Health::is_alive).into();
    said["ready"] = health.is_some_and(super::Health::is_ready).into();
    said["requests_in_flight"] = reach.metrics.requests_in_flight().into();
    said["connections_open"] = reach.metrics.connections_open().into();
    said["journal"] = reach.journal.get().map(|journal| journal.state() == State::Ready).into();
    said
}

/// Routes as requests meet them, with the endpoints that they lead to.
fn routes(plan: &Plan) -> Value {
    let endpoint = |endpoint: &EndpointState| json!({ "address": endpoint.name, "up": endpoint.is_up(), "ejected": endpoint.is_ejected() });
    let all: Vec<Value> = plan
        .applications()
        .iter()
        .map(|(route, shared)| {
            let endpoints: Vec<Value> = shared.endpoints.iter().map(|one| endpoint(one)).collect();
            json!({
                "name": route.name, "path": route.path, "gate": route.gate.is_some(), "mask": route.mask.is_some(),
                "record": route.record, "shield": route.shield.is_some(), "antivirus": route.antivirus.is_some(),
                "watch": route.watch, "endpoints": endpoints,
            })
        })
        .collect();
    json!({ "routes": all })
}

/// Where the journal ends, whether it can be written, and who vouches for it. That it is whole is what `privet audit verify` says.
fn journal(journal: &Journal, metrics: &Metrics) -> Value {
    let families = metrics.gather();
    let of = |name: &str| {
        let family = families.iter().find(|family| family.name == name);
        let samples = family.into_iter().flat_map(|family| &family.samples);
        samples.map(|sample| (label(sample), level(sample))).collect::<Vec<_>>()
    };
    let covered = of("privet_journal_witnessed_records");
    let witnesses: Vec<Value> = of("privet_journal_witness_up")
        .into_iter()
        .map(|(name, up)| {
            let records = covered.iter().find(|(known, _)| *known == name).map(|(_, count)| *count);
            json!({ "witness": name, "up": up > 0, "records": records.unwrap_or_default() })
        })
        .collect();
    json!({
        "up": journal.state() == State::Ready,
        "checkpoint": &**journal.signed().borrow(),
        "key": journal.verifier(),
        "waiting": journal.waiting(),
        "dropped": journal.counts().dropped.value(),
        "witnesses": witnesses,
    })
}

fn label(sample: &Sample) -> String {
    sample.labels.first().map_or_else(String::new, |(_, value)| value.clone())
}

fn level(sample: &Sample) -> i64 {
    match sample.value {
        Metric::Level(level) => level,
        _ => 0,
    }
}

/// Every family; histograms by bucket, which are those of `common::meter`.
fn metrics(metrics: &Metrics) -> Value {
    let sample = |sample: &Sample| {
        let labels: Map<String, Value> =
            sample.labels.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
        match &sample.value {
            Metric::Count(count) => json!({ "labels": labels, "value": count }),
            Metric::Level(level) => json!({ "labels": labels, "value": level }),
            Metric::Micros(micros) => json!({ "labels": labels, "micros": micros }),
            Metric::Times(times) => json!({ "labels": labels, "buckets": times.buckets, "micros": times.micros }),
        }
    };
    let family = |family: &Family| json!({ "name": family.name, "samples": family.samples.iter().map(sample).collect::<Vec<_>>() });
    json!({ "at": clock::millis(), "families": metrics.gather().iter().map(family).collect::<Vec<_>>() })
}
