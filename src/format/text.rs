//! Plain text: one value without a name.

use super::{
    path::Path,
    visitor::{Malformed, Visitor},
};

/// A reader of plain text.
#[derive(Debug)]
pub struct Text<V> {
    visitor: V,
    path: Path,
}

impl<V: Visitor> Text<V> {
    /// A reader.
    pub fn new(visitor: V) -> Self {
        Self { visitor, path: Path::new() }
    }

    /// Who is asked.
    pub fn visitor(&mut self) -> &mut V {
        &mut self.visitor
    }

    /// Reads a piece; appends what can go out.
    ///
    /// # Errors
    /// Never; as of the other readers.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        self.visitor.part(&self.path, bytes, out);
        Ok(())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// Never; as of the other readers.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        self.visitor.end(&self.path, out);
        Ok(())
    }
}
