use base64::prelude::BASE64_STANDARD;

use super::*;
use crate::identity::{
    ask::{Ask, Need},
    form::{OTP, PASSKEYS},
    passkey::{
        challenge::LIFE,
        testing::{Token, kept, text},
    },
    principal::Method,
    realm::tests::{Browser, PASSWORD, at, code, edit, guard, location, realm, settings, token},
    settings::{self, Gate, Passkeys, SecondFactor},
};

/// A realm with Alice, where passkeys count.
fn with_passkeys(dir: &std::path::Path, totp: bool) -> Arc<Realm> {
    let realm = realm(dir, totp);
    realm.apply(&settings::Realm { passkeys: Some(Passkeys::default()), ..settings(dir) });
    realm
}

fn html(answer: &Response<Bytes>) -> &str {
    std::str::from_utf8(answer.body()).expect("text")
}

/// The challenge on a page, where there is one.
fn challenge(answer: &Response<Bytes>) -> Option<String> {
    attribute(answer, "challenge")
}

fn attribute(answer: &Response<Bytes>, name: &str) -> Option<String> {
    let rest = html(answer).split_once(&format!("data-{name}=\""))?.1;
    rest.split('"').next().map(str::to_owned)
}

/// Adds `token` by the page for it.
async fn add(browser: &mut Browser, token_: &mut Token) -> Response<Bytes> {
    let page = browser.send("GET", PASSKEYS, String::new()).await;
    let asked = challenge(&page).expect("a challenge");
    token_.handle =
        base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, attribute(&page, "handle").expect("a handle"))
            .expect("base64");
    let (client, object) = token_.create(&asked);
    let fields = format!("form={}&name=My+key&client={}&attestation={}", token(&page), text(&client), text(&object));
    browser.now += Duration::from_millis(10);
    browser.send("POST", PASSKEYS, fields).await
}

/// Answers the offer of `page` by `token`.
async fn answer(browser: &mut Browser, page: &str, to: &str, token_: &Token) -> Response<Bytes> {
    let shown = browser.send("GET", page, String::new()).await;
    let asked = challenge(&shown).expect("a challenge");
    browser.now += Duration::from_millis(10);
    browser.send("POST", to, format!("form={}&{}", token(&shown), token_.answer(&asked))).await
}

fn alice(realm: &Realm) -> Account {
    realm.account("alice").expect("Alice")
}

#[tokio::test]
async fn a_passkey_is_added_and_signs_in() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = with_passkeys(dir.path(), false);
    let mut browser = Browser::new(&realm);
    let away = browser.send("GET", PASSKEYS, String::new()).await;
    assert_eq!(location(&away), "/.privet/sign-in?return=/.privet/passkeys");
    assert_eq!(
        location(&browser.fill(location(&away), "username=alice&password=correct+horse+battery").await),
        PASSKEYS
    );
    let mut key = Token::new();
    key.counter = 3;
    assert_eq!(location(&add(&mut browser, &mut key).await), PASSKEYS);
    assert!(browser.passes().await, "a passkey more ends no session");
    // Another one asks for the one that is there.
    let page = browser.send("GET", PASSKEYS, String::new()).await;
    assert!(challenge(&page).is_none() && html(&page).contains("/.privet/sign-in/otp?return=/.privet/passkeys"));
    key.counter = 4;
    assert_eq!(location(&answer(&mut browser, OTP, OTP_PASSKEY, &key).await), "/");
    let again = add(&mut browser, &mut key).await;
    assert_eq!(again.status(), StatusCode::UNPROCESSABLE_ENTITY, "the same twice");
    assert_eq!(alice(&realm).passkeys[0].name, "My key");
    assert_eq!(key.handle, alice(&realm).passkeys[0].handle);

    let mut other = Browser::new(&realm);
    other.now = at(30);
    key.counter = 5;
    assert_eq!(location(&answer(&mut other, &format!("{SIGN_IN}?return=/a"), SIGN_IN_PASSKEY, &key).await), "/");
    let strict = Gate { second_factor: true, ..Gate::new("staff") };
    let principal = other.ask(&strict).await.expect("two factors at once");
    assert_eq!((&*principal.subject, &principal.methods[..]), ("alice", &[Method::Passkey][..]));
    assert_eq!(principal.methods[0].amr(), Some("mfa"));
    let kept = &alice(&realm).passkeys[0];
    assert!(kept.counter == 5 && kept.last > 0, "written down");
    // The counter of before: a copy of the passkey, perhaps.
    let mut thief = Browser::new(&realm);
    thief.now = at(60);
    assert_eq!(answer(&mut thief, SIGN_IN, SIGN_IN_PASSKEY, &key).await.status(), StatusCode::UNAUTHORIZED);
    assert!(thief.session().is_none());
    edit(&realm, |accounts| accounts[0].set_disabled(true));
    key.counter = 9;
    assert_eq!(answer(&mut thief, SIGN_IN, SIGN_IN_PASSKEY, &key).await.status(), StatusCode::UNAUTHORIZED);
    assert!(!other.passes().await);
}

#[tokio::test]
async fn an_answer_counts_once_in_its_own_browser() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = with_passkeys(dir.path(), false);
    let mut browser = Browser::new(&realm);
    browser.sign_in(PASSWORD).await;
    let mut key = Token::new();
    add(&mut browser, &mut key).await;

    let mut one = Browser::new(&realm);
    one.now = at(30);
    let shown = one.send("GET", SIGN_IN, String::new()).await;
    let asked = challenge(&shown).expect("a challenge");
    let body = format!("form={}&{}", token(&shown), key.answer(&asked));
    // Taken to another browser, whose form is its own.
    let mut thief = Browser::new(&realm);
    thief.now = at(30);
    let theirs = thief.send("GET", SIGN_IN, String::new()).await;
    let moved = format!("form={}&{}", token(&theirs), key.answer(&asked));
    assert_eq!(thief.send("POST", SIGN_IN_PASSKEY, moved).await.status(), StatusCode::UNAUTHORIZED);
    let wrong = format!("form={}&{}", token(&theirs), key.answer("AAAA"));
    assert_eq!(thief.send("POST", SIGN_IN_PASSKEY, wrong).await.status(), StatusCode::UNAUTHORIZED);
    let no_form = key.answer(&challenge(&theirs).expect("a challenge"));
    assert_eq!(thief.send("POST", SIGN_IN_PASSKEY, no_form).await.status(), StatusCode::FORBIDDEN);

    let cookies = one.cookies.clone();
    assert_eq!(location(&one.send("POST", SIGN_IN_PASSKEY, body.clone()).await), "/");
    one.cookies = cookies.clone();
    assert_eq!(one.send("POST", SIGN_IN_PASSKEY, body.clone()).await.status(), StatusCode::UNAUTHORIZED);
    // Nor by another replica, or after a restart.
    let again =
        Realm::open(&settings::Realm { passkeys: Some(Passkeys::default()), ..settings(dir.path()) }, &guard(), None);
    let mut elsewhere = Browser::new(&again.expect("a realm"));
    (elsewhere.cookies, elsewhere.now) = (cookies, at(31));
    assert_eq!(elsewhere.send("POST", SIGN_IN_PASSKEY, body).await.status(), StatusCode::UNAUTHORIZED);
    // Without saying whose it is.
    let mut quiet = Browser::new(&realm);
    quiet.now = at(50);
    let shown = quiet.send("GET", SIGN_IN, String::new()).await;
    let fields = key.answer(&challenge(&shown).expect("a challenge"));
    let fields = fields.split_once("&handle=").expect("a handle").0;
    let body = format!("form={}&{fields}&handle=", token(&shown));
    assert_eq!(quiet.send("POST", SIGN_IN_PASSKEY, body).await.status(), StatusCode::UNAUTHORIZED);
    // Too late.
    let mut late = Browser::new(&realm);
    late.now = at(100);
    let shown = late.send("GET", SIGN_IN, String::new()).await;
    let body = format!("form={}&{}", token(&shown), key.answer(&challenge(&shown).expect("a challenge")));
    late.now = at(101) + LIFE;
    assert_eq!(late.send("POST", SIGN_IN_PASSKEY, body).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn one_of_many_answers_sent_side_by_side_counts() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = with_passkeys(dir.path(), false);
    let mut browser = Browser::new(&realm);
    browser.sign_in(PASSWORD).await;
    let mut key = Token::new();
    add(&mut browser, &mut key).await;
    let mut first = Browser::new(&realm);
    first.now = at(30);
    let shown = first.send("GET", SIGN_IN, String::new()).await;
    let body = format!("form={}&{}", token(&shown), key.answer(&challenge(&shown).expect("a challenge")));
    // Half of them come to another replica on the same file.
    let settings = settings::Realm { passkeys: Some(Passkeys::default()), ..settings(dir.path()) };
    let other = Realm::open(&settings, &guard(), None).expect("a realm");
    let same = |n: usize| {
        let mut browser = Browser::new(if n.is_multiple_of(2) { &realm } else { &other });
        (browser.cookies, browser.now) = (first.cookies.clone(), at(30));
        let body = body.clone();
        async move { browser.send("POST", SIGN_IN_PASSKEY, body).await.status() == StatusCode::SEE_OTHER }
    };
    let taken = futures_util::future::join_all((0..8).map(same)).await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");
}

#[tokio::test]
async fn where_nothing_can_be_written_the_process_remembers() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = with_passkeys(dir.path(), false);
    let mut browser = Browser::new(&realm);
    browser.sign_in(PASSWORD).await;
    let mut key = Token::new();
    add(&mut browser, &mut key).await;
    // Its lock can't be taken, as on a read-only mount.
    std::fs::remove_file(dir.path().join("staff.lock")).expect("removed");
    std::fs::create_dir(dir.path().join("staff.lock")).expect("a folder");
    let mut other = Browser::new(&realm);
    other.now = at(30);
    let shown = other.send("GET", SIGN_IN, String::new()).await;
    let body = format!("form={}&{}", token(&shown), key.answer(&challenge(&shown).expect("a challenge")));
    let cookies = other.cookies.clone();
    assert_eq!(location(&other.send("POST", SIGN_IN_PASSKEY, body.clone()).await), "/");
    other.cookies = cookies;
    assert_eq!(other.send("POST", SIGN_IN_PASSKEY, body).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn failures_count_for_the_account_that_the_passkey_names() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = with_passkeys(dir.path(), false);
    let mut browser = Browser::new(&realm);
    browser.sign_in(PASSWORD).await;
    let mut key = Token::new();
    add(&mut browser, &mut key).await;
    let mut thief = Browser::new(&realm);
    // An unknown one is nobody's failure.
    for _ in 0..3 {
        let unknown = answer(&mut thief, SIGN_IN, SIGN_IN_PASSKEY, &Token::new()).await;
        assert_eq!(unknown.status(), StatusCode::UNAUTHORIZED);
    }
    let mut forged = Token::new();
    forged.id.clone_from(&key.id);
    for _ in 0..5 {
        let wrong = answer(&mut thief, SIGN_IN, SIGN_IN_PASSKEY, &forged).await;
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    }
    let limited = answer(&mut thief, SIGN_IN, SIGN_IN_PASSKEY, &forged).await;
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(limited.headers().contains_key(header::RETRY_AFTER));
    assert_eq!(thief.sign_in(PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS, "one account, one limit");
    // Alice's own device is a familiar one.
    assert_eq!(location(&answer(&mut browser, SIGN_IN, SIGN_IN_PASSKEY, &key).await), "/");
}

#[tokio::test]
async fn it_is_the_second_factor_after_a_password() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = with_passkeys(dir.path(), false);
    let mut browser = Browser::new(&realm);
    browser.sign_in(PASSWORD).await;
    let strict = Gate { second_factor: true, ..Gate::new("staff") };
    assert_eq!(browser.ask(&strict).await, Err(Need::Forbidden), "nothing to step up by");
    let mut key = Token::new();
    add(&mut browser, &mut key).await;
    let Err(Need::StepUp { location: to }) = browser.ask(&strict).await else { panic!("a passkey is asked for") };
    let page = to.to_str().expect("text").to_owned();
    let shown = browser.send("GET", &page, String::new()).await;
    assert!(!html(&shown).contains("name=\"code\"") && html(&shown).contains("<noscript>"), "{}", html(&shown));
    assert_eq!(attribute(&shown, "ids"), Some(text(&key.id)));
    assert_eq!(location(&answer(&mut browser, &page, &format!("{OTP_PASSKEY}?return=/a"), &key).await), "/a");
    let principal = browser.ask(&strict).await.expect("known");
    assert_eq!(principal.methods, [Method::Password, Method::Passkey]);

    // From now on it is due after the password.
    let mut other = Browser::new(&realm);
    other.now = at(30);
    assert_eq!(location(&other.sign_in(PASSWORD).await), OTP);
    assert!(!other.passes().await, "half a sign-in is none");
    // The one for a sign-in is not good here, nor the passkey of somebody else.
    let mut bobs = Token::new();
    edit(&realm, |accounts| {
        let mut bob = Account::new("bob".into(), accounts[0].password.clone(), Vec::new(), at(0));
        bob.passkeys.push(Passkey { handle: [1; 16], last: 0, ..kept(&bobs) });
        accounts.push(bob);
    });
    bobs.handle = vec![1; 16];
    assert_eq!(answer(&mut other, OTP, OTP_PASSKEY, &bobs).await.status(), StatusCode::UNAUTHORIZED);
    assert!(!other.passes().await);
    assert_eq!(location(&answer(&mut other, OTP, OTP_PASSKEY, &key).await), "/");
    assert!(other.ask(&strict).await.is_ok());
    realm.apply(&settings::Realm {
        passkeys: Some(Passkeys::default()),
        second_factor: SecondFactor::Required,
        ..settings(dir.path())
    });
    assert!(other.passes().await);
    // Without the setting a passkey is as if it were not there.
    realm.apply(&settings(dir.path()));
    let mut last = Browser::new(&realm);
    assert!(challenge(&last.send("GET", SIGN_IN, String::new()).await).is_none());
    assert_eq!(last.send("GET", PASSKEYS, String::new()).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(last.send("GET", "/.privet/passkey.js", String::new()).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(last.send("POST", SIGN_IN_PASSKEY, key.answer("AAAA")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(location(&last.sign_in(PASSWORD).await), "/");
}

#[tokio::test]
async fn only_a_fresh_sign_in_changes_passkeys() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = with_passkeys(dir.path(), true);
    realm.apply(&settings::Realm {
        passkeys: Some(Passkeys::default()),
        second_factor: SecondFactor::Off,
        ..settings(dir.path())
    });
    let mut browser = Browser::new(&realm);
    browser.sign_in(PASSWORD).await;
    // One factor does not make another of it.
    let page = browser.send("GET", PASSKEYS, String::new()).await;
    assert!(challenge(&page).is_none() && html(&page).contains("/.privet/sign-in/otp?return=/.privet/passkeys"));
    let forced = browser.send("POST", PASSKEYS, format!("form={}&name=x", token_of(&page, &realm, &browser))).await;
    assert_eq!(forced.status(), StatusCode::FORBIDDEN);
    let stepped = browser.fill(&format!("{OTP}?return={PASSKEYS}"), &format!("code={}", code(browser.now))).await;
    assert_eq!(location(&stepped), PASSKEYS);
    // A script of the application may be of this very site, and reads neither page nor token.
    for kind in ["empty", "iframe"] {
        browser.extra = vec![("sec-fetch-site", "same-origin"), ("sec-fetch-dest", kind)];
        for (method, target) in [("GET", PASSKEYS), ("POST", PASSKEYS), ("POST", REMOVE_PASSKEY)] {
            assert_eq!(browser.send(method, target, String::new()).await.status(), StatusCode::FORBIDDEN);
        }
    }
    browser.extra = vec![("sec-fetch-site", "same-origin"), ("sec-fetch-dest", "document")];
    let mut key = Token::new();
    assert_eq!(location(&add(&mut browser, &mut key).await), PASSKEYS);
    // Another session of theirs, and a later hour.
    let mut other = Browser::new(&realm);
    other.now = at(5);
    assert_eq!(location(&answer(&mut other, SIGN_IN, SIGN_IN_PASSKEY, &key).await), "/");
    browser.now = at(301);
    let page = browser.send("GET", PASSKEYS, String::new()).await;
    assert!(challenge(&page).is_none() && html(&page).contains("/.privet/sign-in?return=/.privet/passkeys"));
    let tag = alice(&realm).passkeys[0].tag();
    let remove = |form: String| format!("form={form}&passkey={tag}");
    let stale = remove(token_of(&page, &realm, &browser));
    assert_eq!(browser.send("POST", REMOVE_PASSKEY, stale).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(alice(&realm).passkeys.len(), 1);

    other.now = at(60);
    let page = other.send("GET", PASSKEYS, String::new()).await;
    assert_eq!(other.send("POST", REMOVE_PASSKEY, format!("passkey={tag}")).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(location(&other.send("POST", REMOVE_PASSKEY, remove(token(&page))).await), PASSKEYS);
    assert!(alice(&realm).passkeys.is_empty());
    assert!(other.passes().await && !browser.passes().await, "all their other sessions end");
    let mut thief = Browser::new(&realm);
    thief.now = at(70);
    assert_eq!(answer(&mut thief, SIGN_IN, SIGN_IN_PASSKEY, &key).await.status(), StatusCode::UNAUTHORIZED);
}

/// The token of a page that shows no form.
fn token_of(_: &Response<Bytes>, realm: &Realm, browser: &Browser) -> String {
    let (_, nonce) = browser.cookies.iter().find(|(name, _)| name == "__Host-privet-form").expect("a cookie");
    realm.form_key.token("passkeys", nonce.as_bytes())
}

#[tokio::test]
async fn basic_is_not_for_accounts_with_a_passkey() {
    let dir = tempfile::tempdir().expect("a folder");
    let realm = realm(dir.path(), false);
    let mut with_basic = settings(dir.path());
    with_basic.federation.basic = true;
    realm.apply(&with_basic);
    let key = Token::new();
    edit(&realm, |accounts| accounts[0].passkeys.push(kept(&key)));
    let basic = BASE64_STANDARD.encode(format!("alice:{PASSWORD}"));
    let headers: http::HeaderMap =
        [(header::AUTHORIZATION, format!("Basic {basic}").parse().expect("text"))].into_iter().collect();
    let ask = Ask {
        headers: &headers,
        client_certificate: None,
        address: [127, 0, 0, 1].into(),
        now: at(0),
        target: "/",
        wants_html: false,
    };
    assert!(realm.identify(&ask, &Gate::new("staff")).await.is_ok());
    realm.apply(&settings::Realm { passkeys: Some(Passkeys::default()), ..with_basic });
    assert!(realm.identify(&ask, &Gate::new("staff")).await.is_err());
}
