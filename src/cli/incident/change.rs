//! What a case is about and what is known of it, as it is typed.

use crate::{
    cli::{
        office::{Office, moment},
        staff::Failure,
    },
    incident::{
        case::{Risk, Scope},
        command::Change,
    },
    registry::Moment,
};

/// How likely people come to harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Harm {
    /// Unlikely.
    None,
    /// Not unlikely.
    Some,
    /// Likely, and high.
    High,
}

/// What changes of a case.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeArgs {
    /// Somebody who is suspected; once for each. Whoever is suspected decides nothing in the case.
    #[arg(long = "person", value_name = "NAME")]
    persons: Vec<String>,
    /// Somebody who is suspected no more; once for each.
    #[arg(long, value_name = "NAME")]
    acquit: Vec<String>,
    /// The provider that vouches for them, where they have no account here.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Only records from this address; once for each.
    #[arg(long = "address", value_name = "IP")]
    addresses: Vec<std::net::IpAddr>,
    /// Only records on this route, by its name; once for each.
    #[arg(long = "route", value_name = "ROUTE")]
    routes: Vec<String>,
    /// Only this request, by its id; once for each.
    #[arg(long = "request", value_name = "ID")]
    requests: Vec<String>,
    /// Only records from this time on, such as 2026-11-01 (UTC) or 2026-11-01T09:00:00+09:00.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Only records up to this time, exclusive.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// A type of personal data that is among it, such as `EMAIL_ADDRESS`; once for each.
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    types: Vec<String>,
    /// Whether somebody came in from outside.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    external_intrusion: Option<bool>,
    /// Whether data of health, belief, genes, crimes and the like is among it.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    sensitive: Option<bool>,
    /// Whether numbers are among it that the state has given to one person alone.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    unique_identifiers: Option<bool>,
    /// How likely people come to harm.
    #[arg(long, value_enum, value_name = "RISK")]
    risk: Option<Harm>,
    /// Of how many people a law speaks, such as `us-ca=120`; once for each.
    #[arg(long = "people", value_name = "LAW=N", value_parser = people)]
    people: Vec<(String, u64)>,
    /// Who sees to the case.
    #[arg(long, value_name = "NAME")]
    responsible: Option<String>,
}

fn kind(text: &str) -> Result<String, String> {
    let known = crate::privacy::Kind::ALL.iter().any(|kind| kind.name() == text);
    let hint = || "a type such as EMAIL_ADDRESS or KR_RRN is expected (docs/PRIVACY.md)".to_owned();
    known.then(|| text.to_owned()).ok_or_else(hint)
}

fn people(text: &str) -> Result<(String, u64), String> {
    let (law, number) = text.split_once('=').unwrap_or_default();
    let known = crate::incident::settings::known_laws();
    match number.parse() {
        Ok(number) if known.contains(&law) => Ok((law.to_owned(), number)),
        _ => Err(format!("LAW=N is expected, where LAW is one of {}", known.join(", "))),
    }
}

impl ChangeArgs {
    /// As a case takes it.
    pub(super) fn change(&self, office: &Office) -> Result<Change, Failure> {
        let persons = |names: &[String]| -> Result<Vec<_>, Failure> {
            names.iter().map(|name| office.person(name, self.issuer.as_deref())).collect()
        };
        let scope = Scope {
            persons: persons(&self.persons)?,
            addresses: self.addresses.iter().map(ToString::to_string).collect(),
            routes: self.routes.clone(),
            requests: self.requests.clone(),
            since: self.since,
            until: self.until,
        };
        let risk = |harm| match harm {
            Harm::None => Risk::None,
            Harm::Some => Risk::Some,
            Harm::High => Risk::High,
        };
        Ok(Change {
            scope,
            acquit: persons(&self.acquit)?,
            types: self.types.clone(),
            external_intrusion: self.external_intrusion,
            sensitive: self.sensitive,
            unique_identifiers: self.unique_identifiers,
            risk: self.risk.map(risk),
            people: self.people.iter().cloned().collect(),
            responsible: self.responsible.as_ref().map(|name| office.person(name, None)).transpose()?,
        })
    }
}
