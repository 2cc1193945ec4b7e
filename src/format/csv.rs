//! Values parted by a sign (RFC 4180, and what spreadsheets write): the first line names the columns.
//!
//! The sign is the one of `,` `;` TAB `|` that the first line has most of. Where the visitor replaces something in the first line it
//! was no head, and the columns have no names.

use super::{
    path::Path,
    visitor::{HELD, Malformed, Shape, Visitor},
};

/// Columns whose names are remembered, and the longest name in bytes.
const COLUMNS: usize = 1024;
const LONGEST_NAME: usize = 256;

/// A reader of CSV.
#[derive(Debug)]
pub struct Csv<V> {
    visitor: V,
    path: Path,
    separator: Option<u8>,
    names: Vec<Vec<u8>>,
    head: Head,
    column: usize,
    quote: Quote,
    long: bool,
    /// What came of the field at hand (or of the first line), raw.
    held: Vec<u8>,
    plain: Vec<u8>,
    new: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Head {
    Reading,
    /// The first line holds data.
    Absent,
    Read,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// At the start of a field.
    Start,
    /// Outside of quotes.
    Out,
    /// Within them.
    In,
    /// Behind a quote within them: doubled, or the end.
    Closing,
}

impl Quote {
    /// What `byte` makes of it; the sign does not come here.
    pub(super) fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Self::Start | Self::Closing, b'"') => Self::In,
            (Self::Start, b' ' | 0xEF | 0xBB | 0xBF) => Self::Start,
            (Self::In, b'"') => Self::Closing,
            (Self::In, _) => Self::In,
            _ => Self::Out,
        }
    }
}

impl<V: Visitor> Csv<V> {
    /// A reader; `separator` where it is known.
    pub fn new(visitor: V, separator: Option<u8>) -> Self {
        Self {
            visitor,
            path: Path::new(),
            separator,
            names: Vec::new(),
            head: Head::Reading,
            column: 0,
            quote: Quote::Start,
            long: false,
            held: Vec::new(),
            plain: Vec::new(),
            new: Vec::new(),
        }
    }

    /// Who is asked.
    pub fn visitor(&mut self) -> &mut V {
        &mut self.visitor
    }

    /// Reads a piece; appends what can go out.
    ///
    /// # Errors
    /// Never: any bytes are some CSV.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        if let Some(separator) = self.separator {
            self.fields(bytes, separator, out);
            return Ok(());
        }
        // The first line is waited for, to see how fields are parted.
        let mut quote = self.quote;
        let end = bytes.iter().position(|&byte| {
            quote = quote.after(byte);
            byte == b'\n' && quote != Quote::In
        });
        let missing = HELD.saturating_sub(self.held.len());
        let take = end.map_or(bytes.len(), |end| end + 1).min(missing.max(1));
        self.held.extend_from_slice(&bytes[..take]);
        self.quote = quote;
        if end.is_some_and(|end| end < take) || self.held.len() >= HELD {
            self.start(out);
            return self.push(&bytes[take..], out);
        }
        Ok(())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// Never.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.separator.is_none() {
            self.start(out);
        }
        self.settle(out);
        Ok(())
    }

    /// Ends the field at hand, which goes on no further.
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        if self.separator.is_some() && (self.long || !self.held.is_empty()) {
            self.end_field(b"", out);
        }
    }

    /// Decides on the sign, then reads what was held.
    fn start(&mut self, out: &mut Vec<u8>) {
        let line = std::mem::take(&mut self.held);
        let separator = separator(&line);
        self.separator = Some(separator);
        self.quote = Quote::Start;
        self.fields(&line, separator, out);
    }

    fn fields(&mut self, bytes: &[u8], separator: u8, out: &mut Vec<u8>) {
        let mut start = 0;
        let mut done = 0;
        for (i, &byte) in bytes.iter().enumerate() {
            let ends = byte == separator || byte == b'\n' || byte == b'\r';
            if !ends || self.quote == Quote::In {
                self.quote = self.quote.after(byte);
                continue;
            }
            if start < i || !self.held.is_empty() || self.long {
                if self.held.is_empty() && !self.long && i - start <= HELD {
                    if self.ask(&bytes[start..i]) {
                        out.extend_from_slice(&bytes[done..start]);
                        write(&self.new, &bytes[start..i], separator, out);
                        done = i;
                    }
                } else {
                    out.extend_from_slice(&bytes[done..start]);
                    self.end_field(&bytes[start..i], out);
                    done = i;
                }
            }
            self.quote = Quote::Start;
            start = i + 1;
            match byte {
                b'\n' => self.end_line(),
                b'\r' => {}
                _ => self.column += 1,
            }
        }
        out.extend_from_slice(&bytes[done..start]);
        self.hold(&bytes[start..], out);
    }

    fn end_line(&mut self) {
        self.column = 0;
        match self.head {
            Head::Reading => self.head = Head::Read,
            Head::Absent => {
                self.names.clear();
                self.head = Head::Read;
            }
            Head::Read => {}
        }
    }

    /// Keeps the beginning of a field; shows it in parts when it is too long.
    fn hold(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if !self.long && self.held.len() + bytes.len() <= HELD {
            self.held.extend_from_slice(bytes);
            return;
        }
        self.parts(bytes, out);
    }

    fn parts(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        self.enter();
        if !self.long {
            self.long = true;
            let take = HELD - self.held.len();
            let mut first = std::mem::take(&mut self.held);
            first.extend_from_slice(&bytes[..take]);
            bytes = &bytes[take..];
            self.visitor.part(&self.path, &first, out);
        }
        // Quotes stay as they are: doubled ones within a text of this length part no value.
        self.visitor.part(&self.path, bytes, out);
        self.leave();
    }

    /// The last bytes of a field that began in an earlier piece.
    fn end_field(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        if !self.long && self.held.len() + bytes.len() <= HELD {
            let mut field = std::mem::take(&mut self.held);
            field.extend_from_slice(bytes);
            if self.ask(&field) {
                write(&self.new, &field, self.separator.unwrap_or(b','), out);
            } else {
                out.extend_from_slice(&field);
            }
            field.clear();
            self.held = field;
            return;
        }
        self.parts(bytes, out);
        self.enter();
        self.visitor.end(&self.path, out);
        self.leave();
        self.long = false;
    }

    fn enter(&mut self) {
        let name = self.names.get(self.column).map_or(&b""[..], Vec::as_slice);
        // One name of this length always fits.
        let _ = if self.head == Head::Read { self.path.push(name) } else { self.path.push(b"") };
    }

    fn leave(&mut self) {
        self.path.pop();
    }

    fn ask(&mut self, raw: &[u8]) -> bool {
        self.plain.clear();
        let mut plain = std::mem::take(&mut self.plain);
        let value = unquote(raw, &mut plain);
        self.new.clear();
        self.enter();
        let rewritten = self.visitor.field(&self.path, value, Shape::Text, &mut self.new);
        self.leave();
        if self.head != Head::Read {
            if rewritten {
                self.head = Head::Absent;
            }
            if self.names.len() < COLUMNS && self.column < COLUMNS {
                self.names.resize(self.column, Vec::new());
                let name = value.trim_ascii();
                self.names.push(if name.len() <= LONGEST_NAME { name.to_vec() } else { Vec::new() });
            }
        }
        self.plain = plain;
        rewritten
    }
}

/// The sign that parts the fields of a first line.
pub(super) fn separator(line: &[u8]) -> u8 {
    let count = |sign: u8| memchr::memchr_iter(sign, line).count();
    // The first of equals wins.
    *b",;\t|".iter().rev().max_by_key(|sign| count(**sign)).unwrap_or(&b',')
}

/// What stands between the quotes of `raw`, where it has any.
pub(super) fn unquote<'a>(raw: &'a [u8], plain: &'a mut Vec<u8>) -> &'a [u8] {
    let trimmed = raw.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(raw).trim_ascii();
    let Some(inner) = trimmed.strip_prefix(b"\"") else { return trimmed };
    let inner = inner.strip_suffix(b"\"").unwrap_or(inner);
    if memchr::memchr(b'"', inner).is_none() {
        return inner;
    }
    let mut pair = false;
    for &byte in inner {
        pair = byte == b'"' && !pair;
        if !pair {
            plain.push(byte);
        }
    }
    plain
}

/// Writes `new` in the place of `raw`, within quotes where there were some or some are needed.
fn write(new: &[u8], raw: &[u8], separator: u8, out: &mut Vec<u8>) {
    if raw.starts_with(b"\xEF\xBB\xBF") {
        out.extend_from_slice(b"\xEF\xBB\xBF");
    }
    let quoted =
        memchr::memchr(b'"', raw).is_some() || new.iter().any(|&b| b == separator || matches!(b, b'"' | b'\n' | b'\r'));
    if !quoted {
        out.extend_from_slice(new);
        return;
    }
    out.push(b'"');
    for &byte in new {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
