//! What the application is told about who asks: headers that only Privet sets, and on request a short signed token.
//!
//! `X-Privet-User` is the subject and `X-Privet-Roles` the roles with commas between; every byte but ASCII letters, digits and
//! `-._~@:/` is percent-encoded, so that a value is one value to every reader. `X-Privet-Token` is a JWT (RFC 7519) signed by
//! Ed25519, good for a minute, for the route whose name is its audience; `/.privet/jwks` has the keys.

use std::{
    fmt::Write as _,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue};
use serde_json::json;

use super::{keys, principal::Principal};
use crate::seal::Ring;

/// Who asks.
pub const X_PRIVET_USER: HeaderName = HeaderName::from_static("x-privet-user");
/// What they are.
pub const X_PRIVET_ROLES: HeaderName = HeaderName::from_static("x-privet-roles");
/// Both, signed.
pub const X_PRIVET_TOKEN: HeaderName = HeaderName::from_static("x-privet-token");

/// Seconds that a token is good for.
const LIFE: u64 = 60;

/// Signs tokens; its keys are derived from the seal ring, so that replicas agree on them.
pub struct Signer {
    pair: Ed25519KeyPair,
    kid: String,
    jwks: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.kid)
    }
}

impl Signer {
    /// Signs by the newest epoch of `ring`, and publishes all of them; `None` where the library refuses a key, which it has
    /// no reason to.
    #[must_use]
    pub fn of(ring: &Ring, realm: &str) -> Option<Self> {
        let pair = |secret| Ed25519KeyPair::from_seed_unchecked(&*keys::derive(secret, realm, "token")).ok();
        let pairs: Vec<_> = ring.keys().map(|key| pair(key.secret())).collect::<Option<_>>()?;
        let keys: Vec<_> = pairs
            .iter()
            .map(|pair| json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": thumbprint(pair), "x": public(pair) }))
            .collect();
        let pair = pairs.into_iter().next_back()?;
        Some(Self { kid: thumbprint(&pair), pair, jwks: json!({ "keys": keys }).to_string() })
    }

    /// The public keys (RFC 7517, RFC 8037).
    #[must_use]
    pub fn jwks(&self) -> &str {
        &self.jwks
    }

    /// A token about `principal` for `audience`.
    #[must_use]
    pub fn token(&self, principal: &Principal, audience: &str, now: SystemTime) -> String {
        let seconds = |time: SystemTime| time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let methods: Vec<_> = principal.methods.iter().filter_map(|method| method.amr()).collect();
        let claims = json!({
            "iss": "privet", "sub": principal.subject, "idp": principal.issuer, "aud": audience, "roles": principal.roles, "amr": methods,
            "iat": seconds(now), "exp": seconds(now) + LIFE, "auth_time": seconds(principal.authenticated_at),
        });
        let head = json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.kid });
        let encode = |text: String| BASE64_URL_SAFE_NO_PAD.encode(text);
        let mut token = format!("{}.{}", encode(head.to_string()), encode(claims.to_string()));
        let signature = BASE64_URL_SAFE_NO_PAD.encode(self.pair.sign(token.as_bytes()));
        let _ = write!(token, ".{signature}");
        token
    }
}

fn public(pair: &Ed25519KeyPair) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(pair.public_key())
}

/// RFC 7638 over the members that RFC 8037, section 2 names.
fn thumbprint(pair: &Ed25519KeyPair) -> String {
    let text = format!("{{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"{}\"}}", public(pair));
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// The headers that tell an application about `principal`; with a signer, a token for `audience` too.
#[must_use]
pub fn headers(
    principal: &Principal,
    signer: Option<(&Signer, &str)>,
    now: SystemTime,
) -> Vec<(HeaderName, HeaderValue)> {
    let roles: Vec<String> = principal.roles.iter().map(|role| encoded(role)).collect();
    let token = signer.map(|(signer, audience)| (X_PRIVET_TOKEN, signer.token(principal, audience, now)));
    [(X_PRIVET_USER, encoded(&principal.subject)), (X_PRIVET_ROLES, roles.join(","))]
        .into_iter()
        .chain(token)
        // Visible ASCII is always a header value.
        .filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?)))
        .collect()
}

/// Percent-encoded but for letters, digits and what is harmless in a header, a query and a path.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for b in text.bytes() {
        if b.is_ascii_alphanumeric() || b"-._~@:/".contains(&b) {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    use super::*;
    use crate::identity::principal::Method;

    fn principal() -> Principal {
        Principal {
            subject: "김 alice\r\nX: y".into(),
            issuer: "staff".into(),
            roles: vec!["clerk".into(), "a,b".into()],
            methods: vec![Method::Password, Method::Otp],
            authenticated_at: UNIX_EPOCH + Duration::from_secs(900),
            name: None,
        }
    }

    #[test]
    fn a_value_is_one_value_to_every_reader() {
        let headers = headers(&principal(), None, UNIX_EPOCH);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers[0].1, "%EA%B9%80%20alice%0D%0AX:%20y");
        assert_eq!(headers[1].1, "clerk,a%2Cb");
    }

    #[test]
    fn a_token_is_verified_by_the_published_key() {
        let ring = Ring::ephemeral().expect("random bytes");
        let signer = Signer::of(&ring, "staff").expect("keys");
        let now = UNIX_EPOCH + Duration::from_secs(1000);
        let token = signer.token(&principal(), "shop.example/", now);
        let parts: Vec<&str> = token.split('.').collect();
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).expect("base64");
        let jwks: serde_json::Value = serde_json::from_str(signer.jwks()).expect("JSON");
        let key = UnparsedPublicKey::new(&ED25519, decode(jwks["keys"][0]["x"].as_str().expect("text")));
        let signed = format!("{}.{}", parts[0], parts[1]);
        key.verify(signed.as_bytes(), &decode(parts[2])).expect("the signature");
        let head: serde_json::Value = serde_json::from_slice(&decode(parts[0])).expect("JSON");
        assert_eq!(head["kid"], jwks["keys"][0]["kid"]);
        let claims: serde_json::Value = serde_json::from_slice(&decode(parts[1])).expect("JSON");
        assert_eq!((&claims["aud"], &claims["exp"]), (&json!("shop.example/"), &json!(1060)));
        assert_eq!((&claims["auth_time"], &claims["amr"]), (&json!(900), &json!(["pwd", "otp"])));
        let other = Signer::of(&ring, "other").expect("keys");
        assert_ne!(other.jwks(), signer.jwks(), "a realm's own");
    }
}
