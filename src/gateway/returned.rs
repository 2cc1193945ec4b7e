//! What comes back from a page that was masked: masked values that a form still holds become the values again, before the application
//! gets them. Where nobody can tell what a mask stood for the request is refused, for it would be written over the value.
//!
//! A form in parts may have files of any size with it: it is read as it goes by, and cut where nobody can tell.
//!
//! What people were shown is in the memory of this process alone: after a restart, and at another replica, a masked value is refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderValue, Method, header, request::Parts};
use zeroize::Zeroizing;

use crate::{
    format::{Malformed, Media, form::Form, json::Json, multipart::Multipart},
    gateway::{
        plan::Line,
        record::Record,
        refusal::{Kind, Refusal},
        request_body::{RequestBody, Through},
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

/// Most values of one answer that are remembered.
const COVERED: usize = 4096;

/// Whoever reads an answer, of whom it is remembered what they were shown in the place of values once the answer is over.
#[derive(Clone)]
pub struct Reader {
    memory: Arc<Memory>,
    principal: Arc<Principal>,
    covered: Vec<Covered>,
}

impl Reader {
    /// One who has seen nothing yet.
    #[must_use]
    pub fn new(memory: &Arc<Memory>, principal: &Arc<Principal>) -> Self {
        Self { memory: Arc::clone(memory), principal: Arc::clone(principal), covered: Vec::new() }
    }

    /// In the place of `value`, `masked` is shown in this field.
    pub fn cover(&mut self, field: &[u8], masked: &[u8], value: &[u8]) {
        if self.covered.len() < COVERED {
            let value = Zeroizing::new(value.to_vec());
            self.covered.push(Covered { field: field.into(), masked: masked.into(), value });
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if !self.covered.is_empty() {
            self.memory.remember(&self.principal, &self.covered);
        }
    }
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

    fn of(&self, principal: Option<&Principal>) -> Option<Arc<Mutex<Shown>>> {
        let people = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        principal.and_then(|principal| people.shown.get(&who(principal))).map(|(_, shown)| Arc::clone(shown))
    }

    fn read(&self, principal: Option<&Principal>, media: Media, body: &[u8]) -> Result<Outcome, Malformed> {
        let own = self.of(principal);
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

/// A form in parts on its way to the application.
#[derive(Debug)]
struct Parted {
    form: Multipart,
    shown: Option<Arc<Mutex<Shown>>>,
    /// Whether what can't be read goes on as it is.
    passes: bool,
    is_lost: bool,
}

impl Parted {
    /// What is lost can't be found again: where it may, all that follows goes by.
    fn lose(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Kind> {
        if !self.passes {
            return Err(Kind::Masked);
        }
        self.is_lost = true;
        out.extend_from_slice(bytes);
        Ok(())
    }
}

impl Through for Parted {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Kind> {
        if self.is_lost {
            out.extend_from_slice(bytes);
            return Ok(());
        }
        let shown = self.shown.clone();
        let shown = shown.as_ref().map(|shown| shown.lock().unwrap_or_else(PoisonError::into_inner));
        let mut visitor = Returned::new(shown.as_deref());
        let read = self.form.push(bytes, &mut visitor, out);
        if !visitor.unclear.is_empty() {
            return Err(Kind::Masked);
        }
        if read.is_err() {
            let held = self.form.give_up();
            return self.lose(&held, out);
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Kind> {
        if self.is_lost {
            return Ok(());
        }
        // What was held goes out either way.
        self.form.finish(out).or_else(|_| self.lose(b"", out))
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
    let passes = masking.uninspectable == Uninspectable::Pass;
    if let Some(label) = parts.headers.get(header::CONTENT_TYPE).filter(|label| Multipart::is(label.as_bytes())) {
        return match Multipart::new(label.as_bytes()) {
            Some(form) => in_parts(memory, passes, principal, form, parts, body, record).await,
            None if passes => Ok(()),
            None => Err(Refusal::caused_by(Kind::Masked, Malformed("a form in parts without one boundary"))),
        };
    }
    let media = label.and_then(Media::of);
    let Some(media @ (Media::Form | Media::Json | Media::JsonLines)) = media else { return Ok(()) };
    let is_plain = parts.headers.get(header::CONTENT_ENCODING).is_none_or(|coding| coding == "identity");
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

/// Puts the values back in a form in parts: at once where it is short, and else as it goes by.
async fn in_parts(
    memory: &Memory,
    passes: bool,
    principal: Option<&Principal>,
    form: Multipart,
    parts: &mut Parts,
    body: &mut RequestBody,
    record: &mut Record,
) -> Result<(), Refusal> {
    if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return if passes { Ok(()) } else { Err(Kind::Masked.into()) };
    }
    let shown = memory.of(principal);
    let can_restore = shown.is_some();
    let mut parted = Parted { form, shown, passes, is_lost: false };
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if body.is_collected() || length.is_some_and(|length| length <= LONGEST) {
        // Its new length is known before it goes on, which old applications want.
        let read = body.collect(LONGEST).await?;
        if !read.contains(&b'*') {
            return Ok(());
        }
        let mut new = Vec::with_capacity(read.len());
        let done = parted.push(&read, &mut new).and_then(|()| parted.finish(&mut new));
        done.inspect_err(|_| record.verdict(SAFEGUARD, "refused"))?;
        if *new != *read {
            record.verdict(SAFEGUARD, "restored");
            if length.is_some() {
                parts.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(new.len()));
            }
            body.replace(Bytes::from(new));
        }
        return Ok(());
    }
    if can_restore {
        // Nobody knows how long it will be.
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    body.pass(Box::new(parted));
    Ok(())
}
