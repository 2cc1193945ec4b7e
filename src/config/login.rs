//! `[[login]]`: which requests are attempts to sign in, how their outcome is told, how many may fail.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    context::{Context, seconds},
    diagnose::Diagnostics,
    file::{Node, Value},
    reader::Table,
    route,
};
use crate::{
    gateway::settings::{HostPattern, Route},
    login::{
        preset::Preset,
        settings::{Breached, Criteria, Limit, Limits, Login, Outcome, Pattern, Place, Redirect, Settings, Username},
    },
};

const DAY: u64 = 86_400;
/// Largest body that is read for a username.
const LARGEST_BODY: usize = 1 << 20;

/// All logins, each of which some route must serve.
pub(super) fn resolve(
    tables: Vec<Table>,
    routes: &[Arc<Route>],
    mut settings: Settings,
    context: &Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Settings {
    for table in tables {
        let span = table.span.clone();
        let Some((host, login)) = login(table, context, d) else { continue };
        // Where no route could be built there is enough to mend already.
        if !routes.is_empty() && !routes.iter().any(|route| serves(route, &host, &login.path, login.below)) {
            let hint = "give it the host and path of a [[route]]".to_owned();
            d.note(&span, format!("no route serves the login `{}`", login.name), Some(hint));
        }
        if let Some(challenge) = &login.challenge
            && !routes.is_empty()
            && !routes.iter().any(|route| serves(route, &host, challenge, false))
        {
            d.note(&span, "no route serves the login's challenge", None);
        }
        if settings.logins.iter().any(|other| other.name == login.name) {
            d.note(&span, format!("a second login for `{}`", login.name), None);
        }
        settings.logins.push(login);
    }
    settings
}

/// Whether `route` can get requests of this host and path, or of what is `below`.
fn serves(route: &Route, host: &HostPattern, path: &str, below_it: bool) -> bool {
    use HostPattern::{Any, Exact, Wildcard};
    let below = |name: &str, suffix: &str| name.split_once('.').is_some_and(|(_, rest)| rest == suffix);
    let hosts = match (&route.host, host) {
        (Any, _) | (_, Any) => true,
        (Exact(a), Exact(b)) | (Wildcard(a), Wildcard(b)) => a == b,
        (Exact(name), Wildcard(suffix)) | (Wildcard(suffix), Exact(name)) => below(name, suffix),
    };
    let within = |path: &str, prefix: &str| {
        prefix == "/" || path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    hosts && (within(path, &route.path) || (below_it && within(&route.path, path)))
}

fn login(mut table: Table, context: &Context<'_>, d: &mut Diagnostics<'_>) -> Option<(HostPattern, Login)> {
    let span = table.span.clone();
    let host = table.parsed("host", d, "a host name such as \"shop.example\" or \"*.example\"", route::host);
    let host = host.unwrap_or(HostPattern::Any);
    let presets: Vec<_> = Preset::ALL.iter().map(|&(name, preset)| (name, Some(preset))).collect();
    let preset = table.choice("preset", d, &presets, None);
    let path = table.parsed("path", d, "a path such as \"/login\"", route::path);
    let path = path.or_else(|| preset.and_then(Preset::path).map(str::to_owned));
    let username =
        table.parsed("username", d, "\"form:NAME\", \"json:/POINTER\", \"basic\" or \"header:NAME\"", username);
    let username = username.or_else(|| preset.map(Preset::username));
    let name_of_host = route::host_name(&host);
    let realm = table.text("realm", d).unwrap_or_else(|| name_of_host.clone());
    let methods = table.list("method", d, "a method such as \"POST\"", method).unwrap_or_default();
    let passes = table.choice("without_username", d, &[("refuse", Some(false)), ("pass", Some(true))], None);
    let outcome = outcome(&mut table, preset, d);
    let limits = limits(table.table("limits", "login[].limits", d), d);
    let place = table.place("body_limit");
    let body_limit = usize::try_from(table.size("body_limit", d, 64 << 10)).unwrap_or(usize::MAX);
    if !(1..=LARGEST_BODY).contains(&body_limit) {
        d.note(&place, "`body_limit` must be from \"1B\" to \"1MiB\": it is held in memory", None);
    }
    let max_consecutive = table.number("max_consecutive", d, 1..=100).and_then(|n| u8::try_from(n).ok()).unwrap_or(100);
    let forget = table.duration("forget", d, seconds(DAY));
    let remember = table.duration("remember", d, seconds(90 * DAY));
    let place = table.place("tarpit");
    let tarpit = table.duration_or_off("tarpit", d, None).unwrap_or_default();
    if tarpit > seconds(30) {
        d.note(&place, "`tarpit` must be at most \"30s\"", None);
    }
    let breached = breached(&mut table, context, d);
    if breached.is_some() && matches!(username, Some(Username::Basic | Username::Header(_))) {
        d.note(&span, "a password is looked up only where the body is read for the username, too", None);
    }
    let place = table.place("challenge");
    let challenge = table.parsed("challenge", d, "a path such as \"/captcha\"", route::path);
    if challenge.is_some() && challenge == path {
        d.note(&place, "`challenge` must be another path than the login's own", None);
    }
    table.finish(d);
    let (Some(path), Some(username), Some(outcome)) = (path, username, outcome) else {
        let hint = "set `path` and a `preset`, or `path`, `username` and `failure`".to_owned();
        d.note(
            &span,
            "a login needs to know its path, where the username stands and what a failure looks like",
            Some(hint),
        );
        return None;
    };
    let login = Login {
        name: format!("{name_of_host}{path}"),
        host: (host != HostPattern::Any).then_some(name_of_host),
        below: username == Username::Basic,
        passes_without_username: passes.unwrap_or_else(|| preset.is_some_and(Preset::passes_without_username)),
        path,
        realm,
        methods: methods.into_iter().collect(),
        username,
        outcome,
        limits,
        body_limit,
        max_consecutive,
        forget,
        remember,
        tarpit,
        breached,
        challenge,
    };
    Some((host, login))
}

/// Where passwords stand, and the list of breached ones that they are looked up in.
fn breached(table: &mut Table, context: &Context<'_>, d: &mut Diagnostics<'_>) -> Option<Breached> {
    let span = table.span.clone();
    let place = |text: &str| match username(text)? {
        Username::Form(name) => Ok(Place::Form(name)),
        Username::Json(names) => Ok(Place::Json(names)),
        _ => Err(format!("\"{text}\" is no place in a body")),
    };
    let password = table.parsed("password", d, "\"form:NAME\" or \"json:/POINTER\"", place);
    match (password, table.text("breached", d)) {
        (Some(password), Some(list)) => Some(Breached { password, list: context.path(&list) }),
        (None, None) => None,
        _ => {
            let hint =
                "set both: `password` says where it stands, `breached` the list that it is looked up in".to_owned();
            d.note(&span, "a password is looked up only where its place and a list are known", Some(hint));
            None
        }
    }
}

/// What is written wins over the preset, failure and success each as a whole. `None` when nothing is said at all.
fn outcome(table: &mut Table, preset: Option<Preset>, d: &mut Diagnostics<'_>) -> Option<Outcome> {
    let (failure_place, success_place) = (table.place("failure"), table.place("success"));
    let mut signs = |name, full, place, d: &mut Diagnostics<'_>| {
        let table = table.table_if(name, full, d)?;
        if table.is_empty() {
            d.note(place, "a table of signs without a sign", None);
        } else if preset == Some(Preset::Auto) {
            let hint = "leave out `preset`, or the signs".to_owned();
            d.note(place, "the preset \"auto\" learns the signs", Some(hint));
        }
        Some(criteria(table, d))
    };
    let failure = signs("failure", "login[].failure", &failure_place, d);
    let success = signs("success", "login[].success", &success_place, d);
    match preset.map(Preset::outcome) {
        Some(Outcome::Learned) => Some(Outcome::Learned),
        Some(Outcome::Told { failure: usual, success: good }) => {
            Some(Outcome::Told { failure: failure.map_or(usual, Box::new), success: success.map_or(good, Box::new) })
        }
        None if failure.is_none() && success.is_none() => None,
        None => Some(Outcome::Told {
            failure: Box::new(failure.unwrap_or_default()),
            success: Box::new(success.unwrap_or_default()),
        }),
    }
}

fn criteria(mut table: Table, d: &mut Diagnostics<'_>) -> Criteria {
    let pattern = |text: &str| Pattern::parse(text).map_err(|error| error.to_string());
    let redirects = [("back", Some(Redirect::Back)), ("away", Some(Redirect::Away))];
    let criteria = Criteria {
        status: statuses(&mut table, d),
        location: table.parsed("location", d, "a pattern such as \"^/login\"", pattern),
        redirect: table.choice("redirect", d, &redirects, None),
        cookie: table.text("cookie", d),
        cookie_absent: table.text("cookie_absent", d),
        body: table.parsed("body", d, "a pattern such as \"wrong password\"", pattern),
    };
    table.finish(d);
    criteria
}

fn statuses(table: &mut Table, d: &mut Diagnostics<'_>) -> BTreeSet<u16> {
    let mut found = BTreeSet::new();
    for Node { span, value } in table.nodes("status", d, "numbers such as 401").unwrap_or_default() {
        match value {
            Value::Integer(code @ 100..=599) => found.extend(u16::try_from(code)),
            other => d.note(
                &span,
                format!("`status` holds {}", other.kind()),
                Some("a number from 100 to 599 is expected".to_owned()),
            ),
        }
    }
    found
}

fn limits(mut table: Table, d: &mut Diagnostics<'_>) -> Limits {
    let default = Limits::default();
    let mut limit = |name, default, d: &mut Diagnostics<'_>| {
        table.parsed(name, d, "a number and a duration such as \"5/1m\"", Limit::parse).unwrap_or(default)
    };
    let limits = Limits {
        account_address: limit("account_address", default.account_address, d),
        account: limit("account", default.account, d),
        address: limit("address", default.address, d),
        route: limit("route", default.route, d),
    };
    table.finish(d);
    limits
}

fn method(text: &str) -> Result<String, String> {
    let known = http::Method::from_bytes(text.as_bytes()).map_err(|_| format!("\"{text}\" is not a method"))?;
    Ok(known.as_str().to_owned())
}

fn username(text: &str) -> Result<Username, String> {
    let wrong = || format!("\"{text}\" is not known");
    match text.split_once(':') {
        None if text == "basic" => Ok(Username::Basic),
        None if text == "auto" => Ok(Username::Guess),
        Some(("form", name)) if !name.trim().is_empty() => Ok(Username::Form(name.to_owned())),
        Some(("json", place)) => {
            let place = place.strip_prefix('/').ok_or("a pointer starts with `/`")?;
            let names: Vec<_> = place.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect();
            if names.iter().any(String::is_empty) {
                Err("a pointer has no empty name".to_owned())
            } else {
                Ok(Username::Json(names))
            }
        }
        Some(("header", name)) => name.parse().map(Username::Header).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usernames_stand_where_the_text_says() {
        assert_eq!(username("form:email"), Ok(Username::Form("email".into())));
        assert_eq!(username("json:/user/na~1me"), Ok(Username::Json(vec!["user".into(), "na/me".into()])));
        assert_eq!(username("basic"), Ok(Username::Basic));
        assert_eq!(username("header:X-User"), Ok(Username::Header(http::HeaderName::from_static("x-user"))));
        for wrong in ["", "form:", "form", "json:user", "json:/", "header:a b", "cookie:x"] {
            assert!(username(wrong).is_err(), "{wrong}");
        }
    }
}
