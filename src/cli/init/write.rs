//! A configuration with a comment on each thing that somebody will want to know or change.

use std::{fmt::Write as _, path::Path};

use super::model::{Model, Route};

/// The text of a configuration.
pub(super) fn text(model: &Model, from: &str) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# {}\n# Every key: docs/CONFIGURATION.md. A change is taken without a restart, once it is valid:",
        line(from)
    );
    out.push_str("#   privet check --config FILE      privet doctor --config FILE      privet scan --config FILE\n");
    key(&mut out, "data_dir", &quoted(model.data_dir.as_deref().unwrap_or("data")));
    listen(model, &mut out);
    tls(model, &mut out);
    out.push_str(
        "\n# Who misbehaves is banned, by address and session, in growing steps; docs/BANS.md.\n[shield.ban]\n",
    );
    login(model, &mut out);
    let mut routes: Vec<&Route> = model.routes.iter().collect();
    routes.sort_by(|a, b| (&a.host, &a.path).cmp(&(&b.host, &b.path)));
    for one in routes {
        route(one, model.personal, &mut out);
    }
    lost(model, &mut out);
    out
}

fn key(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name} = {value}");
}

fn listen(model: &Model, out: &mut String) {
    out.push_str("\n[listen]\n");
    key(out, "https", &quoted(model.https.as_deref().unwrap_or("0.0.0.0:443")));
    out.push_str("# Everybody who comes without TLS is led to https.\n");
    key(out, "http", &quoted(model.http.as_deref().unwrap_or("off")));
    out.push_str("# /livez, /readyz and /metrics, without TLS: for this machine alone.\n");
    key(out, "admin", "\"127.0.0.1:9901\"");
    if !model.trusted.is_empty() {
        out.push_str("# Whose X-Forwarded-* and PROXY headers are believed.\n");
        key(out, "trusted", &list(model.trusted.iter().map(String::as_str)));
    }
    if model.proxy_protocol {
        // Nobody's header is believed without.
        let hint = if model.trusted.is_empty() {
            "#proxy_protocol = true             # needs `trusted`: whose header is believed"
        } else {
            "proxy_protocol = true"
        };
        let _ = writeln!(out, "{hint}");
    }
}

fn tls(model: &Model, out: &mut String) {
    out.push_str("\n[tls]\n");
    out.push_str("# Mozilla's profiles: \"intermediate\" speaks TLS 1.2 and 1.3, \"modern\" 1.3 alone.\n");
    key(out, "profile", if model.modern { "\"modern\"" } else { "\"intermediate\"" });
    if model.orders.is_empty() && !model.certificates.iter().any(|pair| pair.trouble.is_none()) {
        out.push_str("# Without a certificate one of a development CA is served, which no browser knows: `privet certs dev-ca` says where it is.\n");
    }
    for pair in &model.certificates {
        let off = if pair.trouble.is_some() { "#" } else { "" };
        if let Some(trouble) = &pair.trouble {
            let _ = writeln!(out, "# {}", line(trouble));
        }
        let _ = writeln!(
            out,
            "{off}[[tls.certificate]]\n{off}chain = {}\n{off}key = {}",
            file(&pair.chain),
            file(&pair.key)
        );
    }
    for order in &model.orders {
        out.push_str(
            "# Ordered and renewed by ACME: port 443 of each name must lead here from the internet.\n[[tls.acme]]\n",
        );
        key(out, "domains", &list(order.domains.iter().map(String::as_str)));
        if let Some(contact) = &order.contact {
            key(out, "contact", &list([contact.as_str()]));
        }
        if let Some(directory) = &order.directory {
            key(out, "directory", &quoted(directory));
        }
        out.push_str("# You agree to the authority's terms of service by this line.\nagree_to_terms = true\n");
    }
    if let Some((required, ca)) = &model.clients {
        out.push_str("\n[tls.client]\n");
        key(out, "mode", if *required { "\"require\"" } else { "\"request\"" });
        key(out, "ca", &file(ca));
    }
}

fn login(model: &Model, out: &mut String) {
    match &model.login {
        Some(path) => {
            out.push_str("\n# Failed attempts to sign in are limited; what a failure looks like is learned (docs/LOGIN.md).\n[[login]]\n");
            key(out, "path", &quoted(path));
            key(out, "preset", "\"auto\"");
        }
        None => out.push_str("\n# Where people sign in at the application, attempts can be limited (docs/LOGIN.md):\n#[[login]]\n#path = \"/login\"\n#preset = \"auto\"\n"),
    }
}

fn route(route: &Route, personal: bool, out: &mut String) {
    let from = route.place.as_ref().map_or_else(String::new, |place| format!(" ({} line {})", place.file, place.line));
    let _ = writeln!(
        out,
        "\n# {}{}{}\n[[route]]",
        line(route.host.as_deref().unwrap_or("any host, ")),
        line(&route.path),
        line(&from)
    );
    if let Some(host) = &route.host {
        key(out, "host", &quoted(host));
    }
    if route.path != "/" {
        key(out, "path", &quoted(&route.path));
    }
    upstream(route, out);
    if let Some(why) = &route.closed {
        let _ = writeln!(
            out,
            "# Closed, for {} can't be carried over: only people of `privet staff` pass.\ngate = \"staff\"",
            line(why)
        );
    }
    limits(route, out);
    answers(route, out);
    out.push_str("# Attacks are written down; \"block\" refuses them, once the log shows nobody who should come in.\nshield = \"detect\"\n");
    out.push_str("# What answers give away is looked for: `privet scan --live`.\nwatch = true\n");
    if personal {
        out.push_str("# Personal data in URLs stays out of the Referer that others get; in logs it is rewritten anyway.\nurl_privacy = \"strip\"\n");
        out.push_str("# Personal data in answers, masked for everybody, or by policy for people who sign in; docs/MASKING.md, docs/DISCLOSURE.md.\n");
        out.push_str("#mask = \"all\"\n#gate = \"staff\"\n#record = true\n");
    }
    out.push_str(
        "# What people send goes through clamd ([antivirus]): \"detect\" or \"block\".\n#antivirus = \"block\"\n",
    );
    tables(route, out);
}

fn upstream(route: &Route, out: &mut String) {
    let one = |(url, weight): &(String, u32)| match weight {
        1 => quoted(url),
        weight => format!("{{ url = {}, weight = {weight} }}", quoted(url)),
    };
    let _ = writeln!(out, "upstream = [{}]", route.upstream.iter().map(one).collect::<Vec<_>>().join(", "));
    if let Some(reason) = &route.cleartext_reason {
        out.push_str("# The way to the application is in cleartext, beyond this machine; logs, `check` and `attest` repeat the reason.\n");
        key(out, "cleartext_reason", &quoted(reason));
    }
    match route.prefix.as_deref() {
        Some("/") => key(out, "strip_prefix", "true"),
        Some(prefix) => key(out, "rewrite_prefix", &quoted(prefix)),
        None => {}
    }
    if route.least_connections {
        key(out, "balance", "\"least_connections\"");
    }
    if route.http2 {
        key(out, "http2", "true");
    }
    if route.pass_host == Some(false) {
        key(out, "pass_host", "false");
    }
}

fn limits(route: &Route, out: &mut String) {
    let keys = [
        ("body_limit", &route.body_limit),
        ("connect_timeout", &route.connect_timeout),
        ("response_timeout", &route.response_timeout),
    ];
    for (name, value) in keys {
        if let Some(value) = value {
            key(out, name, &quoted(value));
        }
    }
}

fn answers(route: &Route, out: &mut String) {
    if let Some(hsts) = &route.hsts {
        key(out, "hsts", &quoted(hsts));
    }
    if !route.headers.is_empty() {
        let all: Vec<String> =
            route.headers.iter().map(|(name, value)| format!("{} = {}", quoted(name), quoted(value))).collect();
        key(out, "headers", &format!("{{ {} }}", all.join(", ")));
    }
    if !route.hidden.is_empty() {
        key(out, "hide_headers", &list(route.hidden.iter().map(String::as_str)));
    }
}

fn tables(route: &Route, out: &mut String) {
    let tls = &route.tls;
    if tls.ca.is_some() || tls.server_name.is_some() || tls.pair.is_some() {
        out.push_str("[route.upstream_tls]\n");
        if let Some(ca) = &tls.ca {
            key(out, "ca", &file(ca));
        }
        if let Some(name) = &tls.server_name {
            key(out, "server_name", &quoted(name));
        }
        if let Some((chain, own)) = &tls.pair {
            key(out, "chain", &file(chain));
            key(out, "key", &file(own));
        }
    }
    if let Some(path) = &route.health {
        out.push_str("[route.health]\n");
        key(out, "path", &quoted(path));
    }
}

fn lost(model: &Model, out: &mut String) {
    if model.lost.is_empty() {
        return;
    }
    out.push_str("\n# Not carried over, or different:\n");
    for lost in &model.lost {
        let _ = writeln!(
            out,
            "#   {}:{}: {}: {}",
            line(&lost.place.file),
            lost.place.line,
            line(&lost.what),
            line(&lost.why)
        );
    }
}

fn list<'a>(all: impl IntoIterator<Item = &'a str>) -> String {
    format!("[{}]", all.into_iter().map(quoted).collect::<Vec<_>>().join(", "))
}

fn file(path: &Path) -> String {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    quoted(&whole.display().to_string())
}

/// A text of TOML, in which no variable of the environment is looked for.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '$' => out.push_str("$$"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What a comment can hold.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_come_back_as_they_were() {
        for text in ["a", "a\"b\\c", "${HOME} $x", "a\nb\u{7f}\u{1}", "한글"] {
            let whole = format!("a = {}", super::quoted(text));
            let table: toml::Table = whole.parse().expect("TOML");
            assert_eq!(table["a"].as_str().map(|read| read.replace("$$", "$")), Some(text.to_owned()), "{whole}");
        }
    }
}
