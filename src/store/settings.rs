//! Where the shared store is. Validated values only; `config` fills them.

use std::{fmt, net::IpAddr, path::PathBuf, time::Duration};

use crate::common::secret::Secret;

/// The shared store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The server, or servers.
    pub redis: Redis,
    /// Longest time that anything waits for an answer.
    pub timeout: Duration,
    /// Replicas of Privet that share it; while it is away each goes on with its share of every limit.
    pub replicas: u32,
    /// Why cleartext beyond loopback is allowed, where it is.
    pub cleartext_reason: Option<String>,
}

/// Redis or Valkey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redis {
    /// What the addresses are.
    pub mode: Mode,
    /// At least one; exactly one in [`Mode::Single`].
    pub addresses: Vec<Address>,
    /// TLS, where it is spoken; with sentinels and clusters to all of them.
    pub tls: Option<Tls>,
    /// Who we are to the server; `None` is its `default` user.
    pub username: Option<String>,
    /// Our password there.
    pub password: Option<Secret>,
    /// Our password at the sentinels, which have one of their own.
    pub sentinel_password: Option<Secret>,
    /// Number of the database; 0 in a cluster.
    pub database: u8,
    /// What every key begins with.
    pub prefix: String,
}

/// What the addresses of a [`Redis`] are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// One server.
    Single,
    /// Sentinels, which know where the master is.
    Sentinel {
        /// Name of the master.
        master: String,
    },
    /// Some nodes of a cluster; the others are found by them.
    Cluster,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A name or literal address (IPv6 without brackets), and a port.
    Tcp {
        /// Name or literal.
        host: String,
        /// Port.
        port: u16,
    },
    /// A Unix domain socket.
    Unix(PathBuf),
}

/// TLS as a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// PEM bundle of the only authorities believed; `None` takes the system's.
    pub ca: Option<PathBuf>,
}

/// Why a text is not where a store is. The text may hold a password, so nothing of it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not one of ours.
    #[error("the scheme is not known")]
    Scheme,
    /// No host, or a port that is none.
    #[error("a host, or HOST:PORT, is missing or broken")]
    Address,
    /// Several hosts where one server is meant.
    #[error("several hosts need redis+sentinel:// or redis-cluster://")]
    Several,
    /// `redis+sentinel://` without a name at its end.
    #[error("the name of the master is missing: redis+sentinel://HOST/MASTER")]
    Master,
    /// A number is expected.
    #[error("the database is not a number from 0 to 255; in a cluster there is only 0")]
    Database,
    /// `%` without two digits, or not UTF-8.
    #[error("the user or password is not percent-encoded")]
    Encoding,
    /// What follows `?` or `#` says nothing to us.
    #[error("nothing may follow the database")]
    Rest,
}

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

impl Redis {
    /// Reads `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, `unix:/PATH`, `redis+sentinel://HOST[:PORT],HOST../MASTER[/DATABASE]`
    /// or `redis-cluster://HOST[:PORT],HOST..`; `rediss` in the place of `redis` is TLS, and `valkey` means the same as `redis`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let mut redis = Self {
            mode: Mode::Single,
            addresses: Vec::new(),
            tls: None,
            username: None,
            password: None,
            sentinel_password: None,
            database: 0,
            prefix: "privet:".to_owned(),
        };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if !path.starts_with('/') {
                return Err(Malformed::Address);
            }
            redis.addresses.push(Address::Unix(path.into()));
            return Ok(redis);
        }
        let (scheme, rest) = text.split_once("://").ok_or(Malformed::Scheme)?;
        let (tls, kind) = scheme_of(scheme).ok_or(Malformed::Scheme)?;
        redis.tls = tls.then_some(Tls { ca: None });
        if rest.contains(['?', '#']) {
            return Err(Malformed::Rest);
        }
        // A password may hold a `/` that nobody has encoded, never an `@` after which there is no host.
        let (user, rest) = rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
        if let Some(user) = user {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            redis.username = Some(decoded(name)?).filter(|name| !name.is_empty());
            redis.password = Some(decoded(password)?).filter(|text| !text.is_empty()).map(Secret::new);
        }
        let (hosts, path) = rest.split_once('/').map_or((rest, None), |(hosts, path)| (hosts, Some(path)));
        let port = if kind == Kind::Sentinel { SENTINEL_PORT } else { PORT };
        redis.addresses = hosts.split(',').map(|host| address(host, port)).collect::<Result<_, _>>()?;
        let mut path = path.filter(|path| !path.is_empty());
        redis.mode = match kind {
            Kind::Single if redis.addresses.len() > 1 => return Err(Malformed::Several),
            Kind::Single => Mode::Single,
            Kind::Cluster => Mode::Cluster,
            Kind::Sentinel => {
                let text = path.ok_or(Malformed::Master)?;
                let (master, database) = text.split_once('/').map_or((text, None), |(name, path)| (name, Some(path)));
                path = database;
                Mode::Sentinel { master: decoded(master)? }
            }
        };
        redis.database = path.map_or(Ok(0), str::parse).map_err(|_| Malformed::Database)?;
        if redis.mode == Mode::Cluster && redis.database != 0 {
            return Err(Malformed::Database);
        }
        Ok(redis)
    }

    /// The first address that would be reached in cleartext beyond this machine.
    #[must_use]
    pub fn exposed(&self) -> Option<&str> {
        if self.tls.is_some() {
            return None;
        }
        self.addresses.iter().find_map(|address| match address {
            Address::Tcp { host, .. } if !is_loopback(host) => Some(host.as_str()),
            Address::Tcp { .. } | Address::Unix(_) => None,
        })
    }
}

/// As it would be written, without who we are.
impl fmt::Display for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<String> = self.addresses.iter().map(Address::to_string).collect();
        let (s, addresses) = (if self.tls.is_some() { "s" } else { "" }, addresses.join(","));
        match (&self.mode, self.addresses.first()) {
            (Mode::Single, Some(Address::Unix(_))) => f.write_str(&addresses),
            (Mode::Single, _) => write!(f, "redis{s}://{addresses}"),
            (Mode::Sentinel { master }, _) => write!(f, "redis{s}+sentinel://{addresses}/{master}"),
            (Mode::Cluster, _) => write!(f, "redis{s}-cluster://{addresses}"),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Single,
    Sentinel,
    Cluster,
}

/// Whether it is TLS, and what it leads to.
fn scheme_of(scheme: &str) -> Option<(bool, Kind)> {
    let rest = scheme.strip_prefix("redis").or_else(|| scheme.strip_prefix("valkey"))?;
    let (tls, rest) = rest.strip_prefix('s').map_or((false, rest), |rest| (true, rest));
    match rest {
        "" => Some((tls, Kind::Single)),
        "+sentinel" => Some((tls, Kind::Sentinel)),
        "-cluster" => Some((tls, Kind::Cluster)),
        _ => None,
    }
}

fn address(text: &str, port: u16) -> Result<Address, Malformed> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) if host.parse::<IpAddr>().is_ok() => (host, Ok(port)),
        Some((host, rest)) if host.parse::<IpAddr>().is_ok() => {
            (host, rest.strip_prefix(':').ok_or(Malformed::Address)?.parse())
        }
        Some(_) => return Err(Malformed::Address),
        None => text.split_once(':').map_or((text, Ok(port)), |(host, port)| (host, port.parse())),
    };
    let port = port.map_err(|_| Malformed::Address)?;
    let odd = |b: u8| !(b.is_ascii_alphanumeric() || b"-._:".contains(&b));
    if host.is_empty() || port == 0 || host.bytes().any(odd) {
        return Err(Malformed::Address);
    }
    Ok(Address::Tcp { host: host.to_owned(), port })
}

fn decoded(text: &str) -> Result<String, Malformed> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut digit = || bytes.next().and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        out.push(match byte {
            b'%' => digit().zip(digit()).map(|(high, low)| high << 4 | low).ok_or(Malformed::Encoding)?,
            plain => plain,
        });
    }
    String::from_utf8(out).map_err(|_| Malformed::Encoding)
}

fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> Address {
        Address::Tcp { host: host.to_owned(), port }
    }

    #[test]
    fn one_server() {
        let redis = Redis::parse("redis://127.0.0.1").expect("valid");
        assert_eq!((redis.mode, redis.addresses, redis.database), (Mode::Single, vec![tcp("127.0.0.1", 6379)], 0));
        let redis = Redis::parse("rediss://privet:p%40ss:w@redis.example:6380/2").expect("valid");
        assert_eq!(redis.addresses, [tcp("redis.example", 6380)]);
        assert_eq!((redis.username.as_deref(), redis.database), (Some("privet"), 2));
        assert_eq!(redis.password.as_ref().map(Secret::expose), Some("p@ss:w"));
        assert!(redis.tls.is_some() && redis.exposed().is_none());
        assert!(!format!("{redis:?}").contains("p@ss"));
        assert_eq!(Redis::parse("valkeys://[::1]:7000").expect("valid").addresses, [tcp("::1", 7000)]);
        let unix = Redis::parse("unix:/run/redis/redis.sock").expect("valid");
        assert_eq!(unix.addresses, [Address::Unix("/run/redis/redis.sock".into())]);
    }

    #[test]
    fn sentinels_and_clusters() {
        let redis = Redis::parse("redis+sentinel://:secret@s1:26380,s2/mymaster/1").expect("valid");
        assert_eq!(redis.mode, Mode::Sentinel { master: "mymaster".to_owned() });
        assert_eq!((redis.addresses, redis.database), (vec![tcp("s1", 26380), tcp("s2", 26379)], 1));
        let redis = Redis::parse("redis-cluster://h1:7001,h2").expect("valid");
        assert_eq!((redis.mode, redis.addresses), (Mode::Cluster, vec![tcp("h1", 7001), tcp("h2", 6379)]));
        assert!(Redis::parse("rediss-cluster://h1").expect("valid").tls.is_some());
    }

    #[test]
    fn what_is_exposed() {
        for safe in ["redis://127.0.0.1", "redis://localhost", "redis://[::1]", "unix:/s", "rediss://far.example"] {
            assert_eq!(Redis::parse(safe).expect("valid").exposed(), None, "{safe}");
        }
        assert_eq!(
            Redis::parse("redis-cluster://127.0.0.1,far.example").expect("valid").exposed(),
            Some("far.example")
        );
    }

    #[test]
    fn nothing_of_a_broken_text_is_repeated() {
        for (text, why) in [
            ("127.0.0.1:6379", Malformed::Scheme),
            ("http://h", Malformed::Scheme),
            ("redisx://h", Malformed::Scheme),
            ("redis://", Malformed::Address),
            ("redis://h:port", Malformed::Address),
            ("redis://h:0", Malformed::Address),
            ("redis://[::1]6379", Malformed::Address),
            ("unix:relative", Malformed::Address),
            ("redis://a,b", Malformed::Several),
            ("redis+sentinel://a", Malformed::Master),
            ("redis://h/x", Malformed::Database),
            ("redis-cluster://h/1", Malformed::Database),
            ("redis://u:%zz@h", Malformed::Encoding),
            ("redis://u:%f@h", Malformed::Encoding),
            ("redis://h/0?protocol=3", Malformed::Rest),
        ] {
            assert_eq!(Redis::parse(text), Err(why), "{text}");
        }
    }
}
