//! Signing in by a passkey, and stepping up by one after a password.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};

use super::{
    ceremony::{Assertion, Refused, Site},
    challenge::Use,
    client::ClientData,
    credential::Passkey,
    page::{Offer, SCRIPT_TEXT},
    used::Mark,
};
use crate::identity::{
    account::Account,
    form::{self, Fields, OTP, OTP_PASSKEY, PASSKEYS, REMOVE_PASSKEY, SCRIPT, SIGN_IN, SIGN_IN_PASSKEY},
    page::{Page, Trouble},
    principal::{self, Principal},
    realm::{Current, NotProven, Realm},
    serve::{Call, back, forbidden, known_again, not_allowed, not_found, record, redirect, wait},
    session::Stage,
};

/// Somebody has proved who they are: their account, and the cookie by which their device is known again.
type Proven = (Account, Option<HeaderValue>);

/// Why nobody has.
enum Denied {
    /// Too many attempts have failed.
    Wait(Duration),
    /// The passkey is not taken.
    No,
}

/// A browser's answer, in bytes.
struct Answer {
    id: Vec<u8>,
    client_data: Vec<u8>,
    data: Vec<u8>,
    signature: Vec<u8>,
    handle: Vec<u8>,
}

impl Answer {
    fn read(fields: &Fields) -> Option<Self> {
        let bytes = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(fields.one(name)?).ok();
        Some(Self {
            id: bytes("id")?,
            client_data: bytes("client")?,
            data: bytes("data")?,
            signature: bytes("signature")?,
            handle: bytes("handle")?,
        })
    }
}

/// What a challenge is for, and who has it.
#[derive(Clone, Copy)]
struct Asked<'a> {
    site: &'a Site,
    r#use: Use,
    holder: &'a [u8],
    now: SystemTime,
}

impl Realm {
    /// Answers a request that is about passkeys.
    pub(in crate::identity) async fn serve_passkeys(self: &Arc<Self>, call: &Call) -> Response<Bytes> {
        let Some(site) = self.site(call) else { return not_found() };
        let get = matches!(*call.request.method(), Method::GET | Method::HEAD);
        let post = call.request.method() == Method::POST;
        match call.request.uri().path() {
            SCRIPT if get => script(),
            PASSKEYS | REMOVE_PASSKEY if !form::is_page_of_its_own(call.request.headers()) => forbidden(),
            SIGN_IN_PASSKEY if post => self.sign_in_by_passkey(call, &site).await,
            OTP_PASSKEY if post => self.step_up_by_passkey(call, &site).await,
            // Where an address was typed, or a page that a form has led to is asked for again.
            SIGN_IN_PASSKEY if get => redirect(form::location(SIGN_IN, &call.return_path())),
            OTP_PASSKEY if get => redirect(form::location(OTP, &call.return_path())),
            REMOVE_PASSKEY if get => redirect(HeaderValue::from_static(PASSKEYS)),
            PASSKEYS if get => self.own_passkeys(call, &site, None).await,
            PASSKEYS if post => self.add_passkey(call, &site).await,
            REMOVE_PASSKEY if post => self.remove_passkey(call, &site).await,
            SCRIPT => not_allowed("GET, HEAD"),
            _ => not_allowed("GET, HEAD, POST"),
        }
    }

    /// The site that was asked, where passkeys count there.
    pub(in crate::identity) fn site(&self, call: &Call) -> Option<Site> {
        Site::of(&call.host, self.passkeys()?.domain.as_deref())
    }

    /// What is offered for a sign-in to whoever has `nonce`.
    pub(in crate::identity) fn offer(&self, call: &Call, nonce: &str) -> Option<Offer> {
        let host = self.site(call)?.id;
        let challenge = self.challenges.issue(Use::SignIn, nonce.as_bytes(), None, call.now)?;
        Some(Offer { action: SIGN_IN_PASSKEY, challenge, host, ids: Vec::new() })
    }

    /// What is offered for a step-up; `None` where `account` has no passkey here.
    pub(in crate::identity) fn offer_again(
        &self,
        call: &Call,
        current: &Current,
        account: &Account,
        nonce: &str,
    ) -> Option<Offer> {
        let host = self.site(call)?.id;
        let own = account.passkeys.iter().filter(|passkey| passkey.host == host);
        let ids: Vec<_> = own.map(|passkey| passkey.id.clone()).collect();
        let challenge = self.challenges.issue(Use::StepUp, &holder(nonce, current), None, call.now)?;
        (!ids.is_empty()).then_some(Offer { action: OTP_PASSKEY, challenge, host, ids })
    }

    async fn sign_in_by_passkey(self: &Arc<Self>, call: &Call, site: &Site) -> Response<Bytes> {
        let refuse = |trouble: Trouble| call.show(self, Page::SignIn, Some(trouble), trouble.status());
        let fields = match call.fields(self, Page::SignIn) {
            Ok(fields) => fields,
            Err(trouble) => return refuse(trouble),
        };
        let asked = Asked { site, r#use: Use::SignIn, holder: call.nonce().as_bytes(), now: call.now };
        let (account, device) = match self.prove_by_passkey(call, &fields, asked, None).await {
            Ok(proven) => proven,
            Err(Denied::Wait(time)) => return wait(refuse(Trouble::TooMany), time),
            Err(Denied::No) => return refuse(Trouble::Passkey),
        };
        let principal = Principal {
            subject: account.id.clone(),
            issuer: self.name.clone(),
            roles: account.roles.clone(),
            methods: vec![principal::Method::Passkey],
            authenticated_at: call.now,
            name: None,
        };
        known_again(self.go_on(call, record(principal, &account, Stage::Known, call.now), back(call)).await, device)
    }

    async fn step_up_by_passkey(self: &Arc<Self>, call: &Call, site: &Site) -> Response<Bytes> {
        let Some((current, account)) = self.own_account(call).await else {
            return redirect(form::location(SIGN_IN, &call.return_path()));
        };
        let known = Some((&current, &account));
        let refuse = |trouble: Trouble| call.show_code(self, known, Some(trouble), trouble.status());
        let fields = match call.fields(self, Page::Code) {
            Ok(fields) => fields,
            Err(trouble) => return refuse(trouble),
        };
        let holder = holder(call.nonce(), &current);
        let asked = Asked { site, r#use: Use::StepUp, holder: &holder, now: call.now };
        let (account, device) = match self.prove_by_passkey(call, &fields, asked, Some(&account.id)).await {
            Ok(proven) => proven,
            Err(Denied::Wait(time)) => return wait(refuse(Trouble::TooMany), time),
            Err(Denied::No) => return refuse(Trouble::Passkey),
        };
        let mut principal = Principal::clone(&current.entry.principal());
        if !principal.methods.contains(&principal::Method::Passkey) {
            principal.methods.push(principal::Method::Passkey);
        }
        // A passkey is a whole sign-in, and this was one just now.
        principal.authenticated_at = call.now;
        known_again(self.go_on(call, record(principal, &account, Stage::Known, call.now), back(call)).await, device)
    }

    /// The session of a request and the account of the staff file behind it, at whatever stage.
    pub(in crate::identity) async fn own_account(&self, call: &Call) -> Option<(Current, Account)> {
        let current = self.current(call.request.headers(), call.now).await?;
        let principal = current.entry.principal();
        let account = self.account(&principal.subject).filter(|_| principal.issuer == self.name)?;
        Some((current, account))
    }

    /// Whose passkey has signed what was asked, `only` this account's where one is named. An attempt counts for the account that the
    /// passkey is of, whatever else is wrong with it.
    async fn prove_by_passkey(
        self: &Arc<Self>,
        call: &Call,
        fields: &Fields,
        asked: Asked<'_>,
        only: Option<&str>,
    ) -> Result<Proven, Denied> {
        let realm = Arc::clone(self);
        let _ = tokio::task::spawn_blocking(move || realm.refresh()).await;
        let answer = Answer::read(fields);
        let account = answer.as_ref().and_then(|answer| self.staff.roll().owner(&answer.id).cloned());
        let id = account.as_ref().map_or("", |account| &account.id);
        let attempt = self.door.check(id, call.address, call.request.headers(), call.now).await;
        let attempt = attempt.map_err(|refused| Denied::Wait(refused.retry_after))?;
        let account = account.filter(|account| only.is_none_or(|only| only == account.id));
        let proven = match (account, answer) {
            (Some(account), Some(answer)) => match self.verify(&account, &answer, asked) {
                Ok((passkey, mark)) => {
                    let (realm, tried) = (Arc::clone(self), account.clone());
                    let used = tokio::task::spawn_blocking(move || realm.use_passkey(&tried, &passkey, mark)).await;
                    Some(account).filter(|_| used.unwrap_or(false)).ok_or(Refused::Replayed)
                }
                Err(refused) => Err(refused),
            },
            _ => Err(Refused::Person),
        };
        match proven {
            Ok(account) => Ok((account, attempt.settle(true))),
            Err(error) => {
                let _ = attempt.settle(false);
                if error == Refused::Counter {
                    tracing::warn!(realm = self.name, %error, "a passkey was refused");
                } else {
                    tracing::info!(realm = self.name, %error, "a passkey was refused");
                }
                Err(Denied::No)
            }
        }
    }

    fn verify(&self, account: &Account, answer: &Answer, asked: Asked<'_>) -> Result<(Passkey, Mark), Refused> {
        let client = ClientData::read(&answer.client_data).ok_or(Refused::Malformed)?;
        let challenge = client.challenge().ok_or(Refused::Malformed)?;
        let challenge = self.challenges.verify(&challenge, asked.r#use, asked.holder, asked.now);
        let challenge = challenge.ok_or(Refused::Challenge)?;
        let passkey = account.passkeys.iter().find(|passkey| passkey.id == answer.id).ok_or(Refused::Person)?;
        let Answer { client_data, data, signature, handle, .. } = answer;
        let handle = Some(handle.as_slice()).filter(|handle| !handle.is_empty());
        // Where nobody is known yet, the passkey has to say whose it is (section 7.2, step 6).
        if handle.is_none() && asked.r#use == Use::SignIn {
            return Err(Refused::Person);
        }
        let mark = Assertion { client_data, data, signature, handle }.verify(
            &client,
            passkey,
            asked.site,
            challenge.issued,
        )?;
        Ok((passkey.clone(), mark))
    }

    /// Writes down how far `passkey` has come; whether that is further than before. It blocks.
    ///
    /// Where it can't be written down, as on a read-only mount, it is remembered by this process.
    fn use_passkey(&self, account: &Account, passkey: &Passkey, mark: Mark) -> bool {
        if !self.used_passkeys.take(passkey, mark) {
            return false;
        }
        let written = self.staff.place().edit(|accounts| {
            let mut same = accounts.iter_mut().filter(|other| other.id == account.id && !other.disabled);
            let own = same.find(|other| other.credential == account.credential).ok_or(NotProven::Wrong)?;
            let own = own.passkeys.iter_mut().find(|other| other.id == passkey.id && other.key == passkey.key);
            let own = own.filter(|own| mark.follows(own)).ok_or(NotProven::Wrong)?;
            mark.enter(own);
            Ok(())
        });
        match written {
            Ok(()) => {
                self.refresh();
                true
            }
            Err(NotProven::Wrong) => false,
            Err(NotProven::File(error)) => {
                tracing::error!(realm = self.name, %error, "the use of a passkey could not be written down");
                true
            }
        }
    }
}

/// Who has a challenge that is for a session: the browser with this form's cookie, and this session.
pub(super) fn holder(nonce: &str, current: &Current) -> Vec<u8> {
    [nonce.as_bytes(), &[0], &current.key.0[..]].concat()
}

fn script() -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(SCRIPT_TEXT.as_bytes()));
    *answer.status_mut() = StatusCode::OK;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    answer
}

#[cfg(test)]
mod tests;
