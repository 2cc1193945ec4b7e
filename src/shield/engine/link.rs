//! Asking one link of a rule: whether any of what it looks at is what it looks for.

use std::{ops::Range, time::Instant};

use crate::shield::{
    bank::{has, join},
    injection,
    operator::{self, Likeness},
    pattern::Groups,
    plan::{Check, Link, Number, Plan, Read, Sought, Text as Parameter},
    rule::Phase,
    texts::Text,
    transaction::{
        Transaction, Value,
        state::{Hit, Member, State},
    },
    variable::{Choice, Selector, Variable},
};

/// The bank of a phase's patterns.
const fn bank_of(phase: Phase) -> usize {
    if matches!(phase, Phase::RequestHeaders | Phase::RequestBody) { 0 } else { 1 }
}

impl Transaction {
    /// Whether a link matches; what follows each match has happened.
    pub(super) fn link(&mut self, plan: &Plan, rule: u32, link: &Link, phase: Phase, begun: Instant) -> bool {
        if link.reads.is_empty() {
            self.follow(plan, link, None, None);
            return true;
        }
        if let (Some(view), Check::Sought(pattern)) = (link.view, &link.check)
            && !self.may_hold(plan, view, *pattern, phase)
        {
            return false;
        }
        let mut matched = false;
        let mut before = None;
        for read in &link.reads {
            matched |= match read {
                Read::Group(group) => {
                    let found = self.group(plan, rule, link, *group, before, phase, begun);
                    before = Some(*group);
                    found
                }
                Read::Slot(slot) => self.slot(plan, link, *slot, phase),
                Read::Count(choice) => self.counted(plan, link, *choice, phase),
                Read::CountSlot(slot) => {
                    let (variable, name) = &plan.slots[*slot as usize];
                    let count = i64::from(self.state.slot(*slot).is_some());
                    self.count_is(plan, link, (*variable, name), count, phase)
                }
                Read::Volatile(choice, chain) => self.volatile(plan, rule, link, *choice, *chain, phase),
            };
            if self.exceeded == Some(crate::shield::transaction::Exceeded::Time) {
                return false;
            }
        }
        matched
    }

    /// Members that stay as they are. `before` is the group that was looked at before: with the same members, it went through a shorter chain,
    /// and what came out the same was looked at already.
    #[expect(clippy::too_many_arguments, reason = "the innermost loop: nothing of it is worth a struct")]
    fn group(
        &mut self,
        plan: &Plan,
        rule: u32,
        link: &Link,
        at: u32,
        before: Option<u32>,
        phase: Phase,
        begun: Instant,
    ) -> bool {
        let range = self.state.gathered.range(at).unwrap_or_else(|| self.gather(plan, at));
        if let (Check::Sought(pattern), false) = (&link.check, link.negated)
            && !self.group_may_hold(plan, at, *pattern, phase)
        {
            return false;
        }
        let mut matched = false;
        let choice = plan.groups[at as usize].0;
        let variable = plan.choices[choice as usize].variable;
        let before = before.filter(|before| plan.groups[*before as usize].0 == choice);
        let before = before.and_then(|before| self.state.gathered.range(before));
        for (place, index) in range.enumerate() {
            let item = self.state.gathered.item(index);
            let seen = before.as_ref().map(|before| self.state.gathered.item(before.start + place));
            if seen.is_some_and(|seen| seen.value == item.value)
                || self.is_excluded(plan, rule, link, variable, item.name)
            {
                continue;
            }
            if let Check::Sought(pattern) = &link.check
                && !link.negated
                && !self.texts.may_match(item.value, &plan.banks[bank_of(phase)], bank_of(phase), *pattern)
            {
                continue;
            }
            if let Some(groups) = self.holds(plan, link, item.value, phase) {
                matched = true;
                self.follow(plan, link, Some(Hit { variable, member: item }), Some(&groups));
            }
            if self.is_late(begun, self.texts.bytes(item.value).len()) {
                break;
            }
        }
        matched
    }

    /// What a group's choice and chain make of what is there.
    fn gather(&mut self, plan: &Plan, at: u32) -> Range<usize> {
        let (number, chain) = plan.groups[at as usize];
        let (base, choice, chain) =
            (plan.bases[number as usize], &plan.choices[number as usize], &plan.chains[chain as usize]);
        if base != at {
            let range = self.state.gathered.range(base).unwrap_or_else(|| self.gather(plan, base));
            let (gathered, texts) = (&mut self.state.gathered, &mut self.texts);
            // Mostly a chain leaves all as it is.
            if range.is_empty() || !chain.touches(gathered.present(base)) {
                return gathered.alias(at, base);
            }
            return gathered.keep_changed(at, range, |text| {
                let text = texts.through(text, chain);
                (text, *texts.present(text))
            });
        }
        let State { gathered, members, .. } = &mut self.state;
        let texts = &self.texts;
        let chosen = |member: &Member| {
            choice.selector.as_ref().is_none_or(|selector| selector.chooses(texts.bytes(member.name)))
        };
        let items = members.of(choice.variable).filter(chosen);
        gathered.keep(at, items.map(|item| (item, *texts.present(item.value))))
    }

    /// Whether any of a view may match a pattern.
    pub(super) fn may_hold(&mut self, plan: &Plan, view: u32, pattern: u32, phase: Phase) -> bool {
        let (which, groups) = (bank_of(phase), &plan.views[view as usize]);
        let bank = &plan.banks[which];
        if self.state.gathered.present_in_view(view).is_none() {
            for group in groups {
                self.gathered(plan, *group);
            }
            self.state.gathered.keep_view(view, groups);
        }
        let gathered = &self.state.gathered;
        if !gathered.present_in_view(view).is_some_and(|present| bank.allows(pattern, present)) {
            return false;
        }
        if let Some(mask) = gathered.mask_of_view(view, bank.words()) {
            return has(mask, pattern);
        }
        for group in groups {
            self.mask_group(plan, *group, phase);
        }
        let gathered = &mut self.state.gathered;
        gathered.mask_view(view, groups, bank.words());
        gathered.mask_of_view(view, bank.words()).is_some_and(|mask| has(mask, pattern))
    }

    /// Whether any of a group that was gathered may match a pattern.
    fn group_may_hold(&mut self, plan: &Plan, group: u32, pattern: u32, phase: Phase) -> bool {
        let bank = &plan.banks[bank_of(phase)];
        if !bank.allows(pattern, self.state.gathered.present(group)) {
            return false;
        }
        self.mask_group(plan, group, phase);
        self.state.gathered.mask(group, bank.words()).is_some_and(|mask| has(mask, pattern))
    }

    fn gathered(&mut self, plan: &Plan, group: u32) {
        if self.state.gathered.range(group).is_none() {
            self.gather(plan, group);
        }
    }

    fn mask_group(&mut self, plan: &Plan, group: u32, phase: Phase) {
        let which = bank_of(phase);
        let (bank, texts) = (&plan.banks[which], &mut self.texts);
        if self.state.gathered.mask(group, bank.words()).is_none() {
            self.state.gathered.mask_group(group, bank.words(), |text, mask| join(mask, texts.mask(text, bank, which)));
        }
    }

    fn is_excluded(&self, plan: &Plan, rule: u32, link: &Link, variable: Variable, name: Text) -> bool {
        if link.excluded.is_empty() && self.state.removed_targets.is_empty() {
            return false;
        }
        let name = self.texts.bytes(name);
        let removed = || {
            let mut removed = self.state.removed_targets.iter();
            removed.any(|(meant, choice)| has(&plan.meant[*meant as usize], rule) && choice.covers(variable, name))
        };
        link.excluded.iter().any(|choice| choice.covers(variable, name)) || removed()
    }

    /// A member of `TX` that is looked at as it is: mostly numbers, compared without making a text of them.
    fn slot(&mut self, plan: &Plan, link: &Link, slot: u32, phase: Phase) -> bool {
        let Some(value) = self.state.slot(slot) else { return false };
        if let Check::Number(order, parameter) = &link.check {
            let number = value.number();
            if order.holds(number, self.number_of(parameter)) == link.negated {
                return false;
            }
        }
        let mut text = Vec::new();
        value.write(&mut text);
        let (variable, name) = &plan.slots[slot as usize];
        let member = Member { name: self.texts.push(name), value: self.texts.push(&text) };
        self.check_one(plan, link, *variable, member, phase)
    }

    fn check_one(&mut self, plan: &Plan, link: &Link, variable: Variable, member: Member, phase: Phase) -> bool {
        let Some(groups) = self.holds(plan, link, member.value, phase) else { return false };
        self.follow(plan, link, Some(Hit { variable, member }), Some(&groups));
        true
    }

    fn counted(&mut self, plan: &Plan, link: &Link, choice: u32, phase: Phase) -> bool {
        let choice = &plan.choices[choice as usize];
        let chosen = |name: &[u8]| choice.selector.as_ref().is_none_or(|selector| selector.chooses(name));
        let kept = self.state.all_kept(plan, choice.variable).filter(|(name, _)| chosen(name)).count();
        let count = kept + self.state.members.of(choice.variable).filter(|m| chosen(self.texts.bytes(m.name))).count();
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        let name = match &choice.selector {
            Some(Selector::Name(name)) => name.as_slice(),
            _ => b"",
        };
        self.count_is(plan, link, (choice.variable, name), count, phase)
    }

    fn count_is(
        &mut self,
        plan: &Plan,
        link: &Link,
        (variable, name): (Variable, &[u8]),
        count: i64,
        phase: Phase,
    ) -> bool {
        if let Check::Number(order, parameter) = &link.check
            && order.holds(count, self.number_of(parameter)) == link.negated
        {
            return false;
        }
        let count = itoa::Buffer::new().format(count).as_bytes().to_vec();
        let member = Member { name: self.texts.push(name), value: self.texts.push(&count) };
        self.check_one(plan, link, variable, member, phase)
    }

    /// What rules change themselves: looked at anew each time.
    fn volatile(&mut self, plan: &Plan, rule: u32, link: &Link, choice: u32, chain: u32, phase: Phase) -> bool {
        let (choice, chain) = (&plan.choices[choice as usize], &plan.chains[chain as usize]);
        let mut matched = false;
        for (variable, name, value) in self.now(plan, choice) {
            let name = self.texts.push(&name);
            if self.is_excluded(plan, rule, link, variable, name) {
                continue;
            }
            let value = self.texts.push(&value);
            let value = self.texts.through(value, chain);
            matched |= self.check_one(plan, link, variable, Member { name, value }, phase);
        }
        matched
    }

    /// What is chosen of what rules change, as it is now.
    fn now(&self, plan: &Plan, choice: &Choice) -> Vec<(Variable, Vec<u8>, Vec<u8>)> {
        let chosen = |name: &[u8]| choice.selector.as_ref().is_none_or(|selector| selector.chooses(name));
        let bytes = |text| self.texts.bytes(text).to_vec();
        let variable = choice.variable;
        let matches = || self.state.hits[0].iter().map(|hit| (self.label(hit), hit)).filter(|(label, _)| chosen(label));
        match variable {
            Variable::MatchedVar | Variable::MatchedVarName => {
                let hit = self.state.last;
                let value = |hit: &Hit| {
                    if variable == Variable::MatchedVar { bytes(hit.member.value) } else { self.label(hit) }
                };
                hit.iter().map(|hit| (variable, Vec::new(), value(hit))).collect()
            }
            Variable::MatchedVars => matches().map(|(label, hit)| (variable, label, bytes(hit.member.value))).collect(),
            Variable::MatchedVarsNames => matches().map(|(label, _)| (variable, label.clone(), label)).collect(),
            Variable::HighestSeverity => {
                let severity = self.severity().map_or(255, |severity| severity as i64);
                vec![(variable, Vec::new(), severity.to_string().into_bytes())]
            }
            kept => {
                let text = |value: &Value| {
                    let mut text = Vec::new();
                    value.write(&mut text);
                    text
                };
                let one = |(name, value): (&[u8], &Value)| (kept, name.to_vec(), text(value));
                match &choice.selector {
                    Some(Selector::Name(name)) => {
                        self.state.kept(plan, kept, name).map(|value| one((name, value))).into_iter().collect()
                    }
                    _ => self.state.all_kept(plan, kept).filter(|(name, _)| chosen(name)).map(one).collect(),
                }
            }
        }
    }

    pub(super) fn number_of(&self, number: &Number) -> i64 {
        match number {
            Number::Constant(number) => *number,
            Number::Slot(slot) => self.state.slot(*slot).map_or(0, Value::number),
            Number::Macro(text) => operator::number(&self.expand(text)),
        }
    }

    /// Whether a text is what a link looks for; with what its groups hold. Negated links have none.
    fn holds(&mut self, plan: &Plan, link: &Link, text: Text, phase: Phase) -> Option<Groups> {
        let mut groups = Groups::default();
        let found = match &link.check {
            Check::Always => true,
            Check::Never => false,
            Check::Sought(pattern) => {
                let which = bank_of(phase);
                if !self.texts.may_match(text, &plan.banks[which], which, *pattern) {
                    false
                } else if link.capture && !link.negated {
                    match self.captured(plan, *pattern, text) {
                        Some(captured) => {
                            groups = captured;
                            true
                        }
                        None => false,
                    }
                } else {
                    match &plan.patterns[*pattern as usize] {
                        Sought::Pattern(pattern) => pattern.is_match(self.texts.bytes(text)),
                        Sought::Phrases(_) => true,
                    }
                }
            }
            Check::Filled(pattern, unfilled) => {
                let found = unfilled.groups(self.expand(pattern), self.texts.bytes(text));
                groups = found.unwrap_or_default();
                found.is_some()
            }
            Check::Like(likeness, parameter) => self.is_like(*likeness, text, parameter),
            Check::Number(order, parameter) => {
                order.holds(operator::number(self.texts.bytes(text)), self.number_of(parameter))
            }
            Check::Addresses(networks) => {
                let address = std::str::from_utf8(self.texts.bytes(text)).ok().and_then(|t| t.trim().parse().ok());
                address.is_some_and(|address: std::net::IpAddr| {
                    let address = address.to_canonical();
                    networks.iter().any(|network| network.contains(&address))
                })
            }
            Check::ByteOutside(allowed) => !allowed.has_all(self.texts.present(text)),
            Check::BadUrlEncoding => operator::bad_url_encoding(self.texts.bytes(text)),
            Check::BadUtf8 => std::str::from_utf8(self.texts.bytes(text)).is_err(),
            Check::Sqli => {
                let bytes = self.texts.bytes(text);
                groups[0] = Some((0, bytes.len()));
                injection::is_sql(bytes, self.texts.present(text))
            }
            Check::Xss => injection::is_script(self.texts.bytes(text), self.texts.present(text)),
        };
        (found != link.negated).then_some(groups)
    }

    fn captured(&self, plan: &Plan, pattern: u32, text: Text) -> Option<Groups> {
        let bytes = self.texts.bytes(text);
        match &plan.patterns[pattern as usize] {
            Sought::Pattern(pattern) => pattern.groups(bytes),
            Sought::Phrases(phrases) => {
                // The bank says that there is one: which one is seldom asked.
                let lower = bytes.to_ascii_lowercase();
                let at = phrases.iter().filter_map(|p| Some((memchr::memmem::find(&lower, p)?, p.len()))).min()?;
                let mut groups = Groups::default();
                groups[0] = Some((at.0, at.0 + at.1));
                Some(groups)
            }
        }
    }

    fn is_like(&self, likeness: Likeness, text: Text, parameter: &Parameter) -> bool {
        let bytes = self.texts.bytes(text);
        match parameter {
            Parameter::Constant(constant) => likeness.holds(bytes, constant),
            Parameter::Slot(slot) => match self.state.slot(*slot) {
                Some(Value::Text(value)) => likeness.holds(bytes, value),
                Some(Value::Number(number)) => likeness.holds(bytes, itoa::Buffer::new().format(*number).as_bytes()),
                None => likeness.holds(bytes, b""),
            },
            Parameter::Macro(text) => likeness.holds(bytes, &self.expand(text)),
        }
    }
}
