//! What passive rules look at: one request and its answer, prepared once for all of them.

use std::cell::OnceCell;

use http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::{library::Libraries, page::Page};

/// Whoever knows what is personal in a text.
pub trait Eye: std::fmt::Debug + Send + Sync {
    /// `text` without it.
    fn scrub(&self, text: &str) -> String;
    /// Its types, each with how often it is there. Addresses of networks are none: rules look for those themselves.
    fn kinds(&self, text: &[u8]) -> Vec<(String, u64)>;
}

/// Sees nothing: for tests of what is not about personal data.
#[derive(Debug, Clone, Copy, Default)]
pub struct Blind;

impl Eye for Blind {
    fn scrub(&self, text: &str) -> String {
        text.to_owned()
    }

    fn kinds(&self, _text: &[u8]) -> Vec<(String, u64)> {
        Vec::new()
    }
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// How.
    pub method: Method,
    /// `Host`, with its port.
    pub host: String,
    /// Path and query.
    pub target: String,
    /// `Origin`, where a page of another site has asked.
    pub origin: Option<String>,
    /// Whether nobody is known to ask: no cookie, no authorisation, no certificate.
    pub anonymous: bool,
    /// Whether it came by TLS.
    pub secure: bool,
}

impl Asked {
    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query, with its names and decoded values.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        };
        query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect()
    }

    /// Where it was, without its query: that is what findings are placed at.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{}://{}{}", if self.secure { "https" } else { "http" }, self.host, self.path())
    }

    /// The host without its port.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.host.rfind(':') {
            Some(at) if !self.host.ends_with(']') => &self.host[..at],
            _ => &self.host,
        }
    }

    /// Whether browsers keep rules for this host by its name: not for addresses, nor for this machine.
    #[must_use]
    pub fn has_name(&self) -> bool {
        let name = self.name().trim_matches(['[', ']']);
        name != "localhost" && name.parse::<std::net::IpAddr>().is_err()
    }
}

/// What an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// A page.
    Html,
    /// A script.
    Script,
    /// Anything else that is text.
    Text,
    /// Anything else.
    Other,
}

impl Content {
    /// By the media type; what names none may be a page.
    fn of(headers: &HeaderMap, body: &[u8]) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match &*kind {
            "text/html" | "application/xhtml+xml" => Self::Html,
            "text/javascript" | "application/javascript" | "application/x-javascript" => Self::Script,
            "application/json" | "application/xml" | "application/x-ndjson" => Self::Text,
            "" if body.trim_ascii_start().starts_with(b"<") => Self::Html,
            _ if kind.starts_with("text/") || kind.ends_with("+json") || kind.ends_with("+xml") => Self::Text,
            _ => Self::Other,
        }
    }
}

/// A request and its answer.
pub struct Exchange<'a> {
    /// What was asked.
    pub asked: &'a Asked,
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's head.
    pub headers: &'a HeaderMap,
    /// The beginning of its body, as it is after its codings.
    pub body: &'a [u8],
    /// What the body is.
    pub content: Content,
    /// The tags of a page.
    pub page: Page,
    /// Libraries that are known to be vulnerable.
    pub libraries: &'a Libraries,
    eye: &'a dyn Eye,
    kinds: OnceCell<Vec<(String, u64)>>,
}

impl<'a> Exchange<'a> {
    /// Prepares an answer.
    #[must_use]
    pub fn new(
        asked: &'a Asked,
        status: StatusCode,
        headers: &'a HeaderMap,
        body: &'a [u8],
        libraries: &'a Libraries,
        eye: &'a dyn Eye,
    ) -> Self {
        let content = Content::of(headers, body);
        let page = if content == Content::Html { Page::read(body) } else { Page::default() };
        Self { asked, status, headers, body, content, page, libraries, eye, kinds: OnceCell::new() }
    }

    /// Whether a browser shows it: a page that is no redirect.
    #[must_use]
    pub fn is_page(&self) -> bool {
        self.content == Content::Html && !self.status.is_redirection() && self.status != StatusCode::NOT_MODIFIED
    }

    /// Whether its body is text.
    #[must_use]
    pub fn is_text(&self) -> bool {
        self.content != Content::Other
    }

    /// The text of a header; all of them where it stands several times.
    #[must_use]
    pub fn header(&self, name: impl http::header::AsHeaderName) -> Option<String> {
        let values: Vec<&str> = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    /// Whether a header is there.
    #[must_use]
    pub fn has(&self, name: &HeaderName) -> bool {
        self.headers.contains_key(name)
    }

    /// Personal data in the body, by type.
    #[must_use]
    pub fn kinds(&self) -> &[(String, u64)] {
        self.kinds.get_or_init(|| match self.content {
            Content::Html | Content::Text => self.eye.kinds(self.body),
            Content::Script | Content::Other => Vec::new(),
        })
    }

    /// Personal data in another text of it.
    #[must_use]
    pub fn kinds_in(&self, text: &str) -> Vec<(String, u64)> {
        self.eye.kinds(text.as_bytes())
    }

    /// What scrubs what is told of it.
    #[must_use]
    pub fn eye(&self) -> &dyn Eye {
        self.eye
    }
}

/// A part of a query as it was meant (WHATWG URL, section 5).
#[must_use]
pub fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let digit = |at: usize| bytes.get(at).and_then(|&b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        out.push(match (byte, digit(at), digit(at + 1)) {
            (b'+', ..) => b' ',
            (b'%', Some(high), Some(low)) => {
                at += 2;
                high << 4 | low
            }
            _ => byte,
        });
    }
    String::from_utf8_lossy(&out).into_owned()
}
