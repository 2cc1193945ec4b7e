//! What clamd has said of a request's files, as part of a line. Names of files are people's: none is in it.

use super::json::Object;
use crate::antivirus::{Decision, Verdict};

/// Appends `privet.antivirus`.
pub(super) fn write(decision: &Decision, object: &mut Object<'_>) {
    object.object("privet.antivirus", |scanned| {
        scanned.word("verdict", decision.verdict.name());
        scanned.word("direction", decision.direction.name());
        scanned.word("outcome", if decision.refused { "refused" } else { "passed" });
        scanned.number("files", decision.items as u64);
        if let Some(why) = decision.verdict.why() {
            scanned.word("reason", why);
        }
        if let Verdict::Infected(infection) = &decision.verdict {
            scanned.text("signature", infection.signature.as_bytes());
            scanned.number("file", infection.item as u64);
            scanned.number("size", infection.size);
            if let Some(id) = &infection.quarantine {
                scanned.text("quarantine", id.as_bytes());
            }
        }
    });
}
