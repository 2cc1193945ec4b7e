//! Binding: one listening socket a worker and address, and never an address that somebody else holds.
//!
//! `SO_REUSEPORT` would let a second Privet bind the same port in silence and take half of the connections. So the first
//! socket is bound without it, which the kernel refuses when anybody listens there, and becomes shareable only then. The
//! bound address is the instance lock: the kernel gives it up with the process, however that ends.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use socket2::{Domain, Protocol, SockFilter, SockRef, Socket, TcpKeepalive, Type};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// A socket to accept on, and whose it is.
#[derive(Debug)]
pub struct Listener {
    /// Not blocking.
    pub socket: TcpListener,
    /// Whether a supervisor holds it too: its queue outlives us, and is not ours to empty.
    pub inherited: bool,
}

/// Why an address can't be listened on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process, perhaps another Privet, listens there.
    #[error(
        "address {0} is already in use: another process listens there, perhaps another Privet; stop it or choose another address"
    )]
    InUse(SocketAddr),
    /// A port below 1024 needs a privilege.
    #[error(
        "no privilege to listen on {0}: ports below 1024 need CAP_NET_BIND_SERVICE (`setcap cap_net_bind_service=+ep` on the binary, \
         or AmbientCapabilities in its unit); or choose a port from 1024 on"
    )]
    Privilege(SocketAddr),
    /// The machine has no such address.
    #[error("address {0} does not belong to this machine")]
    Absent(SocketAddr),
    /// Anything else.
    #[error("can't listen on {address}")]
    Other {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Binds `count` sockets to `address`, which nobody else may hold. Port 0 is chosen once and shared.
///
/// # Errors
/// When the address can't be had.
pub fn bind(address: SocketAddr, count: usize) -> Result<Vec<Listener>, Error> {
    let explain = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => Error::InUse(address),
        io::ErrorKind::PermissionDenied => Error::Privilege(address),
        io::ErrorKind::AddrNotAvailable => Error::Absent(address),
        _ => Error::Other { address, source },
    };
    let first = open(address, false).map_err(explain)?;
    first.set_reuse_port(true).map_err(explain)?;
    let bound = first.local_addr().and_then(|a| a.as_socket().ok_or(io::ErrorKind::AddrNotAvailable.into()));
    let bound = bound.map_err(explain)?;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(open(bound, true).map_err(explain)?);
    }
    sockets
        .into_iter()
        .map(|socket| {
            socket.listen(BACKLOG)?;
            socket.set_nonblocking(true)?;
            Ok(Listener { socket: socket.into(), inherited: false })
        })
        .collect::<io::Result<_>>()
        .map_err(explain)
}

fn open(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Only skips the wait for old connections to die; it never shares a port that is listened on.
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Lets nobody new in, and everybody who is half through the door: packets that begin a connection are dropped from now on. Whoever sent one sends it
/// again after a second, to whoever listens then, and never believes to be connected to a socket that closes.
///
/// # Errors
/// When the system has no such filters.
pub fn turn_away(listener: &tokio::net::TcpListener) -> io::Result<()> {
    // Classic BPF over the TCP header: of its byte 13, the flags, SYN (2) and ACK (16).
    const FILTER: [SockFilter; 5] = [
        SockFilter::new(0x30, 0, 0, 13),
        SockFilter::new(0x54, 0, 0, 0x12),
        SockFilter::new(0x15, 0, 1, 0x02),
        SockFilter::new(0x06, 0, 0, 0),
        SockFilter::new(0x06, 0, 0, u32::MAX),
    ];
    SockRef::from(listener).attach_filter(&FILTER)
}

/// A connection that waits, if there is one.
pub fn accept_now(listener: &tokio::net::TcpListener) -> Option<(tokio::net::TcpStream, SocketAddr)> {
    let (socket, address) = SockRef::from(listener).accept().ok()?;
    socket.set_nonblocking(true).ok()?;
    Some((tokio::net::TcpStream::from_std(socket.into()).ok()?, address.as_socket()?))
}

/// Sets what every accepted socket gets: no delay, and probes that find a dead peer.
///
/// # Errors
/// When the socket is gone already.
pub fn prepare(stream: &tokio::net::TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let probes = TcpKeepalive::new().with_time(Duration::from_secs(60)).with_interval(Duration::from_secs(15));
    SockRef::from(stream).set_tcp_keepalive(&probes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_is_reset_who_has_come_before_the_end() {
        let mine = bind("127.0.0.1:0".parse().expect("an address"), 1).expect("a free port").remove(0).socket;
        let address = mine.local_addr().expect("bound");
        let listener = tokio::net::TcpListener::from_std(mine).expect("usable");
        let before: Vec<_> = (0..3).map(|_| std::net::TcpStream::connect(address).expect("connected")).collect();
        turn_away(&listener).expect("a filter");
        let after = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200));
        assert_eq!(after.expect_err("nobody new").kind(), io::ErrorKind::TimedOut);
        for stream in &before {
            let (_, from) = accept_now(&listener).expect("who waits");
            assert_eq!(from, stream.local_addr().expect("bound"));
        }
        assert!(accept_now(&listener).is_none());
    }

    #[test]
    fn an_address_is_held_by_one_instance() {
        let mine = bind("127.0.0.1:0".parse().expect("an address"), 3).expect("a free port");
        let address = mine[0].socket.local_addr().expect("bound");
        assert!(mine.iter().all(|listener| listener.socket.local_addr().ok() == Some(address)));
        assert!(matches!(bind(address, 1), Err(Error::InUse(_))));
        assert!(matches!(bind(address, 2), Err(Error::InUse(_))));
        drop(mine);
        assert!(bind(address, 2).is_ok());
    }

    #[test]
    fn an_address_elsewhere_is_named() {
        assert!(matches!(bind("192.0.2.1:0".parse().expect("an address"), 1), Err(Error::Absent(_))));
    }
}
