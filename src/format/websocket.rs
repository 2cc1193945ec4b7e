//! Frames of a WebSocket (RFC 6455) from a server: text messages are read as messages, everything else passes or is refused.

use super::{
    message,
    visitor::{Malformed, Visitor},
};

/// Longest text message in bytes.
const LONGEST: u64 = 1 << 20;

/// A reader of a server's frames.
#[derive(Debug)]
pub struct Frames<V> {
    visitor: V,
    /// Whether binary messages pass.
    binary: bool,
    head: Vec<u8>,
    frame: Option<Frame>,
    /// Of what kind the message is whose fragments are coming.
    message: Option<Kind>,
    text: Vec<u8>,
    new: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Binary,
    Control,
}

#[derive(Debug, Clone, Copy)]
struct Frame {
    kind: Kind,
    last: bool,
    left: u64,
}

impl<V: Visitor> Frames<V> {
    /// A reader; `binary` says whether binary messages pass.
    pub fn new(visitor: V, binary: bool) -> Self {
        let (head, text, new) = (Vec::new(), Vec::new(), Vec::new());
        Self { visitor, binary, head, frame: None, message: None, text, new }
    }

    /// Who is asked.
    pub fn visitor(&mut self) -> &mut V {
        &mut self.visitor
    }

    /// Reads bytes; appends what can go out.
    ///
    /// # Errors
    /// When frames are not as negotiated, a text is too long, or a binary message does not pass.
    pub fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        loop {
            let frame = match self.frame {
                Some(frame) => frame,
                None if bytes.is_empty() => return Ok(()),
                None => {
                    self.head.push(bytes[0]);
                    bytes = &bytes[1..];
                    match self.begin(out)? {
                        Some(frame) => frame,
                        None => continue,
                    }
                }
            };
            let take = usize::try_from(frame.left).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(take);
            bytes = later;
            if frame.kind == Kind::Text { &mut self.text } else { &mut *out }.extend_from_slice(now);
            let left = frame.left - take as u64;
            if left > 0 {
                self.frame = Some(Frame { left, ..frame });
                return Ok(());
            }
            self.frame = None;
            if frame.kind == Kind::Text && frame.last {
                self.end_text(out);
            }
        }
    }

    /// A frame, once its head is whole.
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<Option<Frame>, Malformed> {
        let head = &self.head;
        let short = u64::from(*head.get(1).unwrap_or(&0) & 0x7F);
        let width = match (head.len(), short) {
            (0 | 1, _) => return Ok(None),
            (_, 126) => 4,
            (_, 127) => 10,
            _ => 2,
        };
        if head.len() < width {
            return Ok(None);
        }
        let length = if width == 2 { short } else { head[2..].iter().fold(0, |n, &b| n << 8 | u64::from(b)) };
        if head[0] & 0x70 != 0 || head[1] & 0x80 != 0 {
            return Err(Malformed("a frame of an extension that was not agreed on"));
        }
        let last = head[0] & 0x80 != 0;
        let kind = match (head[0] & 0x0F, self.message) {
            (0, Some(kind)) => kind,
            (1, None) => Kind::Text,
            (2, None) => Kind::Binary,
            (8..=10, _) if last && length <= 125 => Kind::Control,
            _ => return Err(Malformed("frames in a wrong order")),
        };
        if kind == Kind::Binary && !self.binary {
            return Err(Malformed("a binary message"));
        }
        if kind == Kind::Text && self.text.len() as u64 + length.min(LONGEST + 1) > LONGEST {
            return Err(Malformed("a message that is too long"));
        }
        if kind != Kind::Control {
            self.message = (!last).then_some(kind);
        }
        if kind != Kind::Text {
            out.extend_from_slice(head);
        }
        self.head.clear();
        let frame = Frame { kind, last, left: length };
        self.frame = Some(frame);
        Ok(Some(frame))
    }

    fn end_text(&mut self, out: &mut Vec<u8>) {
        self.new.clear();
        let rewritten = message::read(&self.text, &mut self.visitor, &mut self.new);
        write(1, if rewritten { &self.new } else { &self.text }, out);
        self.text.clear();
    }
}

/// Appends one whole frame of a server.
pub fn write(opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x80 | opcode);
    match payload.len() {
        length @ 0..126 => out.push(u8::try_from(length).unwrap_or(0)),
        length @ 126..0x1_0000 => {
            out.push(126);
            out.extend_from_slice(&u16::try_from(length).unwrap_or(0).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
}
