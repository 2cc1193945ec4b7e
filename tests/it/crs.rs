//! The Core Rule Set, asked of the engine: its own regression tests, what they refuse, and what ordinary requests meet.

mod benign;
mod exchange;
mod ftw;
mod hostile;
mod live;
mod reference;

use std::{collections::BTreeMap, sync::Arc};

use privet::shield::{plan::Plan, rule::Severity, transaction::Transaction};

use self::{
    exchange::{Request, data, found, limits},
    ftw::Stage,
};

/// Stages that no server of this kind can pass, and why.
const EXCEPTIONS: &[(u32, u32, &str)] =
    &[(920_620, 1, "two Content-Type headers are two here; the test is of a server that joins them")];

/// What the rule set's own set-up for its tests says (its rule 900005), but for whether rules act.
const SETUP: &str = "ctl:ruleRemoveById=910000,setvar:tx.crs_validate_utf8_encoding=1,setvar:tx.arg_name_length=100,\
    setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,\
    setvar:tx.combined_file_sizes=65535";

/// The Core Rule Set 4 as its tests want it.
fn plan(paranoia: u8, more: &str) -> Option<Arc<Plan>> {
    let setup = format!("SecAction \"id:900005,phase:1,nolog,pass,{SETUP}{more}\"\n");
    Some(exchange::plan(data()?.join("rules-v4"), paranoia, Some(&setup)))
}

/// A text in one line, as logs have it.
fn printable(text: &[u8]) -> String {
    let escaped = |byte: &u8| match byte {
        b' '..=b'~' => char::from(*byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    };
    text.iter().map(escaped).collect()
}

/// Why a stage fails, if it does.
fn judge(stage: &Stage, plan: &Plan, transaction: &Transaction) -> Option<String> {
    let found = found(plan, transaction);
    let lines: Vec<String> = transaction
        .findings()
        .iter()
        .map(|finding| {
            let [message, data] = finding.said.each_ref().map(|text| printable(text));
            let (id, label) =
                (plan.rules[finding.rule as usize].id, String::from_utf8_lossy(&finding.label()).into_owned());
            format!("[id \"{id}\"] [msg \"{message}\"] [data \"{data}\"] [variable \"{label}\"]")
        })
        .collect();
    let log = stage.output.log.as_ref()?;
    let missing: Vec<u32> = log.expect_ids.iter().filter(|id| !found.contains(id)).copied().collect();
    let unwanted: Vec<u32> = log.no_expect_ids.iter().filter(|id| found.contains(id)).copied().collect();
    let text = log.match_regex.as_deref().is_some_and(|regex| {
        let regex = regex::Regex::new(regex.trim_end()).expect("a pattern");
        !lines.iter().any(|line| regex.is_match(line))
    });
    (!missing.is_empty() || !unwanted.is_empty() || text)
        .then(|| format!("missing {missing:?}, unwanted {unwanted:?}, text {text}"))
}

#[test]
fn regression_stages_at_paranoia_4() {
    let detect = ",ctl:ruleEngine=DetectionOnly,setvar:tx.blocking_paranoia_level=4";
    let (Some(data), Some(plan)) = (data(), plan(4, detect)) else { return };
    let (mut stages, mut failures) = (0usize, BTreeMap::new());
    for (_, file) in ftw::files(&data.join("regression-dev")) {
        for test in &file.tests {
            for stage in &test.stages {
                stages += 1;
                let why = match Request::read(&stage.input.bytes()) {
                    Some(request) => judge(stage, &plan, &request.ask_all(&plan)),
                    None => Some("no request".to_owned()),
                };
                let reason = EXCEPTIONS.iter().find(|(rule, id, _)| (*rule, *id) == (file.rule_id, test.test_id));
                if let Some(why) = why {
                    failures.insert((file.rule_id, test.test_id), (why, reason.map(|(.., reason)| *reason)));
                }
            }
        }
    }
    for ((rule, test), (why, reason)) in &failures {
        println!("{rule}-{test}: {why}; {}", reason.unwrap_or("no reason is known"));
    }
    println!("{stages} stages, {} failed", failures.len());
    assert!(failures.len() * 1_000 <= stages * 15, "{} of {stages} stages: more than 1.5 %", failures.len());
}

/// Where rules act, whatever a critical rule of the first level finds in a request never reaches the application.
#[test]
fn what_is_critical_is_refused_before_the_answer() {
    let (Some(data), Some(plan)) = (data(), plan(1, "")) else { return };
    let is_critical = |id: u32| {
        plan.phases[..2].iter().flatten().map(|step| &plan.rules[step.rule as usize]).any(|rule| {
            rule.id == id
                && rule.severity == Some(Severity::Critical)
                && rule.tags.iter().any(|tag| tag == "paranoia-level/1")
        })
    };
    let (mut stages, mut passed) = (0, Vec::new());
    for (name, file) in ftw::files(&data.join("regression-dev")) {
        for (test, stage) in file.tests.iter().flat_map(|test| test.stages.iter().map(move |stage| (test, stage))) {
            let expected = stage.output.log.as_ref().map(|log| log.expect_ids.as_slice()).unwrap_or_default();
            let Some(request) = Request::read(&stage.input.bytes()) else { continue };
            if !expected.iter().any(|id| is_critical(*id)) {
                continue;
            }
            stages += 1;
            let transaction = request.ask(&plan, limits());
            if transaction.refused().is_none() {
                passed.push(format!("{name}-{}: found {:?}", test.test_id, found(&plan, &transaction)));
            }
        }
    }
    for line in &passed {
        println!("{line}");
    }
    println!("{stages} stages, {} passed", passed.len());
    assert!(stages > 1_000 && passed.is_empty());
}
