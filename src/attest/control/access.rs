//! Minimum access: who is refused, what is covered, and what has to be signed first.

use http::StatusCode;

use super::super::{
    looking::{Looking, entrant},
    person::Person,
    prober::{Ask, refusal},
    report::Finding,
};
use crate::{
    access::header::PURPOSE,
    gateway::{probe::Probe, settings::Route},
};

/// A role that nobody is given.
const NOBODYS: &str = "probe";

/// Whether a route behind a gate shows people's data.
fn carries(route: &Route) -> bool {
    route.record || route.mask.is_some()
}

/// Somebody with a role that is none of those that a route asks for.
pub(super) async fn refused(at: &Looking<'_>) -> Result<Finding, String> {
    let asks = |route: &&Route| carries(route) || route.gate.as_ref().is_some_and(|gate| !gate.roles.is_empty());
    let gates: Vec<&Route> = at.guarded().filter(asks).collect();
    if gates.is_empty() {
        return Ok(Finding::off("no gate asks for a role, and none has people's data behind it"));
    }
    let prober = at.prober()?;
    let mut wrong = Vec::new();
    for route in &gates {
        let probe = Probe { role: Some(NOBODYS.to_owned()), signed: true, people: None };
        let answer = prober.ask(route, Ask { probe, ..Ask::default() }).await?;
        if answer.status != StatusCode::FORBIDDEN {
            let what = "to somebody whose role has no right to it";
            wrong.push(format!("{} answers {} {what}", route.name, answer.status.as_u16()));
        }
    }
    let green = format!("{} routes refuse a role that has no right to them", gates.len());
    Ok(Finding::of(&wrong, &[], green).at("privet access explain"))
}

/// An answer with somebody in it who has agreed to nothing, for a role that may see those who have.
pub(super) async fn masked(at: &Looking<'_>) -> Result<Finding, String> {
    let gates: Vec<&Route> = at.guarded().collect();
    if gates.is_empty() {
        return Ok(Finding::off("no route has a gate: nobody's role is known"));
    }
    let prober = at.prober()?;
    let (mut wrong, mut covered) = (Vec::new(), 0);
    for route in &gates {
        let number = fastrand::u64(..);
        let person = Person::of(number);
        let roles = route.gate.as_ref().map_or(&[][..], |gate| &gate.roles);
        let role = roles.iter().find(|role| *role == "marketing").or(roles.first());
        let role = role.map_or("marketing", String::as_str);
        let headers = if route.asks_policies() { vec![(PURPOSE, "marketing".to_owned())] } else { Vec::new() };
        let probe = Probe { role: Some(role.to_owned()), signed: true, people: Some(number) };
        let answer = prober.ask(route, Ask { headers, probe, ..Ask::default() }).await?;
        let body = String::from_utf8_lossy(&answer.body);
        let leaked = person.values().into_iter().filter(|(_, value)| body.contains(value)).map(|(kind, _)| kind);
        let leaked: Vec<&str> = leaked.collect();
        if !leaked.is_empty() {
            wrong.push(format!("{} shows {} in clear to the role {role}", route.name, leaked.join(", ")));
        }
        covered += usize::from(answer.status == StatusCode::OK);
    }
    let green = format!("{covered} gated routes cover it, {} refuse", gates.len() - covered);
    Ok(Finding::of(&wrong, &[], green).at("`mask` of [[route]]"))
}

/// Somebody with the right role who has not signed.
pub(super) async fn wall(at: &Looking<'_>) -> Result<Finding, String> {
    let gates: Vec<&Route> = at.guarded().filter(|route| carries(route)).collect();
    if gates.is_empty() {
        return Ok(Finding::off("no gate has people's data behind it"));
    }
    if !at.grounds.registry.as_ref().is_some_and(|(state, _)| state.is_founded()) {
        return Ok(Finding::off("the registry is not founded: nobody is asked to sign").at("privet staff init"));
    }
    let prober = at.prober()?;
    let mut wrong = Vec::new();
    for route in &gates {
        let (probe, headers) = entrant(route);
        let probe = Probe { signed: false, ..probe };
        let answer = prober.ask(route, Ask { headers, probe, ..Ask::default() }).await?;
        if refusal(&answer).as_deref() != Some("pledge") {
            let what = "to somebody who has not signed";
            wrong.push(format!("{} answers {} {what}", route.name, answer.status.as_u16()));
        }
    }
    Ok(Finding::of(&wrong, &[], format!("{} routes ask for the pledge first", gates.len())).at("privet pledge status"))
}

/// Whether files leave sealed.
pub(super) fn downloads(at: &Looking<'_>) -> Finding {
    let recorded: Vec<&Route> = at.guarded().filter(|route| carries(route)).collect();
    if recorded.is_empty() {
        return Finding::off("no gate has people's data behind it");
    }
    let plain = recorded.iter().filter(|route| !route.seals_downloads);
    let wrong: Vec<String> = plain.map(|route| format!("files of {} leave as they are", route.name)).collect();
    Finding::of(&wrong, &[], format!("files of {} routes leave sealed", recorded.len())).at("privet audit downloads")
}
