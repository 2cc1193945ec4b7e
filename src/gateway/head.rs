//! Reads a request's head: one host, one canonical path, limits, and no header that the client may not set.
//!
//! On HTTP/1.1 every byte was read strictly already; behind HTTP/2 this is where the same rules are kept.

use std::{net::IpAddr, rc::Rc};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header, request::Parts, uri::PathAndQuery};
use ipnet::IpNet;

use crate::{
    access::{download, header as access},
    gateway::{
        client::{Client, Introduction, REBUILT, X_REQUEST_ID},
        path,
        probe::Probe,
        refusal::Kind,
        settings::{Ambiguous, HeadRules},
    },
};

/// What is decided on, and what the application gets.
#[derive(Debug)]
pub struct Head {
    /// The host as it came, with its port.
    pub host: HeaderValue,
    /// Whether that is an address or a machine of its own, and no public site.
    pub is_bare: bool,
    /// The canonical path and the query as it came.
    pub target: PathAndQuery,
    /// Protocol that the client asks to change to, lower case.
    pub upgrade: Option<String>,
    /// The client's address, as far as it is known.
    pub address: IpAddr,
    /// What the application is told of who asks. Of that nothing is among the request's fields.
    pub introduction: Rc<Introduction>,
    /// What a program says that it works for (`X-Privet-Purpose`, `X-Privet-Ticket`), and why it takes a file along (`X-Privet-Reason`). No
    /// application gets it.
    pub stated: HeaderMap,
    /// What came for this hop alone, and what Privet rebuilds: the application does not get it, and safeguards look at it.
    pub hop: HeaderMap,
    /// What Privet itself wants to see by this request, where it has made it.
    pub probe: Option<Box<Probe>>,
}

/// Checks and cleans the head of `parts`.
///
/// # Errors
/// When the head must be refused.
pub fn read(parts: &mut Parts, client: &Client, rules: &HeadRules, trusted: &[IpNet]) -> Result<Head, Kind> {
    if client.http2 {
        within_limits(parts, rules)?;
    }
    check_method(parts)?;
    let host = host(parts, client.http2)?;
    let is_bare = client.hears(&host).ok_or(Kind::Host("the Host is not a host and a port"))?;
    let target = target(parts, rules)?;
    let special = Special::of(&parts.headers, rules)?;
    if special.expect {
        check_expectation(&parts.headers)?;
    }
    let upgrade = wanted_upgrade(parts, special.upgrade);
    let is_rebuilt = special.rebuilt;
    let (stated, hop) = clean(&mut parts.headers, special)?;
    let (address, introduction) = client.introduce(&parts.headers, &host, trusted);
    if is_rebuilt {
        for name in REBUILT {
            parts.headers.remove(name);
        }
    }
    if client.http2 {
        parts.headers.insert(header::HOST, host.clone());
    }
    Ok(Head { host, is_bare, target, upgrade, address, introduction, stated, hop, probe: None })
}

/// What is counted byte by byte on HTTP/1.1.
fn within_limits(parts: &Parts, rules: &HeadRules) -> Result<(), Kind> {
    if parts.uri.path_and_query().map_or(0, |t| t.as_str().len()) > rules.uri_bytes {
        return Err(Kind::UriTooLong);
    }
    // As RFC 9113, section 6.5.2, counts a header list.
    let bytes: usize = parts.headers.iter().map(|(n, v)| n.as_str().len() + v.len() + 32).sum();
    if parts.headers.len() > rules.header_count || bytes > rules.header_bytes {
        return Err(Kind::HeadersTooLarge);
    }
    Ok(())
}

fn check_method(parts: &Parts) -> Result<(), Kind> {
    if parts.method == Method::TRACE {
        return Err(Kind::Method);
    }
    if parts.method == Method::CONNECT && parts.extensions.get::<hyper::ext::Protocol>().is_none() {
        return Err(Kind::Method);
    }
    Ok(())
}

/// The one host: `Host`, from which the authority of a target must not differ; on HTTP/2 that may stand alone.
fn host(parts: &Parts, http2: bool) -> Result<HeaderValue, Kind> {
    let mut named = parts.headers.get_all(header::HOST).iter();
    let host = named.next();
    if named.next().is_some() {
        return Err(Kind::Host("more than one Host"));
    }
    let authority = parts.uri.authority();
    let host = match (host, authority) {
        (Some(host), None) => host.clone(),
        (None, Some(authority)) if http2 => {
            HeaderValue::from_str(authority.as_str()).map_err(|_| Kind::Host("a malformed authority"))?
        }
        (Some(host), Some(authority)) if host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) => {
            host.clone()
        }
        (Some(_), Some(_)) => return Err(Kind::Host("Host and authority differ")),
        (None, _) => return Err(Kind::Host("no Host")),
    };
    Ok(host)
}

fn target(parts: &Parts, rules: &HeadRules) -> Result<PathAndQuery, Kind> {
    let raw = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let (path, query) = match memchr::memchr(b'?', raw.as_bytes()) {
        Some(at) => (&raw[..at], &raw[at..]),
        None => (raw, ""),
    };
    let canonical = path::canonical(if path.is_empty() { "/" } else { path }, rules).map_err(Kind::AmbiguousPath)?;
    if canonical.len() == path.len() && *canonical == *path {
        return Ok(parts.uri.path_and_query().cloned().unwrap_or(PathAndQuery::from_static("/")));
    }
    PathAndQuery::from_maybe_shared(bytes::Bytes::from([&canonical, query].concat()))
        .map_err(|_| Kind::Framing("the request target holds a byte that it must not"))
}

fn check_expectation(headers: &HeaderMap) -> Result<(), Kind> {
    match headers.get(header::EXPECT) {
        Some(value) if !value.as_bytes().eq_ignore_ascii_case(b"100-continue") => Err(Kind::Expectation),
        _ => Ok(()),
    }
}

/// `Upgrade` with a `Connection` that names it on HTTP/1.1; the `:protocol` of an extended CONNECT (RFC 8441) on HTTP/2.
fn wanted_upgrade(parts: &Parts, named: bool) -> Option<String> {
    if let Some(protocol) = parts.extensions.get::<hyper::ext::Protocol>() {
        return Some(protocol.as_str().to_ascii_lowercase());
    }
    // HTTP/1.0 knows none (RFC 9110, section 7.8).
    if !named || parts.version == Version::HTTP_10 {
        return None;
    }
    let wanted = parts.headers.get(header::UPGRADE)?;
    let named = tokens(&parts.headers, &header::CONNECTION).any(|token| token.eq_ignore_ascii_case("upgrade"));
    let empty = !parts.headers.contains_key(header::TRANSFER_ENCODING)
        && parts.headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
    (named && empty).then(|| wanted.to_str().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Which fields need more than to be passed on. Most requests have hardly any, and asking for each by its name would take longer than to look
/// at all names once.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a name that was met")]
struct Special {
    connection: bool,
    cookie: bool,
    expect: bool,
    te: bool,
    upgrade: bool,
    rebuilt: bool,
    /// Not to be forwarded.
    unwanted: Vec<HeaderName>,
}

impl Special {
    fn of(headers: &HeaderMap, rules: &HeadRules) -> Result<Self, Kind> {
        let mut special = Self::default();
        for name in headers.keys() {
            let underscore = memchr::memchr(b'_', name.as_str().as_bytes()).is_some();
            if underscore && rules.underscores == Ambiguous::Refuse {
                return Err(Kind::Framing("a header name with an underscore"));
            }
            if is_not_forwarded(name) || (underscore && rules.underscores == Ambiguous::Strip) {
                special.unwanted.push(name.clone());
            }
            special.connection |= *name == header::CONNECTION;
            special.cookie |= *name == header::COOKIE;
            special.expect |= *name == header::EXPECT;
            special.te |= *name == header::TE;
            special.upgrade |= *name == header::UPGRADE;
            special.rebuilt |= is_said(name);
        }
        Ok(special)
    }
}

/// Removes what belongs to one hop only (RFC 9110, section 7.6.1), and every header that only Privet may set. What is said to Privet itself
/// comes back, and what was of this hop or is rebuilt.
fn clean(headers: &mut HeaderMap, special: Special) -> Result<(HeaderMap, HeaderMap), Kind> {
    if special.connection {
        remove_nominated(headers)?;
    }
    let trailers = special.te && tokens(headers, &header::TE).any(|token| token.eq_ignore_ascii_case("trailers"));
    let (mut stated, mut hop) = (HeaderMap::new(), HeaderMap::new());
    for name in special.unwanted {
        let is_stated = [access::PURPOSE, access::TICKET, download::REASON].contains(&name);
        let kept = if is_stated { &mut stated } else { &mut hop };
        if let header::Entry::Occupied(entry) = headers.entry(&name) {
            let (_, values) = entry.remove_entry_mult();
            values.for_each(|value| {
                kept.append(name.clone(), value);
            });
        }
    }
    if trailers {
        headers.insert(header::TE, HeaderValue::from_static("trailers"));
    }
    if special.cookie {
        join_cookies(headers);
    }
    if special.rebuilt {
        for name in &REBUILT {
            headers.get_all(name).iter().for_each(|value| {
                hop.append(name, value.clone());
            });
        }
    }
    Ok((stated, hop))
}

fn remove_nominated(headers: &mut HeaderMap) -> Result<(), Kind> {
    let nominated: Vec<HeaderName> = tokens(headers, &header::CONNECTION)
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .collect();
    for name in nominated {
        if name == header::HOST || name == header::CONTENT_LENGTH || name == header::TRANSFER_ENCODING {
            return Err(Kind::Framing("Connection names a header that frames the request"));
        }
        // `TE` is listed by every client that sends it, and has its own rule.
        if name != header::TE {
            headers.remove(name);
        }
    }
    Ok(())
}

/// HTTP/2 may split `Cookie` (RFC 9113, section 8.2.3); old applications read one line.
fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(header::COOKIE).iter();
    if lines.next().is_none() || lines.next().is_none() {
        return;
    }
    let joined: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(value) = HeaderValue::from_bytes(&joined.join(&b"; "[..])) {
        headers.insert(header::COOKIE, value);
    }
}

/// Headers of one hop, headers that Privet sets itself, and headers by which some frameworks let a request change its own
/// address or path behind a proxy's back.
fn is_not_forwarded(name: &HeaderName) -> bool {
    if name.as_str().contains('_') {
        // To CGI and its heirs `_` and `-` are one.
        let plain = name.as_str().replace('_', "-");
        return HeaderName::from_bytes(plain.as_bytes()).is_ok_and(|name| is_not_forwarded(&name) || is_said(&name));
    }
    let text = name.as_str();
    match text.as_bytes()[0] {
        // `Client::introduce` replaces those that it sets; a trusted peer's are read there.
        b'x' => {
            let said = text
                .strip_prefix("x-forwarded-")
                .is_some_and(|rest| !matches!(rest, "for" | "host" | "port" | "proto"));
            said || text.starts_with("x-privet-")
                || *name == X_REQUEST_ID
                || matches!(text, "x-client-ip" | "x-cluster-client-ip" | "x-original-url" | "x-rewrite-url")
        }
        b'c' => *name == header::CONNECTION || text == "client-ip" || text == "cf-connecting-ip",
        b'e' => *name == header::EXPECT,
        b'h' => text == "http2-settings",
        b'k' => text == "keep-alive",
        b'p' => text.starts_with("proxy"),
        b't' => *name == header::TE || *name == header::TRANSFER_ENCODING || text == "true-client-ip",
        b'u' => *name == header::UPGRADE,
        _ => false,
    }
}

/// Whether Privet tells by it who the client is.
fn is_said(name: &HeaderName) -> bool {
    name.as_str().starts_with("x-forwarded-") || *name == header::FORWARDED || name.as_str() == "x-real-ip"
}

/// Trailers without what only Privet may say: they may say no more than a head (RFC 9110, section 6.5.1).
#[must_use]
pub fn trailers(said: HeaderMap) -> HeaderMap {
    let fields = said.into_iter().scan(None, |last, (name, value)| {
        // A further value of a name comes without it.
        *last = name.or(last.take());
        Some((last.clone(), value))
    });
    let fields = fields.filter_map(|(name, value)| Some((name?, value)));
    fields.filter(|(name, _)| !is_not_forwarded(name) && !is_said(name)).collect()
}

/// The members of a comma-separated list over all lines of `name`.
pub fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;
    use crate::common::peer::Peer;

    fn rules() -> HeadRules {
        HeadRules::default()
    }

    fn pass(http2: bool, request: http::request::Builder) -> Result<(Head, HeaderMap), Kind> {
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let client = Client::new(Peer::new("203.0.113.9:1".parse().expect("an address"), &[]), true, http2, 443);
        read(&mut parts, &client, &rules(), &[]).map(|head| (head, parts.headers))
    }

    #[test]
    fn headers_of_one_hop_and_our_own_are_removed() {
        let request = Request::get("/a?b")
            .header("host", "x")
            .header("connection", "close, X-Secret")
            .header("x-secret", "1")
            .header("te", "trailers, deflate")
            .header("x-privet-user", "admin")
            .header("x-forwarded-user", "admin")
            .header("x-original-url", "/admin")
            .header("proxy", "evil")
            .header("x-kept", "1");
        let (head, headers) = pass(false, request).expect("passes");
        assert_eq!(head.target, "/a?b");
        for gone in ["connection", "x-secret", "x-privet-user", "x-forwarded-user", "x-original-url", "proxy"] {
            assert!(!headers.contains_key(gone), "{gone}");
        }
        assert_eq!(headers["te"], "trailers");
        assert_eq!(headers["x-kept"], "1");
    }

    #[test]
    fn the_host_is_one() {
        let h2 = |uri: &str| Request::get(uri);
        assert!(pass(true, h2("https://a/").header("host", "b")).is_err());
        assert!(pass(true, h2("https://a/").header("host", "A")).is_ok());
        let (head, headers) = pass(true, h2("https://a:1/")).expect("passes");
        assert_eq!((head.host.as_bytes(), headers["host"].as_bytes()), (&b"a:1"[..], &b"a:1"[..]));
        assert!(pass(false, h2("/")).is_err());
        for (uri, hosts) in [
            ("http://a/", &[][..]),
            ("http://b/", &["a"]),
            ("/", &[""]),
            ("/", &["a b"]),
            ("/", &["u@a"]),
            ("http://u@a/", &["u@a"]),
            ("/", &["a", "a"]),
        ] {
            let request = hosts.iter().fold(Request::get(uri), |request, host| request.header("host", *host));
            assert!(matches!(pass(false, request), Err(Kind::Host(_))), "{uri} {hosts:?}");
        }
        assert!(pass(false, Request::get("http://a/").header("host", "A")).is_ok());
    }

    #[test]
    fn methods_of_other_roles_are_refused() {
        let trace = Request::builder().method("TRACE").uri("/").header("host", "x");
        assert_eq!(pass(false, trace).err(), Some(Kind::Method));
        let connect = Request::builder().method("CONNECT").uri("x:1").header("host", "x:1");
        assert_eq!(pass(false, connect).err(), Some(Kind::Method));
    }

    #[test]
    fn framing_headers_can_not_be_nominated() {
        let request = Request::post("/").header("host", "x").header("connection", "content-length");
        assert!(matches!(pass(false, request), Err(Kind::Framing(_))));
    }

    #[test]
    fn trailers_say_nothing_that_only_privet_may() {
        let mut said = HeaderMap::new();
        for (name, value) in [("x-sum", "1"), ("x-sum", "2"), ("x-privet-user", "root"), ("x-forwarded-for", "6.6.6.6")]
        {
            said.append(name, HeaderValue::from_static(value));
        }
        let left = trailers(said);
        assert_eq!((left.len(), left.get_all("x-sum").iter().count()), (2, 2));
    }

    #[test]
    fn split_cookies_become_one_line() {
        let request = Request::get("https://x/").header("cookie", "a=1").header("cookie", "b=2");
        assert_eq!(pass(true, request).expect("passes").1["cookie"], "a=1; b=2");
    }
}
