//! One `[[route]]`: where it applies, the application behind it, and its rules.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http::HeaderValue;

use super::{
    context::{Context, seconds},
    diagnose::Diagnostics,
    file::{Node, Value},
    reader::Table,
    secret,
};
use crate::{
    common::authority::Authority,
    dial::{
        self,
        settings::{Target, Tls},
    },
    gateway::{
        settings::{Cleartext, CookieRules, HostPattern, Prefix, Route, SameSite, UrlPrivacy},
        upstream::settings::{Balance, Ejection, Endpoint, Health, Retry, Settings},
    },
    privacy::mask::settings::{self as mask, At, Pattern, Records, Uninspectable},
};

/// Reads one route; `None` when it can't be built even with defaults.
pub fn resolve(
    mut table: Table,
    http_is_loopback: bool,
    privacy: &Arc<crate::privacy::settings::Settings>,
    realms: &crate::identity::settings::Settings,
    antivirus_closed: bool,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Route> {
    let host = table.parsed("host", d, "a host name such as \"shop.example\" or \"*.example\"", host);
    let host = host.unwrap_or(HostPattern::Any);
    let path = table.parsed("path", d, "a path such as \"/shop\"", path).unwrap_or_else(|| "/".to_owned());
    let prefix = prefix(&mut table, d);
    let reason = table.text("cleartext_reason", d).filter(|t| !t.trim().is_empty());
    let place = table.place("cleartext");
    let choices = [("redirect", Cleartext::Redirect), ("refuse", Cleartext::Refuse), ("serve", Cleartext::Serve)];
    let cleartext = table.choice("cleartext", d, &choices, Cleartext::Redirect);
    if cleartext == Cleartext::Serve && reason.is_none() && !http_is_loopback {
        d.note(&place, "this route would be served in cleartext beyond loopback", reason_hint());
    }
    let upstream = upstream(&mut table, reason.is_some(), context, d);
    let upstream = upstream.map(Arc::new);
    let rules = Rules::read(&mut table, d);
    let privacy = super::privacy::on_route(table.table_if("privacy", "route[].privacy", d), privacy, d);
    let mask_place = table.place("mask");
    let mask = mask(&mut table, d);
    let records = records(&mut table, d);
    let canary = table.table_if("canary", "route[].canary", d);
    let gate_place = table.place("gate");
    let gate = super::identity::gate(&mut table, realms, d);
    let by_policy = mask.as_ref().is_some_and(|mask| mask.by_policy);
    if by_policy && gate.is_none() {
        let hint = Some("add `gate = \"staff\"`".to_owned());
        d.note(&mask_place, "policies decide by who asks, and without a gate nobody knows", hint);
    }
    let record = table.flag("record", d, by_policy);
    let download_place = table.place("download");
    let by_default = record && gate.is_some();
    let seals_downloads = table.choice("download", d, &[("seal", true), ("plain", false)], by_default);
    if seals_downloads && !by_default {
        let hint = Some("add `gate = \"staff\"` and `record = true`, or remove it".to_owned());
        d.note(&download_place, "a download is sealed for somebody who is known, and written down", hint);
    }
    if gate.is_some() && cleartext == Cleartext::Serve {
        d.note(&gate_place, "a gate needs TLS: browsers keep its session for https alone", None);
    }
    let planted = (record && gate.is_some(), records.as_deref());
    let canaries = super::canary::on_route(canary, planted, &privacy, d);
    let shield = super::shield::on_route(&mut table, d);
    let watch = table.flag("watch", d, false);
    let (headers, hidden) = (super::scan::headers(&mut table, d), super::scan::hidden(&mut table, d));
    let antivirus = super::antivirus::on_route(&mut table, d).on_route(antivirus_closed);
    table.finish(d);
    Some(Route {
        name: format!("{}{path}", host_name(&host)),
        host,
        path,
        prefix,
        upstream: upstream?,
        cleartext,
        cleartext_reason: reason,
        privacy,
        hsts: rules.hsts,
        cookies: rules.cookies,
        rewrite_location: rules.rewrite_location,
        body_limit: rules.body_limit,
        timeout: rules.timeout,
        response_timeout: rules.response_timeout,
        upgrade: rules.upgrade,
        url_privacy: rules.url_privacy,
        access_log: rules.access_log,
        mask,
        record,
        seals_downloads,
        records,
        canaries,
        gate,
        shield,
        watch,
        headers,
        hidden,
        antivirus,
    })
}

fn mask(table: &mut Table, d: &mut Diagnostics<'_>) -> Option<mask::Settings> {
    // Whether there is one, and whether policies decide on it.
    let choices = [("off", (false, false)), ("all", (true, false)), ("policy", (true, true))];
    let (on, by_policy) = table.choice("mask", d, &choices, (false, false));
    let paths_place = table.place("mask_paths");
    let paths = table.list("mask_paths", d, "a path such as \"/customers/*/phone\"", |text| {
        Pattern::parse(text).map_err(|error| error.to_string())
    });
    let choices = [("refuse", Uninspectable::Refuse), ("pass", Uninspectable::Pass)];
    let uninspectable = table.choice("uninspectable", d, &choices, Uninspectable::Refuse);
    if !on && paths.is_some() {
        let hint = Some("set `mask = \"all\"`, or remove `mask_paths`".to_owned());
        d.note(&paths_place, "`mask_paths` without a mask would mask nothing", hint);
    }
    on.then(|| mask::Settings { paths: paths.unwrap_or_default(), by_policy, uninspectable })
}

/// Whose data a route's answers hold, and whether they agreed.
fn records(table: &mut Table, d: &mut Diagnostics<'_>) -> Option<Arc<Records>> {
    const SUBJECT: &str = "\"json:/customers/*/id\", \"csv:id\", \"html:data-id\", \"html:column:ID\" or \"path:2\"";
    const CONSENT: &str =
        "\"json:/customers/*/agreed\", \"csv:agreed\", \"html:data-agreed\" or \"html:column:Agreed\"";
    let read = |text: &str| At::parse(text).map_err(|error| error.to_string());
    let subject = table.one_or_more("subject", d, SUBJECT, read);
    let consent = table.one_or_more("consent", d, CONSENT, |text| match read(text)? {
        At::Segment(_) => Err("a segment of the path says whose an answer is, and not whether they agreed".to_owned()),
        at => Ok(at),
    });
    let records = Records { subject: subject.unwrap_or_default(), consent: consent.unwrap_or_default() };
    (records != Records::default()).then(|| Arc::new(records))
}

/// What holds for a route's traffic, wherever its application is.
struct Rules {
    hsts: Option<HeaderValue>,
    cookies: CookieRules,
    rewrite_location: bool,
    body_limit: Option<u64>,
    timeout: Option<Duration>,
    response_timeout: Duration,
    upgrade: Vec<String>,
    url_privacy: UrlPrivacy,
    access_log: bool,
}

impl Rules {
    fn read(table: &mut Table, d: &mut Diagnostics<'_>) -> Self {
        let hsts_default = Some(HeaderValue::from_static("max-age=63072000"));
        let urls = [("log", UrlPrivacy::Log), ("strip", UrlPrivacy::Strip), ("reject", UrlPrivacy::Reject)];
        let upgrade = table.list("upgrade", d, "a protocol name", |t| Ok(t.to_ascii_lowercase()));
        Self {
            hsts: table.parsed("hsts", d, "\"max-age=SECONDS\" or \"off\"", hsts).unwrap_or(hsts_default),
            cookies: cookies(table.table("cookies", "route[].cookies", d), d),
            rewrite_location: table.flag("rewrite_location", d, true),
            body_limit: table.size_or_off("body_limit", d, Some(10 << 30)),
            timeout: table.duration_or_off("timeout", d, None),
            response_timeout: table.duration("response_timeout", d, seconds(60)),
            upgrade: upgrade.unwrap_or_else(|| vec!["websocket".to_owned()]),
            url_privacy: table.choice("url_privacy", d, &urls, UrlPrivacy::Log),
            access_log: table.flag("access_log", d, true),
        }
    }
}

#[allow(clippy::unnecessary_wraps)] // what every hint is
fn reason_hint() -> Option<String> {
    Some("use TLS, or say why cleartext is acceptable here: `cleartext_reason = \"...\"`".to_owned())
}

pub(super) fn host_name(host: &HostPattern) -> String {
    match host {
        HostPattern::Any => "*".to_owned(),
        HostPattern::Exact(host) => host.clone(),
        HostPattern::Wildcard(suffix) => format!("*.{suffix}"),
    }
}

pub(super) fn host(text: &str) -> Result<HostPattern, String> {
    if text == "*" {
        return Ok(HostPattern::Any);
    }
    let name = text.strip_prefix("*.").unwrap_or(text);
    match Authority::parse(name) {
        Some(authority) if authority.port.is_none() => {
            let key = authority.key().into_owned();
            Ok(if name.len() == text.len() { HostPattern::Exact(key) } else { HostPattern::Wildcard(key) })
        }
        Some(_) => Err("a host has no port here; a route applies to all ports".to_owned()),
        None => Err(format!("\"{text}\" is not a host name")),
    }
}

/// A path in canonical form, without a final slash.
pub(super) fn path(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@/%".contains(&b);
    let segments = || text.split('/').skip(1);
    let dots = segments().any(|s| s == "." || s == "..");
    let empty = text.contains("//");
    if !text.starts_with('/') || dots || empty || !text.bytes().all(plain) {
        return Err(format!(
            "\"{text}\" is not a plain path: it starts with `/`, has no empty or dot segments, and no other bytes than a URL's"
        ));
    }
    let trimmed = text.trim_end_matches('/');
    Ok(if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() })
}

fn prefix(table: &mut Table, d: &mut Diagnostics<'_>) -> Prefix {
    let place = table.place("rewrite_prefix");
    let strip = table.flag("strip_prefix", d, false);
    let rewrite = table.parsed("rewrite_prefix", d, "a path such as \"/legacy\"", path);
    match (strip, rewrite) {
        (true, Some(_)) => {
            d.note(&place, "`strip_prefix` and `rewrite_prefix` exclude each other", None);
            Prefix::Keep
        }
        (true, None) => Prefix::Replace("/".to_owned()),
        (false, Some(new)) => Prefix::Replace(new),
        (false, None) => Prefix::Keep,
    }
}

fn hsts(text: &str) -> Result<Option<HeaderValue>, String> {
    if text == "off" {
        return Ok(None);
    }
    let age = text.split(';').find_map(|part| part.trim().strip_prefix("max-age="));
    if age.and_then(|digits| digits.parse::<u64>().ok()).is_none() {
        return Err("no max-age".to_owned());
    }
    HeaderValue::from_str(text).map(Some).map_err(|_| "not a header value".to_owned())
}

fn cookies(mut table: Table, d: &mut Diagnostics<'_>) -> CookieRules {
    let sites = [
        ("lax", Some(SameSite::Lax)),
        ("strict", Some(SameSite::Strict)),
        ("none", Some(SameSite::None)),
        ("off", None),
    ];
    let rules = CookieRules {
        secure: table.flag("secure", d, true),
        http_only: table.flag("http_only", d, true),
        script_readable: table.list("script_readable", d, "a cookie name", |t| Ok(t.to_owned())).unwrap_or_default(),
        same_site: table.choice("same_site", d, &sites, Some(SameSite::Lax)),
    };
    table.finish(d);
    rules
}

/// Where one endpoint is.
struct Place {
    target: Target,
    tls: bool,
    authority: String,
    weight: u32,
}

fn upstream(table: &mut Table, reasoned: bool, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Settings> {
    let span = table.span.clone();
    let places = places(table, reasoned, d);
    let http2 = table.flag("http2", d, false);
    let connect_timeout = table.duration("connect_timeout", d, seconds(5));
    let resolve_every = table.duration("resolve_every", d, seconds(10));
    let tls_table = table.table_if("upstream_tls", "route[].upstream_tls", d);
    if tls_table.is_some() && !places.is_empty() && !places.iter().any(|place| place.tls) {
        d.note(&span, "`upstream_tls` without an https:// upstream", None);
    }
    let tls = upstream_tls(tls_table, http2, context, d);
    let count = |n: Option<i64>, default: u32| n.and_then(|n| u32::try_from(n).ok()).unwrap_or(default);
    let mut ejection = table.table("ejection", "route[].ejection", d);
    let mut retry = table.table("retry", "route[].retry", d);
    let settings = Settings {
        endpoints: places.iter().map(|place| endpoint(place, &tls, connect_timeout, resolve_every)).collect(),
        balance: table.choice(
            "balance",
            d,
            &[("round_robin", Balance::RoundRobin), ("least_connections", Balance::LeastConnections)],
            Balance::RoundRobin,
        ),
        http2,
        pass_host: table.flag("pass_host", d, true),
        authorization: authorization(table, context, d),
        idle: table.duration("upstream_idle", d, seconds(4)),
        max_idle: usize::try_from(count(table.number("upstream_max_idle", d, 0..=100_000), 1024)).unwrap_or(1024),
        health: health(table, d),
        ejection: Ejection {
            failures: count(ejection.number("failures", d, 0..=1000), 5),
            duration: ejection.duration("duration", d, seconds(10)),
        },
        retry: Retry {
            attempts: count(retry.number("attempts", d, 0..=10), 1),
            budget_percent: count(retry.number("budget_percent", d, 0..=100), 20),
        },
    };
    ejection.finish(d);
    retry.finish(d);
    (!settings.endpoints.is_empty()).then_some(settings)
}

fn endpoint(place: &Place, tls: &Tls, connect_timeout: std::time::Duration, resolve_every: Duration) -> Endpoint {
    let host = match &place.target {
        Target::Tcp { host, .. } => host.clone(),
        Target::Unix(_) => String::new(),
    };
    let name = if tls.server_name.is_empty() { host } else { tls.server_name.clone() };
    Endpoint {
        dial: Arc::new(dial::Settings {
            target: place.target.clone(),
            tls: place.tls.then(|| Tls { server_name: name, ..tls.clone() }),
            connect_timeout,
            resolve_every,
        }),
        authority: place.authority.clone(),
        weight: place.weight,
    }
}

fn places(table: &mut Table, reasoned: bool, d: &mut Diagnostics<'_>) -> Vec<Place> {
    const WANTED: &str = "a URL such as \"http://127.0.0.1:9000\", \"https://app.internal\" or \"unix:/run/app.sock\"";
    let Some(node) = table.node("upstream") else {
        d.note(&table.span.clone(), "this route has no `upstream`", Some(format!("name the application: {WANTED}")));
        return Vec::new();
    };
    let span = node.span.clone();
    let nodes = match node.value {
        Value::List(nodes) => nodes,
        value => vec![Node { span: span.clone(), value }],
    };
    if nodes.is_empty() {
        d.note(&span, "`upstream` is empty", Some(format!("name the application: {WANTED}")));
    }
    let mut places = Vec::new();
    for node in nodes {
        let Some((url, weight)) = url_and_weight(&node) else {
            d.note(
                &node.span,
                format!("`upstream` holds {}", node.value.kind()),
                Some(format!("{WANTED} is expected, or {{ url = \"...\", weight = 2 }}")),
            );
            continue;
        };
        match place(&url, weight) {
            Ok(place) => {
                if let (false, false, Target::Tcp { host, .. }) = (place.tls, reasoned, &place.target)
                    && !is_loopback(host)
                {
                    d.note(
                        &node.span,
                        format!("`{}` would be reached in cleartext beyond loopback", place.authority),
                        reason_hint(),
                    );
                }
                places.push(place);
            }
            Err(why) => d.note(&node.span, format!("`upstream`: {why}"), Some(format!("{WANTED} is expected"))),
        }
    }
    places
}

fn url_and_weight(node: &Node) -> Option<(String, u32)> {
    match &node.value {
        Value::Text(url) => Some((url.clone(), 1)),
        Value::Table(entries) => {
            let mut url = None;
            let mut weight = 1;
            for entry in entries {
                match (entry.key.as_str(), &entry.node.value) {
                    ("url", Value::Text(text)) => url = Some(text.clone()),
                    ("weight", Value::Integer(n @ 1..=1000)) => weight = u32::try_from(*n).ok()?,
                    _ => return None,
                }
            }
            Some((url?, weight))
        }
        _ => None,
    }
}

fn place(url: &str, weight: u32) -> Result<Place, String> {
    if let Some(path) = url.strip_prefix("unix:") {
        if !path.starts_with('/') {
            return Err("a Unix socket needs an absolute path".to_owned());
        }
        return Ok(Place { target: Target::Unix(path.into()), tls: false, authority: "localhost".to_owned(), weight });
    }
    let (tls, rest) = match url.split_once("://") {
        Some(("http", rest)) => (false, rest),
        Some(("https", rest)) => (true, rest),
        _ => return Err("no http://, https:// or unix: in front".to_owned()),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('@') {
        return Err("a URL with a user in it; use `upstream_authorization`".to_owned());
    }
    if rest.contains(['/', '?', '#']) {
        return Err("a URL with a path; use `rewrite_prefix` for that".to_owned());
    }
    let authority = Authority::parse(rest).ok_or("not a host and a port")?;
    let target = Target::Tcp {
        host: authority.host.trim_matches(['[', ']']).to_ascii_lowercase(),
        port: authority.port.unwrap_or(if tls { 443 } else { 80 }),
    };
    Ok(Place { target, tls, authority: rest.to_owned(), weight })
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

fn upstream_tls(table: Option<Table>, http2: bool, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Tls {
    let alpn = vec![if http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    let mut tls = Tls { ca: None, server_name: String::new(), certificate: None, alpn };
    let Some(mut table) = table else { return tls };
    tls.ca = table.text("ca", d).map(|t| context.path(&t));
    tls.server_name = table.text("server_name", d).unwrap_or_default();
    tls.certificate = match (table.text("chain", d), table.text("key", d)) {
        (Some(chain), Some(key)) => Some((context.path(&chain), context.path(&key))),
        (None, None) => None,
        _ => {
            d.note(&table.span.clone(), "a client certificate needs both `chain` and `key`", None);
            None
        }
    };
    context.files.extend(tls.ca.clone());
    context.files.extend(tls.certificate.iter().flat_map(|(chain, key)| [chain.clone(), key.clone()]));
    table.finish(d);
    tls
}

fn health(table: &mut Table, d: &mut Diagnostics<'_>) -> Option<Health> {
    let mut table = table.table_if("health", "route[].health", d)?;
    let path = table.parsed("path", d, "a path such as \"/healthz\"", |t| {
        http::uri::PathAndQuery::try_from(t)
            .ok()
            .filter(|_| t.starts_with('/'))
            .map(|_| t.to_owned())
            .ok_or_else(|| "not a path".to_owned())
    });
    if path.is_none() {
        d.note(&table.span.clone(), "health checks need a `path`", None);
    }
    let count = |n: Option<i64>, default: u32| n.and_then(|n| u32::try_from(n).ok()).unwrap_or(default);
    let health = Health {
        path: path.unwrap_or_else(|| "/".to_owned()),
        interval: table.duration("interval", d, seconds(5)),
        timeout: table.duration("timeout", d, seconds(2)),
        healthy_after: count(table.number("healthy_after", d, 1..=100), 2),
        unhealthy_after: count(table.number("unhealthy_after", d, 1..=100), 3),
    };
    table.finish(d);
    Some(health)
}

/// A secret: from the file itself, or from the file that `_file` names.
fn authorization(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<HeaderValue> {
    let names = ["upstream_authorization", "upstream_authorization_file"];
    let (text, place) = secret::text(table, names, context, d)?;
    let Ok(mut value) = HeaderValue::from_str(&text) else {
        d.note(&place, "the value of `upstream_authorization` is not one line of text", None);
        return None;
    };
    value.set_sensitive(true);
    Some(value)
}
