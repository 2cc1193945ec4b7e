//! How much may yet be kept of a body.

use crate::shield::fields::Bounds;

/// Bytes of names that any body may have, however small it is.
const NAMES: usize = 64 << 10;
/// Bytes of names for each byte of a body: names are said again for each value below them, which must not make gigabytes of a small body.
const FACTOR: usize = 16;

/// What is left.
#[derive(Debug)]
pub(super) struct Budget {
    fields: usize,
    names: usize,
}

impl Budget {
    /// For a body of so many bytes.
    pub(super) const fn new(bounds: Bounds, length: usize) -> Self {
        Self { fields: bounds.arguments, names: NAMES.saturating_add(FACTOR.saturating_mul(length)) }
    }

    /// Whether one more field is in it, with a name of so many bytes.
    pub(super) const fn field(&mut self, name: usize) -> bool {
        let fits = self.fields > 0 && self.name(name);
        if fits {
            self.fields -= 1;
        }
        fits
    }

    /// Whether a name of so many bytes is in it.
    pub(super) const fn name(&mut self, name: usize) -> bool {
        let fits = name <= self.names;
        if fits {
            self.names -= name;
        }
        fits
    }
}
