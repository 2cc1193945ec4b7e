//! A connection to the server, to the master that sentinels name, or to a cluster.

use std::{io, path::PathBuf, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo as _,
    RedisConnectionInfo, RedisError, RedisResult, ServerErrorKind, TlsCertificates, TlsMode, Value,
    aio::MultiplexedConnection,
    cluster::{ClusterClient, ClusterClientBuilder},
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
    sentinel::{SentinelClientBuilder, SentinelServerType},
};

use super::settings::{Address, Mode, Redis, Tls};

/// Longest time for one server to accept, TLS included.
const ACCEPT: Duration = Duration::from_secs(2);
/// Longest time for an answer while connecting. What requests wait is bounded where they are made.
const ANSWER: Duration = Duration::from_secs(2);
/// Requests that wait for the connection to take them.
const QUEUE: usize = 1024;
/// How long a probe's key lives, in seconds.
const PROBE_LIFE: u64 = 60;

/// Why a store can't be started. Nothing of an address or a password is in it.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// The file of authorities can't be read.
    #[error("the authorities of the shared store, {}, can't be read", .path.display())]
    Authorities {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It holds nothing that could sign a certificate, or the system has no such file.
    #[error("there are no authorities for TLS to the shared store: name a PEM bundle")]
    NoAuthorities,
    /// The client refuses the settings.
    #[error("the shared store can't be reached with these settings: {0}")]
    Settings(&'static str),
}

/// How to connect.
pub(super) struct Place {
    redis: Redis,
    tls: Option<TlsCertificates>,
}

/// A connection that many ask at once; what they ask at the same moment goes out together.
#[derive(Clone)]
pub(super) enum Link {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Place {
    pub(super) fn new(redis: &Redis) -> Result<Self, Invalid> {
        // The client library asks for the process's provider; without one it takes what the build has, or panics.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let tls = redis.tls.as_ref().map(authorities).transpose()?;
        let place = Self { redis: redis.clone(), tls };
        match &place.redis.mode {
            Mode::Single => place.single().map(|_| ()),
            Mode::Sentinel { master } => place.sentinels(master).map(|_| ()),
            Mode::Cluster => place.cluster().map(|_| ()),
        }
        .map_err(|error| Invalid::Settings(why(&error)))?;
        Ok(place)
    }

    pub(super) async fn connect(&self) -> RedisResult<Link> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ACCEPT))
            .set_response_timeout(Some(ANSWER))
            .set_pipeline_buffer_size(QUEUE);
        match &self.redis.mode {
            Mode::Single => self.single()?.get_multiplexed_async_connection_with_config(&config).await.map(Link::One),
            Mode::Sentinel { master } => {
                let mut sentinels = self.sentinels(master)?.build()?;
                sentinels.get_async_connection_with_config(&config).await.map(Link::One)
            }
            Mode::Cluster => self.cluster()?.get_async_connection().await.map(Link::Cluster),
        }
    }

    fn single(&self) -> RedisResult<Client> {
        let info = self.infos()?.into_iter().next().ok_or_else(nowhere)?;
        match &self.tls {
            Some(tls) => Client::build_with_tls(info, tls.clone()),
            None => Client::open(info),
        }
    }

    fn cluster(&self) -> RedisResult<ClusterClient> {
        let mut builder = ClusterClientBuilder::new(self.infos()?)
            .connection_timeout(ACCEPT)
            .response_timeout(ANSWER)
            .retries(3)
            .min_retry_wait(5)
            .tcp_settings(tcp());
        if let Some(tls) = &self.tls {
            builder = builder.certs(tls.clone());
        }
        builder.build()
    }

    fn sentinels(&self, master: &str) -> RedisResult<SentinelClientBuilder> {
        let redis = &self.redis;
        let mut builder = SentinelClientBuilder::new(self.addresses(), master, SentinelServerType::Master)?
            .set_client_to_redis_db(redis.database.into())
            .set_client_to_redis_tcp_settings(tcp())
            .set_client_to_sentinel_tcp_settings(tcp());
        if let Some(name) = &redis.username {
            builder = builder.set_client_to_redis_username(name);
        }
        if let Some(password) = &redis.password {
            builder = builder.set_client_to_redis_password(password.expose());
        }
        if let Some(password) = &redis.sentinel_password {
            builder = builder.set_client_to_sentinel_password(password.expose());
        }
        if let Some(tls) = &self.tls {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_redis_certificates(tls.clone())
                .set_client_to_sentinel_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_certificates(tls.clone());
        }
        Ok(builder)
    }

    fn addresses(&self) -> Vec<ConnectionAddr> {
        let address = |address: &Address| match (address, &self.tls) {
            (Address::Unix(path), _) => ConnectionAddr::Unix(path.clone()),
            (Address::Tcp { host, port }, None) => ConnectionAddr::Tcp(host.clone(), *port),
            (Address::Tcp { host, port }, Some(_)) => {
                ConnectionAddr::TcpTls { host: host.clone(), port: *port, insecure: false, tls_params: None }
            }
        };
        self.redis.addresses.iter().map(address).collect()
    }

    fn infos(&self) -> RedisResult<Vec<ConnectionInfo>> {
        let mut who = RedisConnectionInfo::default().set_db(self.redis.database.into());
        if let Some(name) = &self.redis.username {
            who = who.set_username(name);
        }
        if let Some(password) = &self.redis.password {
            who = who.set_password(password.expose());
        }
        let info = |address: ConnectionAddr| {
            Ok(address.into_connection_info()?.set_redis_settings(who.clone()).set_tcp_settings(tcp()))
        };
        self.addresses().into_iter().map(info).collect()
    }
}

impl Link {
    pub(super) async fn ask(&self, command: &Cmd) -> RedisResult<Value> {
        match self.clone() {
            Self::One(mut link) => command.query_async(&mut link).await,
            Self::Cluster(mut link) => command.query_async(&mut link).await,
        }
    }

    /// Has the server write something.
    pub(super) async fn probe(&self, key: &[u8]) -> RedisResult<()> {
        self.ask(redis::cmd("SET").arg(key).arg(1).arg("EX").arg(PROBE_LIFE)).await.map(|_| ())
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::One(_) => "One",
            Self::Cluster(_) => "Cluster",
        })
    }
}

/// Small requests must not wait for the other side's delayed acknowledgement.
fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

fn nowhere() -> RedisError {
    RedisError::from((ErrorKind::InvalidClientConfig, "no address"))
}

/// The file's authorities, or the system's without those that can't be parsed: the library would stumble over one.
fn authorities(tls: &Tls) -> Result<TlsCertificates, Invalid> {
    let pem = match &tls.ca {
        Some(path) => std::fs::read(path).map_err(|source| Invalid::Authorities { path: path.clone(), source })?,
        None => system_authorities(),
    };
    let found = memchr::memmem::find(&pem, b"-----BEGIN CERTIFICATE-----").is_some();
    if found { Ok(TlsCertificates { client_tls: None, root_cert: Some(pem) }) } else { Err(Invalid::NoAuthorities) }
}

fn system_authorities() -> Vec<u8> {
    let mut pem = String::new();
    for der in rustls_native_certs::load_native_certs().certs {
        if rustls::RootCertStore::empty().add(der.clone()).is_ok() {
            let text = BASE64_STANDARD.encode(&der);
            pem.push_str("-----BEGIN CERTIFICATE-----\n");
            for line in text.as_bytes().chunks(64) {
                pem.extend(line.iter().map(|&b| char::from(b)));
                pem.push('\n');
            }
            pem.push_str("-----END CERTIFICATE-----\n");
        }
    }
    pem.into_bytes()
}

pub(super) fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}

/// Whether the server is well and the request is not: asking again, or another server, would change nothing.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    use ServerErrorKind::{CrossSlot, NoPerm, ResponseError};
    matches!(error.kind(), ErrorKind::Server(ResponseError | CrossSlot | NoPerm)) || error.code() == Some("WRONGTYPE")
}

/// A word for logs. The error's own text may hold an address, a key or what a script was called with.
pub(super) fn why(error: &RedisError) -> &'static str {
    match error.kind() {
        ErrorKind::AuthenticationFailed => "user or password refused",
        ErrorKind::InvalidClientConfig => "settings refused",
        ErrorKind::Io if error.is_connection_refusal() => "connection refused",
        ErrorKind::Io if error.is_timeout() => "no answer",
        ErrorKind::Io => "connection broken, or TLS refused",
        ErrorKind::MasterNameNotFoundBySentinel => "the sentinels know no such master, or none that is up",
        ErrorKind::ClusterConnectionNotFound => "no node of the cluster answers",
        ErrorKind::Server(ServerErrorKind::ReadOnly) => "the server is a replica",
        ErrorKind::Server(ServerErrorKind::BusyLoading) => "the server is loading",
        ErrorKind::Server(ServerErrorKind::ClusterDown | ServerErrorKind::MasterDown) => "the cluster is down",
        ErrorKind::Server(ServerErrorKind::CrossSlot) => "keys of several places",
        ErrorKind::Server(ServerErrorKind::NoPerm) => "a permission is missing",
        ErrorKind::Server(ServerErrorKind::ResponseError) => "request refused",
        _ => match error.code() {
            Some("OOM") => "the server is out of memory",
            Some("MISCONF") => "the server can't write to its disk",
            Some("NOAUTH" | "WRONGPASS") => "user or password refused",
            Some("NOREPLICAS") => "the server lacks replicas",
            Some("WRONGTYPE") => "a key of another type",
            _ => "refused",
        },
    }
}
