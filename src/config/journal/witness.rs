//! `[[journal.witness]]`: who keeps checkpoints outside.

use std::{ops::Range, time::Duration};

use http::HeaderValue;

use super::super::{
    context::{Context, seconds},
    diagnose::Diagnostics,
    mail,
    reader::Table,
    secret,
};
use crate::{
    common::secret::Secret,
    dial::address::Address,
    journal::settings::{Mail, To, Witness},
};

const SHORTEST: Duration = seconds(1);
const LONGEST: Duration = seconds(31 * 86_400);

pub(super) fn resolve(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<Witness> {
    let span = table.span.clone();
    let place = table.place("every");
    let every = table.duration("every", d, seconds(3600));
    if every < SHORTEST || every > LONGEST {
        d.note(&place, "`every` must be from 1s to 31d", None);
    }
    let given = ["file", "url", "mail"].map(|name| table.has(name));
    if given.iter().filter(|given| **given).count() != 1 {
        d.note(
            &span,
            "a witness is one of `file`, `url` and `mail`",
            Some("write a [[journal.witness]] for each".to_owned()),
        );
        return None;
    }
    let to = match given {
        [true, ..] => table.text("file", d).map(|path| To::File(context.path(&path))),
        [_, true, _] => url(&mut table, context, d),
        _ => mailed(&mut table, &span, context, d),
    };
    table.finish(d);
    to.map(|to| Witness { to, every })
}

fn url(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<To> {
    let parse = |text: &str| Address::parse(text).map_err(|error| error.to_string());
    let address = table.parsed("url", d, "\"https://HOST/PATH\"", parse);
    let authorization = secret::text(table, ["authorization", "authorization_file"], context, d);
    if let Some((_, place)) = authorization.as_ref().filter(|(text, _)| HeaderValue::from_str(text).is_err()) {
        d.note(place, "`authorization` holds what a header can't", None);
    }
    let tls = address.as_ref().is_none_or(|address| address.server_name().is_some());
    let ca = mail::ca(table, tls, context, d);
    let authorization = authorization.map(|(text, _)| Secret::new(text));
    Some(To::Url { address: address?, ca, authorization })
}

fn mailed(table: &mut Table, span: &Range<usize>, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<To> {
    let to = table.parsed("mail", d, "an address such as \"audit@example.com\"", mail::mailbox);
    let from = table.parsed("from", d, "an address such as \"privet@example.com\"", mail::mailbox);
    if !table.has("smtp") {
        d.note(span, "`mail` without a server that takes it", Some(format!("add `smtp`: {}", mail::SMTP)));
    }
    let server = mail::server(table, None, context, d);
    let (to, server) = (to?, server?);
    Some(To::Mail(Mail { from: from.unwrap_or_else(|| to.clone()), to, server }))
}
