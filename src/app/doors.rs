//! Where a gateway listens: bound by itself, or handed over by whoever has started it.

use std::{io, net::SocketAddr};

use crate::{
    config::Config,
    server::{
        inherited::{Inherited, Name},
        listener::{self, Listener},
    },
};

/// The listeners of each door.
pub(super) struct Doors {
    pub(super) https: Vec<Listener>,
    pub(super) http: Option<Vec<Listener>>,
    pub(super) admin: Option<Vec<Listener>>,
    pub(super) console: Option<Vec<Listener>>,
}

impl Doors {
    /// Binds what was not handed over.
    ///
    /// # Errors
    /// When what was is not what the configuration says, or an address is not to be had.
    pub(super) fn open(config: &Config, inherited: &Inherited) -> anyhow::Result<Self> {
        let (server, admin) = (&config.server, &config.admin);
        inherited.agree(&doors(config, server.workers))?;
        let listen = |name, address, count| match inherited.listeners(name, count)? {
            Some(listeners) => Ok(listeners),
            None => listener::bind(address, count).map_err(anyhow::Error::from),
        };
        Ok(Self {
            https: listen(Name::Https, server.https, server.workers)?,
            http: server.http.map(|address| listen(Name::Http, address, server.workers)).transpose()?,
            admin: admin.listen.map(|address| listen(Name::Admin, address, 1)).transpose()?,
            console: admin.console.map(|address| listen(Name::Console, address, 1)).transpose()?,
        })
    }
}

/// Where the listeners of a door really are.
pub(super) fn bound(listeners: Option<&[Listener]>) -> io::Result<Option<SocketAddr>> {
    listeners.and_then(<[Listener]>::first).map(|listener| listener.socket.local_addr()).transpose()
}

/// Where each door is, and how many accept there.
pub(super) fn doors(config: &Config, workers: usize) -> [(Name, Option<SocketAddr>, usize); 4] {
    [
        (Name::Https, Some(config.server.https), workers),
        (Name::Http, config.server.http, workers),
        (Name::Admin, config.admin.listen, 1),
        (Name::Console, config.admin.console, 1),
    ]
}
