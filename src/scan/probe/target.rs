//! The site that is asked: what it is called, and where that is.

use std::net::{IpAddr, SocketAddr};

use crate::{common::authority::Authority, dial::address::Address};

/// One site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Whether it is asked by TLS.
    pub secure: bool,
    /// `Host`: the name, with its port where that is not the scheme's own.
    pub host: String,
    /// Where to connect to.
    pub connect: (String, u16),
    /// Path and query to begin at.
    pub path: String,
}

impl Target {
    /// Reads a URL; `connect` is where the site is in truth, where names do not lead there.
    ///
    /// # Errors
    /// When it is no URL with a host.
    pub fn parse(url: &str, connect: Option<&str>) -> Result<Self, String> {
        let address = Address::parse_exposed(url).map_err(|error| error.to_string())?;
        let secure = address.server_name().is_some();
        let crate::dial::settings::Target::Tcp { host, port } = address.target().clone() else {
            return Err("it is not a URL with a host".to_owned());
        };
        let connect = match connect {
            Some(text) => {
                let authority = Authority::parse(text).ok_or("where to connect is a host and a port")?;
                (authority.host.trim_matches(['[', ']']).to_owned(), authority.port.unwrap_or(port))
            }
            None => (host, port),
        };
        Ok(Self {
            secure,
            host: address.host().to_ascii_lowercase(),
            connect,
            path: address.path_and_query().to_owned(),
        })
    }

    /// The host without its port, and without brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        let name = match self.host.rfind(':') {
            Some(at) if !self.host.ends_with(']') => &self.host[..at],
            _ => &self.host,
        };
        name.trim_matches(['[', ']'])
    }

    /// The name that a TLS client asks for; an address is none (RFC 6066, section 3).
    #[must_use]
    pub fn server_name(&self) -> Option<&str> {
        Some(self.name()).filter(|name| name.parse::<IpAddr>().is_err())
    }

    /// A URL on it.
    #[must_use]
    pub fn place(&self, path: &str) -> String {
        format!("{}{}", self.origin(), path.split('?').next().unwrap_or_default())
    }

    /// Scheme, host and port.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.host)
    }

    /// Where it is, all addresses.
    ///
    /// # Errors
    /// When its name is not known.
    pub async fn addresses(&self) -> std::io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((&*self.connect.0, self.connect.1)).await?.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_may_be_elsewhere_than_its_name_says() {
        let target = Target::parse("https://Shop.example:8443/a?b", Some("127.0.0.1:9")).expect("a URL");
        assert_eq!((target.name(), &*target.host, &*target.path), ("shop.example", "shop.example:8443", "/a?b"));
        assert_eq!(
            (target.connect.clone(), target.place("/x?y")),
            (("127.0.0.1".into(), 9), "https://shop.example:8443/x".into())
        );
        let target = Target::parse("http://[::1]:80", None).expect("a URL");
        assert_eq!((target.name(), target.server_name(), target.connect.1), ("::1", None, 80));
        assert!(Target::parse("shop.example", None).is_err() && Target::parse("ftp://a", None).is_err());
    }
}
