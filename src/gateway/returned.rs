//! What comes back from a page that was masked: masked values that a form still holds become the values again, before the application
//! gets them. Where nobody can tell what a mask stood for the request is refused, for it would be written over the value.
//!
//! What people were shown is in the memory of this process alone: after a restart, and at another replica, a masked value is refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderValue, Method, header, request::Parts};

use crate::{
    format::{Malformed, Media, form::Form, json::Json},
    gateway::{
        body::RequestBody,
        plan::Line,
        record::Record,
        refusal::{Kind, Refusal},
    },
    identity::Principal,
    privacy::mask::{
        returned::{Covered, Returned, Shown},
        settings::Uninspectable,
    },
};

const SAFEGUARD: &str = "returned";
/// Most bytes of a body that is read.
const LONGEST: usize = 4 << 20;
/// Most people of whom it is remembered what they were shown.
const PEOPLE: usize = 256;

/// What people were shown in the place of values, by who they are.
#[derive(Debug, Default)]
pub struct Memory(Mutex<People>);

#[derive(Debug, Default)]
struct People {
    /// Each behind a lock of its own: one body that is read holds up nobody else.
    shown: HashMap<Who, (u64, Arc<Mutex<Shown>>)>,
    clock: u64,
}

/// Issuer and name.
type Who = (String, String);

fn who(principal: &Principal) -> Who {
    (principal.issuer.clone(), principal.subject.clone())
}

impl Memory {
    /// Remembers what somebody was shown.
    pub fn remember(&self, principal: &Principal, covered: &[Covered]) {
        let mut people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        people.clock += 1;
        let now = people.clock;
        let who = who(principal);
        if !people.shown.contains_key(&who) {
            if people.shown.len() >= PEOPLE
                && let Some(oldest) = people.shown.iter().min_by_key(|(_, (used, _))| *used).map(|(who, _)| who.clone())
            {
                people.shown.remove(&oldest);
            }
            let Some(shown) = Shown::new() else { return };
            people.shown.insert(who.clone(), (now, Arc::new(Mutex::new(shown))));
        }
        let shown = people.shown.get_mut(&who).map(|(used, shown)| {
            *used = now;
            Arc::clone(shown)
        });
        drop(people);
        if let Some(shown) = shown {
            let mut shown = shown.lock().unwrap_or_else(PoisonError::into_inner);
            for covered in covered {
                shown.remember(covered);
            }
        }
    }

    fn read(&self, principal: Option<&Principal>, media: Media, body: &[u8]) -> Result<Outcome, Malformed> {
        let people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = principal.and_then(|principal| people.shown.get(&who(principal))).map(|(_, shown)| Arc::clone(shown));
        drop(people);
        let own = own.as_ref().map(|shown| shown.lock().unwrap_or_else(PoisonError::into_inner));
        let shown = own.as_deref();
        let mut new = Vec::with_capacity(body.len());
        let visitor = Returned::new(shown);
        let finish = |visitor: &Returned<'_>, new| {
            if !visitor.unclear.is_empty() {
                Outcome::Unclear
            } else if visitor.restored > 0 {
                Outcome::Restored(new)
            } else {
                Outcome::Clear
            }
        };
        if media == Media::Form {
            let mut form = Form::new(visitor);
            form.push(body, &mut new)?;
            form.finish(&mut new)?;
            return Ok(finish(form.visitor(), new));
        }
        let mut json = if media == Media::Json { Json::new(visitor) } else { Json::lines(visitor) };
        json.push(body, &mut new)?;
        json.finish(&mut new)?;
        Ok(finish(json.visitor(), new))
    }
}

enum Outcome {
    Clear,
    Restored(Vec<u8>),
    Unclear,
}

/// Puts the values back that `parts` and `body` hold masked.
///
/// # Errors
/// When nobody can tell what a mask stands for, or the body can't be read.
pub async fn restore(
    memory: &Memory,
    line: &Line,
    principal: Option<&Principal>,
    parts: &mut Parts,
    body: &mut RequestBody,
    record: &mut Record,
) -> Result<(), Refusal> {
    let Some(masking) = &line.masking else { return Ok(()) };
    if !matches!(parts.method, Method::POST | Method::PUT | Method::PATCH) {
        return Ok(());
    }
    let label = parts.headers.get(header::CONTENT_TYPE).and_then(|label| label.to_str().ok());
    let media = label.and_then(Media::of);
    let Some(media @ (Media::Form | Media::Json | Media::JsonLines)) = media else { return Ok(()) };
    let is_plain = parts.headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
    let passes = masking.uninspectable == Uninspectable::Pass;
    if !is_plain {
        return if passes { Ok(()) } else { Err(Kind::Masked.into()) };
    }
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if passes && length.is_some_and(|length: usize| length > LONGEST) {
        return Ok(());
    }
    let read = body.collect(LONGEST).await?;
    if !read.contains(&b'*') && memchr::memmem::find(&read, b"%2A").or(memchr::memmem::find(&read, b"%2a")).is_none() {
        // JSON may write a star as \u002a.
        let escaped = media != Media::Form && memchr::memmem::find(&read, b"\\u002").is_some();
        if !escaped {
            return Ok(());
        }
    }
    match memory.read(principal, media, &read) {
        Ok(Outcome::Clear) => Ok(()),
        Ok(Outcome::Restored(new)) => {
            record.verdict(SAFEGUARD, "restored");
            if parts.headers.contains_key(header::CONTENT_LENGTH) {
                parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(new.len()));
            }
            body.replace(Bytes::from(new));
            Ok(())
        }
        Ok(Outcome::Unclear) => {
            record.verdict(SAFEGUARD, "refused");
            Err(Kind::Masked.into())
        }
        // What can't be read holds stars, and may hold a mask.
        Err(_) if passes => Ok(()),
        Err(error) => Err(Refusal::caused_by(Kind::Masked, error)),
    }
}
