//! A file with personal data that is taken along: a reason is asked for, it leaves sealed, and in whose hands it is goes to the journal.
//!
//! Whether an answer is a file is known once the application has answered. A person without a reason is led to a page that asks for it, shows a
//! passphrase, and leads back, by a ticket that is good once; a program says why with the request, and is told the passphrase with the answer.
//! On a route with personal data every file counts: what is in one is known when all of it has been read, and by then it would have left.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header, request::Parts};
use time::{OffsetDateTime, UtcOffset};

use crate::{
    access::{
        download::{self, PASSPHRASE, Ticket},
        download_page::{self, File, Sent, Trouble},
    },
    common::clock,
    gateway::{
        access::{Authority, holder},
        archive::{Archive, Envelope},
        body::Body,
        custody::Custody,
        disposition,
        gate::wants_html,
        head::Head,
        mask,
        plan::Line,
        refusal::{Kind, Refusal},
        witness::Witness,
    },
    identity::{
        Principal, Realm, form,
        guest::{self, Guest},
        serve::Call,
    },
    privacy::{Engine, Tally},
    registry::Moment,
    seal::{
        age::{Age, Recipient},
        zip::{Passphrase, Zip},
    },
};

/// Most tickets that are remembered as used: they hold for ten minutes, and people type a reason for each.
const TICKETS: usize = 1 << 14;

/// Tickets that were used, until they have run out anyway.
#[derive(Debug, Default)]
pub struct Spent(Mutex<HashMap<String, u64>>);

impl Spent {
    /// Uses a ticket up; whether it was good until now.
    fn spend(&self, id: &str) -> bool {
        let now = clock::millis();
        let mut spent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.len() >= TICKETS {
            spent.retain(|_, until| *until > now);
        }
        let life = u64::try_from(download::LIFE.as_millis()).unwrap_or(u64::MAX);
        // With no room left nobody can tell whether it was used.
        spent.len() < TICKETS && spent.insert(id.to_owned(), now.saturating_add(life)).is_none()
    }
}

/// What a request has to say for itself, should its answer be a file.
pub struct Wish {
    authority: Arc<Authority>,
    spent: Arc<Spent>,
    engine: Arc<Engine>,
    /// Their own key, where they have one.
    recipient: Option<Recipient>,
    leave: Option<Leave>,
    /// Where a person is led who has not said why.
    page: Option<HeaderValue>,
}

enum Leave {
    Stated(String),
    Ticket(Box<Ticket>),
}

impl std::fmt::Debug for Wish {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wish")
    }
}

/// What is said on `line`, where files leave sealed; nothing anywhere else.
///
/// # Errors
/// When a program says what can't be understood.
pub fn wish(
    authority: &Arc<Authority>,
    spent: &Arc<Spent>,
    line: &Line,
    who: &Principal,
    head: &Head,
    parts: &Parts,
) -> Result<Option<Box<Wish>>, Refusal> {
    if !line.route.seals_downloads {
        return Ok(None);
    }
    let stated = download::stated(&head.stated).map_err(|unclear| Refusal::caused_by(Kind::Reason, unclear))?;
    let leave = match stated {
        Some(reason) => Some(Leave::Stated(reason)),
        None => ticket(authority, who, head, &parts.headers).map(|ticket| Leave::Ticket(Box::new(ticket))),
    };
    let page = wants_html(parts).then(|| {
        let page = form::location(form::DOWNLOAD, head.target.as_str());
        let by_form = !parts.method.is_safe();
        let text =
            page.to_str().ok().filter(|text| by_form && text.contains('?')).map(|text| format!("{text}{BY_FORM}"));
        text.and_then(|text| HeaderValue::from_str(&text).ok()).unwrap_or(page)
    });
    let recipient = authority.access.settings().recipient(&who.issuer, &who.subject).cloned();
    let (authority, spent, engine) = (Arc::clone(authority), Arc::clone(spent), Arc::clone(&line.engine));
    Ok(Some(Box::new(Wish { authority, spent, engine, recipient, leave, page })))
}

/// What the query of the page says where the file was the answer to a form.
const BY_FORM: &str = "&sent=1";

/// The ticket that a browser keeps for what it asks for.
fn ticket(authority: &Authority, who: &Principal, head: &Head, headers: &HeaderMap) -> Option<Ticket> {
    let text = form::cookie(headers, download::COOKIE)?;
    let session = guest::session(headers)?;
    let roles: Vec<&str> = who.roles.iter().map(String::as_str).collect();
    Ticket::open(text, &authority.cookies, holder(&session, who, &roles), head.target.as_str(), clock::now())
}

/// What becomes of a file.
pub enum Granted {
    /// It leaves so.
    Sealed(Box<Sealing>),
    /// A person is led to the page first.
    Elsewhere(Box<Response<Body>>),
}

/// How a file leaves.
pub struct Sealing {
    envelope: Envelope,
    name: String,
    custody: Custody,
    /// What the client is told besides.
    said: Option<(header::HeaderName, HeaderValue)>,
}

impl Wish {
    /// How the file with these `headers` leaves; the way to the page for a person who has not said why.
    ///
    /// # Errors
    /// When nobody has said why, or there is no randomness for a passphrase.
    pub fn grant(self, headers: &HeaderMap) -> Result<Granted, Refusal> {
        let leave = self.leave.filter(|leave| match leave {
            Leave::Stated(_) => true,
            Leave::Ticket(ticket) => self.spent.spend(&ticket.id),
        });
        let (reason, passphrase, said) = match leave {
            Some(Leave::Stated(reason)) if self.recipient.is_some() => (reason, None, None),
            Some(Leave::Stated(reason)) => {
                let passphrase = Passphrase::random().ok_or_else(unsealed)?;
                let mut told = HeaderValue::from_str(passphrase.text()).map_err(|_| unsealed())?;
                told.set_sensitive(true);
                (reason, Some(passphrase), Some((PASSPHRASE, told)))
            }
            Some(Leave::Ticket(ticket)) => {
                let used = HeaderValue::from_str(&download::set_cookie("")).map_err(|_| unsealed())?;
                let passphrase = ticket.passphrase();
                (ticket.reason, passphrase, Some((header::SET_COOKIE, used)))
            }
            None => {
                return self
                    .page
                    .map(|page| Granted::Elsewhere(Box::new(see_other(page))))
                    .ok_or_else(|| Kind::Reason.into());
            }
        };
        let settings = self.authority.access.settings();
        let name = name(&self.engine, headers);
        let now = clock::now();
        let (envelope, opened_by) = match (&self.recipient, passphrase) {
            (Some(recipient), _) => (Age::new(recipient).map(|age| Envelope::Age(Box::new(age))), "key"),
            (None, Some(passphrase)) => {
                let offset = UtcOffset::from_whole_seconds(i32::from(settings.utc_offset) * 60);
                let at = OffsetDateTime::from(now).to_offset(offset.unwrap_or(UtcOffset::UTC));
                (Zip::new(&name, &passphrase, at).map(|zip| Envelope::Zip(Box::new(zip))), "passphrase")
            }
            // Their key was taken out of the configuration since the page.
            (None, None) => (None, ""),
        };
        let envelope = envelope.ok_or_else(unsealed)?;
        let custody = Custody::new(reason, Moment::from(now).after(settings.download_expiry), opened_by);
        Ok(Granted::Sealed(Box::new(Sealing { envelope, name, custody, said })))
    }

    /// Makes the head of a file that of an archive, where nothing but the head is asked for.
    pub fn dress(&self, headers: &mut HeaderMap) {
        let name = name(&self.engine, headers);
        dress(headers, &name, if self.recipient.is_some() { Envelope::AGE } else { Envelope::ZIP });
    }
}

/// What the file with these headers is called in its archive, where everybody can read it: a name in which something personal is found is none.
fn name(engine: &Engine, headers: &HeaderMap) -> String {
    disposition::file_name(headers, |name| !engine.scrub(name.as_bytes(), &mut Vec::new(), &mut Tally::default()))
}

/// It can't be sealed, so it does not leave.
fn unsealed() -> Refusal {
    Kind::Unrecorded.into()
}

fn see_other(page: HeaderValue) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    answer.headers_mut().insert(header::LOCATION, page);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

impl Sealing {
    /// Seals `answer`, of which `witness` is told in whose hands it is.
    #[must_use]
    pub fn seal(self, answer: Response<Body>, witness: Option<&Witness>) -> Response<Body> {
        let (mut parts, body) = answer.into_parts();
        dress(&mut parts.headers, &self.name, self.envelope.face());
        if let Some((name, value)) = self.said {
            parts.headers.append(name, value);
        }
        let archive = Archive::new(body, self.envelope, self.custody.sealed());
        if let Some(witness) = witness {
            witness.hand_over(self.custody);
        }
        Response::from_parts(parts, Body::sealed(archive))
    }
}

/// Makes the head of a file that of an archive which holds a file of this name; `face` is its media type, and the end of its own name.
fn dress(headers: &mut HeaderMap, name: &str, face: (&'static str, &'static str)) {
    mask::keep_private(headers);
    for of_the_file in [header::ETAG, header::LAST_MODIFIED, header::CONTENT_ENCODING, header::CONTENT_RANGE] {
        headers.remove(of_the_file);
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(face.0));
    headers.insert(header::CONTENT_DISPOSITION, disposition::attachment(&format!("{name}.{}", face.1)));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// The page where people say why, and are shown the passphrase.
pub async fn serve_page(authority: &Authority, realm: &Arc<Realm>, call: &Call) -> Response<Bytes> {
    let guest = match realm.guest(call, download::PATH, download::FORM).await {
        Ok(guest) => guest,
        Err(answer) => return answer,
    };
    let query = call.request.uri().query();
    let target = form::return_path(query);
    let by_form = query.is_some_and(|query| query.ends_with(BY_FORM));
    let target = Some(&*target).filter(|target| *target != "/");
    let file = File { target, by_form, korean: guest.is_korean() };
    let ask = |trouble: Option<Trouble>, status| {
        let query = Guest::query(call) + if by_form { BY_FORM } else { "" };
        let (title, main) = download_page::ask(&file, trouble, &guest.token, &query);
        guest.page(title, &main, status)
    };
    let Some(target) = target.filter(|_| call.request.method() == Method::POST) else {
        return ask(None, StatusCode::OK);
    };
    let sent = Sent::read(call.request.body());
    if !realm.has_given(call, download::FORM, &sent.token) {
        return ask(Some(Trouble::Stale), StatusCode::BAD_REQUEST);
    }
    let Some(reason) = sent.reason() else { return ask(Some(Trouble::Reason), StatusCode::UNPROCESSABLE_ENTITY) };
    let who = &*guest.principal;
    let roles: Vec<&str> = who.roles.iter().map(String::as_str).collect();
    let has_key = authority.access.settings().recipient(&who.issuer, &who.subject).is_some();
    let passphrase = if has_key { None } else { Passphrase::random() };
    let sealed = || {
        let ticket = Ticket::new(reason, passphrase.as_ref(), target, call.now)?;
        let sealed = ticket.seal(&authority.cookies, holder(&guest.session, who, &roles))?;
        HeaderValue::from_str(&download::set_cookie(&sealed)).ok()
    };
    let cookie = if has_key || passphrase.is_some() { sealed() } else { None };
    let Some(cookie) = cookie else { return ask(Some(Trouble::Stale), StatusCode::SERVICE_UNAVAILABLE) };
    let (title, main) = download_page::show(&file, passphrase.as_ref());
    let mut answer = guest.page(title, &main, StatusCode::OK);
    answer.headers_mut().append(header::SET_COOKIE, cookie);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once() {
        let spent = Spent::default();
        assert!(spent.spend("a") && spent.spend("b") && !spent.spend("a"));
    }

    #[test]
    fn the_head_of_an_archive_says_nothing_of_the_file() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("content-type", "text/csv; charset=euc-kr"),
            ("content-encoding", "gzip"),
            ("content-length", "12"),
            ("etag", "\"x\""),
            ("last-modified", "Sat, 28 Nov 2026 00:00:00 GMT"),
            ("repr-digest", "sha-256=:x:"),
            ("content-disposition", "attachment; filename=a.csv"),
            ("cache-control", "public"),
            ("accept-ranges", "bytes"),
            ("content-language", "ko"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        dress(&mut headers, "a.csv", Envelope::ZIP);
        let mut left: Vec<_> =
            headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        left.sort();
        let expected = [
            "cache-control: private, no-store",
            "content-disposition: attachment; filename=\"a.csv.zip\"",
            "content-language: ko",
            "content-type: application/zip",
            "x-content-type-options: nosniff",
        ];
        assert_eq!(left, expected);
    }
}
