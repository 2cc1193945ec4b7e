//! Delivery status notifications (RFC 3464, in multipart/report by RFC 6522): what a mail server tells the sender of a message after it has taken it.
//!
//! Anybody can write mail that looks so. What counts is the `Message-ID` of the message that is spoken of, which only its recipient and the servers on
//! its way have seen; what stands in a report about anybody is used to find whose message it was, and dropped.

use std::{fmt, io, io::BufRead, str::FromStr};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// Most bytes of a message that are read: what was sent comes back at its end.
const LONGEST: usize = 1 << 20;
/// Most lines of fields in a part.
const FIELDS: usize = 1000;
/// Most messages that a report names.
const NAMED: usize = 64;

/// An enhanced status code (RFC 3463).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(u8, u16, u16);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

impl FromStr for Status {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('.');
        let mut number = |most: u16| {
            let part = parts.next().filter(|part| part.bytes().all(|b| b.is_ascii_digit())).ok_or(())?;
            part.parse::<u16>().ok().filter(|n| *n <= most).ok_or(())
        };
        let (class, subject, detail) = (number(5)?, number(999)?, number(999)?);
        let class = u8::try_from(class).ok().filter(|class| [2, 4, 5].contains(class)).ok_or(())?;
        if parts.next().is_some() { Err(()) } else { Ok(Self(class, subject, detail)) }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|()| D::Error::custom("no status"))
    }
}

/// What a message in the sender's mailbox is.
#[derive(Clone, PartialEq, Eq)]
pub enum Told {
    /// No report of a delivery.
    Other,
    /// A report that a message is late, was relayed or has arrived: nothing is lost yet.
    Passing,
    /// A message will not arrive.
    Failed(Failed),
}

/// A message that will not arrive. Its `Debug` shows nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Failed {
    /// Why, where the report says it in a form that is known.
    pub status: Option<Status>,
    /// `Message-ID`s of what it speaks of, without brackets: that of the message that came back, or what it answers.
    pub ids: Vec<String>,
    /// To whom it was, lower case: as it was written first, then as it was in the end.
    pub addresses: Vec<String>,
    /// When the report was written.
    pub date: Option<OffsetDateTime>,
}

impl fmt::Debug for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other => "Other",
            Self::Passing => "Passing",
            Self::Failed(_) => "Failed",
        })
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failed({:?})", self.status)
    }
}

/// Reads messages one after the other: one, or many in a file of the kind mbox (RFC 4155). Of a long one the beginning is read.
///
/// # Errors
/// When it does not come.
pub fn each(mut from: impl BufRead, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    let (mut message, mut line) = (Vec::new(), Vec::new());
    let (mut is_mbox, mut first, mut blank) = (false, true, false);
    loop {
        line.clear();
        // A line without an end must not be held as a whole.
        let read = io::Read::take(&mut from, LONGEST as u64).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let begins = line.starts_with(b"From ") && (first || is_mbox && blank);
        is_mbox |= first && begins;
        if begins && !first {
            take(&message);
            message.clear();
        }
        blank = line.trim_ascii().is_empty();
        first = false;
        if !begins && message.len() < LONGEST {
            // `>From ` was `From ` before it was kept in an mbox.
            let quoted = is_mbox && line.trim_ascii_start().starts_with(b">") && {
                let bare = line.iter().position(|b| *b != b'>').unwrap_or(0);
                line[bare..].starts_with(b"From ")
            };
            let room = LONGEST - message.len();
            let text = &line[usize::from(quoted)..];
            message.extend_from_slice(&text[..text.len().min(room)]);
        }
    }
    if !message.trim_ascii().is_empty() {
        take(&message);
    }
    Ok(())
}

/// Reads a message.
#[must_use]
pub fn read(message: &[u8]) -> Told {
    let text = String::from_utf8_lossy(message).replace("\r\n", "\n");
    let (head, body) = fields(&text);
    let kind = value(&head, "content-type").unwrap_or_default();
    let is_report = media(kind) == "multipart/report"
        && parameter(kind, "report-type").is_some_and(|kind| kind.eq_ignore_ascii_case("delivery-status"));
    let Some(boundary) = parameter(kind, "boundary").filter(|_| is_report) else { return Told::Other };
    let (mut blocks, mut ids) = (None, Vec::new());
    for part in parts(body, &boundary) {
        let (head, body) = fields(part);
        match media(value(&head, "content-type").unwrap_or_default()).as_str() {
            "message/delivery-status" | "message/global-delivery-status" => {
                blocks.get_or_insert_with(|| recipients(&plain(&head, body)));
            }
            "message/rfc822" | "text/rfc822-headers" | "message/global" | "message/global-headers" => {
                let body = plain(&head, body);
                let (inner, _) = fields(&body);
                ids.extend(value(&inner, "message-id").map(names).unwrap_or_default());
            }
            _ => {}
        }
    }
    let Some(recipients) = blocks.filter(|all| !all.is_empty()) else { return Told::Other };
    let is = |action: &str| recipients.iter().filter(|one| one.action == action).collect::<Vec<_>>();
    let failed = is("failed");
    // Of a list that the address leads to one may have it.
    let arrived = ["delivered", "relayed", "expanded"].iter().any(|action| !is(action).is_empty());
    let Some(first) = failed.first().filter(|_| !arrived) else { return Told::Passing };
    if ids.is_empty() {
        ids = ["in-reply-to", "references"].iter().filter_map(|name| value(&head, name)).flat_map(names).collect();
    }
    ids.truncate(NAMED);
    Told::Failed(Failed {
        status: first.status,
        ids,
        addresses: failed.iter().flat_map(|one| one.addresses.iter().cloned()).take(NAMED).collect(),
        date: value(&head, "date").and_then(|date| OffsetDateTime::parse(without_comment(date), &Rfc2822).ok()),
    })
}

/// One recipient of a report.
#[derive(Default)]
struct Recipient {
    action: String,
    status: Option<Status>,
    addresses: Vec<String>,
}

/// The groups of fields behind the first that are about a recipient.
fn recipients(text: &str) -> Vec<Recipient> {
    let mut all = Vec::new();
    let mut rest = text.trim_start_matches('\n');
    while !rest.is_empty() {
        let (group, behind) = fields(rest);
        rest = behind.trim_start_matches('\n');
        let Some(action) = value(&group, "action") else { continue };
        let address = |name| {
            let (kind, address) = value(&group, name)?.split_once(';')?;
            let is_mail = ["rfc822", "utf-8"].iter().any(|known| kind.trim().eq_ignore_ascii_case(known));
            is_mail.then(|| address.trim().trim_matches(['<', '>']).to_lowercase())
        };
        all.push(Recipient {
            action: without_comment(action).to_ascii_lowercase(),
            status: value(&group, "status").and_then(|text| without_comment(text).parse().ok()),
            addresses: ["original-recipient", "final-recipient"].into_iter().filter_map(address).collect(),
        });
        if all.len() >= NAMED {
            break;
        }
    }
    all
}

/// The fields at the beginning of a text, names in lower case and folded lines in one, and what is behind the empty line after them.
fn fields(text: &str) -> (Vec<(String, String)>, &str) {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, behind) = rest.split_once('\n').unwrap_or((rest, ""));
        rest = behind;
        if line.trim().is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = found.last_mut() {
                value.push(' ');
                value.push_str(line.trim());
            }
        } else if let Some((name, value)) = line.split_once(':')
            && found.len() < FIELDS
        {
            found.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    (found, rest)
}

fn value<'f>(fields: &'f [(String, String)], name: &str) -> Option<&'f str> {
    fields.iter().find(|(own, _)| own == name).map(|(_, value)| &**value)
}

fn media(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// A parameter of a field, without its quotes.
fn parameter(kind: &str, name: &str) -> Option<String> {
    let mut rest = kind.split_once(';')?.1;
    loop {
        let (own, behind) = rest.split_once('=')?;
        let behind = behind.trim_start();
        let (value, after) = match behind.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => behind.split_at(behind.find(';').unwrap_or(behind.len())),
        };
        if own.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
        rest = after.split_once(';')?.1;
    }
}

/// What stands between lines of a boundary (RFC 2046, section 5.1.1).
fn parts<'t>(body: &'t str, boundary: &str) -> Vec<&'t str> {
    let (mut found, mut start, mut at) = (Vec::new(), None, 0);
    for line in body.split_inclusive('\n') {
        let behind = at + line.len();
        if let Some(end) = line.strip_prefix("--").and_then(|line| line.strip_prefix(boundary)).map(str::trim_end)
            && (end.is_empty() || end == "--")
        {
            found.extend(start.map(|start| &body[start..at]));
            start = end.is_empty().then_some(behind);
        }
        at = behind;
        if found.len() >= NAMED {
            break;
        }
    }
    found.extend(start.map(|start| &body[start..]));
    found
}

/// A part without its coding.
fn plain(head: &[(String, String)], body: &str) -> String {
    match value(head, "content-transfer-encoding").map(str::to_ascii_lowercase).as_deref() {
        Some("base64") => {
            let text: String = body.chars().filter(|c| !c.is_whitespace()).collect();
            let bytes = BASE64_STANDARD.decode(text).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
        }
        Some("quoted-printable") => unquoted(body),
        _ => body.to_owned(),
    }
}

/// Quoted-printable (RFC 2045, section 6.7).
fn unquoted(body: &str) -> String {
    let mut out = Vec::with_capacity(body.len());
    let mut rest = body.replace("=\n", "").into_bytes().into_iter().peekable();
    while let Some(byte) = rest.next() {
        let digit =
            |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match digit(rest.peek()).filter(|_| byte == b'=') {
            Some(high) => {
                rest.next();
                match digit(rest.peek()) {
                    Some(low) => {
                        rest.next();
                        out.push(high << 4 | low);
                    }
                    None => out.push(b'='),
                }
            }
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The text before `(..)`, which says the same in words.
fn without_comment(text: &str) -> &str {
    text.split('(').next().unwrap_or_default().trim().split(" #").next().unwrap_or_default().trim()
}

/// Names of messages, without their brackets.
fn names(text: &str) -> Vec<String> {
    let inside = |part: &str| part.split_once('>').map(|(name, _)| name.trim().to_owned());
    text.split('<').skip(1).filter_map(inside).filter(|name| !name.is_empty()).take(NAMED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSTFIX: &str = "Return-Path: <>\r\nDate: Sat, 28 Nov 2026 10:00:05 +0900 (KST)\r\nFrom: MAILER-DAEMON@mx.shop.example (Mail Delivery System)\r\n\
        Subject: Undelivered Mail Returned to Sender\r\nTo: privacy@shop.example\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/report; report-type=delivery-status;\r\n\tboundary=\"4F2A1.1795/mx.shop.example\"\r\nMessage-Id: <20261128.1@mx.shop.example>\r\n\r\n\
        This is a MIME-encapsulated message.\r\n\r\n--4F2A1.1795/mx.shop.example\r\nContent-Description: Notification\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
        I'm sorry to have to inform you that your message could not\r\nbe delivered.\r\n\r\n--4F2A1.1795/mx.shop.example\r\nContent-Description: Delivery report\r\n\
        Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.shop.example\r\nX-Postfix-Queue-ID: 4F2A1\r\nArrival-Date: Sat, 28 Nov 2026 10:00:04 +0900 (KST)\r\n\r\n\
        Final-Recipient: rfc822; Hong@Mail.example\r\nOriginal-Recipient: rfc822;hong@mail.example\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mail.example\r\n\
        Diagnostic-Code: smtp; 550 5.1.1 <hong@mail.example>: Recipient address\r\n    rejected: User unknown\r\n\r\n--4F2A1.1795/mx.shop.example\r\n\
        Content-Description: Undelivered Message\r\nContent-Type: message/rfc822\r\n\r\nReturn-Path: <privacy@shop.example>\r\nMessage-ID:\r\n <0123456789abcdef0123456789abcdef@shop.example>\r\n\
        To: <hong@mail.example>\r\n\r\nText\r\n\r\n--4F2A1.1795/mx.shop.example--\r\n";

    const EXIM: &str = "Date: Sat, 28 Nov 2026 01:00:05 +0000\nFrom: Mail Delivery System <Mailer-Daemon@exim.example>\nTo: privacy@shop.example\n\
        References: <ffffffffffffffffffffffffffffffff@shop.example>\nContent-Type: multipart/report; report-type=delivery-status; boundary=1795-eximdsn-1\n\
        MIME-Version: 1.0\nSubject: Mail delivery failed: returning message to sender\n\n--1795-eximdsn-1\nContent-type: text/plain; charset=us-ascii\n\n\
        This message was created automatically by mail delivery software.\n\n--1795-eximdsn-1\nContent-type: message/delivery-status\n\nReporting-MTA: dns; exim.example\n\n\
        Action: failed\nFinal-Recipient: rfc822;kim@mail.example\nStatus: 5.0.0\nRemote-MTA: dns; mail.example\nDiagnostic-Code: smtp; 550 mailbox unavailable\n\n\
        --1795-eximdsn-1\nContent-type: text/rfc822-headers\n\nReturn-path: <privacy@shop.example>\nMessage-Id: <ffffffffffffffffffffffffffffffff@shop.example>\nTo: kim@mail.example\n\n--1795-eximdsn-1--\n";

    const EXCHANGE: &str = "From: Microsoft Outlook <MicrosoftExchange329e@shop.example>\nTo: <privacy@shop.example>\nDate: Sat, 28 Nov 2026 01:02:03 +0000\n\
        Content-Type: multipart/report; report-type=\"delivery-status\";\n boundary=\"_000_a;b=c_\"\nIn-Reply-To: <00000000000000000000000000000001@shop.example>\n\
        Subject: Undeliverable: notice\n\n--_000_a;b=c_\nContent-Type: multipart/alternative; boundary=\"_001_\"\n\n--_001_\nContent-Type: text/html\n\n<p>Action: failed</p>\n--_001_--\n\n\
        --_000_a;b=c_\nContent-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\nUmVwb3J0aW5nLU1UQTogZG5zO3gub3V0bG9vay5jb20KClJFU1BPTlNFClJlY2VpdmVkLUZyb20t\nTVRBOiBkbnM7eQoK\n\
        RmluYWwtUmVjaXBpZW50OiByZmM4MjI7bGVlQG1haWwuZXhhbXBsZQpBY3Rpb246IGZhaWxlZApTdGF0dXM6IDUuNy4xCg==\n\n--_000_a;b=c_--\n";

    fn failed(message: &str) -> Failed {
        match read(message.as_bytes()) {
            Told::Failed(failed) => failed,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_mail_servers_write() {
        let postfix = failed(POSTFIX);
        assert_eq!(postfix.status.map(|status| status.to_string()).as_deref(), Some("5.1.1"));
        assert_eq!(postfix.ids, ["0123456789abcdef0123456789abcdef@shop.example"]);
        assert_eq!(postfix.addresses, ["hong@mail.example", "hong@mail.example"]);
        assert_eq!(postfix.date.map(OffsetDateTime::unix_timestamp), Some(1_795_827_605));
        let exim = failed(EXIM);
        assert_eq!((exim.ids.len(), exim.addresses.as_slice()), (1, &["kim@mail.example".to_owned()][..]));
        let exchange = failed(EXCHANGE);
        assert_eq!(
            exchange.ids,
            ["00000000000000000000000000000001@shop.example"],
            "what it answers, for nothing came back"
        );
        assert_eq!(exchange.status, Some(Status(5, 7, 1)));
        assert!(!format!("{postfix:?} {:?}", read(EXIM.as_bytes())).contains("mail.example"));
    }

    #[test]
    fn what_is_no_failure() {
        let with = |from: &str, to: &str| read(POSTFIX.replace(from, to).as_bytes());
        assert_eq!(with("Action: failed", "Action: delayed"), Told::Passing);
        assert_eq!(with("Action: failed", "Action: delivered"), Told::Passing);
        let both = "Action: failed\r\n\r\nFinal-Recipient: rfc822; a@b.example\r\nAction: relayed";
        assert_eq!(with("Action: failed", both), Told::Passing, "it has arrived somewhere");
        assert_eq!(with("report-type=delivery-status", "report-type=disposition-notification"), Told::Other);
        assert_eq!(with("message/delivery-status", "text/plain"), Told::Other);
        assert_eq!(with("Action: failed", "Diagnosis: none"), Told::Other);
        assert!(matches!(with("Status: 5.1.1", "Status: five"), Told::Failed(Failed { status: None, .. })));
        for none in [
            "",
            "\n\n",
            "Subject: hello\n\nAction: failed\n",
            "Content-Type: multipart/report; report-type=delivery-status\n\n",
        ] {
            assert_eq!(read(none.as_bytes()), Told::Other, "{none}");
        }
        // However it breaks off, nothing stumbles.
        for cut in 0..POSTFIX.len() {
            let _ = read(&POSTFIX.as_bytes()[..cut]);
            let mut broken = POSTFIX.as_bytes().to_vec();
            broken[cut] = 0xff;
            let _ = read(&broken);
        }
    }

    #[test]
    fn codes_and_parameters() {
        for (text, code) in [
            ("5.1.1", Some("5.1.1")),
            ("4.2.2", Some("4.2.2")),
            ("3.1.1", None),
            ("5.1", None),
            ("5.1.1.1", None),
            ("5.+1.1", None),
        ] {
            assert_eq!(text.parse::<Status>().ok().map(|status| status.to_string()).as_deref(), code, "{text}");
        }
        let kind = "multipart/report; boundary = \"a;b\" ; Report-Type=delivery-status";
        assert_eq!(parameter(kind, "report-type").as_deref(), Some("delivery-status"));
        assert_eq!(parameter(kind, "boundary").as_deref(), Some("a;b"));
        assert_eq!(
            (parameter(kind, "charset"), parameter("text/plain", "boundary"), parameter("a; b", "b")),
            (None, None, None)
        );
        assert_eq!(unquoted("a=3Db=\nc=zd="), "a=bc=zd=");
    }

    #[test]
    fn many_in_one_file() {
        let all = |text: &str| {
            let mut found = Vec::new();
            each(text.as_bytes(), |message| found.push(String::from_utf8_lossy(message).into_owned())).expect("read");
            found
        };
        let mbox = "From a Sat\nSubject: 1\n\n>From me\nFrom here\n\nFrom b Sat\nSubject: 2\n\nx\n";
        assert_eq!(all(mbox), ["Subject: 1\n\nFrom me\nFrom here\n\n", "Subject: 2\n\nx\n"]);
        assert_eq!(all("Subject: 1\n\n\nFrom b\n").len(), 1, "one message is no mbox");
        assert!(all("").is_empty() && all("\n\n").is_empty());
        let long = format!("Subject: 1\n\n{}\n", "x".repeat(3 * LONGEST));
        assert_eq!(all(&long)[0].len(), LONGEST);
    }
}
