//! Routes that an officer has closed, or keeps for officers alone, for the time of an incident.

use super::{
    Gateway,
    plan::Line,
    refusal::{Kind, Refusal},
};
use crate::{
    identity::Principal,
    incident::remedy::overlay::{Closure, passes_quarantine},
};

/// Refuses what goes to a route that is closed; before anybody is asked who they are.
///
/// # Errors
/// When it is closed to everybody.
pub fn check(gateway: &Gateway, line: &Line) -> Result<(), Refusal> {
    match gateway.plan.overlay.closure(&line.route.name) {
        Some(Closure::Closed) => Err(Kind::Closed.into()),
        Some(Closure::Quarantined) if line.route.gate.is_none() => Err(Kind::Closed.into()),
        _ => Ok(()),
    }
}

/// Refuses whoever may not see a route in quarantine.
///
/// # Errors
/// When it is in quarantine, and they are no officers.
pub fn admit(gateway: &Gateway, line: &Line, who: Option<&Principal>) -> Result<(), Refusal> {
    let quarantined = gateway.plan.overlay.closure(&line.route.name) == Some(Closure::Quarantined);
    let passes = || who.is_some_and(|who| passes_quarantine(&who.roles));
    if quarantined && !passes() { Err(Kind::Closed.into()) } else { Ok(()) }
}
