//! The grade of a site's transport and headers: a hundred points less those of each rule that finds something, once a rule, and never below nought.
//!
//! A+ is 100, A from 90, B from 80, C from 70, D from 60, E from 50, F below. A rule without points tells of a fault that is no matter of headers; it changes no grade.

use super::finding::Finding;

/// A grade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grade {
    /// Of a hundred.
    pub points: u8,
}

impl Grade {
    /// Of what was found on a site.
    #[must_use]
    pub fn of<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> Self {
        let mut rules: Vec<_> = findings.into_iter().map(|finding| finding.rule).collect();
        rules.sort_by_key(|rule| rule.id);
        rules.dedup();
        let lost: u32 = rules.iter().map(|rule| u32::from(rule.points)).sum();
        Self { points: u8::try_from(100_u32.saturating_sub(lost)).unwrap_or(0) }
    }

    /// Its letter.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self.points {
            100.. => "A+",
            90.. => "A",
            80.. => "B",
            70.. => "C",
            60.. => "D",
            50.. => "E",
            _ => "F",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{exchange::Blind, finding::Seen, rules},
        *,
    };

    #[test]
    fn a_rule_counts_once() {
        let of = |ids: &[(&str, &str)]| {
            let one = |(id, subject): &(&str, &str)| {
                Finding::new(rules::named(id).expect("a rule"), "/", &Seen::new(*subject, ""), &Blind)
            };
            Grade::of(&ids.iter().map(one).collect::<Vec<_>>())
        };
        assert_eq!(of(&[]).letter(), "A+");
        assert_eq!(of(&[("nosniff-missing", "")]).letter(), "A");
        assert_eq!(of(&[("cookie-without-secure", "a"), ("cookie-without-secure", "b")]).points, 85);
        assert_eq!(of(&[("stack-trace", "a")]).letter(), "A+");
        let all: Vec<(&str, &str)> = rules::all().map(|rule| (rule.id, "")).collect();
        assert_eq!((of(&all).points, of(&all).letter()), (0, "F"));
    }
}
