//! `[console]` and `[[scim]]`: who may look, and who may say from outside which people there are.

use std::net::SocketAddr;

use zeroize::Zeroizing;

use super::{
    context::Context,
    diagnose::{Diagnostics, did_you_mean},
    reader::Table,
    secret,
};
use crate::{
    admin::settings::{Attribute, Directory, Token},
    identity, journal, registry,
};

/// Least and most characters of a token, and most tokens: nobody limits how often it may be guessed.
const TOKEN: std::ops::RangeInclusive<usize> = 32..=1024;
const TOKENS: usize = 2;

/// What somebody has to write who wants any of it.
pub(super) const HINT: &str = "add `console = \"127.0.0.1:9902\"` to [listen]";
/// Who operates the gateway, where nobody says.
const OPERATOR: &str = "operator";

/// Roles that operate the gateway.
pub(super) fn operators(table: Option<Table>, console: Option<SocketAddr>, d: &mut Diagnostics<'_>) -> Vec<String> {
    let default = || vec![OPERATOR.to_owned()];
    let Some(mut table) = table else { return default() };
    if console.is_none() {
        d.note(&table.span.clone(), "the console is served on `listen.console`, which is off", Some(HINT.to_owned()));
    }
    let role = |text: &str| identity::settings::role(text).ok_or_else(|| format!("\"{text}\" is no role"));
    let roles = table.list("operator", d, "a role such as \"operator\"", role).unwrap_or_else(default);
    table.finish(d);
    roles
}

/// What else of the configuration it depends on.
pub(super) struct Around<'a> {
    pub(super) console: Option<SocketAddr>,
    pub(super) registry: &'a registry::Settings,
    pub(super) journal: Option<&'a journal::Settings>,
    pub(super) realms: &'a identity::Settings,
}

pub(super) fn resolve(
    tables: Vec<Table>,
    around: &Around<'_>,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Vec<Directory> {
    if let (Some(table), None) = (tables.first(), around.console) {
        d.note(&table.span.clone(), "SCIM is served on `listen.console`, which is off", Some(HINT.to_owned()));
    }
    if let Some(table) =
        tables.first().filter(|_| around.journal.is_none_or(|journal| journal.place.shared().is_none()))
    {
        let hint = Some("name a database in `postgres` of [store], or one folder in `journal.path`, without `*`, and run one gateway".to_owned());
        d.note(&table.span.clone(), "who is here is kept in the registry, and that in one journal", hint);
    }
    let mut directories: Vec<Directory> = Vec::new();
    for table in tables {
        let span = table.span.clone();
        let Some(directory) = directory(table, around, context, d) else { continue };
        if directories.iter().any(|other| other.name == directory.name || other.issuer == directory.issuer) {
            let hint = Some("one table speaks for all people of an issuer".to_owned());
            d.note(&span, "a second [[scim]] of this name or issuer", hint);
        }
        if directories.iter().any(|other| other.tokens.iter().any(|token| directory.tokens.contains(token))) {
            d.note(&span, "two [[scim]] tables have one token", Some("each provider gets its own".to_owned()));
        }
        directories.push(directory);
    }
    directories
}

fn directory(
    mut table: Table,
    around: &Around<'_>,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Directory> {
    let span = table.span.clone();
    let at_issuer = table.place("issuer");
    let name = table.parsed("name", d, "a name such as \"entra\"", name);
    let issuer = table.text("issuer", d);
    let subjects = [("externalId", Attribute::ExternalId), ("userName", Attribute::UserName)];
    let subject = table.choice("subject", d, &subjects, Attribute::ExternalId);
    let tokens = tokens(&mut table, context, d);
    if tokens.is_empty() {
        d.note(&span, "this [[scim]] has no usable `token`", Some("make one: `openssl rand -hex 32`".to_owned()));
    }
    table.finish(d);
    for (key, missing) in [("name", name.is_none()), ("issuer", issuer.is_none())] {
        if missing {
            d.note(&span, format!("this [[scim]] has no usable `{key}`"), None);
        }
    }
    let issuer = issuer?;
    let realm = around.realms.realms.iter().find(|realm| realm.name == around.registry.realm);
    let known = realm.into_iter().flat_map(|realm| {
        let federation = &realm.federation;
        let oidc = federation.oidc.iter().map(|oidc| &oidc.issuer);
        oidc.chain(federation.jwt.iter().map(|jwt| &jwt.issuer)).map(|issuer| issuer.name.as_str())
    });
    let known: Vec<&str> = known.collect();
    if !known.contains(&issuer.as_str()) {
        let (message, hint) = (
            format!("nobody of the realm \"{}\" is vouched for by this issuer", around.registry.realm),
            did_you_mean(&issuer, known.into_iter())
                .unwrap_or_else(|| "write the `issuer` of its [realm.oidc] or [realm.jwt], to the letter".to_owned()),
        );
        d.note(&at_issuer, message, Some(hint));
    }
    Some(Directory { name: name?, issuer, subject, tokens })
}

pub(super) fn name(text: &str) -> Result<String, String> {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let right = (1..=32).contains(&text.len()) && text.bytes().all(legal);
    right.then(|| text.to_owned()).ok_or_else(|| "up to 32 small letters, digits and `-`".to_owned())
}

/// A line each; none where nothing is said.
pub(super) fn tokens(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Vec<Token> {
    let Some((text, place)) = secret::text(table, ["token", "token_file"], context, d) else { return Vec::new() };
    let text = Zeroizing::new(text);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let fits = |line: &&str| TOKEN.contains(&line.len()) && line.bytes().all(|b| b.is_ascii_graphic());
    if lines.is_empty() || lines.len() > TOKENS || !lines.iter().all(fits) {
        let hint = Some("make one: `openssl rand -hex 32`; a second line is for while you change it".to_owned());
        d.note(&place, "`token` is one line, or two, of 32 to 1024 visible ASCII characters", hint);
    }
    lines.into_iter().map(Token::of).collect()
}
