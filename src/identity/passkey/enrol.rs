//! The page of one's own passkeys: what is there, another one, one less.
//!
//! A passkey opens every door of its owner, so adding one asks for as much as the account can prove: a sign-in of the last minutes, and
//! both factors where there are two (NIST SP 800-63B-4, section 4.1.2).

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::{
    ceremony::{Enrolled, Refused, Site, enrol},
    challenge::Use,
    client::ClientData,
    credential::{HANDLE, MOST, Passkey, name},
    page::{Own, own},
    serve::holder,
};
use crate::identity::{
    account::Account,
    form::{self, FORM_COOKIE, Fields, OTP, PASSKEYS, SIGN_IN},
    page::{Language, Page, Trouble, respond},
    principal::Principal,
    realm::{Current, NotProven, Realm},
    serve::{Call, record, redirect, unavailable},
    session::{Stage, entry::seconds},
    settings::SecondFactor,
};

/// The oldest sign-in by which passkeys are changed.
const FRESH: Duration = Duration::from_secs(5 * 60);

impl Realm {
    /// Whoever is signed in by an account of the staff file.
    async fn signed_in(&self, call: &Call) -> Option<(Current, Account)> {
        self.own_account(call).await.filter(|(current, _)| current.entry.stage == Stage::Known)
    }

    /// The page for what `principal` has to prove before passkeys are changed; `None` where that was done.
    fn proof_due(&self, principal: &Principal, account: &Account, call: &Call) -> Option<&'static str> {
        let age = call.now.duration_since(principal.authenticated_at);
        if age.is_err() || age.is_ok_and(|age| age > FRESH) {
            return Some(SIGN_IN);
        }
        let two = self.has_second_factor(account) || self.second_factor() == SecondFactor::Required;
        (two && !principal.has_second_factor()).then_some(OTP)
    }

    pub(super) async fn own_passkeys(&self, call: &Call, site: &Site, trouble: Option<Trouble>) -> Response<Bytes> {
        let Some((current, account)) = self.signed_in(call).await else {
            return redirect(form::location(SIGN_IN, PASSKEYS));
        };
        let Some(nonce) = call.held_nonce().or_else(form::nonce) else { return unavailable() };
        let due = self.proof_due(&current.entry.principal(), &account, call);
        let known = account.passkeys.first().map(|passkey| passkey.handle);
        let issued = self.challenges.issue(Use::Enrol, &holder(&nonce, &current), known, call.now);
        let Some(challenge) = issued else { return unavailable() };
        let handle = super::challenge::handle(&challenge).to_vec();
        let token = self.form_key.token(Page::Passkeys.form(), nonce.as_bytes());
        let again = form::location(due.unwrap_or(SIGN_IN), PASSKEYS);
        let shown = Own {
            account: &account,
            host: &site.id,
            challenge: due.is_none().then_some(challenge),
            handle: &handle,
            again: again.to_str().unwrap_or(SIGN_IN),
            token: &token,
        };
        let language = Language::of(call.request.headers());
        let status = trouble.map_or(StatusCode::OK, Trouble::status);
        let mut answer = respond(own(&shown, language, trouble), language, status, due.is_none());
        answer.headers_mut().append(header::SET_COOKIE, form::set_cookie(FORM_COOKIE, &nonce));
        answer
    }

    pub(super) async fn add_passkey(self: &Arc<Self>, call: &Call, site: &Site) -> Response<Bytes> {
        let (current, account, fields) = match self.change_of_passkeys(call).await {
            Ok(change) => change,
            Err(Some(trouble)) => return self.own_passkeys(call, site, Some(trouble)).await,
            Err(None) => return redirect(form::location(SIGN_IN, PASSKEYS)),
        };
        let Some(name) = fields.one("name").and_then(name) else {
            return self.own_passkeys(call, site, Some(Trouble::NotEnrolled)).await;
        };
        let (handle, made) = match self.made(call, &fields, site, &current) {
            Ok(made) => made,
            Err(error) => {
                tracing::info!(realm = self.name, %error, "a passkey was not added");
                return self.own_passkeys(call, site, Some(Trouble::NotEnrolled)).await;
            }
        };
        let Enrolled { id, key, counter, copied } = made;
        let (host, created) = (site.id.clone(), seconds(call.now));
        let passkey = Passkey { id, handle, host, key, counter, copied, last: 0, name, created };
        let realm = Arc::clone(self);
        let added = tokio::task::spawn_blocking(move || realm.enter_passkey(&account, passkey)).await;
        match added.unwrap_or(Err(NotProven::Wrong)) {
            Ok(()) => {
                tracing::info!(realm = self.name, "a passkey was added");
                redirect(HeaderValue::from_static(PASSKEYS))
            }
            Err(NotProven::Wrong) => self.own_passkeys(call, site, Some(Trouble::NotEnrolled)).await,
            Err(NotProven::File(error)) => self.not_written(&error),
        }
    }

    pub(super) async fn remove_passkey(self: &Arc<Self>, call: &Call, site: &Site) -> Response<Bytes> {
        let (current, account, fields) = match self.change_of_passkeys(call).await {
            Ok(change) => change,
            Err(Some(trouble)) => return self.own_passkeys(call, site, Some(trouble)).await,
            Err(None) => return redirect(form::location(SIGN_IN, PASSKEYS)),
        };
        let tag = fields.one("passkey").unwrap_or_default().to_owned();
        let realm = Arc::clone(self);
        let removed = tokio::task::spawn_blocking(move || realm.strike_passkey(&account, &tag)).await;
        match removed.unwrap_or(Err(NotProven::Wrong)) {
            Ok(account) => {
                tracing::info!(realm = self.name, "a passkey was removed");
                // All sessions have ended by this; whoever removes it goes on in another one.
                let principal = Principal::clone(&current.entry.principal());
                let record = record(principal, &account, Stage::Known, call.now);
                self.go_on(call, record, HeaderValue::from_static(PASSKEYS)).await
            }
            Err(NotProven::Wrong) => redirect(HeaderValue::from_static(PASSKEYS)),
            Err(NotProven::File(error)) => self.not_written(&error),
        }
    }

    /// Who changes their passkeys, and the form by which they do; else what is wrong, `None` where nobody is signed in.
    async fn change_of_passkeys(&self, call: &Call) -> Result<(Current, Account, Fields), Option<Trouble>> {
        let fields = call.fields(self, Page::Passkeys).map_err(Some)?;
        let (current, account) = self.signed_in(call).await.ok_or(None)?;
        match self.proof_due(&current.entry.principal(), &account, call) {
            None => Ok((current, account, fields)),
            Some(_) => Err(Some(Trouble::NotFresh)),
        }
    }

    fn made(
        &self,
        call: &Call,
        fields: &Fields,
        site: &Site,
        current: &Current,
    ) -> Result<([u8; HANDLE], Enrolled), Refused> {
        let bytes = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(fields.one(name)?).ok();
        let client = bytes("client").and_then(|bytes| ClientData::read(&bytes)).ok_or(Refused::Malformed)?;
        let attestation = bytes("attestation").ok_or(Refused::Malformed)?;
        let challenge = client.challenge().ok_or(Refused::Malformed)?;
        let challenge = self.challenges.verify(&challenge, Use::Enrol, &holder(call.nonce(), current), call.now);
        let challenge = challenge.ok_or(Refused::Challenge)?;
        Ok((challenge.handle, enrol(&client, &attestation, site)?))
    }

    /// It blocks.
    fn enter_passkey(&self, account: &Account, passkey: Passkey) -> Result<(), NotProven> {
        self.staff.place().edit(|accounts| {
            // Whoever has it already keeps it: a name that a browser brings proves nothing (section 7.1, step 26).
            if accounts.iter().flat_map(|account| &account.passkeys).any(|other| other.id == passkey.id) {
                return Err(NotProven::Wrong);
            }
            let own = same(accounts, account).filter(|own| own.passkeys.len() < MOST).ok_or(NotProven::Wrong)?;
            own.passkeys.push(passkey);
            Ok(())
        })?;
        self.refresh();
        Ok(())
    }

    /// Removes the passkey that `tag` tells; the account afterwards, whose sessions end. It blocks.
    fn strike_passkey(&self, account: &Account, tag: &str) -> Result<Account, NotProven> {
        let account = self.staff.place().edit(|accounts| {
            let own = same(accounts, account).ok_or(NotProven::Wrong)?;
            if !own.remove_passkeys(Some(tag)) {
                return Err(NotProven::Wrong);
            }
            Ok(own.clone())
        })?;
        self.refresh();
        Ok(account)
    }

    fn not_written(&self, error: &crate::identity::staff::Error) -> Response<Bytes> {
        tracing::error!(realm = self.name, %error, "a change of passkeys could not be written down");
        unavailable()
    }
}

/// The account of the file that still is what `account` was.
fn same<'a>(accounts: &'a mut [Account], account: &Account) -> Option<&'a mut Account> {
    let same = |other: &&mut Account| other.id == account.id && other.credential == account.credential;
    accounts.iter_mut().find(same).filter(|own| !own.disabled)
}
