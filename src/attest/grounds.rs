//! What an attestation rests on: what the configuration says, and what is running.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::SystemTime};

use super::settings::Settings;
use crate::{
    gateway::{Plan, settings::Route},
    journal::{self, Journal},
    login::settings::Login,
    observe::{access_log::Log, metrics::Metrics},
    registry::{self, State},
    tls,
};

/// All of it.
#[derive(Debug)]
pub struct Grounds {
    /// The policy.
    pub settings: Settings,
    /// What the configuration says.
    pub facts: Facts,
    /// What is running; nothing where no gateway does.
    pub live: Option<Live>,
    /// Who may what, and the rules of that; nothing where there is no registry.
    pub registry: Option<(Arc<State>, registry::Settings)>,
    /// Cases whose clock has run out, by number; nothing where no cases are kept.
    pub clocks: Option<Vec<u64>>,
    /// When.
    pub now: SystemTime,
}

/// What the configuration says, without secrets.
#[derive(Debug, Clone)]
pub struct Facts {
    /// SHA-256 of its text.
    pub sha256: [u8; 32],
    /// Privet's own folder.
    pub data_dir: PathBuf,
    /// The key file that everything is sealed by.
    pub seal: Option<PathBuf>,
    /// Files that only their owner may read.
    pub keys: Vec<PathBuf>,
    /// The journal.
    pub journal: Option<journal::Settings>,
    /// Where cleartext is used beyond this machine, and why.
    pub cleartext: Vec<(String, String)>,
    /// Hosts beyond this machine that personal data may be handed to, and by what.
    pub recipients: Vec<(String, String)>,
    /// Hosts where people sign in, lower case.
    pub providers: Vec<String>,
    /// Routes.
    pub routes: Vec<Arc<Route>>,
    /// Logins that are guarded.
    pub logins: Vec<Arc<Login>>,
    /// Whether rules against intrusion are of a set besides Privet's own, and how many there are.
    pub rules: Option<(bool, usize)>,
}

/// What is running.
#[derive(Debug, Clone)]
pub struct Live {
    /// The plan in use.
    pub plan: Arc<Plan>,
    /// Where TLS is served.
    pub https: SocketAddr,
    /// Where cleartext is answered.
    pub http: Option<SocketAddr>,
    /// Certificates.
    pub tls: Arc<tls::Store>,
    /// The access log.
    pub log: Option<Arc<Log>>,
    /// What was counted.
    pub metrics: Arc<Metrics>,
    /// The journal that is written.
    pub journal: Option<Arc<Journal>>,
}
