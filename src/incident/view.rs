//! Cases as people and programs look at them.

use serde_json::{Value, json};

use super::{
    case::Case,
    clock::{Clock, clocks},
    state::State,
};
use crate::registry::Moment;

fn clock(case: &Case, clock: &Clock<'_>, now: Moment) -> Value {
    let (law, duty) = (clock.law, clock.duty);
    json!({
        "law": law.id, "law_name": law.name.en, "law_name_ko": law.name.ko, "duty": duty.id, "to": duty.to.name(), "applies": clock.applies.name(),
        "why": clock.why, "article": duty.article, "rule": duty.rule, "start": clock.start, "due": clock.due,
        "left_seconds": clock.left(now), "settled": clock.settled, "delay": case.delay(&law.id, &duty.id),
    })
}

/// The nearest clock that is due.
fn nearest(case: &Case, laws: &[String], now: Moment) -> Value {
    let clocks = clocks(case, laws);
    let next = clocks.iter().filter_map(|one| Some((one.left(now)?, one))).min_by_key(|(left, _)| *left);
    next.map_or(Value::Null, |(_, one)| clock(case, one, now))
}

/// All cases, shortly.
#[must_use]
pub fn list(state: &State, laws: &[String], now: Moment) -> Value {
    let row = |case: &Case| {
        json!({
            "number": case.number, "status": case.status, "title": case.title, "opened": case.opened, "by": case.by,
            "known_at": case.known_at, "count": case.count, "signals": case.signals,
            "next": if case.status.is_open() { nearest(case, laws, now) } else { Value::Null },
        })
    };
    json!({ "cases": state.cases().map(row).collect::<Vec<_>>() })
}

/// A case, whole, with its clocks; nothing where there is none of this number.
#[must_use]
pub fn show(state: &State, laws: &[String], number: u64, now: Moment) -> Value {
    let Some(case) = state.case(number) else { return Value::Null };
    let mut object = serde_json::to_value(case).unwrap_or_default();
    object["clocks"] = clocks(case, laws).iter().map(|one| clock(case, one, now)).collect();
    object["now"] = json!(now);
    object
}
