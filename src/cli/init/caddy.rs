//! What a Caddyfile says, as far as Privet can do the same.
//!
//! `syntax` reads the files, `site` a site and what is in it, and `known` has a word about what is not carried over.

mod known;
mod site;
mod syntax;

use std::path::Path;

use self::syntax::Line;
use super::{
    model::{Model, mail},
    source::{Error, Files},
};

/// What holds for all sites.
#[derive(Debug, Default)]
struct Options {
    email: Option<String>,
    directory: Option<String>,
    https: Option<u16>,
    http: Option<u16>,
    /// Whether nothing is ordered by itself.
    off: bool,
}

/// Reads a file, and what it imports.
pub(super) fn read(path: &Path) -> Result<Model, Error> {
    let mut model = Model::default();
    let lines = syntax::read(path, &mut Files::default(), &mut model)?;
    let base = path.parent().unwrap_or(Path::new(""));
    let mut options = Options::default();
    let (global, sites): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| line.words.is_empty());
    for line in global.iter().flat_map(|line| line.inner()) {
        option(line, &mut options, &mut model);
    }
    let mut bare = sites.iter().copied().filter(|line| line.block.is_none());
    match bare.next() {
        // A file of one site needs no braces: its first line has the addresses.
        Some(first) => {
            let rest: Vec<Line> = sites.iter().copied().filter(|line| *line != first).cloned().collect();
            site::read(first, &rest, &options, base, &mut model);
        }
        None => sites.iter().for_each(|line| site::read(line, line.inner(), &options, base, &mut model)),
    }
    model.https.get_or_insert_with(|| format!("0.0.0.0:{}", options.https.unwrap_or(443)));
    model.http.get_or_insert_with(|| format!("0.0.0.0:{}", options.http.unwrap_or(80)));
    model.settle();
    Ok(model)
}

fn option(line: &Line, options: &mut Options, model: &mut Model) {
    let (value, port) = (line.word(1), line.word(1).parse().ok().filter(|port| *port > 0));
    match line.name() {
        "email" if mail(value).is_some() => options.email = mail(value),
        "acme_ca" if crate::dial::address::Address::parse(value).is_ok() => options.directory = Some(value.to_owned()),
        "https_port" if port.is_some() => options.https = port,
        "http_port" if port.is_some() => options.http = port,
        "auto_https" if value == "off" => options.off = true,
        // `servers { trusted_proxies static 10.0.0.0/8 }`
        "servers" => line.inner().iter().for_each(|line| server(line, model)),
        // Caddy's own, and what Privet has in another form.
        "admin" | "grace_period" | "shutdown_delay" | "persist_config" | "debug" | "order" => {}
        _ => known::lose(line, model),
    }
}

fn server(line: &Line, model: &mut Model) {
    match (line.name(), line.word(1)) {
        ("trusted_proxies", "static") => {
            for word in &line.words[2..] {
                let networks: Vec<&str> = if word == "private_ranges" {
                    vec!["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"]
                } else {
                    vec![word]
                };
                for network in networks {
                    let whole = network
                        .parse::<ipnet::IpNet>()
                        .or_else(|_| network.parse::<std::net::IpAddr>().map(ipnet::IpNet::from));
                    match whole {
                        Ok(network) => model.trusted.push(network.to_string()),
                        Err(_) => known::lose(line, model),
                    }
                }
            }
        }
        _ => known::lose(line, model),
    }
}
