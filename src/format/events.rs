//! Server-sent events (WHATWG HTML, section 9.2): each event is read as a message once it is whole, and goes out at once.

use super::{
    message,
    path::Path,
    visitor::{Malformed, Shape, Visitor},
};

/// Longest event in bytes.
const LONGEST: usize = 1 << 20;

/// A reader of event streams.
#[derive(Debug)]
pub struct Events<V> {
    visitor: V,
    event: Vec<u8>,
    /// Nothing but line ends since this event began, or the last byte was a line's end.
    line_empty: bool,
    carriage: bool,
    data: Vec<u8>,
    new: Vec<u8>,
}

impl<V: Visitor> Events<V> {
    /// A reader.
    pub fn new(visitor: V) -> Self {
        let (event, data, new) = (Vec::new(), Vec::new(), Vec::new());
        Self { visitor, event, line_empty: true, carriage: false, data, new }
    }

    /// Who is asked.
    pub fn visitor(&mut self) -> &mut V {
        &mut self.visitor
    }

    /// Reads a piece; appends what can go out.
    ///
    /// # Errors
    /// When an event is too long.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        for &byte in bytes {
            if self.event.len() >= LONGEST {
                return Err(Malformed("an event is too long"));
            }
            self.event.push(byte);
            // CR LF ends one line; so does either alone.
            let second = byte == b'\n' && std::mem::take(&mut self.carriage);
            if second {
                if self.event == b"\n" {
                    // The event went out at its CR.
                    out.push(byte);
                    self.event.clear();
                }
                continue;
            }
            self.carriage = byte == b'\r';
            if byte == b'\n' || byte == b'\r' {
                if self.line_empty {
                    self.event(out);
                }
                self.line_empty = true;
            } else {
                self.line_empty = false;
            }
        }
        Ok(())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// Never; as of the other readers.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        self.event(out);
        Ok(())
    }

    /// Writes the event at hand.
    fn event(&mut self, out: &mut Vec<u8>) {
        let event = std::mem::take(&mut self.event);
        self.data.clear();
        let mut first = true;
        for line in lines(&event) {
            if let Some(data) = data(content(line)) {
                if !std::mem::take(&mut first) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(data);
            }
        }
        self.new.clear();
        let rewritten = !first && message::read(&self.data, &mut self.visitor, &mut self.new);
        let mut written = false;
        for line in lines(&event) {
            match (data(content(line)), rewritten) {
                (Some(_), false) => out.extend_from_slice(line),
                (Some(_), true) => {
                    if !std::mem::replace(&mut written, true) {
                        for new in self.new.split(|&b| b == b'\n') {
                            out.extend_from_slice(b"data: ");
                            out.extend_from_slice(new);
                            out.push(b'\n');
                        }
                    }
                }
                (None, _) => self.other(line, out),
            }
        }
        self.event = event;
        self.event.clear();
    }

    /// A comment, an id, a type.
    fn other(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let content = content(line);
        let mut new = Vec::new();
        if !content.is_empty() && self.visitor.field(&Path::new(), content, Shape::Text, &mut new) {
            out.extend_from_slice(&new);
            out.extend_from_slice(&line[content.len()..]);
        } else {
            out.extend_from_slice(line);
        }
    }
}

/// Lines with their ends.
fn lines(event: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = event;
    std::iter::from_fn(move || {
        let end = memchr::memchr2(b'\n', b'\r', rest)
            .map(|n| if rest[n] == b'\r' && rest.get(n + 1) == Some(&b'\n') { n + 2 } else { n + 1 });
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        (!line.is_empty()).then_some(line)
    })
}

fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn data(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
    let rest = line.strip_prefix(b"data")?;
    if rest.is_empty() {
        return Some(rest);
    }
    let value = rest.strip_prefix(b":")?;
    Some(value.strip_prefix(b" ").unwrap_or(value))
}
