//! Values in the source of a script: what is written in their place must leave it a script.
//!
//! Within quotes any text may stand. Outside of them a name before a colon is code (`password: field.value`), so what was found by its
//! name alone counts only at the beginning of a text in quotes; anything else is replaced by a text in quotes.

use crate::privacy::{Engine, Finding, Kind, Tally};

/// Where in a script a place lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Code,
    Quoted(u8),
    Line,
    Block,
}

/// Appends `source` with its values rewritten but for those that `shows` lets be; `false` when there is none, and then nothing is
/// appended.
pub(super) fn scrub(
    engine: &Engine,
    source: &[u8],
    out: &mut Vec<u8>,
    tally: &mut Tally,
    mut shows: impl FnMut(&Finding) -> bool,
) -> bool {
    let mut pos = 0;
    let mut place = Place::Code;
    let mut scanned = 0;
    for finding in engine.detector().detect(source) {
        place = follow(&source[scanned..finding.start], place);
        scanned = finding.start;
        let opens = finding.start > 0 && matches!(source[finding.start - 1], b'"' | b'\'' | b'`');
        if is_by_name(&finding.kind) && !opens {
            continue;
        }
        if shows(&finding) {
            continue;
        }
        out.extend_from_slice(&source[pos..finding.start]);
        write(engine, source, &finding, place, out, tally);
        pos = finding.end;
        scanned = finding.end;
    }
    if pos > 0 {
        out.extend_from_slice(&source[pos..]);
    }
    pos > 0
}

fn write(engine: &Engine, source: &[u8], finding: &Finding, place: Place, out: &mut Vec<u8>, tally: &mut Tally) {
    let from = out.len();
    engine.rewrite_finding(source, finding, out, tally);
    for byte in &mut out[from..] {
        if matches!(byte, b'"' | b'\'' | b'`' | b'\\' | b'\n' | b'\r' | b'$') {
            *byte = b'*';
        }
    }
    if place == Place::Code {
        out.insert(from, b'"');
        out.push(b'"');
    }
}

fn is_by_name(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::Person | Kind::Location | Kind::Password | Kind::ApiKey | Kind::SessionCookie | Kind::BearerToken
    )
}

/// Where one is behind `code`. Regular expressions are not told from divisions; a line's end sets it right.
fn follow(code: &[u8], mut place: Place) -> Place {
    let mut i = 0;
    while i < code.len() {
        let two = code.get(i..i + 2).unwrap_or_default();
        place = match (place, code[i]) {
            (Place::Quoted(_), b'\\') | (Place::Block, b'*') if code.len() == i + 1 => place,
            (Place::Quoted(_), b'\\') => {
                i += 1;
                place
            }
            (Place::Quoted(quote), byte) if byte == quote => Place::Code,
            (Place::Quoted(quote), b'\n') if quote != b'`' => Place::Code,
            (Place::Line, b'\n') => Place::Code,
            (Place::Block, _) if two == b"*/" => {
                i += 1;
                Place::Code
            }
            (Place::Code, _) if two == b"//" => Place::Line,
            (Place::Code, _) if two == b"/*" => {
                i += 1;
                Place::Block
            }
            (Place::Code, quote @ (b'"' | b'\'' | b'`')) => Place::Quoted(quote),
            _ => place,
        };
        i += 1;
    }
    place
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::privacy::{
        Keys,
        settings::{Operator, Settings},
    };

    #[test]
    fn what_is_code_stays_code() {
        let settings = Settings { operator: Operator::Mask, ..Settings::default() };
        let engine = Engine::new(&settings, Arc::new(Keys::ephemeral().expect("keys")));
        for (source, expected) in [
            ("login({password: field.value, name: user.fullName})", None),
            ("const x = 1732500000000, id = '3f2504e0-4f89-11d3-9a0c-0305e82c3301';", None),
            ("var u = {\"phone\": \"010-1234-5678\"};", Some("var u = {\"phone\": \"010-****-5678\"};")),
            ("var m = 'call 010-1234-5678';", Some("var m = 'call 010-****-5678';")),
            ("var p = 01012345678;", Some("var p = \"010****5678\";")),
            ("// ask kim@example.com\nf()", Some("// ask k***@example.com\nf()")),
        ] {
            let (mut out, mut tally) = (Vec::new(), Tally::default());
            let rewritten = scrub(&engine, source.as_bytes(), &mut out, &mut tally, |_| false);
            assert_eq!(rewritten.then(|| String::from_utf8_lossy(&out).into_owned()).as_deref(), expected, "{source}");
        }
    }
}
