//! Where the database is. Validated values only; `config` fills them.

use std::{
    fmt,
    net::IpAddr,
    path::{Path, PathBuf},
};

use tokio_postgres::config::{Host, SslMode};

/// A `PostgreSQL` server, or several of which one takes writes.
#[derive(Clone, PartialEq, Eq)]
pub struct Postgres {
    config: tokio_postgres::Config,
    /// PEM bundle of the only authorities believed; `None` takes the system's.
    pub ca: Option<PathBuf>,
    /// Why cleartext beyond loopback is allowed, where it is.
    pub cleartext_reason: Option<String>,
}

/// Why a text is not where a database is. The text may hold a password, so nothing of it is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// Not one of ours.
    #[error("the scheme is not known")]
    Scheme,
    /// Hosts, ports, percent-encoding.
    #[error("it can't be read: USER, PASSWORD and DATABASE must be percent-encoded, and ports be numbers")]
    Text,
    /// No host.
    #[error("the host is missing")]
    Host,
    /// No user: the system's would be taken, which is another in every container.
    #[error("the user is missing")]
    User,
    /// A mode that may be in clear without saying so, or one that does not exist.
    #[error(
        "`sslmode` must be disable or verify-full; what is neither certain to be encrypted nor said to be in clear is not taken"
    )]
    Mode,
    /// A parameter that is not taken from a URL.
    #[error("of parameters only `sslmode`, `host`, `port` and `target_session_attrs` are known")]
    Parameter,
}

impl Postgres {
    /// Reads `postgres://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT]]/DATABASE[?sslmode=disable|verify-full]`; `host=/PATH` is a folder with a Unix
    /// socket. Beyond loopback it is TLS unless said otherwise.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let is_ours = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if !is_ours {
            return Err(Malformed::Scheme);
        }
        let (front, query) = text.split_once('?').unwrap_or((text, ""));
        let (mut tls, mut rest) = (None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=').ok_or(Malformed::Parameter)? {
                ("sslmode", "disable") => tls = Some(false),
                ("sslmode", "require" | "verify-ca" | "verify-full") => tls = Some(true),
                ("sslmode", _) => return Err(Malformed::Mode),
                ("host" | "port" | "target_session_attrs", _) => rest.push(pair),
                _ => return Err(Malformed::Parameter),
            }
        }
        let plain = if rest.is_empty() { front.to_owned() } else { format!("{front}?{}", rest.join("&")) };
        let mut config: tokio_postgres::Config = plain.parse().map_err(|_| Malformed::Text)?;
        if config.get_hosts().is_empty() {
            return Err(Malformed::Host);
        }
        if config.get_user().is_none_or(str::is_empty) {
            return Err(Malformed::User);
        }
        let encrypted = tls.unwrap_or_else(|| config.get_hosts().iter().any(|host| beyond(host).is_some()));
        config.ssl_mode(if encrypted { SslMode::Require } else { SslMode::Disable });
        config.application_name("privet");
        Ok(Self { config, ca: None, cleartext_reason: None })
    }

    /// Whether it is spoken to by TLS.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.config.get_ssl_mode() == SslMode::Require
    }

    /// The first host that would be reached in cleartext beyond this machine.
    #[must_use]
    pub fn exposed(&self) -> Option<&str> {
        if self.is_encrypted() { None } else { self.config.get_hosts().iter().find_map(beyond) }
    }

    /// What a connection is made by.
    pub(in crate::journal) fn config(&self) -> &tokio_postgres::Config {
        &self.config
    }

    /// The authorities.
    pub(in crate::journal) fn ca(&self) -> Option<&Path> {
        self.ca.as_deref()
    }
}

/// The host, where it is not this machine.
fn beyond(host: &Host) -> Option<&str> {
    let Host::Tcp(host) = host else { return None };
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    let loopback = host == "localhost"
        || host.ends_with(".localhost")
        || literal.is_ok_and(|address| address.to_canonical().is_loopback());
    (!loopback).then_some(host)
}

/// As it would be written, without who we are.
impl fmt::Display for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ports = self.config.get_ports();
        let host = |(number, host): (usize, &Host)| {
            let port = ports.get(number).or(ports.first()).copied().filter(|port| *port != 5432);
            let port = port.map_or_else(String::new, |port| format!(":{port}"));
            match host {
                Host::Tcp(host) => format!("{host}{port}"),
                Host::Unix(path) => format!("{}{port}", path.display()),
            }
        };
        let hosts: Vec<String> = self.config.get_hosts().iter().enumerate().map(host).collect();
        let database = self.config.get_dbname().or(self.config.get_user()).unwrap_or_default();
        write!(f, "postgres://{}/{database}", hosts.join(","))
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_tls_beyond_loopback_unless_it_is_said() {
        let read = |text: &str| Postgres::parse(text).expect("valid");
        for (text, encrypted, exposed) in [
            ("postgres://privet@db.example/privet", true, None),
            ("postgres://privet@db.example/privet?sslmode=require", true, None),
            ("postgres://privet@db.example/privet?sslmode=disable", false, Some("db.example")),
            ("postgresql://privet:p%40ss@127.0.0.1:5433/privet", false, None),
            ("postgres://privet@localhost,db.example/privet", true, None),
            ("postgres://privet@[::1]/privet", false, None),
            ("postgres://privet@/privet?host=/run/postgresql", false, None),
            ("postgres://privet@127.0.0.1/privet?sslmode=verify-full", true, None),
        ] {
            let known = read(text);
            assert_eq!((known.is_encrypted(), known.exposed()), (encrypted, exposed), "{text}");
        }
        let known =
            read("postgres://privet:hunter2@db.example:5433,other.example/records?target_session_attrs=read-write");
        assert_eq!(known.to_string(), "postgres://db.example:5433,other.example/records");
        assert!(!format!("{known:?}").contains("hunter2"));
        assert_eq!(known.config().get_password(), Some(&b"hunter2"[..]));
    }

    #[test]
    fn nothing_of_a_broken_text_is_repeated() {
        for (text, why) in [
            ("db.example", Malformed::Scheme),
            ("mysql://h", Malformed::Scheme),
            ("postgres://u@h:port/d", Malformed::Text),
            ("postgres://u@/d", Malformed::Host),
            ("postgres://h/d", Malformed::User),
            ("postgres://u@h/d?sslmode=prefer", Malformed::Mode),
            ("postgres://u@h/d?options=-c", Malformed::Parameter),
            ("postgres://u@h/d?hostaddr=1.2.3.4", Malformed::Parameter),
        ] {
            assert_eq!(Postgres::parse(text), Err(why), "{text}");
        }
    }
}
