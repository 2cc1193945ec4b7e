//! What a person has written, on its way to a terminal, a log of a build, or a record: without personal data and secrets.

use std::sync::{Arc, LazyLock};

use crate::privacy::{Engine, Keys, Kind, Operator, Tally, settings::Settings};

/// Without addresses of networks among its types: a configuration is full of them, and nobody could read what is said of it.
static ENGINE: LazyLock<Option<Arc<Engine>>> = LazyLock::new(|| {
    let settings = Settings { off: vec![Kind::IpAddress], operator: Operator::Redact, ..Settings::default() };
    Keys::ephemeral().ok().map(|keys| Arc::new(Engine::new(&settings, Arc::new(keys))))
});

/// The engine of texts for people; none where there is no randomness.
pub(super) fn engine() -> Option<&'static Arc<Engine>> {
    ENGINE.as_ref()
}

/// `text` as a terminal may show it: what was written may have come from anybody, and nothing of it moves a cursor.
pub(super) fn printable(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] };
    text.chars().flat_map(escaped).collect()
}

/// `text` with every value in it written as its type; nothing of it where that can't be done.
pub(super) fn scrubbed(text: &str) -> String {
    let Some(engine) = &*ENGINE else { return "(not shown)".to_owned() };
    let mut out = Vec::with_capacity(text.len());
    engine.scrub(text.as_bytes(), &mut out, &mut Tally::default());
    String::from_utf8_lossy(&out).into_owned()
}
