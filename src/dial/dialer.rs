//! One place to connect to: resolved, connected, and TLS handshaken within one bound of time.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName,
        pem::{self, PemObject},
    },
    sign::CertifiedKey,
};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;

use super::{
    settings::{Settings, Target, Tls},
    stream::Stream,
};

/// Why a connection can't be made, or not even prepared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name has no address now.
    #[error("the name can't be resolved")]
    Resolve(#[source] io::Error),
    /// No address took the connection.
    #[error("the connection was not taken")]
    Connect(#[source] io::Error),
    /// Not within the bound.
    #[error("the connection was not made in time")]
    Timeout,
    /// The TLS handshake failed.
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    /// The HTTP connection did not start.
    #[error("the HTTP connection did not start")]
    Protocol(#[source] hyper::Error),
    /// A PEM file can't be used.
    #[error("{path}: not a usable PEM file")]
    Pem {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: pem::Error,
    },
    /// Certificates and key don't make a client.
    #[error("{path}: the certificate can't be used")]
    Certificate {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The system has no authorities to believe.
    #[error("the system has no certificate authorities; name a `ca` file for this upstream")]
    NoRoots,
    /// The server name is neither a DNS name nor an address.
    #[error("`{0}` is not a server name")]
    ServerName(String),
}

impl Error {
    /// An HTTP connection that did not start.
    #[must_use]
    pub fn protocol(source: hyper::Error) -> Self {
        Self::Protocol(source)
    }

    /// Whether time ran out.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }
}

/// One place to connect to.
#[derive(Debug)]
pub struct Dialer {
    settings: Settings,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// What the name last resolved to; empty until the first connection.
    addresses: ArcSwap<Vec<SocketAddr>>,
    next: AtomicUsize,
}

impl Dialer {
    /// Prepares to connect; reads the files that TLS needs.
    ///
    /// # Errors
    /// When one of them can't be used.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let tls = settings.tls.as_ref().map(client).transpose()?;
        let literal = match &settings.target {
            Target::Tcp { host, port } => host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, *port)),
            Target::Unix(_) => None,
        };
        Ok(Self {
            settings: settings.clone(),
            tls,
            addresses: ArcSwap::from_pointee(literal.into_iter().collect()),
            next: AtomicUsize::new(0),
        })
    }

    /// Connects.
    ///
    /// # Errors
    /// When it does not work within the connect timeout.
    pub async fn connect(&self) -> Result<Stream, Error> {
        tokio::time::timeout(self.settings.connect_timeout, self.open()).await.map_err(|_| Error::Timeout)?
    }

    /// How often the name should be resolved again; `None` for literal addresses and Unix sockets.
    #[must_use]
    pub fn resolve_every(&self) -> Option<Duration> {
        match &self.settings.target {
            Target::Tcp { host, .. } if host.parse::<IpAddr>().is_err() => Some(self.settings.resolve_every),
            _ => None,
        }
    }

    /// Resolves the name again; the old addresses stay when that fails.
    ///
    /// # Errors
    /// When the name has no address now.
    pub async fn refresh(&self) -> Result<(), Error> {
        let Target::Tcp { host, port } = &self.settings.target else { return Ok(()) };
        let mut found: Vec<SocketAddr> =
            tokio::net::lookup_host((host.as_str(), *port)).await.map_err(Error::Resolve)?.collect();
        if found.is_empty() {
            return Err(Error::Resolve(io::ErrorKind::NotFound.into()));
        }
        found.sort();
        found.dedup();
        if **self.addresses.load() != found {
            self.addresses.store(Arc::new(found));
        }
        Ok(())
    }

    /// Whether `address` is still one of this place's.
    #[must_use]
    pub fn still_has(&self, address: SocketAddr) -> bool {
        self.addresses.load().contains(&address)
    }

    async fn open(&self) -> Result<Stream, Error> {
        if let Target::Unix(path) = &self.settings.target {
            return UnixStream::connect(path).await.map(Stream::unix).map_err(Error::Connect);
        }
        let (stream, remote) = self.open_tcp().await?;
        match &self.tls {
            None => Ok(Stream::tcp(stream, remote)),
            Some((config, name)) => {
                let connector = TlsConnector::from(Arc::clone(config));
                let stream = connector.connect(name.clone(), stream).await.map_err(Error::Tls)?;
                Ok(Stream::tls(stream, remote))
            }
        }
    }

    /// Tries each address once, starting with the next in turn.
    async fn open_tcp(&self) -> Result<(TcpStream, SocketAddr), Error> {
        if self.addresses.load().is_empty() {
            self.refresh().await?;
        }
        let addresses = self.addresses.load_full();
        let start = self.next.fetch_add(1, Relaxed);
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for turn in 0..addresses.len() {
            let address = addresses[start.wrapping_add(turn) % addresses.len()];
            match TcpStream::connect(address).await {
                Ok(stream) => {
                    stream.set_nodelay(true).map_err(Error::Connect)?;
                    return Ok((stream, address));
                }
                Err(error) => last = error,
            }
        }
        Err(Error::Connect(last))
    }
}

/// TLS as a client: who is believed, what is shown.
fn client(tls: &Tls) -> Result<(Arc<ClientConfig>, ServerName<'static>), Error> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = &tls.ca {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|source| Error::Certificate { path: path.clone(), source })?;
        }
    } else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return Err(Error::NoRoots);
        }
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|source| Error::Certificate { path: PathBuf::new(), source })?
        .with_root_certificates(roots);
    let mut config = match &tls.certificate {
        None => builder.with_no_client_auth(),
        Some((chain, key_path)) => {
            let refused = |source| Error::Certificate { path: chain.clone(), source };
            let key = PrivateKeyDer::from_pem_file(key_path)
                .map_err(|source| Error::Pem { path: key_path.clone(), source })?;
            let certified = CertifiedKey::from_der(certificates(chain)?, key, &provider).map_err(refused)?;
            builder.with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)))
        }
    };
    config.alpn_protocols.clone_from(&tls.alpn);
    let name = ServerName::try_from(tls.server_name.clone()).map_err(|_| Error::ServerName(tls.server_name.clone()))?;
    Ok((Arc::new(config), name))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let failed = |source| Error::Pem { path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if found.is_empty() {
        return Err(failed(pem::Error::NoItemsFound));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn settings(target: Target) -> Settings {
        Settings { target, tls: None, connect_timeout: Duration::from_secs(5), resolve_every: Duration::from_secs(1) }
    }

    #[tokio::test]
    async fn names_are_resolved_and_resolved_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let dialer =
            Dialer::new(&settings(Target::Tcp { host: "localhost".into(), port: address.port() })).expect("prepared");
        assert!(dialer.resolve_every().is_some());
        let stream = dialer.connect().await.expect("connected");
        assert_eq!(stream.remote(), Some(address));
        assert!(dialer.refresh().await.is_ok() && dialer.still_has(address));
    }

    #[tokio::test]
    async fn a_name_without_address_says_so() {
        let dialer = Dialer::new(&settings(Target::Tcp { host: "none.invalid".into(), port: 1 })).expect("prepared");
        assert!(matches!(dialer.connect().await, Err(Error::Resolve(_))));
    }

    #[tokio::test]
    async fn a_closed_port_and_a_missing_socket_are_connect_errors() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        for target in [Target::Tcp { host: "127.0.0.1".into(), port }, Target::Unix("/nonexistent/app.sock".into())] {
            let dialer = Dialer::new(&settings(target)).expect("prepared");
            assert!(matches!(dialer.connect().await, Err(Error::Connect(_))));
        }
    }
}
