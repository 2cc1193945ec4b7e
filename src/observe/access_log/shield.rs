//! What rules against intrusion have found, as part of a line. What a client has sent is scrubbed here, names of arguments included.

use super::json::{self, Object};
use crate::{
    privacy::{Engine, Tally},
    shield::{
        Decision,
        decision::{Found, KEPT},
    },
};

/// Most bytes of a value that a line shows.
const SHOWN: usize = 96;

/// Writes `privet.shield`.
pub(super) fn write(decision: &Decision, engine: &Engine, object: &mut Object<'_>) {
    object.object("privet.shield", |shield| {
        shield.word("verdict", decision.verdict.name());
        shield.number("score", u64::try_from(decision.score).unwrap_or_default());
        if let Some(limit) = decision.exceeded {
            shield.word("exceeded", limit);
        }
        let rules = shield.name("rules");
        list(rules, &decision.rules, |id, out| json::number(u64::from(*id), out));
        let findings = shield.name("findings");
        list(findings, &decision.found, |found, out| finding(found, engine, out));
    });
}

fn list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn finding(found: &Found, engine: &Engine, out: &mut Vec<u8>) {
    let mut object = Object::open(out);
    object.number("id", u64::from(found.id));
    object.text("message", found.message.as_bytes());
    if let Some(severity) = found.severity {
        object.word("severity", severity.name());
    }
    if !found.tags.is_empty() {
        list(object.name("tags"), &found.tags, |tag, out| json::text(tag.as_bytes(), out));
    }
    let mut scrubbed = Vec::new();
    if !found.variable.is_empty() {
        let mut variable = found.variable.as_bytes().to_vec();
        if !found.member.is_empty() {
            variable.push(b':');
            engine.scrub(whole_words(&found.member), &mut scrubbed, &mut Tally::default());
            variable.append(&mut scrubbed);
        }
        object.text("variable", &variable);
        // By its name first: a field for passwords holds one, whatever it looks like.
        engine.scrub_field(&found.member, whole_words(&found.value), &mut scrubbed, &mut Tally::default());
        scrubbed.truncate(SHOWN);
        object.text("value", &scrubbed);
    }
    object.close();
}

/// A value that was cut without the word that the cut went through: half of a number would not be known for one.
fn whole_words(value: &[u8]) -> &[u8] {
    if value.len() < KEPT {
        return value;
    }
    &value[..value.iter().rposition(u8::is_ascii_whitespace).unwrap_or(0)]
}
