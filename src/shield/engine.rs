//! Asking rules: a phase at a time, in the order in which they were written.

mod hit;
mod link;

use std::{sync::Arc, time::Instant};

use super::{
    decision::KEPT,
    plan::{
        Effect, Plan, Rule,
        gate::{Gate, Step},
    },
    rule::{Engine, Phase, Scope},
    transaction::{Exceeded, Finding, Refused, Transaction},
};

/// So many bytes are looked at between looks at the clock; a text counts for some more than it has.
const CLOCKED: usize = 16 << 10;
const UNIT: usize = 64;

impl Transaction {
    /// Asks the rules of a phase. What they want is in [`Transaction::refused`].
    pub fn ask(&mut self, phase: Phase) {
        if !self.goes_on(phase) || (self.stops() && phase != Phase::Logging) {
            return;
        }
        let plan = Arc::clone(&self.plan);
        let begun = Instant::now();
        self.state.forget();
        self.rules(&plan, phase, begun);
        self.spent += begun.elapsed();
    }

    /// Whether a rule has refused it already.
    fn stops(&self) -> bool {
        self.refused.is_some() && self.state.engine == Engine::On
    }

    /// Whether rules have taken too long, now that they have looked at so many bytes more. A look at the clock costs as much as a short text.
    pub(super) fn is_late(&mut self, begun: Instant, bytes: usize) -> bool {
        self.unclocked += bytes + UNIT;
        if self.unclocked < CLOCKED {
            return false;
        }
        self.unclocked = 0;
        let late = self.spent + begun.elapsed() > self.limits.time;
        if late {
            self.exceeded.get_or_insert(Exceeded::Time);
        }
        late
    }

    fn rules(&mut self, plan: &Plan, phase: Phase, begun: Instant) {
        let list = &plan.phases[phase.index()];
        let mut at = 0;
        while let Some(Step { rule: number, gate }) = list.get(at) {
            at += 1;
            if !self.passes(plan, *gate, phase) {
                continue;
            }
            let rule = &plan.rules[*number as usize];
            if self.state.is_removed(*number) || !self.matches(plan, *number, rule, phase, begun) {
                if self.exceeded == Some(Exceeded::Time) {
                    return;
                }
                continue;
            }
            if rule.log {
                self.find(plan, *number);
            }
            match rule.effect {
                Effect::Pass => {}
                Effect::Deny(status) => {
                    self.refused.get_or_insert(Refused { status, rule: *number });
                    if self.state.engine == Engine::On {
                        return;
                    }
                }
                Effect::Allow(scope) => {
                    self.state.allowed = Some(scope);
                    if scope != Scope::Request || phase <= Phase::RequestBody {
                        return;
                    }
                }
            }
            if self.state.engine == Engine::Off {
                return;
            }
            if let Some(to) = rule.skip_to {
                at = to as usize;
            }
        }
    }

    /// Whether a rule behind this gate may match.
    fn passes(&mut self, plan: &Plan, gate: Gate, phase: Phase) -> bool {
        match gate {
            Gate::Open => true,
            Gate::Slot(slot, compared) => self.state.slot(slot).is_some_and(|value| compared.holds(value.number())),
            Gate::There(slot, compared) => compared.holds(self.state.slot(slot).is_some().into()),
            Gate::Holds(view, pattern) => self.may_hold(plan, view, pattern, phase),
        }
    }

    fn matches(&mut self, plan: &Plan, number: u32, rule: &Rule, phase: Phase, begun: Instant) -> bool {
        self.state.hits.iter_mut().for_each(Vec::clear);
        rule.links.iter().all(|link| {
            self.state.hits.swap(0, 1);
            self.state.hits[1].clear();
            self.link(plan, number, link, phase, begun)
        })
    }

    /// Writes down a rule, with what it matched last.
    fn find(&mut self, plan: &Plan, number: u32) {
        let rule = &plan.rules[number as usize];
        let cut = |mut text: Vec<u8>| {
            text.truncate(KEPT);
            text
        };
        let said = [&rule.message, &rule.data]
            .map(|text| text.as_ref().map(|text| cut(self.expand(text))).unwrap_or_default());
        let bytes = |text| cut(self.texts.bytes(text).to_vec());
        let finding = match self.state.last {
            Some(hit) => Finding {
                rule: number,
                variable: Some(hit.variable),
                member: bytes(hit.member.name),
                value: bytes(hit.member.value),
                said,
            },
            None => Finding { rule: number, variable: None, member: Vec::new(), value: Vec::new(), said },
        };
        self.findings.push(finding);
    }
}
