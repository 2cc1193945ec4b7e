//! What the application made of an attempt, told by its answer.

use http::{HeaderMap, StatusCode, header};
use regex::bytes::Regex;

use super::{
    learn::{Belief, Learned, Shape},
    ledger::End,
    settings::{Criteria, Otherwise, Rule},
};

/// Most bytes of an answer that are looked at.
pub const ANSWER_LIMIT: usize = 64 << 10;

/// A pattern of a rule is none.
#[derive(Debug, thiserror::Error)]
#[error("a pattern of the login {rule} can't be used")]
pub struct Invalid {
    /// Which.
    pub rule: String,
    /// Why.
    #[source]
    pub source: regex::Error,
}

/// An answer as far as it is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// Its status.
    pub status: StatusCode,
    /// Its head.
    pub headers: &'a HeaderMap,
    /// The first [`ANSWER_LIMIT`] bytes of its body; nothing where they were not read.
    pub body: &'a [u8],
}

/// Judges the answers of one login.
#[derive(Debug)]
pub struct Judge {
    failure: Patterns,
    success: Patterns,
    otherwise: Otherwise,
    path: String,
    learned: Learned,
}

#[derive(Debug)]
struct Patterns {
    criteria: Criteria,
    location: Option<Regex>,
    body: Option<Regex>,
}

impl Judge {
    /// A judge by `rule`.
    ///
    /// # Errors
    /// When a pattern is none.
    pub fn new(rule: &Rule) -> Result<Self, Invalid> {
        let patterns = |criteria: &Criteria| {
            let compile = |text: &Option<String>| text.as_deref().map(pattern).transpose();
            Ok(Patterns {
                location: compile(&criteria.location)?,
                body: compile(&criteria.body)?,
                criteria: criteria.clone(),
            })
        };
        let invalid = |source| Invalid { rule: rule.name.clone(), source };
        Ok(Self {
            failure: patterns(&rule.failure).map_err(invalid)?,
            success: patterns(&rule.success).map_err(invalid)?,
            otherwise: rule.otherwise,
            path: rule.path.clone(),
            learned: Learned::default(),
        })
    }

    /// Whether bodies must be read to tell.
    #[must_use]
    pub fn reads_bodies(&self) -> bool {
        self.failure.body.is_some() || self.success.body.is_some() || self.otherwise == Otherwise::Learn
    }

    /// What `answer` means.
    #[must_use]
    pub fn judge(&self, answer: &Answer<'_>) -> End {
        if self.success.fit(answer) {
            return End::Success;
        }
        if self.failure.fit(answer) {
            return End::Failure;
        }
        let status = answer.status;
        if status.is_server_error() || status.is_informational() {
            return End::Unclear;
        }
        let sure = match self.otherwise {
            Otherwise::Status => Some(if status.as_u16() < 400 { End::Success } else { End::Failure }),
            Otherwise::Redirect if status.is_redirection() => {
                Some(if leads_back(answer.headers, &self.path) { End::Failure } else { End::Success })
            }
            // Criteria of the operator's own say when it has failed; whatever else is answered is no failure.
            Otherwise::Redirect => Some(if status.is_success() { End::Success } else { End::Failure }),
            Otherwise::Learn => None,
        };
        sure.unwrap_or_else(|| self.learned.judge(&Shape::of(answer, &self.path)))
    }

    /// What was learned, where it is learned.
    #[must_use]
    pub fn belief(&self) -> Option<Belief> {
        (self.otherwise == Otherwise::Learn).then(|| self.learned.belief())
    }
}

/// A pattern of `location` or `body`.
///
/// # Errors
/// When it is none.
pub fn pattern(text: &str) -> Result<Regex, regex::Error> {
    regex::bytes::RegexBuilder::new(text).size_limit(1 << 20).build()
}

impl Patterns {
    fn fit(&self, answer: &Answer<'_>) -> bool {
        let criteria = &self.criteria;
        criteria.status.contains(&answer.status.as_u16())
            || self.location.as_ref().is_some_and(|pattern| {
                answer.headers.get_all(header::LOCATION).iter().any(|value| pattern.is_match(value.as_bytes()))
            })
            || criteria.cookie.as_deref().is_some_and(|name| sets(answer.headers, name))
            || criteria.no_cookie.as_deref().is_some_and(|name| !sets(answer.headers, name))
            || self.body.as_ref().is_some_and(|pattern| pattern.is_match(answer.body))
    }
}

/// Whether a cookie called `name` is set, and not taken away.
fn sets(headers: &HeaderMap, name: &str) -> bool {
    headers.get_all(header::SET_COOKIE).iter().any(|cookie| {
        let bytes = cookie.as_bytes();
        let (pair, rest) = bytes.split_at(memchr::memchr(b';', bytes).unwrap_or(bytes.len()));
        let Some(at) = memchr::memchr(b'=', pair) else { return false };
        let gone = memchr::memmem::find(&rest.to_ascii_lowercase(), b"max-age=0").is_some();
        pair[..at].trim_ascii() == name.as_bytes() && !pair[at + 1..].is_empty() && !gone
    })
}

/// Whether a redirect leads to the login itself, or speaks of an error.
pub(super) fn leads_back(headers: &HeaderMap, path: &str) -> bool {
    let Some(location) = headers.get(header::LOCATION).and_then(|value| value.to_str().ok()) else { return true };
    let (target, query) = location.split_once('?').unwrap_or((location, ""));
    let target = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    let target = target.split('#').next().unwrap_or_default().trim_end_matches('/');
    let query = query.to_ascii_lowercase();
    target.eq_ignore_ascii_case(path.trim_end_matches('/')) || query.contains("error") || query.contains("fail")
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;
    use crate::login::testing::rule;

    fn answer(judge: &Judge, status: u16, headers: &[(&'static str, &'static str)], body: &str) -> End {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let status = StatusCode::from_u16(status).expect("a status");
        judge.judge(&Answer { status, headers: &headers, body: body.as_bytes() })
    }

    fn judge(preset: super::super::settings::Preset) -> Judge {
        Judge::new(&rule(preset)).expect("no patterns to fail")
    }

    use super::super::settings::Preset;

    #[test]
    fn a_form_that_comes_again_is_a_failure() {
        for preset in [Preset::FormRedirect, Preset::WordPress, Preset::Django, Preset::Spring] {
            let judge = judge(preset);
            assert_eq!(answer(&judge, 302, &[("location", "/account")], ""), End::Success, "{preset:?}");
            assert_eq!(
                answer(&judge, 302, &[("location", "https://a.example/login?x=1")], ""),
                End::Failure,
                "{preset:?}"
            );
            assert_eq!(answer(&judge, 302, &[("location", "/x?error")], ""), End::Failure, "{preset:?}");
            assert_eq!(answer(&judge, 403, &[], ""), End::Failure, "{preset:?}");
            assert_eq!(answer(&judge, 503, &[], ""), End::Unclear, "{preset:?}");
            if preset != Preset::Spring {
                assert_eq!(answer(&judge, 200, &[], "wrong"), End::Failure, "{preset:?}");
            }
        }
    }

    #[test]
    fn programs_are_told_by_the_status() {
        let judge = judge(Preset::Json401);
        for (status, end) in
            [(200, End::Success), (204, End::Success), (401, End::Failure), (422, End::Failure), (500, End::Unclear)]
        {
            assert_eq!(answer(&judge, status, &[], ""), end);
        }
    }

    #[test]
    fn own_criteria_take_the_place_of_the_presets() {
        let mut rule = rule(Preset::FormRedirect);
        rule.failure = Criteria { body: Some("wrong password".to_owned()), ..Criteria::default() };
        let judge = Judge::new(&rule).expect("a pattern");
        assert!(judge.reads_bodies());
        assert_eq!(answer(&judge, 200, &[], "<p>wrong password</p>"), End::Failure);
        assert_eq!(answer(&judge, 200, &[], "<p>welcome</p>"), End::Success);
        rule.failure = Criteria { no_cookie: Some("sid".to_owned()), ..Criteria::default() };
        let judge = Judge::new(&rule).expect("a pattern");
        assert_eq!(answer(&judge, 200, &[("set-cookie", "sid=; Max-Age=0")], ""), End::Failure);
        assert_eq!(answer(&judge, 200, &[("set-cookie", "sid=a; Path=/")], ""), End::Success);
        rule.failure.body = Some("(".to_owned());
        assert!(Judge::new(&rule).is_err());
    }
}
