//! The journal's end, who holds it, and whether somebody outside vouches for it. All of it is read by `privet audit verify`, not here.

use std::{fs, path::Path};

use super::{
    finding::{Found, span, why},
    ground::{Gateway, Ground},
};
use crate::journal::{Place, ending, settings::To, verify::Problem};

pub(super) fn look(at: &Ground, found: &Found) {
    let Some(journal) = &at.config.journal else {
        let mend = "set `path` of [journal]: it shows who has seen what, and that nothing was changed";
        return found.note("off", "no journal is kept", mend);
    };
    // A database that can't be reached `database` tells of.
    for place in journal.place.own().unwrap_or_default() {
        end(at, &place, found);
        held(at, &place, found);
    }
    if journal.witnesses.is_empty() {
        let mend = "[[journal.witness]] brings checkpoints to a file elsewhere, a URL or a mailbox: without one, who rules this machine can put an older journal back unseen";
        found.note("unwitnessed", "nobody outside vouches for the journal", mend);
    }
    for witness in &journal.witnesses {
        if let To::File(path) = &witness.to {
            let most = witness.every.as_secs() * 2 + 3600;
            witnessed(at, path, most, found);
        }
    }
}

fn end(at: &Ground, place: &Place, found: &Found) {
    let ending = match ending::look(place) {
        Ok(ending) => ending,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return,
        Err(error) => return found.unseen(format!("the journal in {place}: {}", why(&error))),
    };
    for problem in ending.problems {
        match problem {
            // What is just being written.
            Problem::Torn { .. } if at.gateway != Gateway::Absent => {}
            Problem::Torn { .. } => found.warning(
                "torn",
                format!("the journal in {place}: {problem}"),
                "nothing that was on disk for certain is lost: the next start cuts it off and says so in the journal. See why the machine or the process ended so (`journalctl -b -1`)",
            ),
            _ => found.fault(
                "damaged",
                format!("the journal in {place}: {problem}"),
                "touch nothing: `privet audit verify` says all that is wrong with it, `privet backup restore` brings a whole one back into a new folder; a gateway refuses to write behind it",
            ),
        }
    }
}

fn held(at: &Ground, place: &Place, found: &Found) {
    // Whoever answers holds it rightly, and so does who holds the data folder.
    if !matches!(at.gateway, Gateway::Absent | Gateway::Hidden(_)) || !place.is_held().unwrap_or(false) {
        return;
    }
    let who = place.writer();
    let seen = match who {
        Some(id) if Path::new("/proc").join(id.to_string()).exists() => {
            format!("the journal in {place} is held by process {id}, and no gateway answers here")
        }
        Some(id) => format!(
            "the journal in {place} is held by process {id}, which is not here: it has died on another machine that shares the folder, or is in another container"
        ),
        None => format!("the journal in {place} is held, and no gateway answers here"),
    };
    let mend = "one gateway writes a journal: end that process, or name another `path`; on a shared disk see to the machine that has it. The lock goes with the process, and no file has to be removed";
    found.fault("held", seen, mend);
}

fn witnessed(at: &Ground, path: &Path, most: u64, found: &Found) {
    let age = fs::metadata(path)
        .and_then(|about| about.modified())
        .map(|when| at.now.duration_since(when).unwrap_or_default().as_secs());
    let shown = path.display();
    let seen = match age {
        Err(error) => format!("the witness {shown} has taken no checkpoint: {error}"),
        Ok(age) if age > most => format!("the witness {shown} has taken no checkpoint for {}", span(age)),
        Ok(_) => return,
    };
    found.warning("unwitnessed", seen, "see whether the place is mounted and can be written by the gateway, and whether one runs; `privet audit witness` takes one now");
}
