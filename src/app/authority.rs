//! What a running gateway decides by about personal data, where a route asks for it.

use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::{
    access::{Access, Settings, canary::Seeds, consent::Desk, kept::CookieKey, subject::Subjects},
    config::Config,
    gateway::{access::Authority, settings::Route},
    incident::remedy::Overlay,
    journal::Journal,
    registry::Registry,
    seal::Ring,
};

/// The authority of a configuration; nothing where no route is recorded, asks policies, or masks for people whom it knows.
///
/// # Errors
/// When a route needs it, and there is no journal or are no keys.
pub(super) fn of(
    config: &Config,
    journal: Option<&Arc<Journal>>,
    registry: Option<&Arc<Registry>>,
    consents: Option<&Arc<Desk>>,
    overlay: &Arc<Overlay>,
) -> anyhow::Result<Option<Arc<Authority>>> {
    let routes = &config.gateway.routes;
    let masked = |route: &Route| route.mask.is_some() && route.gate.is_some();
    let asks = |route: &&Arc<Route>| route.record || route.asks_policies() || masked(route);
    let learns = config.access.as_ref().is_some_and(|access| access.consent.is_some());
    let Some(route) = routes.iter().find(asks).or(routes.first().filter(|_| learns)) else { return Ok(None) };
    let keys = config.seal.key_file.as_deref().context("there is no place for the keys that name people in records")?;
    let ring = Ring::load_or_make(keys)?;
    if let Some(route) = routes.iter().find(|route| route.record).filter(|_| journal.is_none()) {
        bail!("route {} is recorded (`record = true`), and there is no journal", route.name);
    }
    let cookies = CookieKey::of(&ring).with_context(|| format!("route {}: no key for cookies", route.name))?;
    Ok(Some(Arc::new(Authority {
        access: Access::new(config.access.clone().unwrap_or_else(|| Arc::new(Settings::shipped().clone()))),
        registry: registry.cloned(),
        consents: consents.cloned(),
        subjects: Subjects::of(&ring),
        canaries: Seeds::of(&ring),
        journal: journal.cloned(),
        cookies,
        overlay: Arc::clone(overlay),
        names: config
            .incident
            .signals
            .staff
            .iter()
            .filter_map(|staff| Some((staff.person.clone(), staff.name.clone()?)))
            .collect(),
    })))
}
