//! The operator's own detectors, and values that are nobody's.

use std::{ops::Range, sync::Arc};

use aho_corasick::AhoCorasick;

use super::super::{
    checksum,
    context::{AFTER, BEFORE},
    finding::{Finding, Kind},
    settings::{Checksum, Own as Settings, Pattern},
};
use super::AHEAD;

/// One detector, ready.
#[derive(Debug)]
pub(super) struct Own {
    kind: Kind,
    regex: Pattern,
    keywords: Option<AhoCorasick>,
    max_length: usize,
    checksum: Option<Checksum>,
}

impl Own {
    pub(super) fn new(settings: &Settings) -> Self {
        // Keywords that can't be looked for decide nothing: more is found, not less.
        let keywords = AhoCorasick::builder().ascii_case_insensitive(true).build(&settings.keywords).ok();
        Self {
            kind: Kind::Own(Arc::clone(&settings.name)),
            regex: settings.regex.clone(),
            keywords: keywords.filter(|_| !settings.keywords.is_empty()),
            max_length: settings.max_length.clamp(1, AHEAD),
            checksum: settings.checksum,
        }
    }

    pub(super) fn is_named(&self, name: &[u8]) -> bool {
        self.kind.name().as_bytes() == name
    }

    /// Values that begin at or behind `from`, before `limit`; moves `from` to where looking goes on.
    pub(super) fn find(&self, text: &[u8], from: &mut usize, limit: usize) -> Vec<Finding> {
        let mut found = Vec::new();
        while *from < limit {
            let Some(begin) = self.regex.find_at(text, *from).map(|hit| hit.start()).filter(|&n| n < limit) else {
                break;
            };
            // What a value is depends on no more than its greatest length, wherever the text at hand ends.
            let window = &text[..text.len().min(begin + self.max_length + 1)];
            *from = begin + 1;
            let Some(hit) = self.regex.find_at(window, begin).filter(|hit| hit.start() == begin && !hit.is_empty())
            else {
                continue;
            };
            let open = hit.len() > self.max_length;
            if self.is_beside(text, hit.range()) && (open || self.checks(hit.as_bytes())) {
                *from = hit.end();
                let confidence = if self.keywords.is_some() || self.checksum.is_some() { 95 } else { 85 };
                found.push(Finding { open, ..Finding::new(self.kind.clone(), hit.range(), confidence) });
            }
        }
        *from = (*from).max(limit);
        found
    }

    fn is_beside(&self, text: &[u8], value: Range<usize>) -> bool {
        let Some(keywords) = &self.keywords else { return true };
        let before = &text[value.start.saturating_sub(BEFORE)..value.start];
        let after = &text[value.end..text.len().min(value.end + AFTER)];
        keywords.is_match(before) || keywords.is_match(after)
    }

    fn checks(&self, value: &[u8]) -> bool {
        let digits = || value.iter().filter(|b| b.is_ascii_digit()).map(|b| b - b'0').collect::<Vec<_>>();
        match self.checksum {
            None => true,
            Some(Checksum::Luhn) => checksum::luhn(&digits()),
            Some(Checksum::Verhoeff) => checksum::verhoeff(&digits()),
            Some(Checksum::Mod97) => {
                checksum::iban(&value.iter().copied().filter(u8::is_ascii_alphanumeric).collect::<Vec<_>>())
            }
        }
    }
}

/// Values that are nobody's.
#[derive(Debug, Default)]
pub(super) struct Allowed {
    values: Vec<String>,
    domains: Vec<String>,
    patterns: Vec<Pattern>,
}

impl Allowed {
    pub(super) fn new(settings: &super::super::settings::Settings) -> Self {
        let lower = |list: &[String]| list.iter().map(|s| s.to_ascii_lowercase()).collect();
        Self {
            values: lower(&settings.allow),
            domains: lower(&settings.allow_domains),
            patterns: settings.allow_regex.clone(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.domains.is_empty() && self.patterns.is_empty()
    }

    pub(super) fn holds(&self, kind: &Kind, value: &[u8]) -> bool {
        let lower = value.to_ascii_lowercase();
        let domain = || lower.iter().rposition(|b| *b == b'@').map(|at| &lower[at + 1..]);
        let below = |domain: &[u8], own: &String| {
            domain.strip_suffix(own.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.ends_with(b"."))
        };
        self.values.iter().any(|v| v.as_bytes() == lower)
            || *kind == Kind::Email && domain().is_some_and(|domain| self.domains.iter().any(|own| below(domain, own)))
            || self.patterns.iter().any(|pattern| pattern.is_match(value))
    }
}
