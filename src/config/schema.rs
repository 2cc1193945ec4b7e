//! Every key, once: what it takes, its default, and what it means. The reader refuses what is not here, and
//! `docs/CONFIGURATION.md` is made from it.

mod access;
mod antivirus;
mod attest;
mod ban;
mod doors;
mod incident;
mod key;
mod people;
mod privacy;
mod registry;
mod route;
mod scan;
mod shield;
mod telemetry;

use std::fmt::Write as _;

pub use self::key::Key;

/// All keys, a table after the other.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    [
        doors::KEYS,
        privacy::KEYS,
        telemetry::KEYS,
        people::KEYS,
        registry::KEYS,
        incident::KEYS,
        access::KEYS,
        shield::KEYS,
        ban::KEYS,
        scan::KEYS,
        antivirus::KEYS,
        attest::KEYS,
        route::KEYS,
    ]
    .into_iter()
    .flatten()
}

/// Keys whose value may be given by a file instead, under this name with `_file`, and is never shown.
pub const SECRETS: &[&str] = &[
    "upstream_authorization",
    "postgres",
    "redis",
    "redis_password",
    "sentinel_password",
    "smtp_password",
    "client_secret",
    "hmac_key",
    "authorization",
    "token",
    "api_key",
];

/// The names that may stand in `table`: its keys and its tables.
#[must_use]
pub fn names(table: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = keys().filter(|k| k.table == table).map(|k| k.name).collect();
    for key in keys() {
        let inner = match table {
            "" => Some(key.table),
            _ => key.table.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')),
        };
        if let Some(inner) = inner.and_then(|t| t.split('.').next()).filter(|t| !t.is_empty()) {
            names.push(inner.strip_suffix("[]").unwrap_or(inner));
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// `docs/CONFIGURATION.md`.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(
        "# Configuration\n\nMade from the table in `src/config/schema.rs` by `PRIVET_BLESS=1 cargo test --lib config`; a test fails when it drifts.\n\n\
         TOML. Unknown keys are refused. Sizes: `B`, `KB`, `MB`, `GB` (powers of 1000), `KiB`, `MiB`, `GiB` (powers of 1024). Durations: `ms`, `s`, `m`, `h`, `d`,\n\
         also joined (`\"1h30m\"`). Relative paths start at the file's folder. In any text, `${NAME}` is an environment variable,\n\
         `${NAME:-default}` has a default, and `$$` is a dollar sign. A secret key `x` may be given as `x_file = \"path\"` instead.\n\n\
         `privet check --config FILE` tells everything that is wrong, with line, column and a hint. SIGHUP or a change of the file reloads it; an invalid\n\
         file is refused and the old configuration goes on. `listen.workers` needs a restart.\n\n## Every key\n\n```toml\n",
    );
    let mut table = "";
    for key in keys() {
        if key.table != table {
            table = key.table;
            let header = match table.strip_suffix("[]") {
                Some(list) => format!("[[{list}]]"),
                None => format!("[{}]", table.replace("[]", "")),
            };
            let _ = write!(out, "\n{header}\n");
        }
        let _ = writeln!(out, "# {}\n# Default: {}.\n{} = {}", key.doc, key.default, key.name, key.example);
    }
    out.push_str("```\n\n## Every default\n\n| table | key | default |\n|---|---|---|\n");
    for key in keys() {
        let _ = writeln!(
            out,
            "| {} | `{}` | {} |",
            if key.table.is_empty() { "(top)" } else { key.table },
            key.name,
            key.default
        );
    }
    out
}
