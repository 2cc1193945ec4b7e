//! A relying party of `OpenID` Connect: the code flow with PKCE (Core 1.0, section 3.1; RFC 7636; RFC 9700), sign-out at the provider,
//! and its word that a session has ended.
//!
//! - [`flow`], [`spent`]: a sign-in under way, kept by the browser, and used once.
//! - [`token`]: a code becomes claims.
//! - [`logout`]: the end of sessions, from either side.

pub mod flow;
pub mod logout;
pub mod spent;
pub mod token;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderValue};

use self::{
    flow::{Flow, FlowKey, PATIENCE},
    spent::Spent,
};
use super::{claims::Claims, fetch::encoded, jwt::LEEWAY, provider::Provider, settings};
use crate::{
    identity::{
        form::{self, Fields},
        principal::{Method, Principal},
    },
    seal::Ring,
};

/// Where a sign-in begins.
pub const START: &str = "/.privet/oidc/start";
/// Where the provider sends people back to.
pub const CALLBACK: &str = "/.privet/oidc/callback";
/// Where the provider tells that a session has ended.
pub const LOGOUT: &str = "/.privet/oidc/backchannel-logout";

/// The URL that the provider must know us by.
#[must_use]
pub fn redirect_uri(host: &str) -> String {
    format!("https://{host}{CALLBACK}")
}

/// One provider, as a realm uses it.
#[derive(Debug)]
pub struct Oidc {
    settings: settings::Oidc,
    provider: Arc<Provider>,
    key: FlowKey,
    states: Spent,
    logouts: Spent,
}

/// Why a browser that came back is not signed in.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It brings nothing that we have asked for, or brings it again, or too late.
    #[error("the answer fits no sign-in under way")]
    State,
    /// The provider says no, or people did.
    #[error("the provider answers with an error")]
    Denied,
    /// Another provider has answered (RFC 9207).
    #[error("another issuer answers")]
    Issuer,
    /// The code became no claims.
    #[error("the code is worth nothing")]
    Token(#[from] token::Error),
    /// The claims name nobody.
    #[error("the claim that names people is missing, or can be no name")]
    Subject,
    /// They have not signed in anew, or the provider does not say when they did.
    #[error("there was no fresh sign-in at the provider")]
    Stale,
}

/// Somebody has signed in.
#[derive(Debug)]
pub struct SignedIn {
    /// Who.
    pub principal: Principal,
    /// What the provider may name when it ends the session.
    pub session: String,
    /// Where to go on to.
    pub back: String,
}

/// A redirect to the provider, and the cookie that goes with it.
#[derive(Debug)]
pub struct Departure {
    /// `Location`.
    pub location: HeaderValue,
    /// `Set-Cookie`.
    pub cookie: HeaderValue,
}

impl Oidc {
    /// `None` where the library refuses a key.
    #[must_use]
    pub fn new(settings: &settings::Oidc, provider: Arc<Provider>, ring: &Ring, realm: &str) -> Option<Self> {
        let key = FlowKey::of(ring, realm)?;
        Some(Self { settings: settings.clone(), provider, key, states: Spent::default(), logouts: Spent::default() })
    }

    /// Who issues.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.issuer.name
    }

    /// Sends a browser to the provider; it comes back to `back`. With `fresh` people must prove themselves again there. `None` while
    /// the provider is not known, or without random bytes.
    #[must_use]
    pub fn depart(&self, host: &str, back: &str, fresh: bool, now: SystemTime) -> Option<Departure> {
        let metadata = self.provider.metadata()?;
        let flow = Flow::begin(host, back, fresh, now)?;
        let mut scopes = String::from("openid");
        for scope in self.settings.scopes.iter().filter(|scope| *scope != "openid") {
            scopes.push(' ');
            scopes.push_str(scope);
        }
        let parameters = format!(
            "response_type=code&client_id={}&redirect_uri={}&scope={}&state={}&nonce={}&code_challenge={}&code_challenge_method=S256{}",
            encoded(&self.settings.client_id),
            encoded(&redirect_uri(host)),
            encoded(&scopes),
            flow.state,
            flow.nonce,
            flow.challenge(),
            if fresh { "&prompt=login&max_age=0" } else { "" }
        );
        let location = metadata.authorization.as_ref()?.with_query(&parameters);
        let (name, value) = (Flow::cookie(&flow.state), self.key.seal(&flow)?);
        let cookie = format!("{name}={value}; Path=/; Max-Age={}; Secure; HttpOnly; SameSite=Lax", PATIENCE.as_secs());
        Some(Departure {
            location: HeaderValue::from_str(&location).ok()?,
            cookie: HeaderValue::from_str(&cookie).ok()?,
        })
    }

    /// Takes a browser that the provider sends back with `query`. The cookie that is to be ended comes along, whatever the outcome.
    ///
    /// # Errors
    /// When nobody has signed in.
    pub async fn arrive(
        &self,
        query: &str,
        headers: &HeaderMap,
        host: &str,
        now: SystemTime,
    ) -> (Option<&'static str>, Result<SignedIn, Error>) {
        let fields = Fields::parse(query.as_bytes());
        let one = |name: &str| fields.as_ref().and_then(|fields| fields.one(name));
        let Some(state) = one("state") else { return (None, Err(Error::State)) };
        let name = Flow::cookie(state);
        let flow = form::cookie(headers, name).and_then(|value| self.key.open(value));
        // A sign-in that somebody else's link speaks of leaves the own one alone.
        let Some(flow) = flow.filter(|flow| flow.answers(state, host, now)) else { return (None, Err(Error::State)) };
        if !self.states.spend(state, PATIENCE, now) {
            return (Some(name), Err(Error::State));
        }
        (Some(name), self.settle(&flow, &one, now).await)
    }

    async fn settle<'f>(
        &self,
        flow: &Flow,
        one: &impl Fn(&str) -> Option<&'f str>,
        now: SystemTime,
    ) -> Result<SignedIn, Error> {
        let names_itself = self.provider.metadata().is_some_and(|metadata| metadata.names_itself);
        if one("iss").map_or(names_itself, |issuer| issuer != self.issuer()) {
            return Err(Error::Issuer);
        }
        let code = one("code").filter(|code| !code.is_empty() && one("error").is_none()).ok_or(Error::Denied)?;
        let claims = token::exchange(&self.provider, &self.settings, flow, code, now).await?;
        self.signed_in(&claims, flow, now)
    }

    fn signed_in(&self, claims: &Claims, flow: &Flow, now: SystemTime) -> Result<SignedIn, Error> {
        let proven = claims.time("auth_time").flatten().filter(|time| *time <= now + LEEWAY);
        if flow.fresh {
            let began = UNIX_EPOCH + std::time::Duration::from_secs(flow.began);
            let fresh = proven.is_some_and(|time| time + LEEWAY >= began);
            fresh.then_some(()).ok_or(Error::Stale)?;
        }
        let mut methods = vec![Method::Oidc];
        // RFC 8176, section 2: what the provider calls several factors.
        if claims.texts("amr").contains(&"mfa") {
            methods.push(Method::Factors);
        }
        let principal = Principal {
            subject: claims.subject(&self.settings.subject_claim).ok_or(Error::Subject)?.to_owned(),
            issuer: self.issuer().to_owned(),
            roles: claims.roles(&self.settings.roles),
            methods,
            // A provider that does not say when may have asked long ago.
            authenticated_at: proven.map_or(UNIX_EPOCH, |time| time.min(now)),
            name: claims.name(),
        };
        let session = logout::session(claims).ok_or(Error::Subject)?;
        Ok(SignedIn { principal, session, back: flow.back.clone() })
    }
}

#[cfg(test)]
mod tests;
