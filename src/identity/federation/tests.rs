//! A realm with all its methods: who passes, and what is asked of the others.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use rcgen::{CertificateParams, KeyPair, SanType};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};

use super::{
    basic::REMEMBERED,
    jwt,
    settings::{Certificate, Jwt, Name, Roles, Settings},
    testing::{Documents, NOW, Signer, issuer, now, oidc, ok, put, serve, with},
};
use crate::identity::{
    account::Account,
    ask::{Ask, Need},
    password::{Password, hash},
    principal::{Method, Principal},
    realm::Realm,
    serve::Call,
    settings::{self, Gate},
    staff,
};
use crate::{
    login::{self, Guard},
    seal::Ring,
};

const PASSWORD: &str = "correct horse battery";
const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// A realm whose issuer's documents the test writes.
struct Case {
    documents: Documents,
    signer: Signer,
    name: String,
    realm: Arc<Realm>,
    settings: settings::Realm,
    _dir: tempfile::TempDir,
}

impl Case {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (documents, signer) = (Documents::default(), Signer::ec());
        let name = format!("http://{}", serve(Arc::clone(&documents)).await);
        put(
            &documents,
            "/.well-known/openid-configuration",
            ok(&json!({ "issuer": name, "jwks_uri": format!("{name}/jwks"),
            "authorization_endpoint": format!("{name}/authorize"), "token_endpoint": format!("{name}/token"),
            "end_session_endpoint": format!("{name}/end") })),
        );
        put(&documents, "/jwks", ok(&json!({ "keys": [signer.jwk("k")] })));
        let settings = realm_settings(dir.path(), &name);
        let guard = Guard::new(&login::Settings::default(), &Ring::ephemeral().unwrap());
        let realm = Realm::open(&settings, &guard, None).unwrap();
        tokio::spawn(Realm::run(Arc::downgrade(&realm)));
        staff(&realm, |accounts| {
            let phc = hash(&Password::new(PASSWORD)).unwrap();
            accounts.push(Account::new("batch".into(), phc.clone(), vec!["importer".into()], now()));
            accounts.push(Account::new("alice".into(), phc, Vec::new(), now()));
            accounts[1].totp = Some(vec![1; 20]);
        });
        Self { documents, signer, name, realm, settings, _dir: dir }
    }

    fn token(&self, more: &Value) -> String {
        let base =
            json!({ "iss": self.name, "aud": "api", "sub": "svc", "exp": NOW + 60, "iat": NOW, "scope": "read" });
        self.signer.token(&json!({ "kid": "k", "typ": "at+jwt" }), &with(&base, more))
    }

    async fn ask(&self, ask: &Asked<'_>, gate: &Gate) -> Result<Principal, Need> {
        let ask = Ask {
            headers: &ask.headers,
            client_certificate: ask.certificate,
            address: HOME,
            now: ask.now,
            target: "/a?b",
            wants_html: false,
        };
        self.realm.identify(&ask, gate).await.map(|principal| Principal::clone(&principal))
    }

    async fn with(&self, authorization: &str) -> Result<Principal, Need> {
        self.ask(&Asked::with(authorization), &Gate::new("staff")).await
    }

    async fn send(&self, method: &str, target: &str, cookies: &str, body: String) -> Response<Bytes> {
        let request = Request::builder().method(method).uri(target).header(header::COOKIE, cookies);
        let call = Call {
            request: request.body(body.into()).unwrap(),
            host: "shop.example".into(),
            address: HOME,
            client_certificate: None,
            now: now(),
        };
        self.realm.serve(call).await
    }

    async fn ready(&self) {
        while self.send("GET", "/.privet/oidc/start", "", String::new()).await.status() != StatusCode::SEE_OTHER {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// What a request brings along.
struct Asked<'a> {
    headers: HeaderMap,
    certificate: Option<&'a CertificateDer<'a>>,
    now: std::time::SystemTime,
}

impl Asked<'_> {
    fn with(authorization: &str) -> Self {
        let value = HeaderValue::from_str(authorization).unwrap();
        Self { headers: HeaderMap::from_iter([(header::AUTHORIZATION, value)]), certificate: None, now: now() }
    }
}

fn realm_settings(dir: &Path, name: &str) -> settings::Realm {
    let mut settings = settings::Realm::new("staff", dir.join("staff.sealed"), dir.join("seal.key"));
    settings.federation = Settings {
        oidc: Some(oidc(name)),
        jwt: Some(Jwt {
            issuer: issuer(name),
            audience: vec!["api".into()],
            jwks: None,
            subject_claim: "sub".into(),
            roles: Roles { claim: "scope".into(), map: vec![("read".into(), "reader".into())], pass: false },
        }),
        certificate: Some(Certificate {
            subject: Name::Uri,
            trust_domain: Some("example.org".into()),
            roles: vec![("spiffe://example.org/*".into(), "machine".into())],
        }),
        basic: true,
    };
    settings
}

fn staff(realm: &Realm, change: impl FnOnce(&mut Vec<Account>)) {
    let outcome: Result<(), staff::Error> = realm.staff.place().edit(|accounts| {
        change(accounts);
        Ok(())
    });
    outcome.unwrap();
    realm.refresh();
}

fn basic(pair: &str) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    format!("Basic {}", BASE64_STANDARD.encode(pair))
}

fn challenge(outcome: Result<Principal, Need>) -> String {
    match outcome {
        Err(Need::SignIn { challenge, .. }) => challenge.to_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_bearer_of_a_good_token_passes() {
    let case = Case::new().await;
    let who = case.with(&format!("bearer {}", case.token(&json!({})))).await.unwrap();
    assert_eq!((who.subject.as_str(), who.issuer.as_str()), ("svc", case.name.as_str()));
    assert_eq!((who.roles, who.methods, who.authenticated_at), (vec!["reader".to_owned()], vec![Method::Jwt], now()));
    for bad in ["Bearer ".to_owned(), "Bearer x".to_owned(), format!("Bearer {}", case.token(&json!({ "aud": "us" })))]
    {
        let text = challenge(case.with(&bad).await);
        assert_eq!(text, "Bearer realm=\"staff\", error=\"invalid_token\", Basic realm=\"staff\", charset=\"UTF-8\"");
    }
    // Several say nothing certain; other schemes are the application's.
    let mut two = Asked::with(&format!("Bearer {}", case.token(&json!({}))));
    two.headers.append(header::AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    assert!(challenge(case.ask(&two, &Gate::new("staff")).await).contains("error"));
    let mut other = Asked::with("Digest x");
    assert!(!challenge(case.ask(&other, &Gate::new("staff")).await).contains("error"));
    other.headers.insert("sec-fetch-mode", HeaderValue::from_static("cors"));
    assert_eq!(challenge(case.ask(&other, &Gate::new("staff")).await), "Bearer realm=\"staff\"");
}

#[tokio::test]
async fn a_token_does_not_step_up_beyond_what_it_says() {
    let case = Case::new().await;
    let gate = Gate { max_age: Some(Duration::from_secs(600)), ..Gate::new("staff") };
    let ask = async |more| {
        let asked = Asked::with(&format!("Bearer {}", case.token(&more)));
        case.ask(&asked, &gate).await
    };
    assert!(ask(json!({})).await.is_ok());
    for more in [json!({ "iat": null }), json!({ "auth_time": NOW - 3600 }), json!({ "iat": NOW - 3600 })] {
        let Err(Need::StepUp { location }) = ask(more.clone()).await else { panic!("{more}") };
        assert_eq!(location, "/.privet/oidc/start?return=/a%3Fb&fresh=1");
    }
    let gate = Gate { second_factor: true, ..Gate::new("staff") };
    let asked = |more| Asked::with(&format!("Bearer {}", case.token(&more)));
    assert_eq!(case.ask(&asked(json!({})), &gate).await, Err(Need::Forbidden));
    assert!(case.ask(&asked(json!({ "amr": ["mfa"] })), &gate).await.is_ok());
    let gate = Gate { roles: vec!["writer".into()], ..Gate::new("staff") };
    assert_eq!(case.ask(&asked(json!({})), &gate).await, Err(Need::Forbidden));
}

#[tokio::test]
async fn a_machine_passes_by_its_password() {
    let case = Case::new().await;
    let good = basic(&format!("Batch:{PASSWORD}"));
    for _ in 0..3 {
        let who = case.with(&good).await.unwrap();
        assert_eq!(
            (who.subject.as_str(), who.issuer.as_str(), who.roles),
            ("batch", "staff", vec!["importer".to_owned()])
        );
    }
    let wrong = [
        format!("batch:{PASSWORD}x"),
        "batch:".into(),
        "batch".into(),
        format!("nobody:{PASSWORD}"),
        format!(":{PASSWORD}"),
    ];
    for bad in wrong.iter().map(|pair| basic(pair)).chain(["Basic !".into(), "Basic ".into()]) {
        challenge(case.with(&bad).await);
    }
    challenge(case.with(&basic(&format!("alice:{PASSWORD}"))).await);
    // What is remembered ends with the account as it was.
    staff(&case.realm, |accounts| accounts[0].set_disabled(true));
    challenge(case.with(&good).await);
    staff(&case.realm, |accounts| accounts[0].set_disabled(false));
    assert!(case.with(&good).await.is_ok());
    let other = hash(&Password::new("another long passphrase")).unwrap();
    staff(&case.realm, |accounts| accounts[0].set_password(other));
    challenge(case.with(&good).await);
}

#[tokio::test]
async fn guesses_at_passwords_of_machines_are_limited() {
    let case = Case::new().await;
    let guess = async |i: usize| case.with(&basic(&format!("batch:{i}"))).await;
    let mut tried = 0;
    while tried < 100 && !matches!(guess(tried).await, Err(Need::Wait { .. })) {
        tried += 1;
    }
    assert_eq!(tried, 5, "as at the page");
    let Err(Need::Wait { retry_after }) = case.with(&basic(&format!("batch:{PASSWORD}"))).await else {
        panic!("not held")
    };
    assert!(retry_after > Duration::ZERO);
}

#[tokio::test]
async fn a_verified_password_is_remembered_for_a_minute() {
    let case = Case::new().await;
    let asked = |now| Asked { now, ..Asked::with(&basic(&format!("batch:{PASSWORD}"))) };
    assert!(case.ask(&asked(now()), &Gate::new("staff")).await.is_ok());
    // Under the same number of the account another hash is not looked at until then.
    staff(&case.realm, |accounts| accounts[0].password = "nothing".into());
    let last = now() + REMEMBERED - Duration::from_secs(1);
    assert!(case.ask(&asked(last), &Gate::new("staff")).await.is_ok());
    challenge(case.ask(&asked(now() + REMEMBERED), &Gate::new("staff")).await);
}

#[tokio::test]
async fn a_workload_passes_by_its_certificate() {
    let case = Case::new().await;
    let certificate = |uri: &str| {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![SanType::URI(uri.try_into().unwrap())];
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().clone()
    };
    let good = certificate("spiffe://example.org/batch");
    let asked = |certificate| Asked { headers: HeaderMap::new(), certificate, now: now() };
    let who = case.ask(&asked(Some(&good)), &Gate::new("staff")).await.unwrap();
    assert_eq!((who.subject.as_str(), who.roles), ("spiffe://example.org/batch", vec!["machine".to_owned()]));
    challenge(case.ask(&asked(Some(&certificate("spiffe://evil.example/batch"))), &Gate::new("staff")).await);
    // What a request says itself goes before what its connection says.
    let both = Asked { certificate: Some(&good), ..Asked::with("Bearer x") };
    challenge(case.ask(&both, &Gate::new("staff")).await);
}

/// As a browser that has come back from the provider has it.
async fn session(case: &Case, subject: &str, sid: &str) -> String {
    let principal = Principal {
        subject: subject.into(),
        issuer: case.name.clone(),
        roles: Vec::new(),
        methods: vec![Method::Oidc],
        authenticated_at: now(),
        name: None,
    };
    let kept = Some(format!("{sid}\n{subject}"));
    let cookie = case.realm.sign_in(principal, kept, &HeaderMap::new(), now()).await.unwrap();
    cookie.to_str().unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn the_provider_ends_sessions() {
    let case = Case::new().await;
    case.ready().await;
    let first = session(&case, "alice", "1").await;
    let second = session(&case, "alice", "2").await;
    let other = session(&case, "bob", "3").await;
    let knows = async |cookie: &str| {
        case.send("GET", "/.privet/session", cookie, String::new()).await.status() == StatusCode::OK
    };
    let end = async |more: Value| {
        let base = json!({ "iss": case.name, "aud": "us", "exp": NOW + 60, "iat": NOW,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} } });
        let token = case.signer.token(&json!({ "kid": "k", "typ": "logout+jwt" }), &with(&base, &more));
        case.send("POST", "/.privet/oidc/backchannel-logout", "", format!("logout_token={token}")).await
    };
    let answer = end(json!({ "jti": "1", "sid": "1" })).await;
    assert_eq!(
        (answer.status(), answer.headers()[header::CACHE_CONTROL].as_bytes()),
        (StatusCode::OK, &b"no-store"[..])
    );
    assert!(!knows(&first).await && knows(&second).await && knows(&other).await);
    for bad in
        [json!({ "jti": "1", "sid": "2" }), json!({ "jti": "2" }), json!({ "jti": "3", "sub": "bob", "nonce": "n" })]
    {
        let answer = end(bad.clone()).await;
        assert_eq!(
            (answer.status(), &answer.body()[..]),
            (StatusCode::BAD_REQUEST, &br#"{"error":"invalid_request"}"#[..]),
            "{bad}"
        );
    }
    assert_eq!(end(json!({ "jti": "4", "sub": "alice" })).await.status(), StatusCode::OK);
    assert!(!knows(&second).await && knows(&other).await);
    for (method, target, expected) in [
        ("GET", "/.privet/oidc/backchannel-logout", StatusCode::METHOD_NOT_ALLOWED),
        ("POST", "/.privet/oidc/callback", StatusCode::METHOD_NOT_ALLOWED),
        ("GET", "/.privet/oidc/nothing", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(case.send(method, target, "", String::new()).await.status(), expected, "{target}");
    }
}

#[tokio::test]
async fn people_are_sent_to_the_provider_and_back_to_where_they_were() {
    let case = Case::new().await;
    case.ready().await;
    let nobody = Asked { headers: HeaderMap::new(), certificate: None, now: now() };
    let Err(Need::SignIn { location, .. }) = case.ask(&nobody, &Gate::new("staff")).await else { panic!("known") };
    assert_eq!(location, "/.privet/oidc/start?return=/a%3Fb");
    let departure = case.send("GET", location.to_str().unwrap(), "", String::new()).await;
    let cookie = departure.headers()[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let to = departure.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let of = |name: &str| to.split(['?', '&']).find_map(|part| part.strip_prefix(name)).unwrap().to_owned();
    let (state, nonce) = (of("state="), of("nonce="));
    let claims = json!({ "iss": case.name, "aud": "us", "sub": "carol", "exp": NOW + 60, "iat": NOW, "nonce": nonce, "groups": ["g"] });
    let id_token = case.signer.token(&json!({ "kid": "k" }), &claims);
    put(&case.documents, "/token", ok(&json!({ "id_token": id_token })));
    let back = format!("/.privet/oidc/callback?code=c&state={state}");
    let failed = case.send("GET", &back, "", String::new()).await;
    assert_eq!(failed.status(), StatusCode::FORBIDDEN);
    assert!(String::from_utf8_lossy(failed.body()).contains("/.privet/oidc/start"), "a way to try again");
    let arrival = case.send("GET", &back, &cookie, String::new()).await;
    assert_eq!(
        (arrival.status(), arrival.headers()[header::LOCATION].as_bytes()),
        (StatusCode::SEE_OTHER, &b"/a?b"[..])
    );
    let cookies: Vec<_> = arrival.headers().get_all(header::SET_COOKIE).iter().map(|c| c.to_str().unwrap()).collect();
    assert!(cookies[0].starts_with("__Host-privet-session=") && cookies[1].contains("Max-Age=0"), "{cookies:?}");
    let session = cookies[0].split(';').next().unwrap();
    let known = case.send("GET", "/.privet/session", session, String::new()).await;
    assert!(String::from_utf8_lossy(known.body()).contains("\"carol\""));
    // Whoever goes back in their history is where they wanted to be.
    let again = case.send("GET", &back, &format!("{session}; {cookie}"), String::new()).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    let again = case.send("GET", &back, session, String::new()).await;
    assert_eq!(again.headers()[header::LOCATION], "/");
}

#[tokio::test]
async fn other_settings_hold_at_once() {
    let case = Case::new().await;
    let token = format!("Bearer {}", case.token(&json!({})));
    assert!(case.with(&token).await.is_ok());
    let mut settings = case.settings.clone();
    if let Some(jwt) = &mut settings.federation.jwt {
        jwt.audience = vec!["other".into()];
    }
    case.realm.apply(&settings);
    challenge(case.with(&token).await);
    assert!(
        case.with(&format!("Bearer {}", case.token(&json!({ "aud": "other" })))).await.is_ok(),
        "keys are fetched for the new one"
    );
    settings.federation = Settings::default();
    case.realm.apply(&settings);
    assert_eq!(challenge(case.with(&token).await), "Privet realm=\"staff\"");
    assert_eq!(case.send("GET", "/.privet/oidc/start", "", String::new()).await.status(), StatusCode::NOT_FOUND);
}

/// Whatever issuers and clients send: an answer, and no panic.
#[test]
fn damaged_documents_and_certificates_bring_nothing_down() {
    use super::{certificate, claims::Claims, jwks::KeySet, provider::Metadata};
    let mut random = fastrand::Rng::with_seed(7);
    let mut damage = |bytes: &[u8]| {
        let mut out = bytes.to_vec();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..out.len());
            match random.u8(..3) {
                0 => out[at] = random.u8(..),
                1 => out.truncate(at.max(1)),
                _ => out.insert(at, random.u8(..)),
            }
        }
        out
    };
    let signer = Signer::rsa();
    let keys = json!({ "keys": [signer.jwk("k"), Signer::ec().jwk("l")] }).to_string();
    let document = json!({ "issuer": "https://id.example", "jwks_uri": "https://id.example/jwks", "token_endpoint": "https://[::1]:1/t?a=b#c" });
    let (document, known) = (document.to_string(), issuer("https://id.example"));
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI("spiffe://example.org/a".try_into().unwrap())];
    let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
    let rules = Certificate { subject: Name::Uri, trust_domain: None, roles: Vec::new() };
    let (claims, audience) =
        (json!({ "iss": "https://id.example", "aud": "api", "exp": NOW + 60 }), ["api".to_owned()]);
    let token = signer.token(&json!({ "kid": "k" }), &claims);
    let set = KeySet::parse(keys.as_bytes()).unwrap();
    let expected = jwt::Expected {
        issuer: &known.name,
        audience: &audience,
        algorithms: &known.algorithms,
        kind: jwt::Kind::Access,
    };
    assert!(jwt::verify(&token, &set, &expected, now()).is_ok());
    for _ in 0..3000 {
        let _ = KeySet::parse(&damage(keys.as_bytes()));
        let _ = Metadata::parse(&damage(document.as_bytes()), &known);
        let _ = certificate::principal(&damage(&der), &rules, now());
        if let Ok(Value::Object(claims)) = serde_json::from_slice(&damage(claims.to_string().as_bytes())) {
            let _ = Claims::new(claims).time("exp");
        }
        let damaged = damage(token.as_bytes());
        let damaged = String::from_utf8_lossy(&damaged);
        assert!(damaged == token || jwt::verify(&damaged, &set, &expected, now()).is_err());
    }
}
