//! The gate of a route: who asks, and whether they may pass; and Privet's own pages, where people sign in.
//!
//! Everything below `/.privet/` is Privet's own on every host, and never reaches an application. What an application is told about who
//! asks stands in headers that no client can send.

use std::{rc::Rc, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header, request::Parts};

use crate::{
    access,
    common::{clock, watch::Watch},
    gateway::{
        Gateway, access as gateway_access,
        body::Body,
        client::Client,
        download,
        head::Head,
        incoming::Incoming,
        plan::Line,
        record::Record,
        redirect,
        refusal::{Kind, Look, More, Refusal},
        request_body::RequestBody,
        upload::Upload,
    },
    identity::{self, Ask, Need, Principal, Realm, form::PREFIX, forward, principal, serve},
    incident::notice::{Notices, page},
    observe::route_counts,
};

const SAFEGUARD: &str = "gate";

/// Whether a path is Privet's own.
#[must_use]
pub fn is_own(path: &str) -> bool {
    let prefix = PREFIX.trim_end_matches('/');
    let start = path.get(..prefix.len());
    let rest = path.get(prefix.len()..).unwrap_or_default();
    start.is_some_and(|start| start.eq_ignore_ascii_case(prefix)) && (rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request for one of Privet's own pages, by the realm of the host's gated routes.
///
/// # Errors
/// When the host has no realm, or the request can't be read.
pub async fn own(
    gateway: &Gateway,
    client: &Client,
    watch: &Rc<Watch>,
    head: &Head,
    parts: &Parts,
    body: Incoming,
    upload: &Rc<Upload>,
) -> Result<Response<Body>, Refusal> {
    if !client.secure {
        return Ok(redirect::to_https(head, gateway.plan.redirect_port)?);
    }
    if let Some(notices) = gateway.plan.notices.as_ref().filter(|_| page::is_of(head.target.path())) {
        return posted(notices, head, parts);
    }
    let realm = gateway.plan.realm_of(head).ok_or(Kind::NoRoute)?;
    let mut body = RequestBody::new(body, upload, watch, gateway.plan.own_upload(serve::BODY_LIMIT as u64));
    let body = body.collect(serve::BODY_LIMIT).await?;
    let mut request = Request::builder()
        .method(&parts.method)
        .uri(head.target.as_str())
        .body(body)
        .map_err(|_| Kind::Framing("the request target can't be read"))?;
    *request.headers_mut() = parts.headers.clone();
    let host = head.host.to_str().unwrap_or_default().to_owned();
    let client_certificate = client.handshake.as_ref().and_then(|handshake| handshake.client_certificate.clone());
    let call = serve::Call { request, host, address: head.address, client_certificate, now: clock::now() };
    if let (access::page::PATH, Some(authority)) = (head.target.path(), &gateway.plan.authority) {
        return Ok(gateway_access::serve_purpose(authority, realm, &call).await.map(Body::full));
    }
    if let (access::download::PATH, Some(authority)) = (head.target.path(), &gateway.plan.authority) {
        return Ok(download::serve_page(authority, realm, &call).await.map(Body::full));
    }
    Ok(realm.serve(call).await.map(Body::full))
}

/// Answers a request for a notice that everybody may see, on every host.
fn posted(notices: &Notices, head: &Head, parts: &Parts) -> Result<Response<Body>, Refusal> {
    let request = Request::builder().method(&parts.method).uri(head.target.as_str()).body(Bytes::new());
    let mut request = request.map_err(|_| Kind::Framing("the request target can't be read"))?;
    *request.headers_mut() = parts.headers.clone();
    Ok(page::serve(&notices.state(), &request, clock::now().into()).map(Body::full))
}

/// Who asks, on a route with a gate. What the application is told about them is put into `parts`.
///
/// # Errors
/// When they may not pass, or must sign in first and are no browser.
pub async fn check(
    line: &Line,
    client: &Client,
    head: &Head,
    parts: &mut Parts,
    record: &mut Record,
) -> Result<Passed, Refusal> {
    let (Some(gate), Some(realm)) = (&line.route.gate, &line.realm) else { return Err(Kind::Gate.into()) };
    let now = clock::now();
    let certificate = client.handshake.as_ref().and_then(|handshake| handshake.client_certificate.as_ref());
    let ask = Ask {
        headers: &parts.headers,
        client_certificate: certificate,
        address: head.address,
        now,
        target: if parts.method.is_safe() { head.target.as_str() } else { "/" },
        wants_html: wants_html(parts),
    };
    let identified = match head.probe.as_deref().and_then(|probe| probe.principal(now)) {
        Some(principal) => realm.weigh(principal, &ask, gate),
        None => realm.identify(&ask, gate).await,
    };
    let need = match identified {
        Ok(principal) => {
            record.verdict(SAFEGUARD, "pass");
            record.principal(recognised(&principal));
            introduce(&principal, realm, line, &mut parts.headers, gate.token);
            return Ok(Passed::Known(principal));
        }
        Err(need) => need,
    };
    record.verdict(SAFEGUARD, verdict(&need));
    refuse(need, ask.wants_html).map(|answer| Passed::Elsewhere(Box::new(answer)))
}

/// What becomes of a request at a gate.
#[derive(Debug)]
pub enum Passed {
    /// It goes on, and this is who asks.
    Known(Arc<Principal>),
    /// A browser is sent to sign in.
    Elsewhere(Box<Response<Body>>),
}

/// How somebody was recognised, as metrics tell it.
fn recognised(principal: &Principal) -> route_counts::Kind {
    match principal.methods.first() {
        Some(principal::Method::Oidc) => route_counts::Kind::Oidc,
        Some(principal::Method::Jwt) => route_counts::Kind::Jwt,
        Some(principal::Method::Certificate) => route_counts::Kind::Certificate,
        Some(principal::Method::Basic) => route_counts::Kind::Basic,
        _ => route_counts::Kind::Staff,
    }
}

fn verdict(need: &Need) -> &'static str {
    match need {
        Need::SignIn { .. } => "sign_in",
        Need::StepUp { .. } => "step_up",
        Need::Forbidden => "forbidden",
        Need::Wait { .. } => "wait",
    }
}

fn refuse(need: Need, browser: bool) -> Result<Response<Body>, Refusal> {
    match need {
        Need::SignIn { location, .. } | Need::StepUp { location } if browser => Ok(see_other(location)),
        Need::SignIn { challenge, .. } => {
            let headers = HeaderMap::from_iter([(header::WWW_AUTHENTICATE, challenge)]);
            let more = Some(Box::new(More { headers, ..More::default() }));
            Err(Refusal { kind: Kind::SignIn, source: None, more })
        }
        Need::StepUp { .. } => Err(Kind::StepUp.into()),
        Need::Forbidden => Err(Kind::Role.into()),
        Need::Wait { retry_after } => {
            let more = Some(Box::new(More { wait: Some(retry_after), ..More::default() }));
            Err(Refusal { kind: Kind::LoginLimited, source: None, more })
        }
    }
}

fn see_other(location: HeaderValue) -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::SEE_OTHER;
    answer.headers_mut().insert(header::LOCATION, location);
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// A page is asked for by a person; what a script fetches could do nothing with a page to sign in.
pub(super) fn wants_html(parts: &Parts) -> bool {
    let navigates = parts.headers.get("sec-fetch-mode").is_none_or(|mode| mode == "navigate");
    let method = matches!(parts.method, Method::GET | Method::HEAD | Method::POST);
    navigates && method && Look::of(parts.headers.get(header::ACCEPT)) == Look::Html
}

fn introduce(principal: &Principal, realm: &Realm, line: &Line, headers: &mut HeaderMap, token: bool) {
    let signer = token.then(|| (realm.signer(), line.route.name.as_str()));
    // What has proved to us who asks is not for the application: whoever reads it there could ask in their name.
    if principal.methods.iter().any(|method| matches!(method, identity::Method::Jwt | identity::Method::Basic)) {
        headers.remove(header::AUTHORIZATION);
    }
    for (name, value) in forward::headers(principal, signer, clock::now()) {
        headers.insert(name, value);
    }
}

/// Keeps shared caches from giving one person's page to another.
pub fn keep_private(headers: &mut HeaderMap) {
    let said = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let private = said.flat_map(|line| line.split(',')).any(|word| {
        let word = word.trim();
        word.eq_ignore_ascii_case("private") || word.eq_ignore_ascii_case("no-store")
    });
    if !private {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_paths_are_known_in_any_case() {
        for path in ["/.privet/sign-in", "/.privet/", "/.privet", "/.PRIVET/x"] {
            assert!(is_own(path), "{path}");
        }
        for path in ["/", "/.privetx", "/a/.privet/", "/.well-known/x", "/.pri", ""] {
            assert!(!is_own(path), "{path}");
        }
    }

    #[test]
    fn gated_answers_stay_out_of_shared_caches() {
        let after = |said: &'static str| {
            let mut headers = HeaderMap::from_iter([(header::CACHE_CONTROL, HeaderValue::from_static(said))]);
            keep_private(&mut headers);
            headers[header::CACHE_CONTROL].to_str().expect("text").to_owned()
        };
        assert_eq!(after("public, max-age=60"), "private");
        assert_eq!(after("no-store"), "no-store");
        assert_eq!(after("max-age=5, Private"), "max-age=5, Private");
    }
}
