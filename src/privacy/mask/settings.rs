//! What a route asks for.

pub use crate::format::{
    path::Pattern,
    records::{At, Records},
};

/// The mask of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Places whose values are masked whatever they are.
    pub paths: Vec<Pattern>,
    /// What becomes of a body that can't be read.
    pub uninspectable: Uninspectable,
}

/// What becomes of what can't be inspected: an unknown coding, a binary format, broken JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uninspectable {
    /// It passes as it is.
    Pass,
    /// It is refused, or cut where its beginning is out already.
    Refuse,
}

impl Uninspectable {
    /// What happens to it, in a sentence of which it is the subject.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Pass => "passes",
            Self::Refuse => "is refused",
        }
    }
}
