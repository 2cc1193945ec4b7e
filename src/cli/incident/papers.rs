//! How commands reach notices: as those about cases reach cases, and what is known is read from the journal itself, beside whoever writes it.

use std::{io, sync::Arc};

use http::Method;
use serde_json::Value;

use crate::{
    admin::notice::PREFIX,
    cli::{
        control,
        office::{AsArgs, Office},
        staff::Failure,
    },
    common::clock,
    incident::{
        Actor, Case, Cases,
        ledger::{self, Fold},
        notice::{Command, Denied, Notices, Refused, sender::Steps, state::Papers},
    },
    journal::{Stream, search},
    registry::Registry,
    seal::Ring,
};

pub(super) fn refused(refused: &Refused) -> Failure {
    Failure::Refused { error: refused.to_string(), hint: refused.hint().map(str::to_owned), exit: refused.exit() }
}

/// No, and how that is mended.
pub(super) fn no(error: impl Into<String>, hint: Option<&str>, exit: u8) -> Failure {
    Failure::Refused { error: error.into(), hint: hint.map(str::to_owned), exit }
}

/// Gives an order in one's own name; what has happened.
pub(super) fn order(args: &AsArgs, office: &Office, command: Command) -> Result<Vec<Value>, Failure> {
    let order = args.sign(command)?;
    let place = office.journal()?;
    let body = serde_json::to_string(&order).map_err(io::Error::from).map_err(Failure::Gateway)?;
    if let Some(answer) = office.ask(Method::POST, &format!("{PREFIX}/orders"), body)? {
        return Ok(answer["events"].as_array().cloned().unwrap_or_default());
    }
    if place.place.folder().is_some_and(|folder| !folder.exists()) {
        return Err(refused(&Denied::NotFounded.into()));
    }
    office.by_itself(async |realm, registry, stream| {
        let notices = notices(office, registry, stream)?;
        let events = notices.carry_out(realm, order, clock::now()).await.map_err(|no| refused(&no))?;
        Ok(events.iter().filter_map(|event| serde_json::to_value(event).ok()).collect())
    })
}

/// What a gateway would write by, where none runs.
pub(super) fn notices(office: &Office, registry: &Arc<Registry>, stream: &Stream) -> Result<Arc<Notices>, Failure> {
    let (kept, rules) = (office.journal()?.retention.grants, office.incidents.clone());
    let cases = Cases::open(stream.clone(), kept, &office.keys, rules, Arc::clone(registry));
    let cases = cases.map_err(Failure::registry)?;
    Notices::open(stream.clone(), &office.keys, cases, Arc::clone(registry)).map_err(Failure::registry)
}

/// A fold as it is on disk.
pub(super) fn read<S: Fold>(office: &Office) -> Result<S, Failure> {
    let place = office.journal()?.place.shared().filter(|_| office.keys.exists());
    let Some(place) = place else { return Ok(S::default()) };
    let ring = Ring::load(&office.keys).map_err(Failure::Keys)?;
    match ledger::read::<S>(&place, ring) {
        Err(search::Error::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(S::default()),
        Err(error) => Err(Failure::Search(error)),
        Ok((state, unread)) => {
            if unread.missing() > 0 {
                eprintln!("privet: {} records can't be read: what they say does not hold", unread.missing());
            }
            Ok(state)
        }
    }
}

/// A case, and its notices.
pub(super) fn of(office: &Office, number: u64) -> Result<(Case, Papers), Failure> {
    let cases: crate::incident::State = read(office)?;
    let case = cases.case(number).cloned().ok_or_else(|| refused(&Denied::NoCase.into()))?;
    let notices: crate::incident::notice::State = read(office)?;
    Ok((case, notices.of(number).cloned().unwrap_or_default()))
}

/// Where whoever sends writes its steps down.
pub(super) enum Writing<'a> {
    /// A running gateway.
    Gateway(&'a Office),
    /// The journal itself.
    Own(Arc<Notices>),
}

impl Steps for Writing<'_> {
    async fn take(&self, step: Command) -> Result<(), String> {
        match self {
            Self::Gateway(office) => {
                let body = serde_json::to_string(&step).map_err(|error| error.to_string())?;
                let asked = control::request(&office.data_dir, Method::POST, &format!("{PREFIX}/steps"), body).await;
                match asked {
                    Ok((status, _)) if status.is_success() => Ok(()),
                    Ok((_, answer)) => Err(answer["error"].as_str().unwrap_or("the gateway refuses").to_owned()),
                    Err(error) => Err(format!("the gateway does not answer any more: {error}")),
                }
            }
            Self::Own(notices) => {
                let done = notices.submit(step, &Actor::Gateway, clock::now()).await;
                done.map(drop).map_err(|denied| denied.to_string())
            }
        }
    }
}

/// The numbers that `events` have for a kind.
pub(super) fn said(events: &[Value], kind: &str) -> Option<Value> {
    events.iter().find(|event| event["kind"] == kind).cloned()
}
