//! Rules for tests.

use std::time::Duration;

use super::settings::{Criteria, Limits, Preset, Rule};

/// A login at `/login` of an application of this kind.
pub(super) fn rule(preset: Preset) -> Rule {
    Rule {
        name: "*/login".to_owned(),
        path: "/login".to_owned(),
        prefix: preset == Preset::Basic,
        method: None,
        username: preset.username(),
        failure: preset.failure(),
        success: Criteria::default(),
        otherwise: preset.otherwise(),
        limits: Limits::default(),
        consecutive: 100,
        lock: Duration::from_secs(86_400),
        device_age: Duration::from_secs(90 * 86_400),
        body_limit: 64 << 10,
    }
}
