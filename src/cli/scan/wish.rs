//! Which sites are asked, and whether they may be.

use std::{net::IpAddr, process::ExitCode};

use super::{Asking, usage};
use crate::{
    config::Config,
    gateway::settings::HostPattern,
    login::settings::{Login, Username},
    scan::probe::{login::Form, target::Target},
};

/// Most sites of a configuration that are asked.
const SITES: usize = 8;

/// The sites of a configuration's routes, each once, as a client would ask for them.
pub(super) fn sites(config: &Config) -> Vec<Target> {
    let address = config.server.https;
    let ip = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
    let mut sites: Vec<Target> = Vec::new();
    for route in &config.gateway.routes {
        let name = match &route.host {
            HostPattern::Exact(host) => host.clone(),
            // Any label will do.
            HostPattern::Wildcard(suffix) => format!("www.{suffix}"),
            HostPattern::Any => "localhost".to_owned(),
        };
        let host = if address.port() == 443 { name } else { format!("{name}:{}", address.port()) };
        if sites.len() < SITES && !sites.iter().any(|site| site.host == host) {
            sites.push(Target { secure: true, host, connect: (ip.clone(), address.port()), path: route.path.clone() });
        }
    }
    sites
}

/// Where a site is in cleartext, as far as that is known.
pub(super) fn cleartext(site: &Target, config: Option<&Config>, asking: &Asking) -> Result<Option<Target>, ExitCode> {
    if !site.secure {
        return Ok(None);
    }
    let at = |connect: (String, u16)| {
        let host = if connect.1 == 80 { site.name().to_owned() } else { format!("{}:{}", site.name(), connect.1) };
        Target { secure: false, host, connect, path: "/".to_owned() }
    };
    if let Some(text) = &asking.http {
        let target = Target::parse(&format!("http://{text}/"), None).map_err(|why| usage(format!("--http: {why}")))?;
        return Ok(Some(at(target.connect)));
    }
    if let Some(address) = config.and_then(|config| config.server.http) {
        let ip = if address.ip().is_unspecified() { "127.0.0.1".to_owned() } else { address.ip().to_string() };
        return Ok(Some(at((ip, address.port()))));
    }
    Ok((site.connect.1 == 443).then(|| at((site.connect.0.clone(), 80))))
}

/// Whether a site may be asked: one of this machine, one that the configuration names, or one that its owner has said is theirs.
pub(super) async fn may_ask(site: &Target, config: Option<&Config>, owned: bool) -> Result<(), ExitCode> {
    if owned {
        return Ok(());
    }
    let addresses = site.addresses().await.map_err(|error| {
        eprintln!("privet scan: {} is not known: {error}", site.connect.0);
        ExitCode::from(3)
    })?;
    let here = |ip: IpAddr| ip.to_canonical().is_loopback();
    if !addresses.is_empty() && addresses.iter().all(|address| here(address.ip())) {
        return Ok(());
    }
    let named = config.is_some_and(|config| {
        let own = |ip: IpAddr| config.server.https.ip() == ip;
        let endpoint = |host: &str, port: u16| (host, port) == (&*site.connect.0, site.connect.1);
        let mut upstreams = config.gateway.routes.iter().flat_map(|route| &route.upstream.endpoints);
        addresses.iter().all(|address| own(address.ip()))
            || config.gateway.routes.iter().any(|route| route.host == HostPattern::Exact(site.name().to_owned()))
            || upstreams.any(|upstream| match &upstream.dial.target {
                crate::dial::settings::Target::Tcp { host, port } => endpoint(host, *port),
                crate::dial::settings::Target::Unix(_) => false,
            })
    });
    if named {
        return Ok(());
    }
    let error = format!(
        "{} is neither on this machine nor in a configuration that was named\n    hint: say --i-own-this where you may scan it",
        site.host
    );
    eprintln!("privet scan: {error}");
    Err(ExitCode::from(2))
}

/// Attempts that the configuration's logins would take for such.
pub(super) fn logins(config: &Config) -> Vec<Form> {
    config.login.logins.iter().filter_map(form).collect()
}

fn form(login: &Login) -> Option<Form> {
    let (username, json) = match &login.username {
        Username::Form(name) => (name.clone(), false),
        Username::Json(names) => (names.first().filter(|_| names.len() == 1)?.clone(), true),
        Username::Guess => ("username".to_owned(), false),
        // No form: what guesses there is told by 401 alone.
        Username::Basic | Username::Header(_) => return None,
    };
    let (action, password) = (login.path.clone(), "password".to_owned());
    Some(Form { action, username, password, hidden: Vec::new(), json })
}
