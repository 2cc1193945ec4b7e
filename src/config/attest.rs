//! `[attest]`: the published policy, and how often it is looked at whether it is true.

use std::{collections::BTreeSet, ops::Range, sync::Arc, time::Duration};

use aws_lc_rs::digest;

use super::{
    context::{Context, seconds},
    diagnose::{Diagnostics, did_you_mean},
    file::{self, Entry, Node, Value},
    reader::Table,
};
use crate::attest::settings::{Clause, Control, Policy, Settings, Text};

/// The shipped policy.
pub(super) const SHIPPED: &str = include_str!("../attest/policy.toml");
const MINUTE: Duration = seconds(60);
const DAY: Duration = seconds(86_400);
/// How old a drill may be.
const DRILL: Duration = seconds(90 * 86_400);

/// What is attested.
pub(super) fn resolve(table: Option<Table>, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Settings {
    let Some(mut table) = table else {
        return Settings { policy: Arc::new(shipped(d)), every: None, drill: DRILL };
    };
    let place = table.place("every");
    let every = table.duration_or_off("every", d, None);
    if every.is_some_and(|every| every < MINUTE) {
        d.note(&place, "`every` must be at least \"1m\", or \"off\"", Some("once a day is \"24h\"".to_owned()));
    }
    let place = table.place("backup_drill");
    let drill = table.duration("backup_drill", d, DRILL);
    if drill < DAY {
        d.note(&place, "`backup_drill` must be at least \"1d\"", Some("a quarter is \"90d\"".to_owned()));
    }
    let place = table.place("policy");
    let path = table.text("policy", d).map(|text| context.path(&text));
    let policy = match path {
        None => shipped(d),
        Some(path) => {
            context.files.push(path.clone());
            let name = path.display().to_string();
            match std::fs::read_to_string(&path) {
                Err(error) => {
                    d.note(&place, format!("`policy`: {name} can't be read: {error}"), None);
                    shipped(d)
                }
                Ok(text) => {
                    let mut own = Diagnostics::new(&name, &text);
                    let policy = read(&text, &mut own);
                    for fault in own.report().into_iter().flat_map(|report| report.0) {
                        d.elsewhere(fault);
                    }
                    policy
                }
            }
        }
    };
    table.finish(d);
    Settings { policy: Arc::new(policy), every, drill }
}

fn shipped(d: &mut Diagnostics<'_>) -> Policy {
    read(SHIPPED, d)
}

/// Reads a policy; what is wrong is noted.
fn read(text: &str, d: &mut Diagnostics<'_>) -> Policy {
    // A policy is a text that is published: nothing of an environment gets into it.
    let mut top = Fields { span: 0..0, entries: file::parse(text, &|_| None, d).unwrap_or_default() };
    let title = top.both(["title_ko", "title_en"], d);
    let types = top.list("types", d, |text| Ok(text.to_owned()));
    let recipients = top.list("recipients", d, recipient);
    let mut clauses: Vec<Clause> = Vec::new();
    for mut table in top.tables("clause", d) {
        let clause = clause(&mut table, d);
        if clauses.iter().any(|known| known.id == clause.id) {
            d.note(&table.span, format!("two clauses are called \"{}\"", clause.id), None);
        }
        table.finish(&["id", "text_ko", "text_en", "controls", "supports"], d);
        clauses.push(clause);
    }
    if clauses.is_empty() {
        d.note(&top.span, "a policy needs a `[[clause]]`", None);
    }
    top.finish(&["title_ko", "title_en", "types", "recipients", "clause"], d);
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    Policy { title, sha256, types, recipients, clauses }
}

fn clause(table: &mut Fields, d: &mut Diagnostics<'_>) -> Clause {
    let id = table.text("id", d).unwrap_or_default();
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) {
        d.note(&table.span, "a clause needs an `id` of letters, digits, `-`, `_` and `.`", None);
    }
    let text = table.both(["text_ko", "text_en"], d);
    let controls = table.list("controls", d, control).unwrap_or_default();
    let supports = table.list("supports", d, control).unwrap_or_default();
    if controls.is_empty() {
        d.note(&table.span, format!("nothing makes \"{id}\" true: `controls` has none"), Some(list()));
    }
    let named: BTreeSet<Control> = controls.iter().chain(&supports).copied().collect();
    if named.len() != controls.len() + supports.len() {
        d.note(&table.span, format!("\"{id}\" names a control twice"), None);
    }
    Clause { id, text, controls, supports }
}

/// A host, or `*.` before one for all below it.
fn recipient(text: &str) -> Result<String, String> {
    let host = text.strip_prefix("*.").unwrap_or(text);
    let is_host = !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || "-._[]:".contains(c));
    // One colon is a port's; an address of version 6 has more.
    if is_host && host.matches(':').count() != 1 {
        return Ok(text.to_owned());
    }
    Err(format!(
        "\"{text}\" is no host: write its name alone, such as \"cdn.example\", or \"*.example\" for all below it"
    ))
}

fn control(text: &str) -> Result<Control, String> {
    Control::named(text).ok_or_else(|| {
        let near = did_you_mean(text, Control::ALL.iter().map(|control| control.name()));
        let near = near.map_or_else(String::new, |near| format!(" ({near})"));
        format!("no control is called \"{text}\"{near}; {}", list())
    })
}

/// What stands in a table of the policy, which is a file of its own and in no schema.
struct Fields {
    span: Range<usize>,
    entries: Vec<Entry>,
}

impl Fields {
    fn take(&mut self, name: &str) -> Option<Node> {
        let at = self.entries.iter().position(|entry| entry.key == name)?;
        Some(self.entries.remove(at).node)
    }

    fn text(&mut self, name: &str, d: &mut Diagnostics<'_>) -> Option<String> {
        let node = self.take(name)?;
        match node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text),
            Value::Text(_) => {
                d.note(&node.span, format!("`{name}` is empty"), None);
                None
            }
            other => {
                d.note(&node.span, format!("`{name}` is {}, and not text", other.kind()), None);
                None
            }
        }
    }

    /// A text in both languages.
    fn both(&mut self, [ko, en]: [&str; 2], d: &mut Diagnostics<'_>) -> Text {
        let (ko_text, en_text) = (self.text(ko, d), self.text(en, d));
        if ko_text.is_none() || en_text.is_none() {
            d.note(&self.span, format!("`{ko}` and `{en}` are both needed: the policy is in two languages"), None);
        }
        Text { ko: ko_text.unwrap_or_default(), en: en_text.unwrap_or_default() }
    }

    fn list<T>(
        &mut self,
        name: &str,
        d: &mut Diagnostics<'_>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let node = self.take(name)?;
        let Value::List(items) = node.value else {
            d.note(&node.span, format!("`{name}` is {}, and not a list", node.value.kind()), None);
            return None;
        };
        let mut all = Vec::new();
        for item in items {
            match &item.value {
                Value::Text(text) => match read(text) {
                    Ok(value) => all.push(value),
                    Err(why) => d.note(&item.span, format!("`{name}`: {why}"), None),
                },
                other => d.note(&item.span, format!("`{name}` holds {}, and not text", other.kind()), None),
            }
        }
        Some(all)
    }

    fn tables(&mut self, name: &str, d: &mut Diagnostics<'_>) -> Vec<Self> {
        let Some(node) = self.take(name) else { return Vec::new() };
        let Value::List(items) = node.value else {
            d.note(&node.span, format!("`{name}` is {}: write [[{name}]]", node.value.kind()), None);
            return Vec::new();
        };
        let one = |item: Node| match item.value {
            Value::Table(entries) => Some(Self { span: item.span, entries }),
            other => {
                d.note(&item.span, format!("`{name}` holds {}: write [[{name}]]", other.kind()), None);
                None
            }
        };
        items.into_iter().filter_map(one).collect()
    }

    /// Tells of what nobody has read.
    fn finish(self, known: &[&str], d: &mut Diagnostics<'_>) {
        for entry in self.entries {
            let hint = did_you_mean(&entry.key, known.iter().copied());
            d.note(&entry.span, format!("unknown key `{}`", entry.key), hint);
        }
    }
}

/// All controls, for whoever has named another.
fn list() -> String {
    let names: Vec<&str> = Control::ALL.iter().map(|control| control.name()).collect();
    format!("known are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policy_names_every_control() {
        let mut d = Diagnostics::new("policy.toml", SHIPPED);
        let policy = read(SHIPPED, &mut d);
        assert_eq!(d.report(), None);
        let named: BTreeSet<Control> = policy.clauses.iter().flat_map(Clause::all).collect();
        let missing: Vec<&str> = Control::ALL.iter().filter(|it| !named.contains(it)).map(|it| it.name()).collect();
        assert_eq!(missing, [""; 0]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let text = "title_ko = \"가\"\ntitle_en = \"a\"\nrecipients = [\"*.a.example\", \"https://b.example/\"] \n[[clause]]\nid = \"one\"\ntext_ko = \"가\"\ntext_en = \"a\"\n\
                    controls = [\"tls.protocoll\"]\nmore = 1\n[[clause]]\nid = \"one\"\ntext_ko = \"\"\ntext_en = \"a\"\ncontrols = []\n";
        let mut d = Diagnostics::new("own.toml", text);
        read(text, &mut d);
        let report = d.report().expect("faults").to_string();
        for said in [
            "own.toml:8:",
            "no control is called \"tls.protocoll\"",
            "tls.protocol",
            "own.toml:9:",
            "two clauses are called \"one\"",
            "`text_ko` is empty",
            "nothing makes \"one\" true",
            "\"https://b.example/\" is no host",
        ] {
            assert!(report.contains(said), "{said} in {report}");
        }
    }
}
