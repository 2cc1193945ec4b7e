//! A notice as a mail to one person (RFC 5322, multipart/alternative), or as an object for a service that reaches them.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use lettre::address::Address;
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

use super::{delivery::Pseudonym, draft::Document};
use crate::{common::clock, dial::mail::quoted, journal::tree::hex};

/// Most bytes of an encoded word with its frame (RFC 2047, section 2), in bytes before encoding: whole signs only.
const WORD: usize = 39;

/// What is the same for all messages of a notice.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// Of which case.
    pub case: u64,
    /// Its number in the case.
    pub number: u64,
    /// SHA-256 of its documents.
    pub sha256: &'a str,
}

impl Notice<'_> {
    /// What the message to one person is known by: always the same, and nothing that leads back to anybody. A second copy can be told by it.
    #[must_use]
    pub fn key(&self, subject: Pseudonym) -> String {
        let of = format!("{}/{}/{}/{}", self.case, self.number, self.sha256, subject.0.text());
        hex(&digest(&SHA256, of.as_bytes()).as_ref()[..16])
    }

    /// `Message-ID`, without its brackets.
    #[must_use]
    pub fn message_id(&self, subject: Pseudonym, from: &str) -> String {
        let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
        format!("{}@{domain}", self.key(subject))
    }

    /// The mail to one person; `None` before the year 1.
    #[must_use]
    pub fn mail(
        &self,
        subject: Pseudonym,
        document: &Document,
        from: (Option<&str>, &Address),
        to: &Address,
    ) -> Option<String> {
        let (name, from) = from;
        let date = OffsetDateTime::from(clock::now()).format(&Rfc2822).ok()?;
        let boundary = format!("privet-{}", self.key(subject));
        let id = self.message_id(subject, from.as_ref());
        let mut text = format!(
            "From: {}<{from}>\r\nTo: <{to}>\r\nDate: {date}\r\nMessage-ID: <{id}>\r\nSubject: ",
            name.map(|name| encoded(name) + "\r\n ").unwrap_or_default()
        );
        text.push_str(&encoded(&document.title));
        let _ = write!(
            text,
            "\r\nContent-Language: {}\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/alternative;\r\n boundary=\"{boundary}\"\r\n",
            document.language.tag()
        );
        let mut part = |kind: &str, body: &str| {
            let _ = write!(
                text,
                "\r\n--{boundary}\r\nContent-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
            );
            quoted(body, &mut text);
        };
        part("plain", &document.text);
        part("html", &page(document));
        let _ = write!(text, "\r\n--{boundary}--\r\n");
        Some(text)
    }

    /// The object for a service.
    #[must_use]
    pub fn object(&self, subject: Pseudonym, possible: bool, document: &Document, to: &str) -> Value {
        json!({
            "key": self.key(subject), "case": self.case, "notice": self.number, "address": to, "possible": possible,
            "language": document.language, "title": document.title, "text": document.text, "html": document.html,
        })
    }
}

fn page(document: &Document) -> String {
    let mut title = String::new();
    super::template::escape(&document.title, &mut title);
    format!(
        "<!doctype html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n<h1>{title}</h1>\n{}</body></html>\n",
        document.language.tag(),
        document.html
    )
}

/// Text in a header: as it is where that is possible, else in encoded words.
fn encoded(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " -_.'!".contains(c);
    if text.chars().all(plain) && text.len() < 60 {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut word = String::new();
    for c in text.chars().filter(|c| !c.is_control()) {
        if word.len() + c.len_utf8() > WORD {
            words.push(std::mem::take(&mut word));
        }
        word.push(c);
    }
    words.push(word);
    let words = words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(word)));
    words.collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        access::subject::Subject,
        incident::notice::wording::{Audience, Language},
    };

    #[test]
    fn a_mail_is_in_both_forms_and_known_by_one_name() {
        let document = Document {
            language: Language::Korean,
            audience: Audience::Confirmed,
            title: "개인정보 유출등 통지 <b>\r\nBcc: x@y.example".to_owned(),
            html: "<p>안녕하세요</p>\n".to_owned(),
            text: ".\n안녕하세요\n".to_owned(),
        };
        let notice = Notice { case: 7, number: 1, sha256: "abc" };
        let subject = Pseudonym(Subject([5; 16]));
        let [from, to] =
            ["privacy@shop.example", "hong@mail.example"].map(|text| text.parse::<Address>().expect("an address"));
        let mail = notice.mail(subject, &document, (Some("(주)가게"), &from), &to).expect("a mail");
        let again = notice.mail(subject, &document, (None, &from), &to).expect("a mail");
        let id = |mail: &str| mail.lines().find(|line| line.starts_with("Message-ID:")).map(str::to_owned);
        assert!(id(&mail) == id(&again) && id(&mail).is_some_and(|id| id.ends_with("@shop.example>")));
        assert!(!mail.contains(&subject.0.text()), "a mailbox does not learn the pseudonym");
        let other = notice.key(Pseudonym(Subject([6; 16])));
        assert!(!mail.contains(&other) && mail.is_ascii());
        let head = mail.split("\r\n\r\n").next().unwrap_or_default();
        assert!(!head.lines().any(|line| line.starts_with("Bcc:")), "{head}");
        assert_eq!(mail.lines().find(|line| line.len() > 78), None);
        assert!(mail.contains("Content-Type: text/plain") && mail.contains("Content-Type: text/html"));
        assert!(mail.contains("=EC=95=88=EB=85=95") && mail.contains("\r\n=2E\r\n"));
    }
}
