//! `[scan]`: vulnerability analysis.

use super::key::{Key, key};

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    key(
        "scan",
        "watch_bytes",
        "\"64KiB\"",
        "64KiB",
        "Most bytes of an answer that rules look at on routes with `watch`; 1KiB to 1MiB. docs/SCAN.md.",
    ),
    key(
        "scan",
        "retirejs",
        "\"jsrepository.json\"",
        "none",
        "File of JavaScript libraries with known holes, in RetireJS's form. Watched: a changed file is taken into use.",
    ),
];
