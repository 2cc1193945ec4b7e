//! What nginx's configuration says, as far as Privet can do the same.
//!
//! `syntax` reads the files, `server` a server with its locations, `scope` what holds in a block and those within it, and `known` has a word about what is
//! not carried over.

mod known;
mod scope;
mod server;
mod syntax;

use std::{collections::BTreeMap, path::Path};

use self::{scope::Scope, syntax::Directive};
use super::{
    model::{Model, upstream},
    source::{Error, Files},
};

/// Servers of an `upstream` block.
#[derive(Debug, Default)]
struct Pool {
    servers: Vec<(String, u32)>,
    least_connections: bool,
}

/// What is known besides servers.
#[derive(Debug)]
struct Whole<'a> {
    pools: BTreeMap<&'a str, Pool>,
    base: &'a Path,
}

/// Reads a file, and what it includes.
pub(super) fn read(path: &Path) -> Result<Model, Error> {
    let mut model = Model::default();
    let all = syntax::read(path, &mut Files::default(), &mut model)?;
    let mut whole = Whole { pools: BTreeMap::new(), base: path.parent().unwrap_or(Path::new("")) };
    // A file of one server alone is one that is included in `http`.
    let blocks: Vec<&[Directive]> =
        all.iter().filter(|directive| directive.name == "http").map(Directive::inner).collect();
    for block in blocks.iter().copied().chain([&*all]) {
        for directive in block.iter().filter(|directive| directive.name == "upstream") {
            let pool = pool(directive, &mut model);
            whole.pools.insert(directive.word(0), pool);
        }
    }
    for block in blocks {
        http(block, &whole, &mut model);
    }
    let outside: Vec<Directive> = all.iter().filter(|directive| directive.name != "http").cloned().collect();
    http(&outside, &whole, &mut model);
    model.settle();
    Ok(model)
}

fn http(block: &[Directive], whole: &Whole<'_>, model: &mut Model) {
    let scope = Scope::default().within(block, whole.base, model);
    for directive in block {
        match &*directive.name {
            "server" => server::read(directive, &scope, whole, model),
            "upstream" => {}
            "set_real_ip_from" => match directive.word(0).parse::<ipnet::IpNet>() {
                Ok(network) => model.trusted.push(network.to_string()),
                Err(_) => match directive.word(0).parse::<std::net::IpAddr>() {
                    Ok(address) => model.trusted.push(ipnet::IpNet::from(address).to_string()),
                    Err(_) => known::lose(directive, model),
                },
            },
            _ if scope::is_known(directive) => {}
            _ => known::lose(directive, model),
        }
    }
}

fn pool(block: &Directive, model: &mut Model) -> Pool {
    let mut pool = Pool::default();
    for directive in block.inner() {
        match &*directive.name {
            "server" => pooled(directive, &mut pool, model),
            "least_conn" => pool.least_connections = true,
            // Privet keeps connections of its own accord.
            "zone" | "keepalive" | "keepalive_timeout" | "keepalive_requests" => {}
            _ => known::lose(directive, model),
        }
    }
    pool
}

fn pooled(directive: &Directive, pool: &mut Pool, model: &mut Model) {
    let (place, mut weight) = (directive.word(0), 1);
    for word in &directive.words[directive.words.len().min(1)..] {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "weight" => weight = value.parse::<u32>().unwrap_or(1).clamp(1, 1000),
            "down" => return,
            "backup" => {
                return model.lose(&directive.place, "server .. backup", "there are no spare servers: it is left out; [route.health] and [route.ejection] take failing ones out");
            }
            _ => model.lose(&directive.place, format!("server .. {name}"), "[route.health] and [route.ejection] say when a server is taken out, [route.retry] how often is tried again"),
        }
    }
    match upstream("http", place) {
        Some(_) => pool.servers.push((place.to_owned(), weight)),
        None => model.lose(&directive.place, "server", "it is no host and port"),
    }
}
