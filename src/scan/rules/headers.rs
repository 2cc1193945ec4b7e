//! Headers by which a browser is told to be careful, and those by which it is told not to be.

use http::header;

use crate::scan::{
    exchange::Exchange,
    finding::Seen,
    rule::{Looks, Remedy, Rule, Scope, Severity},
};

/// Half a year in seconds: less, and a visitor who comes rarely is not protected.
const HSTS_AT_LEAST: u64 = 15_552_000;

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "hsts-missing",
        title: "Browsers are not told to use TLS only",
        severity: Severity::Medium,
        cwe: 319,
        why: "Without Strict-Transport-Security the first request of a visit may go out in cleartext, where somebody in between keeps it there.",
        mend: "Send `Strict-Transport-Security: max-age=63072000`.",
        remedy: Remedy::Route("hsts = \"max-age=63072000\""),
        points: 15,
        scope: Scope::Site,
        looks: Looks::Answer(|exchange| {
            // What is refused is not where visits begin.
            let refused = exchange.status.is_client_error() || exchange.status.is_server_error();
            let kept = exchange.asked.secure && exchange.asked.has_name() && !refused;
            let missing = kept && !exchange.has(&header::STRICT_TRANSPORT_SECURITY);
            if missing { Seen::absent() } else { Vec::new() }
        }),
    },
    Rule {
        id: "hsts-weak",
        title: "Browsers forget soon to use TLS only",
        severity: Severity::Low,
        cwe: 319,
        why: "What Strict-Transport-Security says ends before a rare visitor is back, or can't be read at all.",
        mend: "Send one Strict-Transport-Security with a `max-age` of half a year or more.",
        remedy: Remedy::Route("hsts = \"max-age=63072000\""),
        points: 5,
        scope: Scope::Site,
        looks: Looks::Answer(weak_hsts),
    },
    Rule {
        id: "csp-missing",
        title: "No Content-Security-Policy",
        severity: Severity::Medium,
        cwe: 693,
        why: "Where a script gets into a page, nothing stops it from running, loading more, and sending what it finds anywhere.",
        mend: "Send a Content-Security-Policy that names where scripts may come from.",
        remedy: Remedy::Header(
            "Content-Security-Policy",
            "default-src 'self'; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'",
        ),
        points: 15,
        scope: Scope::Site,
        looks: Looks::Answer(|exchange| {
            let missing = exchange.is_page() && !exchange.has(&header::CONTENT_SECURITY_POLICY);
            if missing { Seen::absent() } else { Vec::new() }
        }),
    },
    Rule {
        id: "csp-weak",
        title: "The Content-Security-Policy lets injected scripts run",
        severity: Severity::Low,
        cwe: 1021,
        why: "A policy that allows inline scripts, `eval`, or scripts from anywhere does not stop an injected one.",
        mend: "Name sources, nonces or hashes for scripts; leave out `'unsafe-inline'`, `'unsafe-eval'`, `*`, `http:`, `https:` and `data:`.",
        remedy: Remedy::Nothing,
        points: 5,
        scope: Scope::Site,
        looks: Looks::Answer(weak_csp),
    },
    Rule {
        id: "nosniff-missing",
        title: "Browsers may guess what an answer is",
        severity: Severity::Low,
        cwe: 430,
        why: "A browser that takes an uploaded file for a script or a page runs it in the application's name.",
        mend: "Send `X-Content-Type-Options: nosniff`.",
        remedy: Remedy::Header("X-Content-Type-Options", "nosniff"),
        points: 5,
        scope: Scope::Site,
        looks: Looks::Answer(|exchange| {
            let said = exchange.header(header::X_CONTENT_TYPE_OPTIONS);
            let says = said.is_some_and(|text| text.trim().eq_ignore_ascii_case("nosniff"));
            if exchange.is_page() && !says { Seen::absent() } else { Vec::new() }
        }),
    },
    Rule {
        id: "framing-allowed",
        title: "Other sites can show the page within theirs",
        severity: Severity::Medium,
        cwe: 1021,
        why: "A page under another one's glass gets clicks that its visitor meant for something else.",
        mend: "Send `X-Frame-Options: SAMEORIGIN`, or `frame-ancestors` in the Content-Security-Policy.",
        remedy: Remedy::Header("X-Frame-Options", "SAMEORIGIN"),
        points: 10,
        scope: Scope::Site,
        looks: Looks::Answer(|exchange| {
            let framed = exchange.header(header::X_FRAME_OPTIONS).is_some_and(|text| {
                text.split(',').all(|one| ["deny", "sameorigin"].contains(&one.trim().to_ascii_lowercase().as_str()))
            });
            let policy = exchange.header(header::CONTENT_SECURITY_POLICY).unwrap_or_default();
            let ancestors = directive(&policy, "frame-ancestors").is_some_and(|sources| !sources.contains(&"*".into()));
            if exchange.is_page() && !framed && !ancestors { Seen::absent() } else { Vec::new() }
        }),
    },
    Rule {
        id: "referrer-leaks",
        title: "Other sites are told whole addresses",
        severity: Severity::Low,
        cwe: 200,
        why: "What stands in a page's address, ids and searches included, goes to every site that it links to or loads from, where a browser's own default does not prevent it.",
        mend: "Send `Referrer-Policy: strict-origin-when-cross-origin`, or a stricter one.",
        remedy: Remedy::Route("url_privacy = \"strip\""),
        points: 5,
        scope: Scope::Site,
        looks: Looks::Answer(|exchange| {
            // Of several the last that is known holds.
            let policy = exchange.header(header::REFERRER_POLICY).unwrap_or_default().to_ascii_lowercase();
            let last = policy.rsplit(',').next().unwrap_or_default().trim();
            let lax = ["", "unsafe-url", "no-referrer-when-downgrade", "origin-when-cross-origin"].contains(&last);
            if exchange.is_page() && lax { vec![Seen::new("", last)] } else { Vec::new() }
        }),
    },
    Rule {
        id: "permissions-policy-missing",
        title: "No Permissions-Policy",
        severity: Severity::Info,
        cwe: 693,
        why: "Scripts of others within a page may ask for camera, microphone and place in the application's name.",
        mend: "Send a Permissions-Policy that turns off what the application does not need.",
        remedy: Remedy::Header("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
        points: 5,
        scope: Scope::Site,
        looks: Looks::Answer(|exchange| {
            let missing = exchange.is_page() && !exchange.headers.contains_key("permissions-policy");
            // A page that runs no script asks for nothing.
            let policy = exchange.header(header::CONTENT_SECURITY_POLICY).unwrap_or_default();
            let scripts = directive(&policy, "script-src").or_else(|| directive(&policy, "default-src"));
            if missing && scripts != Some(vec!["'none'".to_owned()]) { Seen::absent() } else { Vec::new() }
        }),
    },
    Rule {
        id: "cors-credentials",
        title: "Pages of any site can read answers in their visitor's name",
        severity: Severity::High,
        cwe: 942,
        why: "The answer allows the origin that asks, whichever it is, with credentials: a page of anybody reads what its visitor is signed in for.",
        mend: "Compare the origin with a list of those that are meant; never repeat it, nor allow `null`, with credentials.",
        remedy: Remedy::Hide(&["Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"]),
        points: 25,
        scope: Scope::Site,
        looks: Looks::Answer(open_cors),
    },
];

fn weak_hsts(exchange: &Exchange<'_>) -> Vec<Seen> {
    let lines: Vec<&str> = exchange
        .headers
        .get_all(header::STRICT_TRANSPORT_SECURITY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    // Browsers read the first line only (RFC 6797, section 8.1), and none in cleartext.
    let Some(first) = lines.first().filter(|_| exchange.asked.secure) else { return Vec::new() };
    let age = first.split(';').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| value.trim().trim_matches('"').parse::<u64>().ok())?
    });
    if age.is_some_and(|age| age >= HSTS_AT_LEAST) { Vec::new() } else { vec![Seen::sample(*first)] }
}

/// The sources of a directive, where it stands in one of the policies of a header.
fn directive(policy: &str, name: &str) -> Option<Vec<String>> {
    policy.split([';', ',']).find_map(|part| {
        let mut words = part.split_ascii_whitespace();
        let found = words.next().is_some_and(|word| word.eq_ignore_ascii_case(name));
        found.then(|| words.map(str::to_ascii_lowercase).collect())
    })
}

fn weak_csp(exchange: &Exchange<'_>) -> Vec<Seen> {
    let Some(policy) = exchange.header(header::CONTENT_SECURITY_POLICY).filter(|_| exchange.is_page()) else {
        return Vec::new();
    };
    let scripts = directive(&policy, "script-src").or_else(|| directive(&policy, "default-src"));
    let Some(scripts) = scripts else { return vec![Seen::new("script-src", "neither script-src nor default-src")] };
    let told = scripts.iter().any(|source| source.starts_with("'nonce-") || source.starts_with("'sha"));
    let strict = scripts.iter().any(|source| source == "'strict-dynamic'");
    let mut weak: Vec<&str> = Vec::new();
    for source in &scripts {
        let lax = match source.as_str() {
            // Browsers that know nonces pass over it.
            "'unsafe-inline'" => !told,
            "'unsafe-eval'" => true,
            "*" | "http:" | "https:" | "data:" => !strict,
            _ => false,
        };
        if lax {
            weak.push(source);
        }
    }
    if weak.is_empty() { Vec::new() } else { vec![Seen::new("script-src", weak.join(" "))] }
}

fn open_cors(exchange: &Exchange<'_>) -> Vec<Seen> {
    let allowed = exchange.header(header::ACCESS_CONTROL_ALLOW_ORIGIN).unwrap_or_default();
    let credentials = exchange
        .header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS)
        .is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
    if !credentials || allowed.is_empty() {
        return Vec::new();
    }
    let foreign = exchange.asked.origin.as_deref().is_some_and(|origin| {
        let host = origin.split_once("://").map_or(origin, |(_, host)| host);
        origin == allowed && !host.eq_ignore_ascii_case(&exchange.asked.host) && !is_sibling(host, &exchange.asked.host)
    });
    // Browsers refuse `*` with credentials; whoever writes it means everybody, and proxies in between may not refuse.
    let open = allowed == "*" || allowed == "null" || foreign;
    if open {
        vec![Seen::sample(format!("Access-Control-Allow-Origin: {allowed}, with credentials"))]
    } else {
        Vec::new()
    }
}

/// Whether two hosts end in the same two labels, so that an operator may mean both.
fn is_sibling(one: &str, other: &str) -> bool {
    let site = |host: &str| {
        let host = host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let labels: Vec<String> = host.rsplit('.').take(2).map(str::to_owned).collect();
        (labels.len() == 2 && host.parse::<std::net::IpAddr>().is_err()).then_some(labels)
    };
    site(one).is_some() && site(one) == site(other)
}
