//! When a back-up was last made, when one was last brought back to see whether it can be, and whether today's keys are in one.

use std::{
    fs,
    io::ErrorKind,
    path::PathBuf,
    time::{Duration, UNIX_EPOCH},
};

use super::{
    finding::{Found, span},
    ground::Ground,
};
use crate::{
    journal::{
        Kind, Place,
        search::{Filter, search},
    },
    seal::{Ring, settings::variable},
};

/// A back-up that is older holds little of what is needed.
const OLD: Duration = Duration::from_secs(8 * 86_400);

pub(super) fn look(at: &Ground, found: &Found) {
    let Some(journal) = &at.config.journal else { return };
    let Some(keys) = &at.config.seal.key_file else { return };
    let (mut made, mut drilled, mut any) = (None, None, false);
    // A gateway that has never run has nothing to lose.
    let is_there = |place: &Place| !matches!(place.files(), Err(error) if error.kind() == ErrorKind::NotFound);
    for place in journal.place.all().unwrap_or_default().into_iter().filter(is_there) {
        let ring = match Ring::load(keys) {
            Ok(ring) => ring,
            Err(error) => return found.unseen(format!("whether there are back-ups: {error}")),
        };
        let filter =
            Filter { kind: Some("backup".to_owned()), class: Some(Kind::BackupCreated.class()), ..Filter::default() };
        let read = search(&place, ring, &filter, |line| {
            if line.kind == Kind::BackupCreated.name() {
                made = made.max(Some(line.time / 1000));
            } else if line.body.get("drill") == Some(&true.into()) {
                drilled = drilled.max(Some(line.time / 1000));
            }
            true
        });
        match read {
            Ok(_) => any = true,
            Err(error) => return found.unseen(format!("whether there are back-ups: {error}")),
        }
    }
    if any {
        told(at, made, drilled, found);
    }
}

fn told(at: &Ground, made: Option<u64>, drilled: Option<u64>, found: &Found) {
    let age = |when: u64| at.seconds().saturating_sub(when);
    let create =
        "`privet backup create --config FILE --to DIR --key-file KEY` every night, its key elsewhere (docs/BACKUP.md)";
    match made.map(age) {
        None => found.warning(
            "none",
            "the journal tells of no back-up: keys, accounts and the journal are here alone",
            create,
        ),
        Some(age) if age > OLD.as_secs() => {
            found.warning("old", format!("the last back-up was made {} ago", span(age)), create);
        }
        Some(_) => {}
    }
    let changed = |path: &PathBuf| fs::metadata(path).and_then(|about| about.modified()).ok();
    let keys = at.config.seal.key_file.as_ref().filter(|path| variable(path).is_none());
    let changed = keys.and_then(changed).and_then(|when| Some(when.duration_since(UNIX_EPOCH).ok()?.as_secs()));
    if changed > made {
        let place = keys.map(|path| path.display().to_string()).unwrap_or_default();
        let seen =
            format!("no back-up has {place} as it is now: what is sealed by it can be read nowhere when it is lost");
        found.warning("key", seen, create);
    }
    let most = at.config.attest.drill.as_secs();
    let drill = "`privet backup restore FILE --data NEW --key-file KEY --drill-of DATA` into a folder that is removed afterwards";
    match drilled.map(age) {
        None => found.note("drill", "no back-up was ever brought back to see whether it can be", drill),
        Some(age) if age > most => found.warning(
            "drill",
            format!("the last drill was {} ago, and `backup_drill` is {}", span(age), span(most)),
            drill,
        ),
        Some(_) => {}
    }
}
