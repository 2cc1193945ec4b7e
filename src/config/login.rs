//! `[[login]]`: attempts at an application's own login.

use std::{ops::Range, sync::Arc};

use http::Method;

use super::{diagnose::Diagnostics, reader::Table, resolve::seconds, route};
use crate::{
    gateway::settings::{HostPattern, Route},
    login::{
        judge,
        settings::{Criteria, Limit, Limits, Preset, Rule, Source},
    },
};

/// A login, and which routes it may be on.
#[derive(Debug)]
pub struct Login {
    host: Option<HostPattern>,
    rule: Arc<Rule>,
    span: Range<usize>,
}

/// Reads one login; `None` when it can't be built even with defaults.
pub fn resolve(mut table: Table, d: &mut Diagnostics<'_>) -> Option<Login> {
    let span = table.span.clone();
    let host = table.parsed("host", d, "a host as a [[route]] names it", route::host);
    let preset = table.choice("preset", d, &Preset::ALL, Preset::Auto);
    let path = table.parsed("path", d, "a path such as \"/login\"", route::path).or_else(|| usual_path(preset));
    if path.is_none() {
        d.note(
            &span,
            "a login needs `path`",
            Some("where the application takes the password: path = \"/login\"".to_owned()),
        );
    }
    let method = table.parsed("method", d, "a method such as \"POST\"", method);
    let username = table.parsed("username", d, "form:NAME, json:/POINTER, header:NAME, query:NAME or basic", source);
    let failure = table.table_if("failure", "login[].failure", d).map(|table| criteria(table, d));
    let success = table.table_if("success", "login[].success", d).map(|table| criteria(table, d));
    let limits = limits(table.table("limits", "login[].limits", d), d);
    let consecutive = table.number("consecutive", d, 1..=100).and_then(|n| u32::try_from(n).ok()).unwrap_or(100);
    let (lock, device_age) =
        (table.duration("lock", d, seconds(86_400)), table.duration("device_age", d, seconds(90 * 86_400)));
    let body_limit = usize::try_from(table.size("body_limit", d, 64 << 10)).unwrap_or(usize::MAX).min(16 << 20);
    table.finish(d);
    let path = path?;
    let username = username.unwrap_or_else(|| preset.username());
    let host_name = host.as_ref().map_or("*".to_owned(), route::host_name);
    let rule = Rule {
        name: format!("{host_name}{path}"),
        prefix: matches!(username, Source::Basic),
        path,
        method,
        username,
        failure: failure.unwrap_or_else(|| preset.failure()),
        success: success.unwrap_or_default(),
        otherwise: preset.otherwise(),
        limits,
        consecutive,
        lock,
        device_age,
        body_limit,
    };
    Some(Login { host, rule: Arc::new(rule), span })
}

/// Gives each route the logins that it can be asked for, and tells of those that no route can be.
pub fn attach(logins: &[Login], routes: &mut [Route], d: &mut Diagnostics<'_>) {
    for (number, login) in logins.iter().enumerate() {
        if logins[..number].iter().any(|other| other.rule.name == login.rule.name) {
            let hint = Some("give one of them another host or path".to_owned());
            d.note(&login.span, format!("a second login for `{}`", login.rule.name), hint);
        }
        let mut served = false;
        for route in &mut *routes {
            let same_host = login.host.as_ref().is_none_or(|host| *host == route.host);
            if same_host
                && (is_below(&login.rule.path, &route.path)
                    || (login.rule.prefix && is_below(&route.path, &login.rule.path)))
            {
                route.logins.push(Arc::clone(&login.rule));
                served = true;
            }
        }
        if !served && !routes.is_empty() {
            let hint = Some("its `host` must be that of a [[route]] as it is written there, or be left out".to_owned());
            d.note(&login.span, format!("no route leads to the login `{}`", login.rule.name), hint);
        }
    }
}

/// Whether `path` is `prefix` or below it. Case makes no difference: an application may make none.
fn is_below(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    let Some(start) = path.get(..prefix.len()) else { return false };
    start.eq_ignore_ascii_case(prefix) && (path.len() == prefix.len() || path[prefix.len()..].starts_with('/'))
}

fn usual_path(preset: Preset) -> Option<String> {
    let path = match preset {
        Preset::WordPress => "/wp-login.php",
        Preset::Basic => "/",
        Preset::Spring => "/login",
        Preset::Django => "/accounts/login",
        Preset::FormRedirect | Preset::Json401 | Preset::Auto => return None,
    };
    Some(path.to_owned())
}

fn method(text: &str) -> Result<Method, String> {
    Method::from_bytes(text.as_bytes()).map_err(|_| format!("\"{text}\" is not a method"))
}

fn source(text: &str) -> Result<Source, String> {
    if text == "basic" {
        return Ok(Source::Basic);
    }
    let (kind, name) = text.split_once(':').unwrap_or((text, ""));
    if name.is_empty() {
        return Err(format!("\"{text}\" names no place"));
    }
    match kind {
        "form" => Ok(Source::Form(name.to_owned())),
        "query" => Ok(Source::Query(name.to_owned())),
        "header" => match http::HeaderName::from_bytes(name.as_bytes()) {
            Ok(name) => Ok(Source::Header(name.as_str().to_owned())),
            Err(_) => Err(format!("\"{name}\" is not the name of a header")),
        },
        "json" => {
            let steps =
                name.strip_prefix('/').ok_or_else(|| format!("\"{name}\" is no pointer: it starts with `/`"))?;
            // RFC 6901, section 3.
            Ok(Source::Json(steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect()))
        }
        other => Err(format!("\"{other}\" is not a place")),
    }
}

fn criteria(mut table: Table, d: &mut Diagnostics<'_>) -> Criteria {
    let pattern = |text: &str| judge::pattern(text).map(|_| text.to_owned()).map_err(|error| error.to_string());
    let place = table.span.clone();
    let criteria = Criteria {
        status: statuses(&mut table, d),
        location: table.parsed("location", d, "a pattern of the regex crate", pattern),
        cookie: table.text("cookie", d),
        no_cookie: table.text("no_cookie", d),
        body: table.parsed("body", d, "a pattern of the regex crate", pattern),
    };
    if criteria == Criteria::default() {
        d.note(
            &place,
            "it says nothing to know an answer by",
            Some("name `status`, `location`, `cookie`, `no_cookie` or `body`".to_owned()),
        );
    }
    table.finish(d);
    criteria
}

fn statuses(table: &mut Table, d: &mut Diagnostics<'_>) -> Vec<u16> {
    let wanted = "a status code such as 401";
    let mut statuses = Vec::new();
    for node in table.nodes("status", d, wanted).unwrap_or_default() {
        match node.value {
            super::file::Value::Integer(code @ 200..=599) => statuses.push(u16::try_from(code).unwrap_or(0)),
            other => {
                d.note(&node.span, format!("`status` holds {}", other.kind()), Some(format!("{wanted} is expected")));
            }
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
