//! What the registry asks of people. Validated values only; `config` fills them.

use std::time::Duration;

use super::person::OFFICER;

/// The registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The realm whose accounts it says the roles of.
    pub realm: String,
    /// The operator's own pledge; the built-in texts without.
    pub pledge: Option<String>,
    /// How long a signature holds.
    pub pledge_valid: Duration,
    /// Roles that are given by two officers; that of officers is one whatever is set.
    pub sensitive: Vec<String>,
    /// How long a grant goes before somebody has to say that it is still right.
    pub recertify: Duration,
    /// How long access records go before an officer has to have reviewed them.
    pub review: Duration,
    /// Minutes that the office is ahead of UTC: its nights and weekends are looked at.
    pub utc_offset: i16,
}

impl Default for Settings {
    fn default() -> Self {
        let days = |n: u64| Duration::from_secs(n * 86_400);
        Self {
            realm: "staff".to_owned(),
            pledge: None,
            pledge_valid: days(365),
            sensitive: Vec::new(),
            recertify: days(90),
            review: days(30),
            utc_offset: 0,
        }
    }
}

impl Settings {
    /// Whether a role is given by two officers.
    #[must_use]
    pub fn is_sensitive(&self, role: &str) -> bool {
        role == OFFICER || self.sensitive.iter().any(|sensitive| sensitive == role)
    }
}
