//! Every early exit: a kind, whose fault it is, and a source for the logs; one match makes status and text of it.
//!
//! Nothing of the request is echoed. The request id is what a person can quote.

use std::time::Duration;

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::json;

use crate::gateway::body::Body;

/// Whose fault a refusal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The request was not acceptable.
    Client,
    /// The application did not answer properly.
    Upstream,
    /// Privet could not do its own part.
    Privet,
}

impl Blame {
    /// The label of metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Upstream => "upstream",
            Self::Privet => "privet",
        }
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The bytes of the head or of the body's frame are not exactly HTTP/1.1.
    Framing(&'static str),
    /// The path could be read in two ways.
    AmbiguousPath(&'static str),
    /// `Host` is missing, doubled, malformed or contradicted.
    Host(&'static str),
    /// A method that a gateway does not forward.
    Method,
    /// No route answers to this host and path.
    NoRoute,
    /// Cleartext on a route that refuses it.
    Cleartext,
    /// Nobody has signed in, and the client is a program that can be told so only by a status.
    SignIn,
    /// Whoever has signed in has none of the roles that the route asks for.
    Role,
    /// Whoever has signed in must prove more, or again.
    StepUp,
    /// An attempt to sign in whose account can't be read.
    LoginUnreadable(&'static str),
    /// Too many attempts to sign in have failed.
    LoginLimited,
    /// The URL holds personal data, on a route that refuses that.
    UrlPrivacy,
    /// The route has a gate, and nobody is there to open it.
    Gate,
    /// The access log can't be written, and requests are not to go on without it.
    LogFull,
    /// The client owed bytes for too long.
    ClientTimeout,
    /// The body is larger than the route allows.
    BodyTooLarge,
    /// The request target is longer than allowed.
    UriTooLong,
    /// An `Expect` other than `100-continue`.
    Expectation,
    /// The head is larger, or has more lines, than allowed.
    HeadersTooLarge,
    /// The application could not be reached, or broke off before its answer.
    BadGateway,
    /// No endpoint of the application is healthy.
    NoEndpoint,
    /// The application did not answer in time.
    UpstreamTimeout,
    /// The answer can't be inspected, and its route lets no such answer pass.
    Uninspectable,
    /// What the data is needed for has not been said, or not with the ticket that it takes.
    Purpose,
    /// Why a file is taken along has not been said.
    Reason,
    /// The security pledge in force has not been signed.
    Pledge,
    /// No policy permits it.
    Access,
    /// Who sees the data can't be written down, so nobody sees it.
    Unrecorded,
    /// What was sent holds masked values, and nobody can tell what they stand for.
    Masked,
    /// Whoever asks is banned, for what they did or by somebody's word.
    Banned,
    /// Rules against intrusion refuse it.
    Shield,
    /// There is more of it than those rules look at.
    ShieldExcess,
    /// They refuse the application's answer.
    ShieldAnswer,
    /// A file that was sent is malware.
    Malware,
    /// A file that was asked for is.
    MalwareAnswer,
    /// The route is closed for now, by an officer's word.
    Closed,
    /// There is more of it than is scanned for malware.
    AntivirusExcess,
    /// It can't be taken apart to be scanned.
    AntivirusUnreadable,
    /// It can't be scanned at the moment.
    AntivirusUnavailable,
    /// A file that was asked for can't be scanned.
    AntivirusAnswer,
}

/// A refusal on its way out.
#[derive(Debug, thiserror::Error)]
#[error("{kind:?}")]
pub struct Refusal {
    /// Why.
    pub kind: Kind,
    /// What caused it, for the log.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
    /// What else the client is told.
    pub more: Option<Box<More>>,
}

/// What a client is told besides the status.
#[derive(Debug, Default)]
pub struct More {
    /// How long to wait.
    pub wait: Option<Duration>,
    /// Further headers.
    pub headers: HeaderMap,
    /// Where people are sent instead of being refused. Programs are refused all the same.
    pub elsewhere: Option<HeaderValue>,
    /// Further sentences.
    pub told: Vec<Told>,
}

/// A sentence for whoever is refused; nothing of the request is in it.
#[derive(Debug)]
pub struct Told {
    /// Plain text.
    pub text: String,
    /// A path that helps, and what it is called.
    pub link: Option<(&'static str, &'static str)>,
}

impl Told {
    /// A sentence that leads nowhere.
    #[must_use]
    pub fn text(text: String) -> Self {
        Self { text, link: None }
    }
}

impl From<Kind> for Refusal {
    fn from(kind: Kind) -> Self {
        Self { kind, source: None, more: None }
    }
}

impl Refusal {
    /// A refusal for this reason.
    pub fn caused_by(kind: Kind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, source: Some(source.into()), more: None }
    }
}

/// What a kind becomes: status, whose fault, a short name for metrics and logs, and what a person reads.
struct Face {
    status: StatusCode,
    blame: Blame,
    name: &'static str,
    text: &'static str,
}

impl Kind {
    /// The status code of the answer.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.face().status
    }

    /// Whose fault it is.
    #[must_use]
    pub fn blame(self) -> Blame {
        self.face().blame
    }

    /// A short name, the label of metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.face().name
    }

    /// The detail for the operator, never anything of the request itself.
    #[must_use]
    pub fn detail(self) -> Option<&'static str> {
        match self {
            Self::Framing(detail)
            | Self::AmbiguousPath(detail)
            | Self::Host(detail)
            | Self::LoginUnreadable(detail) => Some(detail),
            _ => None,
        }
    }

    /// Whether the connection can't be used for another request.
    #[must_use]
    pub fn closes(self) -> bool {
        matches!(
            self,
            Self::Framing(_)
                | Self::Host(_)
                | Self::AmbiguousPath(_)
                | Self::ClientTimeout
                | Self::BodyTooLarge
                | Self::AntivirusExcess
                | Self::AntivirusUnavailable
                | Self::UriTooLong
                | Self::HeadersTooLarge
        )
    }

    fn face(self) -> Face {
        use Blame::{Client, Privet, Upstream};
        let (status, blame, name, text) = match self {
            Self::Framing(_) => (400, Client, "framing", "The request is not well-formed HTTP."),
            Self::AmbiguousPath(_) => (400, Client, "path", "The address of the page is ambiguous."),
            Self::Host(_) => (400, Client, "host", "The request does not name exactly one site."),
            Self::Method => (405, Client, "method", "This method is not served here."),
            Self::NoRoute => (404, Client, "no_route", "Nothing is served at this address."),
            Self::Cleartext => (403, Client, "cleartext", "This page is served over https only."),
            Self::SignIn => (401, Client, "sign_in", "Please sign in first."),
            Self::Role => (403, Client, "role", "This page is for others."),
            Self::StepUp => (403, Client, "step_up", "Please sign in again, or with a second factor, for this page."),
            Self::LoginUnreadable(_) => (
                400,
                Client,
                "login_unreadable",
                "The attempt to sign in can't be read: it must name one account, plainly.",
            ),
            Self::LoginLimited => (429, Client, "login_limited", "Too many attempts to sign in have failed."),
            Self::UrlPrivacy => (400, Client, "url_privacy", "The address of the page holds personal data."),
            Self::Gate => (503, Privet, "gate", "Nobody can be let in at the moment."),
            Self::LogFull => (503, Privet, "log_full", "The request can't be recorded at the moment."),
            Self::ClientTimeout => (408, Client, "client_timeout", "The request took too long to arrive."),
            Self::BodyTooLarge => (413, Client, "body_too_large", "What was sent is larger than allowed."),
            Self::UriTooLong => (414, Client, "uri_too_long", "The address of the page is too long."),
            Self::Expectation => (417, Client, "expectation", "The request expects something that is not done here."),
            Self::HeadersTooLarge => (431, Client, "headers_too_large", "The request's header is too large."),
            Self::BadGateway => (502, Upstream, "bad_gateway", "The application did not answer properly."),
            Self::NoEndpoint => (503, Privet, "no_endpoint", "The application is not available at the moment."),
            Self::Uninspectable => {
                (503, Privet, "uninspectable", "The answer could not be checked, so it is not shown.")
            }
            Self::Purpose => (
                403,
                Client,
                "purpose",
                "Please say first what you need the data for: at /.privet/purpose, or by X-Privet-Purpose and X-Privet-Ticket.",
            ),
            Self::Reason => (
                403,
                Client,
                "reason",
                "Please say why you take this file along: at /.privet/download, or by X-Privet-Reason, 1 to 300 characters in one line.",
            ),
            Self::Pledge => (403, Client, "pledge", "Please sign the security pledge first, at /.privet/pledge."),
            Self::Access => (403, Client, "access", "Your duties do not need this data."),
            Self::Unrecorded => {
                (503, Privet, "unrecorded", "Who sees this can't be written down at the moment, so it is not shown.")
            }
            Self::Masked => (
                409,
                Client,
                "masked",
                "A field still holds a masked value, with stars in it, that can't be put back. Nothing was saved. Open the page again and \
                 leave such fields as they are, or type the whole value.",
            ),
            Self::Banned => (403, Client, "banned", "Requests from you are not served at the moment."),
            Self::Shield => (
                403,
                Client,
                "shield",
                "What was sent looks like an attack. If it was none, tell whoever runs this site the request id below.",
            ),
            Self::ShieldExcess => (413, Client, "shield_excess", "What was sent is more than can be checked here."),
            Self::ShieldAnswer => (
                502,
                Upstream,
                "shield_answer",
                "The application's answer gives away what it should not, so it is not shown.",
            ),
            Self::Malware => (403, Client, "malware", "What was sent holds malware, and was not accepted."),
            Self::MalwareAnswer => {
                (403, Upstream, "malware_answer", "This file holds malware, so it is not handed out.")
            }
            Self::Closed => (503, Privet, "closed", "This page is closed for now."),
            Self::AntivirusExcess => {
                (413, Client, "antivirus_excess", "What was sent is larger than what can be checked for malware here.")
            }
            Self::AntivirusUnreadable => {
                (422, Client, "antivirus_unreadable", "What was sent can't be taken apart to be checked for malware.")
            }
            Self::AntivirusUnavailable => {
                (503, Privet, "antivirus_unavailable", "What was sent can't be checked for malware at the moment.")
            }
            Self::AntivirusAnswer => (
                503,
                Privet,
                "antivirus_answer",
                "This file could not be checked for malware, so it is not handed out.",
            ),
            Self::UpstreamTimeout => (504, Upstream, "upstream_timeout", "The application did not answer in time."),
        };
        Face { status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), blame, name, text }
    }
}

/// How an answer should look, read from `Accept`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// A page.
    Html,
    /// An object.
    Json,
}

impl Look {
    /// HTML where the client names it before JSON; JSON for programs.
    #[must_use]
    pub fn of(accept: Option<&HeaderValue>) -> Self {
        let accept = accept.map_or(&b""[..], HeaderValue::as_bytes);
        let html = memchr::memmem::find(accept, b"text/html");
        let json = memchr::memmem::find(accept, b"json");
        match (html, json) {
            (Some(h), Some(j)) if h < j => Self::Html,
            (Some(_), None) => Self::Html,
            _ => Self::Json,
        }
    }
}

/// The answer to a refused request.
#[must_use]
pub fn respond(refusal: &Refusal, look: Look, request_id: &HeaderValue) -> Response<Body> {
    let kind = refusal.kind;
    if let (Look::Html, Some(place)) = (look, refusal.more.as_deref().and_then(|more| more.elsewhere.as_ref())) {
        return see_other(place);
    }
    let face = kind.face();
    let id = request_id.to_str().unwrap_or("-");
    let wait = refusal.more.as_deref().and_then(|more| more.wait).map(whole_seconds);
    let told = refusal.more.as_deref().map_or(&[][..], |more| &more.told);
    let (content_type, text) = match look {
        Look::Html => ("text/html; charset=utf-8", page(&face, wait, told, id)),
        Look::Json => ("application/json", object(&face, wait, told, id)),
    };
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = face.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    );
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if kind == Kind::Method {
        headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"));
    }
    if matches!(kind, Kind::NoEndpoint | Kind::LogFull | Kind::AntivirusUnavailable) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    if let Some(seconds) = wait {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(more) = &refusal.more {
        headers.extend(more.headers.clone());
    }
    response
}

fn see_other(place: &HeaderValue) -> Response<Body> {
    let mut response = Response::new(Body::full(String::new()));
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, place.clone());
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Never less than the wait is.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn object(face: &Face, wait: Option<u64>, told: &[Told], id: &str) -> String {
    let mut object =
        json!({ "status": face.status.as_u16(), "error": face.name, "message": face.text, "request_id": id });
    if let Some(seconds) = wait {
        object["retry_after"] = seconds.into();
    }
    if !told.is_empty() {
        let line =
            |told: &Told| told.link.map_or_else(|| told.text.clone(), |(path, _)| format!("{} {path}", told.text));
        object["details"] = told.iter().map(line).collect();
    }
    object.to_string()
}

/// `90` as `2 minutes`: nobody counts along, and too early is worse than late.
fn for_people(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..=90 => (seconds, "second"),
        91..=5400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3600), "hour"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}

fn page(face: &Face, wait: Option<u64>, told: &[Told], id: &str) -> String {
    let status = face.status.as_u16();
    let reason = face.status.canonical_reason().unwrap_or("Refused");
    let text = match wait {
        Some(seconds) => format!("{} Please try again in {}.", face.text, for_people(seconds)),
        None => face.text.to_owned(),
    };
    let line = |told: &Told| {
        let link = told.link.map(|(path, name)| format!(" <a href=\"{path}\">{name}</a>")).unwrap_or_default();
        format!("<p>{}{link}</p>", escaped(&told.text))
    };
    let more: String = told.iter().map(line).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{status} {reason}</title>\
         <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1rem;\
         color-scheme:light dark}}code{{word-break:break-all}}</style></head>\
         <body><main><h1>{status} {reason}</h1><p>{text}</p>{more}\
         <p>Request id: <code>{id}</code></p></main></body></html>\n"
    )
}

/// Text within a page.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests;
