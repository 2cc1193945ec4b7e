//! `[[api]]`: programs that may use the API, and what they may do.

use std::net::SocketAddr;

use super::{
    context::Context,
    diagnose::Diagnostics,
    reader::Table,
    scim::{HINT, name, tokens},
};
use crate::{
    admin::settings::{Client, May},
    identity::federation::settings::{NAMES, Name},
};

pub(super) fn resolve(
    tables: Vec<Table>,
    console: Option<SocketAddr>,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Vec<Client> {
    if let (Some(table), None) = (tables.first(), console) {
        d.note(&table.span.clone(), "the API is served on `listen.console`, which is off", Some(HINT.to_owned()));
    }
    let mut clients: Vec<Client> = Vec::new();
    for table in tables {
        let span = table.span.clone();
        let Some(client) = client(table, context, d) else { continue };
        let shares = |other: &Client| {
            let certificate = client.certificate.is_some() && client.certificate == other.certificate;
            certificate || other.tokens.iter().any(|token| client.tokens.contains(token))
        };
        if clients.iter().any(|other| other.name == client.name) {
            let hint = Some("records would not tell which it was: each program has a name of its own".to_owned());
            d.note(&span, "a second [[api]] of this name", hint);
        } else if clients.iter().any(shares) {
            let hint = Some("each program gets its own".to_owned());
            d.note(&span, "two [[api]] tables have one token or certificate", hint);
        }
        clients.push(client);
    }
    clients
}

fn client(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Client> {
    let span = table.span.clone();
    let name = table.parsed("name", d, "a name such as \"deploy\"", name);
    let may = table.choice("may", d, &[("read", May::Read), ("operate", May::Operate)], May::Read);
    let says = ["token", "token_file", "certificate"].iter().any(|key| table.has(key));
    let tokens = tokens(&mut table, context, d);
    let subject = table.choice("subject", d, &NAMES, Name::Uri);
    let certificate = table.text("certificate", d).map(|wanted| (subject, wanted));
    table.finish(d);
    if name.is_none() {
        d.note(&span, "this [[api]] has no usable `name`", None);
    }
    if !says {
        let hint = Some("make one: `openssl rand -hex 32`; or name its client certificate in `certificate`".to_owned());
        d.note(&span, "this [[api]] has no `token`", hint);
    }
    Some(Client { name: name?, tokens, certificate, may })
}
