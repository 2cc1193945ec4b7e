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
        let is_json = matches!(line.trim_ascii_start().first(), Some(b'{' | b'['));
        let mut pos = 0;
        for finding in &found {
            out.extend_from_slice(&line[pos..finding.start]);
            let quotes: &[u8] = if is_json && is_bare(line, finding) { b"\"" } else { b"" };
            out.extend_from_slice(quotes);
            self.engine.rewrite_finding(line, finding, out, &mut self.tally);
            out.extend_from_slice(quotes);
            pos = finding.end;
        }
        out.extend_from_slice(&line[pos..]);
    }

    fn scrub(&mut self, line: &[u8], out: &mut Vec<u8>) {
        self.scrubber.push(line, out);
        self.scrubber.settle(out);
        self.in_parts = false;
    }
}

/// Whether a finding is a whole number of JSON, outside of quotes.
fn is_bare(line: &[u8], finding: &Finding) -> bool {
    let before = line[..finding.start].trim_ascii_end().last();
    let after = line[finding.end..].trim_ascii_start().first();
    line[finding.span()].iter().all(u8::is_ascii_digit)
        && matches!(before, Some(b':' | b'[' | b','))
        && matches!(after, Some(b',' | b'}' | b']'))
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
