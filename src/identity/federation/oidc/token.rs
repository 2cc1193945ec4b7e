//! The exchange of a code for an ID token, and the claims that come with it.

use std::{fmt::Write as _, time::SystemTime};

use aws_lc_rs::digest;
use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http::{HeaderValue, StatusCode};
use jsonwebtoken::{Algorithm, decode_header};
use serde::Deserialize;

use super::{
    super::{
        claims::Claims,
        fetch::{self, encoded},
        jwt::{Kind, Refused},
        provider::{Metadata, Provider},
        settings,
    },
    flow::Flow,
};

/// Why a code became no sign-in. Nothing of what was exchanged is in it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The discovery document lacks what is needed.
    #[error("the provider's documents are not known yet, or lack an endpoint")]
    Unknown,
    /// The provider was not reached.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// The provider does not take the code, or us.
    #[error("the token endpoint answers {0}")]
    Status(u16),
    /// Something else than tokens came back.
    #[error("the token endpoint answers something else than tokens")]
    Shape,
    /// The ID token is not good.
    #[error("the ID token is refused")]
    Refused(#[from] Refused),
    /// The access token is not the one that the ID token came with.
    #[error("the access token does not belong to the ID token")]
    AccessToken,
    /// The claims of another person came back.
    #[error("the userinfo endpoint tells of somebody else, or nothing")]
    Userinfo,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// The claims about whoever has signed in by `code`: those of the ID token, and those of the userinfo endpoint where the ID token has
/// neither the claim for the subject nor the one for roles that the settings name.
///
/// # Errors
/// When there is anything wrong with any of it.
pub async fn exchange(
    provider: &Provider,
    settings: &settings::Oidc,
    flow: &Flow,
    code: &str,
    now: SystemTime,
) -> Result<Claims, Error> {
    let metadata = provider.metadata().ok_or(Error::Unknown)?;
    let place = metadata.token.as_ref().ok_or(Error::Unknown)?;
    let (authorization, form) = question(settings, &metadata, flow, code);
    let answer = provider.fetch().post(place, authorization, form).await?;
    if answer.status != StatusCode::OK {
        return Err(Error::Status(answer.status.as_u16()));
    }
    let tokens: Tokens = serde_json::from_slice(&answer.body).map_err(|_| Error::Shape)?;
    let audience = std::slice::from_ref(&settings.client_id);
    let claims = provider.verify(&tokens.id_token, audience, Kind::Id { nonce: &flow.nonce }, now).await?;
    let Some(access) = tokens.access_token else { return Ok(claims) };
    if !belongs(&access, &tokens.id_token, &claims) {
        return Err(Error::AccessToken);
    }
    let complete = claims.value(&settings.subject_claim).is_some() && claims.has_groups(&settings.roles.claim);
    match &metadata.userinfo {
        Some(_) if !complete => userinfo(provider, &metadata, &access, claims).await,
        _ => Ok(claims),
    }
}

fn question(settings: &settings::Oidc, metadata: &Metadata, flow: &Flow, code: &str) -> (Option<HeaderValue>, String) {
    let id = encoded(&settings.client_id);
    let mut form = format!(
        "grant_type=authorization_code&code={}&redirect_uri={}&code_verifier={}",
        encoded(code),
        encoded(&super::redirect_uri(&flow.host)),
        flow.verifier
    );
    let Some(secret) = settings.client_secret.as_ref().map(|secret| encoded(secret.expose())) else {
        let _ = write!(form, "&client_id={id}");
        return (None, form);
    };
    if metadata.secret_in_form {
        let _ = write!(form, "&client_id={id}&client_secret={secret}");
        return (None, form);
    }
    // RFC 6749, section 2.3.1: encoded like a form first.
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")));
    (HeaderValue::from_str(&basic).ok(), form)
}

/// `at_hash`, where the ID token has it (`OpenID` Connect Core 1.0, section 3.1.3.8).
fn belongs(access: &str, id_token: &str, claims: &Claims) -> bool {
    let Some(expected) = claims.value("at_hash") else { return true };
    let Ok(header) = decode_header(id_token) else { return false };
    let algorithm = match header.alg {
        Algorithm::RS384 | Algorithm::PS384 | Algorithm::ES384 => &digest::SHA384,
        Algorithm::RS512 | Algorithm::PS512 | Algorithm::EdDSA => &digest::SHA512,
        _ => &digest::SHA256,
    };
    let hash = digest::digest(algorithm, access.as_bytes());
    let half = &hash.as_ref()[..hash.as_ref().len() / 2];
    expected.as_str() == Some(BASE64_URL_SAFE_NO_PAD.encode(half).as_str())
}

/// What the ID token says stays; only what it does not say is added.
async fn userinfo(provider: &Provider, metadata: &Metadata, access: &str, claims: Claims) -> Result<Claims, Error> {
    let place = metadata.userinfo.as_ref().ok_or(Error::Userinfo)?;
    let bearer = HeaderValue::from_str(&format!("Bearer {access}")).map_err(|_| Error::Shape)?;
    let answer = provider.fetch().get(place, Some(bearer)).await?;
    if answer.status != StatusCode::OK {
        return Err(Error::Userinfo);
    }
    let more = Claims::new(serde_json::from_slice(&answer.body).map_err(|_| Error::Userinfo)?);
    // Section 5.3.2: an access token of somebody else could have been put in.
    if more.text("sub").is_none() || more.text("sub") != claims.text("sub") {
        return Err(Error::Userinfo);
    }
    Ok(claims.and(more))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{
        super::super::testing::{Signer, now, oidc},
        *,
    };
    use crate::common::secret::Secret;

    fn settings(secret: Option<&str>) -> settings::Oidc {
        settings::Oidc {
            client_id: "pri vet".into(),
            client_secret: secret.map(Secret::new),
            ..oidc("https://id.example")
        }
    }

    #[test]
    fn we_prove_ourselves_as_the_provider_wants_it() {
        let flow = Flow::begin("shop.example", "/", false, now()).unwrap();
        let metadata = |methods: Value| {
            let document = json!({ "issuer": "https://id.example", "token_endpoint_auth_methods_supported": methods });
            Metadata::parse(document.to_string().as_bytes(), &settings(None).issuer).unwrap()
        };
        let ask = |secret, methods| question(&settings(secret), &metadata(methods), &flow, "c&d");
        let (authorization, form) = ask(Some("s:ß"), json!(null));
        assert_eq!(authorization.unwrap(), format!("Basic {}", BASE64_STANDARD.encode("pri%20vet:s%3A%C3%9F")));
        assert!(
            form.starts_with("grant_type=authorization_code&code=c%26d&redirect_uri=https%3A%2F%2Fshop.example%2F")
        );
        assert!(form.ends_with(&format!("&code_verifier={}", flow.verifier)));
        let (authorization, form) = ask(Some("s"), json!(["client_secret_post"]));
        assert!(authorization.is_none() && form.ends_with("&client_id=pri%20vet&client_secret=s"));
        let (authorization, form) = ask(None, json!(["client_secret_basic"]));
        assert!(authorization.is_none() && form.ends_with("&client_id=pri%20vet"));
    }

    #[test]
    fn an_access_token_belongs_to_its_id_token() {
        let token = Signer::rsa().token(&json!({}), &json!({}));
        let hash = digest::digest(&digest::SHA256, b"access");
        let good = BASE64_URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]);
        for (claims, expected) in [
            (json!({}), true),
            (json!({ "at_hash": good }), true),
            (json!({ "at_hash": "x" }), false),
            (json!({ "at_hash": 1 }), false),
        ] {
            let Value::Object(claims) = claims else { unreachable!() };
            assert_eq!(belongs("access", &token, &Claims::new(claims)), expected);
        }
    }
}
