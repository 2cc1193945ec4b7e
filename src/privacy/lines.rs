//! Text line by line: a line is a text of its own, so that it can go out as soon as it is there, and many can be read at once on all cores.
//!
//! Only what outgrows its line, a private key, goes on in the next. Lines of JSON stay JSON: a number that is rewritten is put in quotes.

use std::sync::Arc;

use super::{Engine, Finding, Scrubber, Tally};

/// Lines in a row.
#[derive(Debug)]
pub struct Lines {
    engine: Arc<Engine>,
    /// For what is longer than a line, and for a line that comes in parts.
    scrubber: Scrubber,
    in_parts: bool,
    tally: Tally,
}

impl Lines {
    /// At a line's beginning.
    #[must_use]
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { scrubber: Scrubber::new(Arc::clone(&engine)), engine, in_parts: false, tally: Tally::default() }
    }

    /// Takes whole lines, each with its end but perhaps the last; appends them rewritten.
    pub fn push(&mut self, lines: &[u8], out: &mut Vec<u8>) {
        let mut pos = 0;
        while pos < lines.len() {
            let end = memchr::memchr(b'\n', &lines[pos..]).map_or(lines.len(), |n| pos + n + 1);
            self.line(&lines[pos..end], out);
            pos = end;
        }
    }

    /// Takes a part of a line that is too long to be held; appends what is decided. Its end comes by [`Lines::push`].
    pub fn part(&mut self, part: &[u8], out: &mut Vec<u8>) {
        self.in_parts = true;
        self.scrubber.push(part, out);
    }

    /// The text ends here: appends what is left of a line that came in parts.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.scrubber.finish(out);
        self.in_parts = false;
    }

    /// Whether a value goes on in the next line.
    #[must_use]
    pub fn is_within_value(&self) -> bool {
        self.scrubber.is_within_value()
    }

    /// What was rewritten so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut all = self.tally.clone();
        all.merge(self.scrubber.tally());
        all
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        if self.in_parts || self.is_within_value() {
            return self.scrub(line, out);
        }
        let found = self.engine.detector().detect(line);
        if found.last().is_some_and(|last| last.open && last.end == line.len()) {
            return self.scrub(line, out);
        }
        let mut quotes = Quotes::new(line);
        let mut pos = 0;
        for finding in &found {
            let number = quotes.number(finding).filter(|(span, _)| span.start >= pos);
            let (span, quote) = number.unwrap_or((finding.span(), String::new()));
            out.extend_from_slice(&line[pos..span.start]);
            out.extend_from_slice(quote.as_bytes());
            out.extend_from_slice(&line[span.start..finding.start]);
            self.engine.rewrite_finding(line, finding, out, &mut self.tally);
            out.extend_from_slice(&line[finding.end..span.end]);
            out.extend_from_slice(quote.as_bytes());
            pos = span.end;
        }
        out.extend_from_slice(&line[pos..]);
    }

    fn scrub(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.scrubber.push(line, out);
        self.scrubber.settle(out);
        self.in_parts = false;
    }
}

/// Where the quotes of a line of JSON are: what is written for a number needs some.
#[derive(Debug)]
struct Quotes<'a> {
    line: &'a [u8],
    /// The line as a whole is JSON, or a line of it.
    is_json: bool,
    scanned: usize,
    in_text: bool,
}

impl<'a> Quotes<'a> {
    fn new(line: &'a [u8]) -> Self {
        let is_json = matches!(line.trim_ascii_start().first(), Some(b'{' | b'[' | b'}' | b']'));
        Self { line, is_json, scanned: 0, in_text: false }
    }

    /// Whether a text of the line's own goes on at `at`; asked from left to right.
    fn is_in_text(&mut self, at: usize) -> bool {
        while self.scanned < at {
            match self.line[self.scanned] {
                b'\\' if self.in_text => self.scanned += 1,
                b'"' => self.in_text = !self.in_text,
                _ => {}
            }
            self.scanned += 1;
        }
        self.in_text
    }

    /// The number that a finding stands in, where that is a value of JSON by itself, and the quotes that a text in its place needs:
    /// `\"` and more where the JSON is itself within a text.
    fn number(&mut self, finding: &Finding) -> Option<(std::ops::Range<usize>, String)> {
        let line = self.line;
        if !line[finding.span()].iter().all(u8::is_ascii_digit) {
            return None;
        }
        let part = |b: &&u8| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E');
        let start = finding.start - line[..finding.start].iter().rev().take_while(part).count();
        let end = finding.end + line[finding.end..].iter().take_while(part).count();
        let before = line[..start].trim_ascii_end();
        let after = line[end..].trim_ascii_start().first();
        let name = before.strip_suffix(b":").map(<[u8]>::trim_ascii_end).filter(|name| name.ends_with(b"\""));
        let in_text = self.is_json && self.is_in_text(start);
        let escapes = match (name, before.last(), after) {
            (Some(name), _, Some(b',' | b'}' | b']' | b'\\') | None) => escapes(name),
            (None, Some(b'[' | b','), Some(b',' | b']')) if self.is_json => {
                let quote = memchr::memrchr(b'"', before).map_or(0, |n| escapes(&before[..=n]));
                // A bracket in a text that is no JSON.
                if in_text && quote == 0 {
                    return None;
                }
                if in_text { quote } else { 0 }
            }
            _ => return None,
        };
        Some((start..end, format!("{}\"", "\\".repeat(escapes))))
    }
}

/// How many backslashes a quote needs where `text` ends with one: 1 within a text, 3 within a text of such a text. Those before them
/// are the text's own.
fn escapes(text: &[u8]) -> usize {
    let all = text[..text.len() - 1].iter().rev().take_while(|&&b| b == b'\\').count();
    (1 << all.trailing_ones()) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::{Keys, Operator, settings::Settings};

    fn lines() -> Lines {
        let settings = Settings { operator: Operator::Redact, ..Settings::default() };
        Lines::new(Arc::new(Engine::new(&settings, Arc::new(Keys::ephemeral().expect("random")))))
    }

    #[test]
    fn json_stays_json() {
        let (mut lines, mut out) = (lines(), Vec::new());
        lines.push(b"{\"card\":4111111111111111,\"t\":[4111111111111111, \"kim@example.com\"]}\n", &mut out);
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, "{\"card\":\"<CREDIT_CARD>\",\"t\":[\"<CREDIT_CARD>\", \"<EMAIL_ADDRESS>\"]}\n");
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn numbers_of_json_are_quoted_as_deep_as_they_stand() {
        for (line, expected) in [
            (r#"{"phone":-1012345678,"n":1}"#, r#"{"phone":"-<PHONE_NUMBER>","n":1}"#),
            (r#"{"m":"{\"phone\":1012345678}"}"#, r#"{"m":"{\"phone\":\"<PHONE_NUMBER>\"}"}"#),
            (
                r#"{"m":"{\"m\":\"{\\\"phone\\\":1012345678}\"}"}"#,
                r#"{"m":"{\"m\":\"{\\\"phone\\\":\\\"<PHONE_NUMBER>\\\"}\"}"}"#,
            ),
            (r#"{"m":"cards [4111111111111111, 2]"}"#, r#"{"m":"cards [<CREDIT_CARD>, 2]"}"#),
            (r#"{"m":"{\"card\":[4111111111111111]}"}"#, r#"{"m":"{\"card\":[\"<CREDIT_CARD>\"]}"}"#),
            (r#"{"p\\":"\\","card":4111111111111111}"#, r#"{"p\\":"\\","card":"<CREDIT_CARD>"}"#),
            (r#"  "card": 4111111111111111,"#, r#"  "card": "<CREDIT_CARD>","#),
            (r#"  "card": 4111111111111111"#, r#"  "card": "<CREDIT_CARD>""#),
            (r#"INFO {"card":4111111111111111} sent"#, r#"INFO {"card":"<CREDIT_CARD>"} sent"#),
            ("card: 4111111111111111, ok", "card: <CREDIT_CARD>, ok"),
        ] {
            let (mut lines, mut out) = (lines(), Vec::new());
            lines.push(line.as_bytes(), &mut out);
            assert_eq!(String::from_utf8_lossy(&out), expected);
        }
    }

    #[test]
    fn a_key_of_many_lines_and_a_line_of_many_parts() {
        let (mut lines, mut out) = (lines(), Vec::new());
        lines.push(b"-----BEGIN PRIVATE KEY-----\nMIIE\n", &mut out);
        assert!(lines.is_within_value());
        lines.push(b"-----END PRIVATE KEY-----\nb kim@example.com\n", &mut out);
        lines.part(b"c kim@exa", &mut out);
        lines.push(b"mple.com\nd", &mut out);
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, "<PRIVATE_KEY>\nb <EMAIL_ADDRESS>\nc <EMAIL_ADDRESS>\nd");
        let counts: Vec<_> = lines.tally().iter().map(|(kind, n)| format!("{kind} {n}")).collect();
        assert_eq!(counts, ["EMAIL_ADDRESS 2", "PRIVATE_KEY 1"]);
    }
}
