//! A rule as it was written: what it looks at, what it looks for, what follows.

use super::{
    operator::Operator,
    source::{Place, Source},
    transform::Transform,
    variable::{Choice, Target, Variable},
};

/// When a rule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Phase {
    /// The head of the request is there.
    RequestHeaders = 1,
    /// Its body is there.
    #[default]
    RequestBody = 2,
    /// The head of the answer is there.
    ResponseHeaders = 3,
    /// Its body is there.
    ResponseBody = 4,
    /// All is over.
    Logging = 5,
}

impl Phase {
    /// All, in order.
    pub const ALL: [Self; 5] =
        [Self::RequestHeaders, Self::RequestBody, Self::ResponseHeaders, Self::ResponseBody, Self::Logging];

    /// The one that is written so.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "1" => Some(Self::RequestHeaders),
            "2" | "request" => Some(Self::RequestBody),
            "3" => Some(Self::ResponseHeaders),
            "4" | "response" => Some(Self::ResponseBody),
            "5" | "logging" => Some(Self::Logging),
            _ => None,
        }
    }

    /// Its place, from zero.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize - 1
    }
}

/// How grave a finding is (RFC 5424's numbers).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// 0
    Emergency,
    /// 1
    Alert,
    /// 2
    Critical,
    /// 3
    Error,
    /// 4
    Warning,
    /// 5
    Notice,
    /// 6
    Info,
    /// 7
    Debug,
}

impl Severity {
    const NAMES: [(&'static str, Self); 8] = [
        ("EMERGENCY", Self::Emergency),
        ("ALERT", Self::Alert),
        ("CRITICAL", Self::Critical),
        ("ERROR", Self::Error),
        ("WARNING", Self::Warning),
        ("NOTICE", Self::Notice),
        ("INFO", Self::Info),
        ("DEBUG", Self::Debug),
    ];

    /// By name or number.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        if let Ok(number) = text.parse::<usize>() {
            return Self::NAMES.get(number).map(|(_, severity)| *severity);
        }
        Self::NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, severity)| *severity)
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

/// What becomes of the request where a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effect {
    /// As the phase's default action says.
    #[default]
    Block,
    /// Nothing.
    Pass,
    /// It is refused.
    Deny,
    /// No further rule is asked: of any phase, of this phase, or of the request's.
    Allow(Scope),
}

/// How far an `allow` reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All phases but logging.
    All,
    /// This phase.
    Phase,
    /// Phases of the request.
    Request,
}

/// Text with variables in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Macro(pub Vec<Part>);

/// A piece of a [`Macro`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// As it is.
    Text(Vec<u8>),
    /// What a variable, or a member of a collection, holds.
    Variable(Variable, Option<Vec<u8>>),
}

impl Macro {
    /// The text, where no variable is in it.
    #[must_use]
    pub fn constant(&self) -> Option<&[u8]> {
        match self.0.as_slice() {
            [] => Some(b""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// What `setvar` does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Of which collection.
    pub collection: Variable,
    /// The member.
    pub name: Macro,
    /// What becomes of it.
    pub change: Change,
}

/// What becomes of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It holds this.
    Set(Macro),
    /// It grows by this.
    Add(Macro),
    /// It shrinks by this.
    Subtract(Macro),
    /// It is gone.
    Unset,
}

/// Rules that are meant by number, tag or message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// Numbers, as ranges with both ends in.
    Ids(Vec<(u32, u32)>),
    /// A tag.
    Tag(String),
    /// A message.
    Message(String),
}

/// What `ctl` changes for the rest of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Whether rules act: on, off, or detection only.
    Engine(Engine),
    /// The body is read as this.
    BodyProcessor(super::body::Processor),
    /// `REQUEST_BODY` is there, whoever has read it.
    ForceBodyVariable(bool),
    /// These rules are not asked.
    Remove(Meant),
    /// These rules don't look at this.
    RemoveTarget(Meant, Choice),
    /// Bodies are looked at: of requests, of answers.
    BodyAccess {
        /// Of the answer instead of the request.
        response: bool,
        /// Whether.
        on: bool,
    },
    /// It is about logs that Privet keeps in its own way.
    Ignored,
}

/// Whether rules act; the more they do, the smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Engine {
    /// They refuse.
    #[default]
    On,
    /// They are written down.
    DetectionOnly,
    /// They are not asked.
    Off,
}

/// What a rule says beyond looking.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an action of its own")]
pub struct Actions {
    /// Its number.
    pub id: Option<u32>,
    /// When it is asked.
    pub phase: Option<Phase>,
    /// What becomes of the request.
    pub effect: Option<Effect>,
    /// With which status it is refused.
    pub status: Option<u16>,
    /// Through what a value goes before it is looked at; `t:none` begins anew.
    pub transforms: Vec<Transform>,
    /// Whether `t:none` was among them: defaults don't hold.
    pub bare: bool,
    /// Whether it looks after every transformation.
    pub multi_match: bool,
    /// Whether what matched is kept in `TX:0` to `TX:9`.
    pub capture: bool,
    /// Whether the next rule must match as well.
    pub chain: bool,
    /// Whether it is written down; as the default says where absent.
    pub log: Option<bool>,
    /// What it says.
    pub message: Option<Macro>,
    /// What it says of the value.
    pub data: Option<Macro>,
    /// How grave it is.
    pub severity: Option<Severity>,
    /// What it is about.
    pub tags: Vec<String>,
    /// Which assignments follow.
    pub assignments: Vec<Assignment>,
    /// What else changes.
    pub controls: Vec<Control>,
    /// Where asking goes on: behind this marker, or the rule of this number.
    pub skip_after: Option<String>,
    /// How many rules are passed over.
    pub skip: usize,
}

/// What is looked for in what.
#[derive(Debug, Clone)]
pub struct Test {
    /// In what.
    pub targets: Vec<Target>,
    /// What.
    pub operator: Operator,
    /// Whether it is to be absent.
    pub negated: bool,
}

/// A `SecRule`, or a `SecAction`, which tests nothing.
#[derive(Debug, Clone)]
pub struct Written {
    /// Where.
    pub place: Place,
    /// What it tests.
    pub test: Option<Test>,
    /// What follows.
    pub actions: Actions,
}

/// One directive.
#[derive(Debug, Clone)]
pub enum Directive {
    /// A rule.
    Rule(Box<Written>),
    /// A place to skip to.
    Marker(String),
    /// What holds for rules of a phase that say nothing else.
    Default(Box<Written>),
    /// Rules are taken out.
    Remove(Meant),
    /// Rules look at something else as well, or no more.
    UpdateTarget(Place, Meant, Vec<Target>),
    /// A rule says something else.
    UpdateAction(Place, u32, Box<Actions>),
    /// Something that Privet's configuration decides, or that has no meaning here: the directive, and why.
    Set(Place, String, &'static str),
}

/// Rules as they were written, in order.
#[derive(Debug, Clone, Default)]
pub struct Document {
    /// All directives.
    pub directives: Vec<Directive>,
}

/// Files and what they say.
pub type Sources = Vec<Source>;
