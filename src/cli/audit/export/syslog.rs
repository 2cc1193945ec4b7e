//! Records as messages of syslog (RFC 5424), each behind its length (RFC 6587, section 3.4.1), so that no value can begin another one.

use std::fmt::Write as _;

use serde_json::Value;

use super::{super::time_text, Weight};
use crate::journal::{search::Line, tree::hex};

/// Log audit.
const FACILITY: u8 = 13;
/// The number that RFC 5612 keeps for examples: Privet has none of its own.
const ID: &str = "privet@32473";
/// Most characters of a parameter's name, and of what a message is about.
const LONGEST_NAME: usize = 32;
const LONGEST_HOST: usize = 255;

/// A message and its length.
pub(super) fn framed(line: &Line) -> String {
    let message = message(line, &host());
    format!("{} {message}", message.len())
}

fn host() -> String {
    name(&rustix::system::uname().nodename().to_string_lossy(), LONGEST_HOST)
}

fn message(line: &Line, host: &str) -> String {
    let severity = match Weight::of(line) {
        Weight::Plain => 6,
        Weight::Notable => 5,
        Weight::Warning => 4,
        Weight::Grave => 3,
        Weight::Alarm => 1,
    };
    let mut out = format!(
        "<{}>1 {} {host} privet - {} [{ID} index=\"{}\" class=\"{}\" hash=\"{}\"",
        FACILITY * 8 + severity,
        time_text(line.time),
        name(&line.kind, LONGEST_NAME),
        line.index,
        line.class.name(),
        hex(&line.hash)
    );
    if line.clock_was_set {
        out.push_str(" clock=\"set\"");
    }
    for (field, value) in &line.body {
        let value = if let Value::String(text) = value { text.clone() } else { value.to_string() };
        let _ = write!(out, " {}=\"", name(field, LONGEST_NAME));
        escape(&value, &mut out);
        out.push('"');
    }
    out.push(']');
    out
}

/// What may be a name: visible ASCII without what ends one.
fn name(text: &str, longest: usize) -> String {
    let legal = |c: char| c.is_ascii_graphic() && !matches!(c, '=' | ']' | '"');
    let name: String = text.chars().map(|c| if legal(c) { c } else { '_' }).take(longest).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

/// A value: quotes, backslashes and brackets behind a backslash; control characters, which a receiver may cut at, in words.
fn escape(value: &str, out: &mut String) {
    for c in value.chars() {
        match c {
            '"' | '\\' | ']' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Its backslash is one of the value.
                let _ = write!(out, "\\{}", c.escape_unicode());
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::journal::Class;

    fn line(value: &Value) -> Line {
        Line {
            index: 7,
            time: 86_400_500,
            class: Class::Access,
            hash: [0xab; 32],
            kind: "sign_in.refused".to_owned(),
            clock_was_set: false,
            body: [("a b=".to_owned(), value.clone())].into_iter().collect(),
        }
    }

    #[test]
    fn no_value_ends_its_message() {
        let message = message(&line(&"a\"b]c\\d\n<1>1 \u{1f511}".into()), "here");
        let hash = "ab".repeat(32);
        let wanted = format!(
            "<108>1 1970-01-02T00:00:00.500Z here privet - sign_in.refused \
             [privet@32473 index=\"7\" class=\"access\" hash=\"{hash}\" a_b_=\"a\\\"b\\]c\\\\d\\\\u{{a}}<1>1 \u{1f511}\"]"
        );
        assert_eq!(message, wanted);
        let framed = framed(&line(&json!([1, "x"])));
        let (length, rest) = framed.split_once(' ').expect("a length");
        assert_eq!(length.parse(), Ok(rest.len()));
        assert!(rest.ends_with("a_b_=\"[1,\\\"x\\\"\\]\"]"), "{rest}");
        assert_eq!((name("", 9), name("\u{1f511}ab", 2)), ("-".to_owned(), "_a".to_owned()));
    }
}
