//! What one worker counts of one route: requests by method, status class and kind of principal, times, bytes.
//!
//! Plain counters in arrays: counting costs no lock and no look-up by name. Arrays of kinds that never come are never made.

use std::sync::OnceLock;

use http::{Method, StatusCode};

use crate::common::meter::{Counter, Exemplified};

/// Methods as metrics name them; any other is the last.
pub const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "_OTHER"];

/// How whoever asks was recognised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Not at all.
    #[default]
    Anonymous,
    /// As staff, by Privet's own sign-in.
    Staff,
    /// By an `OpenID` Connect provider.
    Oidc,
    /// By a bearer token.
    Jwt,
    /// By a client certificate.
    Certificate,
    /// By HTTP Basic.
    Basic,
}

impl Kind {
    /// All of them, in the order of the counters.
    pub const ALL: [Self; 6] = [Self::Anonymous, Self::Staff, Self::Oidc, Self::Jwt, Self::Certificate, Self::Basic];

    /// The label `principal`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Staff => "staff",
            Self::Oidc => "oidc",
            Self::Jwt => "jwt",
            Self::Certificate => "certificate",
            Self::Basic => "basic",
        }
    }
}

/// The place of a method in [`METHODS`].
#[must_use]
pub fn method(method: &Method) -> usize {
    let last = METHODS.len() - 1;
    METHODS[..last].iter().position(|name| *name == method.as_str()).unwrap_or(last)
}

/// Requests by method and status class.
type ByMethod = [[Counter; 5]; METHODS.len()];

/// Counters of one route on one worker.
#[derive(Debug, Default)]
pub struct RouteCounts {
    requests: [OnceLock<Box<ByMethod>>; Kind::ALL.len()],
    /// From the head of a request to the last byte of its answer.
    pub duration: Exemplified,
    /// From the request sent to the head of the application's answer.
    pub upstream: Exemplified,
    /// Bytes of clients' bodies.
    pub received: Counter,
    /// Bytes of answers' bodies.
    pub sent: Counter,
}

impl RouteCounts {
    /// The counter of requests like this one. `method` is a place in [`METHODS`].
    #[must_use]
    pub fn requests(&self, kind: Kind, method: usize, status: StatusCode) -> &Counter {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        &self.requests[kind as usize].get_or_init(Box::default)[method.min(METHODS.len() - 1)][class]
    }

    /// How many requests there were of a kind, method and status class, both by number.
    #[must_use]
    pub fn count(&self, kind: Kind, method: usize, class: usize) -> u64 {
        self.requests[kind as usize].get().map_or(0, |counts| counts[method][class].value())
    }
}
