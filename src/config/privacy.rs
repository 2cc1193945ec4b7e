//! `[privacy]`, and what a route adds to it.

use std::sync::Arc;

use super::{
    diagnose::{Diagnostics, did_you_mean},
    file::Value,
    reader::Table,
};
use crate::privacy::{
    finding::Kind,
    settings::{Checksum, Operator, Own, Pattern, Settings},
};

/// What holds everywhere.
pub(super) fn resolve(mut table: Table, d: &mut Diagnostics<'_>) -> Settings {
    let mut settings = Settings::default();
    for own in table.tables("detector", "privacy.detector[]", d) {
        settings.detectors.extend(detector(own, d));
    }
    adapt(&mut table, &mut settings, d);
    table.finish(d);
    settings
}

/// What holds on a route: what holds everywhere, and what the route's table says besides.
pub(super) fn on_route(table: Option<Table>, everywhere: &Arc<Settings>, d: &mut Diagnostics<'_>) -> Arc<Settings> {
    let Some(mut table) = table else { return Arc::clone(everywhere) };
    let mut settings = Settings::clone(everywhere);
    adapt(&mut table, &mut settings, d);
    table.finish(d);
    Arc::new(settings)
}

fn adapt(table: &mut Table, settings: &mut Settings, d: &mut Diagnostics<'_>) {
    settings.operator = table.choice("operator", d, &Operator::ALL, settings.operator);
    let percent = table.number("threshold", d, 1..=100).and_then(|n| u8::try_from(n).ok());
    settings.threshold = percent.unwrap_or(settings.threshold);
    for (kind, operator) in operators(table, settings, d) {
        settings.operators.retain(|(known, _)| *known != kind);
        settings.operators.push((kind, operator));
    }
    let known = |name: &str| kind(name, settings).ok_or_else(|| unknown(name));
    let off = table.list("off", d, "a type such as \"IP_ADDRESS\"", known).unwrap_or_default();
    settings.off.extend(off);
    let any = |text: &str| Ok(text.to_owned());
    settings.allow.extend(table.list("allow", d, "a value", any).unwrap_or_default());
    let domain = |text: &str| Ok(text.trim_start_matches(['@', '.']).to_owned());
    settings.allow_domains.extend(table.list("allow_domains", d, "a domain", domain).unwrap_or_default());
    let pattern = |text: &str| Pattern::whole(text).map_err(|error| error.to_string());
    settings.allow_regex.extend(table.list("allow_regex", d, "a pattern", pattern).unwrap_or_default());
}

fn kind(name: &str, settings: &Settings) -> Option<Kind> {
    let own = || settings.detectors.iter().find(|own| &*own.name == name).map(|own| Kind::Own(Arc::clone(&own.name)));
    Kind::ALL.iter().find(|kind| kind.name() == name).cloned().or_else(own)
}

fn unknown(name: &str) -> String {
    let hint = did_you_mean(name, Kind::ALL.iter().map(Kind::name));
    format!("\"{name}\" is no type{}", hint.map_or(String::new(), |hint| format!("; {hint}")))
}

fn operators(table: &mut Table, settings: &Settings, d: &mut Diagnostics<'_>) -> Vec<(Kind, Operator)> {
    let Some(node) = table.node("operators") else { return Vec::new() };
    let Value::Table(entries) = node.value else {
        let hint = "write `operators = { IP_ADDRESS = \"truncate\" }`".to_owned();
        d.note(&node.span, format!("`operators` is {}", node.value.kind()), Some(hint));
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries {
        let operator = match &entry.node.value {
            Value::Text(text) => Operator::ALL.iter().find(|(name, _)| name == text).map(|(_, operator)| *operator),
            _ => None,
        };
        match (kind(&entry.key, settings), operator) {
            (None, _) => d.note(&entry.span, unknown(&entry.key), None),
            (_, None) => {
                let names: Vec<_> = Operator::ALL.iter().map(|(name, _)| format!("\"{name}\"")).collect();
                d.note(
                    &entry.node.span,
                    "no operator is called so",
                    Some(format!("one of {} is expected", names.join(", "))),
                );
            }
            (Some(kind), Some(Operator::Truncate | Operator::Preserve)) if kind != Kind::IpAddress => {
                d.note(&entry.node.span, "this operator is for IP_ADDRESS", None);
            }
            (Some(kind), Some(operator)) => found.push((kind, operator)),
        }
    }
    found
}

fn detector(mut table: Table, d: &mut Diagnostics<'_>) -> Option<Own> {
    let name = |text: &str| {
        let legal = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        if !(3..=40).contains(&text.len()) || !text.bytes().all(legal) || !text.as_bytes()[0].is_ascii_uppercase() {
            return Err(format!("\"{text}\" is not of 3 to 40 capitals, digits and `_`"));
        }
        if Kind::ALL.iter().any(|kind| kind.name() == text) {
            return Err(format!("\"{text}\" is a built-in type"));
        }
        Ok(Arc::from(text))
    };
    let span = table.span.clone();
    let name: Option<Arc<str>> = table.parsed("name", d, "a name such as \"EMPLOYEE_NO\"", name);
    let pattern = |text: &str| Pattern::anywhere(text).map_err(|error| error.to_string());
    let regex = table.parsed("regex", d, "a pattern such as \"E[0-9]{6}\"", pattern);
    let keywords = table.list("keywords", d, "a word", |text| Ok(text.to_owned())).unwrap_or_default();
    let longest = i64::try_from(Own::LONGEST).unwrap_or(i64::MAX);
    let max_length = table.number("max_length", d, 1..=longest).and_then(|n| usize::try_from(n).ok()).unwrap_or(64);
    let checksums: Vec<_> = Checksum::ALL.iter().map(|&(name, checksum)| (name, Some(checksum))).collect();
    let checksum = table.choice("checksum", d, &checksums, None);
    table.finish(d);
    if let (Some(name), Some(regex)) = (name, regex) {
        return Some(Own { name, regex, keywords, max_length, checksum });
    }
    d.note(&span, "a detector needs `name` and `regex`", None);
    None
}
