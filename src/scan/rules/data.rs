//! Personal data and sessions where they should not be.

use http::header;

use super::texts;
use crate::scan::{
    exchange::Exchange,
    finding::Seen,
    rule::{Looks, Remedy, Rule, Scope, Severity},
};

/// Types that a page may show of its owner: an imprint has an address and a number to call.
const CONTACT: &[&str] =
    &["EMAIL_ADDRESS", "PHONE_NUMBER", "PERSON", "LOCATION", "POSTAL_CODE", "KR_BRN", "KR_CORP_REG"];
/// Types that open something and tell nothing about anybody: forms are full of tokens.
const SECRETS: &[&str] = &[
    "URL_CREDENTIALS",
    "JWT",
    "BEARER_TOKEN",
    "BASIC_CREDENTIALS",
    "SESSION_COOKIE",
    "PRIVATE_KEY",
    "API_KEY",
    "PASSWORD",
];
/// So many of those are no imprint any more.
const MANY: u64 = 8;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "personal-data-anonymous",
        title: "Personal data is shown to whoever asks",
        severity: Severity::High,
        cwe: 359,
        why: "Nobody has signed in, and the answer holds data of people: anybody can take all of it, a page at a time.",
        mend: "Ask who comes before data is shown, and show no more than they need.",
        remedy: Remedy::Route("mask = \"all\""),
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(|exchange| {
            if !exchange.asked.anonymous || !has_people(exchange.kinds()) {
                return Vec::new();
            }
            vec![Seen::sample(counts(exchange.kinds()))]
        }),
    },
    Rule {
        id: "personal-data-in-url",
        title: "Personal data stands in an address",
        severity: Severity::Medium,
        cwe: 598,
        why: "Addresses are kept in histories, logs, bookmarks and statistics, and are told to other sites.",
        mend: "Send it in the body of a POST, or name records by ids that mean nothing.",
        remedy: Remedy::Route("url_privacy = \"strip\""),
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(in_url),
    },
    Rule {
        id: "personal-data-cacheable",
        title: "Caches may keep an answer with personal data",
        severity: Severity::Medium,
        cwe: 524,
        why: "A cache in between, or the next person at the same browser, shows it to somebody else.",
        mend: "Send `Cache-Control: no-store` with every answer that holds data of people.",
        remedy: Remedy::Header("Cache-Control", "no-store"),
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(|exchange| {
            let control = exchange.header(header::CACHE_CONTROL).unwrap_or_default().to_ascii_lowercase();
            let kept = !control.contains("no-store") && !control.contains("private");
            let cacheable = exchange.asked.method == http::Method::GET && exchange.status.is_success() && kept;
            if cacheable && has_people(exchange.kinds()) {
                return vec![Seen::sample(format!(
                    "Cache-Control: {}",
                    if control.is_empty() { "absent" } else { &control }
                ))];
            }
            Vec::new()
        }),
    },
    Rule {
        id: "session-in-url",
        title: "A session's id stands in an address",
        severity: Severity::Medium,
        cwe: 598,
        why: "Who is sent such a link, or reads a log or a Referer, goes on in somebody else's session.",
        mend: "Keep sessions in cookies only (for Java: `tracking-mode` `COOKIE`; for PHP: `session.use_only_cookies`).",
        remedy: Remedy::Route("url_privacy = \"strip\""),
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(sessions),
    },
];

/// Whether what was found is data of people rather than an owner's own.
fn has_people(kinds: &[(String, u64)]) -> bool {
    let contact = |kind: &str| CONTACT.contains(&kind);
    let few: u64 = kinds.iter().filter(|(kind, _)| contact(kind)).map(|(_, n)| n).sum();
    few >= MANY || kinds.iter().any(|(kind, _)| !contact(kind) && !SECRETS.contains(&kind.as_str()))
}

fn counts(kinds: &[(String, u64)]) -> String {
    kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect::<Vec<_>>().join(", ")
}

fn in_url(exchange: &Exchange<'_>) -> Vec<Seen> {
    let kinds = exchange.kinds_in(&exchange.asked.target);
    let location = exchange.header(header::LOCATION).unwrap_or_default();
    let mut found = Vec::new();
    if !kinds.is_empty() {
        found.push(Seen::new("request", counts(&kinds)));
    }
    let kinds = exchange.kinds_in(&location);
    if !kinds.is_empty() {
        found.push(Seen::new("location", counts(&kinds)));
    }
    found
}

fn sessions(exchange: &Exchange<'_>) -> Vec<Seen> {
    let location = exchange.header(header::LOCATION).unwrap_or_default();
    let links = exchange.page.tags.iter().filter_map(|tag| tag.attribute("href").or_else(|| tag.attribute("action")));
    let mut found: Vec<Seen> = Vec::new();
    for url in [&*exchange.asked.target, &*location].into_iter().chain(links) {
        // After `;` in a path, as Java does, and in the query.
        for pair in url.split([';', '?', '&']).skip(1) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            if value.len() >= 8 && texts::is_session(name) && !found.iter().any(|seen| seen.subject == name) {
                found.push(Seen::new(name, format!("{name}=...")));
            }
        }
    }
    found
}
