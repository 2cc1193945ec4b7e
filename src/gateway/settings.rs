//! Routes and the reading of heads. Validated values only; `config` fills them.

use std::{sync::Arc, time::Duration};

use http::{HeaderName, HeaderValue};
use ipnet::IpNet;

use crate::{
    antivirus,
    common::authority::Authority,
    gateway::upstream,
    identity, login, privacy,
    shield::{self, Ruleset},
};

/// Everything that decides what happens to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How heads are read.
    pub head: HeadRules,
    /// Peers whose `X-Forwarded-*` and `Forwarded` are believed.
    pub trusted: Vec<IpNet>,
    /// What personal data is, and what is written in its place, where no route says otherwise.
    pub privacy: Arc<privacy::settings::Settings>,
    /// Routes, as written.
    pub routes: Vec<Arc<Route>>,
    /// Logins of the applications behind them.
    pub logins: Vec<Arc<login::settings::Login>>,
    /// Rules against intrusion, where a route asks for them.
    pub shield: Option<Arc<Ruleset>>,
}

/// What a request head may look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadRules {
    /// Bytes of a whole head.
    pub header_bytes: usize,
    /// Header lines of a head.
    pub header_count: usize,
    /// Bytes of the request target.
    pub uri_bytes: usize,
    /// Header names with `_`.
    pub underscores: Ambiguous,
    /// `%2F` in a path. `Strip` is not offered for it.
    pub encoded_slash: Ambiguous,
    /// `;name=value` after a path segment.
    pub path_parameters: Ambiguous,
    /// Percent-decoded path bytes that are not UTF-8. `Strip` is not offered for it.
    pub non_utf8: Ambiguous,
}

impl Default for HeadRules {
    fn default() -> Self {
        Self {
            header_bytes: 32 << 10,
            header_count: 100,
            uri_bytes: 8 << 10,
            underscores: Ambiguous::Refuse,
            encoded_slash: Ambiguous::Refuse,
            path_parameters: Ambiguous::Strip,
            non_utf8: Ambiguous::Refuse,
        }
    }
}

/// What to do with something that two readers could take differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ambiguous {
    /// Answer 400.
    Refuse,
    /// Remove it, decide on and forward what is left.
    Strip,
    /// Decide on it and forward it as it is.
    Keep,
}

/// One route: a host and a path prefix, the application behind it, and its rules.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub struct Route {
    /// `host` + `path` as written, the label of metrics and logs.
    pub name: String,
    /// Which hosts.
    pub host: HostPattern,
    /// Canonical path prefix; starts with `/`, matches at segment borders; no trailing slash but for `/`.
    pub path: String,
    /// What happens to the prefix on the way to the application.
    pub prefix: Prefix,
    /// The application.
    pub upstream: Arc<upstream::Settings>,
    /// What a cleartext request gets.
    pub cleartext: Cleartext,
    /// Why cleartext is allowed on this route or towards its application; repeated in logs and by `check`.
    pub cleartext_reason: Option<String>,
    /// What personal data is on this route, and what is written in its place.
    pub privacy: Arc<privacy::settings::Settings>,
    /// Value of `Strict-Transport-Security`; `None` leaves the application's.
    pub hsts: Option<HeaderValue>,
    /// What is added to the application's cookies.
    pub cookies: CookieRules,
    /// Whether `Location: http://` of our own hosts becomes `https://`.
    pub rewrite_location: bool,
    /// Largest request body in bytes; `None` is no bound.
    pub body_limit: Option<u64>,
    /// Longest time from head to the last byte of the answer; `None` is no bound. Upgraded streams are exempt.
    pub timeout: Option<Duration>,
    /// Longest time from the sent request to the head of the answer.
    pub response_timeout: Duration,
    /// Protocols that `Upgrade` may name, lower case.
    pub upgrade: Vec<String>,
    /// How answers are masked; `None` leaves them as they are.
    pub mask: Option<privacy::mask::settings::Settings>,
    /// Whether who sees, changes and takes along data on it is written down.
    pub record: bool,
    /// Whether what is taken along asks for a reason, and leaves sealed.
    pub seals_downloads: bool,
    /// Where answers say whose a record is, and whether its subject agreed.
    pub records: Option<Arc<privacy::mask::settings::Records>>,
    /// Canaries that are planted into its lists; `None` plants nobody.
    pub canaries: Option<Arc<privacy::mask::settings::Canaries>>,
    /// Who may pass; `None` is everybody.
    pub gate: Option<identity::settings::Gate>,
    /// What happens to personal data in a URL.
    pub url_privacy: UrlPrivacy,
    /// Whether requests are in the access log.
    pub access_log: bool,
    /// What rules against intrusion do; `None` is nothing.
    pub shield: Option<shield::settings::OnRoute>,
    /// Whether answers are watched for what they give away.
    pub watch: bool,
    /// What answers get where they have no header of the name.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Headers of the application's that nobody gets.
    pub hidden: Vec<HeaderName>,
    /// What is done about infected files; `None` is nothing.
    pub antivirus: Option<antivirus::settings::OnRoute>,
}

impl Route {
    /// Whether policies decide what of its answers may be seen.
    #[must_use]
    pub fn asks_policies(&self) -> bool {
        self.mask.as_ref().is_some_and(|mask| mask.by_policy)
    }
}

/// What happens to personal data in a path or query. In the logs it is rewritten and counted in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlPrivacy {
    /// No more than that.
    Log,
    /// It is kept out of the `Referer` that others get.
    Strip,
    /// The request is refused.
    Reject,
}

/// Which `Host` a route answers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostPattern {
    /// Any.
    Any,
    /// One, lower case, without port.
    Exact(String),
    /// Any one label before this suffix, which has no leading dot (`*.example.com` holds `example.com`).
    Wildcard(String),
}

impl HostPattern {
    /// How closely it fits `host` (`host[:port]`): 2 is by name, 0 as any does; `None` where it does not.
    #[must_use]
    pub fn fits(&self, host: &str) -> Option<u8> {
        let authority = Authority::parse(host)?;
        let key = authority.key();
        match self {
            Self::Any => Some(0),
            Self::Exact(own) => (*own == *key).then_some(2),
            Self::Wildcard(suffix) => key.split_once('.').is_some_and(|(_, rest)| rest == suffix).then_some(1),
        }
    }
}

/// What happens to the matched path prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Prefix {
    /// Forwarded as it came.
    Keep,
    /// Replaced by this canonical prefix (`/` strips it).
    Replace(String),
}

/// What a cleartext request to a route gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleartext {
    /// 308 to https.
    Redirect,
    /// 403.
    Refuse,
    /// The application's answer; needs a stated reason.
    Serve,
}

/// What is added to the application's cookies where absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookieRules {
    /// Add `Secure`.
    pub secure: bool,
    /// Add `HttpOnly`.
    pub http_only: bool,
    /// Cookie names that a script must read: no `HttpOnly` for these.
    pub script_readable: Vec<String>,
    /// Add `SameSite=` this.
    pub same_site: Option<SameSite>,
}

/// The `SameSite` attribute of RFC 6265bis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SameSite {
    /// `Strict`
    Strict,
    /// `Lax`
    Lax,
    /// `None`
    None,
}
