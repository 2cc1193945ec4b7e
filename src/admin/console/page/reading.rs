//! Reading what the gateway has answered.

use serde_json::Value;

use crate::{
    access::page::escaped,
    admin::console::{list::Sign, visit::Visit},
};

/// The text below `key`; empty where there is none.
pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// The rows below `key`.
pub(super) fn rows<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// The whole number below `key`.
pub(super) fn number(value: &Value, key: &str) -> i64 {
    value[key].as_i64().unwrap_or_default()
}

/// Texts of an array, in one line.
pub(super) fn joined(value: &Value) -> String {
    let all: Vec<&str> = value.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    all.join(", ")
}

/// Somebody, by the name that their issuer knows them by; of others than the registry's own realm with the issuer.
pub(super) fn person(visit: &Visit, who: &Value) -> String {
    let (issuer, subject) = (text(who, "issuer"), text(who, "subject"));
    if issuer.is_empty() || issuer == visit.realm { subject.to_owned() } else { format!("{subject} ({issuer})") }
}

/// Who has opened a case: an officer, or a rule.
pub(super) fn opener(visit: &Visit, by: &Value) -> String {
    match by["rule"].as_str() {
        Some(rule) => format!("{} {rule}", visit.say("rule", "규칙")),
        None => person(visit, &by["person"]),
    }
}

/// What is left of a clock, and how bad that is.
pub(super) fn left(visit: &Visit, seconds: Option<i64>) -> (Sign, String) {
    let Some(seconds) = seconds else { return (Sign::Grey, visit.say("no hours", "시간 제한 없음").to_owned()) };
    let (days, hours, minutes) = (seconds.abs() / 86_400, seconds.abs() / 3600 % 24, seconds.abs() / 60 % 60);
    let time = match visit.say("e", "k") {
        "k" if days > 0 => format!("{days}일 {hours}시간"),
        "k" => format!("{hours}시간 {minutes}분"),
        _ if days > 0 => format!("{days} d {hours} h"),
        _ => format!("{hours} h {minutes} min"),
    };
    if seconds < 0 {
        (Sign::Red, visit.say("{t} too late", "{t} 초과").replace("{t}", &time))
    } else {
        let sign = if seconds < 86_400 { Sign::Red } else { Sign::Amber };
        (sign, visit.say("{t} left", "{t} 남음").replace("{t}", &time))
    }
}

/// Terms and what is said of them; what is empty is left out. Values are HTML.
pub(super) fn facts(all: &[(&str, String)]) -> String {
    let one = |(name, value): &(&str, String)| format!("<dt>{}</dt><dd>{value}</dd>", escaped(name));
    let said: String = all.iter().filter(|(_, value)| !value.is_empty()).map(one).collect();
    if said.is_empty() { String::new() } else { format!("<dl>{said}</dl>") }
}

/// Links to what can be done.
pub(super) fn deeds(all: &[(String, &str)]) -> String {
    let one = |(to, text): &(String, &str)| format!("<li><a href=\"{}\">{}</a></li>", escaped(to), escaped(text));
    format!("<nav class=\"sub\"><ul>{}</ul></nav>", all.iter().map(one).collect::<String>())
}
