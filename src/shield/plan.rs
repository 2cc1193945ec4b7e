//! Rules compiled once: places to skip to found, targets and transformations numbered, patterns in a bank.

mod compile;
pub mod gate;
mod settle;
mod update;

use std::collections::HashMap;

use super::{
    bank::Bank,
    bytes::Bytes,
    operator::{Likeness, Order},
    pattern::{Pattern, Unfilled},
    rule::{Control, Engine, Macro, Scope, Severity},
    source::Place,
    texts::Chain,
    transaction::{Value, spare::Spare},
    variable::{Choice, Variable},
};

pub use compile::compile;

use gate::Step;

/// Rules of one configuration.
#[derive(Debug)]
pub struct Plan {
    /// Heads of rules, in the order in which they were written.
    pub rules: Vec<Rule>,
    /// The rules of each phase, in order, but for those whose outcome no request changes.
    pub phases: [Vec<Step>; 5],
    /// What rules look at, each once.
    pub choices: Vec<Choice>,
    /// Chains of transformations, each once.
    pub chains: Vec<Chain>,
    /// What is looked at through which chain: numbers of `choices` and `chains`.
    pub groups: Vec<(u32, u32)>,
    /// The group of each choice whose chain is empty.
    pub bases: Vec<u32>,
    /// Groups that links look at together, each once.
    pub views: Vec<Vec<u32>>,
    /// Patterns, each once.
    pub patterns: Vec<Sought>,
    /// What texts may match: patterns of rules for requests, and for answers.
    pub banks: [Bank; 2],
    /// Members of `TX` and the like that rules name, in lower case.
    pub slots: Vec<(Variable, Vec<u8>)>,
    /// What they hold when a request begins.
    pub begin: Vec<Option<Value>>,
    /// The way back.
    pub slot_of: HashMap<Variable, HashMap<Vec<u8>, u32>>,
    /// Rules that `ctl` takes out, by what it says.
    pub meant: Vec<Vec<u64>>,
    /// Buffers of requests that have ended.
    pub spare: Spare,
    /// What was read and has no effect: where, and why.
    pub notices: Vec<(Place, String)>,
}

/// What is looked for in texts, so that a bank can rule it out.
#[derive(Debug)]
pub enum Sought {
    /// A pattern.
    Pattern(std::sync::Arc<Pattern>),
    /// One of these phrases, in any case: whatever the bank lets pass has one.
    Phrases(Vec<Vec<u8>>),
}

/// A rule with its chain.
#[derive(Debug)]
pub struct Rule {
    /// Its number; 0 where it has none.
    pub id: u32,
    /// Where it was written.
    pub place: Place,
    /// The links of its chain, at least one.
    pub links: Vec<Link>,
    /// What becomes of the request.
    pub effect: Effect,
    /// Whether it is written down.
    pub log: bool,
    /// What it says.
    pub message: Option<Macro>,
    /// What it says of the value.
    pub data: Option<Macro>,
    /// How grave it is.
    pub severity: Option<Severity>,
    /// What it is about.
    pub tags: Vec<String>,
    /// Where asking goes on after a match: a place in the phase's list.
    pub skip_to: Option<u32>,
}

/// What becomes of the request where a rule matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    Pass,
    /// It is refused with this status.
    Deny(u16),
    /// Nothing more is asked.
    Allow(Scope),
}

/// One link of a chain.
#[derive(Debug)]
pub struct Link {
    /// What it looks at; nothing where it matches always.
    pub reads: Vec<Read>,
    /// All of `reads` as one of the plan's views, where a bank can tell that there is nothing in it of what is sought.
    pub view: Option<u32>,
    /// What it does not look at.
    pub excluded: Vec<Choice>,
    /// What it looks for.
    pub check: Check,
    /// Whether that is to be absent.
    pub negated: bool,
    /// Whether what matched is kept.
    pub capture: bool,
    /// What follows each match.
    pub assignments: Vec<Assign>,
    /// What else changes.
    pub controls: Vec<Ctl>,
}

/// How a link comes by what it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// Members that stay as they are for a phase, through a chain: a group's number.
    Group(u32),
    /// Members that rules change themselves: numbers of a choice and a chain.
    Volatile(u32, u32),
    /// A member of `TX` without transformations: its slot.
    Slot(u32),
    /// How many members there are: a choice's number.
    Count(u32),
    /// Whether a member of `TX` is there, as a number: its slot.
    CountSlot(u32),
}

/// What a link looks for.
#[derive(Debug)]
pub enum Check {
    /// Whatever there is.
    Always,
    /// Nothing.
    Never,
    /// One of the plan's patterns.
    Sought(u32),
    /// A pattern with variables in it.
    Filled(Macro, Unfilled),
    /// A text.
    Like(Likeness, Text),
    /// A number.
    Number(Order, Number),
    /// An address in one of these networks.
    Addresses(Vec<ipnet::IpNet>),
    /// A byte that is none of these.
    ByteOutside(Bytes),
    /// A broken escape.
    BadUrlEncoding,
    /// Broken UTF-8.
    BadUtf8,
    /// Injected SQL.
    Sqli,
    /// Injected script.
    Xss,
}

/// A text that may have variables in it.
#[derive(Debug)]
pub enum Text {
    /// As it is.
    Constant(bytes::Bytes),
    /// A slot's text.
    Slot(u32),
    /// To be put together.
    Macro(Macro),
}

/// A number that may come from a variable.
#[derive(Debug)]
pub enum Number {
    /// As it is.
    Constant(i64),
    /// A slot's number.
    Slot(u32),
    /// To be put together.
    Macro(Macro),
}

/// An assignment.
#[derive(Debug)]
pub struct Assign {
    /// To what.
    pub to: To,
    /// What becomes of it.
    pub change: Change,
}

/// What is assigned to.
#[derive(Debug)]
pub enum To {
    /// A member whose name is known.
    Slot(u32),
    /// One whose name has variables in it.
    Named(Variable, Macro),
}

/// What becomes of a member.
#[derive(Debug)]
pub enum Change {
    /// It holds this.
    Set(Text),
    /// It grows by this, or shrinks where the sign is negative.
    Add(Number, i64),
    /// It is gone.
    Unset,
}

/// What `ctl` changes.
#[derive(Debug)]
pub enum Ctl {
    /// Whether rules act.
    Engine(Engine),
    /// How the body is read, and whether it is looked at as a whole.
    Body(Control),
    /// Rules are taken out: a number of `meant`.
    Remove(u32),
    /// Rules don't look at this any more.
    RemoveTarget(u32, Choice),
}

impl Rule {
    /// What it says, without what it would fill in of a request.
    #[must_use]
    pub fn title(&self) -> String {
        let parts = self.message.iter().flat_map(|message| &message.0);
        let words = parts.map(|part| match part {
            super::rule::Part::Text(text) => String::from_utf8_lossy(text).into_owned(),
            super::rule::Part::Variable(..) => "…".to_owned(),
        });
        words.collect()
    }
}

impl Plan {
    /// Whether a rule of a phase has anything to do.
    #[must_use]
    pub fn asks(&self, phase: super::rule::Phase) -> bool {
        !self.phases[phase.index()].is_empty()
    }

    /// The slot of a member that rules name; its name in lower case.
    #[must_use]
    pub fn slot(&self, collection: Variable, name: &[u8]) -> Option<u32> {
        self.slot_of.get(&collection)?.get(name).copied()
    }

    /// Compiles all patterns now, which otherwise happens as they are needed.
    ///
    /// # Errors
    /// The first that is too large.
    pub fn compile_patterns(&self) -> Result<(), String> {
        self.patterns.iter().try_for_each(|sought| match sought {
            Sought::Pattern(pattern) => pattern.compile(),
            Sought::Phrases(_) => Ok(()),
        })
    }
}
