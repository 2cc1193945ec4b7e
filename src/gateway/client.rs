//! One client connection as the gateway sees it, and what it lets Privet say about the client to the application.
//!
//! `X-Forwarded-*` (de facto), `Forwarded` (RFC 7239) and `X-Real-IP` are always rebuilt. What a client says in them is
//! believed only when it is one of the trusted peers, and then Privet adds itself to the chain.

use std::{
    cell::{Cell, RefCell},
    fmt::Write as _,
    net::IpAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use ipnet::IpNet;

use crate::{
    common::{
        authority::Authority,
        peer::{Peer, is_within},
    },
    gateway::{outbox::Outbox, upgrade::Tunnel},
    tls::Handshake,
};

/// `X-Forwarded-For`
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// `X-Forwarded-Host`
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// `X-Forwarded-Port`
pub const X_FORWARDED_PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
/// `X-Forwarded-Proto`
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// `X-Real-IP`
pub const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
/// `X-Request-Id`
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What Privet rebuilds of what a client says.
pub const REBUILT: [HeaderName; 6] =
    [X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PORT, X_FORWARDED_PROTO, X_REAL_IP, header::FORWARDED];

/// One client connection.
#[derive(Debug)]
pub struct Client {
    /// Who is at the other end.
    pub peer: Peer,
    /// Whether the connection is TLS.
    pub secure: bool,
    /// Whether it speaks HTTP/2.
    pub http2: bool,
    /// The port that the client connected to.
    pub port: u16,
    /// What its TLS handshake came to, with the name asked for and the client's verified certificate; `None` in cleartext.
    pub handshake: Option<Handshake>,
    /// How long that took.
    pub handshake_time: Duration,
    /// When it was over.
    pub since: Instant,
    /// Whether a request of it was written down.
    pub logged: Cell<bool>,
    /// Requests begun and not ended.
    pub in_flight: Cell<u32>,
    /// Requests ever begun.
    pub begun: Cell<u32>,
    /// Requests that the client gave up.
    pub abandoned: Cell<u32>,
    /// Set when the connection should end after what is in flight.
    pub closing: Cell<bool>,
    /// An upgrade that the application has agreed to, until its two sides are joined.
    pub tunnel: RefCell<Option<Tunnel>>,
    /// What has still to go out to it.
    pub outbox: Outbox,
    own: Own,
    said: RefCell<Option<Said>>,
}

/// What a connection's own address says, made once.
#[derive(Debug)]
struct Own {
    address: HeaderValue,
    node: String,
}

/// The host that was asked for last, and what was said for it: most requests of a connection have the same.
#[derive(Debug)]
struct Said {
    host: HeaderValue,
    is_bare: bool,
    introduction: Rc<Introduction>,
}

/// What the application is told of who asks.
#[derive(Debug, Default)]
pub struct Introduction {
    fields: Vec<(HeaderName, HeaderValue)>,
    lines: Vec<u8>,
}

impl Introduction {
    fn new(
        address: &HeaderValue,
        host: HeaderValue,
        port: HeaderValue,
        proto: HeaderValue,
        rest: [HeaderValue; 2],
    ) -> Self {
        let [forwarded, client] = rest;
        let fields = vec![
            (X_FORWARDED_FOR, address.clone()),
            (X_FORWARDED_HOST, host),
            (X_FORWARDED_PORT, port),
            (X_FORWARDED_PROTO, proto),
            (header::FORWARDED, forwarded),
            (X_REAL_IP, client),
        ];
        let mut lines = Vec::new();
        for (name, value) in &fields {
            for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
                lines.extend_from_slice(part);
            }
        }
        Self { fields, lines }
    }

    /// As it stands in the head of a request over HTTP/1.1.
    #[must_use]
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// Adds it to `headers`.
    pub fn put(&self, headers: &mut HeaderMap) {
        headers.reserve(self.fields.len());
        for (name, value) in &self.fields {
            headers.insert(name, value.clone());
        }
    }
}

impl Client {
    /// A connection from `peer` to `port`.
    #[must_use]
    pub fn new(peer: Peer, secure: bool, http2: bool, port: u16) -> Self {
        let address = peer.address.ip();
        Self {
            own: Own { address: value(&address.to_string()), node: node(address) },
            peer,
            secure,
            http2,
            port,
            handshake: None,
            handshake_time: Duration::ZERO,
            since: Instant::now(),
            logged: Cell::new(false),
            in_flight: Cell::new(0),
            begun: Cell::new(0),
            abandoned: Cell::new(0),
            closing: Cell::new(false),
            tunnel: RefCell::new(None),
            outbox: Outbox::new(http2, false),
            said: RefCell::new(None),
        }
    }

    /// Whether `host` names an address or a machine of its own rather than a public site; nothing where it is no host and port.
    pub fn hears(&self, host: &HeaderValue) -> Option<bool> {
        let mut said = self.said.borrow_mut();
        if let Some(said) = said.as_ref().filter(|said| said.host == *host) {
            return Some(said.is_bare);
        }
        let text = host.to_str().ok()?;
        let authority = Authority::parse(text)?;
        let is_bare = authority.is_bare();
        let forwarded = value(&format!("for={};host=\"{text}\";proto={}", self.own.node, self.scheme()));
        // A clone would hold the buffer that the request was read into.
        let host = value(text);
        let (address, port) = (&self.own.address, self.port_of(authority));
        let proto = HeaderValue::from_static(self.scheme());
        let introduction = Introduction::new(address, host.clone(), port, proto, [forwarded, address.clone()]);
        *said = Some(Said { host, is_bare, introduction: Rc::new(introduction) });
        Some(is_bare)
    }

    /// What the application is told in the place of whatever `headers` say about the client, who asks for the `host` that was heard last; and the
    /// client's own address.
    pub fn introduce(&self, headers: &HeaderMap, host: &HeaderValue, trusted: &[IpNet]) -> (IpAddr, Rc<Introduction>) {
        if self.peer.trusted && (headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(header::FORWARDED)) {
            let (client, introduction) = self.introduce_chain(headers, host, trusted);
            return (client, Rc::new(introduction));
        }
        let said = self.said.borrow().as_ref().map(|said| Rc::clone(&said.introduction));
        (self.peer.address.ip(), said.unwrap_or_default())
    }

    /// `https` or `http`.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }

    fn port_of(&self, authority: Authority<'_>) -> HeaderValue {
        let port = authority.port.unwrap_or(if self.secure { 443 } else { 80 });
        value(&port.to_string())
    }

    /// Behind a trusted proxy: its chain is kept as far as it can be read, and its own address added.
    fn introduce_chain(&self, headers: &HeaderMap, host: &HeaderValue, trusted: &[IpNet]) -> (IpAddr, Introduction) {
        let mut chain = listed(headers, &X_FORWARDED_FOR, address_of);
        if chain.is_empty() {
            chain = listed(headers, &header::FORWARDED, |item| {
                let pair = item
                    .split(';')
                    .find(|pair| pair.trim().get(..4).is_some_and(|k| k.eq_ignore_ascii_case("for=")))?;
                address_of(pair.trim()[4..].trim_matches('"'))
            });
        }
        let client = chain
            .iter()
            .rev()
            .find(|address| !is_within(**address, trusted))
            .or(chain.first())
            .copied()
            .unwrap_or(self.peer.address.ip());
        let proto = single(headers, &X_FORWARDED_PROTO)
            .filter(|v| *v == "https" || *v == "http")
            .unwrap_or(HeaderValue::from_static(self.scheme()));
        let outer = single(headers, &X_FORWARDED_HOST)
            .filter(|v| v.to_str().is_ok_and(|text| Authority::parse(text).is_some()))
            .unwrap_or_else(|| host.clone());
        let port = single(headers, &X_FORWARDED_PORT).filter(|v| v.to_str().is_ok_and(|t| t.parse::<u16>().is_ok()));
        chain.push(self.peer.address.ip());
        let mut list = String::new();
        let mut forwarded = String::new();
        for (i, address) in chain.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            // Writing to a String can't fail.
            let _ = write!(list, "{comma}{address}");
            let _ = write!(forwarded, "{comma}for={}", node(*address));
        }
        let _ = write!(
            forwarded,
            ";host=\"{}\";proto={}",
            outer.to_str().unwrap_or_default(),
            proto.to_str().unwrap_or_default()
        );
        let authority = || outer.to_str().ok().and_then(Authority::parse);
        let port = port.or_else(|| authority().map(|authority| self.port_of(authority)));
        let port = port.unwrap_or_else(|| value(&self.port.to_string()));
        let rest = [value(&forwarded), value(&client.to_string())];
        (client, Introduction::new(&value(&list), outer, port, proto, rest))
    }
}

/// The parts of a comma-separated list over all lines of `name`, read from the right up to the first that can't be read.
fn listed(headers: &HeaderMap, name: &HeaderName, read: impl Fn(&str) -> Option<IpAddr>) -> Vec<IpAddr> {
    const LONGEST: usize = 32;
    let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).collect();
    let mut found: Vec<IpAddr> = lines
        .iter()
        .rev()
        .flat_map(|line| line.rsplit(','))
        .map_while(|item| read(item.trim()))
        .take(LONGEST)
        .collect();
    found.reverse();
    found
}

/// The value of a header that stands there once.
fn single(headers: &HeaderMap, name: &HeaderName) -> Option<HeaderValue> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?;
    values.next().is_none().then(|| first.clone())
}

/// An address as forwarding headers write it, with or without a port.
fn address_of(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Some(address.ip().to_canonical());
    }
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    inner.parse().ok()
}

/// A `node` of RFC 7239, section 6: IPv6 in brackets and quotes.
fn node(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("\"[{v6}]\""),
    }
}

/// Text that is known to be visible ASCII.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn introduce(peer: &str, said: &[(&'static str, &'static str)]) -> (HeaderMap, IpAddr) {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().expect("a network")];
        let client = Client::new(Peer::new(peer.parse().expect("an address"), &trusted), true, false, 8443);
        let mut headers = HeaderMap::new();
        for (name, text) in said {
            headers.append(*name, HeaderValue::from_static(text));
        }
        let host = HeaderValue::from_static("shop.example:8443");
        assert_eq!(client.hears(&host), Some(false));
        let (address, introduction) = client.introduce(&headers, &host, &trusted);
        introduction.put(&mut headers);
        let lines = introduction.lines();
        assert!(lines.ends_with(b"\r\n") && lines.split(|byte| *byte == b'\n').count() == 7);
        (headers, address)
    }

    #[test]
    fn a_stranger_is_not_believed() {
        let said = [("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=2.2.2.2"), ("x-forwarded-proto", "http")];
        let (headers, client) = introduce("203.0.113.9:1", &said);
        assert_eq!(client.to_string(), "203.0.113.9");
        assert_eq!(headers[X_FORWARDED_FOR], "203.0.113.9");
        assert_eq!(headers[X_FORWARDED_PROTO], "https");
        assert_eq!(headers[X_FORWARDED_PORT], "8443");
        assert_eq!(headers[header::FORWARDED], "for=203.0.113.9;host=\"shop.example:8443\";proto=https");
        assert_eq!(headers.get_all(X_FORWARDED_FOR).iter().count(), 1);
    }

    #[test]
    fn a_trusted_chain_is_read_from_the_right() {
        let said = [("x-forwarded-for", "6.6.6.6, 198.51.100.7"), ("x-forwarded-for", "10.1.1.1")];
        let (headers, client) = introduce("10.0.0.1:1", &said);
        assert_eq!(client.to_string(), "198.51.100.7");
        assert_eq!(headers[X_FORWARDED_FOR], "6.6.6.6, 198.51.100.7, 10.1.1.1, 10.0.0.1");
        assert_eq!(headers[X_REAL_IP], "198.51.100.7");
        let (headers, client) = introduce("10.0.0.1:1", &[("forwarded", "for=\"[2001:db8::1]:99\";proto=http")]);
        assert_eq!(client.to_string(), "2001:db8::1");
        assert_eq!(headers[X_FORWARDED_FOR], "2001:db8::1, 10.0.0.1");
    }

    #[test]
    fn what_stands_left_of_garbage_is_dropped() {
        let (headers, client) = introduce("10.0.0.1:1", &[("x-forwarded-for", "1.1.1.1, <script>, 198.51.100.7")]);
        assert_eq!(client.to_string(), "198.51.100.7");
        assert_eq!(headers[X_FORWARDED_FOR], "198.51.100.7, 10.0.0.1");
    }
}
