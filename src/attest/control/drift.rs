//! What is on the wire, and what the policy says is.

use std::{collections::BTreeMap, sync::Arc};

use super::super::{looking::Looking, report::Finding};
use crate::{
    gateway::settings::Route,
    scan::recipient::{MOST, Recipients},
};

/// So many are told of one by one.
const TOLD: usize = 20;

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
    Ok(Finding::of(&wrong, &[], green).at("`GET /v1/personal-data` of the API"))
}

/// Hosts that data is handed to: by Privet itself, and by answers that send browsers there.
pub(super) fn recipients(at: &Looking<'_>) -> Finding {
    let Some(named) = &at.grounds.settings.policy.recipients else {
        return Finding::off("the policy does not say who recipients are").at("`recipients`");
    };
    let is_named = |host: &str| named.iter().any(|known| names(known, host));
    let all = &at.facts().recipients;
    let strange = all.iter().filter(|(host, _)| !is_named(host));
    let mut wrong: Vec<String> = strange.map(|(host, by)| format!("{host} is handed data by {by}")).collect();
    let mut doubts = Vec::new();
    if at.grounds.live.is_none() {
        doubts.push("unknown: no gateway runs here, so nobody has seen whom answers name".to_owned());
    }
    let unwatched = at.facts().routes.iter().filter(|route| !route.watch);
    doubts.extend(unwatched.map(|route| format!("{} is not watched: whom its answers name is not seen", route.name)));
    let heard = heard(at);
    let mut others = all.len();
    for (route, Recipients { hosts, beyond }) in &heard {
        others += hosts.len();
        for (host, heard) in hosts.iter().filter(|(host, _)| !is_named(host)) {
            let ways: Vec<&str> = heard.ways.iter().map(|way| way.name()).collect();
            wrong.push(format!("{host} is named by answers of {route} ({})", ways.join(", ")));
        }
        if *beyond > 0 {
            wrong.push(format!("answers of {route} name more than {MOST} hosts"));
        }
    }
    let more = wrong.len().saturating_sub(TOLD);
    wrong.truncate(TOLD);
    if more > 0 {
        wrong.push(format!("and {more} more"));
    }
    Finding::of(&wrong, &doubts, format!("{others} recipients beyond this machine, all of them named"))
        .at("privet check --config FILE; privet scan --live")
}

/// Whom answers of routes that are still watched have named, but for the gateway's own hosts and those where people sign in.
fn heard(at: &Looking<'_>) -> Vec<(Arc<str>, Recipients)> {
    let facts = at.facts();
    let watch = at.grounds.live.as_ref().and_then(|live| live.plan.watch.as_ref());
    let is_ours = |host: &str| {
        // A route for any host says of none that it is ours.
        let is_route = |route: &Arc<Route>| route.host.fits(host).is_some_and(|how| how > 0);
        facts.routes.iter().any(is_route) || facts.providers.iter().any(|provider| provider == host)
    };
    let mut all: Vec<(Arc<str>, Recipients)> = watch.map(|watch| watch.recipients()).into_iter().flatten().collect();
    all.retain(|(name, _)| facts.routes.iter().any(|route| route.watch && route.name == **name));
    for (_, recipients) in &mut all {
        recipients.hosts.retain(|host, _| !is_ours(host));
    }
    all
}

/// Whether a name of the policy is a host's: `*.shop.example` is that of everything below it.
fn names(known: &str, host: &str) -> bool {
    match known.strip_prefix("*.") {
        None => known.eq_ignore_ascii_case(host),
        Some(above) => {
            let (above, host) = (above.to_ascii_lowercase(), host.to_ascii_lowercase());
            host.strip_suffix(&above).is_some_and(|below| below.ends_with('.'))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_name_is_one_host_or_all_below_it() {
        assert!(names("CDN.example", "cdn.example") && names("*.shop.example", "a.b.Shop.example"));
        assert!(!names("*.shop.example", "shop.example") && !names("*.shop.example", "myshop.example"));
        assert!(!names("shop.example", "a.shop.example"));
    }
}
