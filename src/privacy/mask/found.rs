//! What was found in one body, by field: counts only.

use crate::{
    format::Path,
    privacy::{Engine, Tally, context::Context, detect::label},
};

/// Fields of one body that are told apart, and longest path in bytes.
const FIELDS: usize = 128;
const LONGEST: usize = 120;
/// Longest name that is taken for a field's, in bytes.
const LONGEST_NAME: usize = 40;

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its path; no part of it is data.
    pub field: String,
    /// What was rewritten there.
    pub masked: Tally,
    /// What was left as it is there, and so was shown to somebody.
    pub shown: Tally,
}

impl Row {
    /// Both.
    #[must_use]
    pub fn both(&self) -> Tally {
        let mut both = self.masked.clone();
        both.merge(&self.shown);
        both
    }
}

/// Counts by field.
#[derive(Debug, Default, Clone)]
pub struct Found {
    rows: Vec<Row>,
}

impl Found {
    /// The fields in which something was found.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// All that was rewritten, by type.
    #[must_use]
    pub fn masked(&self) -> Tally {
        self.sum(|row| &row.masked)
    }

    /// All that was left as it is, by type.
    #[must_use]
    pub fn shown(&self) -> Tally {
        self.sum(|row| &row.shown)
    }

    fn sum(&self, of: impl Fn(&Row) -> &Tally) -> Tally {
        let mut all = Tally::default();
        self.rows.iter().for_each(|row| all.merge(of(row)));
        all
    }

    /// Where what is rewritten is counted in a row that [`Found::row_of`] gave.
    pub(super) fn masked_in(&mut self, row: usize) -> &mut Tally {
        &mut self.rows[row].masked
    }

    /// The same for what is left as it is.
    pub(super) fn shown_in(&mut self, row: usize) -> &mut Tally {
        &mut self.rows[row].shown
    }

    /// Takes back what was counted since. Rows stay, for fields know theirs.
    pub(super) fn go_back(&mut self, before: &Self) {
        for (i, row) in self.rows.iter_mut().enumerate() {
            let known = before.rows.get(i);
            row.masked = known.map(|row| row.masked.clone()).unwrap_or_default();
            row.shown = known.map(|row| row.shown.clone()).unwrap_or_default();
        }
    }

    /// The row in which what was found at `path` is counted. `strict` is for bodies whose names may be values.
    pub(super) fn row_of(&mut self, path: &Path, engine: &Engine, strict: bool) -> usize {
        self.row(shown(path, engine, strict))
    }

    fn row(&mut self, mut field: String) -> usize {
        if self.rows.len() >= FIELDS && !self.rows.iter().any(|row| row.field == field) {
            "(other)".clone_into(&mut field);
        }
        if let Some(row) = self.rows.iter().position(|row| row.field == field) {
            return row;
        }
        self.rows.push(Row { field, masked: Tally::default(), shown: Tally::default() });
        self.rows.len() - 1
    }
}

/// A path without what may be somebody's: names that are values are shown as `?`.
fn shown(path: &Path, engine: &Engine, strict: bool) -> String {
    let mut shown = String::new();
    for segment in path.segments().filter(|segment| !segment.is_empty()) {
        shown.push('/');
        match std::str::from_utf8(segment) {
            Ok("*") => shown.push('*'),
            Ok(name) if is_field_name(name, engine, strict) => shown.push_str(name),
            _ => shown.push('?'),
        }
        if shown.len() > LONGEST {
            shown.push('…');
            break;
        }
    }
    if shown.is_empty() { "(text)".to_owned() } else { shown }
}

/// Whether `name` is the name of a field and no value itself. `strict` is for places where names may be values: it must be one that is
/// known.
#[must_use]
pub fn is_field_name(name: &str, engine: &Engine, strict: bool) -> bool {
    if name.len() > LONGEST_NAME {
        return false;
    }
    let text = format!("{name}: ");
    if label::label(name.as_bytes()).is_some() || !Context::around(text.as_bytes(), text.len()..text.len()).is_empty() {
        return true;
    }
    let sign = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'@' | b'[' | b']');
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    !strict
        && name.bytes().all(sign)
        && name.bytes().any(|b| b.is_ascii_alphabetic())
        && digits <= 3
        && engine.detector().detect(name.as_bytes()).is_empty()
}
