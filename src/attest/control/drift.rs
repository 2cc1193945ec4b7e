//! What is on the wire, and what the policy says is.

use std::collections::BTreeMap;

use super::super::{looking::Looking, report::Finding};

/// Types that were seen in either direction since the start, by the map of personal data.
pub(super) fn types(at: &Looking<'_>) -> Result<Finding, String> {
    let Some(named) = &at.grounds.settings.policy.types else {
        return Ok(Finding::off("the policy does not say which types of personal data there are").at("`types`"));
    };
    let live = at.grounds.live.as_ref().ok_or("unknown: no gateway runs here")?;
    let mut strange: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut seen = 0;
    for row in live.metrics.personal_data() {
        seen += row.count;
        if !named.contains(&row.r#type) {
            *strange.entry((row.r#type, row.route)).or_default() += row.count;
        }
    }
    let wrong: Vec<String> =
        strange.iter().map(|((kind, route), n)| format!("{kind} was seen on {route}, {n} times")).collect();
    let green = format!("{seen} values were seen, of {} types that it names", named.len());
    Ok(Finding::of(&wrong, &[], green).at("/metrics/personal-data of the private listener"))
}

/// Hosts that data is handed to.
pub(super) fn recipients(at: &Looking<'_>) -> Finding {
    let Some(named) = &at.grounds.settings.policy.recipients else {
        return Finding::off("the policy does not say who recipients are").at("`recipients`");
    };
    let all = &at.facts().recipients;
    let strange = all.iter().filter(|(host, _)| !named.iter().any(|known| known.eq_ignore_ascii_case(host)));
    let wrong: Vec<String> = strange.map(|(host, by)| format!("{host} is handed data by {by}")).collect();
    Finding::of(&wrong, &[], format!("{} recipients beyond this machine, all of them named", all.len()))
        .at("privet check --config FILE")
}
