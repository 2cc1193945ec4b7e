//! What a rule has found, and where.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};

use super::{
    exchange::Eye,
    rule::{Rule, Scope},
};

/// Longest sample that is kept, in bytes.
const LONGEST: usize = 160;
/// Most places of one finding that are named.
const PLACES: usize = 10;

/// What a rule says of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// What it is about: a cookie, a header, a parameter. Together with the rule it is the finding's identity.
    pub subject: String,
    /// What was seen, not scrubbed yet.
    pub sample: String,
}

impl Seen {
    /// `sample` of `subject`.
    #[must_use]
    pub fn new(subject: impl Into<String>, sample: impl Into<String>) -> Self {
        Self { subject: subject.into(), sample: sample.into() }
    }

    /// Something that has no name of its own.
    #[must_use]
    pub fn sample(sample: impl Into<String>) -> Self {
        Self::new("", sample)
    }

    /// That something is absent.
    #[must_use]
    pub fn absent() -> Vec<Self> {
        vec![Self::new("", "")]
    }
}

/// One finding. All its texts are scrubbed, in one line and short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Of what.
    pub rule: &'static Rule,
    /// What it is about, where it has a name.
    pub subject: String,
    /// Where: URLs without query, files, addresses; the first ones, never none.
    pub places: Vec<String>,
    /// What was seen.
    pub sample: String,
    /// How often.
    pub times: u64,
}

impl Finding {
    /// One that was seen once.
    #[must_use]
    pub fn new(rule: &'static Rule, place: &str, seen: &Seen, eye: &dyn Eye) -> Self {
        let clean = |text: &str| shown(text, eye);
        Self { rule, subject: clean(&seen.subject), places: vec![clean(place)], sample: clean(&seen.sample), times: 1 }
    }

    /// What tells it from others, and stays the same from scan to scan: rule, subject and, for what is a page's own, the page.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let page = match self.rule.scope {
            Scope::Site => String::new(),
            Scope::Page => self.places.first().map(|place| path(place)).unwrap_or_default(),
        };
        let text = [self.rule.id, &self.subject, &page].join("\n");
        hexadecimal(&digest(&SHA256, text.as_bytes()).as_ref()[..16])
    }
}

/// Findings, each once.
#[derive(Debug, Default)]
pub struct Findings(Vec<(String, Finding)>);

impl Findings {
    /// Takes one in, with those that are the same.
    pub fn add(&mut self, finding: Finding) {
        let fingerprint = finding.fingerprint();
        match self.0.iter_mut().find(|(known, _)| *known == fingerprint) {
            Some((_, known)) => {
                known.times += finding.times;
                for place in finding.places {
                    if known.places.len() < PLACES && !known.places.contains(&place) {
                        known.places.push(place);
                    }
                }
            }
            None => self.0.push((fingerprint, finding)),
        }
    }

    /// All of them, the gravest first.
    #[must_use]
    pub fn sorted(self) -> Vec<Finding> {
        let mut all: Vec<Finding> = self.0.into_iter().map(|(_, finding)| finding).collect();
        all.sort_by(|a, b| {
            b.rule.severity.cmp(&a.rule.severity).then(a.rule.id.cmp(b.rule.id)).then(a.subject.cmp(&b.subject))
        });
        all
    }
}

/// Bytes as people write them.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// `text` without what is personal in it, without signs that move a cursor, and short.
#[must_use]
pub fn shown(text: &str, eye: &dyn Eye) -> String {
    let clean = eye.scrub(text);
    let mut out = String::new();
    for c in clean.chars() {
        if out.len() >= LONGEST {
            out.push('…');
            break;
        }
        match c {
            '\n' | '\r' | '\t' => out.push(' '),
            // What turns the direction of writing round makes a text look like another.
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('?'),
            c if c.is_control() => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

/// The path of a URL, whose numbers stand for any, so that one page of many records is one page.
fn path(place: &str) -> String {
    let rest = place.split_once("://").map_or(place, |(_, rest)| rest.find('/').map_or("/", |at| &rest[at..]));
    let any = |segment: &str| {
        let number = !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit());
        if number { "*".to_owned() } else { segment.to_owned() }
    };
    rest.split('/').map(any).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::{super::exchange::Blind, *};
    use crate::scan::rules;

    #[test]
    fn a_finding_is_itself_on_another_port_and_another_record() {
        let rule = rules::named("stack-trace").expect("a rule");
        let of = |place: &str| Finding::new(rule, place, &Seen::sample("x"), &Blind).fingerprint();
        assert_eq!(of("http://127.0.0.1:9000/customers/17"), of("https://shop.example/customers/4"));
        assert_ne!(of("http://127.0.0.1:9000/customers/17"), of("http://127.0.0.1:9000/orders/17"));
        let site = rules::named("csp-missing").expect("a rule");
        let of = |place: &str| Finding::new(site, place, &Seen::default(), &Blind).fingerprint();
        assert_eq!(of("http://a/b"), of("http://a/c"));
    }

    #[test]
    fn a_sample_is_short_and_moves_no_cursor() {
        let text = format!("a\u{1b}[2J\n{}", "é".repeat(500));
        let shown = shown(&text, &Blind);
        assert!(shown.starts_with("a\\u{1b}[2J é") && shown.len() < LONGEST + 8, "{shown}");
    }
}
