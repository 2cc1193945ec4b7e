//! `[incident]`: what is asked of cases.

use super::{
    diagnose::{Diagnostics, did_you_mean},
    reader::Table,
};
use crate::incident::settings::{Settings, known_laws};

pub(super) fn resolve(mut table: Table, d: &mut Diagnostics<'_>) -> Settings {
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
    table.finish(d);
    laws.map_or_else(Settings::default, |mut laws| {
        laws.dedup();
        Settings { laws }
    })
}
