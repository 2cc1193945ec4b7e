//! What a cleartext request gets: an answer to an ACME challenge, a redirect to https, or a refusal.

use std::path::Path;

use http::{HeaderValue, Response, StatusCode, header, request::Parts};
use http_body::Body as HttpBody;

use crate::{
    common::authority::Authority,
    gateway::{
        body::Body,
        client::Client,
        head::Head,
        refusal::Kind,
        settings::{Cleartext, Route},
    },
    tls::acme::{self, Challenges},
};

const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// The answer to an ACME HTTP-01 challenge (RFC 8555, section 8.3), where one of ours is pending, or its file lies in `webroot`.
#[must_use]
pub fn challenge(client: &Client, head: &Head, pending: &Challenges, webroot: Option<&Path>) -> Option<Response<Body>> {
    if client.secure {
        return None;
    }
    let token = head.target.path().strip_prefix(CHALLENGES)?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if token.is_empty() || !token.bytes().all(plain) {
        return None;
    }
    // As certbot's webroot and others lay it out. A few hundred bytes, a few times a year: read in place.
    let laid_out = || acme::challenge::read_text(&webroot?.join(&CHALLENGES[1..]).join(token));
    let text = pending.text(token).map(|text| text.to_vec()).or_else(laid_out)?;
    let mut answer = Response::new(Body::full(text));
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Some(answer)
}

/// What `route` has for a cleartext request; `None` for a request over TLS, and where the application may answer.
///
/// # Errors
/// When the route refuses cleartext.
pub fn cleartext(client: &Client, route: &Route, head: &Head, port: u16) -> Result<Option<Response<Body>>, Kind> {
    if client.secure {
        return Ok(None);
    }
    match route.cleartext {
        Cleartext::Serve => Ok(None),
        Cleartext::Refuse => Err(Kind::Cleartext),
        Cleartext::Redirect => to_https(head, port).map(Some),
    }
}

/// What a cleartext request to a route that is served over TLS alone has given away to whoever listens: it was sent before it could be told.
#[must_use]
pub fn exposes(client: &Client, route: &Route, parts: &Parts, body: &impl HttpBody) -> Option<&'static str> {
    if client.secure || route.cleartext == Cleartext::Serve {
        return None;
    }
    if parts.headers.contains_key(header::AUTHORIZATION) {
        return Some("credentials");
    }
    (!parts.method.is_safe() && !body.is_end_stream()).then_some("form")
}

/// The same page over TLS. 308 keeps the method (RFC 9110, section 15.4.9).
///
/// # Errors
/// When host or target can't stand in a URL.
pub fn to_https(head: &Head, port: u16) -> Result<Response<Body>, Kind> {
    let host =
        head.host.to_str().ok().and_then(Authority::parse).ok_or(Kind::Host("the Host is not a host and a port"))?;
    let port = if port == 443 { String::new() } else { format!(":{port}") };
    let location = format!("https://{}{port}{}", host.host, head.target);
    let location = HeaderValue::from_str(&location)
        .map_err(|_| Kind::Framing("the request target holds a byte that it must not"))?;
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::PERMANENT_REDIRECT;
    answer.headers_mut().insert(header::LOCATION, location);
    Ok(answer)
}
