//! What follows a match: groups kept, assignments, `ctl`; and texts with variables in them.

use bytes::Bytes;

use crate::shield::{
    pattern::Groups,
    plan::{Assign, Change, Ctl, Link, Plan, Text as Parameter, To},
    rule::{Control, Macro, Part},
    transaction::{Transaction, Value, state::Hit},
    variable::Variable,
};

impl Transaction {
    /// Does what a link says of a match.
    pub(super) fn follow(&mut self, plan: &Plan, link: &Link, hit: Option<Hit>, groups: Option<&Groups>) {
        if let Some(hit) = hit {
            self.state.last = Some(hit);
            self.state.hits[1].push(hit);
            if let Some(groups) = groups.filter(|_| link.capture) {
                self.capture(hit, groups);
            }
        }
        link.assignments.iter().for_each(|assign| self.assign(plan, assign));
        link.controls.iter().for_each(|control| self.control(plan, control));
    }

    /// `TX:0` to `TX:9`: the first slots of every plan.
    fn capture(&mut self, hit: Hit, groups: &Groups) {
        for (group, slot) in groups.iter().zip(0u32..) {
            let bytes = self.texts.bytes(hit.member.value);
            let value = group.and_then(|(start, end)| bytes.get(start..end)).map(Bytes::copy_from_slice);
            self.state.set_slot(slot, value.map(Value::Text));
        }
    }

    fn assign(&mut self, plan: &Plan, assign: &Assign) {
        let named = match &assign.to {
            To::Slot(_) => None,
            To::Named(collection, name) => Some((*collection, self.expand(name).to_ascii_lowercase())),
        };
        let value = match &assign.change {
            Change::Unset => None,
            Change::Set(Parameter::Constant(text)) => Some(Value::Text(text.clone())),
            Change::Set(Parameter::Slot(slot)) => {
                Some(self.state.slot(*slot).cloned().unwrap_or(Value::Text(Bytes::new())))
            }
            Change::Set(Parameter::Macro(text)) => Some(Value::Text(self.expand(text).into())),
            Change::Add(number, sign) => {
                let old = match (&assign.to, &named) {
                    (To::Slot(slot), _) => self.state.slot(*slot),
                    (_, Some((collection, name))) => self.state.kept(plan, *collection, name),
                    (_, None) => None,
                };
                let (old, by) = (old.map_or(0, Value::number), self.number_of(number));
                Some(Value::Number(old.saturating_add(by.saturating_mul(*sign))))
            }
        };
        match (&assign.to, named) {
            (To::Slot(slot), _) => self.state.set_slot(*slot, value),
            (_, Some((collection, name))) => self.state.assign(plan, collection, &name, value),
            (_, None) => {}
        }
    }

    fn control(&mut self, plan: &Plan, control: &Ctl) {
        match control {
            Ctl::Engine(engine) => {
                // A rule may take back what a route asks for, and not add to it.
                self.state.engine = self.state.engine.max(*engine);
            }
            Ctl::Body(Control::BodyProcessor(processor)) => self.state.processor = Some(*processor),
            Ctl::Body(Control::ForceBodyVariable(on)) => self.state.whole_body = *on,
            Ctl::Body(Control::BodyAccess { response, on }) => self.state.body_access[usize::from(*response)] = *on,
            Ctl::Body(_) => {}
            Ctl::Remove(meant) => self.state.remove(&plan.meant[*meant as usize]),
            Ctl::RemoveTarget(meant, choice) => self.state.removed_targets.push((*meant, choice.clone())),
        }
    }

    /// Puts a text together.
    pub(super) fn expand(&self, text: &Macro) -> Vec<u8> {
        let mut out = Vec::new();
        for part in &text.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Variable(variable, name) => self.write(*variable, name.as_deref(), &mut out),
            }
        }
        out
    }

    fn write(&self, variable: Variable, name: Option<&[u8]>, out: &mut Vec<u8>) {
        match (variable, name) {
            (Variable::MatchedVar, _) => {
                if let Some(hit) = self.state.last {
                    out.extend_from_slice(self.texts.bytes(hit.member.value));
                }
            }
            (Variable::MatchedVarName, _) => {
                if let Some(hit) = self.state.last {
                    out.extend(self.label(&hit));
                }
            }
            (variable, name) => {
                if let Some(value) = name.and_then(|name| self.state.kept(&self.plan, variable, name)) {
                    value.write(out);
                    return;
                }
                let mut members = self.state.members.of(variable);
                let is = |text| name.is_none_or(|name| name.eq_ignore_ascii_case(self.texts.bytes(text)));
                if let Some(member) = members.find(|member| is(member.name)) {
                    out.extend_from_slice(self.texts.bytes(member.value));
                }
            }
        }
    }

    /// `ARGS:name`.
    pub(super) fn label(&self, hit: &Hit) -> Vec<u8> {
        let name = self.texts.bytes(hit.member.name);
        let mut label = hit.variable.name().as_bytes().to_vec();
        if hit.variable.is_collection() && !name.is_empty() {
            label.push(b':');
            label.extend_from_slice(name);
        }
        label
    }
}
