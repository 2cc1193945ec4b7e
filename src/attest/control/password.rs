//! Passwords: nobody passes a gate without, and nobody guesses one.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{Method, StatusCode, header};

use super::super::{
    looking::{Looking, entrant},
    prober::{Ask, refusal},
    report::Finding,
};
use crate::{
    gateway::settings::{HostPattern, Route},
    login::settings::{Login, Username},
};

/// Asks for every gated route without having signed in.
pub(super) async fn anonymous(at: &Looking<'_>) -> Result<Finding, String> {
    let gates: Vec<&Route> = at.guarded().collect();
    if gates.is_empty() && at.facts().logins.is_empty() {
        return Ok(
            Finding::off("no route has a gate, and no login of an application is known").at("`gate` of [[route]]")
        );
    }
    let prober = at.prober()?;
    let mut wrong = Vec::new();
    for route in &gates {
        let answer = prober.ask(route, Ask::default()).await?;
        if !matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::SEE_OTHER | StatusCode::FORBIDDEN) {
            wrong.push(format!("{} answers {} to somebody unknown", route.name, answer.status.as_u16()));
        }
    }
    let green = match (gates.len(), at.facts().logins.len()) {
        (0, logins) => format!("passwords are the application's own, at {logins} guarded logins"),
        (gates, _) => format!("{gates} gates ask who it is"),
    };
    Ok(Finding::of(&wrong, &[], green))
}

/// Tries wrong passwords of an account that nobody has, until it is refused.
pub(super) async fn limited(at: &Looking<'_>) -> Result<Finding, String> {
    let logins = &at.facts().logins;
    if logins.is_empty() {
        return Ok(Finding::off("no login of an application is known").at("[[login]]"));
    }
    let mut wrong = Vec::new();
    for login in logins {
        let limit = login.limits.account_address.count;
        match burst(at, login, limit.saturating_add(1).min(200)).await? {
            Some(tries) if tries > 0 => {}
            Some(_) => wrong.push(format!("{} refuses even a first attempt", login.name)),
            None => wrong.push(format!("{} lets more than {limit} wrong passwords through", login.name)),
        }
    }
    let green = format!("{} logins refuse with 429 at the limit that they state", logins.len());
    Ok(Finding::of(&wrong, &[], green).at("privet logins"))
}

/// After how many attempts one is refused.
async fn burst(at: &Looking<'_>, login: &Login, most: u32) -> Result<Option<u32>, String> {
    let prober = at.prober()?;
    let fits = |route: &&Route| match (&login.host, &route.host) {
        (None, _) | (_, HostPattern::Any) => true,
        (Some(host), pattern) => {
            pattern.fits(host).is_some() || matches!(pattern, HostPattern::Exact(own) if own == host)
        }
    };
    let covers = |route: &&Route| {
        let base = route.path.trim_end_matches('/');
        login.path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let routes = at.facts().routes.iter().map(|route| &**route).filter(fits).filter(covers);
    let Some(route) = routes.max_by_key(|route| route.path.len()) else {
        return Err(format!("no route leads to the login {}", login.name));
    };
    let account = format!("probe-{:016x}", fastrand::u64(..));
    for tries in 0..most {
        let answer = prober.ask(route, attempt(login, route, &account, tries)).await?;
        match refusal(&answer).as_deref() {
            Some("login_limited") if answer.status == StatusCode::TOO_MANY_REQUESTS => return Ok(Some(tries)),
            Some(other) => return Err(format!("{}: refused before it was counted ({other})", login.name)),
            None => {}
        }
    }
    Ok(None)
}

fn attempt<'l>(login: &'l Login, route: &Route, account: &str, tries: u32) -> Ask<'l> {
    let (probe, mut headers) = entrant(route);
    let method = login.methods.iter().find_map(|method| method.parse().ok()).unwrap_or(Method::POST);
    let password = format!("wrong-{tries}");
    let mut body = String::new();
    let form = |field: &str, headers: &mut Vec<_>| {
        headers.push((header::CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()));
        format!("{field}={account}&password={password}")
    };
    let mut query = String::new();
    match &login.username {
        Username::Form(field) if method == Method::GET => query = format!("?{field}={account}&password={password}"),
        Username::Form(field) => body = form(field, &mut headers),
        Username::Guess => body = form("username", &mut headers),
        Username::Json(path) => {
            headers.push((header::CONTENT_TYPE, "application/json".to_owned()));
            let value = path.iter().rev().fold(serde_json::json!(account), |inner, name| {
                serde_json::Value::Object([(name.clone(), inner)].into_iter().collect())
            });
            body = value.to_string();
        }
        Username::Basic => {
            let text = BASE64_STANDARD.encode(format!("{account}:{password}"));
            headers.push((header::AUTHORIZATION, format!("Basic {text}")));
        }
        Username::Header(name) => headers.push((name.clone(), account.to_owned())),
    }
    Ask {
        method: Some(method),
        path: Some(&login.path),
        query,
        headers,
        body: body.into_bytes(),
        probe,
        cleartext: false,
    }
}
