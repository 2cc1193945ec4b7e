//! Connects to one target, over TLS where the settings say so.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustls::{
    ClientConfig, ConfigBuilder, RootCertStore, client::WantsClientCert, crypto::aws_lc_rs, pki_types::ServerName,
};
use tokio::{
    net::{TcpStream, UnixStream},
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsConnector;

use super::{
    error::{Error, Invalid},
    names::{Names, Refresh},
    pem,
    settings::{Settings, Target, Tls},
    stream::Stream,
};

/// One dead address among several must not eat the whole limit, nor may a short limit leave each
/// address too little to answer in. Go's dialer draws the same line.
const FAIR_SHARE_AT_LEAST: Duration = Duration::from_secs(2);

/// Connects to one target; shared by all workers.
pub struct Dialer {
    target: Place,
    tls: Option<Session>,
    connect_timeout: Duration,
    resolve_every: Duration,
    turn: AtomicUsize,
}

enum Place {
    Tcp(Names),
    Unix(PathBuf),
}

struct Session {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Dialer {
    /// Reads the certificate files. Resolves nothing yet.
    ///
    /// # Errors
    /// A file cannot be used, or the settings contradict themselves.
    pub fn new(settings: &Settings) -> Result<Self, Invalid> {
        let target = match (&settings.target, &settings.tls) {
            (Target::Tcp { host, port }, _) => Place::Tcp(Names::new(host, *port)),
            (Target::Unix(path), None) => Place::Unix(path.clone()),
            (Target::Unix(path), Some(_)) => return Err(Invalid::TlsOverUnix(path.clone())),
        };
        Ok(Self {
            target,
            tls: settings.tls.as_ref().map(Session::new).transpose()?,
            connect_timeout: settings.connect_timeout,
            resolve_every: settings.resolve_every,
            turn: AtomicUsize::new(0),
        })
    }

    /// A new connection, TLS handshake done. Addresses are tried in turn, each call beginning with
    /// the next, until one accepts; a TLS failure is not tried elsewhere.
    ///
    /// # Errors
    /// The name has no address, no address accepted, TLS failed, or `connect_timeout` went by.
    pub async fn connect(&self) -> Result<Stream, Error> {
        self.connect_offering(None).await
    }

    /// The same, but over TLS HTTP/1.1 alone is offered, whatever the settings offer.
    ///
    /// # Errors
    /// As [`Dialer::connect`].
    pub async fn connect_http1(&self) -> Result<Stream, Error> {
        self.connect_offering(Some(b"http/1.1")).await
    }

    async fn connect_offering(&self, protocol: Option<&[u8]>) -> Result<Stream, Error> {
        let deadline = Instant::now() + self.connect_timeout;
        match timeout_at(deadline, self.connect_by(deadline, protocol)).await {
            Ok(result) => result,
            Err(_) => Err(Error::Timeout),
        }
    }

    /// Resolves the name again and takes over another set of addresses; on failure the known ones
    /// stay. Bounded by the system resolver's own limits.
    ///
    /// # Errors
    /// [`Error::Resolve`]: the resolver failed or knows no address.
    pub async fn refresh(&self) -> Result<Refresh, Error> {
        match &self.target {
            Place::Tcp(names) => names.refresh().await,
            Place::Unix(_) => Ok(Refresh::Unneeded),
        }
    }

    /// How often to call [`Dialer::refresh`]; `None` where there is no name to resolve.
    #[must_use]
    pub fn resolve_every(&self) -> Option<Duration> {
        match &self.target {
            Place::Tcp(names) if !names.is_literal() => Some(self.resolve_every),
            Place::Tcp(_) | Place::Unix(_) => None,
        }
    }

    /// The addresses known now; empty for a Unix socket and before the first look-up.
    #[must_use]
    pub fn addresses(&self) -> Arc<Vec<SocketAddr>> {
        match &self.target {
            Place::Tcp(names) => names.addresses(),
            Place::Unix(_) => Arc::default(),
        }
    }

    /// Grows whenever the set of addresses changes, the first look-up included.
    #[must_use]
    pub fn generation(&self) -> u64 {
        match &self.target {
            Place::Tcp(names) => names.generation(),
            Place::Unix(_) => 0,
        }
    }

    async fn connect_by(&self, deadline: Instant, protocol: Option<&[u8]>) -> Result<Stream, Error> {
        let names = match &self.target {
            Place::Tcp(names) => names,
            Place::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(Error::Io)?;
                return Ok(Stream::unix(stream));
            }
        };
        let (stream, remote) = self.connect_any(&names.resolved().await?, deadline).await?;
        // Small requests must not wait for the other side's delayed acknowledgement.
        stream.set_nodelay(true).map_err(Error::Io)?;
        match &self.tls {
            None => Ok(Stream::tcp(stream, remote)),
            Some(session) => {
                let name = session.name.clone();
                let handshake = match protocol {
                    None => session.connector.connect(name, stream),
                    Some(only) => session.connector.with_alpn(vec![only.to_vec()]).connect(name, stream),
                };
                Ok(Stream::tls(handshake.await.map_err(Error::Tls)?, remote))
            }
        }
    }

    async fn connect_any(&self, addresses: &[SocketAddr], deadline: Instant) -> Result<(TcpStream, SocketAddr), Error> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut last = Error::Timeout;
        for tried in 0..addresses.len() {
            let address = addresses[first.wrapping_add(tried) % addresses.len()];
            let left = deadline.saturating_duration_since(Instant::now());
            let others = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
            let share = (left / others).max(FAIR_SHARE_AT_LEAST).min(left);
            last = match timeout(share, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => return Ok((stream, address)),
                Ok(Err(error)) => Error::Io(error),
                Err(_) => Error::Timeout,
            };
        }
        Err(last)
    }
}

impl std::fmt::Debug for Dialer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dialer")
            .field("addresses", &self.addresses())
            .field("tls", &self.tls.is_some())
            .finish_non_exhaustive()
    }
}

impl Session {
    fn new(tls: &Tls) -> Result<Self, Invalid> {
        let name = ServerName::try_from(tls.server_name.clone()).map_err(Invalid::ServerName)?;
        let builder = believing(tls.ca.as_deref())?;
        let mut config = match &tls.certificate {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                let pair = Arc::new(pem::certified_key(chain, key)?);
                builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(pair)))
            }
        };
        config.alpn_protocols.clone_from(&tls.alpn);
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

/// A client that believes the authorities in `ca`, or the system's.
///
/// # Errors
/// When they can't be used.
pub fn believing(ca: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, Invalid> {
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(Invalid::Tls)?;
    Ok(builder.with_root_certificates(roots(ca)?))
}

/// The authorities in `ca`, or the system's.
///
/// # Errors
/// When they can't be used.
pub fn roots(ca: Option<&Path>) -> Result<RootCertStore, Invalid> {
    match ca {
        Some(file) => Ok(pem::roots(file)?),
        None => system_roots(),
    }
}

fn system_roots() -> Result<RootCertStore, Invalid> {
    let mut store = RootCertStore::empty();
    // Distributions ship the odd certificate that no longer parses: the others still count.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        return Err(Invalid::NoSystemRoots);
    }
    Ok(store)
}

#[cfg(test)]
mod tests;
