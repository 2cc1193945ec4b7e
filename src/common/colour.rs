//! Whether what is written may have colours.

use std::{env, io::IsTerminal};

/// Whether `stream` is a terminal whose reader has not asked for none (`NO_COLOR`), and that knows some.
#[must_use]
pub fn on(stream: &impl IsTerminal) -> bool {
    let has = |name: &str, is_no: fn(&str) -> bool| env::var(name).is_ok_and(|value| is_no(&value));
    stream.is_terminal() && !has("NO_COLOR", |value| !value.is_empty()) && !has("TERM", |value| value == "dumb")
}
