//! Canaries at requests: whose is planted into an answer, and whether somebody asks for one.

use std::sync::Arc;

use http::{Method, request::Parts};

use crate::{
    access::subject::{Name, Subjects},
    format::form,
    gateway::{access::Authority, head::Head, plan::Line, settings::Route},
    identity::Principal,
    privacy::{
        self,
        mask::{canary::Canary, settings::Canaries},
    },
    registry::PersonId,
};

/// Most of a request that is written down.
const ASKED: usize = 8;
/// Longest value that may name a canary, in bytes.
const LONGEST: usize = 254;

/// The canary of whoever reads an answer.
#[derive(Debug, Clone)]
pub struct Planting {
    canary: Arc<Canary>,
    is_look: bool,
}

impl Planting {
    /// That of `who` on a route which plants them. Programs have none: they would take it for somebody.
    #[must_use]
    pub fn of(authority: &Authority, line: &Line, who: &Principal, head: &Head, parts: &Parts) -> Option<Self> {
        let rule = line.route.canaries.as_ref().filter(|_| head.probe.is_none() && who.has_signed_in())?;
        let person = PersonId::new(&who.issuer, &who.subject);
        let canary = Arc::new(authority.canaries.canary(&person, &line.route.name, rule));
        Some(Self { canary, is_look: parts.method == Method::GET })
    }

    /// What is planted, where something is looked at. Whatever else is answered is about what somebody has done.
    #[must_use]
    pub fn planted(&self) -> Option<Arc<Canary>> {
        self.is_look.then(|| Arc::clone(&self.canary))
    }

    /// What tells this reader's answers from those of others.
    #[must_use]
    pub fn tag(&self) -> String {
        self.canary.tag()
    }
}

/// Those of all routes, each once.
#[must_use]
pub fn rules(routes: &[Arc<Route>]) -> Vec<Arc<Canaries>> {
    let mut all: Vec<Arc<Canaries>> = Vec::new();
    for rule in routes.iter().filter_map(|route| route.canaries.as_ref()) {
        if !all.contains(rule) {
            all.push(Arc::clone(rule));
        }
    }
    all
}

/// Pseudonyms of what a request's path and query name in the form of a canary. Whose canary it is, if any, is told by whoever reads the record.
#[must_use]
pub fn asked(rules: &[Arc<Canaries>], subjects: &Subjects, head: &Head) -> Vec<String> {
    if rules.is_empty() {
        return Vec::new();
    }
    let segments = head.target.path().split('/');
    let values = head
        .target
        .query()
        .unwrap_or_default()
        .split('&')
        .map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    let mut asked = Vec::new();
    for raw in segments.chain(values).filter(|raw| !raw.is_empty() && raw.len() <= 3 * LONGEST) {
        let mut plain = Vec::new();
        form::decode(raw.as_bytes(), &mut plain);
        let Ok(value) = std::str::from_utf8(&plain) else { continue };
        let value = value.trim();
        if value.len() > LONGEST || !rules.iter().any(|rule| rule.may_name(value)) {
            continue;
        }
        let name = if value.contains('@') { Name::Kind(privacy::Kind::Email) } else { Name::Id };
        let text = subjects.name(&name, value.as_bytes()).map(|subject| subject.text());
        asked.extend(text.filter(|text| !asked.contains(text)));
        if asked.len() >= ASKED {
            break;
        }
    }
    asked
}
