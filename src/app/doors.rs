//! Where a gateway listens: what a supervisor has handed over, or what it binds itself.

use std::{io, net::SocketAddr};

use crate::{
    config::Config,
    gateway::plan::Bounds,
    server::{
        self,
        inherited::{Inherited, Name},
        listener::{self, Listener},
    },
};

/// Where it really listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// TLS.
    pub https: SocketAddr,
    /// Redirects.
    pub http: Option<SocketAddr>,
    /// Health and metrics.
    pub admin: Option<SocketAddr>,
    /// SCIM.
    pub console: Option<SocketAddr>,
}

impl Addresses {
    /// Where it listens by another configuration, whose listeners are new where an address has changed.
    ///
    /// # Errors
    /// When a listener does not say where it is.
    pub(super) fn moved(
        &self,
        config: &Config,
        [https, http, admin, console]: [&Option<Vec<Listener>>; 4],
    ) -> io::Result<Self> {
        let server = &config.server;
        Ok(Self {
            https: bound(https.as_deref())?.unwrap_or(self.https),
            http: server.http.and(bound(http.as_deref())?.or(self.http)),
            admin: config.admin.listen.and(bound(admin.as_deref())?.or(self.admin)),
            console: config.admin.console.and(bound(console.as_deref())?.or(self.console)),
        })
    }
}

/// Its listeners, before anybody is accepted.
pub(super) struct Doors {
    pub(super) https: Vec<Listener>,
    pub(super) http: Option<Vec<Listener>>,
    pub(super) admin: Option<Vec<Listener>>,
    pub(super) console: Option<Vec<Listener>>,
    pub(super) addresses: Addresses,
}

impl Doors {
    /// Takes what was handed over, and binds the rest.
    ///
    /// # Errors
    /// When what was handed over is something else than the configuration says, or an address is not to be had.
    pub(super) fn bind(config: &Config, inherited: &Inherited) -> anyhow::Result<Self> {
        let settings = &config.server;
        inherited.agree(&doors(config, settings.workers))?;
        let listen = |name, address, count| match inherited.listeners(name, count)? {
            Some(listeners) => Ok(listeners),
            None => listener::bind(address, count).map_err(anyhow::Error::from),
        };
        let https = listen(Name::Https, settings.https, settings.workers)?;
        let http = settings.http.map(|address| listen(Name::Http, address, settings.workers)).transpose()?;
        let admin = config.admin.listen.map(|address| listen(Name::Admin, address, 1)).transpose()?;
        let console = config.admin.console.map(|address| listen(Name::Console, address, 1)).transpose()?;
        let addresses = Addresses {
            https: https[0].socket.local_addr()?,
            http: bound(http.as_deref())?,
            admin: bound(admin.as_deref())?,
            console: bound(console.as_deref())?,
        };
        Ok(Self { https, http, admin, console, addresses })
    }
}

/// Where the listeners of a door really are.
fn bound(listeners: Option<&[Listener]>) -> io::Result<Option<SocketAddr>> {
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

/// Bounds of what comes there.
pub(super) fn bounds(settings: &server::Settings, https: SocketAddr) -> Bounds {
    Bounds {
        body_idle: settings.limits.body_idle_timeout,
        body_min_rate: settings.limits.body_min_rate,
        stall: settings.limits.stall_timeout,
        redirect_port: settings.redirect_port.unwrap_or(https.port()),
        acme_webroot: settings.acme_webroot.clone(),
    }
}
