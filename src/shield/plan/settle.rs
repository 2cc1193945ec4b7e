//! What is known of rules before there is a request.
//!
//! A set-up is rules too: members of `TX` are set to what was configured, missing ones to what is usual, and what is above the paranoia level is skipped. All
//! requests would do the same. So rules that only look at what is known already are followed here: what they assign is there when a request begins, and they,
//! and whatever they skip, are asked no more.
//!
//! A rule stays as it is where a request may make a difference: where it looks at anything else; where `ctl` may take it out; where a rule that stays may have
//! assigned what it looks at, may look at what it assigns before it does, or may skip it.

use super::{Assign, Change, Check, Ctl, Effect, Link, Number, Plan, Read, Rule, Text, To, gate::Step};
use crate::shield::{
    bank::has,
    rule::{Macro, Part, Scope},
    transaction::Value,
    variable::Variable,
};

/// What is known of a slot.
#[derive(Debug, Clone, PartialEq)]
enum Known {
    /// It holds this, or nothing.
    Is(Option<Value>),
    /// A request decides.
    Open,
}

struct Settling<'p> {
    plan: &'p Plan,
    slots: Vec<Known>,
    /// Slots that rules which stay have looked at so far.
    read: Vec<bool>,
    /// What `ctl` of rules that stay may have taken out so far: numbers of the plan's `meant`.
    removed: Vec<u32>,
    /// An `allow` may end the phases of a request before a rule is reached.
    allowed: bool,
}

/// Settles what can be.
pub(super) fn settle(plan: &mut Plan) {
    let (open, read) = (vec![Known::Is(None); plan.slots.len()], vec![false; plan.slots.len()]);
    let mut settling = Settling { plan, slots: open, read, removed: Vec::new(), allowed: false };
    let mut begin = vec![None; plan.slots.len()];
    let kept = plan.phases.each_ref().map(|list| settling.phase(list, &mut begin));
    for (list, kept) in plan.phases.iter_mut().zip(kept) {
        // Where each place of the list is, once what does not stay is gone.
        let moved = |to: u32| kept.iter().take(to as usize).map(|kept| u32::from(*kept)).sum();
        for (step, _) in list.iter().zip(&kept).filter(|(_, kept)| **kept) {
            let to = &mut plan.rules[step.rule as usize].skip_to;
            *to = to.map(moved);
        }
        let mut stays = kept.iter();
        list.retain(|_| stays.next().is_none_or(|kept| *kept));
    }
    plan.begin = begin;
}

impl Settling<'_> {
    /// Which rules of a phase stay.
    fn phase(&mut self, list: &[Step], begin: &mut [Option<Value>]) -> Vec<bool> {
        let rule = |step: &Step| &self.plan.rules[step.rule as usize];
        // Whoever skips from where to where; a rule that is reached by one of these is no rule to leave out.
        let skips: Vec<(usize, usize)> =
            list.iter().enumerate().filter_map(|(at, step)| Some((at, rule(step).skip_to? as usize))).collect();
        let mut kept = vec![true; list.len()];
        let mut shadow = if self.allowed { list.len() } else { 0 };
        let mut at = 0;
        while let Some(step) = list.get(at) {
            let rule = &self.plan.rules[step.rule as usize];
            let to = rule.skip_to.map_or(at + 1, |to| (to as usize).min(list.len()));
            let settled = match self.truth(rule) {
                Some(matches) if !matches => Some(at + 1),
                Some(_) if at >= shadow && self.is_quiet(rule) => {
                    let reached = skips.iter().any(|(from, into)| *from < at && (at + 1..to).contains(into));
                    (!reached && self.go_together(&list[at..to.max(at + 1)])).then_some(to)
                }
                _ => None,
            };
            if let Some(to) = settled {
                if rule.skip_to.is_none() && self.truth(rule) == Some(true) {
                    rule.links[0].assignments.iter().for_each(|assign| self.assign(assign, begin));
                }
                kept[at..to.max(at + 1)].fill(false);
                at = to.max(at + 1);
                continue;
            }
            self.stays(rule);
            shadow = shadow.max(to);
            if let Effect::Allow(scope) = rule.effect {
                shadow = list.len();
                self.allowed |= scope != Scope::Phase;
            }
            at += 1;
        }
        kept
    }

    /// Whether `ctl` takes out all of these rules where it takes out the first, which may assign nothing then.
    fn go_together(&self, rules: &[Step]) -> bool {
        let mut removed = self.removed.iter().map(|meant| &self.plan.meant[*meant as usize]);
        let [first, skipped @ ..] = rules else { return true };
        removed.all(|bits| {
            !has(bits, first.rule) || (!skipped.is_empty() && skipped.iter().all(|step| has(bits, step.rule)))
        })
    }

    /// Whether a rule matches, if that is known. Of a chain it is known only that it does not.
    fn truth(&self, rule: &Rule) -> Option<bool> {
        let first = self.holds(&rule.links[0])?;
        (rule.links.len() == 1 || !first).then_some(first)
    }

    fn holds(&self, link: &Link) -> Option<bool> {
        let found = match link.reads.as_slice() {
            [] => return Some(true),
            [Read::Slot(slot)] => match &self.slots[*slot as usize] {
                Known::Open => return None,
                Known::Is(None) => return Some(false),
                Known::Is(Some(value)) => self.is_so(&link.check, value)?,
            },
            [Read::CountSlot(slot)] => match &self.slots[*slot as usize] {
                Known::Open => return None,
                Known::Is(value) => self.is_so(&link.check, &Value::Number(value.is_some().into()))?,
            },
            _ => return None,
        };
        Some(found != link.negated)
    }

    fn is_so(&self, check: &Check, value: &Value) -> Option<bool> {
        match check {
            Check::Always => Some(true),
            Check::Never => Some(false),
            Check::Number(order, number) => Some(order.holds(value.number(), self.number(number)?)),
            _ => None,
        }
    }

    fn number(&self, number: &Number) -> Option<i64> {
        match number {
            Number::Constant(number) => Some(*number),
            Number::Slot(slot) => match &self.slots[*slot as usize] {
                Known::Is(value) => Some(value.as_ref().map_or(0, Value::number)),
                Known::Open => None,
            },
            Number::Macro(_) => None,
        }
    }

    /// Whether nothing follows a rule's match but assignments that are known, of what nobody has looked at, or a skip.
    fn is_quiet(&self, rule: &Rule) -> bool {
        let link = &rule.links[0];
        let free = |assign: &Assign| match (&assign.to, &assign.change) {
            (To::Named(..), _) | (_, Change::Set(Text::Macro(_))) => false,
            (To::Slot(slot), change) => {
                let known = |slot: u32| self.slots[slot as usize] != Known::Open;
                let source = match change {
                    Change::Set(Text::Slot(from)) => known(*from),
                    Change::Add(number, _) => known(*slot) && self.number(number).is_some(),
                    _ => true,
                };
                source && !self.read[*slot as usize]
            }
        };
        let skips_only = rule.skip_to.is_none() || link.assignments.is_empty();
        rule.effect == Effect::Pass
            && !rule.log
            && !link.capture
            && link.controls.is_empty()
            && skips_only
            && link.assignments.iter().all(free)
    }

    fn assign(&mut self, assign: &Assign, begin: &mut [Option<Value>]) {
        let To::Slot(slot) = assign.to else { return };
        let old = |slot: u32| match &self.slots[slot as usize] {
            Known::Is(value) => value.clone(),
            Known::Open => None,
        };
        let value = match &assign.change {
            Change::Unset | Change::Set(Text::Macro(_)) => None,
            Change::Set(Text::Constant(text)) => Some(Value::Text(text.clone())),
            Change::Set(Text::Slot(from)) => Some(old(*from).unwrap_or(Value::Text(bytes::Bytes::new()))),
            Change::Add(number, sign) => {
                let by = self.number(number).unwrap_or_default().saturating_mul(*sign);
                Some(Value::Number(old(slot).as_ref().map_or(0, Value::number).saturating_add(by)))
            }
        };
        begin[slot as usize].clone_from(&value);
        self.slots[slot as usize] = Known::Is(value);
    }

    /// Takes note of what a rule that stays looks at, and of what it may assign.
    fn stays(&mut self, rule: &Rule) {
        rule.message.iter().chain(&rule.data).for_each(|text| self.reads(text));
        for link in &rule.links {
            for read in &link.reads {
                match read {
                    Read::Slot(slot) | Read::CountSlot(slot) => self.read[*slot as usize] = true,
                    Read::Volatile(choice, _) | Read::Count(choice) | Read::Group(choice) => {
                        let variable = match read {
                            Read::Group(group) => self.plan.groups[*group as usize].0,
                            _ => *choice,
                        };
                        self.reads_all(self.plan.choices[variable as usize].variable);
                    }
                }
            }
            match &link.check {
                Check::Filled(text, _) | Check::Like(_, Text::Macro(text)) | Check::Number(_, Number::Macro(text)) => {
                    self.reads(text);
                }
                Check::Like(_, Text::Slot(slot)) | Check::Number(_, Number::Slot(slot)) => {
                    self.read[*slot as usize] = true;
                }
                _ => {}
            }
            if link.capture {
                // `TX:0` to `TX:9` are the first slots of every plan.
                self.slots.iter_mut().take(10).for_each(|slot| *slot = Known::Open);
            }
            link.assignments.iter().for_each(|assign| self.may_assign(assign));
            self.removed.extend(link.controls.iter().filter_map(|control| match control {
                Ctl::Remove(meant) => Some(*meant),
                _ => None,
            }));
        }
    }

    fn may_assign(&mut self, assign: &Assign) {
        match &assign.change {
            Change::Set(Text::Slot(slot)) | Change::Add(Number::Slot(slot), _) => self.read[*slot as usize] = true,
            Change::Set(Text::Macro(text)) | Change::Add(Number::Macro(text), _) => self.reads(text),
            _ => {}
        }
        match &assign.to {
            To::Slot(slot) => {
                // What it grows by is added to what is there.
                self.read[*slot as usize] = true;
                self.slots[*slot as usize] = Known::Open;
            }
            To::Named(collection, name) => {
                self.reads(name);
                let slots = self.slots.iter_mut().zip(&mut self.read).zip(&self.plan.slots);
                let meant = |variable: &Variable, slot: &[u8]| variable == collection && may_be(name, slot);
                for ((slot, read), _) in slots.filter(|(_, (variable, slot))| meant(variable, slot)) {
                    (*slot, *read) = (Known::Open, true);
                }
            }
        }
    }

    fn reads(&mut self, text: &Macro) {
        for part in &text.0 {
            match part {
                Part::Variable(variable, Some(name)) => {
                    if let Some(slot) = self.plan.slot(*variable, name) {
                        self.read[slot as usize] = true;
                    }
                }
                Part::Variable(variable, None) => self.reads_all(*variable),
                Part::Text(_) => {}
            }
        }
    }

    fn reads_all(&mut self, collection: Variable) {
        let slots = self.read.iter_mut().zip(&self.plan.slots);
        slots.filter(|(_, (variable, _))| *variable == collection).for_each(|(read, _)| *read = true);
    }
}

/// Whether a text with variables in it may be `name`, which is in lower case: it begins and ends as it must.
fn may_be(text: &Macro, name: &[u8]) -> bool {
    let fixed = |part: Option<&Part>| match part {
        Some(Part::Text(text)) => text.to_ascii_lowercase(),
        _ => Vec::new(),
    };
    let rest = name.strip_prefix(fixed(text.0.first()).as_slice());
    rest.is_some_and(|rest| text.0.len() == 1 || rest.ends_with(&fixed(text.0.last())))
}

#[cfg(test)]
mod tests {
    use crate::shield::{parse, plan, rule::Document, source::Source};

    /// The numbers of the rules of each phase that are still asked, and what members of `TX` hold when a request begins.
    fn settled(text: &str) -> (Vec<u32>, Vec<(String, i64)>) {
        let mut document = Document::default();
        let source = Source { name: "test".into(), folder: None, text: text.to_owned() };
        parse::read(&source, &mut document).expect("read");
        let plan = plan::compile(document).expect("compiled");
        let asked = plan.phases.iter().flatten().map(|step| plan.rules[step.rule as usize].id).collect();
        let holds = plan.slots.iter().zip(&plan.begin).filter_map(|((_, name), value)| {
            Some((String::from_utf8_lossy(name).into_owned(), value.as_ref()?.number()))
        });
        (asked, holds.collect())
    }

    fn tx(name: &str, number: i64) -> (String, i64) {
        (name.to_owned(), number)
    }

    const SET_UP: &str = "SecAction \"id:1,phase:1,nolog,pass,setvar:tx.level=1\"\n\
        SecRule &TX:level \"@eq 0\" \"id:2,phase:1,nolog,pass,setvar:tx.level=4\"\n\
        SecRule &TX:limit \"@eq 0\" \"id:3,phase:1,nolog,pass,setvar:tx.limit=5\"\n";

    #[test]
    fn a_set_up_is_there_when_a_request_begins() {
        assert_eq!(settled(SET_UP), (vec![], vec![tx("level", 1), tx("limit", 5)]));
        let (asked, holds) = settled(&format!(
            "{SET_UP}SecRule TX:level \"@lt 2\" \"id:4,phase:2,nolog,pass,skipAfter:END\"\n\
             SecRule ARGS \"@rx a\" \"id:5,phase:2,deny\"\nSecRule ARGS \"@rx b\" \"id:6,phase:1,deny\"\n\
             SecMarker END\nSecRule ARGS \"@rx c\" \"id:7,phase:2,deny\"\n"
        ));
        assert_eq!((asked, holds), (vec![6, 7], vec![tx("level", 1), tx("limit", 5)]));
    }

    /// Whatever a request may change is asked as it was written.
    #[test]
    fn what_a_request_may_change_stays() {
        let stays = |first: &str| {
            let skip = "SecRule TX:level \"@lt 2\" \"id:8,phase:1,nolog,pass,skipAfter:END,tag:T\"\n\
                SecRule ARGS \"@rx a\" \"id:9,phase:1,deny\"\nSecMarker END\n";
            settled(&format!("{SET_UP}{first}\n{skip}")).0
        };
        assert_eq!(stays(""), [0_u32; 0]);
        // It may assign what is looked at: by name, or by a name that is put together; another name is none of that.
        assert_eq!(stays("SecRule ARGS \"@rx b\" \"id:7,phase:1,pass,setvar:tx.level=3\""), [7, 8, 9]);
        assert_eq!(stays("SecRule ARGS \"@rx b\" \"id:7,phase:1,pass,setvar:tx.le%{MATCHED_VAR}=3\""), [7, 8, 9]);
        assert_eq!(stays("SecRule ARGS \"@rx b\" \"id:7,phase:1,pass,setvar:tx.a%{MATCHED_VAR}=3\""), [7]);
        // It may take out the skip alone; or all of it.
        assert_eq!(stays("SecRule ARGS \"@rx b\" \"id:7,phase:1,pass,ctl:ruleRemoveById=8\""), [7, 8, 9]);
        assert_eq!(stays("SecRule ARGS \"@rx b\" \"id:7,phase:1,pass,ctl:ruleRemoveById=8-9\""), [7]);
        // It may be heard of, or skip to what would be skipped.
        assert_eq!(stays("SecRule TX:level \"@eq 1\" \"id:7,phase:1,pass,log\""), [7]);
        let into = "SecRule ARGS \"@rx b\" \"id:7,phase:1,pass,skip:1\"";
        assert_eq!(stays(into), [7, 8, 9]);
    }

    #[test]
    fn what_is_looked_at_before_is_assigned_when_it_was_written() {
        let (asked, holds) = settled(
            "SecRule TX:late \"@eq 1\" \"id:1,phase:1,nolog,pass,setvar:tx.seen=1\"\n\
             SecRule ARGS \"%{tx.later}\" \"id:2,phase:1,nolog,pass\"\n\
             SecAction \"id:3,phase:1,nolog,pass,setvar:tx.late=1\"\nSecAction \"id:4,phase:1,nolog,pass,setvar:tx.later=1\"\n\
             SecAction \"id:5,phase:1,nolog,pass,setvar:tx.late=+1\"\n\
             SecRule ARGS \"@rx a\" \"id:6,phase:1,nolog,allow:phase\"\nSecAction \"id:7,phase:1,nolog,pass,setvar:tx.shadow=1\"\n",
        );
        // The first can't match: nothing is there yet. The fourth is looked at by the second, and the last may not be reached.
        assert_eq!((asked, holds), (vec![2, 4, 6, 7], vec![tx("late", 2)]));
    }
}
