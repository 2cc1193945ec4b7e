//! Intrusion: an attack that harms nobody, the rules that know it, and what is given away.

use http::StatusCode;

use super::super::{
    looking::{Looking, entrant},
    prober::{Ask, refusal},
    report::Finding,
};
use crate::{scan::rule::Severity, shield::settings::Mode};

/// Injections that every rule set knows, in a query.
const ATTACKS: [&str; 2] = [
    "?q=1%27%20UNION%20SELECT%20username%2C%20password%20FROM%20users--%20-",
    "?q=%3Cscript%3Ealert%28document.cookie%29%3C%2Fscript%3E",
];

/// Attacks every route.
pub(super) async fn blocked(at: &Looking<'_>) -> Result<Finding, String> {
    let routes = &at.facts().routes;
    if routes.iter().all(|route| route.shield.is_none()) {
        return Ok(Finding::off("no route asks for rules against intrusion").at("`shield` of [[route]]"));
    }
    let prober = at.prober()?;
    let (mut wrong, mut doubts, mut refused, mut earlier) = (Vec::new(), Vec::new(), 0, Vec::new());
    for route in routes {
        match route.shield.map(|shield| shield.mode) {
            None => wrong.push(format!("{} has no rules against intrusion", route.name)),
            Some(Mode::Detect) => doubts.push(format!("attacks on {} are written down, not refused", route.name)),
            Some(Mode::Block) => {
                for query in ATTACKS {
                    let (probe, headers) = entrant(route);
                    let ask = Ask { query: query.to_owned(), headers, probe, ..Ask::default() };
                    let answer = prober.ask(route, ask).await?;
                    match refusal(&answer).as_deref() {
                        Some("shield") => refused += 1,
                        Some(other) if answer.status == StatusCode::FORBIDDEN => {
                            earlier.push(format!("{}: refused before rules had the last word ({other})", route.name));
                        }
                        _ => wrong.push(format!("{} answers {} to an attack", route.name, answer.status.as_u16())),
                    }
                }
            }
        }
    }
    // Nobody of that role gets anywhere there; but somewhere rules have to be seen at work.
    if refused == 0 {
        doubts.append(&mut earlier);
    }
    let green = format!("{refused} attacks on {} routes were refused", routes.len());
    Ok(Finding::of(&wrong, &doubts, green).at("privet_shield_verdicts_total"))
}

/// Which rules there are.
pub(super) fn rules(at: &Looking<'_>) -> Finding {
    match at.facts().rules {
        None => Finding::off("no route asks for rules against intrusion"),
        Some((_, 0)) => Finding::red("there are no rules"),
        Some((false, count)) => {
            Finding::amber(format!("{count} rules of Privet's own small set: name the Core Rule Set in `shield.rules`"))
        }
        Some((true, count)) => Finding::green(format!("{count} rules of a set that is named in `shield.rules`")),
    }
}

/// Whether somebody looks at answers, and what was found.
pub(super) fn watched(at: &Looking<'_>) -> Result<Finding, String> {
    let routes = &at.facts().routes;
    let unwatched = routes.iter().filter(|route| !route.watch);
    let mut wrong: Vec<String> = unwatched.map(|route| format!("{} is not watched", route.name)).collect();
    if wrong.len() == routes.len() {
        return Ok(Finding::off("no route is watched for what it gives away").at("`watch` of [[route]]"));
    }
    let live = at.grounds.live.as_ref().ok_or("unknown: no gateway runs here")?;
    let found = live.plan.watch.as_ref().map(|watch| watch.found()).unwrap_or_default();
    let grave = found.iter().filter(|(_, entry)| entry.finding.rule.severity >= Severity::High);
    wrong.extend(grave.map(|(route, entry)| format!("{route}: {}", entry.finding.rule.id)));
    let looked = live.plan.watch.as_ref().map_or(0, |watch| watch.counts().0);
    let green = format!("{looked} answers were looked at, {} findings, none grave", found.len());
    Ok(Finding::of(&wrong, &[], green).at("privet scan --live"))
}
