//! What a realm is asked about one request, and what it answers when somebody may not pass yet.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderValue};
use rustls::pki_types::CertificateDer;

use super::{form, settings::Gate};

/// One request, as far as it tells who asks.
#[derive(Debug)]
pub struct Ask<'a> {
    /// Its head, cleaned.
    pub headers: &'a HeaderMap,
    /// What the client proved in the TLS handshake.
    pub client_certificate: Option<&'a CertificateDer<'a>>,
    /// The client's address.
    pub address: IpAddr,
    /// The time.
    pub now: SystemTime,
    /// Path and query to come back to after a sign-in.
    pub target: &'a str,
    /// Whether a person's browser asks; else a program does.
    pub wants_html: bool,
}

/// Why somebody may not pass, and what would mend it.
#[derive(Debug, PartialEq, Eq)]
pub enum Need {
    /// Nobody is known by this request.
    SignIn {
        /// Where a browser is sent, by 303.
        location: HeaderValue,
        /// `WWW-Authenticate` of the 401 that a program gets.
        challenge: HeaderValue,
    },
    /// Who asks is known, and has to prove more, or again.
    StepUp {
        /// Where a browser is sent, by 303; a program gets 403.
        location: HeaderValue,
    },
    /// Who asks is known, and may not: 403.
    Forbidden,
    /// Too many attempts, or too many at once: 429 with `Retry-After`.
    Wait {
        /// How long.
        retry_after: Duration,
    },
}

impl Need {
    /// Nobody is known by this request: people sign in at `page`, programs by what `challenge` says.
    #[must_use]
    pub fn sign_in(realm: &str, page: &'static str, challenge: Option<HeaderValue>, ask: &Ask<'_>) -> Self {
        let own = || HeaderValue::from_str(&format!("Privet realm=\"{realm}\"")).ok();
        Self::SignIn {
            location: form::location(page, ask.target),
            // A realm's name is of letters, digits and dashes.
            challenge: challenge.or_else(own).unwrap_or(HeaderValue::from_static("Privet")),
        }
    }

    /// What `gate` asks of `principal` besides being known; nothing where they may pass.
    #[must_use]
    pub fn of(principal: &super::principal::Principal, gate: &Gate, ask: &Ask<'_>) -> Option<Self> {
        if !principal.has_one_of(&gate.roles) {
            return Some(Self::Forbidden);
        }
        // A proof from the future is one from before the clock was set back: as old as can be.
        let age = ask.now.duration_since(principal.authenticated_at);
        if gate.max_age.is_some_and(|most| age.is_err() || age.is_ok_and(|age| age > most)) {
            return Some(Self::StepUp { location: form::location(form::SIGN_IN, ask.target) });
        }
        (gate.second_factor && !principal.has_second_factor())
            .then(|| Self::StepUp { location: form::location(form::OTP, ask.target) })
    }
}
