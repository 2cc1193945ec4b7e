//! A mail server as a table names it: `smtp`, `smtp_user`, `smtp_password`, `ca`.

use std::path::PathBuf;

use super::{context::Context, diagnose::Diagnostics, reader::Table, secret};
use crate::{
    common::{authority::Authority, secret::Secret},
    dial::mail::{Security, Server},
};

/// What `smtp` takes.
pub(super) const SMTP: &str = "\"smtps://HOST:PORT\" or \"smtp://HOST:PORT\"";

/// The server. smtp:// is in clear to this machine, unless authorities are named; where somebody has said why, to others as well.
pub(super) fn server(
    table: &mut Table,
    cleartext_reason: Option<&str>,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Server> {
    let given = table.parsed("smtp", d, SMTP, address);
    let place = table.place("smtp_user");
    let user = table.text("smtp_user", d);
    let password = secret::text(table, ["smtp_password", "smtp_password_file"], context, d);
    if user.is_some() != password.is_some() {
        d.note(&place, "`smtp_user` and `smtp_password` belong together", Some("set both or none".to_owned()));
    }
    let ca = ca(table, true, context, d);
    let credentials = user.zip(password.map(|(text, _)| Secret::new(text)));
    let (host, port, security) = given?;
    let security = match security {
        Security::Clear if ca.is_some() => Security::StartTls,
        Security::StartTls if cleartext_reason.is_some() && ca.is_none() => Security::Clear,
        security => security,
    };
    Some(Server { host, port, security, ca, credentials })
}

/// The only authorities believed.
pub(super) fn ca(table: &mut Table, tls: bool, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Option<PathBuf> {
    let place = table.place("ca");
    let ca = table.text("ca", d).map(|text| context.path(&text))?;
    if !tls {
        d.note(&place, "`ca` without TLS would protect nothing", None);
    }
    context.files.push(ca.clone());
    Some(ca)
}

/// An address of a mailbox, without anything that would be more than that in a header.
pub(super) fn mailbox(text: &str) -> Result<String, String> {
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

fn address(text: &str) -> Result<(String, u16, Security), String> {
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
        let security = |text: &str| address(text).map(|(_, port, security)| (port, security));
        assert_eq!(security("smtps://mail.example"), Ok((465, Security::Tls)));
        assert_eq!(security("smtp://mail.example"), Ok((587, Security::StartTls)));
        assert_eq!(security("smtp://mail.example:25"), Ok((25, Security::StartTls)));
        assert_eq!(security("smtp://127.0.0.1:2525"), Ok((2525, Security::Clear)));
        assert_eq!(security("smtp://[::1]"), Ok((25, Security::Clear)));
        for bad in ["", "mail.example", "http://mail.example", "smtp://"] {
            assert!(address(bad).is_err(), "{bad}");
        }
        for bad in ["", "@", "a@", "@b", "a b@c", "a@b\r\nBcc: c@d", "a@b,c@d", "<a@b>"] {
            assert!(mailbox(bad).is_err(), "{bad}");
        }
        assert_eq!(mailbox("audit@example.com").as_deref(), Ok("audit@example.com"));
    }
}
