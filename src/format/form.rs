//! `application/x-www-form-urlencoded` (WHATWG URL, section 5).

use super::{
    path::Path,
    visitor::{HELD, Malformed, Shape, Visitor},
};

/// Longest name in bytes.
const LONGEST_NAME: usize = 8 << 10;

/// A reader of forms.
#[derive(Debug)]
pub struct Form<V> {
    visitor: V,
    path: Path,
    in_value: bool,
    long: bool,
    held: Vec<u8>,
    plain: Vec<u8>,
    new: Vec<u8>,
}

impl<V: Visitor> Form<V> {
    /// A reader.
    pub fn new(visitor: V) -> Self {
        let (held, plain, new) = (Vec::new(), Vec::new(), Vec::new());
        Self { visitor, path: Path::new(), in_value: false, long: false, held, plain, new }
    }

    /// Who is asked.
    pub fn visitor(&mut self) -> &mut V {
        &mut self.visitor
    }

    /// Reads a piece; appends what can go out.
    ///
    /// # Errors
    /// When a name is too long.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        while !bytes.is_empty() {
            let end = if self.in_value { memchr::memchr(b'&', bytes) } else { memchr::memchr2(b'=', b'&', bytes) };
            let Some(end) = end else { return self.hold(bytes, out) };
            self.hold(&bytes[..end], out)?;
            if self.in_value {
                self.end_value(out);
            } else {
                self.end_name(out)?;
                self.in_value = bytes[end] == b'=';
                if !self.in_value {
                    self.path.pop();
                }
            }
            out.push(bytes[end]);
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// When a name is too long.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.in_value {
            self.end_value(out);
        } else {
            self.end_name(out)?;
            self.path.pop();
        }
        Ok(())
    }

    fn hold(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let length = self.held.len() + bytes.len();
        if !self.in_value && length > LONGEST_NAME {
            return Err(Malformed("a name in a form is too long"));
        }
        if !self.long && length <= HELD {
            self.held.extend_from_slice(bytes);
            return Ok(());
        }
        let mut rest = bytes;
        if !self.long {
            self.long = true;
            let take = HELD - self.held.len();
            self.held.extend_from_slice(&bytes[..take]);
            rest = &bytes[take..];
            self.show_part(false, out);
        }
        for piece in rest.chunks(HELD) {
            self.held.extend_from_slice(piece);
            self.show_part(false, out);
        }
        Ok(())
    }

    /// Shows what is held but for an escape that goes on.
    fn show_part(&mut self, last: bool, out: &mut Vec<u8>) {
        let cut = self.held.iter().rev().take(2).position(|&b| b == b'%').map_or(0, |n| n + 1);
        let whole = if last { self.held.len() } else { self.held.len() - cut };
        self.plain.clear();
        self.new.clear();
        decode(&self.held[..whole], &mut self.plain);
        self.visitor.part(&self.path, &self.plain, &mut self.new);
        encode(&self.new, out);
        self.held.drain(..whole);
    }

    fn end_name(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        self.plain.clear();
        self.new.clear();
        decode(&self.held, &mut self.plain);
        if !self.path.push(&self.plain) {
            return Err(Malformed("a name in a form is too long"));
        }
        if !self.held.is_empty() && self.visitor.name(&self.path, &self.plain, &mut self.new) {
            encode(&self.new, out);
        } else {
            out.extend_from_slice(&self.held);
        }
        self.held.clear();
        Ok(())
    }

    fn end_value(&mut self, out: &mut Vec<u8>) {
        if self.long {
            self.show_part(true, out);
            self.new.clear();
            self.visitor.end(&self.path, &mut self.new);
            encode(&self.new, out);
        } else {
            self.plain.clear();
            self.new.clear();
            decode(&self.held, &mut self.plain);
            if self.visitor.field(&self.path, &self.plain, Shape::Text, &mut self.new) {
                encode(&self.new, out);
            } else {
                out.extend_from_slice(&self.held);
            }
        }
        self.held.clear();
        self.long = false;
        self.in_value = false;
        self.path.pop();
    }
}

/// Appends what `raw` stands for; what is no escape stays.
pub fn decode(raw: &[u8], plain: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(n) = memchr::memchr2(b'%', b'+', rest) {
        plain.extend_from_slice(&rest[..n]);
        let digit =
            |i: usize| rest.get(n + i).and_then(|&b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        let (byte, width) = match (rest[n], digit(1), digit(2)) {
            (b'+', ..) => (b' ', 1),
            (_, Some(high), Some(low)) => (high << 4 | low, 3),
            (other, ..) => (other, 1),
        };
        plain.push(byte);
        rest = &rest[n + width..];
    }
    plain.extend_from_slice(rest);
}

fn encode(plain: &[u8], out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in plain {
        match byte {
            b' ' => out.push(b'+'),
            b'*' | b'-' | b'.' | b'_' => out.push(byte),
            _ if byte.is_ascii_alphanumeric() => out.push(byte),
            _ => out.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
}
