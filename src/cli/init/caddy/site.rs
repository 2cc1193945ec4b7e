//! One site: its addresses, its certificate, and what it does with requests.

use std::{collections::BTreeMap, path::Path};

use super::{Options, known, syntax::Line};
use crate::cli::init::model::{
    Model, Order, Route, duration, header, host, hsts, is_public, mail, pair, path, upstream,
};

/// What holds for requests so far.
#[derive(Debug, Clone, Default)]
struct Scope {
    /// None is any.
    hosts: Vec<Option<String>>,
    /// Prefixes of paths.
    paths: Vec<String>,
    /// Whether the prefix is stripped.
    strips: bool,
    headers: Vec<(String, String)>,
    hidden: Vec<String>,
    hsts: Option<String>,
    body_limit: Option<String>,
    closed: Option<String>,
}

/// Requests by name.
type Matchers<'a> = BTreeMap<&'a str, Vec<&'a Line>>;

pub(super) fn read(site: &Line, lines: &[Line], options: &Options, base: &Path, model: &mut Model) {
    let (mut hosts, mut secure, mut plain) = (Vec::new(), Vec::new(), false);
    for address in site.words.iter().flat_map(|word| word.split(',')).filter(|word| !word.is_empty()) {
        let (scheme, rest) = address.split_once("://").unwrap_or(("", address));
        let (rest, prefix) = rest.split_once('/').map_or((rest, ""), |(rest, prefix)| (rest, prefix));
        if !prefix.is_empty() {
            model.lose(&site.place, "a path in an address", "the site is carried over for all paths");
        }
        let (name, port) = match rest.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok() => (name, port.parse::<u16>().ok()),
            _ => (rest, None),
        };
        let clear = scheme == "http" || port == Some(80);
        plain |= clear;
        ports(port, clear, options, site, model);
        let found = if matches!(name, "" | "*") { Some(None) } else { host(name).map(Some) };
        match found {
            None => {
                model.lose(&site.place, "an address of a site", "a route's host is a name, or one with `*.` before it");
            }
            Some(host) => {
                secure.extend(host.clone().filter(|_| !clear));
                if !hosts.contains(&host) {
                    hosts.push(host);
                }
            }
        }
    }
    if plain {
        model.lose(&site.place, "a site without TLS", "Privet leads its visitors to https (308)");
    }
    certificate(lines, &secure, options, base, site, model);
    let scope = Scope { hosts, paths: vec!["/".to_owned()], ..Scope::default() };
    block(lines, &scope, model);
}

/// A port that is not the usual one.
fn ports(port: Option<u16>, clear: bool, options: &Options, site: &Line, model: &mut Model) {
    let usual = if clear { options.http.unwrap_or(80) } else { options.https.unwrap_or(443) };
    let Some(port) = port.filter(|port| *port != usual) else { return };
    let known = if clear { &mut model.http } else { &mut model.https };
    let address = format!("0.0.0.0:{port}");
    match known {
        None => *known = Some(address),
        Some(known) if *known == address => {}
        Some(_) => model.lose(
            &site.place,
            "a port of a site",
            "there is one `listen.https` and one `listen.http`; the first is taken",
        ),
    }
}

fn certificate(lines: &[Line], secure: &[String], options: &Options, base: &Path, site: &Line, model: &mut Model) {
    let mut email = options.email.clone();
    let mut internal = false;
    for line in lines.iter().filter(|line| line.name() == "tls") {
        match line.rest() {
            [chain, key] => {
                let found = pair(&base.join(chain), &base.join(key));
                if let Some(trouble) = &found.trouble {
                    model.lose(&line.place, "tls", format!("{trouble}; it is there as a comment"));
                }
                if !model.certificates.iter().any(|known| known.chain == found.chain) {
                    model.certificates.push(found);
                }
                return;
            }
            [word] if word == "internal" => internal = true,
            [word] if mail(word).is_some() => email = mail(word),
            _ => {}
        }
        for line in line.inner() {
            match line.name() {
                "protocols" if line.word(1) == "tls1.3" => model.modern = true,
                _ => model.lose(&line.place, format!("tls .. {}", line.name()), "[tls] and [[tls.acme]] decide"),
            }
        }
    }
    let (domains, others): (Vec<String>, Vec<String>) =
        secure.iter().cloned().partition(|name| is_public(name) && !internal && !options.off);
    if !others.is_empty() {
        let names = others.join(", ");
        model.lose(&site.place, format!("a certificate for {names}"), "no authority is asked for such a name: [[tls.certificate]] of your own; the development CA alone stands in where there is no other");
    }
    if domains.is_empty() {
        return;
    }
    let wish = Order { domains, contact: email, directory: options.directory.clone() };
    let known: Vec<String> = model.orders.iter().flat_map(|order| order.domains.clone()).collect();
    let domains: Vec<String> = wish.domains.iter().filter(|domain| !known.contains(domain)).cloned().collect();
    if !domains.is_empty() {
        model.orders.push(Order { domains, ..wish });
    }
}

/// What is done with requests, in a site or a part of one.
fn block(lines: &[Line], above: &Scope, model: &mut Model) {
    let mut matchers = Matchers::new();
    for line in lines.iter().filter(|line| line.name().starts_with('@')) {
        let parts = if line.block.is_some() { line.inner().iter().collect() } else { vec![line] };
        matchers.insert(line.name(), parts);
    }
    let mut scope = above.clone();
    for line in lines {
        settings(line, &mut scope, model);
    }
    for line in lines {
        match line.name() {
            "reverse_proxy" => proxy(line, &scope, &matchers, model),
            "handle" | "route" => within(line, &scope, &matchers, false, model),
            "handle_path" => within(line, &scope, &matchers, true, model),
            // Which is done anyway.
            "redir" if line.rest().iter().any(|word| word.starts_with("https://{host}")) => {}
            "tls" | "header" | "request_body" | "basic_auth" | "basicauth" | "forward_auth" => {}
            name if name.starts_with('@') => {}
            "respond" | "error" | "abort" => refuse(line, &scope, &matchers, model),
            _ => known::lose(line, model),
        }
    }
}

/// What holds for all requests of a block.
fn settings(line: &Line, scope: &mut Scope, model: &mut Model) {
    match line.name() {
        "header" if line.block.is_some() && line.words.len() == 1 => {
            line.inner().iter().for_each(|inner| set(inner, inner.name(), inner.rest(), scope, model));
        }
        "header" if line.words.len() >= 2 && !line.word(1).starts_with(['/', '@', '*']) => {
            set(line, line.word(1), line.words.get(2..).unwrap_or_default(), scope, model);
        }
        "header" => known::lose(line, model),
        "request_body" => {
            let limit =
                line.inner().iter().find(|inner| inner.name() == "max_size").and_then(|inner| size(inner.word(1)));
            match limit {
                Some(limit) => scope.body_limit = Some(limit),
                None => known::lose(line, model),
            }
        }
        // Also where it holds for some requests alone: rather too much is closed than too little.
        "basic_auth" | "basicauth" | "forward_auth" => {
            scope.closed = Some(format!("`{}` in {} line {}", line.name(), line.place.file, line.place.line));
            known::lose(line, model);
        }
        _ => {}
    }
}

fn set(line: &Line, name: &str, value: &[String], scope: &mut Scope, model: &mut Model) {
    let (sign, name) = match name.as_bytes().first() {
        Some(sign @ (b'-' | b'+' | b'?' | b'>')) => (*sign, &name[1..]),
        _ => (b'=', name),
    };
    let value = value.join(" ");
    let carried = match sign {
        b'-' => header(name, "x").map(|(name, _)| scope.hidden.push(name)),
        _ if value.contains('{') => None,
        _ if name.eq_ignore_ascii_case("strict-transport-security") => {
            hsts(&value).map(|value| scope.hsts = Some(value))
        }
        _ => header(name, &value).map(|set| {
            scope.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            // It stands in the place of the application's own.
            if sign == b'=' || sign == b'>' {
                scope.hidden.push(set.0.clone());
            }
            scope.headers.push(set);
        }),
    };
    if carried.is_none() {
        model.lose(
            &line.place,
            format!("header {name}"),
            "its value has placeholders, or is none that a route may set",
        );
    }
}

/// `10MB`, `1GiB`, `512`.
fn size(text: &str) -> Option<String> {
    let text = text.trim();
    let text = if text.bytes().all(|b| b.is_ascii_digit()) { format!("{text}B") } else { text.to_owned() };
    crate::common::unit::parse_size(&text).ok().map(|_| text)
}

/// A part of a site.
fn within(line: &Line, above: &Scope, matchers: &Matchers<'_>, strips: bool, model: &mut Model) {
    if let Some(mut scope) = matched(line, line.word(1), above, matchers, model) {
        scope.strips = strips || above.strips;
        block(line.inner(), &scope, model);
    }
}

/// A scope with what a matcher says; nothing where that can't be said of a route.
fn matched(line: &Line, word: &str, above: &Scope, matchers: &Matchers<'_>, model: &mut Model) -> Option<Scope> {
    let mut scope = above.clone();
    match word.as_bytes().first() {
        Some(b'/') => scope.paths = vec![prefix(line, word, model)?],
        Some(b'@') => {
            for part in matchers.get(word).map(Vec::as_slice).unwrap_or_default() {
                let words: &[String] = if part.name().starts_with('@') { part.rest() } else { &part.words };
                let (kind, values) = words.split_first()?;
                match kind.as_str() {
                    "path" => {
                        scope.paths = values.iter().map(|value| prefix(line, value, model)).collect::<Option<_>>()?;
                    }
                    "host" => scope.hosts = values.iter().map(|value| host(value).map(Some)).collect::<Option<_>>()?,
                    _ => {
                        model.lose(
                            &part.place,
                            format!("{word} {kind}"),
                            format!("requests are told by host and path alone: `{}` for them is left out", line.name()),
                        );
                        return None;
                    }
                }
            }
        }
        _ => {}
    }
    Some(scope)
}

/// The prefix that a pattern of paths is.
fn prefix(line: &Line, pattern: &str, model: &mut Model) -> Option<String> {
    let text = pattern.strip_suffix('*').unwrap_or(pattern);
    let Some(found) = path(text).filter(|_| !text.contains('*')) else {
        model.lose(&line.place, format!("{} {pattern}", line.name()), "a route is a plain prefix");
        return None;
    };
    if text.len() == pattern.len() {
        model.lose(
            &line.place,
            format!("{} {pattern}", line.name()),
            "a route is a prefix: what is below the path comes here as well",
        );
    } else if !text.ends_with('/') {
        model.lose(
            &line.place,
            format!("{} {pattern}", line.name()),
            "a route ends at the border of a segment: what only begins with the text does not come here",
        );
    }
    Some(found)
}

/// What is refused there must not come in by another route.
fn refuse(line: &Line, above: &Scope, matchers: &Matchers<'_>, model: &mut Model) {
    let refused = line.name() != "respond" || line.rest().iter().any(|word| word.len() == 3 && word.starts_with('4'));
    if !refused {
        return known::lose(line, model);
    }
    let Some(mut scope) = matched(line, line.word(1), above, matchers, model) else {
        return model.lose(
            &line.place,
            line.name(),
            "IT WAS CLOSED, AND IS OPEN NOW: a route is a plain prefix; [[shield.patch]] can refuse by pattern",
        );
    };
    scope.closed = Some(format!("`{}` in {} line {}", line.name(), line.place.file, line.place.line));
    // Without a place of its own nothing is served there anyway.
    if scope.paths != ["/"] {
        add(&Route { place: Some(line.place.clone()), ..Route::default() }, &scope, model);
    }
}

fn proxy(line: &Line, above: &Scope, matchers: &Matchers<'_>, model: &mut Model) {
    let has_matcher = line.word(1).starts_with(['/', '@', '*']);
    let Some(scope) = matched(line, if has_matcher { line.word(1) } else { "" }, above, matchers, model) else {
        return;
    };
    let mut route = Route { place: Some(line.place.clone()), ..Route::default() };
    let mut to: Vec<&String> = line.words.iter().skip(if has_matcher { 2 } else { 1 }).collect();
    let mut secure = false;
    for inner in line.inner() {
        match (inner.name(), inner.word(1)) {
            ("to", _) => to.extend(inner.rest()),
            ("lb_policy", "least_conn") => route.least_connections = true,
            ("lb_policy", "round_robin") => {}
            ("health_uri", uri) if path(uri).is_some() => route.health = Some(uri.to_owned()),
            ("transport", "http") => secure |= transport(inner, &mut route, model),
            ("header_up", "Host" | "host") => match inner.word(2) {
                "{upstream_hostport}" | "{http.reverse_proxy.upstream.hostport}" => route.pass_host = Some(false),
                "{host}" | "{http.request.host}" | "{hostport}" => {}
                _ => known::lose(inner, model),
            },
            ("header_up", name)
                if name.to_ascii_lowercase().starts_with("x-forwarded-") || name.eq_ignore_ascii_case("x-real-ip") => {}
            (
                "flush_interval" | "buffer_requests" | "buffer_responses" | "trusted_proxies" | "health_interval"
                | "health_timeout",
                _,
            ) => {}
            _ => known::lose(inner, model),
        }
    }
    for place in to {
        match endpoint(place, secure) {
            Some((url, http2)) => {
                route.http2 |= http2;
                route.upstream.push((url, 1));
            }
            None => model.lose(&line.place, "an upstream", "it is no host and port, https:// URL or unix// socket"),
        }
    }
    if !route.upstream.is_empty() {
        add(&route, &scope, model);
    }
}

/// How applications are reached; whether by TLS.
fn transport(block: &Line, route: &mut Route, model: &mut Model) -> bool {
    let mut secure = false;
    for line in block.inner() {
        match line.name() {
            "tls" => secure = true,
            "tls_server_name" if host(line.word(1)).is_some() => {
                secure = true;
                route.tls.server_name = Some(line.word(1).to_owned());
            }
            "dial_timeout" => route.connect_timeout = duration(line.word(1)),
            "response_header_timeout" | "read_timeout" => route.response_timeout = duration(line.word(1)),
            "keepalive" | "versions" => {}
            "tls_insecure_skip_verify" => {
                secure = true;
                known::lose(line, model);
            }
            _ => known::lose(line, model),
        }
    }
    secure
}

/// A URL, and whether HTTP/2 is spoken without TLS.
fn endpoint(text: &str, secure: bool) -> Option<(String, bool)> {
    if let Some(path) = text.strip_prefix("unix/") {
        return upstream("http", &format!("unix:{path}")).map(|url| (url, false));
    }
    let (scheme, place) = text.split_once("://").unwrap_or((if secure { "https" } else { "http" }, text));
    let place = place.strip_suffix('/').unwrap_or(place);
    // `:8080` is this machine.
    let place = if place.starts_with(':') { format!("localhost{place}") } else { place.to_owned() };
    match scheme {
        "h2c" => upstream("http", &place).map(|url| (url, true)),
        scheme => upstream(scheme, &place).map(|url| (url, false)),
    }
}

/// Adds a route for each host and prefix.
fn add(route: &Route, scope: &Scope, model: &mut Model) {
    for host in &scope.hosts {
        for path in &scope.paths {
            model.add(Route {
                host: host.clone(),
                path: path.clone(),
                prefix: (scope.strips && path != "/").then(|| "/".to_owned()),
                headers: scope.headers.clone(),
                hidden: scope.hidden.clone(),
                hsts: scope.hsts.clone(),
                body_limit: scope.body_limit.clone(),
                closed: scope.closed.clone(),
                ..route.clone()
            });
        }
    }
}
