//! `[[journal.witness]]`: who keeps checkpoints outside.

use std::{ops::Range, path::PathBuf, time::Duration};

use http::HeaderValue;

use super::super::{
    context::{Context, seconds},
    diagnose::Diagnostics,
    reader::Table,
    secret,
};
use crate::{
    common::{authority::Authority, secret::Secret},
    dial::address::Address,
    journal::settings::{Mail, Security, To, Witness},
};

const SHORTEST: Duration = seconds(1);
const LONGEST: Duration = seconds(31 * 86_400);
const SMTP: &str = "\"smtps://HOST:PORT\" or \"smtp://HOST:PORT\"";

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
        _ => mail(&mut table, &span, context, d),
    };
    table.finish(d);
    to.map(|to| Witness { to, every })
}

fn ca(table: &mut Table, tls: bool, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<PathBuf> {
    let place = table.place("ca");
    let ca = table.text("ca", d).map(|text| context.path(&text))?;
    if !tls {
        d.note(&place, "`ca` without TLS would protect nothing", None);
    }
    context.files.push(ca.clone());
    Some(ca)
}

fn url(table: &mut Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<To> {
    let parse = |text: &str| Address::parse(text).map_err(|error| error.to_string());
    let address = table.parsed("url", d, "\"https://HOST/PATH\"", parse);
    let authorization = secret::text(table, ["authorization", "authorization_file"], context, d);
    if let Some((_, place)) = authorization.as_ref().filter(|(text, _)| HeaderValue::from_str(text).is_err()) {
        d.note(place, "`authorization` holds what a header can't", None);
    }
    let tls = address.as_ref().is_none_or(|address| address.server_name().is_some());
    let ca = ca(table, tls, context, d);
    let authorization = authorization.map(|(text, _)| Secret::new(text));
    Some(To::Url { address: address?, ca, authorization })
}

fn mail(table: &mut Table, span: &Range<usize>, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<To> {
    let to = table.parsed("mail", d, "an address such as \"audit@example.com\"", mailbox);
    let from = table.parsed("from", d, "an address such as \"privet@example.com\"", mailbox);
    let given = table.has("smtp");
    let server = table.parsed("smtp", d, SMTP, server);
    if !given {
        d.note(span, "`mail` without a server that takes it", Some(format!("add `smtp`: {SMTP}")));
    }
    let place = table.place("smtp_user");
    let user = table.text("smtp_user", d);
    let password = secret::text(table, ["smtp_password", "smtp_password_file"], context, d);
    if user.is_some() != password.is_some() {
        d.note(&place, "`smtp_user` and `smtp_password` belong together", Some("set both or none".to_owned()));
    }
    let ca = ca(table, server.as_ref().is_none_or(|(.., security)| *security != Security::Clear), context, d);
    let (to, (host, port, security)) = (to?, server?);
    let credentials = user.zip(password.map(|(text, _)| Secret::new(text)));
    Some(To::Mail(Mail { from: from.unwrap_or_else(|| to.clone()), to, host, port, security, ca, credentials }))
}

fn mailbox(text: &str) -> Result<String, String> {
    let legal = |b: u8| b.is_ascii_graphic() && !b"<>()[],;:\\\"".contains(&b);
    match text.split_once('@') {
        Some((local, domain))
            if !local.is_empty() && !domain.is_empty() && !domain.contains('@') && text.bytes().all(legal) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("it is no address of a mailbox".to_owned()),
    }
}

fn server(text: &str) -> Result<(String, u16, Security), String> {
    let (tls, rest) = match text.split_once("://") {
        Some(("smtps", rest)) => (true, rest),
        Some(("smtp", rest)) => (false, rest),
        _ => return Err("it begins with neither smtps:// nor smtp://".to_owned()),
    };
    let authority = Authority::parse(rest.trim_end_matches('/')).ok_or("it names no host")?;
    let host = authority.host.trim_matches(['[', ']']).to_ascii_lowercase();
    let is_here =
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback());
    let (security, port) = match (tls, is_here) {
        (true, _) => (Security::Tls, 465),
        (false, false) => (Security::StartTls, 587),
        (false, true) => (Security::Clear, 25),
    };
    Ok((host, authority.port.unwrap_or(port), security))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_goes_in_clear_to_this_machine_alone() {
        let security = |text: &str| server(text).map(|(_, port, security)| (port, security));
        assert_eq!(security("smtps://mail.example"), Ok((465, Security::Tls)));
        assert_eq!(security("smtp://mail.example"), Ok((587, Security::StartTls)));
        assert_eq!(security("smtp://mail.example:25"), Ok((25, Security::StartTls)));
        assert_eq!(security("smtp://127.0.0.1:2525"), Ok((2525, Security::Clear)));
        assert_eq!(security("smtp://[::1]"), Ok((25, Security::Clear)));
        for bad in ["", "mail.example", "http://mail.example", "smtp://"] {
            assert!(server(bad).is_err(), "{bad}");
        }
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b\r\nBcc: c@d", "a@b,c@d", "<a@b>"] {
            assert!(mailbox(bad).is_err(), "{bad}");
        }
        assert_eq!(mailbox("audit@example.com").as_deref(), Ok("audit@example.com"));
    }
}
