//! One `server`: where it listens, its names, its certificate, and its locations.

use super::{
    Whole, known,
    scope::{self, Scope},
    syntax::Directive,
};
use crate::cli::init::model::{Model, Route, host, pair, path, upstream};

/// What a server says of itself.
#[derive(Debug, Default)]
struct Server {
    /// None is any.
    hosts: Vec<Option<String>>,
    /// Whether it is served by TLS, and whether without.
    tls: bool,
    plain: bool,
}

pub(super) fn read(directive: &Directive, above: &Scope, whole: &Whole<'_>, model: &mut Model) {
    let block = directive.inner();
    let scope = above.within(block, whole.base, model);
    let mut server = Server::default();
    for directive in block {
        match &*directive.name {
            "listen" => listen(directive, &mut server, model),
            "server_name" => names(directive, &mut server, model),
            _ => {}
        }
    }
    // One whose names are all patterns is not for any host.
    if server.hosts.is_empty() && !block.iter().any(|directive| directive.name == "server_name") {
        server.hosts.push(None);
    }
    certificates(block, whole, model);
    let redirects = |directive: &&Directive| directive.name == "return" && leads_to_tls(directive);
    if let Some(redirect) = block.iter().find(redirects) {
        if server.tls {
            known::lose(redirect, model);
        }
        // Privet leads everybody to https by itself.
        if !block.iter().any(|directive| directive.name == "location") {
            return;
        }
    }
    if server.plain && !server.tls {
        model.lose(&directive.place, "server without TLS", "Privet leads its visitors to https (308)");
    }
    for directive in block {
        match &*directive.name {
            "location" => location(directive, &server, &scope, whole, model),
            "listen"
            | "server_name"
            | "ssl_certificate"
            | "ssl_certificate_key"
            | "ssl_protocols"
            | "ssl_verify_client"
            | "ssl_client_certificate" => {}
            "return" if leads_to_tls(directive) => {}
            "ssl" if directive.word(0) == "on" => {}
            _ if scope::is_known(directive) => {}
            _ => known::lose(directive, model),
        }
    }
}

/// Whether it is the usual way to say that there is TLS.
fn leads_to_tls(directive: &Directive) -> bool {
    let target = if directive.words.len() == 1 { directive.word(0) } else { directive.word(1) };
    let host = target.strip_prefix("https://").unwrap_or_default();
    let moved = directive.words.len() == 1 || matches!(directive.word(0), "301" | "302" | "307" | "308");
    moved && ["$host", "$server_name", "$http_host"].iter().any(|name| host.starts_with(name))
}

fn listen(directive: &Directive, server: &mut Server, model: &mut Model) {
    let (place, secure) = (directive.word(0), directive.words.iter().any(|word| word == "ssl" || word == "quic"));
    *if secure { &mut server.tls } else { &mut server.plain } = true;
    if directive.words.iter().any(|word| word == "quic") {
        return model.lose(&directive.place, "listen .. quic", "HTTP/3 is not spoken: browsers come by HTTP/2");
    }
    if directive.words.iter().any(|word| word == "proxy_protocol") {
        model.proxy_protocol = true;
    }
    let address = match place.parse::<u16>() {
        Ok(port) => format!("0.0.0.0:{port}"),
        Err(_) if place.parse::<std::net::SocketAddr>().is_ok() => place.to_owned(),
        Err(_) if place.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_ipv4()) => format!("{place}:80"),
        Err(_) => match place.strip_prefix("*:").and_then(|port| port.parse::<u16>().ok()) {
            Some(port) => format!("0.0.0.0:{port}"),
            None => return known::lose(directive, model),
        },
    };
    let known = if secure { &mut model.https } else { &mut model.http };
    let wider =
        |known: &str| known.starts_with("0.0.0.0:") && address.starts_with("[::]:") && known[8..] == address[5..];
    match known {
        None => *known = Some(address),
        Some(same) if *same == address => {}
        // Which is IPv4 as well.
        Some(known) if wider(known) => *known = address,
        Some(known) if known.starts_with("[::]:") && address.ends_with(&known[4..]) => {}
        Some(_) => {
            let key = if secure { "https" } else { "http" };
            model.lose(&directive.place, "listen", format!("there is one `listen.{key}`; the first is taken"));
        }
    }
}

fn names(directive: &Directive, server: &mut Server, model: &mut Model) {
    for name in &directive.words {
        let found = match name.as_str() {
            "_" | "" | "*" => vec![None],
            // Which is the name itself, and what is before it.
            name if name.starts_with('.') => {
                [&name[1..], &format!("*{name}")].into_iter().filter_map(|name| host(name).map(Some)).collect()
            }
            name => host(name).map(Some).into_iter().collect(),
        };
        if found.is_empty() {
            model.lose(
                &directive.place,
                "server_name",
                "a route's host is a name, or one with `*.` before it; no pattern",
            );
        }
        for name in found {
            if !server.hosts.contains(&name) {
                server.hosts.push(name);
            }
        }
    }
}

fn certificates(block: &[Directive], whole: &Whole<'_>, model: &mut Model) {
    let of = |name: &'static str| block.iter().filter(move |directive| directive.name == name);
    for (chain, key) in of("ssl_certificate").zip(of("ssl_certificate_key")) {
        if [chain, key].iter().any(|directive| directive.word(0).contains('$')) {
            known::lose(chain, model);
            continue;
        }
        let found = pair(&whole.base.join(chain.word(0)), &whole.base.join(key.word(0)));
        if model.certificates.iter().any(|known| known.chain == found.chain) {
            continue;
        }
        if let Some(trouble) = &found.trouble {
            model.lose(&chain.place, "ssl_certificate", format!("{trouble}; it is there as a comment"));
        }
        model.certificates.push(found);
    }
    for directive in of("ssl_protocols") {
        let modern = directive.words.iter().all(|word| word == "TLSv1.3");
        model.modern = modern;
        if directive.words.iter().any(|word| matches!(word.as_str(), "SSLv3" | "TLSv1" | "TLSv1.1")) {
            model.lose(&directive.place, "ssl_protocols", "nothing older than TLS 1.2 is spoken");
        }
    }
    let ca = of("ssl_client_certificate").next().map(|directive| whole.base.join(directive.word(0)));
    for directive in of("ssl_verify_client").filter(|directive| directive.word(0) != "off") {
        match ca.clone().filter(|ca| crate::dial::pem::roots(ca).is_ok()) {
            Some(ca) => {
                model.clients = Some((directive.word(0) == "on", ca));
                model.lose(&directive.place, "ssl_verify_client", "client certificates are asked for on every host: [tls.client]; [realm.certificate] says who may pass which route");
            }
            None => model.lose(
                &directive.place,
                "ssl_verify_client",
                "its authorities can't be read: [tls.client] has to be written, or everybody may pass",
            ),
        }
    }
}

fn location(directive: &Directive, server: &Server, above: &Scope, whole: &Whole<'_>, model: &mut Model) {
    let block = directive.inner();
    let scope = above.within(block, whole.base, model);
    let (way, text) =
        if directive.words.len() > 1 { (directive.word(0), directive.word(1)) } else { ("", directive.word(0)) };
    let refused = block
        .iter()
        .find(|directive| directive.name == "return" && matches!(directive.word(0).as_bytes().first(), Some(b'4')));
    let closed = scope
        .closed
        .clone()
        .or_else(|| refused.map(|it| format!("`return` in {} line {}", it.place.file, it.place.line)));
    let found = path(text).filter(|_| matches!(way, "" | "^~" | "="));
    let Some(path) = found else {
        let why = if closed.is_some() {
            "IT WAS CLOSED, AND IS OPEN NOW: a route is a plain prefix; [[shield.patch]] can refuse by pattern"
        } else {
            "a route is a plain prefix"
        };
        return model.lose(&directive.place, format!("location {way} {text}"), why);
    };
    if way == "=" {
        model.lose(
            &directive.place,
            format!("location = {text}"),
            "a route is a prefix: what is below the path comes here as well",
        );
    } else if path != "/" && !text.ends_with('/') {
        model.lose(
            &directive.place,
            format!("location {text}"),
            "a route ends at the border of a segment: what only begins with the text does not come here",
        );
    }
    let mut leads = None;
    for directive in block {
        match &*directive.name {
            "proxy_pass" => leads = Some(directive),
            "location" => location(directive, server, &scope, whole, model),
            "return" if closed.is_some() => {}
            _ if scope::is_known(directive) => {}
            _ => known::lose(directive, model),
        }
    }
    let mut route = Route { path, closed, place: Some(directive.place.clone()), ..Route::default() };
    match leads {
        Some(leads) => match proxy_pass(leads, whole, &mut route) {
            Some(()) => passing(&scope, &mut route),
            None => return known::lose(leads, model),
        },
        // Whoever is closed out there must not come in by the route above.
        None if route.closed.is_some() => {}
        None => {
            return model.lose(
                &directive.place,
                format!("location {text}"),
                "it has no `proxy_pass`: Privet serves no files of its own",
            );
        }
    }
    for host in &server.hosts {
        model.add(Route { host: host.clone(), ..route.clone() });
    }
}

/// What holds on the way to the application.
fn passing(scope: &Scope, route: &mut Route) {
    route.pass_host = Some(scope.pass_host);
    route.headers.clone_from(&scope.headers);
    route.hidden.clone_from(&scope.hidden);
    route.hsts.clone_from(&scope.hsts);
    route.body_limit = Some(scope.body_limit());
    route.response_timeout.clone_from(&scope.response_timeout);
    route.connect_timeout.clone_from(&scope.connect_timeout);
    if route.upstream.iter().any(|(url, _)| url.starts_with("https:")) {
        route.tls = scope.tls.clone();
        route.tls.pair =
            route.tls.pair.take().filter(|(chain, key)| crate::dial::pem::certified_key(chain, key).is_ok());
    }
}

/// Where it leads; nothing where that is no plain URL.
fn proxy_pass(directive: &Directive, whole: &Whole<'_>, route: &mut Route) -> Option<()> {
    let text = directive.word(0);
    let (scheme, rest) = text.split_once("://")?;
    // `http://unix:/run/app.sock:/path`
    let (place, uri) = match rest.strip_prefix("unix:") {
        Some(socket) => {
            let (socket, uri) = socket.split_once(':').map_or((socket, None), |(socket, uri)| (socket, Some(uri)));
            (format!("unix:{socket}"), uri)
        }
        None => match rest.find('/') {
            Some(at) => (rest[..at].to_owned(), Some(&rest[at..])),
            None => (rest.to_owned(), None),
        },
    };
    if text.contains('$') {
        return None;
    }
    route.upstream = match whole.pools.get(&*place) {
        Some(pool) => {
            route.least_connections = pool.least_connections;
            pool.servers.iter().filter_map(|(place, weight)| Some((upstream(scheme, place)?, *weight))).collect()
        }
        None => vec![(upstream(scheme, &place)?, 1)],
    };
    if let Some(uri) = uri {
        let to = path(uri)?;
        route.prefix = (to != route.path).then_some(to);
    }
    (!route.upstream.is_empty()).then_some(())
}
