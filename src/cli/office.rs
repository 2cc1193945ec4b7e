//! How commands reach the registry: a running gateway's over its control socket, or the journal's own where none runs. Either way an order is
//! carried out by the same code.

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use http::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::{
    control::exchange,
    prompt,
    staff::{Failure, PlaceArgs},
};
use crate::{
    admin::registry::{PREFIX, REVIEWS},
    common::clock,
    config::Config,
    identity::{
        Realm,
        account::{self, Account},
        order::Order,
        settings,
        staff::Place,
    },
    incident,
    journal::{self, Stream, search},
    login::{self, Guard},
    registry::{self, Command, PersonId, Registry, view},
    seal::Ring,
};

/// Names a file that holds one's password, where it is not typed.
const PASSWORD_FILE: &str = "PRIVET_PASSWORD_FILE";
/// How long the end waits for the disk.
const LAST: Duration = Duration::from_secs(5);

/// Who gives an order, and where.
#[derive(Debug, clap::Args)]
pub struct AsArgs {
    /// Who you are: your own account.
    #[arg(long = "as", value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Your one-time code, where you have one.
    #[arg(long, value_name = "CODE")]
    pub(super) code: Option<String>,
    /// Read your password from standard input, a line. `PRIVET_PASSWORD_FILE` names a file that holds it.
    #[arg(long)]
    pub(super) password_stdin: bool,
    /// JSON instead of text.
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
}

impl AsArgs {
    /// Gives an order in one's own name, and says what has happened.
    pub(super) fn order(&self, office: &Office, command: Command) -> Result<Vec<Value>, Failure> {
        let events = self.carry_out(office, command)?;
        self.tell(&events);
        Ok(events)
    }

    /// Gives an order in one's own name.
    pub(super) fn carry_out(&self, office: &Office, command: Command) -> Result<Vec<Value>, Failure> {
        office.order(self.sign(command)?)
    }

    /// An order in one's own name.
    pub(super) fn sign<C>(&self, command: C) -> Result<Order<C>, Failure> {
        let Some(name) = &self.name else { return Err(Failure::Nobody) };
        let password = own_password(self.password_stdin)?;
        let code = self.code.clone().map(Into::into);
        Ok(Order { name: Some(name.clone()), password, code, command, signed_in: None })
    }

    pub(super) fn tell(&self, events: &[Value]) {
        if self.json {
            println!("{}", json!({ "events": events }));
        } else {
            for text in events.iter().map(told).filter(|text| !text.is_empty()) {
                println!("{text}");
            }
        }
    }
}

/// The password of whoever gives an order.
pub(super) fn own_password(from_stdin: bool) -> Result<zeroize::Zeroizing<String>, Failure> {
    match std::env::var_os(PASSWORD_FILE).filter(|_| !from_stdin) {
        Some(path) => {
            let text = zeroize::Zeroizing::new(std::fs::read_to_string(path).map_err(Failure::PasswordFile)?);
            Ok(text.lines().next().unwrap_or_default().to_owned().into())
        }
        None => Ok(prompt::own(from_stdin)?),
    }
}

/// What an event means, for people.
#[allow(clippy::format_collect)] // a few lines
fn told(event: &Value) -> String {
    let grant = &event["grant"];
    let number = |value: &Value| value["id"].to_string();
    match event["kind"].as_str().unwrap_or_default() {
        "registry.founded" => "founded: the two are privacy officers; roles are given by them from now on".to_owned(),
        "pledge.published" => format!("published version {} of the pledge", event["version"]),
        "staff.joined" => "joined".to_owned(),
        "staff.moved" if event["proposed"].is_object() => format!(
            "the former roles have ended; the new one is proposed as {0}: another officer confirms it (`privet staff confirm {0}`)",
            number(&event["proposed"])
        ),
        "staff.moved" => "moved: the former roles have ended, the new one holds".to_owned(),
        "staff.left" => "left: all roles have ended, may sign in no more; sessions end".to_owned(),
        "staff.listed" => "known by another name in the directory".to_owned(),
        "grant.proposed" => {
            format!("proposed as {0}: another officer confirms it (`privet staff confirm {0}`)", number(grant))
        }
        "grant.given" => format!("given, as {}", number(grant)),
        "grant.ended" => "ended".to_owned(),
        "pledge.signed" => format!("signed; it holds until {}", event["signature"]["until"].as_str().unwrap_or("?")),
        "pledge.withdrawn" => "withdrawn".to_owned(),
        "handover.started" => {
            format!("started as {0}: both sign it (`privet handover sign {0}`)", number(&event["handover"]))
        }
        "handover.signed" => "signed; the other signature is still due".to_owned(),
        "handover.done" => {
            let waits = event["proposed"].as_array().into_iter().flatten();
            let waits: String = waits
                .map(|grant| format!("\n{0} waits for another officer (`privet staff confirm {0}`)", grant["id"]))
                .collect();
            format!("signed by both: duties and roles have gone over{waits}")
        }
        "recertification.done" => "recertified".to_owned(),
        "review.opened" => opened(&event["review"]),
        "review.result" => "written down".to_owned(),
        "review.signed" => format!("signed: {} records are well, {} are findings", event["ok"], event["findings"]),
        "download.returned" => "written down: the file is in nobody's hands any more".to_owned(),
        _ => String::new(),
    }
}

fn opened(review: &Value) -> String {
    let drawn = &review["drawn"];
    let records = drawn["records"].as_array().map_or(&[][..], Vec::as_slice);
    let by_draw = records.iter().filter(|record| record["drawn"] == true).count();
    let unusual = records.iter().filter(|record| record["rules"].is_array()).count();
    format!(
        "opened as {0}: of {1} access records {by_draw} are drawn and {unusual} are unusual: look at them (`privet audit review show {0}`)",
        review["id"], drawn["total"]
    )
}

/// Where the registry is, and what its rules are.
pub(super) struct Office {
    pub(super) data_dir: PathBuf,
    pub(super) journal: Option<journal::Settings>,
    pub(super) keys: PathBuf,
    pub(super) realm: settings::Realm,
    pub(super) rules: registry::Settings,
    pub(super) incidents: incident::Settings,
    /// Routes, and roles that their gates ask for; without a route, roles that policies speak of.
    pub(super) roles: Vec<(String, String)>,
    pub(super) login: login::Settings,
    /// Whether a configuration says all that.
    pub(super) configured: bool,
}

impl Office {
    /// What a configuration says of it, and of a realm of its own.
    pub(super) fn of(config: Config, realm: settings::Realm) -> Self {
        let of_gates = config.gateway.routes.iter().flat_map(|route| {
            let roles = route.gate.iter().flat_map(|gate| &gate.roles);
            roles.map(|role| (route.name.clone(), role.clone()))
        });
        let policies = config.access.iter().flat_map(|access| access.policies.roles());
        let roles = of_gates.chain(policies.map(|role| (String::new(), role.to_owned()))).collect();
        Self {
            roles,
            // Another realm has no registry, nor have gateways with a journal each.
            journal: config
                .journal
                .filter(|journal| journal.place.shared().is_some() && config.registry.realm == realm.name),
            keys: realm.key_file.clone(),
            data_dir: config.data_dir,
            rules: config.registry,
            incidents: config.incident,
            login: config.login,
            realm,
            configured: true,
        }
    }

    /// A person of the realm, or whom `issuer` vouches for.
    pub(super) fn person(&self, name: &str, issuer: Option<&str>) -> Result<PersonId, Failure> {
        match issuer {
            Some(issuer) => Ok(PersonId::new(issuer, name)),
            None => Ok(PersonId::new(&self.realm.name, &account::id(name)?)),
        }
    }

    /// The accounts of the realm.
    pub(super) fn accounts(&self) -> Result<Vec<Account>, Failure> {
        let place = Place { file: self.realm.staff_file.clone(), keys: self.realm.key_file.clone() };
        Ok(place.read()?)
    }

    /// The journal's settings.
    pub(super) fn journal(&self) -> Result<&journal::Settings, Failure> {
        self.journal.as_ref().ok_or(Failure::NoJournal)
    }

    /// Asks a running gateway; `None` where none runs.
    pub(super) fn ask(&self, method: Method, path: &str, body: String) -> Result<Option<Value>, Failure> {
        match exchange(&self.data_dir, method, path, body) {
            Ok((status, answer)) if status.is_success() => Ok(Some(answer)),
            Ok((_, answer)) => {
                let text = |name: &str| answer[name].as_str().map(str::to_owned);
                let exit = answer["exit"].as_u64().and_then(|exit| u8::try_from(exit).ok()).unwrap_or(3);
                let error = text("error").unwrap_or_else(|| "the gateway refuses".to_owned());
                Err(Failure::Refused { error, hint: text("hint"), exit })
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
                Ok(None)
            }
            Err(error) => Err(Failure::Gateway(error)),
        }
    }

    /// Whether a gateway runs.
    pub(super) fn is_served(&self) -> bool {
        std::os::unix::net::UnixStream::connect(self.data_dir.join(crate::admin::control::NAME)).is_ok()
    }

    /// Lets an order be carried out; what has happened.
    pub(super) fn order(&self, order: Order) -> Result<Vec<Value>, Failure> {
        let place = self.journal()?;
        let body = serde_json::to_string(&order).map_err(io::Error::from).map_err(Failure::Gateway)?;
        if let Some(answer) = self.ask(Method::POST, &format!("{PREFIX}/orders"), body)? {
            return Ok(answer["events"].as_array().cloned().unwrap_or_default());
        }
        if place.place.folder().is_some_and(|folder| !folder.exists())
            && !matches!(order.command, Command::Found { .. })
        {
            return Err(Failure::refused(registry::Denied::NotFounded.into()));
        }
        self.by_itself(async |realm, registry, _| {
            let now = clock::now();
            let outcome = realm.carry_out(registry, order, now).await;
            if self.configured && outcome.is_ok() {
                registry.publish(now).await.map_err(|denied| Failure::refused(denied.into()))?;
            }
            let events = outcome.map_err(Failure::refused)?;
            Ok(events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect())
        })
    }

    /// Does something with what a gateway would decide by, where none runs.
    pub(super) fn by_itself<T>(
        &self,
        work: impl AsyncFnOnce(&Arc<Realm>, &Arc<Registry>, &Stream) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let place = self.journal()?;
        runtime()?.block_on(async {
            let ring = || Ring::load_or_make(&self.keys).map_err(Failure::Keys);
            let guard = Guard::new(&self.login, &ring()?);
            let realm = Realm::open(&self.realm, &guard, None).map_err(Failure::Open)?;
            // Held as short as can be: a gateway that starts now waits for it.
            let stream = Stream::open(place, ring()?).map_err(Failure::Journal)?;
            let (now, kept) = (clock::now(), place.retention.grants);
            let registry = Registry::open(stream.clone(), kept, &self.keys, self.rules.clone(), now);
            let outcome = work(&realm, &registry.map_err(Failure::registry)?, &stream).await;
            // What was answered for is on disk.
            let _ = stream.end(LAST);
            outcome
        })
    }

    /// Everything that is in the registry, as an object; nothing is in one that was never founded.
    pub(super) fn look(&self) -> Result<Value, Failure> {
        self.view(PREFIX, registry::read, |state| view::object(state, &self.rules, clock::now().into()))
    }

    /// A whole review; nothing where there is none of this number.
    pub(super) fn review(&self, id: u64) -> Result<Value, Failure> {
        self.view(&format!("{PREFIX}{REVIEWS}{id}"), registry::read, |state| view::review(state, id))
    }

    /// What a running gateway says at this path, and `view` of what is `read` from disk where none runs.
    pub(super) fn view<S: Default>(
        &self,
        path: &str,
        read: impl Fn(&journal::Place, Ring) -> Result<(S, registry::Unread), search::Error>,
        view: impl Fn(&S) -> Value,
    ) -> Result<Value, Failure> {
        let Some(place) = &self.journal else { return Ok(view(&S::default())) };
        if let Some(answer) = self.ask(Method::GET, path, String::new()).or_else(no_registry)? {
            return Ok(answer);
        }
        let place = place.place.shared().filter(|_| self.keys.exists());
        let Some(place) = place else { return Ok(view(&S::default())) };
        let ring = Ring::load(&self.keys).map_err(Failure::Keys)?;
        let (state, unread) = match read(&place, ring) {
            Err(search::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => Default::default(),
            read => read.map_err(Failure::Search)?,
        };
        let mut object = view(&state);
        object["unread"] = unread.missing().into();
        Ok(object)
    }

    /// Whether somebody has left, as `look` has it.
    pub(super) fn has_left(look: &Value, person: &PersonId) -> bool {
        let rows = look["people"].as_array().into_iter().flatten();
        rows.filter(|row| row["person"] == json!(person)).any(|row| row["left"].is_string())
    }

    /// Whether it is founded.
    pub(super) fn is_founded(&self) -> Result<bool, Failure> {
        Ok(self.look()?["founded"].is_string())
    }
}

/// A gateway without a journal has none to show: what is on disk is read then.
fn no_registry(failure: Failure) -> Result<Option<Value>, Failure> {
    match failure {
        Failure::Refused { exit: 3, .. } => Ok(None),
        failure => Err(failure),
    }
}

/// Says when something is amiss with what was read.
pub(super) fn warn(look: &Value) {
    if let Some(unread @ 1..) = look["unread"].as_u64() {
        eprintln!("privet: {unread} records of the registry can't be read: what they say does not hold");
    }
}

fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::Gateway)
}

/// A moment: a day in UTC, a time, or so much later than now.
pub(super) fn moment(text: &str) -> Result<registry::Moment, String> {
    let day = || registry::Moment::parse(&format!("{text}T00:00:00Z"));
    let later = || crate::common::unit::parse_duration(text).ok();
    registry::Moment::parse(text)
        .or_else(day)
        .or_else(|| later().map(|later| registry::Moment::from(clock::now()).after(later)))
        .ok_or_else(|| "a time such as 2026-12-31, 2026-12-31T18:00:00+09:00 or 90d is expected".to_owned())
}

/// A role.
pub(super) fn role(text: &str) -> Result<registry::Role, String> {
    registry::Role::new(text).ok_or_else(|| account::Invalid::Role.to_string())
}
