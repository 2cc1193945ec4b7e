//! Cookies without the attributes that keep them (RFC 6265bis).

use http::header;

use crate::scan::{
    exchange::Exchange,
    finding::Seen,
    rule::{Looks, Remedy, Rule, Scope, Severity},
};

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "cookie-without-secure",
        title: "A cookie goes out in cleartext",
        severity: Severity::Medium,
        cwe: 614,
        why: "A browser sends a cookie without `Secure` in cleartext as well, where whoever listens can take it and with it the session.",
        mend: "Add `Secure` to the cookie.",
        remedy: Remedy::Route("cookies.secure = true"),
        points: 15,
        scope: Scope::Site,
        looks: Looks::Answer(|exchange| without(exchange, |cookie| !cookie.secure)),
    },
    Rule {
        id: "cookie-script-readable",
        title: "Scripts can read a cookie",
        severity: Severity::Medium,
        cwe: 1004,
        why: "One injected script reads a cookie without `HttpOnly` and sends the session to whoever wrote it.",
        mend: "Add `HttpOnly`, unless the page's own scripts must read the cookie.",
        remedy: Remedy::Route("cookies.http_only = true"),
        points: 10,
        scope: Scope::Site,
        // What guards against forged requests has to be read by scripts.
        looks: Looks::Answer(|exchange| without(exchange, |cookie| !cookie.http_only && !cookie.is_token())),
    },
    Rule {
        id: "cookie-cross-site",
        title: "Other sites' pages can use a cookie",
        severity: Severity::Low,
        cwe: 1275,
        why: "Without `SameSite`, or with `None`, forms of other sites are sent with the visitor's session where browsers do not refuse by themselves.",
        mend: "Add `SameSite=Lax`, or `Strict`.",
        remedy: Remedy::Route("cookies.same_site = \"lax\""),
        points: 5,
        scope: Scope::Site,
        looks: Looks::Answer(|exchange| without(exchange, |cookie| !cookie.same_site)),
    },
];

struct Cookie<'a> {
    name: &'a str,
    secure: bool,
    http_only: bool,
    same_site: bool,
}

impl<'a> Cookie<'a> {
    fn read(line: &'a str) -> Self {
        let mut parts = line.split(';');
        let name = parts.next().unwrap_or_default().split('=').next().unwrap_or_default().trim();
        let mut cookie = Self { name, secure: false, http_only: false, same_site: false };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.trim().to_ascii_lowercase().as_str() {
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => cookie.same_site = !value.trim().eq_ignore_ascii_case("none"),
                _ => {}
            }
        }
        cookie
    }

    fn is_token(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        name.contains("xsrf") || name.contains("csrf")
    }
}

/// Whether a cookie is being deleted: nothing is lost with it.
fn is_deletion(line: &str) -> bool {
    let low = line.to_ascii_lowercase();
    low.contains("max-age=0") || low.contains("max-age=-") || low.contains("expires=thu, 01 jan 1970")
}

fn without(exchange: &Exchange<'_>, lacks: impl Fn(&Cookie<'_>) -> bool) -> Vec<Seen> {
    let lines = exchange.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let cookies = lines.filter(|line| !is_deletion(line)).map(Cookie::read);
    // Of a cookie its name alone is told: its value may be a session.
    cookies.filter(lacks).map(|cookie| Seen::new(cookie.name, "")).collect()
}
