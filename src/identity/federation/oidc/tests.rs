use std::time::Duration;

use serde_json::{Value, json};

use super::{
    super::testing::{Documents, NOW, Signer, now, oidc, ok, put, serve, with},
    token::Error as TokenError,
    *,
};
use crate::identity::federation::jwt::Refused;

const HOST: &str = "shop.example";

/// A provider whose answers the test writes, and a browser.
struct Case {
    documents: Documents,
    signer: Signer,
    oidc: Oidc,
    name: String,
}

impl Case {
    async fn new(metadata: &Value) -> Self {
        let (documents, signer) = (Documents::default(), Signer::ec());
        let name = format!("http://{}", serve(Arc::clone(&documents)).await);
        let place = |path: &str| format!("{name}{path}");
        let base = json!({ "issuer": name, "jwks_uri": place("/jwks"), "authorization_endpoint": place("/authorize"),
            "token_endpoint": place("/token"), "userinfo_endpoint": place("/userinfo"), "end_session_endpoint": place("/end") });
        put(&documents, "/.well-known/openid-configuration", ok(&with(&base, metadata)));
        put(&documents, "/jwks", ok(&json!({ "keys": [signer.jwk("k")] })));
        let settings = oidc(&name);
        let provider = Provider::new(&settings.issuer, None);
        tokio::spawn(Arc::clone(&provider).run());
        while provider.metadata().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let oidc = Oidc::new(&settings, provider, &Ring::ephemeral().unwrap(), "staff").unwrap();
        Self { documents, signer, oidc, name }
    }

    /// Leaves, and lets the provider answer with claims of this `more`. What comes back: the flow, and the browser's cookie.
    fn leave(&self, fresh: bool, more: &Value) -> (Flow, HeaderMap) {
        let departure = self.oidc.depart(HOST, "/orders?x=1", fresh, now()).unwrap();
        let cookie = departure.cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        let flow = self.oidc.key.open(cookie.split_once('=').unwrap().1).unwrap();
        let base = json!({ "iss": self.name, "aud": "us", "sub": "alice", "exp": NOW + 60, "iat": NOW, "nonce": flow.nonce, "groups": ["g"], "sid": "1" });
        let id_token = self.signer.token(&json!({ "kid": "k" }), &with(&base, more));
        put(
            &self.documents,
            "/token",
            ok(&json!({ "id_token": id_token, "access_token": "a", "token_type": "Bearer" })),
        );
        let headers = HeaderMap::from_iter([(http::header::COOKIE, HeaderValue::from_str(&cookie).unwrap())]);
        (flow, headers)
    }

    async fn arrive(&self, query: &str, headers: &HeaderMap) -> Result<SignedIn, Error> {
        self.oidc.arrive(query, headers, HOST, now()).await.1
    }

    async fn sign_in(&self, fresh: bool, more: &Value) -> Result<SignedIn, Error> {
        let (flow, headers) = self.leave(fresh, more);
        self.arrive(&format!("state={}&code=c", flow.state), &headers).await
    }
}

#[tokio::test]
async fn a_departure_asks_for_what_must_come_back() {
    let case = Case::new(&json!({})).await;
    let departure = case.oidc.depart(HOST, "/", true, now()).unwrap();
    let cookie = departure.cookie.to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-privet-oidc-")
            && cookie.ends_with("; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax")
    );
    let location = departure.location.to_str().unwrap();
    let (place, query) = location.split_once('?').unwrap();
    assert_eq!(place, format!("{}/authorize", case.name));
    let fields = Fields::parse(query.as_bytes()).unwrap();
    for (name, expected) in [
        ("response_type", "code"),
        ("client_id", "us"),
        ("redirect_uri", "https://shop.example/.privet/oidc/callback"),
        ("scope", "openid groups"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("max_age", "0"),
    ] {
        assert_eq!(fields.one(name), Some(expected), "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(fields.one(name).map(str::len), Some(43), "{name}");
    }
    assert!(!query.contains("prompt") || query.contains("prompt=login"));
    assert!(!case.oidc.depart(HOST, "/", false, now()).unwrap().location.to_str().unwrap().contains("prompt"));
}

#[tokio::test]
async fn whoever_comes_back_with_a_good_code_is_known() {
    let case = Case::new(&json!({})).await;
    let signed_in = case.sign_in(false, &json!({ "auth_time": NOW - 30, "amr": ["pwd", "mfa"] })).await.unwrap();
    assert_eq!(signed_in.back, "/orders?x=1");
    let who = signed_in.principal;
    assert_eq!((who.subject.as_str(), who.issuer.as_str()), ("alice", case.name.as_str()));
    assert_eq!(who.roles, ["clerk"]);
    assert_eq!(who.methods, [Method::Oidc, Method::Factors]);
    assert_eq!(who.authenticated_at, now() - Duration::from_secs(30));
    assert_eq!(signed_in.session, "1\nalice");
    let unsaid = case.sign_in(false, &json!({})).await.unwrap().principal;
    assert_eq!(unsaid.authenticated_at, UNIX_EPOCH, "as old as can be");
}

#[tokio::test]
async fn an_answer_is_taken_once_from_the_browser_that_asked() {
    let case = Case::new(&json!({})).await;
    let (flow, headers) = case.leave(false, &json!({}));
    let query = format!("state={}&code=c", flow.state);
    let other = Flow::begin(HOST, "/", false, now()).unwrap();
    for (query, headers, why) in [
        (query.as_str(), &HeaderMap::new(), "another browser"),
        (&format!("state={}&code=c", other.state), &headers, "another state"),
        ("code=c", &headers, "no state"),
        (&format!("{query}&state={}", flow.state), &headers, "two states"),
    ] {
        assert!(matches!(case.arrive(query, headers).await, Err(Error::State)), "{why}");
    }
    assert!(matches!(case.oidc.arrive(&query, &headers, "evil.example", now()).await.1, Err(Error::State)));
    let late = now() + PATIENCE + Duration::from_secs(1);
    assert!(matches!(case.oidc.arrive(&query, &headers, HOST, late).await.1, Err(Error::State)));
    assert!(case.arrive(&query, &headers).await.is_ok(), "none of these has used it up");
    assert!(matches!(case.arrive(&query, &headers).await, Err(Error::State)), "a second time");
}

#[tokio::test]
async fn what_the_provider_refuses_is_no_sign_in() {
    let case = Case::new(&json!({})).await;
    for more in ["error=access_denied", "error=access_denied&code=c", "", "code=", "code=a&code=b"] {
        let (flow, headers) = case.leave(false, &json!({}));
        let (cookie, outcome) = case.oidc.arrive(&format!("state={}&{more}", flow.state), &headers, HOST, now()).await;
        assert!(cookie.is_some() && matches!(outcome, Err(Error::Denied)), "{more}");
    }
    let (flow, headers) = case.leave(false, &json!({}));
    put(&case.documents, "/token", "HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\n{}".into());
    let outcome = case.arrive(&format!("state={}&code=c", flow.state), &headers).await;
    assert!(matches!(outcome, Err(Error::Token(TokenError::Status(400)))));
}

#[tokio::test]
async fn another_issuer_does_not_answer_for_ours() {
    for (metadata, more, good) in [
        (json!({}), "&iss=https://evil.example", false),
        (json!({}), "", true),
        (json!({ "authorization_response_iss_parameter_supported": true }), "", false),
    ] {
        let case = Case::new(&metadata).await;
        let (flow, headers) = case.leave(false, &json!({}));
        let outcome = case.arrive(&format!("state={}&code=c{more}", flow.state), &headers).await;
        assert_eq!(outcome.is_ok(), good, "{more}");
        assert!(good || matches!(outcome, Err(Error::Issuer)));
        let (flow, headers) = case.leave(false, &json!({}));
        let query = format!("state={}&code=c&iss={}", flow.state, encoded(&case.name));
        assert!(case.arrive(&query, &headers).await.is_ok());
    }
}

#[tokio::test]
async fn an_id_token_that_is_not_good_is_no_sign_in() {
    let case = Case::new(&json!({})).await;
    for (more, expected) in [
        (json!({ "nonce": "other" }), Refused::Nonce),
        (json!({ "aud": "other" }), Refused::Audience),
        (json!({ "iss": "https://evil.example" }), Refused::Issuer),
        (json!({ "exp": NOW - 100 }), Refused::Expired),
    ] {
        let outcome = case.sign_in(false, &more).await;
        assert!(matches!(outcome, Err(Error::Token(TokenError::Refused(why))) if why == expected), "{more}");
    }
    assert!(matches!(case.sign_in(false, &json!({ "sub": "a\tb" })).await, Err(Error::Subject)));
    let wrong = case.sign_in(false, &json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" })).await;
    assert!(matches!(wrong, Err(Error::Token(TokenError::AccessToken))));
}

#[tokio::test]
async fn a_fresh_sign_in_is_fresh() {
    let case = Case::new(&json!({})).await;
    for (more, good) in [
        (json!({}), false),
        (json!({ "auth_time": NOW - 3600 }), false),
        (json!({ "auth_time": NOW + 3600 }), false),
        (json!({ "auth_time": NOW + 5 }), true),
    ] {
        let outcome = case.sign_in(true, &more).await;
        assert_eq!(outcome.is_ok(), good, "{more}");
        assert!(good || matches!(outcome, Err(Error::Stale)));
    }
}

#[tokio::test]
async fn more_claims_come_from_userinfo_and_only_of_the_same_person() {
    let case = Case::new(&json!({})).await;
    put(&case.documents, "/userinfo", ok(&json!({ "sub": "alice", "groups": ["g"], "auth_time": 1 })));
    let signed_in = case.sign_in(false, &json!({ "groups": null })).await.unwrap();
    assert_eq!(signed_in.principal.roles, ["clerk"]);
    for other in [json!({ "sub": "bob", "groups": ["g"] }), json!({ "groups": ["g"] })] {
        put(&case.documents, "/userinfo", ok(&other));
        let outcome = case.sign_in(false, &json!({ "groups": null })).await;
        assert!(matches!(outcome, Err(Error::Token(TokenError::Userinfo))), "{other}");
        assert!(case.sign_in(false, &json!({})).await.is_ok(), "not asked where nothing is missing");
    }
}

#[tokio::test]
async fn a_logout_token_counts_once() {
    let case = Case::new(&json!({})).await;
    let token = |more: Value| {
        let base = json!({ "iss": case.name, "aud": "us", "sub": "alice", "exp": NOW + 60, "iat": NOW, "jti": "j",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} } });
        case.signer.token(&json!({ "kid": "k", "typ": "logout+jwt" }), &with(&base, &more))
    };
    let first = token(json!({}));
    assert!(case.oidc.ended(&first, now()).await.unwrap().is("1\nalice"));
    assert_eq!(case.oidc.ended(&first, now()).await, Err(Refused::Replayed));
    let named = case.oidc.ended(&token(json!({ "jti": "k", "sid": "2" })), now()).await.unwrap();
    assert!(!named.is("1\nalice") && named.is("2\nalice"));
    assert!(case.oidc.end_session().is_some_and(|place| place == format!("{}/end?client_id=us", case.name)));
}
