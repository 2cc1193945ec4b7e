//! The policies that can say anything on people of certain roles, and what they say.
//!
//! Types that the policies of a slice can't tell apart are judged once: policies see of a type only whether it is, or is in, one that
//! they name, for types have no attributes.

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
    policy::{Policies, Policy, SEE},
    vocabulary::{NONE, Sort, Types},
};
use crate::privacy::Kind;

/// Policies for one set of roles.
pub(super) struct Slice {
    staff: EntityUid,
    entities: Entities,
    actions: Vec<Asked>,
    classes: Vec<Class>,
    policies: HashMap<PolicyId, About>,
    /// Whether some policy permits anything.
    pub(super) permits: bool,
}

/// The policies on one action, without and with those behind the glass.
struct Asked {
    uid: EntityUid,
    plain: PolicySet,
    glass: Option<PolicySet>,
}

/// Types that are judged alike.
struct Class {
    uid: EntityUid,
    kinds: Vec<usize>,
}

struct About {
    id: Arc<str>,
    consent: Rule,
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
        Self {
            actions: names.enumerate().map(|(number, name)| Asked::new(number, name, &chosen)).collect(),
            classes: classes(&chosen, types),
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
        let context = context(ask).ok_or(Why::Nothing)?;
        self.judge(number(ask.action), &Sort::Route.uid(ask.route), &context, ask.glass).map(|_| ())
    }

    /// What is permitted.
    pub(super) fn permit(&self, ask: &Ask<'_>, purpose: &Arc<str>, types: &Types) -> Result<Permit, Why> {
        let context = context(ask).ok_or(Why::Nothing)?;
        let done = self.judge(number(ask.action), &Sort::Route.uid(ask.route), &context, ask.glass)?;
        let (mut consent, mut review, mut by) = (done.rule, done.glass, done.by);
        let mut seen = Vec::new();
        for class in &self.classes {
            match self.judge(SEE, &class.uid, &context, ask.glass) {
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

    /// Whether an action is permitted: without the glass where that will do.
    fn judge(&self, action: usize, resource: &EntityUid, context: &Context, glass: bool) -> Result<Judged, Why> {
        let asked = &self.actions[action];
        let plain = self.evaluate(asked, &asked.plain, resource, context);
        match (&asked.glass, plain) {
            (Some(more), Err(Why::Nothing)) if glass => {
                let judged = self.evaluate(asked, more, resource, context)?;
                Ok(Judged { glass: true, ..judged })
            }
            (_, plain) => plain,
        }
    }

    fn evaluate(&self, asked: &Asked, set: &PolicySet, resource: &EntityUid, context: &Context) -> Result<Judged, Why> {
        if set.is_empty() {
            return Err(Why::Nothing);
        }
        let request = Request::new(self.staff.clone(), asked.uid.clone(), resource.clone(), context.clone(), None);
        let response = Authorizer::new().is_authorized(&request.map_err(|_| Why::Nothing)?, set, &self.entities);
        let about = |id: &PolicyId| self.policies.get(id);
        // Cedar passes over a policy that can't be evaluated, a `forbid` as well.
        if let Some(AuthorizationError::PolicyEvaluationError(error)) = response.diagnostics().errors().next() {
            let id = about(error.policy_id()).map_or_else(|| Arc::from(""), |about| Arc::clone(&about.id));
            return Err(Why::Broken(id));
        }
        let by = || response.diagnostics().reason().filter_map(about);
        let mut ids: Vec<Arc<str>> = by().map(|about| Arc::clone(&about.id)).collect();
        if response.decision() == Verdict::Deny {
            ids.sort_unstable();
            return Err(if ids.is_empty() { Why::Nothing } else { Why::Forbidden(ids) });
        }
        // Any one of them is enough.
        let rule = by().map(|about| about.consent).min().unwrap_or(Rule::Drop);
        Ok(Judged { rule, glass: false, by: ids })
    }
}

impl Asked {
    fn new(number: usize, name: &str, chosen: &[&Policy]) -> Self {
        let about = || chosen.iter().filter(|policy| policy.is_about(number));
        let set = |glass: bool| {
            let policies = about().filter(|policy| glass || !policy.glass).map(|policy| policy.cedar.clone());
            // Ids are told apart where policies are read.
            PolicySet::from_policies(policies).unwrap_or_default()
        };
        let glass = about().any(|policy| policy.glass).then(|| set(true));
        Self { uid: Sort::Action.uid(name), plain: set(false), glass }
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
        let sign: Vec<bool> = named.iter().map(|uid| **uid == own || groups.contains(*uid)).collect();
        match classes.iter_mut().find(|(known, _)| *known == sign) {
            Some((_, class)) => class.kinds.push(number),
            None => classes.push((sign, Class { uid: own, kinds: vec![number] })),
        }
    }
    classes.into_iter().map(|(_, class)| class).collect()
}

fn number(action: Action) -> usize {
    action as usize
}

/// The circumstances, as the schema has them.
fn context(ask: &Ask<'_>) -> Option<Context> {
    let flag = RestrictedExpression::new_bool;
    let entity = |sort: Sort, name: Option<&str>| RestrictedExpression::new_entity_uid(sort.uid(name.unwrap_or(NONE)));
    let pairs = [
        ("purpose", entity(Sort::Purpose, ask.purpose)),
        ("ticket", flag(ask.ticket)),
        ("duty", entity(Sort::Duty, ask.duty)),
        ("consent", flag(ask.consent)),
        ("pledged", flag(ask.pledged)),
        ("second_factor", flag(ask.second_factor)),
        ("address", RestrictedExpression::new_ip(ask.address.to_canonical().to_string())),
        ("hour", RestrictedExpression::new_long(ask.hour.into())),
        ("weekday", RestrictedExpression::new_long(ask.weekday.into())),
        ("bulk", flag(ask.bulk)),
        ("glass", flag(ask.glass)),
    ];
    Context::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value))).ok()
}
