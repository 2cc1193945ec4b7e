//! `[journal]`: where it is, and how long its records can be read.

mod witness;

use std::{path::Path, sync::Arc, time::Duration};

use super::{
    context::{Context, seconds},
    diagnose::Diagnostics,
    reader::Table,
};
use crate::journal::{Place, Settings, postgres::settings::Postgres, settings::Retention};

const DAY: Duration = seconds(86_400);
const LONGEST_SIGNED: Duration = seconds(3600);

/// `None` where it is off.
pub(super) fn resolve(
    table: Option<Table>,
    data_dir: &Path,
    postgres: Option<Arc<Postgres>>,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Settings> {
    let given = postgres.is_some();
    let default = match postgres {
        Some(postgres) => Settings { given, ..Settings::new(Place::Database { postgres, chain: None }) },
        None => Settings::new(data_dir.join("journal")),
    };
    let Some(mut table) = table else { return Some(default) };
    let place = table.place("path");
    let path = table.text("path", d);
    if path.as_deref().is_some_and(|path| path.matches('*').count() > usize::from(is_pattern(path))) {
        let hint = "such as \"/var/lib/privet/shared/journal-*\": a folder for each gateway".to_owned();
        d.note(&place, "`path` may have one `*`, in its last part", Some(hint));
    }
    if given && path.is_some() {
        let hint = Some("remove `path`, or `postgres` of [store]".to_owned());
        d.note(&place, "`[store] postgres` has the journal in the database, and `path` elsewhere", hint);
    }
    let mut witnesses = Vec::new();
    for table in table.tables("witness", "journal.witness[]", d) {
        witnesses.extend(witness::resolve(table, context, d));
    }
    let retention = retention(table.table("retention", "journal.retention", d), d);
    let place = table.place("checkpoint");
    let checkpoint = table.duration("checkpoint", d, default.checkpoint);
    if checkpoint < Duration::from_millis(100) || checkpoint > LONGEST_SIGNED {
        d.note(&place, "`checkpoint` must be from 100ms to 1h", None);
    }
    table.finish(d);
    let place = match path.as_deref() {
        Some("off") => return None,
        Some(path) => context.path(path).into(),
        None => default.place,
    };
    Some(Settings { place, given: true, retention, checkpoint, witnesses })
}

/// Whether the last part of a path has a `*`.
fn is_pattern(path: &str) -> bool {
    Path::new(path).file_name().is_some_and(|name| name.to_string_lossy().contains('*'))
}

fn retention(mut table: Table, d: &mut Diagnostics<'_>) -> Retention {
    let default = Retention::default();
    let mut kept = |name: &'static str, default| {
        let place = table.place(name);
        let kept = table.duration(name, d, default);
        if kept < DAY {
            let why = format!("`{name}` must be at least \"1d\": keys are destroyed by the day, for good");
            d.note(&place, why, Some("a year is \"366d\"".to_owned()));
        }
        kept
    };
    let retention = Retention {
        access: kept("access", default.access),
        grants: kept("grants", default.grants),
        operations: kept("operations", default.operations),
    };
    table.finish(d);
    retention
}
