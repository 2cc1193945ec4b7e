//! Countermeasures over the control socket: what holds, what one would do, and orders that officers give in their own name.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::registry::{Office, status};
use crate::{
    common::clock,
    gateway::Plan,
    identity::{
        Principal, Realm,
        order::{Order, SignedIn},
        session::table::Listed,
    },
    incident::remedy::{Command, Event, Measure, Refused, Remedies, Taken},
    registry::PersonId,
    seal::Ring,
    shield::ban::order::Order as Ban,
};

/// Below which paths they are.
pub const PREFIX: &str = "/v1/remedies";

type Answer = (StatusCode, Value);

/// What measures are carried out on.
#[derive(Debug)]
pub(super) struct Desk<'a> {
    pub(super) office: Arc<Office>,
    pub(super) remedies: &'a Arc<Remedies>,
    pub(super) plan: &'a Plan,
}

/// Answers a command about countermeasures.
pub(super) async fn answer(
    desk: Option<Desk<'_>>,
    method: &Method,
    path: &str,
    body: &[u8],
    by: Option<&SignedIn>,
) -> Answer {
    let Some(desk) = desk else {
        let error = "this gateway keeps no cases: it keeps no journal, or is one of several with a journal each";
        return (StatusCode::SERVICE_UNAVAILABLE, json!({ "error": error, "exit": 3 }));
    };
    match (method, path.strip_prefix(PREFIX)) {
        (&Method::GET, Some("")) => (StatusCode::OK, list(desk.remedies)),
        (&Method::POST, Some(path @ ("/orders" | "/rehearsals"))) => {
            let Some(order) = Order::<Command>::read(body, by) else {
                return no(StatusCode::BAD_REQUEST, "the order can't be read", 2);
            };
            desk.order(order, path == "/rehearsals").await.unwrap_or_else(|answer| answer)
        }
        _ => no(StatusCode::NOT_FOUND, "no such command", 3),
    }
}

fn no(status: StatusCode, error: impl std::fmt::Display, exit: u8) -> Answer {
    (status, json!({ "error": error.to_string(), "exit": exit }))
}

fn refused(refused: &Refused) -> Answer {
    if refused.is_trouble() {
        no(StatusCode::SERVICE_UNAVAILABLE, refused, 3)
    } else {
        no(StatusCode::FORBIDDEN, refused, 1)
    }
}

fn list(remedies: &Remedies) -> Value {
    let shown = |taken: &Taken| {
        let mut object = serde_json::to_value(taken).unwrap_or_default();
        object["holds"] = taken.holds().into();
        object
    };
    json!({ "remedies": remedies.state().all().map(shown).collect::<Vec<_>>() })
}

impl Desk<'_> {
    /// Carries an order out, or only says what that would do.
    async fn order(&self, order: Order<Command>, dry: bool) -> Result<Answer, Answer> {
        let Some(realm) = self.office.realm().await else {
            return Err(no(StatusCode::SERVICE_UNAVAILABLE, "the realm can't be opened", 3));
        };
        let now = clock::now();
        let proved = order.prove(realm, now).await;
        let (by, command) = proved.map_err(|unproved| {
            let (hint, exit) = (unproved.hint(), unproved.exit());
            (status(&unproved), json!({ "error": unproved.to_string(), "hint": hint, "exit": exit }))
        })?;
        let rehearsed = self.remedies.rehearse(&command, &by, now).map_err(|no| refused(&no))?;
        let effect = match &command {
            Command::Take { what, .. } => self.effect(what)?,
            Command::Lift { .. } => Value::Null,
        };
        if dry {
            return Ok((StatusCode::OK, json!({ "dry_run": true, "event": rehearsed, "effect": effect })));
        }
        let (event, new) = self.remedies.submit(command, by, now).await.map_err(|no| refused(&no))?;
        let ended = settle(self.plan, self.remedies, &new).await;
        let done = self.carry_out(&event, ended).await?;
        Ok((StatusCode::OK, json!({ "event": event, "effect": effect, "done": done })))
    }

    /// What a measure would do at this gateway.
    fn effect(&self, what: &Measure) -> Result<Value, Answer> {
        let unknown = |kind: &str, name: &str, known: BTreeSet<String>| {
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            no(StatusCode::BAD_REQUEST, format!("there is no {kind} `{name}` here; there are: {known}"), 2)
        };
        let applications = self.plan.applications();
        let routes = || applications.iter().map(|(route, _)| route);
        Ok(match what {
            Measure::Suspend { person } => json!({ "sessions": sessions(self.plan, Some(person)) }),
            Measure::SignInAgain => json!({ "sessions": sessions(self.plan, None) }),
            Measure::Close { route: name } | Measure::Quarantine { route: name } => {
                let Some(route) = routes().find(|route| route.name == *name) else {
                    return Err(unknown("route", name, routes().map(|route| route.name.clone()).collect()));
                };
                json!({ "route": name, "gate": route.gate.is_some() })
            }
            Measure::Limit { login: name, .. } => {
                let logins = self.plan.logins();
                if !logins.iter().any(|rule| rule.login().name == *name) {
                    return Err(unknown("login", name, logins.iter().map(|rule| rule.login().name.clone()).collect()));
                }
                json!({ "login": name })
            }
            Measure::Ban { network } => {
                let Some(bans) = &self.plan.bans else {
                    let error = "this gateway bans nobody: add [shield.ban] to its configuration";
                    return Err(no(StatusCode::CONFLICT, error, 1));
                };
                if !crate::shield::ban::networks::is_narrow(network) {
                    return Err(no(StatusCode::BAD_REQUEST, "the network is too wide: IPv4 from /8, IPv6 from /16", 2));
                }
                if bans.allows(network) {
                    let error = "nothing bans it: it is in `allow`, or a proxy of `listen.trusted`";
                    return Err(no(StatusCode::CONFLICT, error, 1));
                }
                json!({ "network": network.to_string() })
            }
            Measure::Mask { role } => {
                // A route without a mask is not read, so nothing in it can be masked.
                let (masked, bare): (Vec<_>, Vec<_>) = routes()
                    .filter(|route| route.gate.is_some())
                    .map(|route| (route.name.clone(), route.mask.as_ref().is_some_and(|_| route.asks_policies())))
                    .partition(|(_, masked)| *masked);
                let names = |routes: Vec<(String, bool)>| routes.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
                let concerned = people(self.plan, |who| who.roles.contains(role) || self.remedies.has_role(who, role));
                json!({ "people_signed_in": concerned, "routes": names(masked), "unmasked_routes": names(bare) })
            }
            Measure::RotateKey => {
                let ring = Ring::load(self.remedies.keys()).map_err(|error| no(StatusCode::CONFLICT, error, 3))?;
                if !is_writable(self.remedies.keys()) {
                    let error = "the key file can't be written by this gateway: add a line to it where it is made";
                    return Err(no(StatusCode::CONFLICT, error, 3));
                }
                json!({ "keys": ring.keys().count() })
            }
        })
    }

    /// Does what this gateway alone has to do; where another room keeps it, or it happens to a file.
    async fn carry_out(&self, event: &Event, ended: usize) -> Result<Value, Answer> {
        let state = self.remedies.state();
        let failed = |error: &dyn std::fmt::Display| {
            let error =
                format!("it is written down, but could not be carried out: {error}; lift it, and take it again");
            no(StatusCode::SERVICE_UNAVAILABLE, error, 3)
        };
        let (id, what) = match event {
            Event::Taken { id, what, .. } => (*id, Some(what)),
            Event::Lifted { id, .. } => (*id, state.taken(*id).map(|taken| &taken.what)),
            Event::Standing { taken, .. } => (taken.id, None),
        };
        match (event, what, &self.plan.bans) {
            (Event::Taken { reason, .. }, Some(Measure::Ban { network }), Some(bans)) => {
                let reason: String = reason.chars().take(100).collect();
                let order = Ban { network: *network, until: None, since: clock::millis(), reason };
                let own = Arc::clone(bans);
                let kept = tokio::task::spawn_blocking(move || own.order(order)).await;
                kept.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
            }
            (Event::Lifted { .. }, Some(Measure::Ban { network }), Some(bans)) => {
                let (own, network) = (Arc::clone(bans), *network);
                let lifted = tokio::task::spawn_blocking(move || own.lift(&network)).await;
                lifted.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
            }
            (Event::Taken { .. }, Some(Measure::RotateKey), _) => {
                let epoch = Ring::rotate(self.remedies.keys()).map_err(|error| failed(&error))?;
                return Ok(json!({ "remedy": id, "epoch": epoch }));
            }
            _ => {}
        }
        Ok(json!({ "remedy": id, "sessions_ended": ended }))
    }
}

/// Lets what holds hold in the rooms that know nothing of incidents, and does what `new` measures do once; how many sessions have ended.
pub async fn settle(plan: &Plan, remedies: &Remedies, new: &[Taken]) -> usize {
    hold(plan, remedies);
    let mut ended = 0;
    for taken in new {
        for realm in plan.realms() {
            ended += match &taken.what {
                Measure::Suspend { person } => {
                    realm.sessions().revoke_subject(&person.issuer, &person.subject, clock::now()).await
                }
                Measure::SignInAgain => realm.sessions().revoke_where(|_, _| true, clock::now()).await,
                _ => 0,
            };
        }
    }
    ended
}

/// Lets what holds hold, where it is not looked at with each request.
pub fn hold(plan: &Plan, remedies: &Remedies) {
    let bites = remedies.overlay().bites();
    let suspended = Arc::new(bites.suspended.clone());
    plan.realms().iter().for_each(|realm| realm.suspend(&suspended));
    plan.guard.lower(bites.logins.clone());
}

fn all(realm: &Realm) -> Vec<Listed> {
    realm.sessions().list(clock::now())
}

fn sessions(plan: &Plan, person: Option<&PersonId>) -> usize {
    let is_of =
        |who: &Principal| person.is_none_or(|person| who.issuer == person.issuer && who.subject == person.subject);
    plan.realms().iter().flat_map(|realm| all(realm)).filter(|listed| is_of(&listed.principal)).count()
}

fn people(plan: &Plan, which: impl Fn(&Principal) -> bool) -> usize {
    let signed_in = plan.realms().into_iter().flat_map(|realm| all(&realm));
    let names = signed_in.filter(|listed| which(&listed.principal));
    names
        .map(|listed| (listed.principal.issuer.clone(), listed.principal.subject.clone()))
        .collect::<BTreeSet<_>>()
        .len()
}

fn is_writable(path: &Path) -> bool {
    std::fs::OpenOptions::new().append(true).open(path).is_ok()
}
