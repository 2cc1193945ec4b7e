//! From rules as they were written to a plan.

use std::collections::HashMap;

use super::{
    Assign, Change, Check, Ctl, Effect, Link, Number, Plan, Read, Rule, Sought, Text, To,
    gate::{Step, gate},
    settle::settle,
    update::{self, Chain},
};
use crate::shield::{
    bank::Bank,
    literal::Need,
    operator::{Operator, number},
    pattern::Unfilled,
    rule::{self, Actions, Control, Directive, Document, Macro, Meant, Part, Phase, Written},
    source::{Fault, Place},
    texts,
    transaction::spare::Spare,
    variable::{Choice, Selector, Target, Variable},
};

/// What holds for rules of a phase that say nothing else.
type Defaults = [Actions; 5];

/// Rules as they stand before they are compiled.
#[derive(Default)]
struct Gathered {
    chains: Vec<Chain>,
    /// Names, and how many rules come before each.
    markers: Vec<(String, usize)>,
    changes: Vec<Directive>,
    notices: Vec<(Place, String)>,
}

/// Compiles rules.
///
/// # Errors
/// At the first rule that can't be meant so.
pub fn compile(document: Document) -> Result<Plan, Fault> {
    let mut gathered = gather(document)?;
    for change in std::mem::take(&mut gathered.changes) {
        let nowhere = Place { file: "exclusions".into(), line: 0 };
        match change {
            Directive::Remove(meant) => {
                update::remove(&mut gathered.chains, &meant).map_err(|why| Fault::new(&nowhere, why))?;
            }
            Directive::UpdateTarget(place, meant, targets) => {
                update::targets(&mut gathered.chains, &meant, &targets).map_err(|why| Fault::new(&place, why))?;
            }
            Directive::UpdateAction(place, id, actions) => {
                update::actions(&mut gathered.chains, &place, id, &actions)?;
            }
            _ => {}
        }
    }
    Compiler::default().compile(gathered)
}

/// Links joined to chains, with the defaults that held where each was written.
fn gather(document: Document) -> Result<Gathered, Fault> {
    let mut gathered = Gathered::default();
    let mut defaults = Defaults::default();
    let mut open = false;
    let mut seen: HashMap<u32, Place> = HashMap::new();
    for directive in document.directives {
        match directive {
            Directive::Rule(written) => {
                let goes_on = written.actions.chain;
                if open {
                    if let Some(chain) = gathered.chains.last_mut() {
                        chain.links.push(*written);
                    }
                } else {
                    let head = begin(*written, &defaults)?;
                    let id = head.actions.id.unwrap_or_default();
                    if let Some(first) = seen.insert(id, head.place.clone()) {
                        return Err(Fault::new(&head.place, format!("rule {id} was written before, at {first}")));
                    }
                    gathered.chains.push(Chain { links: vec![head] });
                }
                open = goes_on;
            }
            Directive::Marker(name) => gathered.markers.push((name, gathered.chains.len())),
            Directive::Default(written) => {
                let phase = written.actions.phase.unwrap_or_default();
                defaults[phase.index()] = written.actions;
            }
            Directive::Set(place, name, why) => {
                gathered.notices.push((place, format!("`{name}` has no effect: {why}")));
            }
            change => gathered.changes.push(change),
        }
    }
    match gathered.chains.last().filter(|_| open) {
        Some(chain) => Err(Fault::new(&chain.links[0].place, "its chain has no end: the last rule says `chain`")),
        None => Ok(gathered),
    }
}

/// The head of a chain, with what its phase's defaults say.
fn begin(mut head: Written, defaults: &Defaults) -> Result<Written, Fault> {
    if head.actions.id.is_none() {
        return Err(Fault::new(&head.place, "a rule needs a number: add `id:N`"));
    }
    let default = &defaults[head.actions.phase.unwrap_or_default().index()];
    let actions = &mut head.actions;
    if matches!(actions.effect, None | Some(rule::Effect::Block)) {
        actions.effect = default.effect.or(Some(rule::Effect::Pass));
        actions.status = actions.status.or(default.status);
    }
    actions.log = actions.log.or(default.log);
    if !actions.bare && !default.transforms.is_empty() {
        let own = std::mem::take(&mut actions.transforms);
        actions.transforms = default.transforms.iter().copied().chain(own).collect();
    }
    Ok(head)
}

#[derive(Default)]
struct Compiler {
    choices: Vec<Choice>,
    chains: Vec<texts::Chain>,
    groups: Vec<(u32, u32)>,
    views: Vec<Vec<u32>>,
    patterns: Vec<Sought>,
    needs: [Vec<Need>; 2],
    numbers: HashMap<String, u32>,
    slots: Vec<(Variable, Vec<u8>)>,
    slot_of: HashMap<Variable, HashMap<Vec<u8>, u32>>,
    meant: Vec<Meant>,
}

/// A number for something that is kept once.
fn once<T: PartialEq>(all: &mut Vec<T>, one: T) -> u32 {
    let at = all.iter().position(|other| *other == one).unwrap_or_else(|| {
        all.push(one);
        all.len() - 1
    });
    short(at)
}

fn short(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Compiler {
    fn compile(mut self, gathered: Gathered) -> Result<Plan, Fault> {
        // What groups of a pattern hold comes first, so that a slot's number is the group's.
        for digit in b'0'..=b'9' {
            self.slot(Variable::Tx, &[digit]);
        }
        let phase_of = |chain: &Chain| chain.links[0].actions.phase.unwrap_or_default();
        let mut phases: [Vec<u32>; 5] = std::array::from_fn(|_| Vec::new());
        for (chain, at) in gathered.chains.iter().zip(0u32..) {
            phases[phase_of(chain).index()].push(at);
        }
        let mut rules = Vec::with_capacity(gathered.chains.len());
        for (at, chain) in gathered.chains.iter().enumerate() {
            let phase = phase_of(chain);
            let skip_to = skip(&gathered, at, &phases[phase.index()])?;
            rules.push(self.rule(chain, phase, skip_to)?);
        }
        let step = |rule: u32| Step { rule, gate: gate(&rules[rule as usize].links[0]) };
        let phases = phases.map(|list| list.into_iter().map(step).collect());
        let nowhere = Place { file: "rules".into(), line: 0 };
        let meant = self.meant.iter().map(|meant| {
            let mut bits = vec![0u64; rules.len().div_ceil(64)];
            for at in update::select(&gathered.chains, meant, true)? {
                bits[at / 64] |= 1 << (at % 64);
            }
            Ok(bits)
        });
        let meant = meant.collect::<Result<_, String>>().map_err(|why| Fault::new(&nowhere, why))?;
        let plain = once(&mut self.chains, texts::Chain::default());
        let bases = (0..short(self.choices.len())).map(|choice| once(&mut self.groups, (choice, plain))).collect();
        let [requests, answers] = &self.needs;
        let mut plan = Plan {
            rules,
            phases,
            banks: [Bank::new(requests), Bank::new(answers)],
            choices: self.choices,
            chains: self.chains,
            bases,
            groups: self.groups,
            views: self.views,
            patterns: self.patterns,
            slots: self.slots,
            slot_of: self.slot_of,
            meant,
            begin: Vec::new(),
            spare: Spare::default(),
            notices: gathered.notices,
        };
        settle(&mut plan);
        Ok(plan)
    }

    fn rule(&mut self, chain: &Chain, phase: Phase, skip_to: Option<u32>) -> Result<Rule, Fault> {
        let head = &chain.links[0];
        let links = chain.links.iter().map(|written| self.link(written, phase)).collect::<Result<_, Fault>>()?;
        let effect = match head.actions.effect.unwrap_or(rule::Effect::Pass) {
            rule::Effect::Pass | rule::Effect::Block => Effect::Pass,
            rule::Effect::Deny => Effect::Deny(head.actions.status.unwrap_or(403)),
            rule::Effect::Allow(scope) => Effect::Allow(scope),
        };
        Ok(Rule {
            id: chain.id(),
            place: head.place.clone(),
            links,
            effect,
            log: head.actions.log.unwrap_or(true),
            message: head.actions.message.clone(),
            data: head.actions.data.clone(),
            severity: head.actions.severity,
            tags: head.actions.tags.clone(),
            skip_to,
        })
    }

    fn link(&mut self, written: &Written, phase: Phase) -> Result<Link, Fault> {
        let actions = &written.actions;
        let (mut reads, mut excluded) = (Vec::new(), Vec::new());
        let (check, negated) = match &written.test {
            Some(test) => {
                for target in &test.targets {
                    if target.excluded {
                        excluded.push(target.choice.clone());
                    } else {
                        self.reads(target, actions, &mut reads);
                    }
                }
                if reads.is_empty() {
                    return Err(Fault::new(
                        &written.place,
                        "the rule looks at nothing: all its variables are taken out",
                    ));
                }
                (self.check(&test.operator, phase), test.negated)
            }
            None => (Check::Always, false),
        };
        let assignments = actions.assignments.iter().map(|assignment| self.assign(assignment)).collect();
        let controls = actions.controls.iter().filter_map(|control| self.control(control)).collect();
        let view = self.view(&reads, &check, negated);
        Ok(Link { reads, view, excluded, check, negated, capture: actions.capture, assignments, controls })
    }

    fn view(&mut self, reads: &[Read], check: &Check, negated: bool) -> Option<u32> {
        let group = |read: &Read| match read {
            Read::Group(group) => Some(*group),
            _ => None,
        };
        let groups = reads.iter().map(group).collect::<Option<Vec<u32>>>();
        let groups = groups.filter(|_| matches!(check, Check::Sought(_)) && !negated)?;
        Some(once(&mut self.views, groups))
    }

    fn reads(&mut self, target: &Target, actions: &Actions, into: &mut Vec<Read>) {
        let choice = &target.choice;
        let number = once(&mut self.choices, choice.clone());
        if target.count {
            into.push(match &choice.selector {
                Some(Selector::Name(name)) if is_kept(choice.variable) => {
                    Read::CountSlot(self.slot(choice.variable, name))
                }
                _ => Read::Count(number),
            });
            return;
        }
        let shortest = if actions.multi_match { 0 } else { actions.transforms.len() };
        for length in shortest..=actions.transforms.len() {
            let chain = once(&mut self.chains, texts::Chain::new(&actions.transforms[..length]));
            into.push(match (choice.variable, &choice.selector) {
                (variable, Some(Selector::Name(name))) if is_kept(variable) && length == 0 => {
                    Read::Slot(self.slot(variable, name))
                }
                (variable, _) if is_kept(variable) || is_of_matches(variable) => Read::Volatile(number, chain),
                _ => Read::Group(once(&mut self.groups, (number, chain))),
            });
        }
    }

    fn check(&mut self, operator: &Operator, phase: Phase) -> Check {
        match operator {
            Operator::Always => Check::Always,
            Operator::Never => Check::Never,
            Operator::Matches(pattern, need) => {
                let sought = || Sought::Pattern(std::sync::Arc::clone(pattern));
                Check::Sought(self.sought(format!("r{}", pattern.text()), need, phase, sought))
            }
            Operator::Phrases(phrases) => {
                let need = Need { literals: Some(phrases.clone()), sets: Vec::new() };
                let key = format!("p{phrases:?}");
                Check::Sought(self.sought(key, &need, phase, || Sought::Phrases(phrases.clone())))
            }
            Operator::MatchesFilled(pattern) => Check::Filled(pattern.clone(), Unfilled::default()),
            Operator::Like(likeness, parameter) => Check::Like(*likeness, self.text(parameter)),
            Operator::Number(order, parameter) => Check::Number(*order, self.number(parameter)),
            Operator::Addresses(networks) => Check::Addresses(networks.clone()),
            Operator::ByteOutside(allowed) => Check::ByteOutside(*allowed),
            Operator::BadUrlEncoding => Check::BadUrlEncoding,
            Operator::BadUtf8 => Check::BadUtf8,
            Operator::Sqli => Check::Sqli,
            Operator::Xss => Check::Xss,
        }
    }

    /// The number of a pattern, which its phase's bank knows from now on.
    fn sought(&mut self, key: String, need: &Need, phase: Phase, sought: impl FnOnce() -> Sought) -> u32 {
        let number = *self.numbers.entry(key).or_insert_with(|| {
            self.patterns.push(sought());
            // A bank that is not asked for a pattern lets nothing pass for it.
            self.needs.iter_mut().for_each(|needs| needs.push(Need { literals: Some(Vec::new()), sets: Vec::new() }));
            short(self.patterns.len() - 1)
        });
        self.needs[usize::from(phase > Phase::RequestBody)][number as usize] = need.clone();
        number
    }

    fn slot(&mut self, variable: Variable, name: &[u8]) -> u32 {
        let name = name.to_ascii_lowercase();
        let slots = &mut self.slots;
        *self.slot_of.entry(variable).or_default().entry(name).or_insert_with_key(|name| {
            slots.push((variable, name.clone()));
            short(slots.len() - 1)
        })
    }

    /// The slot, where a macro is nothing but that.
    fn as_slot(&mut self, text: &Macro) -> Option<u32> {
        match text.0.as_slice() {
            [Part::Variable(variable, Some(name))] if is_kept(*variable) => Some(self.slot(*variable, name)),
            _ => None,
        }
    }

    fn text(&mut self, text: &Macro) -> Text {
        match (text.constant(), self.as_slot(text)) {
            (Some(constant), _) => Text::Constant(bytes::Bytes::copy_from_slice(constant)),
            (None, Some(slot)) => Text::Slot(slot),
            (None, None) => Text::Macro(text.clone()),
        }
    }

    fn number(&mut self, text: &Macro) -> Number {
        match (text.constant(), self.as_slot(text)) {
            (Some(constant), _) => Number::Constant(number(constant)),
            (None, Some(slot)) => Number::Slot(slot),
            (None, None) => Number::Macro(text.clone()),
        }
    }

    fn assign(&mut self, assignment: &rule::Assignment) -> Assign {
        let to = match assignment.name.constant() {
            Some(name) => To::Slot(self.slot(assignment.collection, name)),
            None => To::Named(assignment.collection, assignment.name.clone()),
        };
        let change = match &assignment.change {
            rule::Change::Set(text) => Change::Set(self.text(text)),
            rule::Change::Add(text) => Change::Add(self.number(text), 1),
            rule::Change::Subtract(text) => Change::Add(self.number(text), -1),
            rule::Change::Unset => Change::Unset,
        };
        Assign { to, change }
    }

    fn control(&mut self, control: &Control) -> Option<Ctl> {
        match control {
            Control::Engine(engine) => Some(Ctl::Engine(*engine)),
            Control::Remove(meant) => Some(Ctl::Remove(once(&mut self.meant, meant.clone()))),
            Control::RemoveTarget(meant, choice) => {
                Some(Ctl::RemoveTarget(once(&mut self.meant, meant.clone()), choice.clone()))
            }
            Control::Ignored => None,
            body => Some(Ctl::Body(body.clone())),
        }
    }
}

/// Whether a collection's members are what rules assign.
const fn is_kept(variable: Variable) -> bool {
    use Variable as V;
    matches!(variable, V::Tx | V::Ip | V::Global | V::Session | V::User | V::Resource)
}

/// Whether a variable tells of what matched before.
const fn is_of_matches(variable: Variable) -> bool {
    use Variable as V;
    matches!(
        variable,
        V::MatchedVar | V::MatchedVarName | V::MatchedVars | V::MatchedVarsNames | V::HighestSeverity | V::Rule
    )
}

/// Where a rule skips to in its phase's list.
fn skip(gathered: &Gathered, at: usize, phase: &[u32]) -> Result<Option<u32>, Fault> {
    let chain = &gathered.chains[at];
    let head = &chain.links[0];
    // How many rules of the phase come before the rule of this number in the whole list.
    let before = |end: usize| short(phase.partition_point(|rule| (*rule as usize) < end));
    if let Some(name) = &head.actions.skip_after {
        let marker =
            gathered.markers.iter().find(|(marker, order)| *order > at && marker == name).map(|(_, order)| *order);
        let by_id = || {
            let id: u32 = name.parse().ok()?;
            gathered.chains.iter().skip(at + 1).position(|other| other.id() == id).map(|ahead| at + ahead + 2)
        };
        let end = marker.or_else(by_id);
        let end = end.ok_or_else(|| Fault::new(&head.place, format!("`skipAfter:{name}`: no such marker follows")))?;
        return Ok(Some(before(end)));
    }
    Ok((head.actions.skip > 0).then(|| (before(at) + 1).saturating_add(short(head.actions.skip))))
}
