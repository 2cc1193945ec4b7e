//! An issuer's public keys (RFC 7517): only such as can verify, each with what it may be used for.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde_json::Value;

/// Most keys of a set that are kept.
const MOST_KEYS: usize = 64;
/// Most keys that are tried on a token that names none.
const MOST_TRIED: usize = 4;

/// The keys of an issuer.
#[derive(Debug, Default)]
pub struct KeySet(Vec<Key>);

/// One public key.
#[derive(Debug)]
pub struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    public: DecodingKey,
}

impl Key {
    /// What verifies.
    #[must_use]
    pub fn public(&self) -> &DecodingKey {
        &self.public
    }

    fn new(value: &Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
        let common = &jwk.common;
        let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify))
            && common.public_key_use.as_ref().is_none_or(|what| *what == PublicKeyUse::Signature);
        let mut algorithms = possible(&jwk.algorithm);
        if let Some(only) = value.get("alg").and_then(Value::as_str) {
            algorithms.retain(|algorithm| only.parse().is_ok_and(|only: Algorithm| only == *algorithm));
        }
        if !verifies || algorithms.is_empty() {
            return None;
        }
        Some(Self { id: common.key_id.clone(), algorithms, public: DecodingKey::from_jwk(&jwk).ok()? })
    }
}

/// What a key of this kind can verify. A symmetric key is none of an issuer's to publish, and is good for nothing.
fn possible(parameters: &AlgorithmParameters) -> Vec<Algorithm> {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match parameters {
        AlgorithmParameters::RSA(_) => vec![RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P256 => vec![ES256],
        AlgorithmParameters::EllipticCurve(ec) if ec.curve == EllipticCurve::P384 => vec![ES384],
        AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => vec![EdDSA],
        _ => Vec::new(),
    }
}

impl KeySet {
    /// Reads a document. Keys that can't be used are passed over, as RFC 7517, section 5, wants it; `None` where it is no key
    /// set, or none of its keys can be used: what was known before is then the better answer.
    #[must_use]
    pub fn parse(document: &[u8]) -> Option<Self> {
        let value: Value = serde_json::from_slice(document).ok()?;
        let keys: Vec<Key> = value.get("keys")?.as_array()?.iter().take(MOST_KEYS).filter_map(Key::new).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// The keys that a token signed by `algorithm` may be verified with: those called `id`, or all where it names none.
    pub fn find<'s>(&'s self, id: Option<&'s str>, algorithm: Algorithm) -> impl Iterator<Item = &'s Key> {
        let fits =
            move |key: &&Key| key.algorithms.contains(&algorithm) && id.is_none_or(|id| key.id.as_deref() == Some(id));
        self.0.iter().filter(fits).take(MOST_TRIED)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const P256: (&str, &str) =
        ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");

    fn set(keys: &Value) -> Option<KeySet> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn ec(more: &Value) -> Value {
        let mut key = json!({ "kty": "EC", "crv": "P-256", "x": P256.0, "y": P256.1, "kid": "a" });
        for (name, value) in more.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    }

    #[test]
    fn a_key_verifies_by_its_own_kind_alone() {
        let set = set(&json!([ec(&json!({}))])).unwrap();
        assert_eq!(set.find(Some("a"), Algorithm::ES256).count(), 1);
        assert_eq!(set.find(None, Algorithm::ES256).count(), 1);
        for other in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES384, Algorithm::EdDSA] {
            assert_eq!(set.find(Some("a"), other).count(), 0);
        }
        assert_eq!(set.find(Some("b"), Algorithm::ES256).count(), 0);
    }

    #[test]
    fn keys_of_no_use_are_passed_over() {
        let good = ec(&json!({ "alg": "ES256", "use": "sig", "key_ops": ["verify"], "x-more": [1] }));
        let odd = [
            json!({ "kty": "oct", "k": "c2VjcmV0", "kid": "a", "alg": "HS256" }),
            json!({ "kty": "AKP", "kid": "a" }),
            json!(7),
            json!({}),
            ec(&json!({ "use": "enc" })),
            ec(&json!({ "key_ops": ["sign"] })),
            ec(&json!({ "alg": "RS256" })),
            ec(&json!({ "alg": "HS256" })),
            ec(&json!({ "alg": "ECDH-ES" })),
            ec(&json!({ "crv": "P-521" })),
        ];
        for key in &odd {
            assert!(set(&json!([key])).is_none(), "{key}");
            assert_eq!(set(&json!([key, good])).map(|set| set.0.len()), Some(1), "{key}");
        }
        for bad in ["", "{}", "[]", r#"{"keys":{}}"#, r#"{"keys":[]}"#] {
            assert!(KeySet::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
