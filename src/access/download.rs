//! Why somebody takes personal data along: said in a header by machines, and on a page by people, whose browser keeps it for the one download
//! that follows, with the passphrase that the page has shown.

use std::time::{Duration, SystemTime};

use aws_lc_rs::{digest, rand};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use http::{HeaderMap, HeaderName};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::kept::{CookieKey, Holder, cookie, seconds};
use crate::seal::zip::Passphrase;

/// How machines say why.
pub const REASON: HeaderName = HeaderName::from_static("x-privet-reason");
/// How they are told the passphrase.
pub const PASSPHRASE: HeaderName = HeaderName::from_static("x-privet-passphrase");
/// The page where people say it.
pub const PATH: &str = "/.privet/download";
/// What its form's token is bound to.
pub const FORM: &str = "download";
/// The cookie that keeps a ticket.
pub const COOKIE: &str = "__Host-privet-download";
/// How long a ticket holds.
pub const LIFE: Duration = Duration::from_secs(600);
/// Most characters of a reason.
pub const LONGEST_REASON: usize = 300;

/// What a request says can't be understood; what it was is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("X-Privet-Reason stands once, and is 1 to {LONGEST_REASON} characters in UTF-8 without control characters")]
pub struct Unclear;

/// A reason as it is kept: trimmed, of some characters, and of one line.
#[must_use]
pub fn reason(text: &str) -> Option<&str> {
    let text = text.trim();
    let fits = (1..=LONGEST_REASON).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    fits.then_some(text)
}

/// The reason that `headers` say; `None` where they say nothing.
///
/// # Errors
/// When it can't be understood.
pub fn stated(headers: &HeaderMap) -> Result<Option<String>, Unclear> {
    let mut values = headers.get_all(REASON).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = std::str::from_utf8(value.as_bytes()).ok().and_then(reason).filter(|_| values.next().is_none());
    text.map(|text| Some(text.to_owned())).ok_or(Unclear)
}

/// Leave to take one file along, by the reason that was given for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// It is good once; this is how it is told.
    pub id: String,
    /// Why.
    pub reason: String,
    /// Empty where the file leaves for a key.
    passphrase: Zeroizing<String>,
    /// SHA-256 of path and query.
    target: String,
    /// Until when it holds, in seconds since 1970.
    until: u64,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ticket({})", self.id)
    }
}

impl Ticket {
    /// For what is at `target`, from `now` on. `None` when the system gives no random bytes.
    #[must_use]
    pub fn new(reason: &str, passphrase: Option<&Passphrase>, target: &str, now: SystemTime) -> Option<Self> {
        let mut id = [0; 16];
        rand::fill(&mut id).ok()?;
        Some(Self {
            id: BASE64.encode(id),
            reason: reason.to_owned(),
            passphrase: Zeroizing::new(passphrase.map_or_else(String::new, |shown| shown.text().to_owned())),
            target: hashed(target),
            until: seconds(now + LIFE),
        })
    }

    /// The passphrase that was shown, if any.
    #[must_use]
    pub fn passphrase(&self) -> Option<Passphrase> {
        Passphrase::kept(&self.passphrase)
    }

    /// The cookie's value. `None` where the cipher refuses, which it has no reason to.
    #[must_use]
    pub fn seal(&self, key: &CookieKey, holder: Holder<'_>) -> Option<String> {
        key.seal(COOKIE, self, holder)
    }

    /// What a cookie's value says, where it is this holder's, is for what is at `target`, and still holds.
    #[must_use]
    pub fn open(text: &str, key: &CookieKey, holder: Holder<'_>, target: &str, now: SystemTime) -> Option<Self> {
        let ticket = key.open(COOKIE, text, holder);
        ticket.filter(|ticket: &Self| seconds(now) < ticket.until && ticket.target == hashed(target))
    }
}

fn hashed(target: &str) -> String {
    BASE64.encode(digest::digest(&digest::SHA256, target.as_bytes()))
}

/// The value of `Set-Cookie` for a sealed ticket; an empty one takes it away.
#[must_use]
pub fn set_cookie(sealed: &str) -> String {
    cookie(COOKIE, sealed, LIFE)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use http::HeaderValue;

    use super::*;
    use crate::seal::Ring;

    #[test]
    fn a_reason_is_said_once_in_one_line() {
        let said = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(REASON, HeaderValue::from_bytes(value).expect("a value"));
            }
            stated(&headers)
        };
        assert_eq!(said(&[]), Ok(None));
        assert_eq!(said(&[b" audit of May "]), Ok(Some("audit of May".to_owned())));
        assert_eq!(said(&["5월 감사 대응".as_bytes()]), Ok(Some("5월 감사 대응".to_owned())));
        for bad in [&[&b""[..]][..], &[b"  "], &[b"a", b"b"], &[b"\xB0\xA8"], &["가".repeat(301).as_bytes()]] {
            assert_eq!(said(bad), Err(Unclear));
        }
        assert!(reason("a\nb").is_none() && reason(&"가".repeat(300)).is_some());
    }

    #[test]
    fn a_ticket_is_for_one_thing_and_ends() {
        let key = CookieKey::of(&Ring::ephemeral().expect("random bytes")).expect("a key");
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let holder = Holder { session: &[7; 32], issuer: "staff", subject: "kim", roles: &["duty"] };
        let passphrase = Passphrase::random().expect("random");
        let reason = "가".repeat(LONGEST_REASON);
        let ticket = Ticket::new(&reason, Some(&passphrase), "/export.csv?a=1", now).expect("a ticket");
        let text = ticket.seal(&key, holder).expect("sealed");
        let open = |target: &str, now: SystemTime| Ticket::open(&text, &key, holder, target, now);
        let opened = open("/export.csv?a=1", now).expect("open");
        assert_eq!((opened.passphrase(), &opened), (Some(passphrase.clone()), &ticket));
        assert!(open("/export.csv?a=2", now).is_none() && open("/export.csv?a=1", now + LIFE).is_none());
        assert!(!text.contains(passphrase.text()) && set_cookie(&text).len() < 2500, "browsers keep 4096 bytes");
        assert!(!format!("{ticket:?}").contains('가'));
    }
}
