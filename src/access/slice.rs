//! The policies that can say anything on people of certain roles, and what they say.
//!
//! Types that the policies of a slice can't tell apart are judged once: policies see of a type only whether it is, or is in, one that
//! they name, for types have no attributes. For the same reason each policy is asked no oftener than what it looks at changes.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision as Verdict, Entities, Entity, EntityUid, PolicyId, PolicySet,
    Request, RestrictedExpression,
};

use super::{
    ask::{Action, Ask},
    decision::{Permit, Rule, Why},
    policy::{Policies, Policy, SEE, Sight},
    room::with_room,
    vocabulary::{NONE, Sort, Types},
};
use crate::privacy::Kind;

/// What a context may hold, by the names of the schema.
const CIRCUMSTANCES: [&str; 11] =
    ["purpose", "ticket", "duty", "consent", "pledged", "second_factor", "address", "hour", "weekday", "bulk", "glass"];

/// Policies for one set of roles.
pub(super) struct Slice {
    staff: EntityUid,
    entities: Entities,
    /// On whatever is done, at whatever.
    common: Part,
    actions: Vec<Asked>,
    classes: Vec<Class>,
    policies: HashMap<PolicyId, About>,
    /// Of which circumstances they speak.
    spoken: Vec<&'static str>,
    /// Whether some policy permits anything.
    pub(super) permits: bool,
}

/// Policies that are asked together: those that hold anyway, and those behind the glass. What does not depend on more than is known is asked
/// once, and put together with the rest: a `forbid` wins over every `permit`, wherever both stand.
#[derive(Default)]
struct Part {
    plain: PolicySet,
    glass: PolicySet,
}

/// The policies on one action.
struct Asked {
    uid: EntityUid,
    /// At whatever it is done.
    general: Part,
    /// At some things; of types, their classes have them.
    special: Part,
}

/// Types that are judged alike.
struct Class {
    uid: EntityUid,
    kinds: Vec<usize>,
    /// On whether these are seen.
    special: Part,
}

struct About {
    id: Arc<str>,
    consent: Rule,
}

/// What a part says.
#[derive(Default)]
struct Said {
    permits: Vec<(Arc<str>, Rule)>,
    forbids: Vec<Arc<str>>,
    /// A policy that can't be evaluated.
    broken: Option<Arc<str>>,
}

/// What a part says without the glass, and what is added by breaking it.
#[derive(Default)]
struct Heard {
    plain: Said,
    glass: Said,
}

/// What the policies say of one action at one resource.
struct Judged {
    rule: Rule,
    glass: bool,
    by: Vec<Arc<str>>,
}

impl std::fmt::Debug for Slice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Slice({} policies, {} classes)", self.policies.len(), self.classes.len())
    }
}

impl Slice {
    /// The slice of people who hold `roles`.
    pub(super) fn new(policies: &Policies, types: &Types, roles: &[&str]) -> Self {
        let concerns = |policy: &&Policy| policy.role.as_deref().is_none_or(|role| roles.contains(&role));
        let chosen: Vec<&Policy> = policies.0.iter().filter(concerns).collect();
        let staff = Sort::Staff.uid("somebody");
        let parents: HashSet<EntityUid> = roles.iter().map(|role| Sort::Role.uid(role)).collect();
        let of_type = |kind: &Kind| {
            let groups = types.groups_of(kind).map(|group| Sort::Type.uid(group)).collect();
            Entity::new_no_attrs(Sort::Type.uid(kind.name()), groups)
        };
        let people = Entity::new_no_attrs(staff.clone(), parents);
        let all = types.all().iter().map(of_type).chain([people]);
        // No two are called the same, and none is above itself.
        let entities = Entities::from_entities(all, None).unwrap_or_else(|_| Entities::empty());
        let names = Action::ALL.iter().map(|action| action.name()).chain(["see"]);
        let texts: Vec<String> = chosen.iter().map(|policy| policy.cedar.to_string()).collect();
        let is_spoken_of = |word: &&str| texts.iter().any(|text| text.contains(*word));
        Self {
            common: Part::of(&chosen, |policy| policy.sight == Sight::Nothing),
            actions: names.enumerate().map(|(number, name)| Asked::new(number, name, &chosen)).collect(),
            classes: classes(&chosen, types),
            spoken: CIRCUMSTANCES.into_iter().filter(is_spoken_of).collect(),
            permits: chosen.iter().any(|policy| !policy.is_forbid),
            policies: chosen
                .iter()
                .map(|p| (p.cedar.id().clone(), About { id: Arc::clone(&p.id), consent: p.consent }))
                .collect(),
            staff,
            entities,
        }
    }

    /// Whether the action itself is permitted.
    pub(super) fn lets(&self, ask: &Ask<'_>) -> Result<(), Why> {
        let context = self.context(ask).ok_or(Why::Nothing)?;
        self.done(ask, &context).1.map(|_| ())
    }

    /// What is permitted.
    pub(super) fn permit(&self, ask: &Ask<'_>, purpose: &Arc<str>, types: &Types) -> Result<Permit, Why> {
        let context = self.context(ask).ok_or(Why::Nothing)?;
        let (common, done) = self.done(ask, &context);
        let Judged { rule: mut consent, glass: mut review, mut by } = done?;
        let see = &self.actions[SEE];
        let hear = |part, resource| self.hear(part, &see.uid, resource, &context, ask.glass);
        // A policy of this part sees no resource.
        let general = hear(&see.general, &self.staff);
        let mut seen = Vec::new();
        for class in &self.classes {
            let special = hear(&class.special, &class.uid);
            match judge([&common, &general, &special], ask.glass) {
                Ok(judged) => {
                    consent = consent.max(judged.rule);
                    review |= judged.glass;
                    by.extend(judged.by);
                    seen.extend_from_slice(&class.kinds);
                }
                Err(broken @ Why::Broken(_)) => return Err(broken),
                Err(_) => {}
            }
        }
        seen.sort_unstable();
        by.sort_unstable();
        by.dedup();
        let reveal = seen.into_iter().map(|kind| types.all()[kind].clone()).collect();
        Ok(Permit { purpose: Arc::clone(purpose), reveal, consent, review, policies: by })
    }

    /// What is common, and whether the action itself is permitted.
    fn done(&self, ask: &Ask<'_>, context: &Context) -> (Heard, Result<Judged, Why>) {
        let asked = &self.actions[ask.action as usize];
        let route = Sort::Route.uid(ask.route);
        let hear = |part| self.hear(part, &asked.uid, &route, context, ask.glass);
        let (common, general, special) = (hear(&self.common), hear(&asked.general), hear(&asked.special));
        let judged = judge([&common, &general, &special], ask.glass);
        (common, judged)
    }

    fn hear(&self, part: &Part, action: &EntityUid, resource: &EntityUid, context: &Context, glass: bool) -> Heard {
        let evaluate = |set| self.evaluate(set, action, resource, context);
        Heard { plain: evaluate(&part.plain), glass: if glass { evaluate(&part.glass) } else { Said::default() } }
    }

    fn evaluate(&self, set: &PolicySet, action: &EntityUid, resource: &EntityUid, context: &Context) -> Said {
        let mut said = Said::default();
        if set.is_empty() {
            return said;
        }
        let request = Request::new(self.staff.clone(), action.clone(), resource.clone(), context.clone(), None);
        // Without a schema no request is refused. If one were, a `forbid` of this part must not be passed over.
        let Ok(request) = request else {
            return Said { broken: Some(Arc::from("")), ..said };
        };
        let response = with_room(|| Authorizer::new().is_authorized(&request, set, &self.entities));
        // Cedar passes over a policy that can't be evaluated, a `forbid` as well.
        if let Some(AuthorizationError::PolicyEvaluationError(error)) = response.diagnostics().errors().next() {
            let about = self.policies.get(error.policy_id());
            said.broken = Some(about.map_or_else(|| Arc::from(""), |about| Arc::clone(&about.id)));
        }
        let by = response.diagnostics().reason().filter_map(|id| self.policies.get(id));
        match response.decision() {
            Verdict::Allow => said.permits = by.map(|about| (Arc::clone(&about.id), about.consent)).collect(),
            Verdict::Deny => said.forbids = by.map(|about| Arc::clone(&about.id)).collect(),
        }
        said
    }

    /// The circumstances of which policies speak, as the schema has them. What no policy names, none can see.
    fn context(&self, ask: &Ask<'_>) -> Option<Context> {
        let flag = RestrictedExpression::new_bool;
        let entity =
            |sort: Sort, name: Option<&str>| RestrictedExpression::new_entity_uid(sort.uid(name.unwrap_or(NONE)));
        let value = |name: &str| match name {
            "purpose" => entity(Sort::Purpose, ask.purpose),
            "ticket" => flag(ask.ticket),
            "duty" => entity(Sort::Duty, ask.duty),
            "consent" => flag(ask.consent),
            "pledged" => flag(ask.pledged),
            "second_factor" => flag(ask.second_factor),
            "address" => RestrictedExpression::new_ip(ask.address.to_canonical().to_string()),
            "hour" => RestrictedExpression::new_long(ask.hour.into()),
            "weekday" => RestrictedExpression::new_long(ask.weekday.into()),
            "bulk" => flag(ask.bulk),
            _ => flag(ask.glass),
        };
        Context::from_pairs(self.spoken.iter().map(|name| ((*name).to_owned(), value(name)))).ok()
    }
}

/// Puts together what parts say: without the glass where that will do.
fn judge(parts: [&Heard; 3], glass: bool) -> Result<Judged, Why> {
    match verdict(&parts.map(|heard| &heard.plain)) {
        Err(Why::Nothing) if glass => {
            let [a, b, c] = parts;
            let judged = verdict(&[&a.plain, &b.plain, &c.plain, &a.glass, &b.glass, &c.glass])?;
            Ok(Judged { glass: true, ..judged })
        }
        plain => plain,
    }
}

fn verdict(all: &[&Said]) -> Result<Judged, Why> {
    if let Some(id) = all.iter().find_map(|said| said.broken.clone()) {
        return Err(Why::Broken(id));
    }
    let mut forbids: Vec<Arc<str>> = all.iter().flat_map(|said| said.forbids.iter().cloned()).collect();
    if !forbids.is_empty() {
        forbids.sort_unstable();
        return Err(Why::Forbidden(forbids));
    }
    let permits = || all.iter().flat_map(|said| &said.permits);
    // Any one of them is enough.
    let rule = permits().map(|(_, rule)| *rule).min().ok_or(Why::Nothing)?;
    Ok(Judged { rule, glass: false, by: permits().map(|(id, _)| Arc::clone(id)).collect() })
}

impl Part {
    fn of(chosen: &[&Policy], is_in: impl Fn(&Policy) -> bool) -> Self {
        let set = |glass: bool| {
            let policies = chosen.iter().filter(|policy| policy.glass == glass && is_in(policy));
            // Ids are told apart where policies are read.
            PolicySet::from_policies(policies.map(|policy| policy.cedar.clone())).unwrap_or_default()
        };
        Self { plain: set(false), glass: set(true) }
    }
}

impl Asked {
    fn new(number: usize, name: &str, chosen: &[&Policy]) -> Self {
        let part = |sight| Part::of(chosen, |policy| policy.is_about(number) && policy.sight == sight);
        Self { uid: Sort::Action.uid(name), general: part(Sight::Action), special: part(Sight::Resource) }
    }
}

/// Types by which of those that `chosen` name they are or are in.
fn classes(chosen: &[&Policy], types: &Types) -> Vec<Class> {
    let named: BTreeSet<&EntityUid> =
        chosen.iter().filter(|policy| policy.is_about(SEE)).flat_map(|policy| &policy.types).collect();
    let mut classes: Vec<(Vec<bool>, Class)> = Vec::new();
    for (number, kind) in types.all().iter().enumerate() {
        let own = Sort::Type.uid(kind.name());
        let groups: Vec<EntityUid> = types.groups_of(kind).map(|group| Sort::Type.uid(group)).collect();
        let is_of = |uid: &EntityUid| *uid == own || groups.contains(uid);
        let sign: Vec<bool> = named.iter().map(|uid| is_of(uid)).collect();
        if let Some((_, class)) = classes.iter_mut().find(|(known, _)| *known == sign) {
            class.kinds.push(number);
        } else {
            let special = Part::of(chosen, |policy| {
                policy.is_about(SEE) && policy.sight == Sight::Resource && policy.within.as_ref().is_none_or(is_of)
            });
            classes.push((sign, Class { uid: own, kinds: vec![number], special }));
        }
    }
    classes.into_iter().map(|(_, class)| class).collect()
}
