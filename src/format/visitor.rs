//! Who is asked about values, and what reading can fail with.

use super::path::Path;

/// Most bytes of a value that is shown as a whole. Longer ones are shown in parts.
pub const HELD: usize = 64 << 10;

/// What kind of token a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Text.
    Text,
    /// A number of JSON; its replacement becomes a text.
    Number,
    /// `true`, `false` or `null` of JSON; any replacement becomes `null`.
    Word,
    /// Source of a script: what stands outside of quotes can't be replaced by just any text.
    Script,
}

/// Asked about each value of a body, in order. Values are plain: neither escaped nor encoded.
pub trait Visitor {
    /// A whole value. `true` when `out` holds what takes its place; `out` is empty before.
    fn field(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool;

    /// Whether what takes the place of a number is a number, and not a text.
    fn writes_numbers(&self) -> bool {
        false
    }

    /// The name of the field at `at`, where names are data too.
    fn name(&mut self, at: &Path, name: &[u8], out: &mut Vec<u8>) -> bool;

    /// A part of a value that is too long to be shown as a whole; what may go out so far is appended.
    fn part(&mut self, at: &Path, part: &[u8], out: &mut Vec<u8>);

    /// The end of such a value: the rest is appended.
    fn end(&mut self, at: &Path, out: &mut Vec<u8>);
}

impl<V: Visitor + ?Sized> Visitor for &mut V {
    fn field(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool {
        (**self).field(at, value, shape, out)
    }

    fn writes_numbers(&self) -> bool {
        (**self).writes_numbers()
    }

    fn name(&mut self, at: &Path, name: &[u8], out: &mut Vec<u8>) -> bool {
        (**self).name(at, name, out)
    }

    fn part(&mut self, at: &Path, part: &[u8], out: &mut Vec<u8>) {
        (**self).part(at, part, out);
    }

    fn end(&mut self, at: &Path, out: &mut Vec<u8>) {
        (**self).end(at, out);
    }
}

/// A body can't be read safely. It names what is wrong and nothing of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);
