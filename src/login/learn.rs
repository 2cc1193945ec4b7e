//! What answers to attempts are like, where nobody has told: the preset `auto`.
//!
//! Some answers are failures by themselves: 400 and above, a redirect back, a page that asks for a password again, a text that says so. What
//! those set as cookies says nothing about success. Others may be successes: a redirect away with a cookie that no failure has set at
//! once, and the rest when enough failures were seen that all look otherwise. Until then they count as failures. So guessing teaches
//! only what failures look like; nobody can teach that a failure is a success by failing often.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use http::{HeaderMap, StatusCode, header};
use regex::bytes::Regex;

use super::{
    answer::{cookies, leads_back, location},
    judge::Judged,
};

/// Failures that must be seen before an answer without a sign of failure is a success.
const ENOUGH: u32 = 10;
/// Most shapes, and most cookies of failures, that are remembered.
const SHAPES: usize = 16;
const COOKIES: usize = 32;

/// What answers are like so far.
#[derive(Debug)]
pub(super) struct Learned {
    asks: Option<Regex>,
    regrets: Option<Regex>,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    failures: Shapes,
    successes: Shapes,
    cookies: Vec<String>,
}

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    status: u16,
    leads: Leads,
    body: Body,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    Nowhere,
    Back,
    Away,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Unread,
    Asks,
    Regrets,
    Plain,
}

/// What is believed of a login, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belief {
    /// What failures and successes look like.
    pub text: String,
    /// Percent: how much was seen of both.
    pub confidence: u8,
}

/// Shapes and how often each was seen.
#[derive(Debug, Default)]
struct Shapes(Vec<(Shape, u32)>);

impl Shapes {
    fn add(&mut self, shape: Shape) {
        if let Some((_, count)) = self.0.iter_mut().find(|(known, _)| *known == shape) {
            *count = count.saturating_add(1);
        } else if self.0.len() < SHAPES {
            self.0.push((shape, 1));
        }
    }

    fn total(&self) -> u32 {
        self.0.iter().fold(0, |sum: u32, (_, count)| sum.saturating_add(*count))
    }

    fn most(&self) -> Option<Shape> {
        self.0.iter().max_by_key(|(_, count)| *count).map(|(shape, _)| *shape)
    }
}

impl Default for Learned {
    fn default() -> Self {
        // Constants that a test compiles; without them fewer answers would be told apart.
        let regrets = concat!(
            r"(?i)\b(invalid|incorrect|wrong|failed|failure|denied|unauthori[sz]ed|mismatch|locked)\b",
            r#"|"(success|ok|authenticated)"\s*:\s*(false|0)"#,
            "|틀렸|틀립|틀린|일치하지|잘못|실패",
        );
        let asks = Regex::new(r#"(?i)\btype\s*=\s*["']?password\b"#).ok();
        Self { asks, regrets: Regex::new(regrets).ok(), seen: Mutex::default() }
    }
}

impl Learned {
    /// Judges an answer and learns from it.
    pub(super) fn judge(&self, login: &str, status: StatusCode, headers: &HeaderMap, body: Option<&[u8]>) -> Judged {
        if status.is_server_error() || status.is_informational() {
            return Judged::Unclear;
        }
        let mut shape = Shape { status: status.as_u16(), leads: Leads::Nowhere, body: Body::Unread };
        if let Some(location) = location(status, headers) {
            let bad = self.regrets(location) || memchr::memmem::find(location, b"error").is_some();
            shape.leads = if bad || leads_back(location, login) { Leads::Back } else { Leads::Away };
        } else if status.is_success() {
            let Some(body) = body else { return Judged::NeedsBody };
            shape.body = self.body(headers, body);
        }
        let bare = shape.leads == Leads::Nowhere && shape.body == Body::Unread;
        let fails = bare || shape.leads == Leads::Back || matches!(shape.body, Body::Asks | Body::Regrets);
        let mut seen = self.seen();
        if fails {
            seen.fail(shape, headers);
            return Judged::Failure;
        }
        let fresh = cookies(headers).any(|name| !seen.cookies.iter().any(|known| known == name));
        let clear = seen.failures.total() >= ENOUGH;
        if clear || (fresh && shape.leads == Leads::Away) {
            seen.successes.add(shape);
            return Judged::Success;
        }
        Judged::Failure
    }

    fn body(&self, headers: &HeaderMap, body: &[u8]) -> Body {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let html = kind.to_ascii_lowercase().contains("html") || body.trim_ascii_start().first() == Some(&b'<');
        if self.asks.as_ref().is_some_and(|pattern| pattern.is_match(body)) {
            Body::Asks
        } else if !html && self.regrets(body) {
            // A page may have such words in its scripts, whatever it says.
            Body::Regrets
        } else {
            Body::Plain
        }
    }

    fn regrets(&self, text: &[u8]) -> bool {
        self.regrets.as_ref().is_some_and(|pattern| pattern.is_match(text))
    }

    /// What is believed now.
    pub(super) fn belief(&self) -> Belief {
        let seen = self.seen();
        let name = |shapes: &Shapes| shapes.most().map_or("not seen yet".to_owned(), |shape| shape.to_string());
        let text = format!("failures: {}; successes: {}", name(&seen.failures), name(&seen.successes));
        let half = |count: u32| count.min(ENOUGH) * 50 / ENOUGH;
        let confidence = half(seen.failures.total()) + half(seen.successes.total());
        Belief { text, confidence: u8::try_from(confidence).unwrap_or(100) }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn fail(&mut self, shape: Shape, headers: &HeaderMap) {
        self.failures.add(shape);
        for name in cookies(headers) {
            if self.cookies.len() < COOKIES && !self.cookies.iter().any(|known| known == name) {
                self.cookies.push(name.to_owned());
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match (self.leads, self.body) {
            (Leads::Back, _) => " back to the login or to an error",
            (Leads::Away, _) => " to another path",
            (_, Body::Asks) => " with a field for a password",
            (_, Body::Regrets) => " with words of failure",
            (_, Body::Plain) => " with something else than a sign-in page",
            _ => "",
        };
        write!(f, "{}{how}", self.status)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn judge(learned: &Learned, status: u16, location: &'static str, cookie: &'static str, body: &str) -> Judged {
        let mut headers = HeaderMap::new();
        for (name, value) in [(header::LOCATION, location), (header::SET_COOKIE, cookie)] {
            if !value.is_empty() {
                headers.insert(name, HeaderValue::from_static(value));
            }
        }
        let status = StatusCode::from_u16(status).expect("a status");
        learned.judge("/login", status, &headers, Some(body.as_bytes()))
    }

    #[test]
    fn what_is_a_failure_by_itself() {
        let learned = Learned::default();
        assert!(learned.asks.is_some() && learned.regrets.is_some());
        for (status, location, body) in [
            (401, "", ""),
            (429, "", ""),
            (302, "/login?x", ""),
            (302, "/oops?error=3", ""),
            (304, "", ""),
            (200, "", "<form><INPUT type='password'>"),
            (200, "", r#"{"success": false}"#),
            (200, "", "비밀번호가 일치하지 않습니다"),
        ] {
            assert_eq!(judge(&learned, status, location, "", body), Judged::Failure, "{status} {location} {body}");
        }
        assert_eq!(judge(&learned, 500, "", "", ""), Judged::Unclear);
        let nothing = learned.judge("/login", StatusCode::OK, &HeaderMap::new(), None);
        assert_eq!(nothing, Judged::NeedsBody);
    }

    #[test]
    fn what_failures_look_like_tells_what_successes_look_like() {
        let learned = Learned::default();
        assert_eq!(judge(&learned, 302, "/home", "", ""), Judged::Failure, "nobody knows yet");
        assert_eq!(judge(&learned, 302, "/home", "sid=1", ""), Judged::Success);
        for _ in 0..10 {
            assert_eq!(judge(&learned, 200, "", "visit=1", "<input type=password>"), Judged::Failure);
        }
        assert_eq!(judge(&learned, 302, "/home", "", ""), Judged::Success);
        let belief = learned.belief();
        assert_eq!(belief.confidence, 60);
        assert_eq!(belief.text, "failures: 200 with a field for a password; successes: 302 to another path");
    }

    #[test]
    fn a_cookie_of_failures_is_no_sign_of_success() {
        let learned = Learned::default();
        judge(&learned, 401, "", "sid=1", "");
        assert_eq!(judge(&learned, 302, "/home", "sid=2", ""), Judged::Failure);
        assert_eq!(judge(&learned, 302, "/home", "sid=2; Max-Age=0", ""), Judged::Failure);
    }
}
