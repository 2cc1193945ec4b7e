//! A checkpoint as a mail. Never in clear to another machine: `STARTTLS` that is not to be had is an error.

use std::{fmt::Write as _, fs, io, time::Duration};

use aws_lc_rs::rand;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor,
    address::{Address, AddressError, Envelope},
    transport::smtp::{
        self,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::{
    common::clock,
    journal::{
        settings::{Mail, Security},
        tree::hex,
    },
};

/// Why a mail was not taken. No address is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is none.
    #[error("an address of the mail can't be used")]
    Address(#[source] AddressError),
    /// It has no one to go to.
    #[error("the mail can't be made")]
    Envelope,
    /// The authorities can't be used.
    #[error("the authorities can't be used: {0}")]
    Authorities(io::Error),
    /// The server does not take it. What a server says may repeat an address.
    #[error("the mail server does not take it: {0}")]
    Server(String),
}

impl From<smtp::Error> for Error {
    fn from(error: smtp::Error) -> Self {
        let code = error.status().map(|code| format!("it answers with {code}"));
        let what = if error.is_timeout() {
            "there was no answer in time"
        } else if error.is_tls() {
            "TLS has failed"
        } else {
            "there is no connection, or no sense in what it answers"
        };
        Self::Server(code.unwrap_or_else(|| what.to_owned()))
    }
}

/// Sends one.
pub(super) async fn send(
    settings: &Mail,
    origin: &str,
    size: u64,
    note: &str,
    deadline: Duration,
) -> Result<(), Error> {
    let parse = |text: &str| text.parse::<Address>().map_err(Error::Address);
    let envelope = Envelope::new(Some(parse(&settings.from)?), vec![parse(&settings.to)?]);
    let envelope = envelope.map_err(|_| Error::Envelope)?;
    let tls = match settings.security {
        Security::Tls => Tls::Wrapper(parameters(settings)?),
        Security::StartTls => Tls::Required(parameters(settings)?),
        Security::Clear => Tls::None,
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
        .port(settings.port)
        .timeout(Some(deadline))
        .tls(tls);
    if let Some((name, password)) = &settings.credentials {
        builder = builder.credentials(Credentials::new(name.clone(), password.expose().to_owned()));
    }
    let text = message(settings, origin, size, note).ok_or(Error::Envelope)?;
    let transport: AsyncSmtpTransport<Tokio1Executor> = builder.build();
    let sent = tokio::time::timeout(deadline * 2, transport.send_raw(&envelope, text.as_bytes())).await;
    sent.map_err(|_| Error::Server("there was no answer in time".to_owned()))??;
    Ok(())
}

fn parameters(settings: &Mail) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(ca) = &settings.ca {
        let unusable = |error| Error::Authorities(io::Error::other(error));
        let authority = Certificate::from_pem(&fs::read(ca).map_err(Error::Authorities)?).map_err(unusable)?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authority);
    }
    Ok(builder.build()?)
}

/// RFC 5322, in quoted-printable, since a note has a character that is not of ASCII and lines of any length.
fn message(settings: &Mail, origin: &str, size: u64, note: &str) -> Option<String> {
    let date = OffsetDateTime::from(clock::now()).format(&Rfc2822).ok()?;
    let mut id = [0; 16];
    rand::fill(&mut id).ok()?;
    let domain = settings.from.rsplit_once('@')?.1;
    let mut text = format!(
        "From: <{}>\r\nTo: <{}>\r\nDate: {date}\r\nMessage-ID: <{}@{domain}>\r\n\
         Subject: Privet: checkpoint {size} of {origin}\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
        settings.from,
        settings.to,
        hex(&id),
    );
    let words = "Keep this. `privet audit verify --checkpoint FILE` reads the lines below, and tells whether the journal\n\
                 still begins with what they were signed for.\n\n";
    quoted(words, &mut text);
    quoted(note, &mut text);
    Some(text)
}

/// Appends `plain` in quoted-printable (RFC 2045, section 6.7).
fn quoted(plain: &str, out: &mut String) {
    for line in plain.lines() {
        let mut length = 0;
        for (at, byte) in line.bytes().enumerate() {
            // A dot alone on a line ends a mail, and blanks at an end are lost on the way.
            let safe = matches!(byte, b'!'..=b'~' | b' ') && byte != b'=';
            let safe = safe && !(byte == b'.' && length == 0) && !(byte == b' ' && at + 1 == line.len());
            if length >= 72 {
                out.push_str("=\r\n");
                length = 0;
            }
            if safe {
                out.push(char::from(byte));
                length += 1;
            } else {
                let _ = write!(out, "={byte:02X}");
                length += 3;
            }
        }
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_written_so_that_mail_leaves_it_alone() {
        let mut out = String::new();
        quoted(&format!("a=b \n.\n\u{2014} {}\n", "x".repeat(100)), &mut out);
        assert!(out.starts_with("a=3Db=20\r\n=2E\r\n=E2=80=94 xxx"), "{out}");
        assert!(out.lines().all(|line| line.len() <= 76), "{out}");
        assert_eq!(out.replace("=\r\n", "").matches('x').count(), 100);
    }
}
