//! The fields of heads that come.

use std::collections::VecDeque;

use bytes::Bytes;

use super::{Malformed, Name, OVERHEAD, TABLE, fixed, huffman};

/// Integers are lengths and indexes: none is larger.
const MOST: usize = 1 << 24;

/// What a connection's heads before have said.
#[derive(Debug)]
pub struct Decoder {
    /// The newest is the first.
    entries: VecDeque<Field>,
    size: usize,
    most: usize,
    version: u64,
}

/// A field, or a control datum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Name,
    /// Its value, whatever bytes that are.
    pub value: Bytes,
    /// Whether the other side wants it remembered.
    pub is_remembered: bool,
    /// Whether nobody may remember it, on any hop (RFC 7541, section 6.2.3).
    pub is_sensitive: bool,
}

impl Field {
    /// What it takes of a table, and of a head's limit (RFC 9113, section 6.5.2).
    #[must_use]
    pub fn size(&self) -> usize {
        self.name.len() + self.value.len() + OVERHEAD
    }
}

impl Default for Decoder {
    /// Of a connection that begins.
    fn default() -> Self {
        Self { entries: VecDeque::new(), size: 0, most: TABLE, version: 0 }
    }
}

impl Decoder {
    /// Changes with every change of what is remembered: while it is the same, the same bytes mean the same.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Begins a block: what of it the fields are.
    ///
    /// # Errors
    /// When it begins with what is malformed.
    pub fn begin<'a>(&mut self, mut block: &'a [u8]) -> Result<&'a [u8], Malformed> {
        while let Some(0x20..=0x3f) = block.first() {
            let most = integer(&mut block, 5)?;
            if most > TABLE {
                return Err(Malformed);
            }
            self.most = most;
            self.version += 1;
            self.evict(0);
        }
        Ok(block)
    }

    /// The next field of the `rest` of a `block`. Its value may share the bytes of that.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn next(&mut self, block: &Bytes, rest: &mut &[u8]) -> Result<Field, Malformed> {
        match rest.first() {
            Some(0x80..) => {
                let index = integer(rest, 7)?;
                self.field(index)
            }
            Some(0x40..) => {
                let field = self.literal(block, rest, 6)?;
                // What is kept does not hold all that came with it.
                let field = Field { value: Bytes::copy_from_slice(&field.value), is_remembered: true, ..field };
                self.insert(field.clone());
                Ok(field)
            }
            // Only a block begins with another size of the table.
            Some(0x20..) | None => Err(Malformed),
            Some(first) => {
                let is_sensitive = *first >= 0x10;
                Ok(Field { is_sensitive, ..self.literal(block, rest, 4)? })
            }
        }
    }

    fn literal(&self, block: &Bytes, rest: &mut &[u8], bits: u32) -> Result<Field, Malformed> {
        let name = match integer(rest, bits)? {
            0 => Name::read(&string(block, rest)?),
            index => self.name(index)?.clone(),
        };
        Ok(Field { name, value: string(block, rest)?, is_remembered: false, is_sensitive: false })
    }

    fn field(&self, index: usize) -> Result<Field, Malformed> {
        if let Some(index) = index.checked_sub(fixed::TABLE.len() + 1) {
            return self.entries.get(index).cloned().ok_or(Malformed);
        }
        let (name, value) = fixed::TABLE.get(index.wrapping_sub(1)).ok_or(Malformed)?;
        let value = Bytes::from_static(value.as_bytes());
        Ok(Field { name: name.clone(), value, is_remembered: true, is_sensitive: false })
    }

    fn name(&self, index: usize) -> Result<&Name, Malformed> {
        match index.checked_sub(fixed::TABLE.len() + 1) {
            Some(index) => self.entries.get(index).map(|field| &field.name).ok_or(Malformed),
            None => fixed::TABLE.get(index.wrapping_sub(1)).map(|(name, _)| name).ok_or(Malformed),
        }
    }

    fn insert(&mut self, field: Field) {
        self.version += 1;
        let size = field.size();
        self.evict(size);
        // One that is too large leaves the table empty, and is no error (RFC 7541, section 4.4).
        if size <= self.most {
            self.size += size;
            self.entries.push_front(field);
        }
    }

    /// Makes room.
    fn evict(&mut self, room: usize) {
        while self.size + room > self.most
            && let Some(field) = self.entries.pop_back()
        {
            self.size -= field.size();
        }
    }
}

/// An integer that begins with the last `bits` of a byte.
fn integer(rest: &mut &[u8], bits: u32) -> Result<usize, Malformed> {
    let (first, mut bytes) = rest.split_first().ok_or(Malformed)?;
    let most = (1 << bits) - 1;
    let mut value = usize::from(*first) & most;
    if value == most {
        let mut shift = 0;
        loop {
            let (byte, behind) = bytes.split_first().ok_or(Malformed)?;
            bytes = behind;
            value += usize::from(byte & 0x7f) << shift;
            shift += 7;
            if value > MOST || shift > 28 {
                return Err(Malformed);
            }
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *rest = bytes;
    Ok(value)
}

fn string(block: &Bytes, rest: &mut &[u8]) -> Result<Bytes, Malformed> {
    let is_coded = rest.first().is_some_and(|byte| byte & 0x80 != 0);
    let length = integer(rest, 7)?;
    let (bytes, behind) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = behind;
    if !is_coded {
        return Ok(block.slice_ref(bytes));
    }
    // No code is shorter than five bits.
    let mut decoded = Vec::with_capacity(bytes.len() * 8 / 5);
    huffman::decode(bytes, &mut decoded)?;
    Ok(decoded.into())
}
