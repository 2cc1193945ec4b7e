use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};

use super::*;
use crate::identity::{
    federation::testing::oidc,
    form::{OTP, SIGN_IN, SIGN_OUT},
    password::{Password, hash},
    serve::Call,
};

pub(in crate::identity) const PASSWORD: &str = "correct horse battery";
pub(in crate::identity) const SECRET: &[u8] = b"12345678901234567890";

/// A browser: one site, its cookies.
pub(in crate::identity) struct Browser {
    pub(in crate::identity) realm: Arc<Realm>,
    pub(in crate::identity) cookies: Vec<(String, String)>,
    pub(in crate::identity) now: SystemTime,
    pub(in crate::identity) extra: Vec<(&'static str, &'static str)>,
}

pub(in crate::identity) fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000 + seconds)
}

pub(in crate::identity) fn settings(dir: &Path) -> settings::Realm {
    settings::Realm::new("staff", dir.join("staff.sealed"), dir.join("seal.key"))
}

pub(in crate::identity) fn edit(realm: &Realm, change: impl FnOnce(&mut Vec<Account>)) {
    let outcome: Result<(), staff::Error> = realm.staff.place().edit(|accounts| {
        change(accounts);
        Ok(())
    });
    outcome.expect("written");
    realm.refresh();
}

pub(in crate::identity) fn guard() -> Arc<Guard> {
    Guard::new(&crate::login::Settings::default(), &Ring::ephemeral().expect("random bytes"))
}

/// A realm with Alice, a clerk, and with one-time codes where asked for.
pub(in crate::identity) fn realm(dir: &Path, totp: bool) -> Arc<Realm> {
    let realm = Realm::open(&settings(dir), &guard(), None).expect("a realm");
    let phc = hash(&Password::new(PASSWORD)).expect("a hash");
    edit(&realm, |accounts| {
        let mut account = Account::new("alice".into(), phc, vec!["clerk".into()], at(0));
        account.totp = totp.then(|| SECRET.to_vec());
        account.recovery = recovery::hash("AAAAA-BBBBB-CCCCC-DDDDD-EEEEE").into_iter().collect();
        accounts.push(account);
    });
    realm
}

impl Browser {
    pub(in crate::identity) fn new(realm: &Arc<Realm>) -> Self {
        Self { realm: Arc::clone(realm), cookies: Vec::new(), now: at(0), extra: Vec::new() }
    }

    pub(in crate::identity) fn headers(&self) -> HeaderMap {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut headers = HeaderMap::new();
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, HeaderValue::from_str(&cookies.join("; ")).expect("text"));
        }
        for (name, value) in &self.extra {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    pub(in crate::identity) async fn send(&mut self, method: &str, target: &str, body: String) -> Response<Bytes> {
        let mut request = Request::builder().method(method).uri(target).body(Bytes::from(body)).expect("a request");
        *request.headers_mut() = self.headers();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers_mut().insert(header::CONTENT_TYPE, form);
        let call = Call {
            request,
            host: "shop.example".into(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_certificate: None,
            now: self.now,
        };
        let answer = self.realm.serve(call).await;
        for line in answer.headers().get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("text");
            assert!(line.starts_with("__Host-") && line.contains("; Path=/;") && line.contains("; Secure; HttpOnly"));
            let (name, rest) = line.split_once('=').expect("a cookie");
            self.cookies.retain(|(known, _)| known != name);
            let value = rest.split(';').next().expect("a value");
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    /// Opens a page and sends its form, filled in.
    pub(in crate::identity) async fn fill(&mut self, page: &str, fields: &str) -> Response<Bytes> {
        let shown = self.send("GET", page, String::new()).await;
        assert_eq!(shown.status(), StatusCode::OK, "{page}");
        let token = token(&shown);
        self.send("POST", page, format!("form={token}&{fields}")).await
    }

    pub(in crate::identity) async fn sign_in(&mut self, password: &str) -> Response<Bytes> {
        self.fill(SIGN_IN, &format!("username=Alice&password={}", password.replace(' ', "+"))).await
    }

    pub(in crate::identity) async fn ask(&self, gate: &Gate) -> Result<Arc<Principal>, Need> {
        let headers = self.headers();
        let ask = Ask {
            headers: &headers,
            client_certificate: None,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            now: self.now,
            target: "/a?b=c",
            wants_html: true,
        };
        self.realm.identify(&ask, gate).await
    }

    pub(in crate::identity) async fn passes(&self) -> bool {
        self.ask(&Gate::new("staff")).await.is_ok()
    }

    pub(in crate::identity) fn session(&self) -> Option<String> {
        self.cookies.iter().find(|(name, _)| name == id::COOKIE).map(|(_, value)| value.clone())
    }
}

pub(in crate::identity) fn token(answer: &Response<Bytes>) -> String {
    let html = std::str::from_utf8(answer.body()).expect("text");
    let rest = html.split("name=\"form\" value=\"").nth(1).expect("a token");
    rest.split('"').next().expect("a token").to_owned()
}

pub(in crate::identity) fn location(answer: &Response<Bytes>) -> &str {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    answer.headers()[header::LOCATION].to_str().expect("text")
}

pub(in crate::identity) fn code(now: SystemTime) -> String {
    format!("{:06}", totp::code(SECRET, totp::step(now)))
}

#[tokio::test]
async fn a_password_opens_the_door_and_sign_out_closes_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut browser = Browser::new(&realm(dir.path(), false));
    let Err(Need::SignIn { location: to, challenge }) = browser.ask(&Gate::new("staff")).await else {
        panic!("nobody is known yet")
    };
    assert_eq!(to, "/.privet/sign-in?return=/a%3Fb%3Dc");
    assert_eq!(challenge, "Privet realm=\"staff\"");
    let answer = browser.fill(to.to_str().expect("text"), "username=alice&password=correct+horse+battery").await;
    assert_eq!(location(&answer), "/a?b=c");
    let principal = browser.ask(&Gate::new("staff")).await.expect("known");
    assert_eq!((&*principal.subject, &*principal.issuer), ("alice", "staff"));
    assert_eq!((&principal.roles[..], &principal.methods[..]), (&["clerk".to_owned()][..], &[Method::Password][..]));
    let stolen = browser.cookies.clone();
    let answer = browser.fill(SIGN_OUT, "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(browser.session().is_none() && !browser.passes().await);
    browser.cookies = stolen;
    assert!(!browser.passes().await, "an ended session is ended on this side");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_look_the_same() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut browser = Browser::new(&realm(dir.path(), false));
    let wrong = browser.sign_in("correct horse batterz").await;
    let unknown = browser.fill(SIGN_IN, "username=bob&password=correct+horse+battery").await;
    let odd = browser.fill(SIGN_IN, "username=%00&password=x").await;
    for answer in [&wrong, &unknown, &odd] {
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(answer.body(), wrong.body());
    }
    assert!(browser.session().is_none());
    let long = format!("username=alice&password={}", "x".repeat(5000));
    assert_eq!(browser.fill(SIGN_IN, &long).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_of_another_site_is_not_taken() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = realm(dir.path(), false);
    let right = format!("username=alice&password={}", PASSWORD.replace(' ', "+"));
    let mut browser = Browser::new(&realm);
    let answer = browser.send("POST", SIGN_IN, right.clone()).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN, "without a token");
    // The token of a form that another browser had.
    let mut other = Browser::new(&realm);
    let token = token(&other.send("GET", SIGN_IN, String::new()).await);
    assert_eq!(browser.send("POST", SIGN_IN, format!("form={token}&{right}")).await.status(), StatusCode::FORBIDDEN);
    // The token of another form.
    assert_eq!(other.send("POST", SIGN_OUT, format!("form={token}")).await.status(), StatusCode::FORBIDDEN);
    for header in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), ("origin", "null")] {
        other.extra = vec![header];
        assert_eq!(other.fill(SIGN_IN, &right).await.status(), StatusCode::FORBIDDEN, "{header:?}");
    }
    other.extra = vec![("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")];
    assert_eq!(location(&other.fill(SIGN_IN, &right).await), "/");
}

#[tokio::test]
async fn a_code_is_asked_for_and_taken_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = realm(dir.path(), true);
    let mut browser = Browser::new(&realm);
    assert_eq!(location(&browser.sign_in(PASSWORD).await), OTP);
    let half = browser.session();
    assert!(!browser.passes().await, "half a sign-in is none");
    let wrong = browser.fill(OTP, "code=000000").await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(location(&browser.fill(OTP, &format!("code={}", code(browser.now))).await), "/");
    assert_ne!(browser.session(), half, "the id of before is worth nothing");
    let principal = browser.ask(&Gate::new("staff")).await.expect("known");
    assert_eq!(principal.methods, [Method::Password, Method::Otp]);
    // The same code again, also after a restart.
    for realm in [Arc::clone(&realm), Realm::open(&settings(dir.path()), &guard(), None).expect("a realm")] {
        let mut other = Browser::new(&realm);
        other.sign_in(PASSWORD).await;
        let again = other.fill(OTP, &format!("code={}", code(other.now))).await;
        assert_eq!(again.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_recovery_code_stands_in_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = realm(dir.path(), true);
    for expected in [StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED] {
        let mut browser = Browser::new(&realm);
        browser.sign_in(PASSWORD).await;
        assert_eq!(browser.fill(OTP, "code=aaaaa-bbbbb-ccccc-ddddd-eeeee").await.status(), expected);
    }
    assert!(realm.account("alice").expect("Alice").recovery.is_empty());
}

#[tokio::test]
async fn wrong_codes_end_the_sign_in() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut browser = Browser::new(&realm(dir.path(), true));
    browser.sign_in(PASSWORD).await;
    for _ in 0..4 {
        assert_eq!(browser.fill(OTP, "code=000000").await.status(), StatusCode::UNAUTHORIZED);
        assert!(browser.session().is_some());
    }
    browser.fill(OTP, "code=000000").await;
    assert!(browser.session().is_none());
    let answer = browser.send("GET", OTP, String::new()).await;
    assert_eq!(location(&answer), SIGN_IN);
}

#[tokio::test]
async fn a_route_can_ask_for_more() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = realm(dir.path(), true);
    realm.apply(&settings::Realm { second_factor: SecondFactor::Off, ..settings(dir.path()) });
    let mut browser = Browser::new(&realm);
    assert_eq!(location(&browser.sign_in(PASSWORD).await), "/");
    let gate = Gate { roles: vec!["boss".into()], ..Gate::new("staff") };
    assert_eq!(browser.ask(&gate).await, Err(Need::Forbidden));
    let gate = Gate { roles: vec!["boss".into(), "clerk".into()], ..Gate::new("staff") };
    assert!(browser.ask(&gate).await.is_ok());

    let strict = Gate { second_factor: true, ..Gate::new("staff") };
    let before = browser.session();
    let Err(Need::StepUp { location: to }) = browser.ask(&strict).await else { panic!("a code is asked for") };
    assert_eq!(to, "/.privet/sign-in/otp?return=/a%3Fb%3Dc");
    let answer = browser.fill(to.to_str().expect("text"), &format!("code={}", code(browser.now))).await;
    assert_eq!(location(&answer), "/a?b=c");
    assert!(browser.ask(&strict).await.is_ok());
    assert_ne!(browser.session(), before);

    let fresh = Gate { max_age: Some(Duration::from_secs(60)), ..Gate::new("staff") };
    assert!(browser.ask(&fresh).await.is_ok());
    browser.now = at(61);
    let Err(Need::StepUp { location: to }) = browser.ask(&fresh).await else { panic!("a new proof is asked for") };
    assert_eq!(to, "/.privet/sign-in?return=/a%3Fb%3Dc");
    browser.sign_in(PASSWORD).await;
    assert!(browser.ask(&fresh).await.is_ok());
}

#[tokio::test]
async fn who_has_no_second_factor_does_not_pass_where_one_is_needed() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = realm(dir.path(), false);
    let mut browser = Browser::new(&realm);
    browser.sign_in(PASSWORD).await;
    assert!(browser.passes().await);
    let strict = Gate { second_factor: true, ..Gate::new("staff") };
    assert_eq!(browser.ask(&strict).await, Err(Need::Forbidden), "nothing that they could step up by");
    realm.apply(&settings::Realm { second_factor: SecondFactor::Required, ..settings(dir.path()) });
    assert_eq!(browser.ask(&Gate::new("staff")).await, Err(Need::Forbidden), "sessions of before as well");
    let mut other = Browser::new(&realm);
    assert_eq!(other.sign_in(PASSWORD).await.status(), StatusCode::FORBIDDEN);
    assert!(other.session().is_none());
}

#[tokio::test]
async fn what_becomes_of_an_account_holds_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = realm(dir.path(), false);
    let mut browser = Browser::new(&realm);
    browser.sign_in(PASSWORD).await;
    edit(&realm, |accounts| accounts[0].roles = vec!["boss".into()]);
    assert_eq!(browser.ask(&Gate::new("staff")).await.expect("known").roles, ["boss"]);
    edit(&realm, |accounts| {
        let same = accounts[0].password.clone();
        accounts[0].set_password(same);
    });
    assert!(!browser.passes().await, "a new password");
    browser.sign_in(PASSWORD).await;
    assert!(browser.passes().await);
    edit(&realm, |accounts| accounts[0].set_disabled(true));
    assert!(!browser.passes().await);
    assert_eq!(browser.sign_in(PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_new_account_signs_in_without_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = realm(dir.path(), false);
    let phc = hash(&Password::new("another long passphrase")).expect("a hash");
    // As another process does it: nobody tells the realm.
    let place = Place { file: dir.path().join("staff.sealed"), keys: dir.path().join("seal.key") };
    let written: Result<(), staff::Error> = place.edit(|accounts| {
        accounts.push(Account::new("bob".into(), phc, Vec::new(), at(0)));
        Ok(())
    });
    written.expect("written");
    let mut browser = Browser::new(&realm);
    assert_eq!(location(&browser.fill(SIGN_IN, "username=bob&password=another+long+passphrase").await), "/");
}

#[tokio::test]
async fn sessions_of_other_methods_take_the_same_way() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = realm(dir.path(), false);
    let mut federated = settings(dir.path());
    federated.federation.oidc = Some(oidc("https://id.example"));
    realm.apply(&federated);
    let mut browser = Browser::new(&realm);
    let principal = Principal {
        subject: "u-1".into(),
        issuer: "https://id.example".into(),
        roles: Vec::new(),
        methods: vec![Method::Oidc],
        authenticated_at: at(0),
        name: None,
    };
    let again = principal.clone();
    let cookie = realm.sign_in(again, Some("sid".into()), &browser.headers(), browser.now).await.expect("a cookie");
    let value = cookie.to_str().expect("text").split(['=', ';']).nth(1).expect("a value").to_owned();
    browser.cookies.push((id::COOKIE.to_owned(), value));
    assert!(browser.passes().await);
    realm.apply(&settings(dir.path()));
    assert!(!browser.passes().await, "nobody vouches for them any more");
    realm.apply(&federated);
    assert!(!browser.passes().await, "what has ended does not come back");
    let cookie = realm.sign_in(principal, Some("sid".into()), &browser.headers(), browser.now).await.expect("a cookie");
    let value = cookie.to_str().expect("text").split(['=', ';']).nth(1).expect("a value").to_owned();
    browser.cookies = vec![(id::COOKIE.to_owned(), value)];
    assert!(browser.passes().await);
    let by_sid = |_: &Key, entry: &Entry| entry.provider_session.as_deref() == Some("sid");
    assert_eq!(realm.sessions().revoke_where(by_sid, at(1)).await, 1);
    assert!(!browser.passes().await);
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut browser = Browser::new(&realm(dir.path(), false));
    assert_eq!(browser.send("GET", "/.privet/nothing", String::new()).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(browser.send("PUT", SIGN_IN, String::new()).await.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(browser.send("GET", "/.privet/session", String::new()).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(browser.send("GET", "/.privet/jwks", String::new()).await.status(), StatusCode::OK);
    browser.sign_in(PASSWORD).await;
    let session = browser.send("GET", "/.privet/session", String::new()).await;
    let body: serde_json::Value = serde_json::from_slice(session.body()).expect("JSON");
    assert_eq!((&body["subject"], &body["roles"][0]), (&"alice".into(), &"clerk".into()));
}

#[tokio::test]
async fn guesses_sent_side_by_side_gain_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut browser = Browser::new(&realm(dir.path(), true));
    browser.sign_in(PASSWORD).await;
    let token = token(&browser.send("GET", OTP, String::new()).await);
    let guess = || {
        let mut browser = Browser {
            realm: Arc::clone(&browser.realm),
            cookies: browser.cookies.clone(),
            now: at(0),
            extra: Vec::new(),
        };
        let body = format!("form={token}&code=000000");
        async move { browser.send("POST", OTP, body).await }
    };
    let answers = futures_util::future::join_all((0..20).map(|_| guess())).await;
    let looked_at = answers
        .iter()
        .filter(|answer| answer.status() != StatusCode::TOO_MANY_REQUESTS && token_is_of_code_page(answer))
        .count();
    assert!(looked_at < 5, "{looked_at} guesses were looked at and not the last");
    assert!(browser.send("GET", OTP, String::new()).await.headers().contains_key(header::LOCATION));
}

fn token_is_of_code_page(answer: &Response<Bytes>) -> bool {
    memchr::memmem::find(answer.body(), b"name=\"code\"").is_some()
}
