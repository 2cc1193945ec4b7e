//! Forms: fields, the token that each must bring back, and the page that says what will happen before it does.

use std::fmt::Write as _;

use super::visit::Visit;
use crate::{access::page::escaped, identity::form::Fields};

/// What says that somebody has read what will happen.
pub(super) const SURE: &str = "sure";
/// What a form brings back of the session whose page it is.
pub(super) const TOKEN: &str = "form";

/// What a field takes.
#[derive(Debug)]
pub(super) enum Kind {
    /// A line of at most so many characters.
    Line(usize),
    /// Several lines, of at most so many characters together.
    Lines(usize),
    /// A day.
    Day,
    /// One of these: value, and what it is called.
    Choice(Vec<(String, String)>),
}

/// One field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) label: String,
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) is_needed: bool,
}

impl Field {
    pub(super) fn line(name: &'static str, label: &str, most: usize) -> Self {
        Self::of(name, label, Kind::Line(most))
    }

    pub(super) fn lines(name: &'static str, label: &str, most: usize) -> Self {
        Self::of(name, label, Kind::Lines(most))
    }

    pub(super) fn day(name: &'static str, label: &str) -> Self {
        Self::of(name, label, Kind::Day)
    }

    pub(super) fn choice(name: &'static str, label: &str, all: Vec<(String, String)>) -> Self {
        Self::of(name, label, Kind::Choice(all))
    }

    fn of(name: &'static str, label: &str, kind: Kind) -> Self {
        Self { name, label: label.to_owned(), kind, value: String::new(), is_needed: true }
    }

    pub(super) fn optional(self) -> Self {
        Self { is_needed: false, ..self }
    }

    pub(super) fn or(self, value: Option<&str>) -> Self {
        if let Some(value) = value { Self { value: value.to_owned(), ..self } } else { self }
    }

    /// What was sent in it.
    pub(super) fn filled(self, fields: &Fields) -> Self {
        let value = fields.one(self.name).map_or(self.value, |value| value.trim().to_owned());
        Self { value, ..self }
    }

    fn html(&self) -> String {
        let (name, value, label) = (self.name, escaped(&self.value), escaped(&self.label));
        let needed = if self.is_needed { " required" } else { "" };
        match &self.kind {
            Kind::Line(most) => format!(
                "<p><label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" value=\"{value}\" maxlength=\"{most}\" autocomplete=\"off\"{needed}></p>"
            ),
            // The first line break of a text area is not part of it.
            Kind::Lines(most) => format!(
                "<p><label for=\"{name}\">{label}</label><textarea id=\"{name}\" name=\"{name}\" rows=\"4\" maxlength=\"{most}\"{needed}>\n{value}</textarea></p>"
            ),
            Kind::Day => format!(
                "<p><label for=\"{name}\">{label}</label><input id=\"{name}\" name=\"{name}\" type=\"date\" value=\"{value}\"{needed}></p>"
            ),
            Kind::Choice(all) => {
                let mut out = format!("<p><label for=\"{name}\">{label}</label><select id=\"{name}\" name=\"{name}\">");
                for (own, called) in all {
                    let chosen = if *own == self.value { " selected" } else { "" };
                    let _ = write!(out, "<option value=\"{}\"{chosen}>{}</option>", escaped(own), escaped(called));
                }
                out + "</select></p>"
            }
        }
    }
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value))
}

fn token(visit: &Visit) -> String {
    hidden(TOKEN, visit.token.as_deref().unwrap_or_default())
}

/// The form that asks; `trouble` is what was wrong with what was sent.
pub(super) fn ask(visit: &Visit, fields: &[Field], trouble: Option<&str>) -> String {
    let alert = trouble.map_or_else(String::new, |why| format!("<p role=\"alert\">{}</p>", escaped(why)));
    let rows: String = fields.iter().map(Field::html).collect();
    let note = visit.say(
        "Nothing happens yet: the next page says what would.",
        "아직 아무것도 실행되지 않습니다. 다음 화면에서 실행될 내용을 확인합니다.",
    );
    format!(
        "{alert}<form class=\"order\" method=\"post\" action=\"{}\">{}{rows}<p>{note}</p><button class=\"do\">{}</button></form>",
        escaped(&visit.path),
        token(visit),
        visit.say("Go on", "계속")
    )
}

/// The page that says what will happen, and the button that lets it.
pub(super) fn confirm(visit: &Visit, fields: &[Field], says: &[String], back: &str) -> String {
    let mut out = "<div class=\"note\"><ul>".to_owned();
    for line in says {
        let _ = write!(out, "<li>{}</li>", escaped(line));
    }
    out.push_str("</ul></div><dl>");
    for field in fields.iter().filter(|field| !field.value.is_empty()) {
        let called = match &field.kind {
            Kind::Choice(all) => all.iter().find(|(own, _)| *own == field.value).map(|(_, called)| called.as_str()),
            Kind::Line(_) | Kind::Lines(_) | Kind::Day => None,
        };
        let _ = write!(
            out,
            "<dt>{}</dt><dd class=\"said\">{}</dd>",
            escaped(&field.label),
            escaped(called.unwrap_or(&field.value))
        );
    }
    let values: String = fields.iter().map(|field| hidden(field.name, &field.value)).collect();
    let _ = write!(
        out,
        "</dl><p>{}</p><form class=\"order\" method=\"post\" action=\"{}\">{}{values}{}<button class=\"do\">{}</button> <a href=\"{}\">{}</a></form>",
        visit.say("It is written down in your name.", "실행하면 귀하의 이름으로 기록됩니다."),
        escaped(&visit.path),
        token(visit),
        hidden(SURE, "1"),
        visit.say("Yes, do it", "예, 실행합니다"),
        escaped(back),
        visit.say("Do nothing", "취소")
    );
    out
}
