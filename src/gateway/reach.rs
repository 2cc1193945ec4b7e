//! Which logins a route may get attempts of.

use crate::{gateway::settings::Route, login::settings::Login};

/// Whether a request of `route` may be an attempt at `login`, whose host it still has to have. Case makes no difference: an application
/// may make none.
pub(super) fn may_reach(route: &Route, login: &Login) -> bool {
    is_below(&login.path, &route.path) || (login.below && is_below(&route.path, &login.path))
}

/// Whether the page with the challenge of `login` may be one of `route`.
pub(super) fn shows_challenge(route: &Route, login: &Login) -> bool {
    login.challenge.as_ref().is_some_and(|challenge| is_below(challenge, &route.path))
}

fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    let start = path.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix));
    start.is_some() && (path.len() == prefix.len() || path[prefix.len()..].starts_with('/'))
}
