//! `[access.consent]`: what consent is learned from.

use std::time::Duration;

use http::HeaderValue;

use super::{
    context::{Context, seconds},
    diagnose::Diagnostics,
    reader::Table,
    secret,
};
use crate::{
    access::settings::{Columns, Endpoint, Form, Name},
    common::secret::Secret,
    dial::address::Address,
};

/// How often an application is asked where nothing is said.
const EVERY: Duration = seconds(60);

/// Forms that people send, and an address that is asked; `purposes` are all that there are.
pub(super) fn resolve(
    table: &mut Table,
    purposes: &[&str],
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> (Option<Form>, Option<Endpoint>) {
    let Some(mut consent) = table.table_if("consent", "access.consent", d) else { return (None, None) };
    let form = consent.table_if("form", "access.consent.form", d).and_then(|table| form(table, d));
    let endpoint = consent.table_if("endpoint", "access.consent.endpoint", d);
    let endpoint = endpoint.and_then(|table| endpoint_of(table, purposes, context, d));
    consent.finish(d);
    (form, endpoint)
}

fn named(text: &str) -> Result<String, String> {
    (!text.is_empty()).then(|| text.to_owned()).ok_or_else(|| "it is empty".to_owned())
}

fn form(mut form: Table, d: &mut Diagnostics<'_>) -> Option<Form> {
    let span = form.span.clone();
    let path = |text: &str| {
        let right = text.starts_with('/') && !text.contains(['?', '#', '%', ' ']);
        right.then(|| text.to_owned()).ok_or_else(|| format!("\"{text}\" is no path"))
    };
    let field = |text: &str| {
        let name = text.strip_prefix("form:").filter(|name| !name.is_empty());
        name.map(str::to_owned).ok_or_else(|| format!("\"{text}\" is no field of a form"))
    };
    let path = form.parsed("path", d, "a path such as \"/account/consent\"", path);
    let agreed = form.parsed("field", d, "the name of a field", named);
    let id = form.parsed("id", d, "a field such as \"form:email\"", field);
    form.finish(d);
    if let (Some(path), Some(field), Some(id)) = (path, agreed, id) {
        return Some(Form { path, field, id });
    }
    d.note(&span, "a form of consent needs `path`, `field` and `id`", None);
    None
}

fn endpoint_of(
    mut table: Table,
    purposes: &[&str],
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Endpoint> {
    let (span, place, ca_place) = (table.span.clone(), table.place("url"), table.place("ca"));
    let address = table.parsed("url", d, "a URL such as \"http://127.0.0.1:9000/consents.csv\"", |text| {
        Address::parse_exposed(text).map_err(|error| error.to_string())
    });
    let reason = table.text("cleartext_reason", d).filter(|text| !text.trim().is_empty());
    let exposed = address.as_ref().is_some_and(Address::is_exposed);
    if exposed && reason.is_none() {
        let hint = "use https, or say why cleartext is acceptable here: `cleartext_reason = \"...\"`".to_owned();
        d.note(&place, "who has agreed would come in cleartext from beyond loopback", Some(hint));
    }
    let ca = table.text("ca", d).map(|text| context.path(&text));
    match &ca {
        Some(_) if address.as_ref().is_some_and(|address| address.server_name().is_none()) => {
            d.note(&ca_place, "`ca` without TLS would protect nothing", Some("write https in `url`".to_owned()));
        }
        Some(ca) => context.files.push(ca.clone()),
        None => {}
    }
    let authorization = secret::text(&mut table, ["authorization", "authorization_file"], context, d);
    if let Some((_, place)) = authorization.as_ref().filter(|(text, _)| HeaderValue::from_str(text).is_err()) {
        d.note(place, "`authorization` holds what a header can't", None);
    }
    let every_place = table.place("every");
    let every = table.duration("every", d, EVERY);
    if !(seconds(1)..=seconds(86_400)).contains(&every) {
        d.note(&every_place, "`every` must be from 1s to 1d", None);
    }
    let id = table.parsed("id", d, "the name of a column", named);
    let agreed = table.parsed("agreed", d, "the name of a column", named);
    let name = table.parsed("as", d, "\"email\", \"phone\", \"id\", or a type such as \"EMAIL_ADDRESS\"", named);
    let purpose = table.parsed("purpose", d, "the key of a purpose", |text| {
        let known = purposes.contains(&text).then(|| text.to_owned());
        known.ok_or_else(|| format!("there are {}", purposes.join(", ")))
    });
    table.finish(d);
    let (Some(address), Some(id), Some(agreed)) = (address, id, agreed) else {
        d.note(&span, "an endpoint of consent needs `url`, `id` and `agreed`", None);
        return None;
    };
    Some(Endpoint {
        address,
        ca,
        authorization: authorization.map(|(text, _)| Secret::new(text)),
        every,
        columns: Columns { name: Name::of(name.as_deref().unwrap_or(&id)), id, agreed },
        purpose: purpose.unwrap_or_else(|| "marketing".to_owned()),
        cleartext_reason: reason.filter(|_| exposed),
    })
}
