//! Keys of incidents.

use super::key::{Key, key};

/// `[incident]`.
pub(super) const KEYS: &[Key] = &[key(
    "incident",
    "laws",
    "[\"kr-pipa\", \"gdpr\"]",
    "[\"kr-pipa\"]",
    "The laws whose clocks run in each case (docs/INCIDENTS.md): `kr-pipa`, `gdpr`, `us-ca`; each in the version that is in force when the case is known.",
)];
