//! What a configuration is to say, whoever has said it: a person, or the file of another server.

use std::path::{Path, PathBuf};

use crate::common::{authority::Authority, unit};

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// `listen.https`.
    pub(super) https: Option<String>,
    /// `listen.http`.
    pub(super) http: Option<String>,
    /// `data_dir`.
    pub(super) data_dir: Option<String>,
    /// Networks whose forwarding headers are believed.
    pub(super) trusted: Vec<String>,
    /// Whether connections begin with a PROXY header.
    pub(super) proxy_protocol: bool,
    /// Whether TLS 1.3 alone is spoken.
    pub(super) modern: bool,
    /// Chains and keys.
    pub(super) certificates: Vec<Pair>,
    /// Certificates that are ordered.
    pub(super) orders: Vec<Order>,
    /// Client certificates: whether they are required, and who signs them.
    pub(super) clients: Option<(bool, PathBuf)>,
    /// Routes.
    pub(super) routes: Vec<Route>,
    /// Where people sign in at the application.
    pub(super) login: Option<String>,
    /// Whether the application holds personal data.
    pub(super) personal: bool,
    /// What could not be carried over.
    pub(super) lost: Vec<Lost>,
}

/// A chain and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
    /// Why it can't be used as it is.
    pub(super) trouble: Option<String>,
}

/// A certificate to be ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) domains: Vec<String>,
    pub(super) contact: Option<String>,
    /// The authority's directory; Let's Encrypt's where there is none.
    pub(super) directory: Option<String>,
}

/// One route.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Route {
    /// Any where there is none.
    pub(super) host: Option<String>,
    /// In canonical form.
    pub(super) path: String,
    /// URLs and weights; those of the route above it where there is none.
    pub(super) upstream: Vec<(String, u32)>,
    /// What the application gets in place of the path; `/` strips it.
    pub(super) prefix: Option<String>,
    pub(super) pass_host: Option<bool>,
    pub(super) http2: bool,
    pub(super) least_connections: bool,
    pub(super) body_limit: Option<String>,
    pub(super) response_timeout: Option<String>,
    pub(super) connect_timeout: Option<String>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) hidden: Vec<String>,
    pub(super) hsts: Option<String>,
    pub(super) health: Option<String>,
    pub(super) tls: UpstreamTls,
    /// Why nobody passes for now.
    pub(super) closed: Option<String>,
    /// Why cleartext to another machine is accepted.
    pub(super) cleartext_reason: Option<String>,
    /// Where it was said.
    pub(super) place: Option<Spot>,
}

/// TLS towards the application.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UpstreamTls {
    pub(super) ca: Option<PathBuf>,
    pub(super) server_name: Option<String>,
    pub(super) pair: Option<(PathBuf, PathBuf)>,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) file: String,
    pub(super) line: usize,
}

/// What could not be carried over. No value is in it, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lost {
    pub(super) place: Spot,
    pub(super) what: String,
    /// What to do, or what is different.
    pub(super) why: String,
}

impl Model {
    pub(super) fn lose(&mut self, place: &Spot, what: impl Into<String>, why: impl Into<String>) {
        let lost = Lost { place: place.clone(), what: what.into(), why: why.into() };
        if !self.lost.contains(&lost) {
            self.lost.push(lost);
        }
    }

    /// Adds a route; one for the same host and path is there once.
    pub(super) fn add(&mut self, route: Route) {
        let known = self.routes.iter().any(|known| known.host == route.host && known.path == route.path);
        match (&route.place, known) {
            (Some(place), true) => {
                let what = format!("a second route for {}{}", route.host.as_deref().unwrap_or("*"), route.path);
                self.lose(&place.clone(), what, "there is one by a longest prefix alone; the first was taken");
            }
            _ => self.routes.push(route),
        }
    }

    /// Sees to it that what was read is a configuration: routes that are closed have somebody behind them, cleartext a reason, and files can be read.
    pub(super) fn settle(&mut self) {
        let all = self.routes.clone();
        for route in self.routes.iter_mut().filter(|route| route.upstream.is_empty()) {
            let above = all.iter().filter(|other| {
                other.host == route.host && !other.upstream.is_empty() && is_below(&route.path, &other.path)
            });
            if let Some(above) = above.max_by_key(|other| other.path.len()) {
                let kept = (route.path.clone(), route.closed.clone(), route.place.clone());
                *route = above.clone();
                (route.path, route.closed, route.place) = kept;
            }
        }
        self.trusted.sort();
        self.trusted.dedup();
        // There is one of each.
        self.http = self.http.take().filter(|http| self.https.as_ref() != Some(http));
        // What leads nowhere is answered 404 anyway.
        self.routes.retain(|route| !route.upstream.is_empty());
        // A passage by cleartext is a fact, whose reason is the operator's to give.
        for route in &mut self.routes {
            let exposed = route.upstream.iter().any(|(url, _)| is_exposed(url));
            if exposed && route.cleartext_reason.is_none() {
                let from = route.place.as_ref().map_or_else(
                    || "it was asked for".to_owned(),
                    |place| format!("so it was in {} line {}", place.file, place.line),
                );
                route.cleartext_reason = Some(format!("{from}: TO BE STATED"));
                if let Some(place) = route.place.clone() {
                    let lost = Lost {
                        place,
                        what: "cleartext to another machine".to_owned(),
                        why: "state why in `cleartext_reason`, or use https://".to_owned(),
                    };
                    if !self.lost.contains(&lost) {
                        self.lost.push(lost);
                    }
                }
            }
        }
        self.lost.sort();
    }
}

/// Whether `path` lies below `above`, at the border of a segment.
fn is_below(path: &str, above: &str) -> bool {
    above == "/" || path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether an application would be reached in cleartext beyond this machine.
pub(super) fn is_exposed(url: &str) -> bool {
    crate::dial::address::Address::parse_exposed(url).is_ok_and(|address| address.is_exposed())
        && !url.contains(".localhost")
}

/// A URL of an application as a configuration has it, from scheme, place and nothing else.
pub(super) fn upstream(scheme: &str, place: &str) -> Option<String> {
    if let Some(path) = place.strip_prefix("unix:") {
        let sound = path.starts_with('/') && !path.contains(['$', '{', '"']) && scheme == "http";
        return sound.then(|| format!("unix:{path}"));
    }
    let authority = Authority::parse(place)?;
    let sound = authority.port != Some(0) && matches!(scheme, "http" | "https");
    sound.then(|| format!("{scheme}://{place}"))
}

/// A path in canonical form, where it is a plain one.
pub(super) fn path(text: &str) -> Option<String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~!&'()+,=:@/".contains(&b);
    let odd = text.split('/').skip(1).any(|segment| segment == "." || segment == "..") || text.contains("//");
    if !text.starts_with('/') || odd || !text.bytes().all(plain) {
        return None;
    }
    let trimmed = text.trim_end_matches('/');
    Some(if trimmed.is_empty() { "/" } else { trimmed }.to_owned())
}

/// A host name in small letters, `*.` before it where it stands for any one label.
pub(super) fn host(text: &str) -> Option<String> {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let authority = Authority::parse(name).filter(|authority| authority.port.is_none())?;
    let key = authority.key();
    Some(if name.len() == text.len() { key.into_owned() } else { format!("*.{key}") })
}

/// Whether an authority would sign a certificate for a name.
pub(super) fn is_public(name: &str) -> bool {
    let label = |label: &str| {
        let legal = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        (1..=63).contains(&label.len()) && legal && !label.starts_with('-') && !label.ends_with('-')
    };
    let looked_up = name.contains('.') && name.len() <= 253 && name.split('.').all(label);
    let own = [".localhost", ".local", ".internal", ".home.arpa"].iter().any(|end| name.ends_with(end));
    looked_up && !own && name.parse::<std::net::IpAddr>().is_err()
}

/// A mail address that an authority may write to.
pub(super) fn mail(text: &str) -> Option<String> {
    let legal = |b: u8| b.is_ascii_graphic() && !b"\"<>(),;:\\[]?&%".contains(&b);
    let (name, host) = text.split_once('@')?;
    let sound = !name.is_empty() && host.contains('.') && !host.contains('@') && text.bytes().all(legal);
    sound.then(|| text.to_owned())
}

/// A header that a route may set.
pub(super) fn header(name: &str, value: &str) -> Option<(String, String)> {
    let sound = name.parse::<http::HeaderName>().is_ok_and(|name| !name.as_str().starts_with("x-privet-"));
    let value = value.trim();
    let plain = http::HeaderValue::from_str(value).is_ok_and(|value| value.to_str().is_ok());
    (sound && plain && !value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
}

/// A value of `Strict-Transport-Security` that Privet takes.
pub(super) fn hsts(text: &str) -> Option<String> {
    let age = text.split(';').find_map(|part| part.trim().strip_prefix("max-age="));
    age.and_then(|age| age.parse::<u64>().ok())
        .and_then(|_| header("Strict-Transport-Security", text))
        .map(|(_, value)| value)
}

/// A duration as Privet writes it; a bare number is seconds.
pub(super) fn duration(text: &str) -> Option<String> {
    let text = if text.bytes().all(|b| b.is_ascii_digit()) { format!("{text}s") } else { text.to_owned() };
    unit::parse_duration(&text).ok().filter(|duration| !duration.is_zero()).map(|_| text)
}

/// A pair of files, and why they can't be used where they can't.
pub(super) fn pair(chain: &Path, key: &Path) -> Pair {
    let trouble = crate::dial::pem::certified_key(chain, key).err().map(|error| error.to_string());
    Pair { chain: chain.to_owned(), key: key.to_owned(), trouble }
}
