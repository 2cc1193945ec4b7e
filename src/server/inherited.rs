//! Listening sockets that a supervisor holds and hands over (`sd_listen_fds(3)`).
//!
//! They outlive the process: what connects while one Privet has ended and the next has not begun waits in their queues. So
//! Privet never empties a queue to close it, and at its end closes its own descriptors alone.

use std::{
    env, io,
    net::{SocketAddr, TcpListener},
};

use listenfd::ListenFd;
use socket2::SockRef;

use super::listener::Listener;

/// Where the names of the sockets stand, in their order, with colons between.
const NAMES: &str = "LISTEN_FDNAMES";

/// What a socket is for: its `FileDescriptorName=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// `listen.https`
    Https,
    /// `listen.http`
    Http,
    /// `listen.admin`
    Admin,
    /// `listen.console`
    Console,
}

impl Name {
    fn of(text: &str) -> Option<Self> {
        [Self::Https, Self::Http, Self::Admin, Self::Console].into_iter().find(|name| name.text() == text)
    }

    fn text(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
            Self::Admin => "admin",
            Self::Console => "console",
        }
    }
}

/// Why the sockets that were handed over can't be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody could tell what it is for.
    #[error(
        "inherited socket {number} has the name `{name}`, which is no door of Privet\n    hint: `FileDescriptorName=` in its socket unit must be https, http, admin or console"
    )]
    Unknown {
        /// Counted from 1.
        number: usize,
        /// What it is called.
        name: String,
    },
    /// Not something to accept on.
    #[error(
        "inherited socket {number} (`{name}`) is no listening TCP socket\n    hint: its socket unit needs `ListenStream=` with an address and port, and `Accept=no`"
    )]
    Unfit {
        /// Counted from 1.
        number: usize,
        /// What it is called.
        name: &'static str,
    },
    /// What is said and what is so differ.
    #[error(
        "the inherited socket `{name}` listens on {is}, but listen.{name} is {wanted}\n    hint: write the same address in the configuration and in `ListenStream=` of its socket unit (restart that unit after a change)"
    )]
    Elsewhere {
        /// What it is called.
        name: &'static str,
        /// Where it listens.
        is: SocketAddr,
        /// What the configuration says: an address, or `"off"`.
        wanted: String,
    },
    /// Nobody would accept on some of them.
    #[error(
        "{sockets} inherited sockets are called `{name}`, but {acceptors} would be accepted on\n    hint: pass one, or at most as many as there are workers (listen.workers); admin and console take one"
    )]
    TooMany {
        /// What they are called.
        name: &'static str,
        /// How many there are.
        sockets: usize,
        /// How many accept.
        acceptors: usize,
    },
    /// A descriptor could not be read or copied.
    #[error("an inherited socket can't be used")]
    Io(#[from] io::Error),
}

/// What was handed over; nothing, where nobody holds sockets for us.
#[derive(Debug, Default)]
pub struct Inherited {
    sockets: Vec<(Name, TcpListener)>,
}

impl Inherited {
    /// Takes what the environment names. To be called once, before there are other threads or descriptors; what a child process
    /// would find of it is taken out of the environment, and the descriptors close when one is started.
    ///
    /// # Errors
    /// When one is of no use.
    pub fn take() -> Result<Self, Error> {
        let names = env::var(NAMES).unwrap_or_default();
        let mut given = ListenFd::from_env();
        let mut names = names.split(':');
        let mut sockets = Vec::new();
        for index in 0..given.len() {
            let number = index + 1;
            let text = names.next().unwrap_or_default();
            let name = Name::of(text).ok_or_else(|| Error::Unknown { number, name: shown(text) })?;
            let unfit = || Error::Unfit { number, name: name.text() };
            let socket = given.take_tcp_listener(index).ok().flatten().ok_or_else(unfit)?;
            if !SockRef::from(&socket).is_listener()? {
                return Err(unfit());
            }
            sockets.push((name, socket));
        }
        Ok(Self { sockets })
    }

    /// Whether each listens where the configuration says, and somebody would accept on it.
    ///
    /// # Errors
    /// The first that does not.
    pub fn agree(&self, wanted: &[(Name, Option<SocketAddr>, usize)]) -> Result<(), Error> {
        for (name, socket) in &self.sockets {
            let is = socket.local_addr()?;
            let door = wanted.iter().find(|(door, ..)| door == name);
            let (address, acceptors) = door.map_or((None, 0), |(_, address, acceptors)| (*address, *acceptors));
            if address != Some(is) {
                let wanted = address.map_or("off".to_owned(), |address| address.to_string());
                return Err(Error::Elsewhere { name: name.text(), is, wanted });
            }
            let sockets = self.called(*name).count();
            if sockets > acceptors {
                return Err(Error::TooMany { name: name.text(), sockets, acceptors });
            }
        }
        Ok(())
    }

    /// One for each of `count` acceptors, which share what there are fewer of; `None` where there is none of this name.
    ///
    /// # Errors
    /// When there is no descriptor left.
    pub fn listeners(&self, name: Name, count: usize) -> io::Result<Option<Vec<Listener>>> {
        if self.called(name).next().is_none() {
            return Ok(None);
        }
        let copy = |socket: &TcpListener| {
            socket.set_nonblocking(true)?;
            Ok(Listener { socket: socket.try_clone()?, inherited: true })
        };
        self.called(name).cycle().take(count).map(copy).collect::<io::Result<_>>().map(Some)
    }

    fn called(&self, name: Name) -> impl Iterator<Item = &TcpListener> + Clone {
        self.sockets.iter().filter(move |(own, _)| *own == name).map(|(_, socket)| socket)
    }
}

/// A name from outside, fit for one line.
fn shown(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inherited(names: &[Name]) -> (Inherited, SocketAddr) {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("bound");
        let sockets = names.iter().map(|name| (*name, socket.try_clone().expect("a descriptor"))).collect();
        (Inherited { sockets }, address)
    }

    #[test]
    fn a_socket_is_shared_by_all_who_accept() {
        let (inherited, address) = inherited(&[Name::Https]);
        let listeners = inherited.listeners(Name::Https, 3).expect("copied").expect("some");
        assert_eq!(listeners.len(), 3);
        assert!(listeners.iter().all(|l| l.inherited && l.socket.local_addr().ok() == Some(address)));
        assert!(inherited.listeners(Name::Http, 3).expect("asked").is_none());
    }

    #[test]
    fn the_configuration_must_say_the_same() {
        let (inherited, address) = inherited(&[Name::Http]);
        assert!(inherited.agree(&[(Name::Http, Some(address), 1)]).is_ok());
        let error = inherited.agree(&[(Name::Http, None, 1)]).expect_err("nobody would accept");
        assert!(error.to_string().contains("listen.http is off"), "{error}");
        let elsewhere = "127.0.0.1:1".parse().ok();
        let error = inherited.agree(&[(Name::Http, elsewhere, 1)]).expect_err("another address");
        assert!(error.to_string().contains("listen.http is 127.0.0.1:1"), "{error}");
    }

    #[test]
    fn a_socket_that_nobody_would_accept_on_is_refused() {
        let (inherited, address) = inherited(&[Name::Https, Name::Https]);
        assert!(inherited.agree(&[(Name::Https, Some(address), 2)]).is_ok());
        let error = inherited.agree(&[(Name::Https, Some(address), 1)]).expect_err("one too many");
        assert!(matches!(error, Error::TooMany { sockets: 2, acceptors: 1, .. }), "{error}");
    }
}
