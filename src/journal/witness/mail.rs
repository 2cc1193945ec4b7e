//! A checkpoint as a mail.

use std::time::Duration;

use aws_lc_rs::rand;
use lettre::address::{Address, AddressError};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use crate::{
    common::clock,
    dial::mail::{self, Connection, Handed, quoted},
    journal::{settings::Mail, tree::hex},
};

/// Why a mail was not taken. No address is in the text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An address is none.
    #[error("an address of the mail can't be used")]
    Address(#[source] AddressError),
    /// It can't be written.
    #[error("the mail can't be made")]
    Message,
    /// The server can't be spoken to, or does not take it.
    #[error("{0}")]
    Server(#[from] mail::Error),
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
    let (from, to) = (parse(&settings.from)?, parse(&settings.to)?);
    let text = message(settings, origin, size, note).ok_or(Error::Message)?;
    let mut connection = Connection::open(&settings.server, deadline).await?;
    let handed = connection.hand_over(&from, &to, &text).await;
    connection.close().await;
    let why = match handed {
        Handed::Accepted => return Ok(()),
        Handed::Later(Some(code)) | Handed::Never(code) => format!("it answers with {code}"),
        Handed::Later(None) | Handed::Unknown => "there was no answer in time".to_owned(),
    };
    Err(Error::Server(mail::Error::Server(why)))
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
