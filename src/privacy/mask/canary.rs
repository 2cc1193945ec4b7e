//! A canary: an invented person, planted into what one person is shown on one route. Wherever it turns up, it came from there.
//!
//! All of it follows from a seed of 32 bytes, so that it is the same at each look and nothing has to be kept. Whoever does not know the seed
//! can't tell it from the people around it.

mod common;
mod forger;
mod invent;
mod page;
mod word;

use std::{fmt, sync::Arc};

use aws_lc_rs::digest::{SHA256, digest};

use self::invent::Draw;
pub(super) use self::{
    forger::{Forger, Work},
    page::PageForger,
};
use super::settings::{Canaries, is_uuid};

/// So many places a planted record may have, from the fewest records of a list on.
const PLACES: u64 = 12;

/// One.
#[derive(Clone, PartialEq, Eq)]
pub struct Canary {
    rule: Arc<Canaries>,
    seed: [u8; 32],
    id: Option<String>,
    uuid: String,
    mail: String,
    phone: String,
}

impl fmt::Debug for Canary {
    /// Without whatever it is known by.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canary")
    }
}

impl Canary {
    /// The canary of a seed, as a route has them.
    #[must_use]
    pub fn new(seed: [u8; 32], rule: &Arc<Canaries>) -> Self {
        let mut canary = Self {
            rule: Arc::clone(rule),
            seed,
            id: None,
            uuid: String::new(),
            mail: String::new(),
            phone: String::new(),
        };
        canary.id = rule.ids.as_ref().map(|ids| ids.of(canary.draw(b"id").next()));
        canary.uuid = invent::uuid(&mut canary.draw(b"uuid"));
        canary.mail = invent::mail(&mut canary.draw(b"mail"), &rule.mail);
        let mut draw = canary.draw(b"phone");
        canary.phone = rule.phone.chars().map(|sign| if sign == '#' { draw.digit() } else { sign }).collect();
        canary
    }

    /// Its id where ids are numbers that the route names a range for.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Its id where ids are UUIDs.
    #[must_use]
    pub fn uuid(&self) -> &str {
        &self.uuid
    }

    /// Its address of mail.
    #[must_use]
    pub fn mail(&self) -> &str {
        &self.mail
    }

    /// Its telephone number. Another's may be the same.
    #[must_use]
    pub fn phone(&self) -> &str {
        &self.phone
    }

    /// What tells answers with it from those with another: letters and digits that lead back to nobody.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{:012x}", self.draw(b"tag").next() >> 16)
    }

    /// Whatever names people here, for the canary; `None` where that is of no form that it can have.
    pub(super) fn named(&self, like: &str) -> Option<&str> {
        match &self.rule.ids {
            Some(ids) if ids.are_like(like) => self.id(),
            _ if is_uuid(like.as_bytes()) => Some(self.uuid()),
            _ if like.contains('@') => Some(self.mail()),
            _ => None,
        }
    }

    /// How many records of a list come before it, where there are as many.
    pub(super) fn place(&self) -> usize {
        let more = usize::try_from(self.draw(b"place").below(PLACES)).unwrap_or_default();
        self.rule.least.saturating_add(more)
    }

    /// Fewest records of a list that it is planted into.
    pub(super) fn least(&self) -> usize {
        self.rule.least
    }

    /// Numbers that are this canary's own in a field of this name.
    fn draw(&self, field: &[u8]) -> Draw {
        let hash = digest(&SHA256, &[&self.seed[..], field].concat());
        Draw(hash.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

#[cfg(test)]
mod tests;
