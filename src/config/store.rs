//! `[store]`: where replicas keep what they share.

use std::time::Duration;

use super::{context::Context, diagnose::Diagnostics, reader::Table, secret};
use crate::{
    common::secret::Secret,
    store::{
        Settings,
        settings::{Mode, Redis},
    },
};

const WANTED: &str =
    "\"rediss://HOST:PORT\", \"unix:/PATH\", \"rediss+sentinel://HOST,HOST/MASTER\" or \"rediss-cluster://HOST,HOST\"";
const LONGEST_TIMEOUT: Duration = Duration::from_secs(5);

/// `None` where replicas share nothing.
pub(super) fn resolve(table: Option<Table>, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Settings> {
    let mut table = table?;
    let span = table.span.clone();
    let url = secret::text(&mut table, ["redis", "redis_file"], context, d);
    let given = url.is_some();
    let redis = url.and_then(|(text, place)| match Redis::parse(&text) {
        Ok(redis) => Some((redis, place)),
        Err(why) => {
            d.note(&place, format!("`redis`: {why}"), Some(format!("{WANTED} is expected")));
            None
        }
    });
    let settings = redis.map(|(mut redis, place)| {
        let cleartext_reason = table.text("cleartext_reason", d).filter(|t| !t.trim().is_empty());
        if let (None, Some(host)) = (&cleartext_reason, redis.exposed()) {
            let hint =
                "use TLS (rediss), or say why cleartext is acceptable here: `cleartext_reason = \"...\"`".to_owned();
            d.note(&place, format!("`{host}` would be reached in cleartext beyond loopback"), Some(hint));
        }
        passwords(&mut table, &mut redis, context, d);
        authorities(&mut table, &mut redis, context, d);
        redis.prefix = table.parsed("prefix", d, "\"privet:\"", prefix).unwrap_or(redis.prefix);
        let replicas = table.number("replicas", d, 1..=1000).and_then(|n| u32::try_from(n).ok()).unwrap_or(1);
        Settings { redis, timeout: timeout(&mut table, d), replicas, cleartext_reason }
    });
    if settings.is_some() {
        table.finish(d);
    } else if !given {
        d.note(&span, "`[store]` says nothing of where the store is", Some(format!("add `redis`: {WANTED}")));
    }
    settings
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
