//! What a configuration leaves open that it need not.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    time::{Duration, SystemTime},
};

use crate::{
    config::Config,
    gateway::settings::{Ambiguous, Cleartext, HeadRules, Route},
    privacy::mask::settings::Uninspectable,
    scan::{
        Rule, Seen,
        rules::{all, configuration as rule},
    },
    shield::{Ruleset, settings::Mode},
};

/// How a finding names its route.
pub(super) const ROUTE: &str = "[[route]] ";
/// Rules that are older than this are no match for what is published.
const OLD: Duration = Duration::from_secs(180 * 86_400);
/// Wider networks hold more than load balancers.
const WIDE: (u8, u8) = (8, 32);

type Found = (&'static Rule, String, Seen);

/// Everything that is found, with the key that it is about.
pub(super) fn look(config: &Config) -> Vec<Found> {
    let mut found = whole(config);
    for route in &config.gateway.routes {
        on_route(route, &mut found);
    }
    freshness(config, &mut found);
    keys(config, &mut found);
    debug_assert!(found.iter().all(|(rule, ..)| all().any(|known| known == *rule)));
    found
}

fn whole(config: &Config) -> Vec<Found> {
    let mut found = Vec::new();
    let mut note = |rule, place: &str, seen| found.push((rule, place.to_owned(), seen));
    for network in &config.server.trusted {
        let least = if network.addr().is_ipv4() { WIDE.0 } else { WIDE.1 };
        if network.prefix_len() < least {
            note(&rule::WIDE_TRUST, "listen.trusted", Seen::new(network.to_string(), ""));
        }
    }
    let head = &config.gateway.head;
    let usual = HeadRules::default();
    let kept = [
        ("underscores", head.underscores, usual.underscores),
        ("encoded_slash", head.encoded_slash, usual.encoded_slash),
        ("path_parameters", head.path_parameters, usual.path_parameters),
        ("non_utf8", head.non_utf8, usual.non_utf8),
    ];
    for (key, value, usual) in kept {
        if value == Ambiguous::Keep && value != usual {
            note(&rule::LAX_HEAD, "head", Seen::new(key, "keep"));
        }
    }
    if let Some(listen) = config.admin.listen.filter(|address| !address.ip().is_loopback()) {
        note(&rule::OPEN_ADMIN, "listen.admin", Seen::sample(format!("port {}", listen.port())));
    }
    if config.access_log.target == crate::observe::access_log::settings::Target::Off {
        note(&rule::UNLOGGED, "access_log", Seen::sample("off"));
    }
    if config.journal.is_none() {
        note(&rule::UNRECORDED, "journal", Seen::sample("off"));
    }
    if config.bans.is_none() {
        note(&rule::UNBANNED, "shield.ban", Seen::sample("absent"));
    }
    if config.login.logins.is_empty() && config.gateway.routes.iter().any(|route| route.gate.is_none()) {
        note(&rule::NO_LOGIN, "login", Seen::sample("absent"));
    }
    found
}

fn on_route(route: &Route, found: &mut Vec<Found>) {
    let mut note = |rule, seen| found.push((rule, format!("{ROUTE}{}", route.name), seen));
    if route.cleartext == Cleartext::Serve {
        note(&rule::CLEARTEXT_ROUTE, Seen::new("cleartext", "served"));
    }
    for endpoint in &route.upstream.endpoints {
        if let crate::dial::settings::Target::Tcp { host, .. } = &endpoint.dial.target
            && endpoint.dial.tls.is_none()
            && !is_here(host)
        {
            note(&rule::CLEARTEXT_ROUTE, Seen::new("upstream", endpoint.authority.clone()));
        }
    }
    match route.shield.map(|shield| shield.mode) {
        None => note(&rule::UNGUARDED, Seen::new("shield", "off")),
        Some(Mode::Detect) => note(&rule::ONLY_DETECTED, Seen::new("shield", "detect")),
        Some(Mode::Block) => {}
    }
    if !route.watch {
        note(&rule::UNWATCHED, Seen::new("watch", "false"));
    }
    match &route.mask {
        None => note(&rule::UNMASKED, Seen::new("mask", "off")),
        Some(mask) if mask.uninspectable == Uninspectable::Pass => {
            note(&rule::UNINSPECTED, Seen::new("uninspectable", "pass"));
        }
        Some(_) => {}
    }
    let cookies = [("secure", route.cookies.secure), ("http_only", route.cookies.http_only)];
    for (key, _) in cookies.iter().filter(|(_, on)| !on) {
        note(&rule::UNHARDENED, Seen::new(format!("cookies.{key}"), "false"));
    }
    if route.hsts.is_none() {
        note(&rule::UNHARDENED, Seen::new("hsts", "off"));
    }
    if !route.access_log {
        note(&rule::UNLOGGED, Seen::new("access_log", "false"));
    }
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Rule sets and lists that nobody has renewed: the youngest of their files tells.
fn freshness(config: &Config, found: &mut Vec<Found>) {
    let shield = config.gateway.shield.as_ref().filter(|shield| shield.settings().rules.is_some());
    if let Some(shield) = shield {
        let files = Ruleset::files(shield.settings());
        let newest = files.iter().filter(|file| file.is_file()).filter_map(|file| changed(file)).max();
        old("shield.rules", newest, found);
    }
    if let Some(file) = &config.scan.retirejs {
        old("scan.retirejs", changed(file), found);
    }
}

fn changed(file: &Path) -> Option<SystemTime> {
    fs::metadata(file).ok()?.modified().ok()
}

fn old(key: &str, newest: Option<SystemTime>, found: &mut Vec<Found>) {
    let age = newest.and_then(|newest| SystemTime::now().duration_since(newest).ok());
    if let Some(age) = age.filter(|age| *age > OLD) {
        let days = age.as_secs() / 86_400;
        found.push((&rule::OLD_RULES, key.to_owned(), Seen::new(key, format!("{days} days old"))));
    }
}

/// Keys that others than their owner may read.
fn keys(config: &Config, found: &mut Vec<Found>) {
    let own = config.key_file.iter().map(|file| ("privacy.key_file", file));
    let served = config.tls.certificates.iter().map(|certificate| ("tls.certificate.key", &certificate.key));
    for (key, file) in own.chain(served) {
        if fs::metadata(file).is_ok_and(|meta| meta.permissions().mode() & 0o044 != 0) {
            let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            found.push((&rule::READABLE_KEY, key.to_owned(), Seen::new(name, "")));
        }
    }
}
