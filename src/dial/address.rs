//! A URL that Privet itself may ask: `https`, or `http` where the host is this machine.

use std::{fmt, net::IpAddr};

use http::Uri;

use super::settings::Target;
use crate::common::authority::Authority;

/// A checked URL. No user information, no fragment.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    uri: Uri,
    target: Target,
    tls: bool,
}

/// Why a URL is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a URL with a scheme and a host.
    #[error("it is not a URL with a host")]
    Syntax,
    /// Another scheme, or cleartext to another machine.
    #[error("it must begin with https://; http:// is for this machine alone")]
    Scheme,
}

impl Address {
    /// Reads `text`.
    ///
    /// # Errors
    /// When it is no such URL.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::parse_exposed(text)
            .and_then(|address| if address.is_exposed() { Err(Error::Scheme) } else { Ok(address) })
    }

    /// Reads `text`, which may be cleartext to another machine: whoever asks has a reason for it.
    ///
    /// # Errors
    /// When it is no URL that can be asked.
    pub fn parse_exposed(text: &str) -> Result<Self, Error> {
        if text.contains(['#', '@']) || text.bytes().any(|b| b.is_ascii_control() || b == b' ') {
            return Err(Error::Syntax);
        }
        let uri: Uri = text.parse().map_err(|_| Error::Syntax)?;
        let authority = uri.authority().and_then(|a| Authority::parse(a.as_str())).ok_or(Error::Syntax)?;
        let host = authority.host.trim_matches(['[', ']']).to_ascii_lowercase();
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            Some(_) => return Err(Error::Scheme),
            None => return Err(Error::Syntax),
        };
        let port = authority.port.unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { target: Target::Tcp { host, port }, uri, tls })
    }

    /// What lies at `path`, which begins with a slash, below this URL.
    ///
    /// # Errors
    /// When this URL has a query, which nothing can be below.
    pub fn below(&self, path: &str) -> Result<Self, Error> {
        if self.uri.query().is_some() {
            return Err(Error::Syntax);
        }
        Self::parse_exposed(&format!("{}{path}", self.uri.to_string().trim_end_matches('/')))
    }

    /// Whether it is cleartext to another machine.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        !self.tls && !matches!(&self.target, Target::Tcp { host, .. } if is_loopback(host))
    }

    /// Where to connect to.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The name in the server's certificate; `None` without TLS.
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        match &self.target {
            Target::Tcp { host, .. } if self.tls => Some(host),
            _ => None,
        }
    }

    /// `Host`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri.authority().map_or("", http::uri::Authority::as_str)
    }

    /// Path and query, as a request asks for them.
    #[must_use]
    pub fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
    }

    /// This URL with `parameters`, already encoded, added to its query.
    #[must_use]
    pub fn with_query(&self, parameters: &str) -> String {
        format!("{}{}{parameters}", self.uri, if self.uri.query().is_some() { '&' } else { '?' })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.uri)
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleartext_is_for_this_machine_alone() {
        for good in
            ["https://id.example", "https://id.example:8443/realms/a?b=c", "http://127.0.0.1:9/", "http://[::1]:9"]
        {
            assert!(Address::parse(good).is_ok(), "{good}");
        }
        for bad in ["http://id.example", "ftp://127.0.0.1", "http://127.0.0.1.example"] {
            assert_eq!(Address::parse(bad), Err(Error::Scheme), "{bad}");
        }
        for bad in [
            "",
            "/a",
            "file:///etc/passwd",
            "id.example",
            "https://",
            "https://u@id.example",
            "https://id.example/#a",
            "https://a b",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_lies_below() {
        let found = |text: &str| Address::parse(text).unwrap().below("/x").map(|a| a.path_and_query().to_owned());
        assert_eq!(found("https://a/realms/b"), Ok("/realms/b/x".into()));
        assert_eq!(found("https://a/realms/b/"), Ok("/realms/b/x".into()));
        assert_eq!(found("https://a"), Ok("/x".into()));
        assert!(found("https://a?b=c").is_err());
    }

    #[test]
    fn a_query_is_continued() {
        assert_eq!(Address::parse("https://a/b?c=d").unwrap().with_query("e=f"), "https://a/b?c=d&e=f");
        assert_eq!(Address::parse("https://a/b").unwrap().with_query("e=f"), "https://a/b?e=f");
    }
}
