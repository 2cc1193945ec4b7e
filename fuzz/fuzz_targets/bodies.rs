//! Readers of bodies: no input panics, and what comes of it does not depend on how it was cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::format::{
    Malformed, Path, Shape, Visitor, csv::Csv, events::Events, form::Form, html::Html, json::Json, websocket::Frames,
    xml::Xml,
};

/// Replaces what has an `s` in it, and remembers nothing else than long values.
#[derive(Default)]
struct Starred(Vec<u8>);

impl Visitor for Starred {
    fn field(&mut self, _: &Path, value: &[u8], _: Shape, out: &mut Vec<u8>) -> bool {
        let rewritten = value.contains(&b's');
        if rewritten {
            out.extend_from_slice(b"<\"&,>");
        }
        rewritten
    }

    fn name(&mut self, at: &Path, name: &[u8], out: &mut Vec<u8>) -> bool {
        self.field(at, name, Shape::Text, out)
    }

    fn part(&mut self, _: &Path, part: &[u8], _: &mut Vec<u8>) {
        self.0.extend_from_slice(part);
    }

    fn end(&mut self, _: &Path, out: &mut Vec<u8>) {
        out.append(&mut self.0);
    }
}

macro_rules! run {
    ($reader:expr, $pieces:expr) => {{
        let mut reader = $reader;
        let mut out = Vec::new();
        $pieces.iter().try_for_each(|piece| reader.push(piece, &mut out)).and_then(|()| reader.finish(&mut out)).map(|()| out)
    }};
}

fn run(kind: u8, pieces: &[&[u8]]) -> Result<Vec<u8>, Malformed> {
    match kind % 7 {
        0 => run!(Json::new(Starred::default()), pieces),
        1 => run!(Json::lines(Starred::default()), pieces),
        2 => run!(Csv::new(Starred::default(), None), pieces),
        3 => run!(Form::new(Starred::default()), pieces),
        4 => run!(Xml::new(Starred::default()), pieces),
        5 => run!(Html::new(Starred::default()), pieces),
        _ => run!(Events::new(Starred::default()), pieces),
    }
}

fuzz_target!(|data: &[u8]| {
    let [kind, cut, body @ ..] = data else { return };
    let (a, b) = body.split_at(usize::from(*cut).min(body.len()));
    assert_eq!(run(*kind, &[body]), run(*kind, &[a, b]));
    let mut out = Vec::new();
    let _ = Frames::new(Starred::default(), true).push(body, &mut out);
});
