//! The head of an answer on its way out.

use std::{cell::Cell, time::SystemTime};

use http::{HeaderName, HeaderValue, StatusCode, header, response::Parts};
use http_body::Body as _;
use hyper::ext::ReasonPhrase;
use time::{OffsetDateTime, format_description::StaticFormatDescription, macros::format_description};

use crate::{
    common::http1::{
        Outgoing,
        fields::{self, has_token},
    },
    gateway::{body::Body, head::tokens},
    server::framing::Form,
};

/// Whether an answer has a body, whatever its head says (RFC 9112, section 6.3).
pub(super) fn may_have_body(status: StatusCode, form: Form) -> bool {
    !form.head_only && !status.is_informational() && !matches!(status.as_u16(), 204 | 304)
}

/// Writes the head of an answer. How long it is, is told by its `body` where that knows; where it has none, by what its fields say of it.
/// It `persists` no longer where its end is that of the connection, or a field says so.
pub(super) fn write(parts: &Parts, body: &Body, form: Form, persists: &mut bool, out: &mut Vec<u8>) -> Outgoing {
    let status = parts.status;
    out.extend_from_slice(if form.http_1_0 { b"HTTP/1.0 " } else { b"HTTP/1.1 " });
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(match parts.extensions.get::<ReasonPhrase>() {
        Some(reason) => reason.as_bytes(),
        None => status.canonical_reason().unwrap_or_default().as_bytes(),
    });
    out.extend_from_slice(b"\r\n");
    let (mut told, mut is_dated, mut connection) = (None, false, None);
    for (name, value) in &parts.headers {
        match *name {
            header::CONTENT_LENGTH => {
                told = Some(value);
                continue;
            }
            header::TRANSFER_ENCODING => continue,
            header::DATE => is_dated = true,
            header::CONNECTION => connection = Some(value),
            _ => {}
        }
        line(name, value, out);
    }
    if !is_dated {
        out.extend_from_slice(b"date: ");
        out.extend_from_slice(&date());
        out.extend_from_slice(b"\r\n");
    }
    let outgoing = end(parts, body, form, told, out);
    *persists &= !matches!(outgoing, Outgoing::ToTheEnd);
    match connection {
        Some(said) => *persists &= !has_token(said.as_bytes(), b"close"),
        None if !*persists => out.extend_from_slice(b"connection: close\r\n"),
        None if form.http_1_0 => out.extend_from_slice(b"connection: keep-alive\r\n"),
        None => {}
    }
    out.extend_from_slice(b"\r\n");
    outgoing
}

/// Writes how the answer ends.
fn end(parts: &Parts, body: &Body, form: Form, told: Option<&HeaderValue>, out: &mut Vec<u8>) -> Outgoing {
    if !may_have_body(parts.status, form) {
        let says_of_another = form.head_only || parts.status == StatusCode::NOT_MODIFIED;
        if let Some(told) = told.filter(|_| says_of_another) {
            line(&header::CONTENT_LENGTH, told, out);
        }
        return Outgoing::Bytes(0);
    }
    let told = || told.and_then(|told| told.to_str().ok()?.parse().ok());
    // What is known to be empty may not know how long it is: it was rewritten.
    let length = if body.is_end_stream() { Some(0) } else { body.size_hint().exact() };
    match length.or_else(told) {
        Some(length) => {
            fields::write_length(length, out);
            Outgoing::Bytes(length)
        }
        None if form.http_1_0 => Outgoing::ToTheEnd,
        None => {
            out.extend_from_slice(b"transfer-encoding: chunked\r\n");
            let named = tokens(&parts.headers, &header::TRAILER).filter(|_| form.trailers);
            Outgoing::Chunked(named.filter_map(|name| HeaderName::from_bytes(name.as_bytes()).ok()).collect())
        }
    }
}

fn line(name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// An IMF-fixdate (RFC 9110, section 5.6.7).
pub(in crate::server) type Date = [u8; 29];

/// The date of an answer that is made now. It is written once a second.
pub(in crate::server) fn date() -> Date {
    thread_local! {
        static LAST: Cell<(u64, Date)> = const { Cell::new((u64::MAX, [0; 29])) };
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    LAST.with(|last| {
        let (second, date) = last.get();
        if second == now {
            return date;
        }
        let date = format(now);
        last.set((now, date));
        date
    })
}

fn format(second: u64) -> Date {
    const FORM: StaticFormatDescription =
        format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
    let mut date = *b"Thu, 01 Jan 1970 00:00:00 GMT";
    let time = i64::try_from(second).ok().and_then(|second| OffsetDateTime::from_unix_timestamp(second).ok());
    if let Some(text) = time.and_then(|time| time.format(FORM).ok())
        && text.len() == date.len()
    {
        date.copy_from_slice(text.as_bytes());
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_written_as_http_has_it() {
        assert_eq!(&format(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date().len(), 29);
    }
}
