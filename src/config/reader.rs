//! Takes typed values out of tables. Every read names its key; whatever no read has asked for is unknown.

use std::{ops::Range, time::Duration};

use super::{
    diagnose::{Diagnostics, did_you_mean},
    file::{Entry, Node, Value},
    schema::{SECRETS, keys, names},
};
use crate::common::unit;

/// One table being read.
#[derive(Debug)]
pub struct Table {
    /// Its name in the schema.
    name: &'static str,
    /// Where it stands.
    pub span: Range<usize>,
    entries: Vec<Entry>,
}

impl Table {
    /// A table called `name` in the schema.
    #[must_use]
    pub fn new(name: &'static str, span: Range<usize>, entries: Vec<Entry>) -> Self {
        Self { name, span, entries }
    }

    /// Whether it holds nothing that was not read yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn take(&mut self, name: &'static str) -> Option<Node> {
        let known = keys().any(|key| key.table == self.name && key.name == name)
            || names(self.name).contains(&name)
            || name.strip_suffix("_file").is_some_and(|secret| SECRETS.contains(&secret));
        debug_assert!(known, "{}.{name} is not in the schema", self.name);
        let at = self.entries.iter().position(|entry| entry.key == name)?;
        Some(self.entries.remove(at).node)
    }

    /// Whether a key is there and was not read yet.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == name)
    }

    /// Where a key stands; the table where it does not.
    #[must_use]
    pub fn place(&self, name: &str) -> Range<usize> {
        self.entries.iter().find(|entry| entry.key == name).map_or(self.span.clone(), |entry| entry.node.span.clone())
    }

    /// Reads a key with `read`, which says what it wants when it gets something else.
    pub fn read<T>(
        &mut self,
        name: &'static str,
        d: &mut Diagnostics<'_>,
        wanted: &str,
        read: impl FnOnce(&Value) -> Option<Result<T, String>>,
    ) -> Option<T> {
        let node = self.take(name)?;
        match read(&node.value) {
            Some(Ok(value)) => Some(value),
            Some(Err(why)) => {
                d.note(&node.span, format!("`{name}`: {why}"), Some(format!("{wanted} is expected")));
                None
            }
            None => {
                d.note(&node.span, format!("`{name}` is {}", node.value.kind()), Some(format!("{wanted} is expected")));
                None
            }
        }
    }

    /// Text.
    pub fn text(&mut self, name: &'static str, d: &mut Diagnostics<'_>) -> Option<String> {
        self.read(name, d, "text in quotes", |value| text(value).map(|t| Ok(t.to_owned())))
    }

    /// Text that `parse` understands.
    pub fn parsed<T>(
        &mut self,
        name: &'static str,
        d: &mut Diagnostics<'_>,
        wanted: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        self.read(name, d, wanted, |value| text(value).map(parse))
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &'static str, d: &mut Diagnostics<'_>, default: bool) -> bool {
        let read = |value: &Value| if let Value::Boolean(flag) = value { Some(Ok(*flag)) } else { None };
        self.read(name, d, "true or false", read).unwrap_or(default)
    }

    /// A whole number within `range`.
    pub fn number(
        &mut self,
        name: &'static str,
        d: &mut Diagnostics<'_>,
        range: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let wanted = format!("a whole number from {} to {}", range.start(), range.end());
        self.read(name, d, &wanted, |value| match value {
            Value::Integer(n) if range.contains(n) => Some(Ok(*n)),
            Value::Integer(n) => Some(Err(format!("{n} is out of range"))),
            _ => None,
        })
    }

    /// A duration.
    pub fn duration(&mut self, name: &'static str, d: &mut Diagnostics<'_>, default: Duration) -> Duration {
        self.parsed(name, d, "a duration such as \"30s\"", |t| unit::parse_duration(t).map_err(|e| e.to_string()))
            .unwrap_or(default)
    }

    /// A duration, or `"off"`.
    pub fn duration_or_off(
        &mut self,
        name: &'static str,
        d: &mut Diagnostics<'_>,
        default: Option<Duration>,
    ) -> Option<Duration> {
        let parse =
            |t: &str| if t == "off" { Ok(None) } else { unit::parse_duration(t).map(Some).map_err(|e| e.to_string()) };
        self.parsed(name, d, "a duration such as \"30s\", or \"off\",", parse).unwrap_or(default)
    }

    /// A size in bytes.
    pub fn size(&mut self, name: &'static str, d: &mut Diagnostics<'_>, default: u64) -> u64 {
        self.size_or_off(name, d, Some(default)).unwrap_or(u64::MAX)
    }

    /// A size in bytes, or `"off"`.
    pub fn size_or_off(&mut self, name: &'static str, d: &mut Diagnostics<'_>, default: Option<u64>) -> Option<u64> {
        let read = |value: &Value| match value {
            Value::Text(t) if t == "off" => Some(Ok(None)),
            Value::Text(t) => Some(unit::parse_size(t).map(Some).map_err(|e| e.to_string())),
            Value::Integer(n) => Some(u64::try_from(*n).map(Some).map_err(|_| format!("{n} is negative"))),
            _ => None,
        };
        self.read(name, d, "a size such as \"10MiB\"", read).unwrap_or(default)
    }

    /// One of a few words.
    pub fn choice<T: Copy>(
        &mut self,
        name: &'static str,
        d: &mut Diagnostics<'_>,
        choices: &[(&str, T)],
        default: T,
    ) -> T {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("\"{word}\"")).collect();
        let wanted = format!("one of {}", words.join(", "));
        let find = |t: &str| {
            choices.iter().find(|(w, _)| *w == t).map(|(_, v)| *v).ok_or_else(|| format!("\"{t}\" is not known"))
        };
        self.parsed(name, d, &wanted, find).unwrap_or(default)
    }

    /// A list of texts, each understood by `parse`.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        d: &mut Diagnostics<'_>,
        wanted: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let items = self.nodes(name, d, wanted)?;
        Some(Self::items(name, items, d, wanted, parse))
    }

    /// A text or a list of them, each read by `parse`.
    pub fn one_or_more<T>(
        &mut self,
        name: &'static str,
        d: &mut Diagnostics<'_>,
        wanted: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let node = self.take(name)?;
        let items = match node.value {
            Value::List(items) => items,
            value => vec![Node { span: node.span, value }],
        };
        Some(Self::items(name, items, d, wanted, parse))
    }

    fn items<T>(
        name: &'static str,
        items: Vec<Node>,
        d: &mut Diagnostics<'_>,
        wanted: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Vec<T> {
        let mut out = Vec::new();
        for item in items {
            match text(&item.value).map(&parse) {
                Some(Ok(value)) => out.push(value),
                Some(Err(why)) => d.note(&item.span, format!("`{name}`: {why}"), Some(format!("{wanted} is expected"))),
                None => d.note(
                    &item.span,
                    format!("`{name}` holds {}", item.value.kind()),
                    Some(format!("{wanted} is expected")),
                ),
            }
        }
        out
    }

    /// The items of a list.
    pub fn nodes(&mut self, name: &'static str, d: &mut Diagnostics<'_>, wanted: &str) -> Option<Vec<Node>> {
        let node = self.take(name)?;
        let Value::List(items) = node.value else {
            d.note(
                &node.span,
                format!("`{name}` is {}", node.value.kind()),
                Some(format!("a list is expected: {wanted} in brackets")),
            );
            return None;
        };
        Some(items)
    }

    /// The value of a key as it stands.
    pub fn node(&mut self, name: &'static str) -> Option<Node> {
        self.take(name)
    }

    /// A table within; an empty one where it is absent.
    pub fn table(&mut self, name: &'static str, full: &'static str, d: &mut Diagnostics<'_>) -> Table {
        self.table_if(name, full, d).unwrap_or(Table::new(full, self.span.clone(), Vec::new()))
    }

    /// A table within, where it is present.
    pub fn table_if(&mut self, name: &'static str, full: &'static str, d: &mut Diagnostics<'_>) -> Option<Table> {
        let node = self.take(name)?;
        let Value::Table(entries) = node.value else {
            d.note(
                &node.span,
                format!("`{name}` is {}", node.value.kind()),
                Some(format!("a table is expected: [{name}]")),
            );
            return None;
        };
        Some(Table::new(full, node.span, entries))
    }

    /// A list of tables.
    pub fn tables(&mut self, name: &'static str, full: &'static str, d: &mut Diagnostics<'_>) -> Vec<Table> {
        let Some(items) = self.nodes(name, d, &format!("[[{name}]] tables")) else { return Vec::new() };
        let mut out = Vec::new();
        for item in items {
            match item.value {
                Value::Table(entries) => out.push(Table::new(full, item.span, entries)),
                other => {
                    d.note(&item.span, format!("`{name}` holds {}", other.kind()), Some(format!("write [[{name}]]")));
                }
            }
        }
        out
    }

    /// Tells of what nobody has read.
    pub fn finish(self, d: &mut Diagnostics<'_>) {
        let known = names(self.name);
        for entry in self.entries {
            let hint = did_you_mean(&entry.key, known.iter().copied());
            d.note(&entry.span, format!("unknown key `{}`", entry.key), hint);
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}
