//! `[incident]`: what is asked of cases, what opens them, and how people are told.

use std::sync::Arc;

use super::{
    context::Context,
    diagnose::{Diagnostics, did_you_mean},
    notice,
    reader::Table,
};
use crate::{
    access::subject::Name,
    incident::{
        case::Severity,
        settings::{Settings, known_laws},
        signal::{
            self, Rule,
            settings::{Named, Staff},
        },
    },
    privacy::surname::FullName,
    registry::PersonId,
};

/// Most that a threshold may be.
const MOST: i64 = 1_000_000_000;
const SEVERITIES: [(&str, Severity); 3] =
    [("low", Severity::Low), ("medium", Severity::Medium), ("high", Severity::High)];

pub(super) fn resolve(mut table: Table, context: &mut Context<'_>, d: &mut Diagnostics<'_>) -> Settings {
    let place = table.place("laws");
    let known = known_laws();
    let law = |text: &str| {
        let hint =
            || did_you_mean(text, known.iter().copied()).unwrap_or_else(|| format!("known: {}", known.join(", ")));
        known
            .contains(&text)
            .then(|| text.to_owned())
            .ok_or_else(|| format!("\"{text}\" is no law that is known; {}", hint()))
    };
    let laws = table.list("laws", d, "a law such as \"kr-pipa\"", law);
    if laws.as_ref().is_some_and(Vec::is_empty) {
        d.note(
            &place,
            "no law is named: no clock would ever run",
            Some("remove `laws`, or name those that hold".to_owned()),
        );
    }
    let signals = signals(&mut table, d);
    let notices = Arc::new(notice::resolve(&mut table, context, d));
    table.finish(d);
    let mut laws = laws.unwrap_or_else(|| Settings::default().laws);
    laws.dedup();
    Settings { laws, signals, notices }
}

fn signals(table: &mut Table, d: &mut Diagnostics<'_>) -> signal::Settings {
    let mut settings = signal::Settings::default();
    for table in table.tables("rule", "incident.rule[]", d) {
        rule(table, &mut settings, d);
    }
    for (name, full, list) in
        [("canary", "incident.canary[]", &mut settings.canaries), ("vip", "incident.vip[]", &mut settings.vips)]
    {
        for mut table in table.tables(name, full, d) {
            let span = table.span.clone();
            let people = people(&mut table, "id", d);
            if people.is_empty() {
                d.note(
                    &span,
                    format!("[[incident.{name}]] needs `id`"),
                    Some("who it is, as records name them".to_owned()),
                );
            }
            list.extend(people);
            table.finish(d);
        }
    }
    for mut table in table.tables("staff", "incident.staff[]", d) {
        let span = table.span.clone();
        let issuer = table.text("issuer", d).unwrap_or_else(|| "staff".to_owned());
        let person = table.text("person", d).filter(|person| !person.is_empty());
        let as_name = table.place("as");
        let kind = table.text("as", d);
        let called = table.parsed("name", d, "a name such as \"Kim Minsu\"", |text| {
            FullName::new(text).ok_or_else(|| "there is no surname in it".to_owned())
        });
        let named = |value: String| Named { name: kind.as_deref().map_or(Name::Id, Name::of), value };
        let mut list = |table: &mut Table, key| -> Vec<Named> {
            let values = table.one_or_more(key, d, "an id, or a list of them,", value);
            values.unwrap_or_default().into_iter().map(named).collect()
        };
        let (own, known) = (list(&mut table, "own"), list(&mut table, "known"));
        table.finish(d);
        let Some(person) = person else {
            d.note(&span, "[[incident.staff]] needs `person`", Some("the name of somebody who signs in".to_owned()));
            continue;
        };
        if own.is_empty() && known.is_empty() && called.is_none() {
            let hint =
                "say what they are called (`name`), who they are in the application (`own`), or whom they know (`known`)"
                    .to_owned();
            d.note(&as_name, "nothing is said of this person", Some(hint));
        }
        settings.staff.push(Staff { person: PersonId::new(&issuer, &person), name: called, own, known });
    }
    settings
}

fn rule(mut table: Table, settings: &mut signal::Settings, d: &mut Diagnostics<'_>) {
    let (span, place) = (table.span.clone(), table.place("name"));
    let names = || Rule::ALL.iter().map(|rule| rule.name());
    let named = |text: &str| {
        let hint = || {
            did_you_mean(text, names()).unwrap_or_else(|| format!("known: {}", names().collect::<Vec<_>>().join(", ")))
        };
        Rule::named(text).ok_or_else(|| format!("\"{text}\" is no rule; {}", hint()))
    };
    let rule = table.parsed("name", d, "a rule such as \"people_day\"", named);
    let on = table.flag("on", d, true);
    let threshold = table.number("threshold", d, 1..=MOST).and_then(|n| u64::try_from(n).ok());
    let has_severity = table.has("severity");
    let severity = table.choice("severity", d, &SEVERITIES, Severity::Medium);
    table.finish(d);
    let Some(rule) = rule else {
        if place == span {
            d.note(&span, "[[incident.rule]] needs `name`", Some("docs/SIGNALS.md lists the rules".to_owned()));
        }
        return;
    };
    let mut setting = rule.usual();
    setting.on = on;
    setting.threshold = threshold.unwrap_or(setting.threshold);
    if has_severity {
        setting.severity = severity;
    }
    if settings.rules.insert(rule, setting).is_some() {
        d.note(&span, format!("the rule \"{}\" is set twice", rule.name()), Some("leave one of the two".to_owned()));
    }
}

fn people(table: &mut Table, key: &'static str, d: &mut Diagnostics<'_>) -> Vec<Named> {
    let name = table.text("as", d).map_or(Name::Id, |name| Name::of(&name));
    let values = table.one_or_more(key, d, "an id, or a list of them,", value).unwrap_or_default();
    values.into_iter().map(|value| Named { name: name.clone(), value }).collect()
}

fn value(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Flags, Report};

    fn parse(text: &str) -> Result<Config, Report> {
        let text = format!("{text}\n[[route]]\nhost = \"shop.example\"\nupstream = \"http://127.0.0.1:1\"\n");
        Config::parse("privet.toml", &text, Path::new("."), &|_| None, &Flags::default())
    }

    #[test]
    fn rules_and_lists_are_read() {
        let text = "[[incident.rule]]\nname = \"people_day\"\nthreshold = 400\nseverity = \"low\"\n[[incident.rule]]\nname = \"weekend\"\non = false\n\
                    [[incident.canary]]\nid = \"7\"\n[[incident.vip]]\nid = [\"a@example.com\", \"b@example.com\"]\nas = \"email\"\n\
                    [[incident.staff]]\nperson = \"ann\"\nown = \"42\"\nknown = [\"43\"]\nname = \"Kim Minsu\"\n[access]\nutc_offset = \"+09:00\"\n";
        let signals = parse(text).unwrap_or_else(|report| panic!("{report}")).incident.signals;
        let day = signals.of(Rule::PeopleDay);
        assert_eq!((day.on, day.threshold, day.severity), (true, 400, Severity::Low));
        assert_eq!((signals.of(Rule::Weekend).on, signals.of(Rule::PeopleHour)), (false, Rule::PeopleHour.usual()));
        assert_eq!((signals.canaries.len(), signals.vips.len(), signals.utc_offset), (1, 2, 540));
        assert_eq!(signals.vips[0].name, Name::of("email"));
        assert_eq!(signals.staff[0].person, PersonId::new("staff", "ann"));
        assert!(signals.staff[0].name.as_ref().is_some_and(|name| name.folded() == "kim minsu"));
        let shown = format!("{signals:?}");
        assert!(!shown.contains("example.com") && !shown.contains("Kim"), "{shown}");
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, said) in [
            ("[[incident.rule]]\nname = \"peple_day\"", "did you mean `people_day`?"),
            ("[[incident.rule]]\nthreshold = 4", "[[incident.rule]] needs `name`"),
            ("[[incident.rule]]\nname = \"vip\"\nthreshold = 0", "0 is out of range"),
            ("[[incident.rule]]\nname = \"vip\"\n[[incident.rule]]\nname = \"vip\"", "is set twice"),
            ("[[incident.canary]]\nas = \"id\"", "[[incident.canary]] needs `id`"),
            ("[[incident.staff]]\nown = \"7\"", "[[incident.staff]] needs `person`"),
            ("[[incident.staff]]\nperson = \"ann\"", "nothing is said of this person"),
            ("[[incident.staff]]\nperson = \"ann\"\nname = \"...\"", "there is no surname in it"),
        ] {
            let report = parse(text).expect_err(text).to_string();
            assert!(report.contains(said), "{text}: {report}");
        }
    }
}
