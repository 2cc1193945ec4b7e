//! Whether applications are there, and whether they are there for Privet alone.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use futures_util::future::join_all;

use super::{
    asked::dialer,
    finding::{Found, why},
    ground::Ground,
};
use crate::{
    config::Config,
    dial::{Error, settings::Target},
    gateway::upstream::settings::Endpoint,
    scan::probe::around,
};

/// An application, and the routes that lead to it.
struct Application<'a> {
    endpoint: &'a Endpoint,
    routes: Vec<&'a str>,
}

pub(super) fn look(at: &Ground, found: &Found) {
    let applications = applications(&at.config);
    let asked = Ground::wait(join_all(applications.iter().map(|application| ask(application, at, found))));
    if let Err(why) = asked {
        found.unseen(why);
    }
}

/// Each once, whatever leads there.
fn applications(config: &Config) -> Vec<Application<'_>> {
    let mut all: BTreeMap<String, Application<'_>> = BTreeMap::new();
    for route in &config.gateway.routes {
        for endpoint in &route.upstream.endpoints {
            let key = format!("{} {:?}", endpoint.dial.target, endpoint.dial.tls);
            all.entry(key).or_insert_with(|| Application { endpoint, routes: Vec::new() }).routes.push(&route.name);
        }
    }
    all.into_values().collect()
}

async fn ask(application: &Application<'_>, at: &Ground, found: &Found) {
    let target = &application.endpoint.dial.target;
    let place = format!("{target} (route {})", application.routes.join(", "));
    let dialer = match dialer(application.endpoint) {
        Ok(dialer) => dialer,
        Err(error) => {
            let mend = "mend `upstream_tls` of the route: PEM files that this user may read";
            return found.fault("settings", format!("{place} can't be asked: {}", why(&error)), mend);
        }
    };
    match dialer.connect().await {
        Err(error) => unreachable(&place, &error, found),
        Ok(_) => reached(&place, target, &dialer.addresses(), at, found).await,
    }
}

fn unreachable(place: &str, error: &Error, found: &Found) {
    match error {
        Error::Resolve(_) => found.fault(
            "resolve",
            format!("the name of {place} does not resolve"),
            "mend the name, or the resolver: `getent ahosts NAME` asks as Privet does (/etc/hosts, /etc/resolv.conf)",
        ),
        _ if error.is_refused() => found.fault(
            "refused",
            format!("{place} refuses connections: nothing listens there"),
            "start the application, or mend host and port of `upstream`; in a container, \"localhost\" is the container itself",
        ),
        Error::Tls(_) => found.fault(
            "tls",
            format!("{place} is there, and TLS fails: {}", why(error)),
            "name its authority (`ca` of [route.upstream_tls]) and the name in its certificate (`server_name`), or write http:// where it speaks no TLS",
        ),
        _ if error.is_timeout() => found.fault(
            "silent",
            format!("{place} does not answer to a connection in time"),
            "a firewall that drops, or an application that is overrun: `ss -ltn` there, and `curl -v` from here",
        ),
        _ => found.fault(
            "unreachable",
            format!("{place} can't be reached: {}", why(error)),
            "start the application; a Unix socket needs the right to write to it, and to enter its folder",
        ),
    }
}

/// It is there. Whether it is we ourselves, or reached by others as well.
async fn reached(place: &str, target: &Target, addresses: &Arc<Vec<SocketAddr>>, at: &Ground, found: &Found) {
    let Target::Tcp { port, .. } = target else { return };
    let others = match around::own_addresses() {
        Ok(others) => others,
        Err(error) => return found.unseen(format!("this machine's addresses are not known: {error}")),
    };
    let is_here = |address: &SocketAddr| address.ip().to_canonical().is_loopback() || others.contains(&address.ip());
    let doors = [Some(at.config.server.https), at.config.server.http, at.config.admin.listen, at.config.admin.console];
    if addresses.iter().any(is_here) && doors.iter().flatten().any(|door| door.port() == *port) {
        let mend = "name the application's own port in `upstream`, or another one in `listen`";
        return found.fault("loop", format!("{place} is a port of Privet's own"), mend);
    }
    if !addresses.iter().all(|address| address.ip().to_canonical().is_loopback()) {
        return;
    }
    for address in others {
        if let Some(status) = around::status(SocketAddr::new(address, *port)).await {
            let network = if address.is_ipv4() { "IPv4" } else { "IPv6" };
            return found.fault(
                "around",
                format!("{place} answers {status} at an {network} address of this machine as well: whoever reaches that goes around Privet"),
                "bind the application to 127.0.0.1 alone, give it a Unix socket, or let a firewall refuse its port but on `lo`; `privet intercept` prints rules that lead the port to Privet",
            );
        }
    }
}
