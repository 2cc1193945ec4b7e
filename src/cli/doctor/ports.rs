//! Whether the gateway could listen where it is told to, while none does.

use std::{io, net::SocketAddr};

use socket2::{Domain, Socket, Type};

use super::{
    finding::Found,
    ground::{Gateway, Ground},
    holder,
};

pub(super) fn look(at: &Ground, found: &Found) {
    if at.gateway != Gateway::Absent {
        return;
    }
    let (server, admin) = (&at.config.server, &at.config.admin);
    let doors =
        [("https", Some(server.https)), ("http", server.http), ("admin", admin.listen), ("console", admin.console)];
    for (key, address) in doors {
        let Some(address) = address.filter(|address| address.port() != 0) else { continue };
        if let Err(error) = bound(address) {
            told(key, address, &error, found);
        }
    }
}

/// Binds it for a moment. Without listening nobody can come by.
fn bound(address: SocketAddr) -> io::Result<()> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // What was served a moment ago does not count.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())
}

fn told(key: &str, address: SocketAddr, error: &io::Error, found: &Found) {
    let place = format!("`listen.{key}` {address}");
    match error.kind() {
        io::ErrorKind::AddrInUse => match holder::of_port(address) {
            // systemd itself.
            Some((_, 1)) => found.note(
                "held",
                format!("{place} is held by systemd, for whoever it starts there"),
                "nothing, if privet's socket units hold it (`systemctl list-sockets`); else stop the unit that does",
            ),
            Some((name, id)) => found.fault(
                "taken",
                format!("{place} is taken: process {id}, {name}, listens there"),
                format!("stop it (`systemctl status {id}` says what it belongs to), or choose another port"),
            ),
            None => found.fault(
                "taken",
                format!("{place} is taken by a process of another user, or of another container"),
                format!("`ss -ltnp 'sport = :{}'` as root says which: stop it, or choose another port", address.port()),
            ),
        },
        io::ErrorKind::PermissionDenied => found.fault(
            "privilege",
            format!("{place}: there is no right to listen at a port below 1024"),
            "let systemd hold the port (privet-https.socket, privet-http.socket), give AmbientCapabilities=CAP_NET_BIND_SERVICE (examples/ports.conf) or `setcap cap_net_bind_service=+ep`, or choose a port from 1024 on",
        ),
        io::ErrorKind::AddrNotAvailable => found.fault(
            "address",
            format!("{place} is no address of this machine"),
            "`ip -brief address` lists those that are; \"[::]:PORT\" and \"0.0.0.0:PORT\" are all of them. One that moves between machines needs net.ipv4.ip_nonlocal_bind=1",
        ),
        _ => found.fault("address", format!("{place} can't be listened at: {error}"), "without IPv6 on this machine write \"0.0.0.0:PORT\" in place of \"[::]:PORT\""),
    }
}
