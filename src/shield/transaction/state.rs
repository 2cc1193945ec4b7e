//! What is known of a request: members of collections, and what rules have assigned.

use bytes::Bytes;

use super::gathered::Gathered;
use crate::shield::{
    body::Processor,
    operator,
    plan::Plan,
    rule::{Engine, Scope},
    texts::Text,
    variable::{Choice, Variable},
};

/// What a rule has assigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A number.
    Number(i64),
    /// A text.
    Text(Bytes),
}

impl Value {
    /// As a number.
    #[must_use]
    pub fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) => operator::number(text),
        }
    }

    /// Appends it as a text.
    pub fn write(&self, into: &mut Vec<u8>) {
        match self {
            Self::Number(number) => into.extend_from_slice(itoa::Buffer::new().format(*number).as_bytes()),
            Self::Text(text) => into.extend_from_slice(text),
        }
    }
}

/// A member of a collection, or a variable's only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its name; the number of an empty text where it has none.
    pub name: Text,
    /// What it holds.
    pub value: Text,
}

/// What matched last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Of which variable.
    pub variable: Variable,
    /// Which member, and what was looked at.
    pub member: Member,
}

/// Members by variable.
#[derive(Debug, Default)]
pub struct Members(Vec<Vec<Member>>);

impl Members {
    /// Members of a variable; those of `ARGS` are of the query, then of the body, and those of `X_NAMES` are the names of `X`.
    pub fn of(&self, variable: Variable) -> impl Iterator<Item = Member> + '_ {
        use Variable as V;
        let (first, second, names) = match variable {
            V::Args => (V::ArgsGet, Some(V::ArgsPost), false),
            V::ArgsNames => (V::ArgsGet, Some(V::ArgsPost), true),
            V::ArgsGetNames => (V::ArgsGet, None, true),
            V::ArgsPostNames => (V::ArgsPost, None, true),
            V::RequestCookiesNames => (V::RequestCookies, None, true),
            V::RequestHeadersNames => (V::RequestHeaders, None, true),
            V::ResponseHeadersNames => (V::ResponseHeaders, None, true),
            V::FilesNames | V::MultipartName => (V::Files, None, true),
            V::MultipartFilename => (V::Files, None, false),
            other => (other, None, false),
        };
        let of = |variable: V| self.0[variable as usize].iter();
        of(first)
            .chain(second.map(of).into_iter().flatten())
            .map(move |member| if names { Member { name: member.name, value: member.name } } else { *member })
    }
}

/// All of it.
#[derive(Debug, Default)]
pub struct State {
    /// What came in.
    pub members: Members,
    slots: Vec<Option<Value>>,
    named: Vec<(Variable, Vec<u8>, Value)>,
    /// Forgotten where members change.
    pub gathered: Gathered,
    /// What matched last.
    pub last: Option<Hit>,
    /// What matched in the link before, and in this one.
    pub hits: [Vec<Hit>; 2],
    /// Whether rules act.
    pub engine: Engine,
    /// How far an `allow` reaches.
    pub allowed: Option<Scope>,
    /// The reader that rules have chosen for the body.
    pub processor: Option<Processor>,
    /// Whether the body is looked at as a whole.
    pub whole_body: bool,
    /// Whether bodies are looked at: of the request, of the answer.
    pub body_access: [bool; 2],
    removed: Vec<u64>,
    /// What some rules don't look at.
    pub removed_targets: Vec<(u32, Choice)>,
}

impl State {
    /// Begins anew, with room for what a plan has.
    pub(super) fn begin(&mut self, plan: &Plan) {
        let mut old = std::mem::take(self);
        old.members.0.resize(Variable::ALL.len(), Vec::new());
        old.members.0.iter_mut().for_each(Vec::clear);
        old.slots.clone_from(&plan.begin);
        old.named.clear();
        old.gathered.begin(plan);
        old.hits.iter_mut().for_each(Vec::clear);
        old.removed.clear();
        old.removed_targets.clear();
        *self = Self {
            members: old.members,
            slots: old.slots,
            named: old.named,
            gathered: old.gathered,
            hits: old.hits,
            body_access: [true; 2],
            removed: old.removed,
            removed_targets: old.removed_targets,
            ..Self::default()
        };
    }

    /// Adds a member.
    pub fn add(&mut self, variable: Variable, name: Text, value: Text) {
        self.members.0[variable as usize].push(Member { name, value });
    }

    /// Forgets a variable's members.
    pub fn clear(&mut self, variable: Variable) {
        self.members.0[variable as usize].clear();
    }

    /// Forgets what groups hold: members have changed.
    pub fn forget(&mut self) {
        self.gathered.forget();
    }

    /// What a slot holds.
    #[must_use]
    pub fn slot(&self, slot: u32) -> Option<&Value> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// Sets a slot.
    pub fn set_slot(&mut self, slot: u32, value: Option<Value>) {
        if let Some(kept) = self.slots.get_mut(slot as usize) {
            *kept = value;
        }
    }

    /// What was assigned to a member; its name in lower case.
    #[must_use]
    pub fn kept(&self, plan: &Plan, collection: Variable, name: &[u8]) -> Option<&Value> {
        match plan.slot(collection, name) {
            Some(slot) => self.slot(slot),
            None => {
                self.named.iter().find(|(of, known, _)| *of == collection && known == name).map(|(.., value)| value)
            }
        }
    }

    /// Assigns to a member; its name in lower case.
    pub fn assign(&mut self, plan: &Plan, collection: Variable, name: &[u8], value: Option<Value>) {
        if let Some(slot) = plan.slot(collection, name) {
            self.set_slot(slot, value);
            return;
        }
        let at = self.named.iter().position(|(of, known, _)| *of == collection && known == name);
        match (at, value) {
            (Some(at), Some(value)) => self.named[at].2 = value,
            (Some(at), None) => {
                self.named.remove(at);
            }
            (None, Some(value)) => self.named.push((collection, name.to_vec(), value)),
            (None, None) => {}
        }
    }

    /// Everything that was assigned to a collection, by name.
    pub fn all_kept<'a>(&'a self, plan: &'a Plan, of: Variable) -> impl Iterator<Item = (&'a [u8], &'a Value)> {
        let slots = plan.slots.iter().zip(&self.slots).filter(move |((collection, _), _)| *collection == of);
        let slots = slots.filter_map(|((_, name), value)| Some((name.as_slice(), value.as_ref()?)));
        let named = self.named.iter().filter(move |(collection, ..)| *collection == of);
        slots.chain(named.map(|(_, name, value)| (name.as_slice(), value)))
    }

    /// Takes rules out: a bit a rule.
    pub fn remove(&mut self, bits: &[u64]) {
        self.removed.resize(self.removed.len().max(bits.len()), 0);
        self.removed.iter_mut().zip(bits).for_each(|(word, more)| *word |= more);
    }

    /// Whether a rule was taken out.
    #[must_use]
    pub fn is_removed(&self, rule: u32) -> bool {
        crate::shield::bank::has(&self.removed, rule)
    }
}
