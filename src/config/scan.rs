//! `[scan]`, and what a route's answers get and lose in their heads.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};

use super::{context::Context, diagnose::Diagnostics, file::Value, reader::Table};
use crate::scan::{
    library::Libraries,
    settings::{Settings, WATCH_BYTES},
};

/// The least and the most that rules may look at.
const BYTES: std::ops::RangeInclusive<u64> = 1 << 10..=1 << 20;
/// What frames an answer, belongs to a hop, or has a setting of its own.
const NOT_FOR_ROUTES: &[(&str, &str)] = &[
    ("connection", "it frames the answer"),
    ("keep-alive", "it frames the answer"),
    ("transfer-encoding", "it frames the answer"),
    ("content-length", "it frames the answer"),
    ("content-encoding", "it says how the body is coded"),
    ("content-range", "it says which part the body is"),
    ("trailer", "it frames the answer"),
    ("te", "it frames the answer"),
    ("upgrade", "it frames the answer"),
    ("set-cookie", "cookies are the application's; `cookies` adds to them"),
    ("location", "redirects are the application's; `rewrite_location` mends them"),
    ("strict-transport-security", "write `hsts = \"...\"`"),
    ("x-request-id", "it is Privet's"),
];

/// What is asked of the analysis.
pub(super) fn resolve(table: Option<Table>, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Settings {
    let Some(mut table) = table else { return Settings::default() };
    let place = table.place("watch_bytes");
    let bytes = table.size("watch_bytes", d, WATCH_BYTES as u64);
    if !BYTES.contains(&bytes) {
        d.note(&place, "`watch_bytes` is from 1KiB to 1MiB", None);
    }
    let place = table.place("retirejs");
    let retirejs = table.text("retirejs", d).map(|text| context.path(&text));
    let mut libraries = Libraries::default();
    if let Some(file) = &retirejs {
        context.files.push(file.clone());
        match Libraries::open(file) {
            Ok(read) => libraries = read,
            Err(error) => {
                let hint = Some("name a copy of RetireJS's jsrepository.json".to_owned());
                d.note(&place, format!("`{}` {error}", file.display()), hint);
            }
        }
    }
    table.finish(d);
    let watch_bytes = usize::try_from(bytes).unwrap_or(WATCH_BYTES);
    Settings { watch_bytes, retirejs, libraries: Arc::new(libraries) }
}

/// Headers that answers get where they have none of the name.
pub(super) fn headers(table: &mut Table, d: &mut Diagnostics<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let Some(node) = table.node("headers") else { return Vec::new() };
    let Value::Table(entries) = node.value else {
        let hint = "write `headers = { X-Content-Type-Options = \"nosniff\" }`".to_owned();
        d.note(&node.span, format!("`headers` is {}", node.value.kind()), Some(hint));
        return Vec::new();
    };
    let mut found: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for entry in entries {
        let name = match name(&entry.key) {
            Ok(name) if found.iter().any(|(known, _)| *known == name) => {
                d.note(&entry.span, format!("`{}` stands twice", entry.key), None);
                continue;
            }
            Ok(name) => name,
            Err(why) => {
                d.note(&entry.span, why, None);
                continue;
            }
        };
        let value = match &entry.node.value {
            Value::Text(text) if !text.trim().is_empty() => HeaderValue::from_str(text.trim()).ok(),
            _ => None,
        };
        match value {
            Some(value) => found.push((name, value)),
            None => d.note(&entry.node.span, format!("`{}` needs a text in one line", entry.key), None),
        }
    }
    found
}

/// Headers of the application's that nobody gets.
pub(super) fn hidden(table: &mut Table, d: &mut Diagnostics<'_>) -> Vec<HeaderName> {
    table.list("hide_headers", d, "the name of a header such as \"Server\"", name).unwrap_or_default()
}

fn name(text: &str) -> Result<HeaderName, String> {
    let name = text.parse::<HeaderName>().map_err(|_| format!("\"{text}\" is no name of a header"))?;
    if name.as_str().starts_with("x-privet-") {
        return Err(format!("`{text}` is not for a route to set: headers of this name are Privet's"));
    }
    match NOT_FOR_ROUTES.iter().find(|(known, _)| name == *known) {
        Some((_, why)) => Err(format!("`{text}` is not for a route to set: {why}")),
        None => Ok(name),
    }
}
