//! One named door: who a request is from, and whether they may pass.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::SystemTime,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use http::{HeaderMap, HeaderValue};
use tokio::sync::Notify;

use super::{
    account::Account,
    ask::{Ask, Need},
    attempt::Door,
    federation::{
        methods::{Methods, Recognised},
        oidc::START,
    },
    form,
    forward::Signer,
    keys::FormKey,
    passkey::{challenge::ChallengeKey, used::Used},
    password::{self, Verifier},
    principal::{Method, Principal},
    recovery,
    session::{
        Entry, Key, Limits, Sessions, Stage,
        entry::{Record, seconds},
        id::{self, Id},
        replicas::Replicas,
        shared::Shared,
    },
    settings::{self, Gate, SecondFactor},
    staff::{self, Place, Staff},
    totp,
};
use crate::{
    login::Guard,
    registry::{PersonId, Registry},
    seal::{self, Ring},
    store::Store,
};

/// Why a realm can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The keys.
    #[error("the keys of the realm can't be used")]
    Keys(#[from] seal::keys::Error),
    /// The accounts.
    #[error(transparent)]
    Staff(#[from] staff::Error),
    /// Hashing.
    #[error(transparent)]
    Password(#[from] password::Failed),
    /// The library has refused a key.
    #[error("the cryptographic library failed")]
    Cipher,
}

/// One realm, for all workers. It lives across reloads, and its sessions with it.
#[derive(Debug)]
pub struct Realm {
    pub(super) name: String,
    pub(super) staff: Staff,
    pub(super) verifier: Verifier,
    pub(super) form_key: FormKey,
    pub(super) signer: Signer,
    pub(super) door: Door,
    pub(super) challenges: ChallengeKey,
    pub(super) used_passkeys: Used,
    passkeys: ArcSwapOption<settings::Passkeys>,
    second_factor: AtomicU8,
    sessions: Sessions,
    ring: Ring,
    methods: ArcSwap<Methods>,
    /// What says who is what, where there is one.
    registry: ArcSwapOption<Registry>,
    /// Who gets no further, whatever they show.
    suspended: ArcSwap<HashSet<PersonId>>,
    /// That there are other methods now, or none.
    changed: Arc<Notify>,
    /// The last step of which a one-time code was used, by account; the staff file has it too, unless it can't be written.
    used: Mutex<HashMap<String, u64>>,
}

/// Why a code or a passkey proves nothing.
pub(super) enum NotProven {
    /// It is wrong, or was used.
    Wrong,
    /// Its use can't be written down.
    File(staff::Error),
}

impl From<staff::Error> for NotProven {
    fn from(error: staff::Error) -> Self {
        Self::File(error)
    }
}

/// A request's session.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) key: Key,
    pub(super) entry: Arc<Entry>,
}

impl Realm {
    /// Opens the realm: reads its accounts and keys, which are made where there are none. It takes a password's computation.
    ///
    /// # Errors
    /// When the keys or the accounts can't be used.
    pub fn open(
        settings: &settings::Realm,
        guard: &Arc<Guard>,
        store: Option<&Arc<Store>>,
    ) -> Result<Arc<Self>, Error> {
        let ring = Ring::load_or_make(&settings.key_file)?;
        let shared = store.map(|store| Replicas::new(store, &ring, &settings.name).ok_or(Error::Cipher));
        let shared = shared.transpose()?.map(|shared| Arc::new(shared) as Arc<dyn Shared>);
        let place = Place { file: settings.staff_file.clone(), keys: settings.key_file.clone() };
        let methods = Methods::new(&settings.federation, &ring, &settings.name).ok_or(Error::Cipher)?;
        Ok(Arc::new(Self {
            name: settings.name.clone(),
            staff: Staff::open(place)?,
            verifier: Verifier::new()?,
            form_key: FormKey::of(&ring, &settings.name),
            signer: Signer::of(&ring, &settings.name).ok_or(Error::Cipher)?,
            door: Door::new(&settings.name, guard),
            challenges: ChallengeKey::of(&ring, &settings.name).ok_or(Error::Cipher)?,
            used_passkeys: Used::default(),
            passkeys: ArcSwapOption::from_pointee(settings.passkeys.clone()),
            second_factor: AtomicU8::new(settings.second_factor as u8),
            sessions: Sessions::new(limits(settings), shared),
            methods: ArcSwap::from_pointee(methods),
            registry: ArcSwapOption::empty(),
            suspended: ArcSwap::default(),
            changed: Arc::default(),
            ring,
            used: Mutex::default(),
        }))
    }

    /// Whether `settings` are of this very realm: its name, and the file of its accounts.
    #[must_use]
    pub fn is(&self, settings: &settings::Realm) -> bool {
        let place = self.staff.place();
        self.name == settings.name && place.file == settings.staff_file && place.keys == settings.key_file
    }

    /// Takes other settings; sessions go on under them. Another name or staff file is another realm.
    pub fn apply(&self, settings: &settings::Realm) {
        self.second_factor.store(settings.second_factor as u8, Relaxed);
        self.passkeys.store(settings.passkeys.clone().map(Arc::new));
        self.sessions.limit(limits(settings));
        if *self.methods().settings() != settings.federation
            && let Some(methods) = Methods::new(&settings.federation, &self.ring, &self.name)
        {
            self.methods.store(Arc::new(methods));
            self.changed.notify_one();
        }
    }

    /// From now on people are what `registry` says, once it is founded; without one what their accounts say.
    pub fn follow(&self, registry: Option<Arc<Registry>>) {
        self.registry.store(registry);
    }

    /// The registry that says who is what, where it is founded.
    pub(super) fn registry(&self) -> Option<Arc<Registry>> {
        self.registry.load_full().filter(|registry| registry.state().is_founded())
    }

    /// Whether somebody has left, by the registry's word, or is suspended.
    #[must_use]
    pub fn has_left(&self, principal: &Principal) -> bool {
        let person = PersonId::new(&principal.issuer, &principal.subject);
        self.is_suspended(&person) || self.registry().is_some_and(|registry| registry.state().has_left(&person))
    }

    /// Whether somebody gets no further for now.
    pub(super) fn is_suspended(&self, person: &PersonId) -> bool {
        self.suspended.load().contains(person)
    }

    /// From now on nobody of these gets any further here, whatever they show.
    pub fn suspend(&self, suspended: &Arc<HashSet<PersonId>>) {
        self.suspended.store(Arc::clone(suspended));
    }

    /// Somebody with the roles that the registry gives them at this time. Whom others vouch for and the registry does not know is what they say.
    pub(super) fn as_registered(&self, principal: Arc<Principal>, now: SystemTime) -> Arc<Principal> {
        let Some(registry) = self.registry() else { return principal };
        let person = PersonId::new(&principal.issuer, &principal.subject);
        let standing = registry.state().standing(&person, now);
        if !standing.known && principal.issuer != self.name {
            return principal;
        }
        let mut roles: Vec<String> = standing.roles.into_iter().map(|held| held.role.as_str().to_owned()).collect();
        roles.dedup();
        if roles == principal.roles { principal } else { Arc::new(Principal { roles, ..Principal::clone(&principal) }) }
    }

    /// Keeps what is known of issuers fresh, until the realm is gone. It is for the service runtime, once a realm.
    pub async fn run(realm: Weak<Self>) {
        let known = || realm.upgrade().map(|realm| (realm.methods(), Arc::clone(&realm.changed)));
        while let Some((methods, changed)) = known() {
            tokio::select! {
                () = methods.run() => {}
                () = changed.notified() => {}
            }
        }
    }

    /// The methods besides the staff file's.
    pub(super) fn methods(&self) -> Arc<Methods> {
        self.methods.load_full()
    }

    /// Whether people can sign in at a provider.
    pub(super) fn has_provider(&self) -> bool {
        self.methods().oidc().is_some()
    }

    /// Reads the accounts again where they have changed. It blocks.
    pub fn refresh(&self) {
        match self.staff.refresh() {
            Ok(true) => tracing::info!(realm = self.name, "the staff file was read again"),
            Ok(false) => {}
            Err(error) => {
                let cause = std::error::Error::source(&error).map(tracing::field::display);
                tracing::error!(realm = self.name, %error, cause, "the accounts of before hold on");
            }
        }
    }

    /// What has happened to accounts since this was asked last.
    pub fn changes(&self) -> Vec<staff::Change> {
        self.staff.changes()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its sessions.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// What signs tokens for applications.
    #[must_use]
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// Who asks, where they may pass `gate`. It waits for nothing unless sessions are shared.
    ///
    /// # Errors
    /// With what is missing.
    pub async fn identify(&self, ask: &Ask<'_>, gate: &Gate) -> Result<Arc<Principal>, Need> {
        self.weigh(self.as_registered(self.recognise(ask).await?, ask.now), ask, gate)
    }

    /// Whether somebody who is known may pass `gate`.
    ///
    /// # Errors
    /// With what is missing.
    pub fn weigh(&self, principal: Arc<Principal>, ask: &Ask<'_>, gate: &Gate) -> Result<Arc<Principal>, Need> {
        let own = principal.issuer == self.name;
        let required = own && self.second_factor() == SecondFactor::Required;
        let asked = Gate { second_factor: gate.second_factor || required, ..gate.clone() };
        match Need::of(&principal, &asked, ask) {
            None => Ok(principal),
            // A code can only be asked of those who have what makes one.
            Some(Need::StepUp { .. }) if asked.second_factor && own && !self.can_step_up(&principal) => {
                Err(Need::Forbidden)
            }
            // Nor can a factor be asked of anybody whom others vouch for: theirs is the choice of it.
            Some(Need::StepUp { .. }) if !own && asked.second_factor && !principal.has_second_factor() => {
                Err(Need::Forbidden)
            }
            Some(Need::StepUp { .. }) if !own && !self.methods().vouches(&principal.issuer) => Err(Need::Forbidden),
            Some(Need::StepUp { .. }) if !own => Err(Need::StepUp { location: form::anew(START, ask.target) }),
            Some(need) => Err(need),
        }
    }

    /// Who asks: by what the request itself proves, or by its session, or by the connection's certificate.
    pub(super) async fn recognise(&self, ask: &Ask<'_>) -> Result<Arc<Principal>, Need> {
        let methods = self.methods();
        let refused = match methods.by_authorization(self, ask).await {
            Recognised::Somebody(principal) if self.has_left(&principal) => true,
            Recognised::Somebody(principal) => return Ok(Arc::new(principal)),
            Recognised::Wait(retry_after) => return Err(Need::Wait { retry_after }),
            Recognised::Refused => true,
            Recognised::Nobody => false,
        };
        if !refused {
            let current = self.current(ask.headers, ask.now).await;
            if let Some(current) = current.filter(|current| current.entry.stage == Stage::Known) {
                return Ok(current.entry.principal());
            }
            if let Some(principal) = methods.by_certificate(ask).filter(|principal| !self.has_left(principal)) {
                return Ok(Arc::new(principal));
            }
        }
        let page = if methods.oidc().is_some() { START } else { form::SIGN_IN };
        Err(Need::sign_in(&self.name, page, methods.challenge(&self.name, refused, ask.headers), ask))
    }

    fn can_step_up(&self, principal: &Principal) -> bool {
        let can = |account: Account| self.has_second_factor(&account);
        principal.has_second_factor() || self.account(&principal.subject).is_some_and(can)
    }

    /// For which hosts passkeys are, where they count.
    pub(super) fn passkeys(&self) -> Option<Arc<settings::Passkeys>> {
        self.passkeys.load_full()
    }

    /// Whether `account` has what makes a second factor; a passkey does so at the host that it is for.
    pub(super) fn has_second_factor(&self, account: &Account) -> bool {
        account.totp.is_some() || !account.passkeys.is_empty() && self.passkeys().is_some()
    }

    /// Begins a session for somebody whom another method has recognised, and ends the one that the request had. The answer is the
    /// `Set-Cookie`; `None` when the system gives no random bytes.
    pub async fn sign_in(
        &self,
        principal: Principal,
        provider_session: Option<String>,
        headers: &HeaderMap,
        now: SystemTime,
    ) -> Option<HeaderValue> {
        let record = Record { principal, credential: 0, stage: Stage::Known, provider_session, began: seconds(now) };
        self.begin(record, headers, now).await
    }

    /// What the session is kept under that a request shows, if there is such a session.
    #[must_use]
    pub fn shown(headers: &HeaderMap) -> Option<Key> {
        form::cookie(headers, id::COOKIE).and_then(Id::parse).map(|id| id.key())
    }

    /// What a form called `form` brings back, from the page that this request's session was shown; `None` where it shows no session.
    #[must_use]
    pub fn form_token(&self, headers: &HeaderMap, form: &str) -> Option<String> {
        Some(self.form_key.token(&format!("session {form}"), &Self::shown(headers)?.0))
    }

    /// Whether a form comes from such a page, of this very site, in the same session.
    #[must_use]
    pub fn takes_form(&self, headers: &HeaderMap, host: &str, form: &str, token: &str) -> bool {
        let own = |key: Key| self.form_key.verifies(&format!("session {form}"), &key.0, token);
        form::is_of_this_site(headers, host) && Self::shown(headers).is_some_and(own)
    }

    /// Whether somebody has signed in by the session that is kept under `key`.
    pub async fn is_signed_in(&self, key: Key, now: SystemTime) -> bool {
        self.current_of(key, now).await.is_some_and(|current| current.entry.stage == Stage::Known)
    }

    /// Begins a session in the place of the one that the request had: an id of before a proof is worth nothing after it.
    pub(super) async fn begin(&self, record: Record, headers: &HeaderMap, now: SystemTime) -> Option<HeaderValue> {
        if let Some(id) = form::cookie(headers, id::COOKIE).and_then(Id::parse) {
            self.sessions.end(id.key(), now).await;
        }
        let id = self.sessions.begin(record, now).await?;
        Some(form::set_cookie(id::COOKIE, &id.text()))
    }

    /// The session of a request, at whatever stage, where its account still is what it was.
    pub(super) async fn current(&self, headers: &HeaderMap, now: SystemTime) -> Option<Current> {
        self.current_of(Self::shown(headers)?, now).await
    }

    async fn current_of(&self, key: Key, now: SystemTime) -> Option<Current> {
        let entry = self.sessions.find(key, now).await?;
        if self.still_holds(&entry) && !self.has_left(&entry.principal.load()) {
            return Some(Current { key, entry });
        }
        self.sessions.end(key, now).await;
        None
    }

    /// Whether the account behind a session may still sign in by what it did. New roles are taken over. The account is looked at once
    /// for each reading of the staff file.
    fn still_holds(&self, entry: &Entry) -> bool {
        let principal = entry.principal.load();
        if principal.issuer != self.name {
            return self.methods.load().vouches(&principal.issuer);
        }
        let roll = self.staff.roll();
        if entry.generation.load(Relaxed) == roll.generation {
            return true;
        }
        let Some(account) = roll.active(&principal.subject).filter(|account| account.credential == entry.credential)
        else {
            return false;
        };
        if account.roles != principal.roles {
            entry.principal.store(Arc::new(Principal { roles: account.roles.clone(), ..Principal::clone(&principal) }));
        }
        entry.generation.store(roll.generation, Relaxed);
        true
    }

    /// The account called `id`, where it may sign in.
    pub(super) fn account(&self, id: &str) -> Option<Account> {
        self.staff.roll().active(id).cloned()
    }

    pub(super) fn second_factor(&self) -> SecondFactor {
        match self.second_factor.load(Relaxed) {
            0 => SecondFactor::Off,
            1 => SecondFactor::Optional,
            _ => SecondFactor::Required,
        }
    }

    /// What `code` proves of `account`; it is used up by this. It blocks.
    ///
    /// A recovery code that can't be struck off the staff file is refused. A one-time code whose step can't be written down there, as on a
    /// read-only mount, is remembered by this process.
    pub(super) fn prove(&self, account: &Account, code: &str, now: SystemTime) -> Option<Method> {
        let method = match self.use_code(account, code, now) {
            true => Method::Otp,
            false if recovery::position(&account.recovery, code).is_some() => Method::Recovery,
            false => return None,
        };
        let written = self.staff.place().edit(|accounts| {
            let own =
                accounts.iter_mut().find(|other| other.id == account.id && other.credential == account.credential);
            let own = own.ok_or(NotProven::Wrong)?;
            if method == Method::Otp {
                let secret = own.totp.as_deref().unwrap_or_default();
                own.step = totp::verify(secret, code, now, own.step).ok_or(NotProven::Wrong)?;
            } else {
                own.recovery.remove(recovery::position(&own.recovery, code).ok_or(NotProven::Wrong)?);
            }
            Ok(())
        });
        match written {
            Ok(()) => {
                self.refresh();
                Some(method)
            }
            Err(NotProven::Wrong) => None,
            Err(NotProven::File(error)) => {
                tracing::error!(realm = self.name, %error, "the use of a code could not be written down");
                Some(method).filter(|method| *method == Method::Otp)
            }
        }
    }

    /// Whether `code` is a one-time code of `account` that was not used before here; it is used by this.
    fn use_code(&self, account: &Account, code: &str, now: SystemTime) -> bool {
        let Some(secret) = &account.totp else { return false };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let last = used.get(&account.id).copied().unwrap_or(0).max(account.step);
        let Some(step) = totp::verify(secret, code, now, last) else { return false };
        // What is older than the window can't be used again anyway.
        used.retain(|_, step| *step + 2 >= totp::step(now));
        used.insert(account.id.clone(), step);
        true
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        self.changed.notify_one();
    }
}

fn limits(settings: &settings::Realm) -> Limits {
    Limits { idle: settings.session_idle, absolute: settings.session_absolute }
}

#[cfg(test)]
pub(super) mod tests;
