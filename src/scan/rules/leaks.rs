//! What an application tells of itself.

use http::{HeaderName, header};

use super::texts::{self, Sign};
use crate::scan::{
    exchange::Exchange,
    finding::Seen,
    rule::{Looks, Remedy, Rule, Scope, Severity},
};

/// Errors and lists of folders are told by the Core Rule Set (Debian: `modsecurity-crs`), not by Privet's own small set.
const CORE_RULES: Remedy = Remedy::With("shield = \"block\"", "[shield]\nrules = \"/usr/share/modsecurity-crs\"");

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "version-banner",
        title: "An answer names software and its version",
        severity: Severity::Low,
        cwe: 497,
        why: "Whoever knows the version knows which of its published holes are open.",
        mend: "Turn the banner off in the server's configuration.",
        remedy: Remedy::Hide(&[
            "Server",
            "X-Powered-By",
            "X-AspNet-Version",
            "X-AspNetMvc-Version",
            "X-Generator",
            "X-Runtime",
        ]),
        points: 5,
        scope: Scope::Site,
        looks: Looks::Answer(banners),
    },
    Rule {
        id: "stack-trace",
        title: "An error shows the application's inside",
        severity: Severity::Medium,
        cwe: 209,
        why: "A stack trace or a database's own error names files, tables and versions, and says whether an attack came through.",
        mend: "Log errors, and show a page that says nothing of them.",
        remedy: CORE_RULES,
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(|exchange| signs(exchange, Sign::Trace)),
    },
    Rule {
        id: "debug-page",
        title: "A page for developers is open to everybody",
        severity: Severity::High,
        cwe: 489,
        why: "It shows settings and secrets, and some of them run code that a visitor types in.",
        mend: "Turn off the debug mode of the framework, or the page.",
        remedy: Remedy::Nothing,
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(|exchange| signs(exchange, Sign::Debug)),
    },
    Rule {
        id: "directory-listing",
        title: "A folder's files are listed",
        severity: Severity::Medium,
        cwe: 548,
        why: "Back-ups, exports and uploads that nobody was to find are one click away.",
        mend: "Turn the server's index of folders off.",
        remedy: CORE_RULES,
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(|exchange| signs(exchange, Sign::Listing)),
    },
    Rule {
        id: "private-address",
        title: "An answer names an address of the inner network",
        severity: Severity::Low,
        cwe: 200,
        why: "It tells how the network inside is made, and where a forged request of the server could go.",
        mend: "Find what writes it: often an absolute link, a header of a load balancer, or an error page.",
        remedy: Remedy::Nothing,
        points: 0,
        scope: Scope::Page,
        looks: Looks::Answer(private),
    },
];

const BANNERS: [HeaderName; 6] = [
    header::SERVER,
    HeaderName::from_static("x-powered-by"),
    HeaderName::from_static("x-aspnet-version"),
    HeaderName::from_static("x-aspnetmvc-version"),
    HeaderName::from_static("x-generator"),
    HeaderName::from_static("x-runtime"),
];

fn banners(exchange: &Exchange<'_>) -> Vec<Seen> {
    let told = |name: &HeaderName| {
        let text = exchange.header(name)?;
        // A name alone says little; X-Powered-By serves nobody else.
        let tells = text.bytes().any(|b| b.is_ascii_digit()) || *name == BANNERS[1];
        tells.then(|| Seen::new(name.as_str(), format!("{name}: {text}")))
    };
    BANNERS.iter().filter_map(told).collect()
}

fn signs(exchange: &Exchange<'_>, of: Sign) -> Vec<Seen> {
    if !exchange.is_text() {
        return Vec::new();
    }
    texts::signs(exchange.body, of).into_iter().map(|(sign, whose)| Seen::new(whose, sign)).collect()
}

fn private(exchange: &Exchange<'_>) -> Vec<Seen> {
    // Who asks by such an address knows it already.
    let known = |address: &String| exchange.asked.name() != address;
    let mut found = Vec::new();
    for (name, value) in exchange.headers {
        if let Some(address) = texts::private_address(value.as_bytes()).filter(known) {
            found.push(Seen::new(name.as_str(), network(&address)));
        }
    }
    if exchange.is_text()
        && let Some(address) = texts::private_address(exchange.body).filter(known)
    {
        found.push(Seen::new("body", network(&address)));
    }
    found
}

/// The network is what is told: a whole address would be hidden by whoever scrubs this.
fn network(address: &str) -> String {
    let octets: Vec<&str> = address.split('.').collect();
    format!("{}.{}.*.*", octets.first().copied().unwrap_or_default(), octets.get(1).copied().unwrap_or_default())
}
