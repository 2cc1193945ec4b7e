//! Who is banned, for what and for how long. Validated values only; `config` fills them.

use std::{path::PathBuf, time::Duration};

use ipnet::IpNet;

use super::scenario::Scenario;
use crate::{
    common::{limit::Limit, secret::Secret},
    dial::address::Address,
};

/// `[shield.ban]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whom those who are banned may ask.
    pub contact: Option<String>,
    /// What a banned request gets.
    pub answer: Answer,
    /// Networks that nothing bans.
    pub allow: Vec<IpNet>,
    /// Proxies whose word about clients is believed: they are never banned for them.
    pub trusted: Vec<IpNet>,
    /// How many are let pass, by the number of the scenario; nothing is counted where there is none.
    pub limits: [Option<Limit>; Scenario::ALL.len()],
    /// How long the first ban lasts, the second, and so on; the last is for all that follow. At least one, at most [`Settings::STEPS`].
    pub steps: Vec<Duration>,
    /// Quiet time after the end of a ban from which on the next is a first one.
    pub forget: Duration,
    /// Most addresses and sessions that are remembered.
    pub max_keys: usize,
    /// Paths that only scanners ask for, besides those that are known.
    pub scanner_paths: Vec<String>,
    /// Lists of others.
    pub lists: Vec<List>,
}

impl Settings {
    /// Most steps.
    pub const STEPS: usize = 8;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            contact: None,
            answer: Answer::Page,
            allow: Vec::new(),
            trusted: Vec::new(),
            limits: Scenario::ALL.map(|scenario| Some(scenario.usual())),
            steps: [600, 3600, 86_400].map(Duration::from_secs).to_vec(),
            forget: Duration::from_secs(7 * 86_400),
            max_keys: 100_000,
            scanner_paths: Vec::new(),
            lists: Vec::new(),
        }
    }
}

/// What a banned request gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A page that says why, until when, and how to get out.
    Page,
    /// Nothing: its stream is closed. Behind a proxy it is the page all the same, or the proxy would take Privet for broken.
    Close,
}

/// `[[shield.ban.list]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its name, a label of metrics.
    pub name: String,
    /// Where it comes from.
    pub origin: Origin,
}

/// Where a list comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A file: an address or a network a line.
    File(PathBuf),
    /// Decisions of a `CrowdSec` agent.
    Crowdsec(Box<Crowdsec>),
}

/// A `CrowdSec` agent's local API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crowdsec {
    /// Its URL.
    pub address: Address,
    /// The key that it knows us by.
    pub key: Secret,
    /// The only authorities that are believed, in place of the system's.
    pub ca: Option<PathBuf>,
    /// How often it is asked for what is new.
    pub every: Duration,
    /// Why cleartext beyond this machine is allowed, where it is.
    pub cleartext_reason: Option<String>,
}
