//! Policies: read from files, told apart by their ids, validated against the schema. `docs/ACCESS.md` says how to write one.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use cedar_policy::{
    ActionConstraint, Effect, EntityUid, PolicyId, PolicySet, PrincipalConstraint, ResourceConstraint, ValidationMode,
    ValidationWarning, Validator,
};
use miette::Diagnostic;

use super::{
    ask::Action,
    decision::Rule,
    room::with_room,
    vocabulary::{SCHEMA, Sort, Types},
};

/// The policies that Privet brings, a file a role.
pub const SHIPPED: [(&str, &str); 5] = [
    ("everyone.cedar", include_str!("policies/everyone.cedar")),
    ("marketing.cedar", include_str!("policies/marketing.cedar")),
    ("complaints.cedar", include_str!("policies/complaints.cedar")),
    ("privacy-officer.cedar", include_str!("policies/privacy-officer.cedar")),
    ("duty.cedar", include_str!("policies/duty.cedar")),
];
/// What may be annotated, with `@NAME("value")`.
const ANNOTATIONS: [&str; 4] = ["id", "about", "consent", "glass"];
/// The number of `see` behind those of [`Action`].
pub(super) const SEE: usize = Action::ALL.len();

/// A file of policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As people are told where something is.
    pub name: String,
    /// What it holds.
    pub text: String,
}

/// What is wrong with a file of policies, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file's name.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

/// The names that policies may use, besides those of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// Types of personal data.
    pub types: &'a Types,
    /// Keys of purposes.
    pub purposes: &'a [&'a str],
    /// Routes; any where they are not known.
    pub routes: Option<&'a [&'a str]>,
}

/// What a policy looks at besides who asks and under which circumstances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    Nothing,
    /// What is done.
    Action,
    /// What it is done at, and perhaps what is done.
    Resource,
}

/// One policy.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) id: Arc<str>,
    pub(super) about: Option<Arc<str>>,
    /// Whose role it is about; everybody's where there is none.
    pub(super) role: Option<String>,
    pub(super) is_forbid: bool,
    actions: [bool; SEE + 1],
    pub(super) sight: Sight,
    /// The type, or the group of types, to which its head limits it.
    pub(super) within: Option<EntityUid>,
    pub(super) consent: Rule,
    pub(super) glass: bool,
    /// Types and groups that it names.
    pub(super) types: Vec<EntityUid>,
    pub(super) cedar: cedar_policy::Policy,
}

impl Policy {
    /// Whether it can say anything on the action of this number.
    pub(super) fn is_about(&self, action: usize) -> bool {
        self.actions[action]
    }
}

/// Policies that are valid together.
#[derive(Debug, Clone)]
pub struct Policies(pub(super) Vec<Policy>);

impl Policies {
    /// Reads and validates files.
    ///
    /// # Errors
    /// With everything that is wrong.
    pub fn read(sources: &[Source], names: Names<'_>) -> Result<Self, Vec<Fault>> {
        let mut faults = Vec::new();
        let mut policies: Vec<(Policy, usize, usize)> = Vec::new();
        for (number, source) in sources.iter().enumerate() {
            let set: PolicySet = match source.text.parse() {
                Ok(set) => set,
                Err(errors) => {
                    let errors: &cedar_policy::ParseErrors = &errors;
                    faults.extend(errors.iter().map(|error| fault(source, error, &error.to_string())));
                    continue;
                }
            };
            if let Some(template) = set.templates().next() {
                let at = template.as_ref().loc().map_or(0, |loc| loc.span.offset());
                faults.push(source.fault(
                    at,
                    "a template stands here",
                    Some("write ids in the place of `?principal` and `?resource`"),
                ));
            }
            for cedar in set.policies() {
                let at = cedar.as_ref().loc().map_or(0, |loc| loc.span.offset());
                match policy(cedar, names) {
                    Err((message, hint)) => faults.push(source.fault(at, &message, Some(hint.as_str()))),
                    Ok(policy) => {
                        if let Some((_, other, _)) = policies.iter().find(|(known, ..)| known.id == policy.id) {
                            let message = format!(
                                "a second policy is called `{}`; the first is in {}",
                                policy.id, sources[*other].name
                            );
                            faults.push(source.fault(at, &message, Some("give it another @id")));
                        } else {
                            policies.push((policy, number, at));
                        }
                    }
                }
            }
        }
        validate(&policies, sources, &mut faults);
        if !faults.is_empty() {
            faults.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
            return Err(faults);
        }
        policies.sort_by_key(|(_, source, at)| (*source, *at));
        Ok(Self(policies.into_iter().map(|(policy, ..)| policy).collect()))
    }

    /// The roles that policies are about.
    pub fn roles(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|policy| policy.role.as_deref())
    }

    /// Whether any speaks of a circumstance.
    pub(super) fn speak_of(&self, circumstance: &str) -> bool {
        self.0.iter().any(|policy| policy.cedar.to_string().contains(circumstance))
    }

    /// The duties that policies name; nothing where a name is not written as it is. Duties have neither attributes nor kin, so that all that no
    /// policy names are the same to every policy.
    pub(super) fn duties(&self) -> Option<HashSet<String>> {
        let mut named = HashSet::new();
        for text in self.0.iter().map(|policy| policy.cedar.to_string()) {
            for part in text.split("Duty::\"").skip(1) {
                let (name, _) = part.split_once('"')?;
                if name.contains('\\') {
                    return None;
                }
                named.insert(name.to_owned());
            }
        }
        Some(named)
    }

    /// What a policy says of itself.
    #[must_use]
    pub fn about(&self, id: &str) -> Option<&str> {
        self.0.iter().find(|policy| &*policy.id == id)?.about.as_deref()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Source {
    fn fault(&self, at: usize, message: &str, hint: Option<&str>) -> Fault {
        let before = self.text.get(..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |lf| lf + 1);
        Fault {
            file: self.name.clone(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
        }
    }
}

/// What Cedar says of a place.
fn fault(source: &Source, error: &dyn Diagnostic, message: &str) -> Fault {
    let label = error.labels().and_then(|mut labels| labels.next());
    let at = label.as_ref().map_or(0, miette::LabeledSpan::offset);
    let expected = label.as_ref().and_then(|label| label.label().map(str::to_owned));
    let help = error.help().map(|help| help.to_string());
    source.fault(at, message, help.or(expected).as_deref())
}

fn validate(policies: &[(Policy, usize, usize)], sources: &[Source], faults: &mut Vec<Fault>) {
    let places: HashMap<&PolicyId, (usize, usize)> =
        policies.iter().map(|(policy, source, at)| (policy.cedar.id(), (*source, *at))).collect();
    // Ids are told apart already.
    let Ok(set) = PolicySet::from_policies(policies.iter().map(|(policy, ..)| policy.cedar.clone())) else { return };
    let result = with_room(|| Validator::new(SCHEMA.clone()).validate(&set, ValidationMode::Strict));
    for error in result.validation_errors() {
        if let Some(&(source, at)) = places.get(error.policy_id()) {
            let mut fault = fault(&sources[source], error, &error.to_string());
            if error.labels().is_none() {
                let place = sources[source].fault(at, "", None);
                (fault.line, fault.column) = (place.line, place.column);
            }
            fault.hint = fault.hint.or(Some("docs/ACCESS.md lists the words that policies may use".to_owned()));
            faults.push(fault);
        }
    }
    for warning in result.validation_warnings() {
        use ValidationWarning::{ImpossiblePolicy, InvalidActionApplication};
        if matches!(warning, ImpossiblePolicy(_) | InvalidActionApplication(_))
            && let Some(&(source, at)) = places.get(warning.policy_id())
        {
            let hint = "an action and a resource that do not go together, or a condition that is never true";
            faults.push(sources[source].fault(at, &warning.to_string(), Some(hint)));
        }
    }
}

/// What Privet asks of a policy besides, or what is wrong and how to mend it.
fn policy(cedar: &cedar_policy::Policy, names: Names<'_>) -> Result<Policy, (String, String)> {
    let wrong = |message: String, hint: String| Err((message, hint));
    let id = cedar.annotation("id").unwrap_or_default();
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !(1..=64).contains(&id.len()) || !id.chars().all(legal) {
        let message =
            if id.is_empty() { "a policy has no name".to_owned() } else { format!("`{id}` is no name for a policy") };
        return wrong(message, "begin it with @id(\"...\"): up to 64 letters, digits, `-`, `_` and `.`".to_owned());
    }
    if let Some((name, _)) = cedar.annotations().find(|(name, _)| !ANNOTATIONS.contains(name)) {
        let known = ANNOTATIONS.map(|name| format!("@{name}")).join(", ");
        return wrong(format!("policy `{id}`: @{name} means nothing"), format!("one of {known} is expected"));
    }
    let is_forbid = cedar.effect() == Effect::Forbid;
    let consent = match cedar.annotation("consent") {
        Some(_) if is_forbid => {
            return wrong(format!("policy `{id}`: @consent stands on a forbid"), "put it on the permit".to_owned());
        }
        Some(text) => match Rule::named(text) {
            Some(rule) => rule,
            None => {
                return wrong(
                    format!("policy `{id}`: @consent(\"{text}\") means nothing"),
                    "\"any\", \"mask\" or \"drop\" is expected".to_owned(),
                );
            }
        },
        None => Rule::Any,
    };
    let glass = match cedar.annotation("glass") {
        None => false,
        Some("review") if !is_forbid => true,
        Some(_) => {
            return wrong(
                format!("policy `{id}`: this @glass means nothing"),
                "write @glass(\"review\") on a permit".to_owned(),
            );
        }
    };
    let literals = cedar.entity_literals();
    for uid in &literals {
        check(uid, names).map_err(|(message, hint)| (format!("policy `{id}`: {message}"), hint))?;
    }
    let role = match cedar.principal_constraint() {
        PrincipalConstraint::In(uid) | PrincipalConstraint::IsIn(_, uid) if Sort::of(&uid) == Some(Sort::Role) => {
            Some(unescaped(&uid))
        }
        _ => None,
    };
    let text = cedar.to_string();
    // Behind the annotations. Each word stands in the head once; where it stands elsewhere, if only in a remark, it counts as looked at.
    let rule = text.split_once(if is_forbid { "forbid" } else { "permit" }).map_or(&*text, |(_, rule)| rule);
    let sees = |word| rule.matches(word).count() != 1;
    let sight = if sees("resource") || cedar.resource_constraint() != ResourceConstraint::Any {
        Sight::Resource
    } else if sees("action") || cedar.action_constraint() != ActionConstraint::Any {
        Sight::Action
    } else {
        Sight::Nothing
    };
    Ok(Policy {
        sight,
        within: match cedar.resource_constraint() {
            ResourceConstraint::In(uid) | ResourceConstraint::IsIn(_, uid) | ResourceConstraint::Eq(uid) => {
                Some(uid).filter(|uid| Sort::of(uid) == Some(Sort::Type))
            }
            _ => None,
        },
        id: id.into(),
        about: cedar.annotation("about").map(Arc::from),
        role,
        is_forbid,
        actions: actions(&cedar.action_constraint()),
        consent,
        glass,
        types: literals.into_iter().filter(|uid| Sort::of(uid) == Some(Sort::Type)).collect(),
        cedar: cedar.new_id(PolicyId::new(id)),
    })
}

fn unescaped(uid: &EntityUid) -> String {
    let id: &str = uid.id().unescaped();
    id.to_owned()
}

/// Whether a name that a policy uses is one.
fn check(uid: &EntityUid, names: Names<'_>) -> Result<(), (String, String)> {
    let name = unescaped(uid);
    let one_of = |what: &str, known: &mut dyn Iterator<Item = &str>| {
        let known: Vec<&str> = known.collect();
        let near = known.iter().max_by(|a, b| {
            let score = |word: &str| strsim::normalized_damerau_levenshtein(word, &name);
            score(a).total_cmp(&score(b))
        });
        let hint = match near.filter(|near| strsim::normalized_damerau_levenshtein(near, &name) >= 0.55) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known are: {}", known.join(", ")),
        };
        Err((format!("no {what} is called \"{name}\""), hint))
    };
    match Sort::of(uid) {
        Some(Sort::Type) if !names.types.knows(&name) => one_of("type or group of types", &mut names.types.names()),
        Some(Sort::Purpose) if !names.purposes.contains(&&*name) => {
            one_of("purpose", &mut names.purposes.iter().copied())
        }
        Some(Sort::Route) => match names.routes {
            Some(routes) if !routes.contains(&&*name) => one_of("route", &mut routes.iter().copied()),
            _ => Ok(()),
        },
        Some(Sort::Staff) => Err((
            "policies speak of roles, never of people".to_owned(),
            "name their role: `principal in Role::\"...\"`".to_owned(),
        )),
        _ => Ok(()),
    }
}

fn actions(constraint: &ActionConstraint) -> [bool; SEE + 1] {
    let named = |uid: &EntityUid| {
        let name = unescaped(uid);
        Action::ALL.iter().position(|action| action.name() == name).or((name == "see").then_some(SEE))
    };
    let mut about = [false; SEE + 1];
    let named: Vec<Option<usize>> = match constraint {
        ActionConstraint::Any => return [true; SEE + 1],
        ActionConstraint::Eq(uid) => vec![named(uid)],
        ActionConstraint::In(uids) => uids.iter().map(named).collect(),
    };
    named.into_iter().flatten().for_each(|action| about[action] = true);
    about
}
