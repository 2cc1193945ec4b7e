//! `[[realm]]`, and what a route asks of one.

use std::path::Path;

use super::{
    context::{Context, seconds},
    diagnose::{Diagnostics, did_you_mean},
    federation,
    reader::Table,
};
use crate::{
    identity::settings::{DEFAULT_REALM, Gate, Passkeys, Realm, SecondFactor, Settings},
    seal,
};

/// All realms; the default one is among them, written or not.
pub(super) fn resolve(
    tables: Vec<Table>,
    data_dir: &Path,
    seal: &seal::Settings,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Settings {
    let key_file = seal.key_file.clone().unwrap_or_else(|| data_dir.join("seal.key"));
    let new = |name: &str| Realm::new(name, data_dir.join(format!("{name}.sealed")), key_file.clone());
    let mut realms: Vec<Realm> = Vec::new();
    for table in tables {
        let span = table.span.clone();
        let realm = realm(table, &new, context, d);
        if realms.iter().any(|other| other.name == realm.name) {
            d.note(&span, format!("a second realm `{}`", realm.name), Some("give it another name".to_owned()));
        }
        realms.push(realm);
    }
    if !realms.iter().any(|realm| realm.name == DEFAULT_REALM) {
        realms.push(new(DEFAULT_REALM));
    }
    Settings { realms }
}

fn realm(mut table: Table, new: &impl Fn(&str) -> Realm, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Realm {
    let (place, basic) = (table.place("session_idle"), table.place("basic"));
    let named = table.parsed("name", d, "a name such as \"staff\"", name);
    if named.is_none() {
        d.note(&table.span.clone(), "this realm has no usable `name`", None);
    }
    let default = new(named.as_deref().unwrap_or(DEFAULT_REALM));
    let factors =
        [("off", SecondFactor::Off), ("optional", SecondFactor::Optional), ("required", SecondFactor::Required)];
    let realm = Realm {
        staff_file: table.text("staff_file", d).map_or(default.staff_file, |text| context.path(&text)),
        second_factor: table.choice("second_factor", d, &factors, default.second_factor),
        passkeys: passkeys(&mut table, d),
        session_idle: table.duration("session_idle", d, default.session_idle),
        session_absolute: table.duration("session_absolute", d, default.session_absolute),
        blocklist: table.text("blocklist", d).map(|text| context.path(&text)),
        federation: federation::resolve(&mut table, context, d),
        ..default
    };
    if realm.session_idle < seconds(60) || realm.session_idle > realm.session_absolute {
        d.note(&place, "`session_idle` is from \"1m\" to `session_absolute`", None);
    }
    if realm.federation.basic && realm.second_factor == SecondFactor::Required {
        d.note(&basic, "`basic` has no second factor, and the realm requires one: nobody could pass by it", None);
    }
    table.finish(d);
    realm
}

fn passkeys(table: &mut Table, d: &mut Diagnostics<'_>) -> Option<Passkeys> {
    let place = table.place("passkey_domain");
    let count = table.flag("passkeys", d, false);
    let domain = table.parsed("passkey_domain", d, "a domain such as \"example.com\"", domain);
    if domain.is_some() && !count {
        d.note(&place, "`passkey_domain` without `passkeys` is for nothing", Some("set `passkeys = true`".to_owned()));
    }
    count.then_some(Passkeys { domain })
}

fn domain(text: &str) -> Result<String, String> {
    let label = |label: &str| {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        (1..=63).contains(&label.len()) && label.bytes().all(legal)
    };
    let named = text.split('.').next_back().is_some_and(|last| !last.bytes().all(|b| b.is_ascii_digit()));
    let right = text.len() <= 253 && named && text.split('.').all(label);
    right.then(|| text.to_owned()).ok_or_else(|| "names of small letters, digits and `-`, with dots between".to_owned())
}

fn name(text: &str) -> Result<String, String> {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let right = (1..=32).contains(&text.len()) && text.bytes().all(legal);
    right.then(|| text.to_owned()).ok_or_else(|| "up to 32 small letters, digits and `-`".to_owned())
}

/// What a route asks of whoever passes; `None` where it is open.
pub(super) fn gate(table: &mut Table, realms: &Settings, d: &mut Diagnostics<'_>) -> Option<Gate> {
    let place = table.place("gate");
    let closed = ["roles", "step_up", "identity_token"].map(|key| (key, table.place(key)));
    let open = table.span.clone();
    let realm = table.text("gate", d);
    let role = |text: &str| crate::identity::settings::role(text).ok_or_else(|| format!("\"{text}\" is no role"));
    let roles = table.list("roles", d, "a role such as \"marketing\"", role).unwrap_or_default();
    let mut step_up = table.table("step_up", "route[].step_up", d);
    let second_factor = step_up.flag("second_factor", d, false);
    let max_age = step_up.duration_or_off("max_age", d, None);
    step_up.finish(d);
    let token = table.flag("identity_token", d, false);
    let Some(realm) = realm else {
        for (key, place) in closed.iter().filter(|(_, place)| *place != open) {
            let hint = Some("set `gate = \"staff\"`, or remove it".to_owned());
            d.note(place, format!("`{key}` without a gate would ask nobody"), hint);
        }
        return None;
    };
    if !realms.realms.iter().any(|known| known.name == realm) {
        let known = realms.realms.iter().map(|known| &*known.name);
        d.note(&place, format!("no realm is called \"{realm}\""), did_you_mean(&realm, known));
    }
    Some(Gate { realm, roles, second_factor, max_age, token })
}
