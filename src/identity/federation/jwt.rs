//! Whether a token is genuine, for us, and of now (RFC 7519; RFC 8725 for what goes wrong with them; `OpenID` Connect Core 1.0,
//! section 3.1.3.7, for ID tokens; RFC 9068 for access tokens).
//!
//! The key is chosen by `kid` among the issuer's own, and an algorithm must fit the key: what a token brings along (`jwk`,
//! `jku`, `x5c`, `x5u`) is never looked at.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, Header, crypto, decode_header};

use super::{claims::Claims, jwks::KeySet};

/// Longest token, in bytes.
pub const LONGEST: usize = 16 << 10;
/// How far clocks may differ.
pub const LEEWAY: Duration = Duration::from_secs(60);
/// How long ago an ID or logout token may have been issued; it comes straight from its issuer.
const FRESH: Duration = Duration::from_secs(600);

/// What a token must be.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Its `iss`.
    pub issuer: &'a str,
    /// Names of which `aud` must have one.
    pub audience: &'a [String],
    /// Algorithms believed.
    pub algorithms: &'a [Algorithm],
    /// What it is for.
    pub kind: Kind<'a>,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'a> {
    /// Says to us who has signed in, in answer to our question with this nonce.
    Id {
        /// What we asked with.
        nonce: &'a str,
    },
    /// Lets its bearer in.
    Access,
    /// Says to us whose session has ended (`OpenID` Connect Back-Channel Logout 1.0).
    Logout,
}

/// Why a token is refused. Nothing of the token is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // the texts say it
pub enum Refused {
    #[error("the token is longer than 16 KiB")]
    TooLong,
    #[error("it is not a signed token")]
    Malformed,
    #[error("its algorithm is not among the allowed")]
    Algorithm,
    #[error("its header has an extension that must be understood (`crit`)")]
    Critical,
    #[error("it is a token for something else (`typ`)")]
    Type,
    #[error("no key of the issuer fits it")]
    UnknownKey,
    #[error("its signature is wrong")]
    Signature,
    #[error("another issuer has made it")]
    Issuer,
    #[error("it is for another audience")]
    Audience,
    #[error("it was issued to another party (`azp`)")]
    Party,
    #[error("it has expired, or never does")]
    Expired,
    #[error("it is not valid yet")]
    NotYet,
    #[error("the time of its issue is missing or far off")]
    IssuedAt,
    #[error("its nonce is not the one that was sent")]
    Nonce,
    #[error("it says nobody that it is about")]
    Subject,
    #[error("it is no logout token")]
    Event,
    #[error("it came before")]
    Replayed,
}

impl Refused {
    /// A short fixed word for a metric's label.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Algorithm => "algorithm",
            Self::Critical => "critical",
            Self::Type => "type",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Party => "party",
            Self::Expired => "expired",
            Self::NotYet => "not_yet",
            Self::IssuedAt => "issued_at",
            Self::Nonce => "nonce",
            Self::Subject => "subject",
            Self::Event => "event",
            Self::Replayed => "replayed",
        }
    }
}

/// The claims of `token` where all is as expected.
///
/// # Errors
/// With the first thing that is not. [`Refused::UnknownKey`] may be mended by asking the issuer for its keys again.
pub fn verify(token: &str, keys: &KeySet, expected: &Expected<'_>, now: SystemTime) -> Result<Claims, Refused> {
    if token.len() > LONGEST {
        return Err(Refused::TooLong);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
    let (_, payload) = message.split_once('.').ok_or(Refused::Malformed)?;
    if payload.contains('.') {
        return Err(Refused::Malformed);
    }
    let header = header(token, expected)?;
    let mut refused = Refused::UnknownKey;
    for key in keys.find(header.kid.as_deref(), header.alg) {
        if crypto::verify(signature, message.as_bytes(), key.public(), header.alg).is_ok_and(|good| good) {
            return claims(payload, expected, now);
        }
        // Without a name it is as well a key that is not known yet.
        refused = if header.kid.is_some() { Refused::Signature } else { Refused::UnknownKey };
    }
    Err(refused)
}

fn header(token: &str, expected: &Expected<'_>) -> Result<Header, Refused> {
    // `none`, and whatever else the library does not know, is no header to it.
    let header = decode_header(token).map_err(|error| match error.kind() {
        jsonwebtoken::errors::ErrorKind::Json(_) => Refused::Algorithm,
        _ => Refused::Malformed,
    })?;
    let symmetric = matches!(header.alg, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512);
    if symmetric || !expected.algorithms.contains(&header.alg) {
        return Err(Refused::Algorithm);
    }
    if header.crit.is_some() || header.extras.inner().contains_key("b64") {
        return Err(Refused::Critical);
    }
    let typ = header.typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ).to_ascii_lowercase());
    let fits = matches!(
        (typ.as_deref(), expected.kind),
        (None | Some("jwt"), _) | (Some("at+jwt"), Kind::Access) | (Some("logout+jwt"), Kind::Logout)
    );
    if fits { Ok(header) } else { Err(Refused::Type) }
}

fn claims(payload: &str, expected: &Expected<'_>, now: SystemTime) -> Result<Claims, Refused> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(payload).map_err(|_| Refused::Malformed)?;
    let claims = Claims::new(serde_json::from_slice(&bytes).map_err(|_| Refused::Malformed)?);
    if claims.text("iss") != Some(expected.issuer) {
        return Err(Refused::Issuer);
    }
    audience(&claims, expected)?;
    times(&claims, expected.kind, now)?;
    match expected.kind {
        Kind::Id { nonce } if claims.text("nonce") != Some(nonce) => Err(Refused::Nonce),
        Kind::Logout => logout(claims),
        // One kind must not be taken for another (RFC 8725, section 3.12). A nonce is no sign: some issuers copy it into access
        // tokens; what keeps ID tokens out is an audience of its own.
        Kind::Access if claims.value("events").is_some() => Err(Refused::Type),
        Kind::Id { .. } | Kind::Access => Ok(claims),
    }
}

fn audience(claims: &Claims, expected: &Expected<'_>) -> Result<(), Refused> {
    let ours = |name: &str| expected.audience.iter().any(|own| own == name);
    let audience = claims.texts("aud");
    if !audience.iter().any(|name| ours(name)) {
        return Err(Refused::Audience);
    }
    // The party that an access token was issued to is its bearer, who is not us.
    if matches!(expected.kind, Kind::Id { .. }) {
        match claims.value("azp") {
            None if audience.len() > 1 => return Err(Refused::Party),
            Some(party) if !party.as_str().is_some_and(ours) => return Err(Refused::Party),
            _ => {}
        }
    }
    Ok(())
}

fn times(claims: &Claims, kind: Kind<'_>, now: SystemTime) -> Result<(), Refused> {
    let late = |time: SystemTime| now.duration_since(time).unwrap_or_default();
    let early = |time: SystemTime| time.duration_since(now).unwrap_or_default();
    match claims.time("exp") {
        Some(Some(end)) if now < end + LEEWAY => {}
        // The specification did not always ask for it in a logout token; these are fresh by `iat`.
        None if kind == Kind::Logout => {}
        _ => return Err(Refused::Expired),
    }
    if claims.time("nbf").is_some_and(|start| start.is_none_or(|start| early(start) > LEEWAY)) {
        return Err(Refused::NotYet);
    }
    let fresh = |time: SystemTime| kind == Kind::Access || late(time) <= FRESH + LEEWAY;
    match claims.time("iat") {
        None if kind == Kind::Access => Ok(()),
        Some(Some(issued)) if early(issued) <= LEEWAY && fresh(issued) => Ok(()),
        _ => Err(Refused::IssuedAt),
    }
}

/// What section 2.4 of Back-Channel Logout asks for besides.
fn logout(claims: Claims) -> Result<Claims, Refused> {
    const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
    let event = claims.value("events").and_then(|events| events.get(EVENT)).is_some_and(serde_json::Value::is_object);
    if !event || claims.value("nonce").is_some() || claims.text("jti").is_none_or(str::is_empty) {
        return Err(Refused::Event);
    }
    if ["sub", "sid"].iter().all(|name| claims.text(name).is_none_or(str::is_empty)) {
        return Err(Refused::Subject);
    }
    Ok(claims)
}

#[cfg(test)]
mod tests;
