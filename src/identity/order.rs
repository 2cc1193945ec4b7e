//! What somebody orders from the registry in their own name: at the command line, proved by name, password and one-time code, under the same
//! limits as on the page for it; or in the console, where they have signed in. A running gateway and a command that finds none carry it out by the
//! same code.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::{
    account::{self, Account},
    password::Password,
    policy,
    principal::Principal,
    realm::Realm,
    settings::SecondFactor,
    staff,
};
use crate::registry::{Actor, Command, Denied, Event, PersonId, Registry};

/// An order as it is sent, of the registry where nothing else is said.
#[derive(Serialize, Deserialize)]
pub struct Order<C = Command> {
    /// Who orders; nobody where the registry is founded.
    #[serde(rename = "as")]
    pub name: Option<String>,
    /// Their password.
    #[serde(default)]
    pub password: Zeroizing<String>,
    /// Their one-time code, where they have one.
    pub code: Option<Zeroizing<String>>,
    /// What is ordered.
    pub command: C,
    /// Who orders, where that was proved already. Nobody sends it.
    #[serde(skip)]
    pub signed_in: Option<SignedIn>,
}

/// Somebody whom a realm has recognised, and let through the gate of the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedIn(PersonId);

impl SignedIn {
    /// Whom [`Realm::identify`] has answered with.
    #[must_use]
    pub fn of(principal: &Principal) -> Self {
        Self(PersonId::new(&principal.issuer, &principal.subject))
    }

    /// Who it is.
    #[must_use]
    pub fn person(&self) -> &PersonId {
        &self.0
    }
}

impl<C: std::fmt::Debug> std::fmt::Debug for Order<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Order({:?})", self.command)
    }
}

impl<C: DeserializeOwned> Order<C> {
    /// Reads one; where somebody has signed in, it is theirs, whoever it names.
    #[must_use]
    pub fn read(body: &[u8], signed_in: Option<&SignedIn>) -> Option<Self> {
        let order: Self = serde_json::from_slice(body).ok()?;
        Some(Self { signed_in: signed_in.cloned(), ..order })
    }
}

impl<C> Order<C> {
    /// Who gives it, and what it is.
    ///
    /// # Errors
    /// When they can't prove who they are.
    pub async fn prove(self, realm: &Arc<Realm>, now: SystemTime) -> Result<(PersonId, C), Refused> {
        let Self { name, password, code, command, signed_in } = self;
        if let Some(SignedIn(person)) = signed_in {
            return if realm.is_suspended(&person) { Err(Refused::Suspended) } else { Ok((person, command)) };
        }
        let name = name.ok_or(Refused::Nobody)?;
        Ok((realm.prove_at_once(&name, &password, code, now).await?, command))
    }
}

/// Why an order is not carried out. Nobody's name is in the texts.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Nobody is named.
    #[error("who orders this is not said")]
    Nobody,
    /// Name, password or code.
    #[error("the name, the password or the one-time code is not right")]
    Wrong,
    /// A code is due.
    #[error("a one-time code is needed")]
    Code,
    /// It can't be given.
    #[error("a second factor is needed, and this account has no one-time codes")]
    NoSecondFactor,
    /// Too many attempts.
    #[error("there were too many attempts; wait {} s", .0.as_secs().max(1))]
    Wait(Duration),
    /// Too many at once.
    #[error("too many sign in at this moment")]
    Busy,
    /// They are suspended, in an incident.
    #[error("whoever is suspended orders nothing")]
    Suspended,
    /// The staff file does not have them.
    #[error("there is no such account, or it is disabled")]
    NoAccount,
    /// The registry says no.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It has happened, and the staff file could not follow.
    #[error("it is done and written down, but the staff file could not be changed: {0}")]
    Staff(#[from] staff::Error),
}

impl Refused {
    /// How to mend it, where that can be said.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Nobody => "name yourself: --as NAME",
            Self::Code => "give it: --code CODE",
            Self::NoSecondFactor => "`privet staff totp NAME` gives them one-time codes",
            Self::NoAccount => {
                "`privet staff add NAME` makes one; whom a provider vouches for is named with --issuer URL"
            }
            Self::Denied(denied) => return denied.hint(),
            Self::Staff(_) => "`privet staff disable NAME` closes the account",
            Self::Suspended => "another privacy officer lifts it: `privet incident lift N`",
            Self::Wrong | Self::Wait(_) | Self::Busy => return None,
        })
    }

    /// The exit code of a command that was refused so.
    #[must_use]
    pub fn exit(&self) -> u8 {
        match self {
            Self::Nobody | Self::Code => 2,
            Self::Denied(denied) if denied.is_trouble() => 3,
            Self::Busy | Self::Staff(_) => 3,
            _ => 1,
        }
    }
}

impl Realm {
    /// What `order` would bring about, without a word of it anywhere.
    ///
    /// # Errors
    /// When who orders it can't prove who they are, or may not.
    pub async fn try_out(
        self: &Arc<Self>,
        registry: &Registry,
        order: Order,
        now: SystemTime,
    ) -> Result<Vec<Event>, Refused> {
        let (person, command) = order.prove(self, now).await?;
        Ok(registry.rehearse(command, &Actor::Person(person), now)?)
    }

    /// Carries out `order`; what has happened.
    ///
    /// # Errors
    /// When who orders it can't prove who they are, or may not.
    pub async fn carry_out(
        self: &Arc<Self>,
        registry: &Arc<Registry>,
        order: Order,
        now: SystemTime,
    ) -> Result<Vec<Event>, Refused> {
        // Nobody has signed in as an officer before there is one.
        let (actor, command) = if matches!(order.command, Command::Found { .. }) && order.signed_in.is_none() {
            (Actor::Gateway, order.command)
        } else {
            let (person, command) = order.prove(self, now).await?;
            (Actor::Person(person), command)
        };
        self.reread().await;
        let own = |person: &PersonId| person.issuer == self.name;
        if !command.receivers().into_iter().all(|person| !own(person) || self.account(&person.subject).is_some()) {
            return Err(Refused::NoAccount);
        }
        let command = match command {
            // What people sign is the configuration's, whoever founds it.
            Command::Found { officers, .. } => {
                if !officers.iter().all(own) {
                    return Err(Refused::NoAccount);
                }
                Command::Found { officers, texts: texts(registry) }
            }
            command => command,
        };
        let done = registry.submit(command, &actor, now).await?;
        let follows = done.events.clone();
        let realm = Arc::clone(self);
        let followed =
            tokio::task::spawn_blocking(move || follows.iter().try_for_each(|event| realm.follow_event(event)));
        followed.await.unwrap_or(Ok(()))?;
        self.reread().await;
        Ok(done.events)
    }

    async fn reread(self: &Arc<Self>) {
        let realm = Arc::clone(self);
        let _ = tokio::task::spawn_blocking(move || realm.refresh()).await;
    }

    /// What the staff file has to say after an event. It blocks.
    fn follow_event(&self, event: &Event) -> Result<(), staff::Error> {
        let change: &dyn Fn(&mut Account) = match event {
            // Roles are what the registry says from now on; were it gone one day, nobody would be more than they are.
            Event::Founded { .. } => &|account| account.roles.clear(),
            Event::Left { person, .. } if person.issuer == self.name => &|account| {
                if account.id == person.subject && !account.disabled {
                    account.set_disabled(true);
                }
            },
            _ => return Ok(()),
        };
        self.staff.place().edit(|accounts| {
            accounts.iter_mut().for_each(change);
            Ok(())
        })
    }

    /// Who has this name, password and code.
    async fn prove_at_once(
        self: &Arc<Self>,
        name: &str,
        typed: &str,
        code: Option<Zeroizing<String>>,
        now: SystemTime,
    ) -> Result<PersonId, Refused> {
        // What is no name at all is tried like an unknown one.
        let id = account::id(name).unwrap_or_default();
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let attempt = self.door.check(&id, here, &HeaderMap::new(), now).await;
        let attempt = attempt.map_err(|refused| Refused::Wait(refused.retry_after))?;
        self.reread().await;
        let account = self.account(&id);
        let (password, phc) = if typed.len() <= policy::LONGEST_BYTES {
            (Password::new(typed), account.as_ref().map(|account| account.password.clone()))
        } else {
            (Password::new(""), None)
        };
        let account = match (self.verifier.verify(password, phc).await, account) {
            (Err(_), _) => {
                attempt.give_back();
                return Err(Refused::Busy);
            }
            (Ok(true), Some(account)) => account,
            _ => {
                let _ = attempt.settle(false);
                return Err(Refused::Wrong);
            }
        };
        let policy = self.second_factor();
        let has = account.totp.is_some() || !account.passkeys.is_empty();
        if policy == SecondFactor::Required || policy == SecondFactor::Optional && has {
            if account.totp.is_none() {
                attempt.give_back();
                return Err(Refused::NoSecondFactor);
            }
            let Some(code) = code else {
                attempt.give_back();
                return Err(Refused::Code);
            };
            let (realm, tried) = (Arc::clone(self), account.clone());
            let proof = tokio::task::spawn_blocking(move || realm.prove(&tried, &code, now)).await;
            if proof.ok().flatten().is_none() {
                let _ = attempt.settle(false);
                return Err(Refused::Wrong);
            }
        }
        // No device is known again by it: a command keeps no cookie.
        let _ = attempt.settle(true);
        let person = PersonId::new(&self.name, &account.id);
        if self.is_suspended(&person) { Err(Refused::Suspended) } else { Ok(person) }
    }
}

fn texts(registry: &Registry) -> BTreeMap<String, String> {
    crate::registry::pledge::texts(registry.settings().pledge.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        identity::{
            ask::Need,
            password::hash,
            realm::tests::{Browser, PASSWORD, SECRET, at, edit, realm},
            settings::Gate,
            totp,
        },
        journal::{self, Stream},
        registry::{Role, Settings, command::Terms},
        seal::Ring,
    };

    fn registry(dir: &std::path::Path) -> Arc<Registry> {
        let ring = || Ring::load_or_make(&dir.join("seal.key")).expect("keys");
        let place = journal::Settings::new(dir.join("journal"));
        let (stream, kept) = (Stream::open(&place, ring()).expect("opened"), place.retention.grants);
        Registry::open(stream, kept, &dir.join("seal.key"), Settings::default(), at(0)).expect("read")
    }

    /// Alice, with one-time codes, and Bob are the officers; Carol is nobody yet.
    async fn office(dir: &std::path::Path) -> (Arc<Realm>, Arc<Registry>) {
        let realm = realm(dir, true);
        let phc = hash(&Password::new(PASSWORD)).expect("a hash");
        edit(&realm, |accounts| {
            for name in ["bob", "carol"] {
                accounts.push(Account::new(name.into(), phc.clone(), vec!["clerk".into()], at(0)));
            }
        });
        let registry = registry(dir);
        realm.follow(Some(Arc::clone(&registry)));
        let officers = ["alice", "bob"].map(|name| PersonId::new("staff", name)).to_vec();
        let command = Command::Found { officers, texts: BTreeMap::new() };
        let order = Order { name: None, password: String::new().into(), code: None, command, signed_in: None };
        let events = realm.carry_out(&registry, order, at(0)).await.expect("founded");
        assert_eq!(events.len(), 2);
        (realm, registry)
    }

    fn order(name: &str, password: &str, code: Option<u32>, command: Command) -> Order {
        let code = code.map(|code| format!("{code:06}").into());
        Order { name: Some(name.into()), password: password.to_owned().into(), code, command, signed_in: None }
    }

    fn grant(name: &str) -> Command {
        let role = Role::new("clerk").expect("a role");
        let terms = Terms { role, duty: None, reason: "asked for".into(), start: None, until: None };
        Command::Grant { person: PersonId::new("staff", name), terms }
    }

    #[tokio::test]
    async fn whoever_orders_proves_all_that_a_sign_in_asks_for() {
        let dir = tempfile::tempdir().expect("a folder");
        let (realm, registry) = office(dir.path()).await;
        let code = totp::code(SECRET, totp::step(at(90)));
        let tries = [
            ("alice", PASSWORD, None, "code"),
            ("alice", PASSWORD, Some((code + 1) % 1_000_000), "wrong"),
            ("alice", "something else entirely", Some(code), "wrong"),
            ("nobody", PASSWORD, None, "wrong"),
            ("Alice ", PASSWORD, Some(code), "done"),
            ("alice", PASSWORD, Some(code), "wrong"),
        ];
        for (number, (name, password, code, expected)) in tries.into_iter().enumerate() {
            let outcome = realm.carry_out(&registry, order(name, password, code, grant("carol")), at(90)).await;
            let found = match outcome {
                Ok(_) => "done",
                Err(Refused::Code) => "code",
                Err(Refused::Wrong) => "wrong",
                Err(other) => panic!("{number}: {other}"),
            };
            assert_eq!(found, expected, "{number}");
        }
        let nobody = Order { name: None, ..order("", "", None, grant("carol")) };
        assert!(matches!(realm.carry_out(&registry, nobody, at(90)).await, Err(Refused::Nobody)));
        let unknown = realm.carry_out(&registry, order("bob", PASSWORD, None, grant("eve")), at(90)).await;
        assert!(matches!(unknown, Err(Refused::NoAccount)));
        let shown = format!("{:?}", order("bob", PASSWORD, Some(1), grant("eve")));
        assert_eq!(shown, "Order(Command(grant))");
    }

    #[tokio::test]
    async fn a_principal_is_what_the_registry_says_at_this_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let (realm, registry) = office(dir.path()).await;
        let clerks = Gate { roles: vec!["clerk".into()], ..Gate::new("staff") };
        let mut browser = Browser::new(&realm);
        let fields = format!("username=carol&password={}", PASSWORD.replace(' ', "+"));
        let signed = browser.fill("/.privet/sign-in", &fields).await;
        assert_eq!(signed.status(), http::StatusCode::SEE_OTHER);
        assert!(matches!(browser.ask(&clerks).await, Err(Need::Forbidden)), "the account's own role counts no more");
        realm.carry_out(&registry, order("bob", PASSWORD, None, grant("carol")), at(1)).await.expect("given");
        browser.now = at(1);
        assert_eq!(browser.ask(&clerks).await.expect("passes").roles, ["clerk"]);
        let carol = || PersonId::new("staff", "carol");
        let leave = Command::Leave { person: carol(), reason: None };
        realm.carry_out(&registry, order("bob", PASSWORD, None, leave), at(2)).await.expect("left");
        assert!(matches!(browser.ask(&Gate::new("staff")).await, Err(Need::SignIn { .. })));
        assert!(realm.account("carol").is_none(), "the account is closed as well");
        // Whom a provider vouches for is what it says, until the registry knows them.
        let of = |name: &str| Principal {
            subject: name.to_owned(),
            issuer: "https://id.example".to_owned(),
            roles: vec!["clerk".to_owned()],
            methods: Vec::new(),
            authenticated_at: at(0),
            name: None,
        };
        let roles = |name: &str| realm.as_registered(Arc::new(of(name)), at(3)).roles.clone();
        assert_eq!(roles("dan"), ["clerk"]);
        let dan = PersonId::new("https://id.example", "dan");
        let join = Command::Join { person: dan.clone(), name: None };
        registry.submit(join, &Actor::Person(PersonId::new("staff", "bob")), at(3)).await.expect("joined");
        assert!(roles("dan").is_empty());
        // Without a registry everything is as it was.
        realm.follow(None);
        assert_eq!(roles("dan"), ["clerk"]);
    }
}
