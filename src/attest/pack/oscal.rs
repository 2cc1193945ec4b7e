//! The report as NIST's OSCAL has it: assessment results, version 1.1.2 (<https://pages.nist.gov/OSCAL/>).

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::super::report::{Judged, Report, Seen, Standing};

/// Of the model.
const VERSION: &str = "1.1.2";

/// The whole document.
#[must_use]
pub fn results(report: &Report) -> Value {
    let id = |what: &str| uuid(&[&report.at, &report.policy_sha256, &report.config_sha256, what].join("\n"));
    let observations: Vec<Value> = report.controls.iter().map(|seen| observation(report, seen, &id)).collect();
    let findings: Vec<Value> = report.clauses.iter().map(|judged| finding(report, judged, &id)).collect();
    let controls: Vec<Value> = report.clauses.iter().map(|judged| json!({ "control-id": token(&judged.id) })).collect();
    json!({ "assessment-results": {
        "uuid": id("document"),
        "metadata": {
            "title": report.title_en, "last-modified": report.at, "version": report.version, "oscal-version": VERSION,
            "props": [
                { "name": "policy-sha256", "value": report.policy_sha256 },
                { "name": "configuration-sha256", "value": report.config_sha256 },
            ],
        },
        // What is assessed, and how, is the policy: a file of its own, named by its hash.
        "import-ap": { "href": "#policy", "remarks": "The published policy, whose SHA-256 is among the properties." },
        "results": [{
            "uuid": id("result"), "title": report.title_en,
            "description": "What Privet has seen of each clause of the published policy, by probes of itself and by its own records.",
            "start": report.at, "end": report.at,
            "reviewed-controls": { "control-selections": [{ "include-controls": controls }] },
            "observations": observations, "findings": findings,
        }],
    } })
}

fn observation(report: &Report, seen: &Seen, id: &dyn Fn(&str) -> String) -> Value {
    let evidence: Vec<Value> = seen.evidence.iter().map(|place| json!({ "description": place })).collect();
    let mut object = json!({
        "uuid": id(&seen.control), "title": seen.control, "description": seen.why, "methods": ["TEST"],
        "props": [{ "name": "standing", "value": seen.standing.name() }], "collected": report.at,
    });
    if !evidence.is_empty() {
        object["relevant-evidence"] = evidence.into();
    }
    object
}

fn finding(report: &Report, judged: &Judged, id: &dyn Fn(&str) -> String) -> Value {
    let (state, reason) = match judged.standing {
        Standing::Green => ("satisfied", "pass"),
        Standing::Amber => ("not-satisfied", "other"),
        Standing::Red | Standing::Off => ("not-satisfied", "fail"),
    };
    let known = |name: &&String| report.seen(name).is_some();
    let related: Vec<Value> = judged
        .controls
        .iter()
        .chain(&judged.supports)
        .filter(known)
        .map(|name| json!({ "observation-uuid": id(name) }))
        .collect();
    json!({
        "uuid": id(&format!("clause {}", judged.id)), "title": judged.id, "description": judged.text_en,
        "props": [{ "name": "standing", "value": judged.standing.name() }],
        "target": {
            "type": "objective-id", "target-id": token(&judged.id), "status": { "state": state, "reason": reason },
        },
        "related-observations": related,
    })
}

/// A name as OSCAL's tokens have it: a letter first.
fn token(id: &str) -> String {
    if id.starts_with(|c: char| c.is_alphabetic() || c == '_') { id.to_owned() } else { format!("_{id}") }
}

/// A UUID of a name: the same report has the same.
fn uuid(name: &str) -> String {
    let sum = digest(&SHA256, name.as_bytes());
    let mut bytes: [u8; 16] = sum.as_ref()[..16].try_into().unwrap_or_default();
    // OSCAL's pattern takes versions 4 and 5 alone: 5 is the one for names.
    bytes[6] = bytes[6] & 0x0F | 0x50;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_uuids_of_their_own() {
        let (a, b) = (uuid("a"), uuid("b"));
        assert!(a != b && a == uuid("a") && a.len() == 36 && &a[14..15] == "5");
        assert_eq!((token("a-1"), token("1a")), ("a-1".to_owned(), "_1a".to_owned()));
    }
}
