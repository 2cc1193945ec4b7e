//! `[registry]`: what it asks of people.

use std::time::Duration;

use super::{
    context::{Context, seconds},
    diagnose::{Diagnostics, did_you_mean},
    reader::Table,
};
use crate::{identity, journal, registry::Settings};

const DAY: Duration = seconds(86_400);
/// Most bytes of the operator's own pledge: it is kept in the journal, whole.
const LONGEST: usize = 64 << 10;

pub(super) fn resolve(
    mut table: Table,
    journal: Option<&journal::Settings>,
    realms: &identity::Settings,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Settings {
    if !table.is_empty() && journal.is_some_and(|journal| journal.place.shared().is_none()) {
        let hint = "name a database in `postgres` of [store], or one folder in `journal.path`, without `*`, and run one gateway".to_owned();
        d.note(
            &table.place(""),
            "the registry is kept in one journal, and `journal.path` has one for each gateway",
            Some(hint),
        );
    }
    let default = Settings::default();
    let [at_realm, at_valid, at_recertify, at_review] =
        ["realm", "pledge_valid", "recertify", "review"].map(|name| table.place(name));
    let role = |text: &str| identity::settings::role(text).ok_or_else(|| format!("\"{text}\" is no role"));
    let settings = Settings {
        realm: table.text("realm", d).unwrap_or(default.realm),
        pledge: pledge(&mut table, context, d),
        pledge_valid: table.duration("pledge_valid", d, default.pledge_valid),
        sensitive: table.list("sensitive", d, "a role such as \"complaints\"", role).unwrap_or_default(),
        recertify: table.duration("recertify", d, default.recertify),
        review: table.duration("review", d, default.review),
        // The office's, which [access] says.
        utc_offset: default.utc_offset,
    };
    if !realms.realms.iter().any(|known| known.name == settings.realm) {
        let known = realms.realms.iter().map(|known| &*known.name);
        d.note(&at_realm, format!("no realm is called \"{}\"", settings.realm), did_you_mean(&settings.realm, known));
    }
    for (name, place, time) in [
        ("pledge_valid", at_valid, settings.pledge_valid),
        ("recertify", at_recertify, settings.recertify),
        ("review", at_review, settings.review),
    ] {
        if time < DAY {
            d.note(&place, format!("`{name}` must be at least \"1d\""), Some("a quarter is \"90d\"".to_owned()));
        }
    }
    table.finish(d);
    settings
}

fn pledge(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<String> {
    let place = table.place("pledge");
    let path = context.path(&table.text("pledge", d)?);
    context.files.push(path.clone());
    let hint = || Some("a text file in UTF-8 of at most 64 KiB is expected".to_owned());
    match std::fs::read_to_string(&path) {
        Err(error) => d.note(&place, format!("`pledge` can't be read: {error}"), hint()),
        Ok(text) if text.trim().is_empty() => {
            d.note(&place, "`pledge` is empty: nobody could promise anything", hint());
        }
        Ok(text) if text.len() > LONGEST => d.note(&place, "`pledge` is longer than 64 KiB", hint()),
        Ok(text) if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) => {
            d.note(&place, "`pledge` has control characters", hint());
        }
        Ok(text) => return Some(text.replace("\r\n", "\n")),
    }
    None
}
