//! Which rules there are, and how strict they are. Validated values only.

use std::{path::PathBuf, time::Duration};

/// Everything that `[shield]` says of rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The folder of a rule set; Privet's own small one where absent.
    pub rules: Option<PathBuf>,
    /// The set-up that is read before the rules; looked for beside them where absent.
    pub setup: Option<PathBuf>,
    /// Files that are read before the set-up.
    pub before: Vec<PathBuf>,
    /// Files that are read after the rules.
    pub after: Vec<PathBuf>,
    /// The paranoia level: 1 to 4.
    pub paranoia: u8,
    /// The level up to which rules are asked and written down without counting for a refusal; at least `paranoia`.
    pub detection_paranoia: u8,
    /// The score at which a request is refused.
    pub inbound_threshold: u32,
    /// The score at which an answer is refused.
    pub outbound_threshold: u32,
    /// Whether the head's score is enough to refuse before the body was read.
    pub early_blocking: bool,
    /// Whether answers are looked at.
    pub responses: bool,
    /// Of how many requests in a hundred rules are asked on routes that only detect.
    pub sampling: u8,
    /// Most bytes of a request's body that are looked at.
    pub body: usize,
    /// Most bytes of an answer's body that are looked at.
    pub answer: usize,
    /// Most arguments.
    pub arguments: usize,
    /// Deepest nesting of JSON and XML.
    pub depth: usize,
    /// Longest time that rules of one request take.
    pub time: Duration,
    /// What is not looked for, or not there.
    pub exclusions: Vec<Exclusion>,
    /// Holes that the application can't mend.
    pub patches: Vec<Patch>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: None,
            setup: None,
            before: Vec::new(),
            after: Vec::new(),
            paranoia: 1,
            detection_paranoia: 1,
            inbound_threshold: 5,
            outbound_threshold: 4,
            early_blocking: false,
            responses: true,
            sampling: 100,
            body: 128 << 10,
            answer: 512 << 10,
            arguments: 4_000,
            depth: 64,
            time: Duration::from_millis(250),
            exclusions: Vec::new(),
            patches: Vec::new(),
        }
    }
}

/// One `[[shield.exclude]]`: rules that are not asked, or not of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// Their numbers, as ranges with both ends in.
    pub ids: Vec<(u32, u32)>,
    /// A tag of theirs.
    pub tag: Option<String>,
    /// Below which path; everywhere where absent.
    pub path: Option<String>,
    /// What they don't look at, as `ARGS:name`; they are not asked at all where absent.
    pub target: Option<String>,
}

/// One `[[shield.patch]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// What it is called in logs.
    pub name: String,
    /// Below which path.
    pub path: String,
    /// Of which methods; all where empty.
    pub methods: Vec<String>,
    /// What it looks at, as `ARGS:name`.
    pub target: String,
    /// The pattern that it looks for, or that must be there.
    pub pattern: String,
    /// Whether it refuses where the pattern does not match.
    pub unless: bool,
    /// Whether it refuses; otherwise it is written down.
    pub refuse: bool,
}

/// What a route asks of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnRoute {
    /// What follows.
    pub mode: Mode,
    /// Whether what is more than can be looked at is refused, where the mode is to block.
    pub refuses_excess: bool,
}

/// What follows where rules would refuse a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is written down.
    Detect,
    /// It is refused.
    Block,
}

pub use super::ruleset::Ruleset;
pub use super::source::Fault;
