//! What is in a page.

use crate::scan::{
    exchange::Exchange,
    finding::Seen,
    page::Tag,
    recipient::host_of,
    rule::{Looks, Remedy, Rule, Scope, Severity},
};

/// Shorter values are in pages by chance.
const LONG_ENOUGH: usize = 4;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "mixed-content",
        title: "A page over TLS loads parts in cleartext",
        severity: Severity::Medium,
        cwe: 311,
        why: "Whoever is in between changes the script or the picture, and with it the page.",
        mend: "Write addresses that begin with https:// or with the path.",
        remedy: Remedy::Header("Content-Security-Policy", "upgrade-insecure-requests"),
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(|exchange| {
            if !exchange.asked.secure {
                return Vec::new();
            }
            let policy = exchange.header(http::header::CONTENT_SECURITY_POLICY).unwrap_or_default();
            if policy.contains("upgrade-insecure-requests") {
                return Vec::new();
            }
            loaded(exchange).filter(|(_, url)| is_cleartext(url)).map(|(tag, url)| Seen::new(tag.name, url)).collect()
        }),
    },
    Rule {
        id: "form-cleartext",
        title: "A form is sent in cleartext",
        severity: Severity::High,
        cwe: 319,
        why: "What people type in goes over the network for everybody to read.",
        mend: "Let the form's `action` begin with https:// or with the path, and serve the page by TLS.",
        remedy: Remedy::InFront,
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(cleartext_forms),
    },
    Rule {
        id: "script-without-integrity",
        title: "A page runs another site's scripts unseen",
        severity: Severity::Low,
        cwe: 353,
        why: "Whoever takes over that site runs code in this one.",
        mend: "Add `integrity` and `crossorigin`, or serve the file yourself.",
        remedy: Remedy::Nothing,
        points: 5,
        scope: Scope::Page,
        looks: Looks::Answer(|exchange| {
            loaded(exchange)
                .filter(|(tag, _)| runs(tag) && tag.attribute("integrity").is_none_or(str::is_empty))
                .filter(|(_, url)| host_of(url).is_some_and(|host| !host.eq_ignore_ascii_case(exchange.asked.name())))
                .map(|(_, url)| Seen::new(url, url))
                .collect()
        }),
    },
    Rule {
        id: "reflected-parameter",
        title: "A parameter comes back as markup",
        severity: Severity::High,
        cwe: 79,
        why: "A link with a script in it runs that script in the name of whoever follows it.",
        mend: "Write every value into a page by a function that encodes it for its place.",
        remedy: Remedy::Route("shield = \"block\""),
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(reflected),
    },
    Rule {
        id: "vulnerable-library",
        title: "A page runs a library with a known hole",
        severity: Severity::High,
        cwe: 1395,
        why: "How to use the hole is published.",
        mend: "Take the version that the advisory names.",
        remedy: Remedy::Nothing,
        points: 0,
        scope: Scope::Site,
        looks: Looks::Answer(|exchange| {
            let mut found = Vec::new();
            for (tag, url) in loaded(exchange) {
                if tag.name == "script" {
                    found.extend(exchange.libraries.by_url(url));
                }
            }
            if exchange.content == crate::scan::exchange::Content::Script {
                found.extend(exchange.libraries.by_url(exchange.asked.path()));
                found.extend(exchange.libraries.by_content(exchange.body));
            }
            found.into_iter().map(|known| Seen::new(known.name(), known.advice())).collect()
        }),
    },
    Rule {
        id: "password-autocomplete",
        title: "A password field says nothing of how it is filled in",
        severity: Severity::Info,
        cwe: 522,
        why: "A browser on a shared machine offers the password to the next person; where `autocomplete` says what the field is for, password managers fill in the right one only.",
        mend: "Add `autocomplete=\"current-password\"`, `\"new-password\"`, or `\"off\"` on shared machines.",
        remedy: Remedy::Nothing,
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(|exchange| {
            let fields = exchange.page.named("input").filter(|tag| tag.is("type", "password"));
            let silent =
                fields.filter(|tag| tag.attribute("autocomplete").is_none_or(|text| text.is_empty() || text == "on"));
            silent.map(|tag| Seen::new(tag.attribute("name").unwrap_or_default(), "<input type=password>")).collect()
        }),
    },
];

/// What a page loads by itself.
fn loaded<'e>(exchange: &'e Exchange<'_>) -> impl Iterator<Item = (&'e Tag, &'e str)> {
    exchange.page.tags.iter().flat_map(|tag| tag.loads().map(move |url| (tag, url)))
}

fn runs(tag: &Tag) -> bool {
    tag.name == "script" || tag.has("rel", &["stylesheet"])
}

fn is_cleartext(url: &str) -> bool {
    url.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://"))
}

fn cleartext_forms(exchange: &Exchange<'_>) -> Vec<Seen> {
    let forms = exchange.page.named("form").filter_map(|tag| tag.attribute("action"));
    let mut found: Vec<Seen> =
        forms.filter(|url| exchange.asked.secure && is_cleartext(url)).map(|url| Seen::new(url, url)).collect();
    let asks = exchange.page.named("input").any(|tag| tag.is("type", "password"));
    if !exchange.asked.secure && asks && exchange.is_page() {
        found.push(Seen::new("password", "a page with a password field came in cleartext"));
    }
    found
}

fn reflected(exchange: &Exchange<'_>) -> Vec<Seen> {
    if !exchange.is_page() {
        return Vec::new();
    }
    let whole = |value: &str| {
        let markup = value.contains('<') || value.contains('"') || value.contains('\'');
        value.len() >= LONG_ENOUGH && markup && memchr::memmem::find(exchange.body, value.as_bytes()).is_some()
    };
    let parameters = exchange.asked.parameters();
    parameters
        .into_iter()
        .filter(|(_, value)| whole(value))
        .map(|(name, _)| Seen::new(name, "as it was sent"))
        .collect()
}
