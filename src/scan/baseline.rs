//! What is known already: findings of an earlier scan, and those that somebody has accepted, with a reason and for a time.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime, macros::format_description};

use super::finding::Finding;
use crate::common::replace::replace;

/// Longest reason, in bytes.
const LONGEST_REASON: usize = 300;

/// A file of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// Each once.
    pub findings: Vec<Known>,
}

/// One that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Its fingerprint.
    pub fingerprint: String,
    /// The rule's name.
    pub rule: String,
    /// What it was about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub subject: String,
    /// Where it was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// Who says that it may stay, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

/// A finding that may stay for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accepted {
    /// Why.
    pub reason: String,
    /// The last day, such as 2026-12-31.
    pub until: String,
}

/// How a finding stands to what was known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Not known.
    New,
    /// Known, and still there.
    Known,
    /// Accepted for now.
    Accepted(Accepted),
    /// Accepted once, until a day that is over.
    Expired(Accepted),
}

impl State {
    /// As it is written.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Known => "known",
            Self::Accepted(_) => "accepted",
            Self::Expired(_) => "expired",
        }
    }

    /// Whether it counts where a scan is to fail.
    #[must_use]
    pub fn counts(&self) -> bool {
        matches!(self, Self::New | Self::Expired(_))
    }
}

/// Why a file can't be used, or a finding not be accepted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Not to be read or written.
    #[error("the baseline can't be read or written: {0}")]
    Io(#[from] io::Error),
    /// No such file.
    #[error("the baseline is no file of `privet scan --update-baseline`: {0}")]
    Form(#[from] serde_json::Error),
    /// A day that is none.
    #[error("`{0}` is no day such as 2026-12-31")]
    Day(String),
    /// No reason, or a long one.
    #[error("say why in one line of at most {LONGEST_REASON} bytes (--reason)")]
    Reason,
    /// Not in the file.
    #[error(
        "no finding of the baseline has a fingerprint that begins with `{0}`; --update-baseline takes in what is found"
    )]
    Unknown(String),
    /// More than one in the file.
    #[error("several findings of the baseline have a fingerprint that begins with `{0}`: write more of it")]
    Ambiguous(String),
}

impl Baseline {
    /// Reads a file.
    ///
    /// # Errors
    /// When it is not there, or no such file.
    pub fn open(file: &Path) -> Result<Self, Error> {
        let baseline: Self = serde_json::from_slice(&fs::read(file)?)?;
        for accepted in baseline.findings.iter().filter_map(|known| known.accepted.as_ref()) {
            day(&accepted.until)?;
        }
        Ok(baseline)
    }

    /// Writes it, all at once.
    ///
    /// # Errors
    /// When that is not possible.
    pub fn write(&self, file: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        Ok(replace(file, 0o644, text.as_bytes())?)
    }

    /// How a finding stands to it on a day.
    #[must_use]
    pub fn state(&self, finding: &Finding, today: OffsetDateTime) -> State {
        let fingerprint = finding.fingerprint();
        let Some(known) = self.findings.iter().find(|known| known.fingerprint == fingerprint) else {
            return State::New;
        };
        match &known.accepted {
            None => State::Known,
            Some(accepted) if day(&accepted.until).is_ok_and(|last| today.date() <= last) => {
                State::Accepted(accepted.clone())
            }
            Some(accepted) => State::Expired(accepted.clone()),
        }
    }

    /// What was known and is found no more.
    #[must_use]
    pub fn fixed(&self, findings: &[Finding]) -> Vec<Known> {
        let there: Vec<String> = findings.iter().map(Finding::fingerprint).collect();
        self.findings.iter().filter(|known| !there.contains(&known.fingerprint)).cloned().collect()
    }

    /// Takes what was found for known; what was accepted stays so.
    #[must_use]
    pub fn updated(&self, findings: &[Finding]) -> Self {
        let one = |finding: &Finding| {
            let fingerprint = finding.fingerprint();
            let known = self.findings.iter().find(|known| known.fingerprint == fingerprint);
            Known {
                rule: finding.rule.id.to_owned(),
                subject: finding.subject.clone(),
                place: finding.places.first().cloned().unwrap_or_default(),
                accepted: known.and_then(|known| known.accepted.clone()),
                fingerprint,
            }
        };
        Self { findings: findings.iter().map(one).collect() }
    }

    /// Accepts one by the beginning of its fingerprint.
    ///
    /// # Errors
    /// When it is not known, or nothing sensible is said of it.
    pub fn accept(&mut self, fingerprint: &str, reason: &str, until: &str) -> Result<&Known, Error> {
        day(until)?;
        let reason = reason.trim();
        if reason.is_empty() || reason.len() > LONGEST_REASON || reason.contains(char::is_control) {
            return Err(Error::Reason);
        }
        let mut found = self.findings.iter_mut().filter(|known| known.fingerprint.starts_with(fingerprint));
        match (found.next().filter(|_| !fingerprint.is_empty()), found.next()) {
            (Some(known), None) => {
                known.accepted = Some(Accepted { reason: reason.to_owned(), until: until.to_owned() });
                Ok(known)
            }
            (None, _) => Err(Error::Unknown(fingerprint.to_owned())),
            (Some(_), Some(_)) => Err(Error::Ambiguous(fingerprint.to_owned())),
        }
    }
}

fn day(text: &str) -> Result<Date, Error> {
    Date::parse(text, format_description!("[year]-[month]-[day]")).map_err(|_| Error::Day(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::{
        super::{exchange::Blind, finding::Seen, rules},
        *,
    };

    fn finding(id: &str) -> Finding {
        Finding::new(rules::named(id).expect("a rule"), "https://shop.example/a", &Seen::default(), &Blind)
    }

    #[test]
    fn what_is_new_fixed_and_accepted() {
        let before = [finding("csp-missing"), finding("stack-trace")];
        let mut baseline = Baseline::default().updated(&before);
        let fingerprint = before[1].fingerprint();
        baseline.accept(&fingerprint[..8], "mended in May", "2026-05-31").expect("accepted");
        let now = [finding("stack-trace"), finding("nosniff-missing")];
        let on = |finding: &Finding, today| baseline.state(finding, today);
        assert_eq!(on(&now[0], datetime!(2026-05-31 23:00 UTC)).name(), "accepted");
        let expired = on(&now[0], datetime!(2026-06-01 0:00 UTC));
        assert!(expired.name() == "expired" && expired.counts());
        assert!(on(&now[1], datetime!(2026-05-01 0:00 UTC)).counts());
        assert_eq!(on(&before[0], datetime!(2026-05-01 0:00 UTC)), State::Known);
        assert_eq!(baseline.fixed(&now).iter().map(|known| &*known.rule).collect::<Vec<_>>(), ["csp-missing"]);
        let updated = baseline.updated(&now);
        assert!(updated.findings[0].accepted.is_some() && updated.findings[1].accepted.is_none());
    }

    #[test]
    fn nothing_is_accepted_without_reason_day_and_name() {
        let mut baseline = Baseline::default().updated(&[finding("csp-missing"), finding("stack-trace")]);
        assert!(matches!(baseline.accept("zz", "why", "2026-05-31"), Err(Error::Unknown(_))));
        assert!(matches!(baseline.accept("", "why", "2026-05-31"), Err(Error::Unknown(_) | Error::Ambiguous(_))));
        let one = baseline.findings[0].fingerprint.clone();
        assert!(matches!(baseline.accept(&one, " ", "2026-05-31"), Err(Error::Reason)));
        assert!(matches!(baseline.accept(&one, "why", "tomorrow"), Err(Error::Day(_))));
    }
}
