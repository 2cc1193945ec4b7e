//! XML: texts and attributes; elements name what they hold. A tokenizer, not a validator: entities of one's own stay as they are.

use super::{
    entity,
    path::Path,
    visitor::{HELD, Malformed, Shape, Visitor},
};

/// A reader of XML.
#[derive(Debug)]
pub struct Xml<V> {
    visitor: V,
    path: Path,
    state: State,
    /// A text, comment or CDATA section is longer than what is held.
    long: bool,
    held: Vec<u8>,
    plain: Vec<u8>,
    new: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Text,
    /// Behind `<`; what is held begins with it, and how far quotes were read is kept: 0 outside of them.
    Tag {
        quote: u8,
        depth: u32,
    },
    Comment,
    Data,
}

impl<V: Visitor> Xml<V> {
    /// A reader.
    pub fn new(visitor: V) -> Self {
        let (held, plain, new) = (Vec::new(), Vec::new(), Vec::new());
        Self { visitor, path: Path::new(), state: State::Text, long: false, held, plain, new }
    }

    /// Who is asked.
    pub fn visitor(&mut self) -> &mut V {
        &mut self.visitor
    }

    /// Reads a piece; appends what can go out.
    ///
    /// # Errors
    /// When a tag is too long or no tag, or elements are too deep.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        while !bytes.is_empty() {
            let read = match self.state {
                State::Text => self.text(bytes, out),
                State::Tag { quote, depth } => self.tag(bytes, quote, depth, out)?,
                State::Comment => self.section(bytes, *b"-->", out),
                State::Data => self.section(bytes, *b"]]>", out),
            };
            bytes = &bytes[read..];
        }
        Ok(())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// When it ends within a tag.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.state != State::Text {
            return Err(Malformed("XML ends within a tag"));
        }
        self.end_text(true, out);
        Ok(())
    }

    fn text(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let end = memchr::memchr(b'<', bytes);
        self.hold(&bytes[..end.unwrap_or(bytes.len())], true, out);
        let Some(end) = end else { return bytes.len() };
        self.end_text(true, out);
        self.held.push(b'<');
        self.state = State::Tag { quote: 0, depth: 0 };
        end + 1
    }

    /// Keeps bytes of a text; shows them in parts when there are too many.
    fn hold(&mut self, bytes: &[u8], escaped: bool, out: &mut Vec<u8>) {
        if !self.long && self.held.len() + bytes.len() <= HELD {
            self.held.extend_from_slice(bytes);
            return;
        }
        let mut rest = bytes;
        if !self.long {
            self.long = true;
            let take = HELD - self.held.len();
            self.held.extend_from_slice(&bytes[..take]);
            rest = &bytes[take..];
            self.show_part(false, escaped, out);
        }
        for piece in rest.chunks(HELD) {
            self.held.extend_from_slice(piece);
            self.show_part(false, escaped, out);
        }
    }

    fn show_part(&mut self, last: bool, escaped: bool, out: &mut Vec<u8>) {
        let held = &self.held;
        let tail = held.len().saturating_sub(entity::LONGEST);
        let cut = if escaped {
            memchr::memrchr(b'&', &held[tail..]).filter(|n| !held[tail + n..].contains(&b';')).map(|n| tail + n)
        } else {
            // The end of a section may be cut.
            Some(held.len().saturating_sub(2))
        };
        let whole = if last { held.len() } else { cut.unwrap_or(held.len()) };
        self.plain.clear();
        self.new.clear();
        if escaped {
            entity::decode(&held[..whole], &mut self.plain);
            self.visitor.part(&self.path, &self.plain, &mut self.new);
            entity::encode(&self.new, out);
        } else {
            self.visitor.part(&self.path, &held[..whole], out);
        }
        self.held.drain(..whole);
    }

    fn end_text(&mut self, escaped: bool, out: &mut Vec<u8>) {
        self.plain.clear();
        self.new.clear();
        if self.long {
            self.show_part(true, escaped, out);
            self.new.clear();
            self.visitor.end(&self.path, &mut self.new);
            if escaped {
                entity::encode(&self.new, out);
            } else {
                out.extend_from_slice(&self.new);
            }
            self.long = false;
        } else if !self.held.trim_ascii().is_empty() {
            let shown = if escaped && memchr::memchr(b'&', &self.held).is_some() {
                entity::decode(&self.held, &mut self.plain);
                self.plain.as_slice()
            } else {
                self.held.as_slice()
            };
            if !self.visitor.field(&self.path, shown, Shape::Text, &mut self.new) {
                out.extend_from_slice(&self.held);
            } else if escaped {
                entity::encode(&self.new, out);
            } else {
                out.extend_from_slice(&self.new);
            }
        } else {
            out.extend_from_slice(&self.held);
        }
        self.held.clear();
    }

    /// Up to the end of a comment or of a CDATA section.
    fn section(&mut self, bytes: &[u8], end: [u8; 3], out: &mut Vec<u8>) -> usize {
        // A byte at a time near `>` only: the two bytes before it may have come earlier.
        let mut from = 0;
        while let Some(n) = memchr::memchr(b'>', &bytes[from..]) {
            let at = from + n;
            let before = |k: usize| match at.checked_sub(k) {
                Some(i) => Some(bytes[i]),
                None => self.held.len().checked_sub(k - at).map(|i| self.held[i]),
            };
            if before(1) == Some(end[1]) && before(2) == Some(end[0]) {
                self.hold(&bytes[..at], false, out);
                let content = self.held.len().saturating_sub(2);
                self.held.truncate(content);
                self.end_text(false, out);
                out.extend_from_slice(&end);
                self.state = State::Text;
                return at + 1;
            }
            from = at + 1;
        }
        self.hold(bytes, false, out);
        bytes.len()
    }

    /// Up to the end of a tag, declaration or instruction.
    fn tag(&mut self, bytes: &[u8], mut quote: u8, mut depth: u32, out: &mut Vec<u8>) -> Result<usize, Malformed> {
        let instruction = |held: &[u8]| held.starts_with(b"<?");
        for (i, &byte) in bytes.iter().enumerate() {
            self.held.push(byte);
            if self.held.len() > HELD {
                return Err(Malformed("a tag in XML is too long"));
            }
            if byte == b'-' && self.held == b"<!--" || byte == b'[' && self.held == b"<![CDATA[" {
                out.extend_from_slice(&self.held);
                self.held.clear();
                self.state = if byte == b'-' { State::Comment } else { State::Data };
                return Ok(i + 1);
            }
            match byte {
                b'"' | b'\'' if quote == 0 && !instruction(&self.held) => quote = byte,
                _ if quote != 0 && byte == quote => quote = 0,
                _ if quote != 0 => {}
                b'[' if self.held.starts_with(b"<!") => depth += 1,
                b']' if depth > 0 => depth -= 1,
                b'>' if depth == 0 && (!instruction(&self.held) || self.held.ends_with(b"?>")) => {
                    let held = std::mem::take(&mut self.held);
                    self.state = State::Text;
                    self.whole_tag(&held, out)?;
                    return Ok(i + 1);
                }
                _ => {}
            }
        }
        self.state = State::Tag { quote, depth };
        Ok(bytes.len())
    }

    fn whole_tag(&mut self, tag: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        match tag.get(1) {
            Some(b'/') => {
                self.path.pop();
                out.extend_from_slice(tag);
                return Ok(());
            }
            Some(b'?' | b'!') => {
                // A declaration may carry texts of entities, and an instruction whatever it likes.
                self.new.clear();
                let rewritten = self.visitor.field(&self.path, tag, Shape::Script, &mut self.new);
                out.extend_from_slice(if rewritten { &self.new } else { tag });
                return Ok(());
            }
            Some(b) if b.is_ascii_alphabetic() || matches!(b, b'_' | b':') || *b >= 0x80 => {}
            _ => return Err(Malformed("no XML")),
        }
        let part = |b: &u8| !matches!(b, b' ' | b'\t' | b'\r' | b'\n' | b'/' | b'>');
        let end = 1 + tag[1..].iter().take_while(|b| part(b)).count();
        if !self.path.push(local(&tag[1..end])) {
            return Err(Malformed("XML is too deep"));
        }
        self.attributes(tag, end, out)?;
        if tag.ends_with(b"/>") {
            self.path.pop();
        }
        Ok(())
    }

    fn attributes(&mut self, tag: &[u8], end: usize, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut done = 0;
        let mut at = end;
        while let Some(n) = memchr::memchr(b'=', &tag[at..]) {
            let sign = at + n;
            let name = tag[at..sign].trim_ascii();
            let spaces = tag[sign + 1..].iter().take_while(|b| b.is_ascii_whitespace()).count();
            let open = sign + 1 + spaces;
            let quote = *tag.get(open).filter(|b| matches!(b, b'"' | b'\'')).ok_or(Malformed("no XML"))?;
            let close = memchr::memchr(quote, &tag[open + 1..]).map(|n| open + 1 + n).ok_or(Malformed("no XML"))?;
            at = close + 1;
            let name = local(name);
            if name == b"xmlns" || !self.path.push(name) {
                continue;
            }
            let raw = &tag[open + 1..close];
            self.plain.clear();
            self.new.clear();
            entity::decode(raw, &mut self.plain);
            let rewritten = self.visitor.field(&self.path, &self.plain, Shape::Text, &mut self.new);
            self.path.pop();
            if rewritten {
                out.extend_from_slice(&tag[done..=open]);
                entity::encode(&self.new, out);
                done = close;
            }
        }
        out.extend_from_slice(&tag[done..]);
        Ok(())
    }
}

/// A name without its prefix.
fn local(name: &[u8]) -> &[u8] {
    memchr::memrchr(b':', name).filter(|_| !name.starts_with(b"xmlns")).map_or(name, |n| &name[n + 1..])
}
