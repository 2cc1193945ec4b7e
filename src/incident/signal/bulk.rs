//! Many changes at once.

use super::{
    found::{Found, Who},
    past::{ACTIVE, Person},
    recent::Tally,
    rule::Rule,
    settings::Settings,
};

/// Looks at what somebody has changed within the last hour, and, where this record has `deleted` something, at what they have deleted.
pub fn look(person: &Person, deleted: bool, settings: &Settings, out: &mut Vec<Found>) {
    let today = &person.today;
    let mut find = |rule: Rule, tally: &Tally, least: u64| {
        let (measure, threshold) = (tally.sum(), settings.of(rule).threshold.max(least));
        if measure >= threshold {
            let who = Who::Person(person.id.clone());
            out.push(Found { rule, who, measure, threshold, records: tally.records() });
        }
    };
    // Whose work is changing things does so every day.
    let usual = &today.usual;
    let least = if usual.people.of >= ACTIVE { 2 * usual.changes } else { 0 };
    find(Rule::Bulk, &today.changed, least);
    if deleted {
        find(Rule::BulkDelete, &today.deleted, least);
    }
}
