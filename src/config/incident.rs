//! `[incident]`: what is asked of cases, and how people are told.

use std::sync::Arc;

use super::{
    context::Context,
    diagnose::{Diagnostics, did_you_mean},
    notice,
    reader::Table,
};
use crate::incident::settings::{Settings, known_laws};

pub(super) fn resolve(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Settings {
    let place = table.place("laws");
    let known = known_laws();
    let law = |text: &str| {
        let hint =
            || did_you_mean(text, known.iter().copied()).unwrap_or_else(|| format!("known: {}", known.join(", ")));
        known
            .contains(&text)
            .then(|| text.to_owned())
            .ok_or_else(|| format!("\"{text}\" is no law that is known; {}", hint()))
    };
    let laws = table.list("laws", d, "a law such as \"kr-pipa\"", law);
    if laws.as_ref().is_some_and(Vec::is_empty) {
        d.note(
            &place,
            "no law is named: no clock would ever run",
            Some("remove `laws`, or name those that hold".to_owned()),
        );
    }
    let notices = Arc::new(notice::resolve(&mut table, context, d));
    table.finish(d);
    let mut laws = laws.unwrap_or_else(|| Settings::default().laws);
    laws.dedup();
    Settings { laws, notices }
}
