//! `[tls]`: certificates, whom they are ordered from, and client certificates.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{context::Context, diagnose::Diagnostics, reader::Table, secret};
use crate::{
    common::unit,
    dial::address::Address,
    tls::{
        Settings,
        settings::{Acme, Certificate, Challenge, Client, ExternalAccount, LETS_ENCRYPT, Profile, Trust},
    },
};

/// Most domains of one certificate; Let's Encrypt and others take no more.
const MOST_DOMAINS: usize = 100;

/// Reads `[tls]`. `has_http` says whether cleartext is listened for.
pub(super) fn resolve(
    mut table: Table,
    data_dir: &Path,
    has_http: bool,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Settings {
    let profile = table.choice(
        "profile",
        d,
        &[("modern", Profile::Modern), ("intermediate", Profile::Intermediate)],
        Profile::Intermediate,
    );
    let development_dir = table.text("development_dir", d).map_or_else(|| PathBuf::from("certs"), |t| context.path(&t));
    let mut certificates = Vec::new();
    for mut pair in table.tables("certificate", "tls.certificate[]", d) {
        let (chain, key) = (pair.text("chain", d), pair.text("key", d));
        match (chain, key) {
            (Some(chain), Some(key)) => {
                certificates.push(Certificate { chain: context.path(&chain), key: context.path(&key) });
            }
            _ => d.note(&pair.span.clone(), "a certificate needs both `chain` and `key`", None),
        }
        pair.finish(d);
    }
    let mut orders: Vec<Acme> = Vec::new();
    for order in table.tables("acme", "tls.acme[]", d) {
        let place = order.span.clone();
        let Some(order) = acme(order, has_http, context, d) else { continue };
        let twice = order.domains.iter().find(|domain| orders.iter().any(|other| other.domains.contains(domain)));
        if let Some(domain) = twice {
            d.note(&place, format!("`{domain}` is ordered twice"), Some("leave it to one [[tls.acme]]".to_owned()));
        }
        orders.push(order);
    }
    let client = client_certificates(table.table("client", "tls.client", d), context, d);
    table.finish(d);
    Settings { profile, certificates, acme: orders, acme_dir: data_dir.join("acme"), development_dir, client }
}

fn acme(mut table: Table, has_http: bool, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Acme> {
    let span = table.span.clone();
    let domains = domains(&mut table, d);
    let url = |text: &str| Address::parse(text).map_err(|error| error.to_string());
    let directory = table.parsed("directory", d, "a URL such as \"https://ca.example/acme/directory\"", url);
    let directory = directory.or_else(|| Address::parse(LETS_ENCRYPT).ok())?;
    let contact = table.list("contact", d, "a mail address such as \"tls@example.com\"", mail).unwrap_or_default();
    let agree_place = table.place("agree_to_terms");
    if !table.flag("agree_to_terms", d, false) {
        let hint = format!(
            "read the terms of service that {directory} names (`meta.termsOfService`), and set `agree_to_terms = true`"
        );
        d.note(&agree_place, "a certificate is ordered only by who agrees to the authority's terms", Some(hint));
    }
    let challenge_place = table.place("challenge");
    let ways = [Challenge::TlsAlpn01, Challenge::Http01].map(|way| (way.name(), way));
    let challenge = table.choice("challenge", d, &ways, Challenge::TlsAlpn01);
    if challenge == Challenge::Http01 && !has_http {
        let hint = "set `listen.http`, or use \"tls-alpn-01\"".to_owned();
        d.note(&challenge_place, "\"http-01\" is answered on `listen.http`, which is off", Some(hint));
    }
    let ca = table.text("ca", d).map(|text| context.path(&text));
    let external = table.table_if("external_account", "tls.acme[].external_account", d);
    let external_account = external.and_then(|external| external_account(external, context, d));
    let before_place = table.place("renew_before");
    let duration = |text: &str| unit::parse_duration(text).map_err(|error| error.to_string());
    let renew_before = table.parsed("renew_before", d, "a duration such as \"30d\"", duration);
    if renew_before.is_some_and(|before| before < Duration::from_secs(60)) {
        d.note(&before_place, "`renew_before` leaves no time for a renewal: at least 1m", None);
    }
    let profile = table.parsed("profile", d, "a name such as \"shortlived\"", word);
    table.finish(d);
    let Some(domains) = domains else {
        d.note(&span, "`domains` says what the certificate is for", Some("domains = [\"shop.example\"]".to_owned()));
        return None;
    };
    Some(Acme { domains, directory, contact, challenge, ca, external_account, renew_before, profile })
}

fn domains(table: &mut Table, d: &mut Diagnostics<'_>) -> Option<Vec<String>> {
    let place = table.place("domains");
    let mut all = table.list("domains", d, "a name such as \"shop.example\"", domain)?;
    let given = all.len();
    let mut seen = std::collections::HashSet::new();
    all.retain(|name| seen.insert(name.clone()));
    if given > MOST_DOMAINS {
        let hint = "use several [[tls.acme]]".to_owned();
        d.note(&place, format!("{given} domains, and a certificate holds at most {MOST_DOMAINS}"), Some(hint));
    }
    if all.is_empty() && given == 0 {
        d.note(&place, "`domains` is empty", None);
    }
    Some(all).filter(|all| !all.is_empty())
}

/// A name that an authority can look up: ASCII, at least two labels, no wildcard.
fn domain(text: &str) -> Result<String, String> {
    let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    if name.contains('*') {
        return Err(format!(
            "\"{text}\" is a wildcard, which needs DNS-01; Privet speaks TLS-ALPN-01 and HTTP-01. Name each host, or have another client order it and use [[tls.certificate]]"
        ));
    }
    if name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Err(format!("\"{text}\" is an address; certificates are ordered for names"));
    }
    if !name.is_ascii() {
        return Err(format!("\"{text}\" is not ASCII; write it as DNS has it (xn--...)"));
    }
    let label = |label: &str| {
        let legal = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len()) && legal && !label.starts_with('-') && !label.ends_with('-')
    };
    if name.len() > 253 || !name.split('.').all(label) || !name.contains('.') {
        return Err(format!("\"{text}\" is not a DNS name that an authority could look up"));
    }
    Ok(name)
}

fn mail(text: &str) -> Result<String, String> {
    let text = text.strip_prefix("mailto:").unwrap_or(text);
    let legal = |b: u8| b.is_ascii_graphic() && !b"\"<>(),;:\\[]?&%".contains(&b);
    match text.split_once('@') {
        Some((name, host))
            if !name.is_empty() && host.contains('.') && !host.contains('@') && text.bytes().all(legal) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("it is not a mail address".to_owned()),
    }
}

fn word(text: &str) -> Result<String, String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let right = !text.is_empty() && text.len() <= 64 && text.bytes().all(legal);
    right.then(|| text.to_owned()).ok_or_else(|| "it must be letters, digits, `-`, `_` or `.`".to_owned())
}

fn external_account(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<ExternalAccount> {
    let span = table.span.clone();
    let key_id = table.text("key_id", d).filter(|id| !id.is_empty());
    let key = secret::text(&mut table, ["hmac_key", "hmac_key_file"], context, d);
    table.finish(d);
    let (Some(key_id), Some((key, place))) = (key_id, key) else {
        d.note(&span, "`external_account` needs `key_id` and `hmac_key`, as the authority has given them", None);
        return None;
    };
    let account = ExternalAccount::new(key_id, &key);
    if account.is_none() {
        d.note(&place, "`hmac_key` is not base64", Some("write it as the authority has given it".to_owned()));
    }
    account
}

fn client_certificates(mut table: Table, context: &Context<'_>, d: &mut Diagnostics<'_>) -> Client {
    let mode = table.choice("mode", d, &[("off", 0), ("request", 1), ("require", 2)], 0);
    let ca = table.text("ca", d).map(|t| context.path(&t));
    let crl = table.text("crl", d).map(|t| context.path(&t));
    let span = table.span.clone();
    table.finish(d);
    match (mode, ca) {
        (0, _) => Client::Off,
        (_, None) => {
            d.note(&span, "client certificates need `ca`: who may sign them", None);
            Client::Off
        }
        (1, Some(ca)) => Client::Request(Trust { ca, crl }),
        (_, Some(ca)) => Client::Require(Trust { ca, crl }),
    }
}
