//! `[shield]`: which rules against intrusion there are.

use std::sync::Arc;

use super::{
    context::Context,
    diagnose::{Diagnostic, Diagnostics},
    file::Value,
    reader::Table,
};
use crate::shield::settings::{Exclusion, Fault, Mode, OnRoute, Patch, Ruleset, Settings};

/// What a route asks of rules.
pub(super) fn on_route(table: &mut Table, d: &mut Diagnostics<'_>) -> Option<OnRoute> {
    let modes = [("off", None), ("detect", Some(Mode::Detect)), ("block", Some(Mode::Block))];
    let mode = table.choice("shield", d, &modes, None);
    let place = table.place("shield_exceeded");
    let given = table.has("shield_exceeded");
    let refuses_excess = table.choice("shield_exceeded", d, &[("refuse", true), ("pass", false)], true);
    if given && mode.is_none() {
        d.note(&place, "`shield_exceeded` without `shield` says nothing", Some("add `shield = \"block\"`".to_owned()));
    }
    mode.map(|mode| OnRoute { mode, refuses_excess })
}

/// The rules; nothing where no route asks for them.
pub(super) fn resolve(
    table: Option<Table>,
    asked: bool,
    context: &mut Context<'_>,
    d: &mut Diagnostics<'_>,
) -> Option<Arc<Ruleset>> {
    let settings = match table {
        Some(table) => read(table, asked, context, d),
        None => Settings::default(),
    };
    if !asked {
        return None;
    }
    context.files.extend(Ruleset::files(&settings));
    match Ruleset::load(settings) {
        Ok(rules) => Some(Arc::new(rules)),
        Err(Fault { place, what }) => {
            let line = usize::try_from(place.line).unwrap_or(1).max(1);
            let hint = Some("mend the rule, take it out, or name another folder: docs/SHIELD.md".to_owned());
            d.elsewhere(Diagnostic { file: place.file.to_string(), line, column: 1, message: what, hint });
            None
        }
    }
}

fn read(mut table: Table, asked: bool, context: &Context<'_>, d: &mut Diagnostics<'_>) -> Settings {
    let default = Settings::default();
    if !asked {
        let hint = Some("add `shield = \"detect\"` to a route, or remove `[shield]`".to_owned());
        d.note(&table.span, "no route asks for a shield, so these rules are never asked", hint);
    }
    let file = |text: &str| Ok(context.path(text));
    let level = |n: Option<i64>| n.and_then(|n| u8::try_from(n).ok());
    let number = |n: Option<i64>, or: u32| n.and_then(|n| u32::try_from(n).ok()).unwrap_or(or);
    let paranoia = level(table.number("paranoia", d, 1..=4)).unwrap_or(default.paranoia);
    let detection_place = table.place("detection_paranoia");
    let detection_paranoia = level(table.number("detection_paranoia", d, 1..=4)).unwrap_or(paranoia);
    if detection_paranoia < paranoia {
        let hint = Some(format!("set it to {paranoia} or more"));
        d.note(&detection_place, "`detection_paranoia` is below `paranoia`", hint);
    }
    let mut limits = table.table("limits", "shield.limits", d);
    let size = |size: u64| usize::try_from(size).unwrap_or(usize::MAX);
    let count = |n: Option<i64>, or: usize| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(or);
    let settings = Settings {
        rules: table.text("rules", d).map(|text| context.path(&text)),
        setup: table.text("setup", d).map(|text| context.path(&text)),
        before: table.list("before", d, "the name of a file", file).unwrap_or_default(),
        after: table.list("after", d, "the name of a file", file).unwrap_or_default(),
        paranoia,
        detection_paranoia,
        inbound_threshold: number(table.number("inbound_threshold", d, 1..=10_000), default.inbound_threshold),
        outbound_threshold: number(table.number("outbound_threshold", d, 1..=10_000), default.outbound_threshold),
        early_blocking: table.flag("early_blocking", d, default.early_blocking),
        responses: table.flag("responses", d, default.responses),
        sampling: level(table.number("sampling", d, 1..=100)).unwrap_or(default.sampling),
        body: size(limits.size("body", d, default.body as u64)),
        answer: size(limits.size("answer", d, default.answer as u64)),
        arguments: count(limits.number("arguments", d, 1..=100_000), default.arguments),
        depth: count(limits.number("depth", d, 1..=1_000), default.depth),
        time: limits.duration("time", d, default.time),
        exclusions: table
            .tables("exclude", "shield.exclude[]", d)
            .into_iter()
            .filter_map(|t| exclusion(t, d))
            .collect(),
        patches: table.tables("patch", "shield.patch[]", d).into_iter().filter_map(|t| patch(t, d)).collect(),
    };
    limits.finish(d);
    table.finish(d);
    settings
}

fn exclusion(mut table: Table, d: &mut Diagnostics<'_>) -> Option<Exclusion> {
    let span = table.span.clone();
    let place = table.place("rules");
    let mut ids = Vec::new();
    for node in table.nodes("rules", d, "a rule's number, or a range such as \"942000-942999\"").unwrap_or_default() {
        let range = match &node.value {
            Value::Integer(n) => u32::try_from(*n).ok().map(|id| (id, id)),
            Value::Text(text) => range(text),
            _ => None,
        };
        match range {
            Some(range) => ids.push(range),
            None => d.note(&place, "a rule is named by its number, or a range such as \"942000-942999\"", None),
        }
    }
    let tag = table.text("tag", d);
    let exclusion = Exclusion { ids, tag, path: table.text("path", d), target: table.text("target", d) };
    table.finish(d);
    if exclusion.ids.is_empty() && exclusion.tag.is_none() {
        let hint = Some("name `rules`, or a `tag`".to_owned());
        d.note(&span, "an exclusion says which rules it is about", hint);
        return None;
    }
    Some(exclusion)
}

fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last).then_some((first, last))
}

fn patch(mut table: Table, d: &mut Diagnostics<'_>) -> Option<Patch> {
    let span = table.span.clone();
    let name = table.text("name", d);
    let path = table.text("path", d).unwrap_or_else(|| "/".to_owned());
    let methods = table.list("methods", d, "a method", |text| Ok(text.to_ascii_uppercase())).unwrap_or_default();
    let target = table.text("target", d);
    let (matches, unless) = (table.text("matches", d), table.text("unless", d));
    let refuse = table.choice("action", d, &[("refuse", true), ("detect", false)], true);
    table.finish(d);
    let (unless, pattern) = match (matches, unless) {
        (Some(pattern), None) => (false, Some(pattern)),
        (None, Some(pattern)) => (true, Some(pattern)),
        _ => (false, None),
    };
    let (Some(name), Some(target), Some(pattern)) = (name, target, pattern) else {
        let hint = Some("write `name`, `target`, and one of `matches` and `unless`".to_owned());
        d.note(&span, "a patch says what it is called, what it looks at, and for what", hint);
        return None;
    };
    Some(Patch { name, path, methods, target, pattern, unless, refuse })
}
