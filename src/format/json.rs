//! JSON (RFC 8259) and JSON a line (NDJSON, RFC 7464), read as it comes.
//!
//! A text that the visitor replaces is written as a text again; so is a number. Raw control characters in texts and loose number
//! forms pass, since they change nothing of where a value begins and ends. Duplicate names are values like any other.

pub(super) mod escape;

use self::escape::zeros;
use super::{
    path::Path,
    visitor::{HELD, Malformed, Shape, Visitor},
};

/// Longest name of a member, and longest number, in bytes.
pub(super) const LONGEST_NAME: usize = 8 << 10;
const LONGEST_NUMBER: usize = 1 << 10;

/// A reader of JSON.
#[derive(Debug)]
pub struct Json<V> {
    visitor: V,
    path: Path,
    frames: Vec<Frame>,
    expect: Expect,
    token: Token,
    /// Whether a value may follow another at the top.
    lines: bool,
    /// Whether the text stands in HTML, where `<` must not be written plainly.
    in_html: bool,
    /// What came of a token that goes on, raw.
    held: Vec<u8>,
    plain: Vec<u8>,
    new: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Frame {
    Object,
    Array,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Start,
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
    /// Only space.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    None,
    /// A byte-order mark or `)]}'`, up to its end.
    Prelude,
    Text(Open),
    Bare,
}

/// A text that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(clippy::struct_excessive_bools)] // each by itself
struct Open {
    /// It is a member's name.
    name: bool,
    /// A backslash was the last byte.
    slash: bool,
    /// There was one.
    escaped: bool,
    /// It is longer than what is held.
    long: bool,
}

/// The piece at hand: what of it was read, and what of it went out.
struct Piece<'a> {
    bytes: &'a [u8],
    at: usize,
    done: usize,
}

impl Piece<'_> {
    /// Lets out all up to `end`.
    fn pass(&mut self, end: usize, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes[self.done..end]);
        self.done = end;
    }
}

impl<V: Visitor> Json<V> {
    /// A reader of one value.
    pub fn new(visitor: V) -> Self {
        Self {
            visitor,
            path: Path::new(),
            frames: Vec::new(),
            expect: Expect::Start,
            token: Token::None,
            lines: false,
            in_html: false,
            held: Vec::new(),
            plain: Vec::new(),
            new: Vec::new(),
        }
    }

    /// A reader of many values, one after the other.
    pub fn lines(visitor: V) -> Self {
        Self { lines: true, ..Self::new(visitor) }
    }

    /// A reader of a value within HTML.
    pub fn in_html(visitor: V) -> Self {
        Self { in_html: true, ..Self::new(visitor) }
    }

    /// Who is asked.
    pub fn visitor(&mut self) -> &mut V {
        &mut self.visitor
    }

    /// Reads a piece; appends what can go out.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut piece = Piece { bytes, at: 0, done: 0 };
        while piece.at < bytes.len() {
            match self.token {
                Token::None => self.structure(&mut piece, out)?,
                Token::Prelude => self.prelude(&mut piece),
                Token::Text(open) => self.text(&mut piece, open, out)?,
                Token::Bare => self.bare(&mut piece, out)?,
            }
        }
        if matches!(self.token, Token::None | Token::Prelude) {
            piece.pass(bytes.len(), out);
        }
        Ok(())
    }

    /// Ends a number or word at hand, which goes on no further.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn settle(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        if self.token == Token::Bare {
            self.end_bare(&mut Piece { bytes: b"", at: 0, done: 0 }, 0, out)?;
        }
        Ok(())
    }

    /// The end of the body.
    ///
    /// # Errors
    /// When it ends within a value.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        self.settle(out)?;
        match (self.token, self.expect) {
            (Token::None, Expect::Start | Expect::Nothing) => Ok(()),
            _ => Err(Malformed("JSON ends within a value")),
        }
    }

    /// Space and punctuation up to the next token.
    fn structure(&mut self, piece: &mut Piece<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        while let Some(&byte) = piece.bytes.get(piece.at) {
            piece.at += 1;
            match (byte, self.expect) {
                (b' ' | b'\t' | b'\r' | b'\n', _) => {}
                (b'"', Expect::Name | Expect::NameOrEnd) => {
                    return self.text(piece, Open { name: true, ..Open::default() }, out);
                }
                (b'"', Expect::Value | Expect::ValueOrEnd | Expect::Start) => {
                    self.text(piece, Open::default(), out)?;
                    if self.token != Token::None {
                        return Ok(());
                    }
                }
                (b':', Expect::Colon) => self.expect = Expect::Value,
                (b',', Expect::CommaOrEnd) => {
                    self.expect = match self.frames.last() {
                        Some(Frame::Object) => Expect::Name,
                        _ => Expect::Value,
                    };
                }
                (b'{' | b'[', Expect::Value | Expect::ValueOrEnd | Expect::Start) => self.open(byte)?,
                (b'}', Expect::CommaOrEnd | Expect::NameOrEnd) => self.close(Frame::Object)?,
                (b']', Expect::CommaOrEnd | Expect::ValueOrEnd) => self.close(Frame::Array)?,
                (b'-' | b'0'..=b'9' | b't' | b'f' | b'n', Expect::Value | Expect::ValueOrEnd | Expect::Start) => {
                    piece.pass(piece.at - 1, out);
                    piece.at -= 1;
                    self.token = Token::Bare;
                    return Ok(());
                }
                // Record separators of RFC 7464.
                (0x1E, Expect::Start) if self.lines => {}
                (0xEF | b')', Expect::Start) if self.frames.is_empty() => {
                    piece.at -= 1;
                    self.token = Token::Prelude;
                    return Ok(());
                }
                _ => return Err(Malformed("no JSON")),
            }
        }
        Ok(())
    }

    /// A byte-order mark, or the line that keeps JSON from being a script (`)]}'`).
    fn prelude(&mut self, piece: &mut Piece<'_>) {
        let rest = &piece.bytes[piece.at..];
        let plain = |b: &u8| matches!(b, 0xEF | 0xBB | 0xBF | b')' | b']' | b'}' | b'\'' | b',');
        let length = rest.iter().take_while(|b| plain(b)).count();
        piece.at += length;
        if length < rest.len() {
            self.token = Token::None;
        }
    }

    fn open(&mut self, byte: u8) -> Result<(), Malformed> {
        if byte == b'{' {
            // Members bring the depth of the path; empty objects bring none.
            if self.frames.len() >= super::path::DEEPEST {
                return Err(Malformed("JSON is too deep"));
            }
            self.frames.push(Frame::Object);
            self.expect = Expect::NameOrEnd;
        } else {
            if !self.path.push_element() {
                return Err(Malformed("JSON is too deep"));
            }
            self.frames.push(Frame::Array);
            self.expect = Expect::ValueOrEnd;
        }
        Ok(())
    }

    fn close(&mut self, frame: Frame) -> Result<(), Malformed> {
        if self.frames.pop() != Some(frame) {
            return Err(Malformed("JSON's brackets do not match"));
        }
        if frame == Frame::Array {
            self.path.pop();
        }
        self.value_ended();
        Ok(())
    }

    fn value_ended(&mut self) {
        self.expect = match self.frames.last() {
            Some(Frame::Object) => {
                self.path.pop();
                Expect::CommaOrEnd
            }
            Some(Frame::Array) => Expect::CommaOrEnd,
            None if self.lines => Expect::Start,
            None => Expect::Nothing,
        };
    }

    /// The content of a text from where the piece stands, as far as it goes.
    fn text(&mut self, piece: &mut Piece<'_>, open: Open, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let Open { name, mut slash, mut escaped, long } = open;
        let bytes = piece.bytes;
        let start = piece.at;
        let mut at = start;
        let end = loop {
            if slash {
                if at == bytes.len() {
                    break None;
                }
                slash = false;
                at += 1;
            }
            match stop(bytes, at) {
                None => break None,
                Some(found) if bytes[found] == b'"' => break Some(found),
                Some(found) => {
                    escaped = true;
                    slash = true;
                    at = found + 1;
                }
            }
        };
        let content = &bytes[start..end.unwrap_or(bytes.len())];
        let long = long || self.held.len() + content.len() > HELD;
        if name && self.held.len() + content.len() > LONGEST_NAME {
            return Err(Malformed("a name in JSON is too long"));
        }
        piece.at = end.map_or(bytes.len(), |end| end + 1);
        if end.is_none() || long {
            piece.pass(start, out);
            piece.done = end.unwrap_or(bytes.len());
            if long {
                self.long_text(content, end.is_some(), out)?;
            } else {
                self.held.extend_from_slice(content);
            }
            if end.is_none() {
                self.token = Token::Text(Open { name, slash, escaped, long });
                return Ok(());
            }
        } else if name {
            self.whole(piece, start..start + content.len(), escaped, true, out)?;
        } else {
            self.whole(piece, start..start + content.len(), escaped, false, out)?;
        }
        self.token = Token::None;
        if name {
            self.expect = Expect::Colon;
        } else {
            self.value_ended();
        }
        Ok(())
    }

    /// Calls the visitor with a whole token; `true` when `self.new` takes its place.
    fn ask(&mut self, content: &[u8], escaped: bool, name: bool) -> Result<bool, Malformed> {
        self.new.clear();
        self.plain.clear();
        if escaped {
            escape::decode(content, &mut self.plain)?;
        }
        let plain = if escaped { self.plain.as_slice() } else { content };
        let rewritten = if name {
            if !self.path.push(plain) {
                return Err(Malformed("JSON is too deep"));
            }
            self.visitor.name(&self.path, plain, &mut self.new)
        } else {
            self.visitor.field(&self.path, plain, Shape::Text, &mut self.new)
        };
        Ok(rewritten)
    }

    fn whole(
        &mut self,
        piece: &mut Piece<'_>,
        span: std::ops::Range<usize>,
        escaped: bool,
        name: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Malformed> {
        let content = &piece.bytes[span.clone()];
        if self.held.is_empty() {
            if self.ask(content, escaped, name)? {
                piece.pass(span.start, out);
                escape::encode(&self.new, self.in_html, out);
                piece.done = span.end;
            }
            return Ok(());
        }
        let mut held = std::mem::take(&mut self.held);
        held.extend_from_slice(content);
        if self.ask(&held, escaped, name)? {
            escape::encode(&self.new, self.in_html, out);
        } else {
            out.extend_from_slice(&held);
        }
        piece.done = span.end;
        held.clear();
        self.held = held;
        Ok(())
    }

    /// More of a text that is too long to be held; `held` has what came before, of which the first part is shown at once.
    fn long_text(&mut self, mut content: &[u8], last: bool, out: &mut Vec<u8>) -> Result<(), Malformed> {
        while !content.is_empty() {
            let take = content.len().min(HELD.saturating_sub(self.held.len()).max(1));
            self.held.extend_from_slice(&content[..take]);
            content = &content[take..];
            if self.held.len() >= HELD || content.is_empty() {
                self.show_part(out)?;
            }
        }
        if last {
            if !self.held.is_empty() {
                return Err(Malformed("an escape in JSON is cut"));
            }
            self.new.clear();
            self.visitor.end(&self.path, &mut self.new);
            escape::encode(&self.new, self.in_html, out);
        }
        Ok(())
    }

    /// Shows what is held but for an escape that goes on.
    fn show_part(&mut self, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let whole = escape::whole(&self.held);
        self.plain.clear();
        self.new.clear();
        escape::decode(&self.held[..whole], &mut self.plain)?;
        self.visitor.part(&self.path, &self.plain, &mut self.new);
        escape::encode(&self.new, self.in_html, out);
        self.held.drain(..whole);
        Ok(())
    }

    /// A number or a word, as far as it goes.
    fn bare(&mut self, piece: &mut Piece<'_>, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let rest = &piece.bytes[piece.at..];
        let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        let length = rest.iter().take_while(|b| part(b)).count();
        if self.held.len() + length > LONGEST_NUMBER {
            return Err(Malformed("a number in JSON is too long"));
        }
        if length == rest.len() {
            self.held.extend_from_slice(rest);
            piece.at = piece.bytes.len();
            piece.done = piece.at;
            return Ok(());
        }
        let end = piece.at + length;
        self.end_bare(piece, end, out)
    }

    fn end_bare(&mut self, piece: &mut Piece<'_>, end: usize, out: &mut Vec<u8>) -> Result<(), Malformed> {
        let mut held = std::mem::take(&mut self.held);
        let carried = !held.is_empty();
        if carried {
            held.extend_from_slice(&piece.bytes[piece.at..end]);
        }
        let raw = if carried { held.as_slice() } else { &piece.bytes[piece.at..end] };
        let shape = match raw {
            b"true" | b"false" | b"null" => Shape::Word,
            [b'-' | b'0'..=b'9', rest @ ..]
                if rest.iter().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) =>
            {
                Shape::Number
            }
            _ => return Err(Malformed("no JSON")),
        };
        self.new.clear();
        if self.visitor.field(&self.path, raw, shape, &mut self.new) {
            if shape == Shape::Word {
                out.extend_from_slice(b"null");
            } else if self.visitor.writes_numbers() {
                out.extend_from_slice(&self.new);
            } else {
                out.push(b'"');
                escape::encode(&self.new, self.in_html, out);
                out.push(b'"');
            }
            piece.done = end;
        } else if carried {
            out.extend_from_slice(raw);
            piece.done = end;
        }
        held.clear();
        self.held = held;
        piece.at = end;
        self.token = Token::None;
        self.value_ended();
        Ok(())
    }
}

/// The next quote or backslash. Most texts are short, so the search begins eight bytes at a time.
pub(crate) fn stop(bytes: &[u8], at: usize) -> Option<usize> {
    const NEAR: usize = 32;
    let rest = &bytes[at..];
    let near = &rest[..rest.len().min(NEAR)];
    let (words, last) = near.as_chunks::<8>();
    for (i, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ u64::from_le_bytes([b'"'; 8])) | zeros(word ^ u64::from_le_bytes([b'\\'; 8]));
        if found != 0 {
            return Some(at + 8 * i + found.trailing_zeros() as usize / 8);
        }
    }
    if rest.len() > NEAR {
        return memchr::memchr2(b'"', b'\\', &rest[NEAR..]).map(|n| at + NEAR + n);
    }
    let start = at + near.len() - last.len();
    last.iter().position(|b| matches!(b, b'"' | b'\\')).map(|n| start + n)
}
