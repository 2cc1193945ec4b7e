//! The text as written: the only place that knows TOML. `${NAME}` is expanded within strings, after parsing, so that no
//! environment can change the structure.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::diagnose::Diagnostics;

/// A value and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where.
    pub span: Range<usize>,
    /// What.
    pub value: Value,
}

/// A value of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text, expanded.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Boolean(bool),
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in the order of the text.
    Table(Vec<Entry>),
    /// A kind that no key takes.
    Other(&'static str),
}

/// One key of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub span: Range<usize>,
    /// Its value.
    pub node: Node,
}

impl Value {
    /// The kind, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// Looks up an environment variable.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Parses `text`; what is wrong goes into `diagnostics`, `None` when it is not TOML.
pub fn parse(text: &str, environment: Environment<'_>, diagnostics: &mut Diagnostics<'_>) -> Option<Vec<Entry>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let broken = !errors.is_empty();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        diagnostics.note(&span, error.message().trim().to_owned(), None);
    }
    (!broken).then(|| entries(table.get_ref(), environment, diagnostics))
}

fn entries(table: &DeTable<'_>, environment: Environment<'_>, diagnostics: &mut Diagnostics<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            span: key.span(),
            node: Node { span: value.span(), value: convert(value.get_ref(), &value.span(), environment, diagnostics) },
        })
        .collect();
    entries.sort_by_key(|entry| entry.span.start);
    entries
}

fn convert(
    value: &DeValue<'_>,
    span: &Range<usize>,
    environment: Environment<'_>,
    diagnostics: &mut Diagnostics<'_>,
) -> Value {
    match value {
        DeValue::String(text) => Value::Text(expand(text, span, environment, diagnostics)),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            parsed.map_or(Value::Other("a number that is too large"), Value::Integer)
        }
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Node {
                    span: item.span(),
                    value: convert(item.get_ref(), &item.span(), environment, diagnostics),
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(entries(table, environment, diagnostics)),
        DeValue::Float(_) => Value::Other("a fraction"),
        DeValue::Datetime(_) => Value::Other("a date"),
    }
}

/// `${NAME}`, `${NAME:-default}` and `$$`; any other `$` stays.
fn expand(text: &str, span: &Range<usize>, environment: Environment<'_>, diagnostics: &mut Diagnostics<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(tail) = rest.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some((inner, tail)) = rest.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            let (name, default) = inner.split_once(":-").map_or((inner, None), |(name, default)| (name, Some(default)));
            match environment(name).or_else(|| default.map(str::to_owned)) {
                Some(value) => out.push_str(&value),
                None => diagnostics.note(
                    span,
                    format!("the environment variable `{name}` is not set"),
                    Some(format!("set it, or give a default: `${{{name}:-value}}`")),
                ),
            }
            rest = tail;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}
