//! Rule files as lines: comments gone, continued lines joined, each with the place where it begins.

use std::{fmt, path::Path, sync::Arc};

/// A place in a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file as it was named.
    pub file: Arc<str>,
    /// The line, from one.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What is wrong with rules, where, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What, and how to mend it.
    pub what: String,
}

impl Fault {
    /// A fault at a place.
    pub fn new(place: &Place, what: impl Into<String>) -> Self {
        Self { place: place.clone(), what: what.into() }
    }
}

/// One logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it begins.
    pub place: Place,
    /// What it says, without line ends.
    pub text: String,
}

/// A file's text and name, and where its data files lie.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name that faults show.
    pub name: Arc<str>,
    /// The folder that `@pmFromFile` looks in; none for rules that come with Privet.
    pub folder: Option<Arc<Path>>,
    /// What it says.
    pub text: String,
}

impl Source {
    /// The lines that say something.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut open: Option<Line> = None;
        for (line, number) in self.text.lines().zip(1u32..) {
            let blank = open.is_none() && (line.trim_start().is_empty() || line.trim_start().starts_with('#'));
            if blank {
                continue;
            }
            let (text, goes_on) = match line.trim_end().strip_suffix('\\') {
                Some(text) => (text, true),
                None => (line, false),
            };
            let logical = open.get_or_insert_with(|| Line {
                place: Place { file: Arc::clone(&self.name), line: number },
                text: String::new(),
            });
            // A comment between two continued lines is no part of the directive.
            if !text.trim_start().starts_with('#') || logical.text.is_empty() {
                logical.text.push_str(if logical.text.is_empty() { text } else { text.trim_start() });
            }
            if !goes_on {
                lines.extend(open.take());
            }
        }
        lines.extend(open);
        lines
    }
}

/// Words of a directive: blanks part them, quotes hold them together.
///
/// # Errors
/// When a quote is not closed.
pub fn words(line: &Line) -> Result<Vec<String>, Fault> {
    let mut words = Vec::new();
    let mut rest = line.text.trim_start();
    while let Some(first) = rest.chars().next() {
        let quote = (first == '"' || first == '\'').then_some(first);
        let body = if quote.is_some() { &rest[1..] } else { rest };
        let mut word = String::new();
        let mut end = None;
        let mut chars = body.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            match (c, quote) {
                ('\\', Some(q)) if chars.peek().is_some_and(|(_, next)| *next == q) => {
                    word.push(q);
                    chars.next();
                }
                ('\\', Some(_)) if chars.peek().is_some_and(|(_, next)| *next == '\\') => {
                    word.push_str("\\\\");
                    chars.next();
                }
                (c, Some(q)) if c == q => {
                    end = Some(at + 1);
                    break;
                }
                (c, None) if c.is_whitespace() => {
                    end = Some(at);
                    break;
                }
                (c, _) => word.push(c),
            }
        }
        if quote.is_some() && end.is_none() {
            return Err(Fault::new(
                &line.place,
                "a quote is opened and never closed; close it, or end the line before with `\\`",
            ));
        }
        words.push(word);
        rest = body[end.unwrap_or(body.len())..].trim_start();
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { name: "a.conf".into(), folder: None, text: text.to_owned() }
    }

    #[test]
    fn continued_lines_are_one_and_comments_are_none() {
        let lines =
            source("# one\n\nSecRule A \\\n    \"@rx b\" \\\n # inside\\\n    \"id:1,\\\n    pass\"\nSecMarker X")
                .lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0].text, "SecRule A \"@rx b\" \"id:1,pass\"");
        assert_eq!((lines[0].place.line, lines[1].place.line), (3, 8));
    }

    #[test]
    fn quotes_hold_words_together() {
        let line = |text: &str| source(text).lines().remove(0);
        assert_eq!(
            words(&line(r#"SecRule A|B "@rx \"x\s" 'y z'"#)).expect("words"),
            ["SecRule", "A|B", "@rx \"x\\s", "y z"]
        );
        assert_eq!(words(&line(r#"SecMarker "END-\\" x"#)).expect("words")[1], r"END-\\");
        let fault = words(&line("SecMarker \"x")).expect_err("open");
        assert!(fault.to_string().starts_with("a.conf:1: "), "{fault}");
    }
}
