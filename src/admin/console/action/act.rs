//! One deed, from the form to its end.

use std::{future::Future, pin::Pin};

use serde_json::{Value, json};

use crate::{
    admin::console::{
        form::{self, Field, SURE},
        layout::Shown,
        visit::{Absent, Visit},
    },
    identity::form::Fields,
};

/// What a deed comes to.
pub(in crate::admin::console) type Doing<'v> = Pin<Box<dyn Future<Output = Result<Outcome, Absent>> + Send + 'v>>;

/// What is asked, and what is done.
pub(in crate::admin::console) struct Act {
    pub(super) fields: fn(&Visit) -> Vec<Field>,
    /// Only says what would happen unless it is for sure.
    pub(super) run: for<'v> fn(&'v Visit, &'v [Field], bool) -> Doing<'v>,
}

/// What happens, or has happened.
#[derive(Debug)]
pub(in crate::admin::console) struct Outcome {
    /// In the reader's language, a line each.
    pub(super) says: Vec<String>,
    /// Where to go afterwards.
    pub(super) to: String,
}

impl Outcome {
    pub(super) fn new(to: impl Into<String>, says: impl IntoIterator<Item = String>) -> Self {
        Self { says: says.into_iter().collect(), to: to.into() }
    }
}

/// What a field holds.
pub(super) fn value<'f>(fields: &'f [Field], name: &str) -> &'f str {
    fields.iter().find(|field| field.name == name).map_or("", |field| field.value.as_str())
}

/// Somebody by what an officer calls them: whom a provider vouches for is named with it, `https://id.example alice`.
pub(super) fn person(visit: &Visit, named: &str) -> Value {
    let (issuer, subject) = named.rsplit_once(' ').unwrap_or((&visit.realm, named));
    json!({ "issuer": issuer, "subject": subject })
}

impl Act {
    /// Shows the form, or where there is nothing to fill in what will happen.
    ///
    /// # Errors
    /// When it can't happen.
    pub(in crate::admin::console) async fn begin(&self, visit: &Visit) -> Result<Shown, Absent> {
        let fields = (self.fields)(visit);
        if !fields.is_empty() {
            return Ok(Shown::html(form::ask(visit, &fields, None)));
        }
        let Outcome { says, to } = (self.run)(visit, &fields, false).await?;
        Ok(Shown::html(form::confirm(visit, &fields, &says, bare(&to))))
    }

    /// Takes a form: says what will happen, or does it.
    ///
    /// # Errors
    /// When it can't happen, and there is nothing to fill in differently.
    pub(in crate::admin::console) async fn take(&self, visit: &Visit, sent: &Fields) -> Result<Shown, Absent> {
        let fields: Vec<Field> = (self.fields)(visit).into_iter().map(|field| field.filled(sent)).collect();
        if let Some(empty) = fields.iter().find(|field| field.is_needed && field.value.is_empty()) {
            let why = visit.say("Fill this in: {n}", "입력하세요: {n}").replace("{n}", &empty.label);
            return Ok(Shown::html(form::ask(visit, &fields, Some(&why))));
        }
        let is_sure = sent.one(SURE).is_some();
        match (self.run)(visit, &fields, is_sure).await {
            Ok(Outcome { to, .. }) if is_sure => Ok(Shown::Elsewhere(to)),
            Ok(Outcome { says, to }) => Ok(Shown::html(form::confirm(visit, &fields, &says, bare(&to)))),
            Err(absent) if !fields.is_empty() => Ok(Shown::html(form::ask(visit, &fields, Some(&absent.why)))),
            Err(absent) => Err(absent),
        }
    }
}

/// The page alone, for whoever does nothing.
fn bare(to: &str) -> &str {
    to.split('?').next().unwrap_or(to)
}
