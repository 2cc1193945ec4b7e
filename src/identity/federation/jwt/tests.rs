use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD as B64};
use serde_json::{Value, json};

use super::{
    super::{
        settings::ALGORITHMS,
        testing::{NOW, Signer, now, unsigned, with},
    },
    *,
};

const ISSUER: &str = "https://id.example";

fn keys(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

fn all() -> Vec<Algorithm> {
    ALGORITHMS.map(|(_, algorithm)| algorithm).to_vec()
}

/// An issuer, its keys, and whether a token of a kind is taken.
struct Case {
    signer: Signer,
    keys: KeySet,
}

impl Case {
    fn new(signer: Signer) -> Self {
        let keys = keys(&[signer.jwk("k1")]);
        Self { signer, keys }
    }

    fn check(&self, token: &str, kind: Kind<'_>) -> Result<Claims, Refused> {
        let audience = ["privet".to_owned()];
        let expected = Expected { issuer: ISSUER, audience: &audience, algorithms: &all(), kind };
        verify(token, &self.keys, &expected, now())
    }

    fn access(&self, header: &Value, claims: &Value) -> Result<(), Refused> {
        let base = json!({ "iss": ISSUER, "aud": "privet", "sub": "a", "exp": NOW + 300, "iat": NOW });
        let header = with(&json!({ "kid": "k1" }), header);
        self.check(&self.signer.token(&header, &with(&base, claims)), Kind::Access).map(drop)
    }

    fn id(&self, claims: &Value) -> Result<(), Refused> {
        let base = json!({ "iss": ISSUER, "aud": "privet", "sub": "a", "exp": NOW + 300, "iat": NOW, "nonce": "n" });
        let token = self.signer.token(&json!({ "kid": "k1" }), &with(&base, claims));
        self.check(&token, Kind::Id { nonce: "n" }).map(drop)
    }

    fn logout(&self, header: &Value, claims: &Value) -> Result<(), Refused> {
        let base = json!({ "iss": ISSUER, "aud": "privet", "sub": "a", "exp": NOW + 120, "iat": NOW, "jti": "j",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} } });
        self.check(&self.signer.token(&with(&json!({ "kid": "k1" }), header), &with(&base, claims)), Kind::Logout)
            .map(drop)
    }
}

#[test]
fn genuine_tokens_of_every_kind_of_key_are_taken() {
    for signer in [Signer::ec(), Signer::rsa()] {
        let case = Case::new(signer);
        for header in
            [json!({}), json!({ "kid": null }), json!({ "typ": "at+jwt" }), json!({ "typ": "application/at+JWT" })]
        {
            assert_eq!(case.access(&header, &json!({})), Ok(()), "{header}");
        }
        assert_eq!(case.id(&json!({})), Ok(()));
        assert_eq!(case.logout(&json!({ "typ": "logout+jwt" }), &json!({})), Ok(()));
    }
}

#[test]
fn no_algorithm_but_the_keys_own() {
    let case = Case::new(Signer::rsa());
    let claims = json!({ "iss": ISSUER, "aud": "privet", "sub": "a", "exp": NOW + 300 });
    for none in ["none", "None", "nOnE", ""] {
        let message = unsigned(&json!({ "alg": none, "kid": "k1" }), &claims);
        assert_eq!(case.check(&format!("{message}."), Kind::Access), Err(Refused::Algorithm), "{none}");
        assert_eq!(case.check(&message, Kind::Access), Err(Refused::Malformed), "{none}");
    }
    // The public key as the secret of a MAC, by whatever form of it.
    let jwk = case.signer.jwk("k1").to_string();
    for secret in [case.signer.der(), jwk.into_bytes()] {
        let message = unsigned(&json!({ "alg": "HS256", "kid": "k1" }), &claims);
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), message.as_bytes());
        let token = format!("{message}.{}", B64.encode(tag));
        assert_eq!(case.check(&token, Kind::Access), Err(Refused::Algorithm));
        // Nor where somebody has put it into the list.
        let audience = ["privet".to_owned()];
        let expected =
            Expected { issuer: ISSUER, audience: &audience, algorithms: &[Algorithm::HS256], kind: Kind::Access };
        assert_eq!(verify(&token, &case.keys, &expected, now()), Err(Refused::Algorithm));
    }
    // An elliptic signature under the name of an RSA one.
    assert_eq!(Case::new(Signer::ec()).access(&json!({ "alg": "RS256" }), &json!({})), Err(Refused::UnknownKey));
}

#[test]
fn an_algorithm_outside_the_issuers_list_is_refused() {
    let case = Case::new(Signer::rsa());
    let token = case.signer.token(&json!({ "kid": "k1" }), &json!({}));
    let expected = Expected {
        issuer: ISSUER,
        audience: &[],
        algorithms: &[Algorithm::ES256, Algorithm::PS256],
        kind: Kind::Access,
    };
    assert_eq!(verify(&token, &case.keys, &expected, now()), Err(Refused::Algorithm));
}

#[test]
fn what_a_token_brings_along_is_not_looked_at() {
    let (case, other) = (Case::new(Signer::rsa()), Signer::rsa());
    let claims = json!({ "iss": ISSUER, "aud": "privet", "sub": "a", "exp": NOW + 300 });
    for header in [
        json!({ "kid": "k1", "jwk": other.jwk("k1") }),
        json!({ "kid": "k1", "jku": "https://evil.example/jwks" }),
        json!({ "kid": "k1", "x5u": "https://evil.example/x5", "x5c": ["AAAA"] }),
    ] {
        assert_eq!(case.check(&other.token(&header, &claims), Kind::Access), Err(Refused::Signature), "{header}");
    }
    for header in [json!({ "kid": "k2", "jwk": other.jwk("k2") }), json!({ "jwk": other.jwk("k1") })] {
        assert_eq!(case.check(&other.token(&header, &claims), Kind::Access), Err(Refused::UnknownKey));
    }
}

#[test]
fn extensions_and_other_types_are_refused() {
    let case = Case::new(Signer::ec());
    for (header, expected) in [
        (json!({ "crit": ["exp"] }), Refused::Critical),
        (json!({ "crit": [] }), Refused::Critical),
        (json!({ "b64": false }), Refused::Critical),
        (json!({ "typ": "logout+jwt" }), Refused::Type),
        (json!({ "typ": "secevent+jwt" }), Refused::Type),
        (json!({ "typ": "" }), Refused::Type),
        (json!({ "kid": "k2" }), Refused::UnknownKey),
        (json!({ "kid": "" }), Refused::UnknownKey),
    ] {
        assert_eq!(case.access(&header, &json!({})), Err(expected), "{header}");
    }
}

#[test]
fn issuer_audience_and_times_are_held_to() {
    let case = Case::new(Signer::ec());
    let access = |claims: Value| case.access(&json!({}), &claims);
    for good in [
        json!({ "aud": ["other", "privet"], "azp": "other" }),
        json!({ "exp": NOW - 59 }),
        json!({ "nbf": NOW + 60 }),
        json!({ "iat": NOW + 60, "exp": 1_800_000_000.5 }),
        json!({ "iat": NOW - 86_400 }),
        json!({ "iat": null }),
    ] {
        assert_eq!(access(good.clone()), Ok(()), "{good}");
    }
    for (bad, expected) in [
        (json!({ "iss": "https://id.example/" }), Refused::Issuer),
        (json!({ "iss": null }), Refused::Issuer),
        (json!({ "iss": [ISSUER] }), Refused::Issuer),
        (json!({ "aud": "other" }), Refused::Audience),
        (json!({ "aud": ["privet", 7] }), Refused::Audience),
        (json!({ "aud": [] }), Refused::Audience),
        (json!({ "aud": null }), Refused::Audience),
        (json!({ "aud": { "privet": 1 } }), Refused::Audience),
        (json!({ "exp": NOW - 60 }), Refused::Expired),
        (json!({ "exp": null }), Refused::Expired),
        (json!({ "exp": "never" }), Refused::Expired),
        (json!({ "exp": -1 }), Refused::Expired),
        (json!({ "nbf": NOW + 61 }), Refused::NotYet),
        (json!({ "nbf": "x" }), Refused::NotYet),
        (json!({ "iat": NOW + 61 }), Refused::IssuedAt),
        (json!({ "iat": "x" }), Refused::IssuedAt),
        // A logout token lets nobody in.
        (json!({ "events": {} }), Refused::Type),
    ] {
        assert_eq!(access(bad.clone()), Err(expected), "{bad}");
    }
}

#[test]
fn an_id_token_answers_our_question() {
    let case = Case::new(Signer::ec());
    for good in [
        json!({ "aud": ["privet", "other"], "azp": "privet" }),
        json!({ "azp": "privet" }),
        json!({ "iat": NOW - 600 }),
    ] {
        assert_eq!(case.id(&good), Ok(()), "{good}");
    }
    for (bad, expected) in [
        (json!({ "nonce": null }), Refused::Nonce),
        (json!({ "nonce": "m" }), Refused::Nonce),
        (json!({ "nonce": ["n"] }), Refused::Nonce),
        (json!({ "aud": ["privet", "other"] }), Refused::Party),
        (json!({ "aud": ["privet", "other"], "azp": "other" }), Refused::Party),
        (json!({ "azp": "other" }), Refused::Party),
        (json!({ "azp": 7 }), Refused::Party),
        (json!({ "iat": NOW - 661 }), Refused::IssuedAt),
        (json!({ "iat": null }), Refused::IssuedAt),
    ] {
        assert_eq!(case.id(&bad), Err(expected), "{bad}");
    }
}

#[test]
fn a_logout_token_is_one() {
    let case = Case::new(Signer::ec());
    for good in [json!({ "sub": null, "sid": "s" }), json!({ "sid": "s" }), json!({ "exp": null })] {
        assert_eq!(case.logout(&json!({}), &good), Ok(()), "{good}");
    }
    for (bad, expected) in [
        (json!({ "events": null }), Refused::Event),
        (json!({ "events": {} }), Refused::Event),
        (json!({ "events": ["http://schemas.openid.net/event/backchannel-logout"] }), Refused::Event),
        (json!({ "events": { "http://schemas.openid.net/event/backchannel-logout": 1 } }), Refused::Event),
        (json!({ "nonce": "n" }), Refused::Event),
        (json!({ "jti": null }), Refused::Event),
        (json!({ "sub": null }), Refused::Subject),
        (json!({ "sub": "", "sid": "" }), Refused::Subject),
        (json!({ "iat": NOW - 661 }), Refused::IssuedAt),
        (json!({ "exp": NOW - 60 }), Refused::Expired),
        (json!({ "aud": "other" }), Refused::Audience),
    ] {
        assert_eq!(case.logout(&json!({}), &bad), Err(expected), "{bad}");
    }
    assert_eq!(case.logout(&json!({ "typ": "at+jwt" }), &json!({})), Err(Refused::Type));
}

#[test]
fn no_bytes_bring_it_down_and_no_change_goes_unseen() {
    let case = Case::new(Signer::ec());
    for bad in ["", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30.e30", "\u{1F600}.\u{1F600}.\u{1F600}"] {
        assert!(case.check(bad, Kind::Access).is_err(), "{bad}");
    }
    assert_eq!(case.check(&"a".repeat(LONGEST + 1), Kind::Access), Err(Refused::TooLong));
    let claims = json!({ "iss": ISSUER, "aud": "privet", "sub": "a", "exp": NOW + 300 });
    let token = case.signer.token(&json!({ "kid": "k1" }), &claims);
    assert!(case.check(&token, Kind::Access).is_ok());
    for at in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(case.check(&changed, Kind::Access).is_err(), "byte {at}");
    }
    for (more, cut) in [(format!("{token}="), 0), (format!(" {token}"), 0), (token[..token.len() - 2].to_owned(), 2)] {
        assert!(case.check(&more, Kind::Access).is_err(), "{cut}");
    }
}
