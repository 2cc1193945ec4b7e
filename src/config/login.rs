//! `[[login]]`: attempts at an application's own login.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use super::{
    diagnose::Diagnostics,
    file::{Node, Value},
    reader::Table,
    resolve::seconds,
    route,
};
use crate::{
    gateway::settings::{HostPattern, Route},
    login::{
        preset::Preset,
        settings::{Criteria, Limit, Limits, Login, Outcome, Pattern, Redirect, Username},
    },
};

/// A login, and which routes it may be on.
#[derive(Debug)]
pub struct Placed {
    host: Option<HostPattern>,
    login: Arc<Login>,
    span: Range<usize>,
}

impl Placed {
    /// The login itself.
    #[must_use]
    pub fn login(&self) -> Login {
        Login::clone(&self.login)
    }
}

/// Reads one login; `None` when it can't be built even with defaults.
pub fn resolve(mut table: Table, d: &mut Diagnostics<'_>) -> Option<Placed> {
    let span = table.span.clone();
    let host = table.parsed("host", d, "a host as a [[route]] names it", route::host);
    let preset = table.choice("preset", d, &Preset::ALL, Preset::Auto);
    let path = table.parsed("path", d, "a path such as \"/login\"", route::path);
    let path = path.or_else(|| preset.path().map(str::to_owned));
    if path.is_none() {
        let hint = "where the application takes the password: path = \"/login\"".to_owned();
        d.note(&span, "a login needs `path`", Some(hint));
    }
    let methods = methods(&mut table, d);
    let username = table.parsed("username", d, "form:NAME, json:/POINTER, header:NAME or basic", source);
    let outcome = outcome(&mut table, preset, d);
    let limits = limits(table.table("limits", "login[].limits", d), d);
    let consecutive = table.number("consecutive", d, 1..=100).and_then(|n| u8::try_from(n).ok());
    let forget = table.duration("lock", d, seconds(86_400));
    let remember = table.duration("device_age", d, seconds(90 * 86_400));
    let body_limit = usize::try_from(table.size("body_limit", d, 64 << 10)).unwrap_or(usize::MAX);
    table.finish(d);
    let path = path?;
    let host_name = host.as_ref().map_or("*".to_owned(), route::host_name);
    let username = username.unwrap_or_else(|| preset.username());
    let login = Login {
        name: format!("{host_name}{path}"),
        host: host.as_ref().filter(|host| **host != HostPattern::Any).map(route::host_name),
        path,
        below: preset == Preset::Basic,
        realm: host_name,
        methods,
        username,
        passes_without_username: preset.passes_without_username(),
        outcome,
        limits,
        body_limit: body_limit.min(16 << 20),
        max_consecutive: consecutive.unwrap_or(100),
        forget,
        remember,
    };
    Some(Placed { host, login: Arc::new(login), span })
}

/// Gives each route the logins that it can be asked for, and tells of those that no route can be.
pub fn attach(logins: &[Placed], routes: &mut [Route], d: &mut Diagnostics<'_>) {
    for (number, Placed { host, login, span }) in logins.iter().enumerate() {
        if logins[..number].iter().any(|other| other.login.name == login.name) {
            let hint = Some("give one of them another host or path".to_owned());
            d.note(span, format!("a second login for `{}`", login.name), hint);
        }
        let mut served = false;
        for route in &mut *routes {
            let same_host = host.as_ref().is_none_or(|host| *host == route.host || route.host == HostPattern::Any);
            let leads = is_below(&login.path, &route.path) || (login.below && is_below(&route.path, &login.path));
            if same_host && leads {
                route.logins.push(Arc::clone(login));
                served = true;
            }
        }
        if !served && !routes.is_empty() {
            let hint = Some("its `host` must be that of a [[route]] as it is written there, or be left out".to_owned());
            d.note(span, format!("no route leads to the login `{}`", login.name), hint);
        }
    }
}

/// Whether `path` is `prefix` or below it. Case makes no difference: an application may make none.
fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    let Some(start) = path.get(..prefix.len()) else { return false };
    start.eq_ignore_ascii_case(prefix) && (path.len() == prefix.len() || path[prefix.len()..].starts_with('/'))
}

fn methods(table: &mut Table, d: &mut Diagnostics<'_>) -> BTreeSet<String> {
    let wanted = "a method such as \"POST\", or a list of them";
    let read = |value: &Value| {
        let items = match value {
            Value::List(items) => items.iter().map(|item| &item.value).collect(),
            one => vec![one],
        };
        let method = |item: &Value| match item {
            Value::Text(text) if http::Method::from_bytes(text.as_bytes()).is_ok() => Ok(text.to_ascii_uppercase()),
            Value::Text(text) => Err(format!("\"{text}\" is not a method")),
            other => Err(format!("it holds {}", other.kind())),
        };
        Some(items.into_iter().map(method).collect())
    };
    table.read("method", d, wanted, read).unwrap_or_default()
}

fn source(text: &str) -> Result<Username, String> {
    if text == "basic" {
        return Ok(Username::Basic);
    }
    let (kind, name) = text.split_once(':').unwrap_or((text, ""));
    if name.is_empty() {
        return Err(format!("\"{text}\" names no place"));
    }
    match kind {
        "form" => Ok(Username::Form(name.to_owned())),
        "header" => match http::HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Ok(Username::Header(name)),
            Err(_) => Err(format!("\"{name}\" is not the name of a header")),
        },
        "json" => {
            let steps =
                name.strip_prefix('/').ok_or_else(|| format!("\"{name}\" is no pointer: it starts with `/`"))?;
            // RFC 6901, section 3.
            Ok(Username::Json(steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect()))
        }
        other => Err(format!("\"{other}\" is not a place")),
    }
}

/// What tells the outcome: what is written takes the place of all that the preset says.
fn outcome(table: &mut Table, preset: Preset, d: &mut Diagnostics<'_>) -> Outcome {
    let mut criteria = |name, full| table.table_if(name, full, d).map(|table| criteria(table, d));
    match (criteria("failure", "login[].failure"), criteria("success", "login[].success")) {
        (None, None) => preset.outcome(),
        (failure, success) => {
            Outcome::Told { failure: failure.unwrap_or_default(), success: success.unwrap_or_default() }
        }
    }
}

fn criteria(mut table: Table, d: &mut Diagnostics<'_>) -> Criteria {
    let pattern = |text: &str| Pattern::parse(text).map_err(|error| error.to_string());
    let place = table.span.clone();
    let criteria = Criteria {
        status: statuses(&mut table, d),
        location: table.parsed("location", d, "a pattern of the regex crate", pattern),
        redirect: table.parsed("redirect", d, "\"back\" or \"away\"", |text| match text {
            "back" => Ok(Redirect::Back),
            "away" => Ok(Redirect::Away),
            other => Err(format!("\"{other}\" is not known")),
        }),
        cookie: table.text("cookie", d),
        cookie_absent: table.text("cookie_absent", d),
        body: table.parsed("body", d, "a pattern of the regex crate", pattern),
    };
    if criteria.is_empty() {
        let hint = "name `status`, `location`, `redirect`, `cookie`, `cookie_absent` or `body`".to_owned();
        d.note(&place, "it says nothing to know an answer by", Some(hint));
    }
    table.finish(d);
    criteria
}

fn statuses(table: &mut Table, d: &mut Diagnostics<'_>) -> BTreeSet<u16> {
    let wanted = "a status code such as 401";
    let mut statuses = BTreeSet::new();
    for Node { span, value } in table.nodes("status", d, wanted).unwrap_or_default() {
        match value {
            Value::Integer(code @ 200..=599) => {
                statuses.insert(u16::try_from(code).unwrap_or_default());
            }
            other => d.note(&span, format!("`status` holds {}", other.kind()), Some(format!("{wanted} is expected"))),
        }
    }
    statuses
}

fn limits(mut table: Table, d: &mut Diagnostics<'_>) -> Limits {
    let default = Limits::default();
    let mut limit =
        |name, default| table.parsed(name, d, "failures in a time such as \"5/1m\"", Limit::parse).unwrap_or(default);
    let limits = Limits {
        account_address: limit("account_address", default.account_address),
        account: limit("account", default.account),
        address: limit("address", default.address),
        route: limit("route", default.route),
    };
    table.finish(d);
    limits
}
