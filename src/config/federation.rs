//! What a `[[realm]]` accepts besides its own accounts: `oidc`, `jwt`, `certificate`, `basic`.

use super::{
    context::Context,
    diagnose::Diagnostics,
    file::{Node, Value},
    reader::Table,
    secret,
};
use crate::{
    common::secret::Secret,
    dial::address::Address,
    identity::{
        federation::settings::{ALGORITHMS, Algorithm, Certificate, Issuer, Jwt, NAMES, Name, Oidc, Roles, Settings},
        settings::role,
    },
};

/// Reads the methods of one realm.
pub(super) fn resolve(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Settings {
    Settings {
        oidc: table.table_if("oidc", "realm[].oidc", d).and_then(|table| oidc(table, context, d)),
        jwt: table.table_if("jwt", "realm[].jwt", d).and_then(|table| jwt(table, context, d)),
        certificate: table.table_if("certificate", "realm[].certificate", d).map(|table| certificate(table, d)),
        basic: table.flag("basic", d, false),
    }
}

fn oidc(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Oidc> {
    let span = table.span.clone();
    let issuer = issuer(&mut table, context, d);
    let client_id = table.text("client_id", d).filter(|id| !id.is_empty());
    let client_secret = secret::text(&mut table, ["client_secret", "client_secret_file"], context, d);
    if let Some((_, place)) = client_secret.as_ref().filter(|(text, _)| text.is_empty()) {
        d.note(place, "`client_secret` is empty", Some("leave it out for a public client".to_owned()));
    }
    let token = |text: &str| {
        // RFC 6749, section 3.3
        let legal = |b: u8| b.is_ascii_graphic() && b != b'"' && b != b'\\';
        let right = !text.is_empty() && text.bytes().all(legal);
        right.then(|| text.to_owned()).ok_or_else(|| format!("\"{text}\" is no scope"))
    };
    let scopes = table.list("scopes", d, "a scope such as \"openid\"", token).unwrap_or_default();
    let subject_claim = table.text("subject_claim", d).unwrap_or_else(|| "sub".to_owned());
    let roles = roles(&mut table, d);
    table.finish(d);
    let (Some(issuer), Some(client_id)) = (issuer, client_id) else {
        d.note(&span, "`oidc` needs `issuer` and `client_id`", None);
        return None;
    };
    Some(Oidc {
        issuer,
        client_id,
        client_secret: client_secret.map(|(text, _)| Secret::new(text)),
        scopes,
        subject_claim,
        roles,
    })
}

fn jwt(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Jwt> {
    let span = table.span.clone();
    let issuer = issuer(&mut table, context, d);
    let name = |text: &str| if text.is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) };
    let audience =
        table.list("audience", d, "a name of ours such as \"https://api.example\"", name).unwrap_or_default();
    let jwks = table.parsed("jwks", d, "a URL such as \"https://id.example/jwks\"", address);
    let subject_claim = table.text("subject_claim", d).unwrap_or_else(|| "sub".to_owned());
    let roles = roles(&mut table, d);
    table.finish(d);
    let (Some(issuer), false) = (issuer, audience.is_empty()) else {
        let hint = "a token for anybody else would be as good as one for us".to_owned();
        d.note(&span, "`jwt` needs `issuer` and `audience`", Some(hint));
        return None;
    };
    Some(Jwt { issuer, audience, jwks, subject_claim, roles })
}

fn certificate(mut table: Table, d: &mut Diagnostics<'_>) -> Certificate {
    let place = table.place("trust_domain");
    let subject = table.choice("subject", d, &NAMES, Name::Uri);
    let domain = |text: &str| {
        let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
        let right = !text.is_empty() && text.bytes().all(legal);
        right.then(|| text.to_owned()).ok_or_else(|| format!("\"{text}\" is no trust domain"))
    };
    let trust_domain = table.parsed("trust_domain", d, "a trust domain such as \"example.org\"", domain);
    if trust_domain.is_some() && subject != Name::Uri {
        d.note(&place, "`trust_domain` is of SPIFFE ids", Some("set `subject = \"san_uri\"`".to_owned()));
    }
    let roles = map(&mut table, d);
    table.finish(d);
    Certificate { subject, trust_domain, roles }
}

fn issuer(table: &mut Table, context: &Context<'_>, d: &mut Diagnostics<'_>) -> Option<Issuer> {
    let read = |text: &str| {
        let address = address(text)?;
        address.below("/").map_err(|_| "an issuer has no query".to_owned())?;
        Ok((text.to_owned(), address))
    };
    let issuer = table.parsed("issuer", d, "a URL such as \"https://id.example\"", read);
    let known = |text: &str| {
        let found = ALGORITHMS.iter().find(|(name, _)| *name == text).map(|(_, algorithm)| *algorithm);
        found.ok_or_else(|| format!("\"{text}\" is not known, or has no public key"))
    };
    let names: Vec<&str> = ALGORITHMS.iter().map(|(name, _)| *name).collect();
    let place = table.place("algorithms");
    let algorithms = table.list("algorithms", d, &format!("one of {}", names.join(", ")), known);
    let all = || ALGORITHMS.iter().map(|(_, algorithm)| *algorithm).collect::<Vec<Algorithm>>();
    if algorithms.as_ref().is_some_and(Vec::is_empty) {
        d.note(&place, "`algorithms` leaves none to believe", None);
    }
    let algorithms = algorithms.unwrap_or_else(all);
    let ca = table.text("ca", d).map(|text| context.path(&text));
    issuer.map(|(name, address)| Issuer { name, address, algorithms, ca })
}

fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|error| error.to_string())
}

fn roles(table: &mut Table, d: &mut Diagnostics<'_>) -> Roles {
    let claim = table.text("roles_claim", d).unwrap_or_else(|| "groups".to_owned());
    let map = map(table, d);
    Roles { claim, map, pass: table.choice("unmapped", d, &[("drop", false), ("pass", true)], false) }
}

/// `roles = { "kc-privacy" = "privacy_officer", "kc-all" = ["reader", "clerk"] }`
fn map(table: &mut Table, d: &mut Diagnostics<'_>) -> Vec<(String, String)> {
    let hint = || Some("write `roles = { \"their-name\" = \"our_role\" }`".to_owned());
    let Some(node) = table.node("roles") else { return Vec::new() };
    let Value::Table(entries) = node.value else {
        d.note(&node.span, format!("`roles` is {}", node.value.kind()), hint());
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let values = match entry.node.value {
            Value::List(items) => items,
            value => vec![Node { span: entry.node.span, value }],
        };
        for item in values {
            match &item.value {
                Value::Text(text) => match role(text) {
                    Some(role) => found.push((entry.key.clone(), role)),
                    None => d.note(&item.span, format!("\"{text}\" is no role"), None),
                },
                other => d.note(&item.span, format!("a role is {}", other.kind()), hint()),
            }
        }
    }
    found
}
