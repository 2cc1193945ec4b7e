//! `[antivirus]`: where scanners are, how much is held for it, and what happens to what it can't judge.

use std::{net::IpAddr, ops::Range, path::Path, time::Duration};

use super::{
    context::{Context, seconds},
    diagnose::Diagnostics,
    reader::Table,
};
use crate::{
    antivirus::settings::{Mode, OnRoute, Quarantine, Service, Settings},
    common::authority::Authority,
    dial::settings::Target,
};

const CLAMD: &str = "\"unix:/run/clamav/clamd.ctl\" or \"tcp:127.0.0.1:3310\"";
const ICAP: &str = "\"icap://127.0.0.1:1344/avscan\"";
const RULES: [(&str, bool); 2] = [("closed", true), ("open", false)];

/// What a route asks of it; what it leaves unsaid about bodies that can't be judged is told by `[antivirus]`.
pub(super) struct Asked {
    uploads: Option<Mode>,
    downloads: Option<Mode>,
    unavailable: Option<bool>,
    stale: bool,
}

impl Asked {
    pub(super) fn on_route(self, closed: bool) -> Option<OnRoute> {
        (self.uploads.is_some() || self.downloads.is_some()).then_some(OnRoute {
            uploads: self.uploads,
            downloads: self.downloads,
            closed_when_unavailable: self.unavailable.unwrap_or(closed),
            closed_when_stale: self.stale,
        })
    }
}

/// What a route asks for.
pub(super) fn on_route(table: &mut Table, d: &mut Diagnostics<'_>) -> Asked {
    let modes = [("off", None), ("detect", Some(Mode::Detect)), ("block", Some(Mode::Block))];
    let uploads = table.choice("antivirus", d, &modes, None);
    let downloads = table.choice("antivirus_downloads", d, &modes, None);
    let idle = ![uploads, downloads].contains(&Some(Mode::Block));
    for name in ["antivirus_unavailable", "antivirus_stale"] {
        if table.has(name) && idle {
            let hint = Some("add `antivirus = \"block\"`".to_owned());
            d.note(&table.place(name), format!("`{name}` says nothing where nothing is refused"), hint);
        }
    }
    let rules = RULES.map(|(word, closed)| (word, Some(closed)));
    Asked {
        uploads,
        downloads,
        unavailable: table.choice("antivirus_unavailable", d, &rules, None),
        stale: table.choice("antivirus_stale", d, &RULES, false),
    }
}

/// The rule for bodies that can't be judged where a route has none of its own, which is read first.
pub(super) fn is_closed(table: Option<&mut Table>, d: &mut Diagnostics<'_>) -> bool {
    table.is_none_or(|table| table.choice("on_unavailable", d, &RULES, true))
}

/// The scanner's settings; nothing where no route asks for it.
pub(super) fn resolve(
    table: Option<Table>,
    asked: &[OnRoute],
    data_dir: &Path,
    context: &Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Settings> {
    let settings = match table {
        Some(table) => read(table, asked, data_dir, context, d),
        None if asked.is_empty() => return None,
        None => read(Table::new("antivirus", 0..0, Vec::new()), asked, data_dir, context, d),
    };
    (!asked.is_empty()).then_some(settings)
}

fn read(
    mut table: Table,
    asked: &[OnRoute],
    data_dir: &Path,
    context: &Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Settings {
    if asked.is_empty() {
        let hint = Some("add `antivirus = \"block\"` to a route, or remove `[antivirus]`".to_owned());
        d.note(&table.span, "no route asks for anti-virus, so nothing is scanned", hint);
    }
    let count = |n: Option<i64>, or: usize| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(or);
    let icap_place = table.place("icap");
    let (clamd, icap, cleartext_reason) = scanners(&mut table, d);
    if clamd.is_none() {
        if asked.iter().any(|route| route.closed_when_stale) {
            let hint = Some("name a `clamd` besides, or leave `antivirus_stale` open".to_owned());
            d.note(
                &icap_place,
                "a route has `antivirus_stale = \"closed\"`, but ICAP tells no age of signatures",
                hint,
            );
        }
        for name in ["max_age", "database"] {
            if table.has(name) {
                let hint = Some("name a `clamd` besides, or remove it".to_owned());
                d.note(
                    &table.place(name),
                    format!("`{name}` is about clamd: ICAP tells no age of signatures, and takes none"),
                    hint,
                );
            }
        }
    }
    let size_place = table.place("max_size");
    let max_size = table.size("max_size", d, 25 << 20);
    let share_place = table.place("spool_per_address");
    let spool = table.size("spool", d, 4 << 30);
    let spool_per_address = table.size("spool_per_address", d, 1 << 30);
    if spool_per_address > spool {
        d.note(&share_place, "`spool_per_address` is more than `spool`", Some("make it smaller".to_owned()));
    }
    if max_size == 0 || max_size > spool_per_address {
        let hint = Some("make it smaller, or `spool_per_address` larger".to_owned());
        d.note(&size_place, "a body of `max_size` must fit into `spool_per_address`, and be something", hint);
    }
    let settings = Settings {
        clamd,
        icap,
        cleartext_reason,
        connections: count(table.number("connections", d, 1..=1000), 4),
        queue: count(table.number("queue", d, 0..=100_000), 64),
        timeout: span(&mut table, "timeout", seconds(60), seconds(1)..seconds(3600), d),
        max_age: span(&mut table, "max_age", seconds(86_400), seconds(60)..seconds(366 * 86_400), d),
        max_size,
        refuses_excess: table.choice("exceeded", d, &[("refuse", true), ("pass", false)], true),
        memory: table.size("memory", d, 64 << 20),
        spool,
        spool_per_address,
        folder: data_dir.join("spool"),
        database: table.text("database", d).map(|text| context.path(&text)),
        remember: span(&mut table, "remember", seconds(86_400), seconds(0)..seconds(31 * 86_400), d),
        quarantine: quarantine(&mut table, data_dir, d),
    };
    table.finish(d);
    settings
}

fn quarantine(table: &mut Table, data_dir: &Path, d: &mut Diagnostics<'_>) -> Option<Quarantine> {
    let on = table.flag("quarantine", d, false);
    for name in ["quarantine_size", "quarantine_keep"] {
        if table.has(name) && !on {
            let hint = Some("add `quarantine = true`".to_owned());
            d.note(&table.place(name), format!("`{name}` without a quarantine says nothing"), hint);
        }
    }
    let size = table.size("quarantine_size", d, 1 << 30);
    let keep = span(table, "quarantine_keep", seconds(30 * 86_400), seconds(3600)..seconds(3660 * 86_400), d);
    on.then(|| Quarantine { folder: data_dir.join("quarantine"), size, keep })
}

/// Who is asked; clamd where nobody is named.
fn scanners(table: &mut Table, d: &mut Diagnostics<'_>) -> (Option<Target>, Option<Service>, Option<String>) {
    let reason = table.text("cleartext_reason", d).filter(|text| !text.trim().is_empty());
    let (clamd_place, icap_place) = (table.place("clamd"), table.place("icap"));
    let icap_named = table.has("icap");
    let clamd = table.parsed("clamd", d, CLAMD, target);
    let icap = table.parsed("icap", d, ICAP, service);
    let clamd = clamd.or_else(|| (!icap_named).then(|| Target::Unix("/run/clamav/clamd.ctl".into())));
    let mut exposed = false;
    for (name, place, target) in [
        ("clamd", &clamd_place, clamd.as_ref()),
        ("the ICAP server", &icap_place, icap.as_ref().map(|service| &service.target)),
    ] {
        let Some(target) = target.filter(|target| is_elsewhere(target)) else { continue };
        exposed = true;
        if reason.is_none() {
            let hint = "put one on this machine, or say why cleartext is acceptable here: `cleartext_reason = \"...\"`";
            let what = format!("{name} at `{target}` would get files in cleartext beyond loopback");
            d.note(place, what, Some(hint.to_owned()));
        }
    }
    (clamd, icap, reason.filter(|_| exposed))
}

fn is_elsewhere(target: &Target) -> bool {
    match target {
        Target::Tcp { host, .. } => {
            host != "localhost" && !host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
        }
        Target::Unix(_) => false,
    }
}

fn service(text: &str) -> Result<Service, String> {
    if text.starts_with("icaps:") {
        return Err("ICAP over TLS is not spoken: take `icap://` to a tunnel on this machine".to_owned());
    }
    let rest = text.strip_prefix("icap://").ok_or("no icap:// in front")?;
    let (authority, path) = rest.split_at(rest.find('/').ok_or("no service behind the server, as `/avscan`")?);
    let authority = Authority::parse(authority).ok_or("not a host and a port")?;
    if path.len() < 2 || path.len() > 1000 || !path.bytes().all(|b| b.is_ascii_graphic() && b != b'#') {
        return Err("the service is no path of visible ASCII, as `/avscan`".to_owned());
    }
    let host = authority.host.trim_matches(['[', ']']).to_ascii_lowercase();
    Ok(Service { target: Target::Tcp { host, port: authority.port.unwrap_or(1344) }, path: path.to_owned() })
}

fn target(text: &str) -> Result<Target, String> {
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.starts_with('/') {
            Ok(Target::Unix(path.into()))
        } else {
            Err("a Unix socket needs an absolute path".to_owned())
        };
    }
    let rest = text.strip_prefix("tcp:").ok_or("no unix: or tcp: in front")?;
    let rest = rest.strip_prefix("//").unwrap_or(rest);
    let authority = Authority::parse(rest).ok_or("not a host and a port")?;
    let host = authority.host.trim_matches(['[', ']']).to_ascii_lowercase();
    Ok(Target::Tcp { host, port: authority.port.unwrap_or(3310) })
}

fn span(
    table: &mut Table,
    name: &'static str,
    default: Duration,
    range: Range<Duration>,
    d: &mut Diagnostics<'_>,
) -> Duration {
    let place = table.place(name);
    let value = table.duration(name, d, default);
    if !(range.start..=range.end).contains(&value) {
        let (from, to) = (range.start.as_secs(), range.end.as_secs());
        d.note(&place, format!("`{name}` must be from {from}s to {to}s"), None);
    }
    value
}
