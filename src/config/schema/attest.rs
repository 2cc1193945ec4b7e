//! `[attest]`: the truth of the policy.

use super::key::{Key, key};

/// Its keys.
pub(super) const KEYS: &[Key] = &[
    key(
        "attest",
        "policy",
        "\"policy.toml\"",
        "the shipped one",
        "File of the published policy: clauses in Korean and English, and the controls that make each true. Watched. docs/ATTEST.md has the form.",
    ),
    key(
        "attest",
        "every",
        "\"24h\"",
        "off",
        "How often Privet looks by itself whether each clause is true, at least 1m; the first time a minute after a start.",
    ),
    key(
        "attest",
        "backup_drill",
        "\"90d\"",
        "90d",
        "How old the last drill of a back-up may be (`privet backup restore --drill-of`), at least 1d.",
    ),
];
