//! The application behind a route. Validated values only; `config` fills them.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;

use crate::dial;

/// A set of endpoints that serve the same application, and how to reach them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// At least one.
    pub endpoints: Vec<Endpoint>,
    /// How one of them is chosen.
    pub balance: Balance,
    /// HTTP/2 to the application (prior knowledge on `http://`, ALPN on `https://`).
    pub http2: bool,
    /// Whether the client's `Host` goes through; otherwise the endpoint's own.
    pub pass_host: bool,
    /// `Authorization` that Privet sets towards the application.
    pub authorization: Option<HeaderValue>,
    /// How long an idle connection is kept; below the application's own idle time.
    pub idle: Duration,
    /// Idle connections kept, a worker and endpoint.
    pub max_idle: usize,
    /// Active checks; `None` is off.
    pub health: Option<Health>,
    /// Passive ejection.
    pub ejection: Ejection,
    /// Retries of what was surely not processed.
    pub retry: Retry,
}

/// One address of the application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// How to connect.
    pub dial: Arc<dial::Settings>,
    /// `host[:port]` for the `Host` header when the client's is not passed.
    pub authority: String,
    /// Share of requests, 1 to 1000.
    pub weight: u32,
}

/// How an endpoint is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Balance {
    /// In turn, by weight.
    RoundRobin,
    /// The one with the fewest requests in flight for its weight.
    LeastConnections,
}

/// Active health checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Path asked by GET; a 2xx or 3xx answer is healthy.
    pub path: String,
    /// Time between checks.
    pub interval: Duration,
    /// Longest time for one check.
    pub timeout: Duration,
    /// Successes in a row that bring an endpoint back.
    pub healthy_after: u32,
    /// Failures in a row that take it out.
    pub unhealthy_after: u32,
}

/// Passive ejection after failures seen on live requests (connect errors, broken answers, 502 to 504).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ejection {
    /// Failures in a row; 0 is off.
    pub failures: u32,
    /// First time out; doubles with each ejection in a row, up to 10 times this.
    pub duration: Duration,
}

/// Retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries after the first.
    pub attempts: u32,
    /// Retries allowed, in percent of requests.
    pub budget_percent: u32,
}
