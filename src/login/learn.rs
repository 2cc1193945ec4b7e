//! `preset = "auto"`: what answers mean is learned from the answers.
//!
//! Some shapes speak for themselves: a redirect that leads elsewhere and sets a cookie is a success, a page that asks for a password is a
//! failure, and so is a redirect back. Of what is left, the shape that most attempts end in is held for the failure as long as only one
//! is known (guesses fail far more often than they win, and to count a success as a failure costs a wait, while the opposite costs the
//! guard); once two are known, the one that sets a cookie where the other sets none is the success.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use http::header;

use super::{
    judge::{Answer, leads_back},
    ledger::End,
};

/// Most shapes that are told apart; more are taken for failures.
const SHAPES: usize = 32;
/// Answers after which a belief is held.
const ENOUGH: u64 = 20;

/// What of an answer tells its meaning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    status: u16,
    /// It sets a cookie.
    cookie: bool,
    /// It leads to the login itself, or speaks of an error.
    back: bool,
    /// It asks for a password.
    asks: bool,
}

impl Shape {
    /// The shape of `answer` to an attempt at `path`.
    #[must_use]
    pub fn of(answer: &Answer<'_>, path: &str) -> Self {
        let low = answer.body.to_ascii_lowercase();
        let asks = |quote: &[u8]| memchr::memmem::find(&low, &[b"type=", quote, b"password"].concat()).is_some();
        Self {
            status: answer.status.as_u16(),
            cookie: answer.headers.contains_key(header::SET_COOKIE),
            back: answer.status.is_redirection() && leads_back(answer.headers, path),
            asks: asks(b"\"") || asks(b"'") || asks(b""),
        }
    }

    /// What it means by itself.
    fn plain(&self) -> Option<End> {
        match self.status {
            400..=499 => Some(End::Failure),
            300..=399 if self.back => Some(End::Failure),
            300..=399 if self.cookie => Some(End::Success),
            _ if self.asks => Some(End::Failure),
            _ => None,
        }
    }
}

/// What was seen.
#[derive(Debug, Default)]
pub struct Learned(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    shapes: BTreeMap<Shape, u64>,
    all: u64,
    plain: u64,
    told: bool,
}

/// What is believed of an application.
#[derive(Debug, Clone, PartialEq)]
pub struct Belief {
    /// In words.
    pub text: String,
    /// Share of the answers whose meaning was plain or is settled, from 0 to 1.
    pub confidence: f64,
    /// Answers seen.
    pub answers: u64,
}

impl Learned {
    /// What an answer of this shape means, which counts it.
    pub fn judge(&self, shape: &Shape) -> End {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.all += 1;
        if seen.shapes.len() < SHAPES || seen.shapes.contains_key(shape) {
            *seen.shapes.entry(shape.clone()).or_default() += 1;
        }
        let end = match shape.plain() {
            Some(end) => {
                seen.plain += 1;
                end
            }
            None => seen.weigh(shape),
        };
        if seen.all == ENOUGH && !seen.told {
            seen.told = true;
            let belief = seen.belief();
            tracing::info!(belief = belief.text, confidence = belief.confidence, "a login's answers were learned");
        }
        end
    }

    /// What is believed at the moment.
    #[must_use]
    pub fn belief(&self) -> Belief {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).belief()
    }
}

impl Seen {
    /// A shape that does not speak for itself, beside the others of that kind.
    fn weigh(&self, shape: &Shape) -> End {
        let other = |known: &&Shape| **known != *shape && (known.plain() != Some(End::Success));
        let without = self.shapes.keys().filter(other).any(|known| !known.cookie);
        if shape.cookie && without { End::Success } else { End::Failure }
    }

    #[allow(clippy::cast_precision_loss)] // a share
    fn belief(&self) -> Belief {
        let mut parts: Vec<String> = self
            .shapes
            .iter()
            .map(|(shape, count)| {
                let means = if shape.plain().unwrap_or_else(|| self.weigh(shape)) == End::Success {
                    "success"
                } else {
                    "failure"
                };
                let cookie = if shape.cookie { " with a cookie" } else { "" };
                let asks = if shape.asks { " that asks for a password" } else { "" };
                let back = if shape.back { " back to the login" } else { "" };
                format!("{}{cookie}{asks}{back} is a {means} ({count})", shape.status)
            })
            .collect();
        parts.sort();
        let settled = if self.shapes.len() > 1 { self.all } else { self.plain };
        let share = if self.all == 0 { 0.0 } else { settled as f64 / self.all as f64 };
        // Few answers settle nothing.
        let confidence = share * (self.all.min(ENOUGH) as f64 / ENOUGH as f64);
        Belief {
            text: if parts.is_empty() { "nothing yet".to_owned() } else { parts.join("; ") },
            confidence,
            answers: self.all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(status: u16, cookie: bool, back: bool, asks: bool) -> Shape {
        Shape { status, cookie, back, asks }
    }

    #[test]
    fn plain_shapes_need_no_learning() {
        let learned = Learned::default();
        assert_eq!(learned.judge(&shape(302, true, false, false)), End::Success);
        assert_eq!(learned.judge(&shape(302, true, true, false)), End::Failure);
        assert_eq!(learned.judge(&shape(200, true, false, true)), End::Failure);
        assert_eq!(learned.judge(&shape(401, false, false, false)), End::Failure);
    }

    #[test]
    fn a_cookie_tells_a_success_once_failures_are_known() {
        let learned = Learned::default();
        let (no, yes) = (shape(200, false, false, false), shape(200, true, false, false));
        assert_eq!(learned.judge(&yes), End::Failure, "alone it says nothing");
        for _ in 0..ENOUGH {
            assert_eq!(learned.judge(&no), End::Failure);
        }
        assert_eq!(learned.judge(&yes), End::Success);
        let belief = learned.belief();
        assert!(belief.text.contains("200 with a cookie is a success (2)"), "{}", belief.text);
        assert!(belief.confidence > 0.99 && belief.answers == ENOUGH + 2);
    }

    #[test]
    fn what_is_not_known_is_a_failure() {
        let learned = Learned::default();
        for status in 200..299 {
            assert_eq!(learned.judge(&shape(status, false, false, false)), End::Failure);
        }
        assert!(learned.0.lock().expect("unpoisoned").shapes.len() <= SHAPES);
    }
}
