//! What is asked of cases. Validated values only; `config` fills them.

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
