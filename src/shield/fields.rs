//! What a body, a query or a head is made of, for rules to look at: names and values in one buffer.

use std::ops::Range;

/// A piece of [`Fields`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// Its place in the buffer.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// How many bytes it has.
    #[must_use]
    pub const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A name and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name.
    pub name: Span,
    /// The value.
    pub value: Span,
}

/// How much is read of what comes from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Most arguments, those of the query included.
    pub arguments: usize,
    /// Deepest nesting of JSON and XML.
    pub depth: usize,
}

/// Names and values, kept in one buffer, so that a body of 2,000 fields asks for memory a few times.
#[derive(Debug, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    list: Vec<Field>,
}

impl Fields {
    /// Nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), list: Vec::new() }
    }

    /// One more.
    pub fn push(&mut self, name: &[u8], value: &[u8]) {
        let name = self.keep(name);
        let value = self.keep(value);
        self.list.push(Field { name, value });
    }

    /// One more, whose value (and name, if it does so) `write` appends to the buffer: it is handed the buffer twice, first for the name.
    pub fn push_with(&mut self, name: impl FnOnce(&mut Vec<u8>), value: impl FnOnce(&mut Vec<u8>)) {
        let name = self.write(name);
        let value = self.write(value);
        self.list.push(Field { name, value });
    }

    /// All, in the order in which they came.
    #[must_use]
    pub fn list(&self) -> &[Field] {
        &self.list
    }

    /// What is there.
    #[must_use]
    pub fn bytes(&self, span: Span) -> &[u8] {
        &self.bytes[span.range()]
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.list.iter().map(|field| (self.bytes(field.name), self.bytes(field.value)))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn keep(&mut self, text: &[u8]) -> Span {
        self.write(|bytes| bytes.extend_from_slice(text))
    }

    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Span {
        let start = self.bytes.len();
        write(&mut self.bytes);
        // A buffer holds what was inspected of one request, which is bounded far below 4 GiB.
        let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { start: place(start), end: place(self.bytes.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_come_back_in_order() {
        let mut fields = Fields::new();
        fields.push(b"a", b"1");
        fields.push_with(|name| name.extend(b"bc"), |_| {});
        assert_eq!(fields.iter().collect::<Vec<_>>(), [(&b"a"[..], &b"1"[..]), (b"bc", b"")]);
        assert_eq!(fields.len(), 2);
    }
}
