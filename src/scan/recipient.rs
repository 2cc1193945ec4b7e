//! Who else hears of whoever looks at an answer: other hosts that it sends browsers to, by their names alone.
//!
//! What style sheets and scripts load once they run is not seen here, nor is what a client itself has named in its address: whoever asks an open
//! redirect for some host has not made the application hand anything on.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use http::{StatusCode, header};

use super::{
    exchange::{Exchange, decoded},
    page::{Page, Tag},
};
use crate::common::authority::Authority;

/// Most hosts that are told apart of a route.
pub const MOST: usize = 256;
/// Longest name of a host (RFC 1035, section 2.3.4).
const LONGEST: usize = 253;

/// How a browser, or what it holds, gets to another host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// A script of it runs in the page.
    Script,
    /// A style sheet of it is loaded.
    Style,
    /// A page of it is shown within.
    Frame,
    /// An image of it is loaded.
    Image,
    /// A sound, a film or its captions are.
    Media,
    /// It is named by `<link>`, `<base>` or `ping`.
    Link,
    /// A form is sent there.
    Form,
    /// The browser is led there.
    Redirect,
    /// Its pages may read the answer.
    Cors,
}

impl Way {
    /// As it is told.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Style => "style",
            Self::Frame => "frame",
            Self::Image => "image",
            Self::Media => "media",
            Self::Link => "link",
            Self::Form => "form",
            Self::Redirect => "redirect",
            Self::Cors => "cors",
        }
    }
}

/// What was seen of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// How it hears.
    pub ways: BTreeSet<Way>,
    /// In how many answers, each way counted.
    pub times: u64,
    /// When first, in milliseconds since 1970.
    pub first: u64,
    /// And last.
    pub last: u64,
}

/// Hosts that answers of a route have named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recipients {
    /// By name.
    pub hosts: BTreeMap<String, Heard>,
    /// How often another was named, for which there was no room.
    pub beyond: u64,
}

impl Recipients {
    /// Takes one in.
    pub fn note(&mut self, host: String, way: Way, now: u64) {
        let full = self.hosts.len() >= MOST;
        match self.hosts.get_mut(&host) {
            Some(heard) => {
                heard.ways.insert(way);
                heard.times += 1;
                heard.last = now;
            }
            None if full => self.beyond += 1,
            None => {
                self.hosts.insert(host, Heard { ways: BTreeSet::from([way]), times: 1, first: now, last: now });
            }
        }
    }
}

/// Hosts that an answer names besides its own, and how. What is personal in a name is scrubbed.
#[must_use]
pub fn named(exchange: &Exchange<'_>) -> BTreeSet<(String, Way)> {
    let own = Authority::parse(&exchange.asked.host).map(|authority| authority.key().into_owned());
    let asked = decoded(&exchange.asked.target).to_lowercase();
    let mut found = BTreeSet::new();
    let mut note = |url: &str, way| {
        let Some(host) = host_of(url) else { return };
        if own.as_ref() != Some(&host) && !is_here(&host) && !asked.contains(&host) {
            let personal = !exchange.kinds_in(&host).is_empty();
            found.insert((if personal { exchange.eye().scrub(&host) } else { host }, way));
        }
    };
    if exchange.status.is_redirection() && exchange.status != StatusCode::NOT_MODIFIED {
        note(&exchange.header(header::LOCATION).unwrap_or_default(), Way::Redirect);
    }
    if exchange.is_page() {
        note(after_delay(&exchange.header(header::REFRESH).unwrap_or_default()), Way::Redirect);
        for (url, way) in ways(&exchange.page) {
            note(url, way);
        }
    }
    if let Some(origin) = readers(exchange) {
        note(&origin, Way::Cors);
    }
    found
}

/// Whether a host is this machine, or the visitor's.
#[must_use]
pub fn is_here(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    host == "localhost" || host.ends_with(".localhost") || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// The origin whose pages may read an answer with personal data, or one that is given in their visitor's name.
fn readers(exchange: &Exchange<'_>) -> Option<String> {
    let origin = exchange.header(header::ACCESS_CONTROL_ALLOW_ORIGIN)?;
    let credentials = exchange
        .header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS)
        .is_some_and(|text| text.trim().eq_ignore_ascii_case("true"));
    let failed = exchange.status.is_client_error() || exchange.status.is_server_error();
    (!failed && (credentials || !exchange.kinds().is_empty())).then_some(origin)
}

fn ways(page: &Page) -> impl Iterator<Item = (&str, Way)> {
    page.tags.iter().flat_map(|tag| {
        let loads = tag.loads().map(|url| (url, loaded(tag)));
        let named = |name: &str, way| tag.attribute(name).map(|url| (url, way));
        let other = match tag.name {
            "form" => named("action", Way::Form),
            "input" | "button" => named("formaction", Way::Form),
            "a" => named("ping", Way::Link),
            "base" => named("href", Way::Link),
            // A connection is opened before anything is asked for.
            "link" if tag.has("rel", &["preconnect", "dns-prefetch"]) => named("href", Way::Link),
            "meta" if tag.is("http-equiv", "refresh") => {
                named("content", Way::Redirect).map(|(text, way)| (after_delay(text), way))
            }
            _ => None,
        };
        loads.chain(other)
    })
}

fn loaded(tag: &Tag) -> Way {
    match tag.name {
        "script" => Way::Script,
        "img" | "input" => Way::Image,
        "audio" | "video" | "source" | "track" => Way::Media,
        "link" if tag.has("rel", &["stylesheet"]) => Way::Style,
        "link" => Way::Link,
        _ => Way::Frame,
    }
}

/// The address of `5; url=https://...`.
fn after_delay(text: &str) -> &str {
    let Some((_, rest)) = text.split_once([';', ',']) else { return "" };
    let rest = rest.trim_start();
    let is_named = rest.get(..3).is_some_and(|name| name.eq_ignore_ascii_case("url"));
    let url = rest.get(3..).filter(|_| is_named).and_then(|rest| rest.trim_start().strip_prefix('=')).unwrap_or(rest);
    url.trim().trim_matches(['"', '\''])
}

/// The host that an address names, in lower case and without a port, as browsers read it (WHATWG URL, section 4.4); nothing where it names
/// none, or is of no network.
#[must_use]
pub fn host_of(url: &str) -> Option<String> {
    let url: String = url.trim().chars().filter(|c| !matches!(c, '\t' | '\n' | '\r')).collect();
    let slashes = url.replace('\\', "/");
    let rest = match slashes.split_once(':') {
        Some((scheme, rest)) if !scheme.contains(['/', '?', '#']) => {
            let known = ["http", "https", "ws", "wss", "ftp"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
            // Of these browsers take any number of slashes.
            known.then(|| rest.trim_start_matches('/')).filter(|_| rest.starts_with("//"))?
        }
        _ => slashes.strip_prefix("//")?.trim_start_matches('/'),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let name = match authority.find(']') {
        Some(end) => authority.get(..=end)?,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let name = name.trim_end_matches('.').to_lowercase();
    let bare = name.trim_matches(['[', ']']);
    let is_name = bare.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.' | '_'));
    let is_address = name.starts_with('[') && bare.parse::<std::net::Ipv6Addr>().is_ok();
    (!bare.is_empty() && name.len() <= LONGEST && (is_name || is_address)).then_some(name)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    use super::*;
    use crate::scan::{
        exchange::{Asked, Blind, Eye},
        library::Libraries,
    };

    #[derive(Debug)]
    struct Mail;

    impl Eye for Mail {
        fn scrub(&self, text: &str) -> String {
            text.replace("kim", "***")
        }

        fn kinds(&self, text: &[u8]) -> Vec<(String, u64)> {
            let known = memchr::memmem::find(text, b"kim").is_some();
            known.then(|| ("PERSON".to_owned(), 1)).into_iter().collect()
        }
    }

    fn of(eye: &dyn Eye, target: &str, status: u16, head: &[(&str, &str)], body: &str) -> Vec<String> {
        let asked = Asked {
            method: Method::GET,
            host: "Shop.example:8443".into(),
            target: target.into(),
            origin: None,
            anonymous: true,
            secure: true,
        };
        let line = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"))
        };
        let mut headers: HeaderMap = head.iter().map(line).collect();
        headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("text/html"));
        let (status, libraries) = (StatusCode::from_u16(status).expect("a status"), Libraries::default());
        let found = named(&Exchange::new(&asked, status, &headers, body.as_bytes(), &libraries, eye));
        found.into_iter().map(|(host, way)| format!("{host} {}", way.name())).collect()
    }

    #[test]
    fn hosts_are_read_as_browsers_do() {
        for (url, host) in [
            ("https://Tracker.example/x.js?id=1", Some("tracker.example")),
            ("//cdn.example:8443/", Some("cdn.example")),
            (" https:\\\\a.example\\b", Some("a.example")),
            ("ht\ntps://a.example.", Some("a.example")),
            ("https://shop.example@evil.example/", Some("evil.example")),
            ("wss://[2001:DB8::1]:1/", Some("[2001:db8::1]")),
            ("https://개인.example/", Some("개인.example")),
            ("/x//y.example", None),
            ("x.js", None),
            ("data:text/html,//a.example", None),
            ("mailto:a@b.example", None),
            ("https:/x", None),
            ("https://", None),
            ("https://a b/", None),
            ("?u=https://a.example", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
        assert_eq!(host_of(&format!("https://{}/", "a".repeat(300))), None);
    }

    #[test]
    fn a_page_names_whom_it_sends_browsers_to() {
        let page = "<link rel=\"shortcut icon\" href=//i.example/><link rel=canonical href=https://no.example/>\
             <link rel=preconnect href=https://p.example><link rel=stylesheet href=https://st.example/a.css>\
             <script src=https://s.example/x></script><img srcset='/a 1x, https://im.example/b 2x' src=/a>\
             <iframe src=https://f.example></iframe><form action=https://fo.example/send><button formaction=//bu.example>\
             <a href=https://link.example/ ping=https://pi.example/>x</a><meta http-equiv=Refresh content='5; URL=\"https://re.example/\"'>\
             <input type=image src=//in.example/><img src=http://localhost/x><script src=https://shop.example/y></script>";
        assert_eq!(
            of(&Blind, "/", 200, &[], page),
            [
                "bu.example form",
                "f.example frame",
                "fo.example form",
                "i.example link",
                "im.example image",
                "in.example image",
                "p.example link",
                "pi.example link",
                "re.example redirect",
                "s.example script",
                "st.example style"
            ]
        );
        assert!(of(&Blind, "/", 302, &[], page).is_empty(), "no browser shows it");
    }

    #[test]
    fn redirects_and_readers() {
        let to = |target: &str, url: &str| of(&Blind, target, 302, &[("location", url)], "");
        assert_eq!(to("/", "https://pay.example/?name=kim"), ["pay.example redirect"]);
        assert!(to("/", "/elsewhere").is_empty() && to("/", "https://shop.example/").is_empty());
        assert!(
            to("/go?to=https%3A%2F%2FEvil.example%2F", "https://evil.example/").is_empty(),
            "the client's own word"
        );
        let origin = ("access-control-allow-origin", "https://partner.example");
        let credentials = ("access-control-allow-credentials", "true");
        assert_eq!(of(&Blind, "/", 200, &[origin, credentials], ""), ["partner.example cors"]);
        assert!(
            of(&Blind, "/", 200, &[origin], "").is_empty()
                && of(&Blind, "/", 403, &[origin, credentials], "").is_empty()
        );
        assert_eq!(of(&Mail, "/", 200, &[origin], "<p>kim</p>"), ["partner.example cors"]);
        assert!(of(&Mail, "/", 200, &[("access-control-allow-origin", "*")], "<p>kim</p>").is_empty());
        assert_eq!(to("/", "https://kim.example/"), ["kim.example redirect"]);
        assert_eq!(of(&Mail, "/", 302, &[("location", "https://kim.example/")], ""), ["***.example redirect"]);
    }

    #[test]
    fn there_are_only_so_many() {
        let mut all = Recipients::default();
        for n in 0..MOST + 10 {
            all.note(format!("{n}.example"), Way::Image, n as u64);
        }
        all.note("0.example".to_owned(), Way::Script, 999);
        let first = &all.hosts["0.example"];
        assert_eq!((all.hosts.len(), all.beyond, first.times, first.first, first.last), (MOST, 10, 2, 0, 999));
        assert_eq!(first.ways.iter().map(|way| way.name()).collect::<Vec<_>>(), ["script", "image"]);
    }
}
