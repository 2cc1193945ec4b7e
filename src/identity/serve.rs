//! A realm's own pages below `/.privet/`: sign-in, one-time code, sign-out, and what programs read.
//!
//! Every form is taken only with the token that its page had, from a page of this very site. An answer never says whether it was the
//! name or the password, and takes the same time for both.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use rustls::pki_types::CertificateDer;
use serde_json::json;

use super::{
    account::{self, Account},
    attempt::Attempt,
    form::{
        self, FORM_COOKIE, Fields, OTP, OTP_PASSKEY, PASSKEYS, REMOVE_PASSKEY, SCRIPT, SIGN_IN, SIGN_IN_PASSKEY,
        SIGN_OUT,
    },
    page::{self, Language, Page, Trouble, View},
    password::Password,
    policy,
    principal::{self, Principal},
    realm::{Current, Realm},
    session::{
        Stage,
        entry::{Record, seconds},
        id::COOKIE,
    },
    settings::SecondFactor,
};
use crate::registry::page::{HANDOVERS, Own, PLEDGE};

/// Most bytes of a request body that these pages take; the gateway reads no more.
pub const BODY_LIMIT: usize = 16 << 10;
/// Wrong codes that end a session.
const WRONG_CODES: u32 = 5;

/// A request to a realm's own pages.
#[derive(Debug)]
pub struct Call {
    /// The request, its body whole.
    pub request: Request<Bytes>,
    /// The site that was asked: the value of `Host`.
    pub host: String,
    /// The client's address.
    pub address: IpAddr,
    /// What the client proved in the TLS handshake.
    pub client_certificate: Option<CertificateDer<'static>>,
    /// The time.
    pub now: SystemTime,
}

impl Call {
    fn headers(&self) -> &HeaderMap {
        self.request.headers()
    }

    pub(super) fn return_path(&self) -> String {
        form::return_path(self.request.uri().query())
    }

    pub(super) fn show(
        &self,
        realm: &Realm,
        page: Page,
        trouble: Option<Trouble>,
        status: StatusCode,
    ) -> Response<Bytes> {
        self.render(realm, page, None, trouble, status)
    }

    /// The page for a code, for whoever has a session and an account of the staff file.
    pub(super) fn show_code(
        &self,
        realm: &Realm,
        known: Option<(&Current, &Account)>,
        trouble: Option<Trouble>,
        status: StatusCode,
    ) -> Response<Bytes> {
        self.render(realm, Page::Code, known, trouble, status)
    }

    fn render(
        &self,
        realm: &Realm,
        page: Page,
        known: Option<(&Current, &Account)>,
        trouble: Option<Trouble>,
        status: StatusCode,
    ) -> Response<Bytes> {
        let Some(nonce) = self.held_nonce().or_else(form::nonce) else { return unavailable() };
        let offer = match (page, known) {
            (Page::SignIn, _) => realm.offer(self, &nonce),
            (Page::Code, Some((current, account))) => realm.offer_again(self, current, account, &nonce),
            _ => None,
        };
        let view = View {
            page,
            trouble,
            language: Language::of(self.headers()),
            token: &realm.form_key.token(page.form(), nonce.as_bytes()),
            back: &self.return_path(),
            provider: realm.has_provider(),
            offer: offer.as_ref(),
            codes: offer.is_none() || known.is_none_or(|(_, account)| account.totp.is_some()),
        };
        let mut answer = page::answer(&view, status);
        answer.headers_mut().append(header::SET_COOKIE, form::set_cookie(FORM_COOKIE, &nonce));
        answer
    }

    /// The nonce that the browser has already. It stays, so that a form in another tab does not go stale.
    pub(super) fn held_nonce(&self) -> Option<String> {
        Some(self.nonce()).filter(|nonce| nonce.len() == 32).map(str::to_owned)
    }

    /// What the browser's form cookie holds.
    pub(super) fn nonce(&self) -> &str {
        form::cookie(self.headers(), FORM_COOKIE).unwrap_or_default()
    }

    /// The fields of a form that a page of ours has sent; else what is wrong.
    pub(super) fn fields(&self, realm: &Realm, page: Page) -> Result<Fields, Trouble> {
        let kind = self.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") || self.request.body().len() > BODY_LIMIT {
            return Err(Trouble::Stale);
        }
        let fields = Fields::parse(self.request.body()).ok_or(Trouble::Stale)?;
        let nonce = self.nonce();
        let token = fields.one("form").unwrap_or_default();
        let own = form::is_of_this_site(self.headers(), &self.host)
            && !nonce.is_empty()
            && realm.form_key.verifies(page.form(), nonce.as_bytes(), token);
        if own { Ok(fields) } else { Err(Trouble::Stale) }
    }
}

impl Realm {
    /// Answers a request below `/.privet/`.
    pub async fn serve(self: &Arc<Self>, call: Call) -> Response<Bytes> {
        let path = call.request.uri().path();
        let get = matches!(*call.request.method(), Method::GET | Method::HEAD);
        let post = call.request.method() == Method::POST;
        match path {
            SIGN_IN if get => call.show(self, Page::SignIn, None, StatusCode::OK),
            SIGN_IN if post => self.take_password(&call).await,
            OTP if get => self.code_page(&call).await,
            OTP if post => self.take_code(&call).await,
            SIGN_OUT if get => call.show(self, Page::SignOut, None, StatusCode::OK),
            SIGN_OUT if post => self.sign_out(&call).await,
            "/.privet/session" if get => self.session(&call).await,
            "/.privet/jwks" if get => object(StatusCode::OK, self.signer.jwks().to_owned()),
            SIGN_IN_PASSKEY | OTP_PASSKEY | PASSKEYS | REMOVE_PASSKEY | SCRIPT => self.serve_passkeys(&call).await,
            PLEDGE => self.serve_own(Own::Pledge, &call).await,
            HANDOVERS => self.serve_own(Own::Handovers, &call).await,
            path if path.starts_with("/.privet/oidc/") => self.serve_oidc(&call).await,
            SIGN_IN | OTP | SIGN_OUT => not_allowed("GET, HEAD, POST"),
            "/.privet/session" | "/.privet/jwks" => not_allowed("GET, HEAD"),
            _ => not_found(),
        }
    }

    async fn take_password(self: &Arc<Self>, call: &Call) -> Response<Bytes> {
        let refuse = |trouble: Trouble| call.show(self, Page::SignIn, Some(trouble), trouble.status());
        let fields = match call.fields(self, Page::SignIn) {
            Ok(fields) => fields,
            Err(trouble) => return refuse(trouble),
        };
        let (name, typed) = (fields.one("username").unwrap_or_default(), fields.one("password").unwrap_or_default());
        // What is no name at all is tried like an unknown one.
        let id = account::id(name).unwrap_or_default();
        let attempt = match self.door.check(&id, call.address, call.headers(), call.now).await {
            Ok(attempt) => attempt,
            Err(refused) => return wait(refuse(Trouble::TooMany), refused.retry_after),
        };
        let realm = Arc::clone(self);
        let _ = tokio::task::spawn_blocking(move || realm.refresh()).await;
        let account = self.account(&id);
        let (password, phc) = if typed.len() <= policy::LONGEST_BYTES {
            (Password::new(typed), account.as_ref().map(|account| account.password.clone()))
        } else {
            (Password::new(""), None)
        };
        match (self.verifier.verify(password, phc).await, account) {
            (Err(_), _) => {
                attempt.give_back();
                wait(refuse(Trouble::Busy), Duration::from_secs(2))
            }
            (Ok(true), Some(account)) => self.password_was_right(call, &account, attempt).await,
            (Ok(_), _) => {
                let _ = attempt.settle(false);
                refuse(Trouble::Wrong)
            }
        }
    }

    async fn password_was_right(&self, call: &Call, account: &Account, attempt: Attempt) -> Response<Bytes> {
        let policy = self.second_factor();
        let has_passkey = self.site(call).is_some_and(|site| account.passkeys.iter().any(|own| own.host == site.id));
        let has_second = account.totp.is_some() || has_passkey;
        if policy == SecondFactor::Required && !has_second {
            attempt.give_back();
            return call.show(self, Page::SignIn, Some(Trouble::NoSecondFactor), Trouble::NoSecondFactor.status());
        }
        let code_is_due = policy != SecondFactor::Off && has_second;
        let (stage, to, device) = if code_is_due {
            // The attempt counts for nothing yet: a right password must not clear the way for guessing codes.
            attempt.give_back();
            (Stage::AwaitsCode, form::location(OTP, &call.return_path()), None)
        } else {
            (Stage::Known, back(call), attempt.settle(true))
        };
        let principal = Principal {
            subject: account.id.clone(),
            issuer: self.name.clone(),
            roles: account.roles.clone(),
            methods: vec![principal::Method::Password],
            authenticated_at: call.now,
            name: None,
        };
        known_again(self.go_on(call, record(principal, account, stage, call.now), to).await, device)
    }

    async fn code_page(&self, call: &Call) -> Response<Bytes> {
        if let Some((current, account)) = self.own_account(call).await {
            return call.show_code(self, Some((&current, &account)), None, StatusCode::OK);
        }
        match self.current(call.headers(), call.now).await {
            Some(_) => call.show(self, Page::Code, None, StatusCode::OK),
            None => redirect(form::location(SIGN_IN, &call.return_path())),
        }
    }

    async fn take_code(self: &Arc<Self>, call: &Call) -> Response<Bytes> {
        let known = self.own_account(call).await;
        let known = known.as_ref().map(|(current, account)| (current, account));
        let refuse = |trouble: Trouble| call.show_code(self, known, Some(trouble), trouble.status());
        let fields = match call.fields(self, Page::Code) {
            Ok(fields) => fields,
            Err(trouble) => return refuse(trouble),
        };
        let Some(current) = self.current(call.headers(), call.now).await else {
            return redirect(form::location(SIGN_IN, &call.return_path()));
        };
        let principal = current.entry.principal();
        let own = principal.issuer == self.name;
        let Some(account) = self.account(&principal.subject).filter(|account| own && account.totp.is_some()) else {
            return refuse(Trouble::NoSecondFactor);
        };
        let attempt = match self.door.check(&account.id, call.address, call.headers(), call.now).await {
            Ok(attempt) => attempt,
            Err(refused) => return wait(refuse(Trouble::TooMany), refused.retry_after),
        };
        // Counted before it is looked at, so that guesses sent side by side gain nothing.
        let tries = current.entry.codes.fetch_add(1, Relaxed) + 1;
        if tries > WRONG_CODES {
            return self.too_many_codes(call, &current).await;
        }
        let code = zeroize::Zeroizing::new(fields.one("code").unwrap_or_default().to_owned());
        let (realm, tried, now) = (Arc::clone(self), account.clone(), call.now);
        let proof = tokio::task::spawn_blocking(move || realm.prove(&tried, &code, now)).await;
        let Some(method) = proof.ok().flatten() else {
            let _ = attempt.settle(false);
            if tries == WRONG_CODES {
                return self.too_many_codes(call, &current).await;
            }
            return refuse(Trouble::WrongCode);
        };
        let device = attempt.settle(true);
        let mut known = Principal::clone(&principal);
        if !known.methods.contains(&method) {
            known.methods.push(method);
        }
        known_again(self.go_on(call, record(known, &account, Stage::Known, call.now), back(call)).await, device)
    }

    async fn too_many_codes(&self, call: &Call, current: &Current) -> Response<Bytes> {
        self.sessions().end(current.key, call.now).await;
        let mut answer = call.show(self, Page::SignIn, Some(Trouble::TooManyCodes), Trouble::TooManyCodes.status());
        answer.headers_mut().append(header::SET_COOKIE, form::end_cookie(COOKIE));
        answer
    }

    /// A new session, and on to `to`.
    pub(super) async fn go_on(&self, call: &Call, record: Record, to: HeaderValue) -> Response<Bytes> {
        let known = record.stage == Stage::Known;
        let Some(cookie) = self.begin(record, call.headers(), call.now).await else { return unavailable() };
        let mut answer = redirect(to);
        answer.headers_mut().append(header::SET_COOKIE, cookie);
        if known {
            answer.headers_mut().append(header::SET_COOKIE, form::end_cookie(FORM_COOKIE));
        }
        answer
    }

    async fn sign_out(&self, call: &Call) -> Response<Bytes> {
        if let Err(trouble) = call.fields(self, Page::SignOut) {
            return call.show(self, Page::SignOut, Some(trouble), trouble.status());
        }
        let mut onward = None;
        if let Some(current) = self.current(call.headers(), call.now).await {
            self.sessions().end(current.key, call.now).await;
            onward = self.end_session(&current.entry.principal.load().issuer);
        }
        let mut answer = call.show(self, Page::SignedOut, None, StatusCode::OK);
        if let Some(onward) = onward {
            answer.headers_mut().insert(header::REFRESH, onward);
        }
        answer.headers_mut().append(header::SET_COOKIE, form::end_cookie(COOKIE));
        // What the browser has kept of the application's pages is not for the next person.
        answer.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
        answer
    }

    /// Who is signed in, for scripts of the application.
    async fn session(&self, call: &Call) -> Response<Bytes> {
        let current = self.current(call.headers(), call.now).await;
        match current.filter(|current| current.entry.stage == Stage::Known) {
            Some(current) => {
                let who = self.as_registered(current.entry.principal(), call.now);
                let body = json!({ "subject": who.subject, "roles": who.roles, "methods": who.methods,
                    "authenticated_at": seconds(who.authenticated_at) });
                object(StatusCode::OK, body.to_string())
            }
            None => object(StatusCode::UNAUTHORIZED, json!({ "status": 401, "error": "sign_in" }).to_string()),
        }
    }
}

/// Gives the device the cookie by which it is familiar.
pub(super) fn known_again(mut answer: Response<Bytes>, device: Option<HeaderValue>) -> Response<Bytes> {
    if let Some(cookie) = device {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

pub(super) fn record(principal: Principal, account: &Account, stage: Stage, now: SystemTime) -> Record {
    Record { principal, credential: account.credential, stage, provider_session: None, began: seconds(now) }
}

pub(super) fn back(call: &Call) -> HeaderValue {
    HeaderValue::from_str(&call.return_path()).unwrap_or(HeaderValue::from_static("/"))
}

pub(super) fn redirect(to: HeaderValue) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    answer.headers_mut().insert(header::LOCATION, to);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

pub(super) fn object(status: StatusCode, body: String) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

pub(super) fn not_found() -> Response<Bytes> {
    object(StatusCode::NOT_FOUND, json!({ "status": 404, "error": "not_found" }).to_string())
}

pub(super) fn forbidden() -> Response<Bytes> {
    object(StatusCode::FORBIDDEN, json!({ "status": 403, "error": "forbidden" }).to_string())
}

pub(super) fn not_allowed(allow: &'static str) -> Response<Bytes> {
    let mut answer = object(StatusCode::METHOD_NOT_ALLOWED, json!({ "status": 405, "error": "method" }).to_string());
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    answer
}

pub(super) fn unavailable() -> Response<Bytes> {
    object(StatusCode::SERVICE_UNAVAILABLE, json!({ "status": 503, "error": "unavailable" }).to_string())
}

pub(super) fn wait(mut answer: Response<Bytes>, time: Duration) -> Response<Bytes> {
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(time.as_secs().max(1)));
    answer
}
