//! The head of the application's answer on its way to the client: what makes an application that knows nothing of TLS safe
//! to use over TLS.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use crate::{
    common::authority::Authority,
    gateway::{
        head::{Head, tokens},
        route,
        settings::{CookieRules, Route, SameSite, UrlPrivacy},
        url,
    },
};

/// Cleans and hardens the head of an answer.
pub fn harden(
    headers: &mut HeaderMap,
    status: StatusCode,
    route: &Route,
    head: &Head,
    secure: bool,
    inner_host: &HeaderValue,
) {
    clean(headers, status);
    dress(headers, route);
    if secure {
        if let Some(hsts) = &route.hsts
            && !head.is_bare
        {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
        if headers.contains_key(header::SET_COOKIE) {
            harden_cookies(headers, &route.cookies);
        }
    }
    if route.url_privacy == UrlPrivacy::Strip {
        url::hold_referrer(headers);
    }
    if let Some(location) = headers.get(header::LOCATION)
        && let Some(better) = relocate(location, route, head, secure, inner_host)
    {
        headers.insert(header::LOCATION, better);
    }
}

/// Whether an answer's end can be told in one way only. hyper is lenient here, and its reading would be lost on the client.
#[must_use]
pub fn is_framed_once(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match codings.next() {
        None => true,
        Some(coding) => {
            coding.as_bytes().eq_ignore_ascii_case(b"chunked")
                && codings.next().is_none()
                && !headers.contains_key(header::CONTENT_LENGTH)
        }
    }
}

/// Takes off what nobody is to get, and adds what the application has left out.
fn dress(headers: &mut HeaderMap, route: &Route) {
    for name in &route.hidden {
        headers.remove(name);
    }
    for (name, value) in &route.headers {
        if !headers.contains_key(name) {
            headers.insert(name, value.clone());
        }
    }
}

/// `Keep-Alive`
pub const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Removes what belongs to the hop between Privet and the application (RFC 9110, section 7.6.1). Most answers have one such header or none:
/// all are looked at once, and only those that are there are removed.
fn clean(headers: &mut HeaderMap, status: StatusCode) {
    const OF_ONE_HOP: [HeaderName; 4] = [KEEP_ALIVE, PROXY_CONNECTION, header::TRANSFER_ENCODING, header::UPGRADE];
    let mut there = [false; 4];
    let mut connection = false;
    for name in headers.keys() {
        connection |= *name == header::CONNECTION;
        for (there, of_one_hop) in there.iter_mut().zip(&OF_ONE_HOP) {
            *there |= name == of_one_hop;
        }
    }
    if connection {
        remove_nominated(headers);
    }
    for (name, _) in OF_ONE_HOP.into_iter().zip(there).filter(|(_, there)| *there) {
        if name != header::UPGRADE || status != StatusCode::SWITCHING_PROTOCOLS {
            headers.remove(name);
        }
    }
}

/// Removes `Connection` and what it names. Most applications say no more than whether they keep it open.
fn remove_nominated(headers: &mut HeaderMap) {
    let plain = |value: &HeaderValue| {
        [&b"keep-alive"[..], b"close"].iter().any(|word| value.as_bytes().eq_ignore_ascii_case(word))
    };
    if !headers.get_all(header::CONNECTION).iter().all(plain) {
        let nominated: Vec<HeaderName> = tokens(headers, &header::CONNECTION)
            .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
            .filter(|name| *name != header::CONTENT_LENGTH && *name != header::SET_COOKIE)
            .collect();
        for name in nominated {
            headers.remove(name);
        }
    }
    headers.remove(header::CONNECTION);
}

/// Adds to each cookie the attributes that it lacks.
fn harden_cookies(headers: &mut HeaderMap, rules: &CookieRules) {
    let cookies: Vec<HeaderValue> = headers
        .get_all(header::SET_COOKIE)
        .iter()
        // Cookies of Privet's name are Privet's to give.
        .filter(|cookie| !cookie.as_bytes().trim_ascii_start().starts_with(b"__Host-privet-"))
        .map(|cookie| harden_cookie(cookie, rules).unwrap_or_else(|| cookie.clone()))
        .collect();
    headers.remove(header::SET_COOKIE);
    for cookie in cookies {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// One cookie (RFC 6265bis, section 4.1); `None` when it lacks nothing.
fn harden_cookie(cookie: &HeaderValue, rules: &CookieRules) -> Option<HeaderValue> {
    let bytes = cookie.as_bytes();
    let mut attributes = bytes.split(|&b| b == b';');
    let name = attributes.next()?.split(|&b| b == b'=').next()?.trim_ascii();
    let (mut secure, mut http_only, mut same_site) = (false, false, false);
    for attribute in attributes {
        let key = attribute.split(|&b| b == b'=').next().unwrap_or_default().trim_ascii();
        secure |= key.eq_ignore_ascii_case(b"secure");
        http_only |= key.eq_ignore_ascii_case(b"httponly");
        same_site |= key.eq_ignore_ascii_case(b"samesite");
    }
    let readable = || rules.script_readable.iter().any(|n| n.as_bytes() == name);
    let mut added = Vec::new();
    if rules.secure && !secure {
        added.extend_from_slice(b"; Secure");
    }
    if rules.http_only && !http_only && !readable() {
        added.extend_from_slice(b"; HttpOnly");
    }
    if let (Some(value), false) = (rules.same_site, same_site) {
        added.extend_from_slice(match value {
            SameSite::Strict => b"; SameSite=Strict",
            SameSite::Lax => b"; SameSite=Lax",
            SameSite::None => b"; SameSite=None",
        });
    }
    if added.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&[bytes, &added].concat()).ok()
}

/// A `Location` of our own hosts over cleartext, or under the application's own address or path, as the client must see it.
fn relocate(
    location: &HeaderValue,
    route: &Route,
    head: &Head,
    secure: bool,
    inner_host: &HeaderValue,
) -> Option<HeaderValue> {
    let text = location.to_str().ok()?;
    let outer = head.host.to_str().ok()?;
    if text.starts_with('/') && !text.starts_with("//") {
        return route::restore(route, text).and_then(|path| HeaderValue::from_str(&path).ok());
    }
    if !route.rewrite_location {
        return None;
    }
    let (scheme, rest) = text.split_once("://")?;
    let cleartext = scheme.eq_ignore_ascii_case("http");
    if !cleartext && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let named = Authority::parse(authority)?;
    let own = Authority::parse(outer)?;
    let is_inner = authority.as_bytes().eq_ignore_ascii_case(inner_host.as_bytes());
    let is_own = named.key() == own.key() && (cleartext || named.port == own.port);
    if !is_inner && !is_own {
        return None;
    }
    let path = route::restore(route, path).map_or(Cow::Borrowed(path), Cow::Owned);
    let scheme = if secure { "https" } else { "http" };
    HeaderValue::from_str(&format!("{scheme}://{outer}{path}")).ok()
}

#[cfg(test)]
mod tests;
