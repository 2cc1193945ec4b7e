//! What a route asks for.

use crate::format::path::Pattern;

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
