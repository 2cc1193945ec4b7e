//! Where a gateway listens, and what bodies that come there may be.

use std::{io, net::SocketAddr};

use crate::{
    config::Config,
    gateway::plan::Bounds,
    server::{self, inherited::Name, listener::Listener},
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
    /// Where the listeners of TLS, and those of the other doors in their order, really are.
    pub(super) fn of(https: &[Listener], [http, admin, console]: [&Option<Vec<Listener>>; 3]) -> io::Result<Self> {
        let bound = |listeners: &Option<Vec<Listener>>| bound(listeners.as_deref());
        let https = self::bound(Some(https))?.ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self { https, http: bound(http)?, admin: bound(admin)?, console: bound(console)? })
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

/// Says what of a new configuration only a start can take into use.
pub(super) fn warn_of_restarts(former: &Config, config: &Config, workers: usize) {
    if config.server.workers != workers {
        tracing::warn!("`listen.workers` takes effect at the next start");
    }
    if config.journal != former.journal {
        tracing::warn!("`[journal]` takes effect at the next start");
    }
    if config.data_dir != former.data_dir {
        tracing::warn!("for the data folder's lock and the control socket, `data_dir` takes effect at the next start");
    }
    if config.store != former.store {
        tracing::warn!("`[store]` takes effect at the next start");
    }
}
