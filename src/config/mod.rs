//! From a TOML file to each room's settings, or a report of everything that is wrong with it.
//!
//! [`mod@file`] reads the text, [`schema`] lists every key, [`reader`] takes typed values out of tables, [`resolve`] and [`route`]
//! make settings of them, [`diagnose`] says what is wrong. Command-line flags become a small file of their own, so that
//! there is one way.

mod access;
mod antivirus;
mod api;
mod attest;
mod ban;
mod canary;
mod consent;
pub mod context;
pub mod diagnose;
mod federation;
pub mod file;
mod identity;
mod incident;
mod journal;
mod login;
pub mod logs;
mod mail;
mod notice;
mod privacy;
pub mod reader;
mod registry;
pub mod resolve;
pub mod route;
mod scan;
pub mod schema;
mod scim;
pub mod secret;
mod shield;
mod store;
mod telemetry;
mod tls;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use aws_lc_rs::digest;
pub use diagnose::{Diagnostic, Report};

use self::{
    context::Context,
    diagnose::Diagnostics,
    file::{Entry, Environment, Node, Value},
    reader::Table,
};
use crate::{admin::settings::May, incident::notice::settings::Channel, shield::settings::Mode};

/// Everything that a running gateway needs to know, validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where Privet keeps its own state.
    pub data_dir: PathBuf,
    /// Whether `data_dir` is asked for, so that it must be usable.
    pub data_dir_is_given: bool,
    /// Where the keys of tokens and encryption are, if not in `data_dir`.
    pub key_file: Option<PathBuf>,
    /// Listeners and connections.
    pub server: crate::server::Settings,
    /// Certificates and TLS policy.
    pub tls: crate::tls::Settings,
    /// Routes.
    pub gateway: crate::gateway::Settings,
    /// Who is banned; nobody where it is absent.
    pub bans: Option<crate::shield::ban::Settings>,
    /// Who scans files; nobody where no route asks for it.
    pub antivirus: Option<crate::antivirus::Settings>,
    /// Logins that are guarded.
    pub login: crate::login::Settings,
    /// The access log.
    pub access_log: crate::observe::access_log::Settings,
    /// Realms.
    pub identity: crate::identity::Settings,
    /// Sealing at rest.
    pub seal: crate::seal::Settings,
    /// What is written down for good; nothing where it is off.
    pub journal: Option<crate::journal::Settings>,
    /// Who may do what with personal data; nothing where it is absent.
    pub access: Option<std::sync::Arc<crate::access::Settings>>,
    /// What the registry asks of people.
    pub registry: crate::registry::Settings,
    /// What is asked of cases of incidents.
    pub incident: crate::incident::Settings,
    /// SHA-256 of the configuration's text.
    pub sha256: [u8; 32],
    /// What replicas share; nothing where it is absent.
    pub store: Option<crate::store::Settings>,
    /// What is asked of the vulnerability analysis.
    pub scan: crate::scan::settings::Settings,
    /// Where what is observed is sent; nowhere where it is absent.
    pub telemetry: Option<crate::observe::otlp::Settings>,
    /// The policy, and how often it is looked at.
    pub attest: crate::attest::Settings,
    /// The private listeners.
    pub admin: crate::admin::Settings,
    /// Files besides the configuration itself whose change calls for a reload.
    pub files: Vec<PathBuf>,
}

/// What the command line says besides, or instead of, a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// The application, where there is no file.
    pub to: Option<String>,
    /// `listen.https`
    pub https: Option<String>,
    /// `listen.http`
    pub http: Option<String>,
    /// `listen.admin`
    pub admin: Option<String>,
    /// `listen.console`
    pub console: Option<String>,
    /// `data_dir`
    pub data: Option<String>,
    /// `route.cleartext_reason`
    pub cleartext_reason: Option<String>,
    /// What else holds where there is no file, in its form.
    pub safeguards: &'static str,
}

impl Config {
    /// Reads a file; flags win over its `listen` and `data_dir`.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn load(path: &Path, flags: &Flags) -> Result<Self, Report> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("can't be read: {error}");
            Report(vec![Diagnostic { file: name.clone(), line: 1, column: 1, message, hint: None }])
        })?;
        let base = path.parent().unwrap_or(Path::new(""));
        Self::parse(&name, &text, base, &|name| std::env::var(name).ok(), flags)
    }

    /// Reads `text`, called `name`, whose relative paths start at `base`.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn parse(
        name: &str,
        text: &str,
        base: &Path,
        environment: Environment<'_>,
        flags: &Flags,
    ) -> Result<Self, Report> {
        Self::build(name, text, base, environment, flags, Duration::from_secs(3))
    }

    /// A configuration from flags alone, for `serve --to`.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn from_flags(flags: &Flags) -> Result<Self, Report> {
        Self::build("command line", flags.safeguards, Path::new(""), &|_| None, flags, Duration::ZERO)
    }

    fn build(
        name: &str,
        text: &str,
        base: &Path,
        environment: Environment<'_>,
        flags: &Flags,
        delay: Duration,
    ) -> Result<Self, Report> {
        let mut diagnostics = Diagnostics::new(name, text);
        let Some(mut entries) = file::parse(text, environment, &mut diagnostics) else {
            // What a broken text seems to say is not worth judging.
            return Err(diagnostics.report().unwrap_or(Report(Vec::new())));
        };
        flags.apply(&mut entries);
        let mut context = Context { base, delay, files: Vec::new() };
        let mut config = resolve::config(Table::new("", 0..0, entries), &mut context, &mut diagnostics);
        config.sha256.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        diagnostics.report().map_or(Ok(config), Err)
    }

    /// What is on, for people; no secrets.
    #[must_use]
    pub fn summary(&self) -> Vec<String> {
        let off = |address: Option<std::net::SocketAddr>| address.map_or("off".to_owned(), |a| a.to_string());
        let mut lines = vec![
            format!("https  {}", self.server.https),
            format!("http   {}", off(self.server.http)),
            format!("admin  {}", off(self.admin.listen)),
        ];
        if let Some(console) = self.admin.console {
            lines.push(format!("console {console}"));
        }
        say_programs(&self.admin, &mut lines);
        for order in &self.tls.acme {
            let (domains, way) = (order.domains.join(", "), order.challenge.name());
            lines.push(format!("cert   {domains}, ordered from {} by {way}", order.directory));
        }
        use crate::observe::{access_log::settings::Target, otlp::settings::Signal};
        match &self.access_log.target {
            Target::Off => lines.push("log    off".to_owned()),
            Target::Stdout => {}
            Target::File(path) => {
                let sealed = if self.access_log.sealed.is_some() { ", sealed" } else { "" };
                lines.push(format!("log    {}{sealed}", path.display()));
            }
        }
        match &self.journal {
            None => lines.push("journal off".to_owned()),
            Some(journal) if journal.given => lines.push(format!("journal {}", journal.place)),
            Some(_) => {}
        }
        for witness in self.journal.iter().flat_map(|journal| &journal.witnesses) {
            lines.push(format!("witness {}", witness.to));
        }
        let database = self.journal.as_ref().and_then(|journal| journal.place.postgres());
        if let Some(reason) = database.and_then(|database| database.cleartext_reason.as_ref()) {
            lines.push(format!("       cleartext allowed: {reason}"));
        }
        if let Some(store) = &self.store {
            lines.push(format!("store  {}, replicas: {}", store.redis, store.replicas));
            if let Some(reason) = &store.cleartext_reason {
                lines.push(format!("       cleartext allowed: {reason}"));
            }
        }
        if let Some(telemetry) = &self.telemetry {
            let signals = Signal::ALL.into_iter().filter(|signal| telemetry.signals.has(*signal)).map(Signal::name);
            lines.push(format!("otlp   {}: {}", telemetry.endpoint, signals.collect::<Vec<_>>().join(", ")));
            if let Some(reason) = &telemetry.cleartext_reason {
                lines.push(format!("       cleartext allowed: {reason}"));
            }
        }
        if let Some(Channel::Mail(mail)) = &self.incident.notices.channel
            && let Some(reason) = &mail.cleartext_reason
        {
            lines.push(format!("notices by {}", mail.server.host));
            lines.push(format!("       cleartext allowed: {reason}"));
        }
        if let Some(access) = &self.access {
            let (policies, purposes) = (access.policies.len(), access.purposes.iter().count());
            lines.push(format!("access {policies} policies of {} files, {purposes} purposes", access.sources.len()));
        }
        if let Some(shield) = &self.gateway.shield {
            let (settings, plan) = (shield.settings(), shield.plan());
            let from = settings.rules.as_ref().map_or("Privet's own".to_owned(), |folder| folder.display().to_string());
            let (rules, level) = (plan.rules.len(), settings.paranoia);
            lines.push(format!(
                "shield {rules} rules, {from}; paranoia {level}, refused at {}",
                settings.inbound_threshold
            ));
            lines.extend(plan.notices.iter().map(|(place, what)| format!("       {place}: {what}")));
        }
        if let Some(antivirus) = &self.antivirus {
            say_antivirus(antivirus, &mut lines);
        }
        for route in &self.gateway.routes {
            say_route(route, &mut lines);
        }
        for login in &self.login.logins {
            lines.push(format!("login  {}: failed attempts are limited", login.name));
        }
        if let Some(endpoint) = self.access.as_ref().and_then(|access| access.endpoint.as_ref()) {
            lines.push(format!("consent as {} says", endpoint.address.host()));
            if let Some(reason) = &endpoint.cleartext_reason {
                lines.push(format!("       cleartext allowed: {reason}"));
            }
        }
        if let Some(bans) = &self.bans {
            say_bans(bans, &mut lines);
        }
        if let Some(file) = &self.scan.retirejs {
            let (known, skipped) = (self.scan.libraries.len(), self.scan.libraries.skipped);
            lines.push(format!(
                "scan   {known} libraries with known holes, {}; {skipped} patterns left out",
                file.display()
            ));
        }
        lines
    }
}

/// Who comes to the private listeners without being a person.
fn say_programs(admin: &crate::admin::Settings, lines: &mut Vec<String>) {
    for directory in &admin.directories {
        lines.push(format!("scim   {} says which people of {} are here", directory.name, directory.issuer));
    }
    for client in &admin.clients {
        let may = match client.may {
            May::Read => "may read",
            May::Operate => "may operate",
        };
        lines.push(format!("api    {} {may}", client.name));
    }
}

/// Who is banned.
fn say_bans(bans: &crate::shield::ban::Settings, lines: &mut Vec<String>) {
    use crate::shield::ban::{Scenario, settings::Origin};
    let on = Scenario::ALL.into_iter().zip(&bans.limits).filter(|(_, limit)| limit.is_some());
    let names: Vec<&str> = on.map(|(scenario, _)| scenario.name()).collect();
    let names = if names.is_empty() { "by lists and operators alone".to_owned() } else { names.join(", ") };
    lines.push(format!("bans   {names}"));
    for list in &bans.lists {
        match &list.origin {
            Origin::File(path) => lines.push(format!("       list {}: {}", list.name, path.display())),
            Origin::Crowdsec(agent) => {
                lines.push(format!("       list {}: decisions of {}", list.name, agent.address));
                if let Some(reason) = &agent.cleartext_reason {
                    lines.push(format!("       cleartext allowed: {reason}"));
                }
            }
        }
    }
}

/// Who scans files.
fn say_antivirus(antivirus: &crate::antivirus::Settings, lines: &mut Vec<String>) {
    let who = |name, place: String| format!("{name:6} {place}, files up to {} bytes", antivirus.max_size);
    lines.extend(antivirus.clamd.iter().map(|target| who("clamd", target.to_string())));
    lines.extend(antivirus.icap.iter().map(|service| who("icap", service.to_string())));
    if let Some(reason) = &antivirus.cleartext_reason {
        lines.push(format!("       cleartext allowed: {reason}"));
    }
    if let Some(quarantine) = &antivirus.quarantine {
        lines.push(format!("       infected files are kept in {}", quarantine.folder.display()));
    }
}

/// What is done about infected files on a route.
fn say_infected(antivirus: crate::antivirus::OnRoute, lines: &mut Vec<String>) {
    use crate::antivirus;
    for (what, mode) in [("uploads", antivirus.uploads), ("downloads", antivirus.downloads)] {
        let unjudged = if antivirus.closed_when_unavailable { "is refused too" } else { "passes" };
        lines.extend(mode.map(|mode| match mode {
            antivirus::Mode::Detect => format!("       infected {what} are written down, not refused"),
            antivirus::Mode::Block => format!("       infected {what} are refused; what can't be judged {unjudged}"),
        }));
    }
}

/// What is on for a route.
fn say_route(route: &crate::gateway::settings::Route, lines: &mut Vec<String>) {
    let endpoints: Vec<String> = route
        .upstream
        .endpoints
        .iter()
        .map(|e| {
            let scheme = if e.dial.tls.is_some() { "https" } else { "http" };
            match &e.dial.target {
                crate::dial::settings::Target::Tcp { .. } => format!("{scheme}://{}", e.authority),
                crate::dial::settings::Target::Unix(path) => format!("unix:{}", path.display()),
            }
        })
        .collect();
    lines.push(format!("route  {} -> {}", route.name, endpoints.join(", ")));
    if let Some(gate) = &route.gate {
        lines.push(format!("       for people of `{}` only", gate.realm));
    }
    if let Some(shield) = route.shield {
        lines.push(match shield.mode {
            Mode::Detect => "       attacks are written down, not refused".to_owned(),
            Mode::Block if shield.refuses_excess => {
                "       attacks are refused; so is more than can be looked at".to_owned()
            }
            Mode::Block => "       attacks are refused; more than can be looked at passes".to_owned(),
        });
    }
    if route.watch {
        lines.push("       answers are watched for what they give away".to_owned());
    }
    if !route.hidden.is_empty() || !route.headers.is_empty() {
        let names = |list: Vec<&str>| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
        lines.push(format!(
            "       headers added: {}; hidden: {}",
            names(route.headers.iter().map(|(name, _)| name.as_str()).collect()),
            names(route.hidden.iter().map(http::HeaderName::as_str).collect())
        ));
    }
    if let Some(antivirus) = route.antivirus {
        say_infected(antivirus, lines);
    }
    if let Some(mask) = &route.mask {
        let exempt = if mask.by_policy { " but for what policies permit" } else { "" };
        lines.push(format!(
            "       personal data in answers is masked{exempt}; what can't be inspected {}",
            mask.uninspectable.verb()
        ));
    }
    if let Some(records) = &route.records {
        let places: Vec<String> = records.subject.iter().map(ToString::to_string).collect();
        if !places.is_empty() {
            lines.push(format!("       whose a record is: {}", places.join(", ")));
        }
        let places: Vec<String> = records.consent.iter().map(ToString::to_string).collect();
        if !places.is_empty() {
            lines.push(format!("       whether they agreed: {}", places.join(", ")));
        }
    }
    if let Some(reason) = &route.cleartext_reason {
        lines.push(format!("       cleartext allowed: {reason}"));
    }
}

impl Flags {
    /// Puts the flags where the file would have them.
    fn apply(&self, entries: &mut Vec<Entry>) {
        if let Some(data) = &self.data {
            set(
                entries,
                "data_dir",
                Value::Text(std::path::absolute(data).map_or(data.clone(), |p| p.display().to_string())),
            );
        }
        let doors = [("https", &self.https), ("http", &self.http), ("admin", &self.admin), ("console", &self.console)];
        for (key, value) in doors {
            if let Some(value) = value {
                set(table(entries, "listen"), key, Value::Text(value.clone()));
            }
        }
        if let Some(to) = &self.to {
            let route = first_route(entries);
            set(route, "upstream", Value::Text(to.clone()));
            if let Some(reason) = &self.cleartext_reason {
                set(route, "cleartext_reason", Value::Text(reason.clone()));
            }
        }
    }
}

fn node(value: Value) -> Node {
    Node { span: 0..0, value }
}

fn set(entries: &mut Vec<Entry>, key: &str, value: Value) {
    entries.retain(|entry| entry.key != key);
    entries.push(Entry { key: key.to_owned(), span: 0..0, node: node(value) });
}

/// The entries of the first route, made where there is none.
fn first_route(entries: &mut Vec<Entry>) -> &mut Vec<Entry> {
    let known = entries.iter().position(|entry| entry.key == "route");
    let at = known.unwrap_or_else(|| {
        set(entries, "route", Value::List(vec![node(Value::Table(Vec::new()))]));
        entries.len() - 1
    });
    match &mut entries[at].node.value {
        Value::List(routes) if matches!(routes.first(), Some(Node { value: Value::Table(_), .. })) => {
            match &mut routes[0].value {
                Value::Table(route) => route,
                _ => unreachable!("looked at just now"),
            }
        }
        _ => unreachable!("only Privet's own text stands below flags"),
    }
}

/// The entries of a table, made where it is absent.
fn table<'e>(entries: &'e mut Vec<Entry>, key: &str) -> &'e mut Vec<Entry> {
    let at = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
        set(entries, key, Value::Table(Vec::new()));
        entries.len() - 1
    });
    let value = &mut entries[at].node.value;
    if !matches!(value, Value::Table(_)) {
        *value = Value::Table(Vec::new());
    }
    match value {
        Value::Table(inner) => inner,
        _ => unreachable!("made a table just now"),
    }
}

#[cfg(test)]
mod tests;
