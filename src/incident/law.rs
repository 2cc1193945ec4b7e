//! What laws ask for when people's data has left: dated data, a file a law and version. Hours, thresholds and items are theirs; what is not in a
//! file is not said by code.

use std::sync::LazyLock;

use serde::Deserialize;

use super::case::Risk;
use crate::registry::Moment;

/// The files, as they are compiled in.
const FILES: &[(&str, &str)] = &[
    ("kr-pipa-2023.toml", include_str!("laws/kr-pipa-2023.toml")),
    ("kr-pipa-2026.toml", include_str!("laws/kr-pipa-2026.toml")),
    ("gdpr.toml", include_str!("laws/gdpr.toml")),
    ("us-ca-2026.toml", include_str!("laws/us-ca-2026.toml")),
];

static LAWS: LazyLock<Vec<Law>> = LazyLock::new(|| FILES.iter().filter_map(|(_, text)| parse(text).ok()).collect());

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// English.
    pub en: String,
    /// Korean.
    pub ko: String,
}

/// From when to when a version of a law is in force.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// The first day.
    pub from: String,
    /// The first day on which it is no more.
    pub until: Option<String>,
}

/// Where a law says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Which article.
    pub article: String,
    /// The official text.
    pub url: String,
}

/// Whom a duty is towards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum To {
    /// The people whose data it was.
    People,
    /// An authority.
    Authority,
}

impl To {
    /// As it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Authority => "authority",
        }
    }
}

/// How sure it must be that data has left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// It is enough that it may have.
    Possible,
    /// It has.
    #[default]
    Confirmed,
}

/// What a clock starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Starts {
    /// That somebody knows.
    Knowledge,
    /// That the people were notified.
    Notice,
}

/// From what on a duty is one: any of it is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    /// So many people.
    pub people: Option<u64>,
    /// Sensitive data.
    #[serde(default)]
    pub sensitive: bool,
    /// Unique identifiers.
    #[serde(default)]
    pub unique_identifiers: bool,
    /// Somebody from outside.
    #[serde(default)]
    pub external_intrusion: bool,
    /// Harm that is so likely.
    pub risk: Option<Risk>,
}

/// What a notice or report has to say.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name in templates and commands.
    pub key: String,
    /// What it is called, in English.
    pub en: String,
    /// And in Korean.
    pub ko: String,
}

/// One duty.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Duty {
    /// Its name: `notice`, `possible_notice` or `report`.
    pub id: String,
    /// Towards whom.
    pub to: To,
    /// How sure it must be.
    #[serde(default)]
    pub when: When,
    /// What its clock starts with.
    pub starts: Starts,
    /// How long there is; a law that says "without delay" alone has none.
    pub hours: Option<u64>,
    /// Where it stands.
    pub article: String,
    /// What it says.
    pub rule: String,
    /// From what on; always without.
    pub threshold: Option<Threshold>,
    /// What has to be in it, in order.
    #[serde(rename = "item")]
    pub items: Vec<Item>,
}

/// One law, in one version.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Law {
    /// Its name in configurations.
    pub id: String,
    /// What people call it.
    pub name: Words,
    /// When it holds.
    pub in_force: InForce,
    /// To whom reports go.
    pub authority: Words,
    /// Where it is.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// What it asks for.
    #[serde(rename = "duty")]
    pub duties: Vec<Duty>,
}

fn parse(text: &str) -> Result<Law, toml::de::Error> {
    toml::from_str(text)
}

fn day(text: &str) -> Option<Moment> {
    Moment::parse(&format!("{text}T00:00:00Z"))
}

impl Law {
    /// All that are known, each in all of its versions.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &LAWS
    }

    /// The names of all, each once.
    #[must_use]
    pub fn ids() -> Vec<&'static str> {
        let mut ids: Vec<&str> = LAWS.iter().map(|law| law.id.as_str()).collect();
        ids.dedup();
        ids
    }

    /// The version that was in force at a time; none before the first that is known.
    #[must_use]
    pub fn at(id: &str, at: Moment) -> Option<&'static Self> {
        let holds = |law: &&Self| {
            let since = day(&law.in_force.from).is_some_and(|from| from <= at);
            since && law.in_force.until.as_deref().and_then(day).is_none_or(|until| at < until)
        };
        LAWS.iter().filter(|law| law.id == id).find(holds)
    }

    /// A duty of it.
    #[must_use]
    pub fn duty(&self, id: &str) -> Option<&Duty> {
        self.duties.iter().find(|duty| duty.id == id)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_is_a_law_that_says_where_it_stands_and_what_a_notice_holds() {
        for (name, text) in FILES {
            let law = parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(day(&law.in_force.from).is_some(), "{name}");
            assert!(law.in_force.until.as_deref().is_none_or(|until| day(until) > day(&law.in_force.from)), "{name}");
            assert!(!law.sources.is_empty() && law.sources.iter().all(|source| source.url.starts_with("https://")));
            assert!(law.duty("notice").is_some() && law.duty("report").is_some(), "{name}");
            for duty in &law.duties {
                let keys: BTreeSet<&str> = duty.items.iter().map(|item| item.key.as_str()).collect();
                assert!(keys.len() == duty.items.len() && !keys.is_empty(), "{name} {}", duty.id);
                assert!(duty.items.iter().all(|item| !item.en.is_empty() && !item.ko.is_ascii()), "{name}");
                assert!(!duty.article.is_empty() && !duty.rule.is_empty(), "{name} {}", duty.id);
            }
        }
        assert_eq!(Law::all().len(), FILES.len());
        assert_eq!(Law::ids(), ["kr-pipa", "gdpr", "us-ca"]);
    }

    #[test]
    fn the_version_in_force_counts() {
        let at = |id, day: &str| Law::at(id, Moment::parse(&format!("{day}T12:00:00Z")).expect("a day"));
        assert!(
            at("kr-pipa", "2023-09-14").is_none()
                && at("us-ca", "2025-12-31").is_none()
                && at("x", "2026-01-01").is_none()
        );
        let (before, after) = (at("kr-pipa", "2026-09-10").expect("one"), at("kr-pipa", "2026-09-11").expect("one"));
        assert!(before.duty("possible_notice").is_none() && after.duty("possible_notice").is_some());
        for law in [before, after] {
            let report = law.duty("report").expect("a duty");
            let threshold = report.threshold.clone().expect("a threshold");
            assert_eq!((report.hours, threshold.people), (Some(72), Some(1000)));
            assert!(threshold.sensitive && threshold.unique_identifiers && threshold.external_intrusion);
            assert_eq!(law.duty("notice").expect("a duty").hours, Some(72));
        }
        let california = at("us-ca", "2026-01-01").expect("one");
        assert_eq!(california.duty("notice").expect("a duty").hours, Some(30 * 24));
        assert_eq!(
            california.duty("report").map(|duty| (duty.starts, duty.hours)),
            Some((Starts::Notice, Some(15 * 24)))
        );
    }
}
