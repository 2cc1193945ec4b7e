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

/// Of what node of a page a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Node<'a> {
    /// A text, in this column of a table: counted from 1, and 0 outside of tables.
    Text(usize),
    /// The value of this attribute.
    Attribute(&'a str),
    /// The name of an attribute. It goes with its value where something takes its place.
    Name,
    /// A comment.
    Comment,
    /// What is no text: a script, a style sheet.
    Raw,
}

/// Asked about each value of a body, in order. Values are plain: neither escaped nor encoded.
pub trait Visitor {
    /// A whole value. `true` when `out` holds what takes its place; `out` is empty before.
    fn field(&mut self, at: &Path, value: &[u8], shape: Shape, out: &mut Vec<u8>) -> bool;

    /// The next value is of this node. Told by readers of parts of pages alone.
    fn node(&mut self, _node: Node<'_>) {}

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

    fn node(&mut self, node: Node<'_>) {
        (**self).node(node);
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
