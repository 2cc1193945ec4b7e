//! `[store]`: where replicas keep what they share.

use std::{ops::Range, sync::Arc, time::Duration};

use super::{context::Context, diagnose::Diagnostics, reader::Table, secret};
use crate::{
    common::secret::Secret,
    journal::postgres::settings::Postgres,
    store::{
        Settings,
        settings::{Mode, Redis},
    },
};

const WANTED: &str =
    "\"rediss://HOST:PORT\", \"unix:/PATH\", \"rediss+sentinel://HOST,HOST/MASTER\" or \"rediss-cluster://HOST,HOST\"";
const LONGEST_TIMEOUT: Duration = Duration::from_secs(5);

const DATABASE: &str = "\"postgres://USER:PASSWORD@HOST/DATABASE\"";
/// Keys that are about Redis alone.
const OF_REDIS: [&str; 8] = [
    "redis_password",
    "redis_password_file",
    "sentinel_password",
    "sentinel_password_file",
    "ca",
    "prefix",
    "timeout",
    "replicas",
];

/// What replicas share: limits and sessions in Redis, the journal in `PostgreSQL`; each where it is named.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) redis: Option<Settings>,
    pub(super) postgres: Option<Arc<Postgres>>,
}

pub(super) fn resolve(table: Option<Table>, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Shared {
    let Some(mut table) = table else { return Shared::default() };
    let span = table.span.clone();
    let cleartext_reason = table.text("cleartext_reason", d).filter(|t| !t.trim().is_empty());
    let database = secret::text(&mut table, ["postgres", "postgres_file"], context, d);
    let url = secret::text(&mut table, ["redis", "redis_file"], context, d);
    let has_redis = url.is_some();
    let given = has_redis || database.is_some();
    let postgres = database.and_then(|found| postgres(&mut table, found, cleartext_reason.as_ref(), context, d));
    let redis = url.and_then(|found| redis(&mut table, found, cleartext_reason, context, d));
    let alone = !has_redis && postgres.is_some();
    if let Some(name) = OF_REDIS.into_iter().find(|name| alone && table.has(name)) {
        d.note(&table.place(name), format!("`{name}` is about Redis, and there is none"), Some("remove it".to_owned()));
        return Shared { redis, postgres };
    }
    if redis.is_some() || alone {
        table.finish(d);
    } else if !given {
        let hint = format!("add `redis`: {WANTED}, or `postgres`: {DATABASE}");
        d.note(&span, "`[store]` says nothing of where the store is", Some(hint));
    }
    Shared { redis, postgres }
}

fn postgres(
    table: &mut Table,
    (text, place): (String, Range<usize>),
    cleartext_reason: Option<&String>,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Arc<Postgres>> {
    let ca_place = table.place("postgres_ca");
    let ca = table.text("postgres_ca", d).map(|text| context.path(&text));
    let mut postgres = match Postgres::parse(&text) {
        Ok(postgres) => postgres,
        Err(why) => {
            d.note(&place, format!("`postgres`: {why}"), Some(format!("{DATABASE} is expected")));
            return None;
        }
    };
    if let (None, Some(host)) = (cleartext_reason, postgres.exposed()) {
        let hint = "remove `sslmode`, or say why cleartext is acceptable here: `cleartext_reason = \"...\"`".to_owned();
        d.note(&place, format!("`{host}` would be reached in cleartext beyond loopback"), Some(hint));
    }
    if ca.is_some() && !postgres.is_encrypted() {
        let hint = Some("write ?sslmode=verify-full in `postgres`".to_owned());
        d.note(&ca_place, "`postgres_ca` without TLS would protect nothing", hint);
    }
    context.files.extend(ca.clone());
    postgres.cleartext_reason = postgres.exposed().and(cleartext_reason.cloned());
    postgres.ca = ca;
    Some(Arc::new(postgres))
}

fn redis(
    table: &mut Table,
    (text, place): (String, Range<usize>),
    cleartext_reason: Option<String>,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Settings> {
    let mut redis = match Redis::parse(&text) {
        Ok(redis) => redis,
        Err(why) => {
            d.note(&place, format!("`redis`: {why}"), Some(format!("{WANTED} is expected")));
            return None;
        }
    };
    if let (None, Some(host)) = (&cleartext_reason, redis.exposed()) {
        let hint = "use TLS (rediss), or say why cleartext is acceptable here: `cleartext_reason = \"...\"`".to_owned();
        d.note(&place, format!("`{host}` would be reached in cleartext beyond loopback"), Some(hint));
    }
    passwords(table, &mut redis, context, d);
    authorities(table, &mut redis, context, d);
    redis.prefix = table.parsed("prefix", d, "\"privet:\"", prefix).unwrap_or(redis.prefix);
    let replicas = table.number("replicas", d, 1..=1000).and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
    Some(Settings { redis, timeout: timeout(table, d), replicas, cleartext_reason })
}

fn passwords(table: &mut Table, redis: &mut Redis, context: &mut Context<'_>, d: &mut Diagnostics<'_>) {
    if let Some((password, place)) = secret::text(table, ["redis_password", "redis_password_file"], context, d)
        && redis.password.replace(Secret::new(password)).is_some()
    {
        d.note(&place, "both `redis` and `redis_password` hold a password", Some("keep one of them".to_owned()));
    }
    if let Some((password, place)) = secret::text(table, ["sentinel_password", "sentinel_password_file"], context, d) {
        if matches!(redis.mode, Mode::Sentinel { .. }) {
            redis.sentinel_password = Some(Secret::new(password));
        } else {
            d.note(&place, "`sentinel_password` without sentinels", Some("remove it".to_owned()));
        }
    }
}

fn authorities(table: &mut Table, redis: &mut Redis, context: &mut Context<'_>, d: &mut Diagnostics<'_>) {
    let place = table.place("ca");
    let Some(ca) = table.text("ca", d).map(|text| context.path(&text)) else { return };
    match &mut redis.tls {
        Some(tls) => {
            context.files.push(ca.clone());
            tls.ca = Some(ca);
        }
        None => d.note(&place, "`ca` without TLS would protect nothing", Some("write rediss in `redis`".to_owned())),
    }
}

fn timeout(table: &mut Table, d: &mut Diagnostics<'_>) -> Duration {
    let place = table.place("timeout");
    let timeout = table.duration("timeout", d, Duration::from_millis(50));
    if timeout.is_zero() || timeout > LONGEST_TIMEOUT {
        d.note(
            &place,
            "`timeout` must be from 1ms to 5s: requests wait for so long when the store has just gone",
            None,
        );
    }
    timeout
}

/// No braces: a cluster takes what is between them for the place of a key.
fn prefix(text: &str) -> Result<String, String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b":_-.".contains(&b);
    if (1..=64).contains(&text.len()) && text.bytes().all(legal) {
        Ok(text.to_owned())
    } else {
        Err("it must be 1 to 64 letters, digits, `:`, `_`, `-` or `.`".to_owned())
    }
}
