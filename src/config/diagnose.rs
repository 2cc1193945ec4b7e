//! What is wrong with a configuration: where, what, and how to mend it. All of it at once.

use std::{fmt, ops::Range};

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, or the command line.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong. Never the value of a secret.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

/// Everything that is wrong, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(pub Vec<Diagnostic>);

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, d) in self.0.iter().enumerate() {
            let gap = if i == 0 { "" } else { "\n" };
            write!(f, "{gap}{}:{}:{}: {}", d.file, d.line, d.column, d.message)?;
            if let Some(hint) = &d.hint {
                write!(f, "\n    hint: {hint}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Report {}

/// Collects diagnostics about one text.
#[derive(Debug)]
pub struct Diagnostics<'a> {
    file: &'a str,
    text: &'a str,
    found: Vec<(usize, Diagnostic)>,
}

impl<'a> Diagnostics<'a> {
    /// Nothing wrong so far with `text`, called `file`.
    #[must_use]
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, found: Vec::new() }
    }

    /// Notes that something is wrong at `span`, in bytes.
    pub fn note(&mut self, span: &Range<usize>, message: impl Into<String>, hint: Option<String>) {
        let at = span.start.min(self.text.len());
        let before = self.text.get(..at).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |lf| lf + 1);
        let diagnostic = Diagnostic {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
            hint,
        };
        self.found.push((at, diagnostic));
    }

    /// Notes what is wrong with another file.
    pub fn elsewhere(&mut self, diagnostic: Diagnostic) {
        self.found.push((usize::MAX, diagnostic));
    }

    /// The report, if there is anything to report.
    #[must_use]
    pub fn report(mut self) -> Option<Report> {
        self.found.sort_by_key(|(at, _)| *at);
        (!self.found.is_empty()).then(|| Report(self.found.into_iter().map(|(_, d)| d).collect()))
    }
}

/// «did you mean» for a word that is close to one of `known`.
pub fn did_you_mean<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<String> {
    known
        .map(|k| (strsim::normalized_damerau_levenshtein(word, k), k))
        .filter(|(score, _)| *score >= 0.55)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| format!("did you mean `{k}`?"))
}
