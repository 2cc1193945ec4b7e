//! A visitor that remembers what it was shown, and every reader behind one door.

use super::{
    HELD, Malformed, Path, Shape, Visitor, csv::Csv, events::Events, form::Form, html::Html, json::Json, text::Text,
    websocket::Frames, xml::Xml,
};

/// Replaces all of a field that is called `phone`, and `secret` anywhere.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) fields: Vec<String>,
    long: Vec<u8>,
}

fn replaced(text: &[u8]) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(text);
    text.contains("secret").then(|| text.replace("secret", "<\"&'é\u{1}>").into_bytes())
}

impl Visitor for Seen {
    fn field(&mut self, at: &Path, value: &[u8], _: Shape, out: &mut Vec<u8>) -> bool {
        assert!(out.is_empty() && value.len() <= HELD);
        let path: String = at.segments().flat_map(|s| ["/".into(), String::from_utf8_lossy(s)]).collect();
        self.fields.push(format!("{path}={}", String::from_utf8_lossy(value)));
        if at.name() == b"phone" {
            out.extend_from_slice(b"010-****");
            return true;
        }
        replaced(value).map(|new| out.extend(new)).is_some()
    }

    fn name(&mut self, _: &Path, name: &[u8], out: &mut Vec<u8>) -> bool {
        assert!(out.is_empty());
        replaced(name).map(|new| out.extend(new)).is_some()
    }

    fn part(&mut self, _: &Path, part: &[u8], _: &mut Vec<u8>) {
        self.long.extend_from_slice(part);
    }

    fn end(&mut self, at: &Path, out: &mut Vec<u8>) {
        let long = std::mem::take(&mut self.long);
        self.fields.push(format!("{}+{}", String::from_utf8_lossy(at.name()), long.len()));
        out.extend(replaced(&long).unwrap_or(long));
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Json,
    Lines,
    Csv,
    Form,
    Xml,
    Html,
    Text,
    Events,
    Frames,
}

macro_rules! run {
    ($reader:expr, $pieces:expr, $out:expr) => {{
        let mut reader = $reader;
        for piece in $pieces {
            reader.push(piece, &mut $out)?;
        }
        reader.finish(&mut $out)?;
        std::mem::take(&mut reader.visitor().fields)
    }};
}

/// What comes of the pieces of a body.
pub(super) fn run<'a>(
    kind: Kind,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(Vec<u8>, Vec<String>), Malformed> {
    let mut out = Vec::new();
    let seen = Seen::default();
    let fields = match kind {
        Kind::Json => run!(Json::new(seen), pieces, out),
        Kind::Lines => run!(Json::lines(seen), pieces, out),
        Kind::Csv => run!(Csv::new(seen, None), pieces, out),
        Kind::Form => run!(Form::new(seen), pieces, out),
        Kind::Xml => run!(Xml::new(seen), pieces, out),
        Kind::Text => run!(Text::new(seen), pieces, out),
        Kind::Events => run!(Events::new(seen), pieces, out),
        Kind::Html => {
            let mut reader = Html::new(seen);
            for piece in pieces {
                reader.push(piece, &mut out)?;
            }
            reader.finish(&mut out)?;
            reader.with_visitor(|seen| std::mem::take(&mut seen.fields))
        }
        Kind::Frames => {
            let mut reader = Frames::new(seen, false);
            for piece in pieces {
                reader.push(piece, &mut out)?;
            }
            std::mem::take(&mut reader.visitor().fields)
        }
    };
    Ok((out, fields))
}
