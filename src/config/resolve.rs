//! From tables to each room's settings, noting everything that is wrong on the way.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ipnet::IpNet;

use super::{
    Config, api,
    context::{Context, seconds},
    diagnose::Diagnostics,
    logs,
    reader::Table,
    route, scim,
};
use crate::{
    admin,
    gateway::{
        self,
        settings::{Ambiguous, HeadRules, Route},
    },
    identity, login, privacy,
    server::{
        self,
        settings::{Limits, Shutdown},
    },
    tls::{self, settings::Client},
};

/// Routes that plant canaries, and how.
fn planted(routes: &[Arc<Route>]) -> Vec<(String, Arc<privacy::mask::settings::Canaries>)> {
    routes.iter().filter_map(|route| Some((route.name.clone(), Arc::clone(route.canaries.as_ref()?)))).collect()
}

/// The whole of a configuration; defaults stand in where something is wrong, so that everything is looked at.
pub fn config(mut top: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Config {
    let given = top.text("data_dir", d);
    let data_dir = context.path(given.as_deref().unwrap_or("data"));
    let mut privacy = top.table("privacy", "privacy", d);
    let key_file = privacy.text("key_file", d).map(|text| context.path(&text));
    let privacy = Arc::new(super::privacy::resolve(privacy, d));
    let mut listen = top.table("listen", "listen", d);
    let mut limits = top.table("limits", "limits", d);
    let head = head_rules(top.table("head", "head", d), &mut limits, d);
    let admin = private_doors(&mut listen, d);
    let shutdown = shutdown(top.table("shutdown", "shutdown", d), context.delay, admin.listen.is_some(), d);
    let tls = top.table("tls", "tls", d);
    let seal = logs::seal(top.table("seal", "seal", d), data_dir.as_ref(), context, d);
    let access_log = logs::access_log(top.table("access_log", "access_log", d), &seal, context, d);
    let realms = top.tables("realm", "realm[]", d);
    let identity = super::identity::resolve(realms, &data_dir, &seal, context, d);
    let store = super::store::resolve(top.table_if("store", "store", d), context, d);
    let journal = top.table_if("journal", "journal", d);
    let journal = super::journal::resolve(journal, data_dir.as_ref(), store.postgres, context, d);
    let registry = top.table("registry", "registry", d);
    let registry = super::registry::resolve(registry, journal.as_ref(), &identity, context, d);
    let incident = super::incident::resolve(top.table("incident", "incident", d), context, d);
    let around =
        scim::Around { console: admin.console, registry: &registry, journal: journal.as_ref(), realms: &identity };
    let directories = scim::resolve(top.tables("scim", "scim[]", d), &around, context, d);
    let operators = scim::operators(top.table_if("console", "console", d), admin.console, d);
    let clients = api::resolve(top.tables("api", "api[]", d), admin.console, context, d);
    let admin = admin::Settings { clients, directories, operators, ..admin };
    let telemetry = super::telemetry::resolve(top.table_if("telemetry", "telemetry", d), context, d);
    let access = top.table_if("access", "access", d);
    let mut shield = top.table_if("shield", "shield", d);
    let bans = shield.as_mut().and_then(|shield| shield.table_if("ban", "shield.ban", d));
    // Bans need no rules.
    let shield = shield.filter(|shield| bans.is_none() || !shield.is_empty());
    let scan = super::scan::resolve(top.table_if("scan", "scan", d), context, d);
    let attest = super::attest::resolve(top.table_if("attest", "attest", d), context, d);
    let tables = top.tables("route", "route[]", d);
    let logins = top.tables("login", "login[]", d);
    let max_keys = limits.number("login_keys", d, 1000..=100_000_000).and_then(|n| usize::try_from(n).ok());
    let server = server(listen, limits, shutdown, context, d);
    let tls = super::tls::resolve(tls, &data_dir, server.http.is_some(), context, d);
    let loopback = server.http.is_none_or(|address| address.ip().is_loopback());
    let mut antivirus = top.table_if("antivirus", "antivirus", d);
    let closed = super::antivirus::is_closed(antivirus.as_mut(), d);
    let routes = routes(tables, loopback, &privacy, &identity, closed, context, d);
    let asked: Vec<_> = routes.iter().filter_map(|route| route.antivirus).collect();
    let antivirus = super::antivirus::resolve(antivirus, &asked, &data_dir, context, d);
    let names: Vec<&str> = routes.iter().map(|route| &*route.name).collect();
    let access = super::access::resolve(access, &names, &privacy, context, d);
    let shield = super::shield::resolve(shield, routes.iter().any(|route| route.shield.is_some()), context, d);
    let utc_offset = access.as_ref().map_or(registry.utc_offset, |access| access.utc_offset);
    let registry = crate::registry::Settings { utc_offset, ..registry };
    let kept = journal.as_ref().map_or_else(Default::default, |journal| journal.retention.by_class());
    let signals = crate::incident::signal::Settings { planted: planted(&routes), utc_offset, kept, ..incident.signals };
    let incident = crate::incident::Settings { signals, ..incident };
    certificates_are_asked_for(&tls, &identity, &admin.clients, d);
    let login = login::Settings { nobody_is_trusted: server.trusted.is_empty(), ..login::Settings::default() };
    let login = login::Settings { max_keys: max_keys.unwrap_or(login.max_keys), ..login };
    let login = super::login::resolve(logins, &routes, login, context, d);
    let bans = super::ban::resolve(bans, &server.trusted, context, d);
    distinct_doors(&server, &admin, d);
    top.finish(d);
    Config {
        data_dir,
        data_dir_is_given: given.is_some(),
        key_file,
        gateway: gateway::Settings {
            head,
            trusted: server.trusted.clone(),
            privacy,
            routes,
            logins: login.logins.iter().cloned().map(Arc::new).collect(),
            shield,
        },
        tls,
        admin,
        access_log,
        identity,
        bans,
        antivirus,
        login,
        seal,
        server,
        journal,
        access,
        registry,
        incident,
        sha256: [0; 32],
        store: store.redis,
        telemetry,
        scan,
        attest,
        files: std::mem::take(&mut context.files),
    }
}

fn routes(
    tables: Vec<Table>,
    loopback: bool,
    privacy: &Arc<privacy::settings::Settings>,
    realms: &identity::Settings,
    antivirus_closed: bool,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Vec<Arc<Route>> {
    if tables.is_empty() {
        let hint = "add a [[route]] with upstream = \"http://127.0.0.1:9000\"".to_owned();
        d.note(&(0..0), "there is no route", Some(hint));
    }
    let mut routes: Vec<Route> = Vec::with_capacity(tables.len());
    let mut names = std::collections::HashSet::new();
    for table in tables {
        let span = table.span.clone();
        let Some(route) = route::resolve(table, loopback, privacy, realms, antivirus_closed, context, d) else {
            continue;
        };
        if !names.insert(route.name.clone()) {
            let hint = "give one of them another host or path".to_owned();
            d.note(&span, format!("a second route for `{}`", route.name), Some(hint));
        }
        let realm = |route: &Route| route.gate.as_ref().map(|gate| gate.realm.clone());
        let other = routes.iter().find(|other| other.host == route.host && other.gate.is_some());
        if route.gate.is_some() && other.is_some_and(|other| realm(other) != realm(&route)) {
            let hint = Some("let `roles` tell the routes apart".to_owned());
            d.note(&span, "the routes of one host ask for two realms: a browser has one session a host", hint);
        }
        routes.push(route);
    }
    routes.into_iter().map(Arc::new).collect()
}

/// Somebody must ask for the certificates that people are known by.
fn certificates_are_asked_for(
    tls: &tls::settings::Settings,
    identity: &identity::Settings,
    clients: &[admin::settings::Client],
    d: &mut Diagnostics<'_>,
) {
    let knows = [
        ("a realm knows people", identity.realms.iter().any(|realm| realm.federation.certificate.is_some())),
        ("[[api]] knows a program", clients.iter().any(|client| client.certificate.is_some())),
    ];
    for (who, _) in knows.iter().filter(|(_, does)| *does && tls.client == Client::Off) {
        let hint = Some("set `tls.client.mode = \"request\"` and `tls.client.ca`".to_owned());
        d.note(&(0..0), format!("{who} by client certificates, and nobody is asked for one"), hint);
    }
}

/// Ports that would be bound twice.
fn distinct_doors(server: &server::Settings, admin: &admin::Settings, d: &mut Diagnostics<'_>) {
    let doors =
        [("https", Some(server.https)), ("http", server.http), ("admin", admin.listen), ("console", admin.console)];
    for (i, (name, address)) in doors.iter().enumerate() {
        let same = |other: &&(&str, Option<SocketAddr>)| other.1 == *address && address.is_some_and(|a| a.port() != 0);
        if let Some((other, _)) = doors[..i].iter().find(same) {
            d.note(&(0..0), format!("`listen.{name}` is the same address as `listen.{other}`"), None);
        }
    }
}

/// The private listeners, before it is known who is served there.
fn private_doors(listen: &mut Table, d: &mut Diagnostics<'_>) -> admin::Settings {
    admin::Settings {
        listen: door(listen, "admin", Some(9901), d),
        open_metrics: listen.flag("metrics", d, true),
        console: door(listen, "console", None, d),
        clients: Vec::new(),
        directories: Vec::new(),
        operators: Vec::new(),
    }
}

/// An address, or `"off"`.
fn door(listen: &mut Table, name: &'static str, port: Option<u16>, d: &mut Diagnostics<'_>) -> Option<SocketAddr> {
    let parse = |t: &str| {
        if t == "off" {
            return Ok(None);
        }
        t.parse().map(Some).map_err(|_| format!("\"{t}\" is not an address with a port"))
    };
    let default = port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
    listen.parsed(name, d, "an address such as \"127.0.0.1:8443\", or \"off\",", parse).unwrap_or(default)
}

fn server(
    mut listen: Table,
    mut limits: Table,
    shutdown: Shutdown,
    context: &Context<'_>,
    d: &mut Diagnostics<'_>,
) -> server::Settings {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let https = "an address such as \"127.0.0.1:8443\"";
    let parse = |t: &str| t.parse().map_err(|_| format!("\"{t}\" is not an address with a port"));
    let network = |t: &str| {
        let single = || t.parse::<std::net::IpAddr>().ok().map(IpNet::from);
        t.parse::<IpNet>().ok().or_else(single).ok_or_else(|| format!("\"{t}\" is not a network"))
    };
    let proxy_place = listen.place("proxy_protocol");
    let count = |n: Option<i64>, default: usize| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(default);
    let settings = server::Settings {
        https: listen.parsed("https", d, https, parse).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8443))),
        http: door(&mut listen, "http", Some(8080), d),
        redirect_port: listen.number("redirect_port", d, 1..=65535).and_then(|n| u16::try_from(n).ok()),
        acme_webroot: listen.text("acme_webroot", d).map(|t| context.path(&t)),
        workers: count(listen.number("workers", d, 1..=1024), cores),
        trusted: listen.list("trusted", d, "a network such as \"10.0.0.0/8\"", network).unwrap_or_default(),
        proxy_protocol: listen.flag("proxy_protocol", d, false),
        limits: Limits {
            connections: count(limits.number("connections", d, 1..=10_000_000), 10_000),
            connections_per_address: count(limits.number("connections_per_address", d, 1..=10_000_000), 2000),
            handshake_timeout: limits.duration("handshake_timeout", d, seconds(10)),
            header_timeout: limits.duration("header_timeout", d, seconds(10)),
            body_idle_timeout: limits.duration("body_idle_timeout", d, seconds(30)),
            body_min_rate: limits.size("body_min_rate", d, 240),
            stall_timeout: limits.duration("stall_timeout", d, seconds(60)),
            keep_alive: limits.duration("keep_alive", d, seconds(75)),
            connection_age: limits.duration("connection_age", d, seconds(3600)),
            h2_streams: limits.number("h2_streams", d, 1..=10_000).and_then(|n| u32::try_from(n).ok()).unwrap_or(128),
            h2_resets: limits.number("h2_resets", d, 1..=1_000_000).and_then(|n| u32::try_from(n).ok()).unwrap_or(200),
        },
        shutdown,
    };
    if settings.proxy_protocol && settings.trusted.is_empty() {
        let hint = "name the load balancer's network in `listen.trusted`".to_owned();
        d.note(&proxy_place, "`proxy_protocol` without `trusted` would believe anybody", Some(hint));
    }
    listen.finish(d);
    limits.finish(d);
    settings
}

fn head_rules(mut head: Table, limits: &mut Table, d: &mut Diagnostics<'_>) -> HeadRules {
    use Ambiguous::{Keep, Refuse, Strip};
    let three = [("refuse", Refuse), ("strip", Strip), ("keep", Keep)];
    let two = [("refuse", Refuse), ("keep", Keep)];
    let default = HeadRules::default();
    let mut bytes = |name, default: usize, d: &mut Diagnostics<'_>| {
        usize::try_from(limits.size(name, d, default as u64)).unwrap_or(usize::MAX)
    };
    let header_bytes = bytes("header_bytes", default.header_bytes, d);
    let uri_bytes = bytes("uri_bytes", default.uri_bytes, d);
    let count = limits.number("header_count", d, 1..=10_000).and_then(|n| usize::try_from(n).ok());
    let rules = HeadRules {
        header_bytes,
        uri_bytes,
        header_count: count.unwrap_or(default.header_count),
        underscores: head.choice("underscores", d, &three, default.underscores),
        path_parameters: head.choice("path_parameters", d, &three, default.path_parameters),
        encoded_slash: head.choice("encoded_slash", d, &two, default.encoded_slash),
        non_utf8: head.choice("non_utf8", d, &two, default.non_utf8),
    };
    head.finish(d);
    rules
}

fn shutdown(mut table: Table, delay: Duration, has_admin: bool, d: &mut Diagnostics<'_>) -> Shutdown {
    let place = table.place("deadline");
    let hook_place = table.place("hook");
    let settings = Shutdown {
        delay: table.duration("delay", d, delay),
        deadline: table.duration("deadline", d, seconds(28)),
        hook: table.flag("hook", d, false),
    };
    if settings.hook && !has_admin {
        let hint = Some("name an address in `listen.admin`".to_owned());
        d.note(&hook_place, "the hook is asked for on the private listener, which is off", hint);
    }
    if settings.deadline <= settings.delay {
        d.note(&place, "`deadline` must be longer than `delay`: both count from the signal", None);
    }
    table.finish(d);
    settings
}
