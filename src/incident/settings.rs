//! What is asked of cases. Validated values only; `config` fills them.

use super::law::Law;

/// The names of all laws that are known.
#[must_use]
pub fn known_laws() -> Vec<&'static str> {
    Law::ids()
}

/// Incidents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The laws whose clocks run, by their ids.
    pub laws: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { laws: vec!["kr-pipa".to_owned()] }
    }
}
