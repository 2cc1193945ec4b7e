//! The federated methods of a realm, made ready, and who a request is from by them.

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::{HeaderMap, HeaderValue, header};

use super::{
    basic::{self, Basic},
    certificate,
    claims::Claims,
    jwt::Kind,
    oidc::Oidc,
    provider::Provider,
    settings::{self, Settings},
};
use crate::{
    identity::{
        ask::Ask,
        principal::{Method, Principal},
        realm::Realm,
    },
    seal::Ring,
};

/// The federated methods of a realm.
#[derive(Debug)]
pub struct Methods {
    settings: Settings,
    oidc: Option<(Arc<Provider>, Oidc)>,
    jwt: Option<Arc<Provider>>,
    basic: Option<Basic>,
}

/// Who a request is from, by what it brings along in its head or its handshake.
#[derive(Debug)]
pub enum Recognised {
    /// It brings nothing of the kind.
    Nobody,
    /// Them.
    Somebody(Principal),
    /// It brings something that is no good; nothing else is looked at then.
    Refused,
    /// It has to wait.
    Wait(Duration),
}

impl Methods {
    /// Makes them ready; `None` where the library refuses a key, or there are no random bytes.
    #[must_use]
    pub fn new(settings: &Settings, ring: &Ring, realm: &str) -> Option<Self> {
        let oidc = match &settings.oidc {
            Some(oidc) => {
                let provider = Provider::new(&oidc.issuer, None);
                Some((Arc::clone(&provider), Oidc::new(oidc, provider, ring, realm)?))
            }
            None => None,
        };
        let basic = if settings.basic { Some(Basic::new()?) } else { None };
        let jwt = settings.jwt.as_ref().map(|jwt| match &oidc {
            // One issuer is asked once.
            Some((provider, _)) if jwt.jwks.is_none() && *provider.issuer() == jwt.issuer => Arc::clone(provider),
            _ => Provider::new(&jwt.issuer, jwt.jwks.clone()),
        });
        Some(Self { settings: settings.clone(), oidc, jwt, basic })
    }

    /// What they were made of.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The provider that people sign in at.
    #[must_use]
    pub fn oidc(&self) -> Option<&Oidc> {
        self.oidc.as_ref().map(|(_, oidc)| oidc)
    }

    /// Whether sessions of `issuer` come from here.
    #[must_use]
    pub fn vouches(&self, issuer: &str) -> bool {
        self.oidc().is_some_and(|oidc| oidc.issuer() == issuer)
    }

    /// Keeps what is known of the issuers fresh; never ends. It is for the service runtime.
    pub async fn run(&self) {
        let mut providers: Vec<Arc<Provider>> = self.oidc.iter().map(|(provider, _)| Arc::clone(provider)).collect();
        if let Some(jwt) = self.jwt.as_ref().filter(|jwt| !providers.iter().any(|known| Arc::ptr_eq(known, jwt))) {
            providers.push(Arc::clone(jwt));
        }
        futures_util::future::join_all(providers.into_iter().map(Provider::run)).await;
        std::future::pending::<()>().await;
    }

    /// Who a request is from by its `Authorization`. Schemes that are not turned on are the application's.
    pub async fn by_authorization(&self, realm: &Realm, ask: &Ask<'_>) -> Recognised {
        let Some(value) = authorization(ask.headers) else { return Recognised::Nobody };
        match (value, &self.settings.jwt, &self.jwt, &self.basic) {
            (Authorization::Bearer(token), Some(settings), Some(provider), _) => {
                let outcome = provider.verify(token, &settings.audience, Kind::Access, ask.now).await;
                match outcome
                    .inspect_err(|refused| tracing::debug!(realm = realm.name, why = refused.name(), "token refused"))
                {
                    Ok(claims) => bearer(&claims, settings, ask.now).map_or(Recognised::Refused, Recognised::Somebody),
                    Err(_) => Recognised::Refused,
                }
            }
            (Authorization::Basic(credentials), _, _, Some(basic)) => {
                match basic.verify(realm, credentials, ask).await {
                    Ok(principal) => Recognised::Somebody(principal),
                    Err(basic::Refused::Wrong) => Recognised::Refused,
                    Err(basic::Refused::Wait(time)) => Recognised::Wait(time),
                }
            }
            (Authorization::Several, settings, _, basic) if settings.is_some() || basic.is_some() => {
                Recognised::Refused
            }
            _ => Recognised::Nobody,
        }
    }

    /// Who a request is from by the certificate of its connection. One that tells nobody is as none: it may be for the application.
    #[must_use]
    pub fn by_certificate(&self, ask: &Ask<'_>) -> Option<Principal> {
        let settings = self.settings.certificate.as_ref()?;
        let outcome = certificate::principal(ask.client_certificate?, settings, ask.now);
        outcome.inspect_err(|why| tracing::debug!(%why, "client certificate passed over")).ok()
    }

    /// `WWW-Authenticate` for programs (RFC 6750, section 3; RFC 7617, section 2); `None` where they have no way in by it. Browsers,
    /// which say how they fetch, are not told of Basic: they would ask people for a name and a password in a window of their own.
    #[must_use]
    pub fn challenge(&self, realm: &str, refused: bool, headers: &HeaderMap) -> Option<HeaderValue> {
        let mut challenges = Vec::new();
        if self.jwt.is_some() {
            let error = if refused { ", error=\"invalid_token\"" } else { "" };
            challenges.push(format!("Bearer realm=\"{realm}\"{error}"));
        }
        if self.basic.is_some() && !headers.contains_key("sec-fetch-mode") {
            challenges.push(format!("Basic realm=\"{realm}\", charset=\"UTF-8\""));
        }
        (!challenges.is_empty()).then(|| HeaderValue::from_str(&challenges.join(", ")).ok()).flatten()
    }
}

enum Authorization<'a> {
    Bearer(&'a str),
    Basic(&'a str),
    /// Several, of which one must not be chosen by chance.
    Several,
    Other,
}

fn authorization(headers: &HeaderMap) -> Option<Authorization<'_>> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return Some(Authorization::Several);
    }
    let Some((scheme, rest)) = value.to_str().ok().and_then(|text| text.split_once(' ')) else {
        return Some(Authorization::Other);
    };
    Some(match scheme {
        _ if scheme.eq_ignore_ascii_case("bearer") => Authorization::Bearer(rest.trim()),
        _ if scheme.eq_ignore_ascii_case("basic") => Authorization::Basic(rest.trim()),
        _ => Authorization::Other,
    })
}

fn bearer(claims: &Claims, settings: &settings::Jwt, now: SystemTime) -> Option<Principal> {
    let time = |name| claims.time(name).flatten();
    Some(Principal {
        subject: claims.subject(&settings.subject_claim)?.to_owned(),
        issuer: settings.issuer.name.clone(),
        roles: claims.roles(&settings.roles),
        methods: if claims.texts("amr").contains(&"mfa") {
            vec![Method::Jwt, Method::Factors]
        } else {
            vec![Method::Jwt]
        },
        // Without either it may have been made at any time.
        authenticated_at: time("auth_time").or_else(|| time("iat")).map_or(UNIX_EPOCH, |time| time.min(now)),
        name: claims.name(),
    })
}
