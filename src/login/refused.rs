//! A refusal, and the header fields that tell when to come again.

use std::time::Duration;

use http::{HeaderName, HeaderValue, header};

use super::{
    ledger::{Denied, Why},
    pace,
    settings::{Limit, Limits},
};

/// `RateLimit` and `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10 (structured fields, RFC 9651).
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// An attempt that is not let through. It is the same for accounts that exist and those that do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// Which limit stood in the way.
    pub why: Why,
    /// When to come again; at least a second.
    pub retry_after: Duration,
    /// What the limit allows: failures, or attempts where it is the pace.
    pub limit: Limit,
    /// Whether it would be let through, had it solved a challenge.
    pub solvable: bool,
}

impl Refused {
    /// A refusal under `limits`.
    #[must_use]
    pub fn new(denied: Denied, limits: &Limits) -> Self {
        let limit = match denied.why {
            Why::Route => limits.route,
            Why::Address => limits.address,
            Why::Account => limits.account,
            Why::AccountAddress => limits.account_address,
            Why::Pace => pace::times(limits.address),
        };
        let retry_after = Duration::from_secs(denied.wait.div_ceil(1000).max(1));
        Self { why: denied.why, retry_after, limit, solvable: denied.solvable }
    }

    /// `Retry-After`, `RateLimit-Policy` and `RateLimit`.
    #[must_use]
    pub fn headers(&self) -> [(HeaderName, HeaderValue); 3] {
        let (name, seconds) = (self.why.name(), self.retry_after.as_secs());
        let Limit { count, window } = self.limit;
        // A policy's window is a whole number of seconds.
        let window = window.as_millis().div_ceil(1000);
        let value = |text: String| HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        [
            (header::RETRY_AFTER, seconds.into()),
            (RATE_LIMIT_POLICY, value(format!("\"{name}\";q={count};w={window}"))),
            (RATE_LIMIT, value(format!("\"{name}\";r=0;t={seconds}"))),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_when_to_come_again() {
        let refused = Refused::new(Denied { why: Why::Account, wait: 29_001, solvable: false }, &Limits::default());
        let headers: Vec<_> =
            refused.headers().iter().map(|(n, v)| format!("{n}: {}", v.to_str().expect("text"))).collect();
        assert_eq!(
            headers,
            ["retry-after: 30", "ratelimit-policy: \"account\";q=20;w=3600", "ratelimit: \"account\";r=0;t=30"]
        );
        let refused = Refused::new(Denied { why: Why::Pace, wait: 1, solvable: false }, &Limits::default());
        assert_eq!((refused.retry_after.as_secs(), refused.limit.count), (1, 120));
    }
}
