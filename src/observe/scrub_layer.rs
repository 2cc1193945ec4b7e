//! Diagnostics without personal data: every event, span field, error chain and word of a dependency is scrubbed by the one
//! engine before it is written, at every level.
//!
//! Twice: each field by itself, where its name helps to know its value ([`Fields`]), and the whole line once more, for what only
//! shows in the open ([`Scrubbing`]). Debug output of bytes hides text in numbers and escapes, so both are undone for the engine,
//! and lists of numbers, long runs of hexadecimal digits and byte strings of dependencies are never written at all.

use std::{
    error::Error,
    fmt::{self, Write as _},
    io::{self, Write},
    sync::Arc,
    time::UNIX_EPOCH,
};

use arc_swap::ArcSwapOption;
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    field::RecordFields,
    fmt::{FormatFields, MakeWriter, format::Writer},
    layer::Context,
};

use crate::{
    common::clock,
    observe::{
        otlp::{Diagnostic, Outlet},
        trace::nanos,
    },
    privacy::{Engine, Tally},
};

/// The engine in use, which a reload swaps. Without one, nothing but the words of the program itself is written.
#[derive(Debug, Clone, Default)]
pub struct Rules(Arc<ArcSwapOption<Engine>>);

impl Rules {
    /// From now on by `engine`.
    pub fn set(&self, engine: &Arc<Engine>) {
        self.0.store(Some(Arc::clone(engine)));
    }

    fn scrub(&self, text: &str) -> String {
        let Some(engine) = &*self.0.load() else { return "<?>".to_owned() };
        let mut out = Vec::with_capacity(text.len());
        engine.scrub(text.as_bytes(), &mut out, &mut Tally::default());
        lossy(out)
    }

    fn scrub_field(&self, name: &str, value: &str) -> String {
        let Some(engine) = &*self.0.load() else { return "<?>".to_owned() };
        let mut out = Vec::with_capacity(value.len());
        engine.scrub_field(name.as_bytes(), value.as_bytes(), &mut out, &mut Tally::default());
        lossy(out)
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Writes fields scrubbed, in the manner of the usual formatter: `message name=value`.
#[derive(Debug, Clone)]
pub struct Fields(pub Rules);

impl<'w> FormatFields<'w> for Fields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut visitor = Visitor { rules: &self.0, writer, first: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct Visitor<'a, 'w> {
    rules: &'a Rules,
    writer: Writer<'w>,
    first: bool,
    result: fmt::Result,
}

impl Visitor<'_, '_> {
    fn show(&mut self, field: &Field, value: &str) {
        let gap = if std::mem::take(&mut self.first) { "" } else { " " };
        let plain = plain(value);
        let name = field.name();
        let written = if name == "message" {
            write!(self.writer, "{gap}{}", self.rules.scrub(&plain))
        } else {
            write!(self.writer, "{gap}{name}={}", self.rules.scrub_field(name, &plain))
        };
        self.result = self.result.and(written);
    }

    fn copy(&mut self, field: &Field, value: &dyn fmt::Display) {
        let gap = if std::mem::take(&mut self.first) { "" } else { " " };
        self.result = self.result.and(write!(self.writer, "{gap}{}={value}", field.name()));
    }
}

impl Visit for Visitor<'_, '_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.show(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.show(field, value);
    }

    fn record_bytes(&mut self, field: &Field, value: &[u8]) {
        self.show(field, &format!("<{} bytes>", value.len()));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut next = value.source();
        while let Some(source) = next {
            // Writing to a String can't fail.
            let _ = write!(text, ": {source}");
            next = source.source();
        }
        self.show(field, &text);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.copy(field, &value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.copy(field, &value);
    }
}

/// Shortest run of hexadecimal digits that is taken for bytes: longer than the ids that Privet writes.
const HEX: usize = 33;
/// Shortest list of numbers that is taken for bytes.
const NUMBERS: usize = 4;

/// Debug output with what it hides brought to light, or left out: escapes are undone, bytes are counted.
fn plain(text: &str) -> String {
    let text = if text.contains('\\') { unescape(text) } else { text.to_owned() };
    without_hex(&without_numbers(&text))
}

/// Undoes `\xHH` (as bytes, read as UTF-8), `\u{..}` and escaped quotes. Control characters become spaces: a line stays one.
fn unescape(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &text.as_bytes()[at..];
        let (sign, length): (Option<u32>, usize) = match rest {
            [b'\\', b'x', high, low, ..] => (hex(&[*high, *low]), 4),
            [b'\\', b'u', b'{', tail @ ..] => match memchr::memchr(b'}', tail).filter(|end| *end <= 6) {
                Some(end) => (hex(&tail[..end]), end + 4),
                None => (None, 1),
            },
            [b'\\', sign @ (b'"' | b'\'' | b'\\'), ..] => (Some(u32::from(*sign)), 2),
            [b'\\', b'n' | b'r' | b't' | b'0', ..] => (Some(u32::from(b' ')), 2),
            _ => (None, 1),
        };
        match sign {
            Some(sign) if rest.get(1) == Some(&b'x') => out.push(u8::try_from(sign).unwrap_or(b'?').max(b' ')),
            Some(sign) => {
                let char = char::from_u32(sign).filter(|c| !c.is_control()).unwrap_or(' ');
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            None => out.push(byte),
        }
        at += if sign.is_some() { length } else { 1 };
    }
    lossy(out)
}

fn hex(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// `[49, 48, 49, 50]` becomes `[4 numbers]`.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, list) = rest.split_at(open + 1);
        out.push_str(before);
        let end = list.find(|c: char| !matches!(c, '0'..='9' | ',' | ' ' | 'x' | 'a'..='f' | 'A'..='F'));
        let end = end.unwrap_or(list.len());
        let count = list[..end].split(',').filter(|n| !n.trim().is_empty()).count();
        if count >= NUMBERS {
            let _ = write!(out, "{count} numbers");
            rest = &list[end..];
        } else {
            rest = list;
        }
    }
    out.push_str(rest);
    out
}

/// A long run of hexadecimal digits becomes its length.
fn without_hex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, run) = rest.split_at(start);
        out.push_str(before);
        let end = run.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(run.len());
        if end >= HEX {
            let _ = write!(out, "<{end} hex digits>");
        } else {
            out.push_str(&run[..end]);
        }
        rest = &run[end..];
    }
    out.push_str(rest);
    out
}

/// Scrubs every whole line on its way to standard error.
#[derive(Debug, Clone)]
pub struct Scrubbing(pub Rules);

impl<'a> MakeWriter<'a> for Scrubbing {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.0.clone())
    }
}

/// The way of one line; the formatter hands it over in one piece.
#[derive(Debug)]
pub struct Line(Rules);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let Some(engine) = &*self.0.0.load() else {
            io::stderr().lock().write_all(line)?;
            return Ok(line.len());
        };
        let mut out = Vec::with_capacity(line.len());
        engine.scrub(line, &mut out, &mut Tally::default());
        io::stderr().lock().write_all(&out)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

/// Leaves every event, scrubbed in both ways, at an outlet as well, while there is one.
#[derive(Debug, Clone)]
pub struct Tee {
    rules: Rules,
    outlet: Arc<ArcSwapOption<Outlet>>,
}

impl Tee {
    /// Scrubs by `rules`; there is no outlet yet.
    #[must_use]
    pub fn new(rules: &Rules) -> Self {
        Self { rules: rules.clone(), outlet: Arc::default() }
    }

    /// Leaves events at `outlet` from now on.
    pub fn set(&self, outlet: Option<Outlet>) {
        self.outlet.store(outlet.map(Arc::new));
    }
}

impl<S: Subscriber> Layer<S> for Tee {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(outlet) = &*self.outlet.load() else { return };
        if !Outlet::is_open() {
            return;
        }
        let mut text = String::new();
        if Fields(self.rules.clone()).format_fields(Writer::new(&mut text), event).is_ok() {
            let (level, target) = (*event.metadata().level(), event.metadata().target());
            let time = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            outlet.leave(Diagnostic { nanos: nanos(time), level, target, text: self.rules.scrub(&text) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::{Keys, settings::Settings};

    fn shown(value: &str) -> String {
        let rules = Rules::default();
        rules.set(&Arc::new(Engine::new(&Settings::default(), Arc::new(Keys::ephemeral().expect("keys")))));
        rules.scrub(&plain(value))
    }

    #[test]
    fn what_debug_output_hides_is_found_or_left_out() {
        let name = "이름: 김민수, 010-1234-5678, kim.minsu@example.net";
        let escaped: String = name.bytes().map(|b| format!("\\x{b:02x}")).collect::<Vec<_>>().concat();
        let unicode: String = name.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect::<Vec<_>>().concat();
        let hex: String = name.bytes().map(|b| format!("{b:02x}")).collect::<Vec<_>>().concat();
        for text in
            [name.to_owned(), format!("{name:?}"), escaped, unicode, hex, format!("Bytes({:?})", name.as_bytes())]
        {
            let shown = shown(&text);
            for value in ["김민수", "5678", "minsu", "6d696e7375", "109, 105"] {
                assert!(!shown.contains(value), "{value} of {text} in {shown}");
            }
        }
        assert_eq!(
            shown("frame=Headers { stream_id: StreamId(1), flags: (0x5) }"),
            "frame=Headers { stream_id: StreamId(1), flags: (0x5) }"
        );
        assert_eq!(
            shown("a \\\"quoted\\\" \\n word \\ \\x \\u{zz} [1, 2]"),
            "a \"quoted\"   word \\ \\x \\u{zz} [1, 2]"
        );
    }

    #[test]
    fn without_an_engine_no_value_is_written() {
        assert_eq!(Rules::default().scrub_field("email", "kim.minsu@example.net"), "<?>");
    }
}
