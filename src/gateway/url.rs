//! Personal data in URLs, by route: refused, or kept out of what others are told by `Referer`.

use http::{HeaderMap, HeaderValue, header};

use crate::{
    common::authority::Authority,
    gateway::{head::Head, plan::Line, record::Record, refusal::Kind, settings::UrlPrivacy},
    observe::access_log::url::{Cleaner, Sightings},
};

/// Policies by which another site is told our origin at most (Referrer Policy, section 3).
const STRICT: &[&str] = &[
    "no-referrer",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
];

/// Refuses a request whose path or query holds personal data, where the route says so.
///
/// # Errors
/// When it does.
pub fn check(line: &Line, head: &Head, record: &mut Record) -> Result<(), Kind> {
    if line.route.url_privacy != UrlPrivacy::Reject {
        return Ok(());
    }
    let upload = record.upload();
    let _step = upload.step("url check");
    let (mut found, mut scratch, mut scrap) = (Sightings::default(), line.scratch.borrow_mut(), Vec::new());
    Cleaner { engine: &line.engine, found: &mut found, scratch: &mut scratch, referrer: false }
        .target(head.target.as_str().as_bytes(), &mut scrap);
    if found.is_empty() {
        return Ok(());
    }
    record.verdict("url_privacy", "reject");
    Err(Kind::UrlPrivacy)
}

/// Cuts a `Referer` that names another host than the request's own down to its origin: the application behind this route is
/// an other to that page.
pub fn strip(headers: &mut HeaderMap, host: &HeaderValue) {
    let Some(referrer) = headers.get(header::REFERER) else { return };
    let stripped = match origin(referrer) {
        Some((_, authority)) if authority.eq_ignore_ascii_case(host.to_str().unwrap_or_default()) => return,
        // An Android application, or something of no known form, which is told to nobody.
        None => None,
        Some((scheme, authority)) => HeaderValue::from_str(&format!("{scheme}://{authority}/")).ok(),
    };
    match stripped {
        Some(value) => headers.insert(header::REFERER, value),
        None => headers.remove(header::REFERER),
    };
}

/// Scheme and authority of an `http` or `https` referrer without credentials.
fn origin(referrer: &HeaderValue) -> Option<(&'static str, &str)> {
    let (scheme, rest) = referrer.to_str().ok()?.split_once("://")?;
    let scheme = ["https", "http"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    Authority::parse(authority).map(|_| (scheme, authority))
}

/// Sets `Referrer-Policy` unless the application's own is as strict.
///
/// On every answer of the route, whether its URL holds anything or not: a detector can't know every value, a page of a clean
/// URL may rewrite its own (`history.pushState`), and one rule for a route is one that an operator can check.
pub fn hold_referrer(headers: &mut HeaderMap) {
    // The last policy that a browser knows counts; older ones know fewer.
    let strict = |value: &HeaderValue| {
        value.to_str().is_ok_and(|text| {
            text.split(',').all(|word| STRICT.iter().any(|policy| word.trim().eq_ignore_ascii_case(policy)))
        })
    };
    let mut said = headers.get_all(header::REFERRER_POLICY).iter().peekable();
    if said.peek().is_some() && said.all(strict) {
        return;
    }
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stripped(referrer: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(header::REFERER, HeaderValue::from_str(referrer).expect("a value"));
        strip(&mut headers, &HeaderValue::from_static("shop.example"));
        headers.get(header::REFERER).map(|value| value.to_str().expect("text").to_owned())
    }

    #[test]
    fn others_see_the_origin_at_most() {
        assert_eq!(stripped("https://shop.example/a?b=c").as_deref(), Some("https://shop.example/a?b=c"));
        assert_eq!(stripped("https://crm.example:8443/kim?x=1#y").as_deref(), Some("https://crm.example:8443/"));
        assert_eq!(stripped("https://kim:pw@shop.example/"), None);
        assert_eq!(stripped("android-app://kim"), None);
        assert_eq!(stripped("/relative"), None);
    }

    #[test]
    fn a_stricter_policy_of_the_application_stays() {
        let policy = |said: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::REFERRER_POLICY, HeaderValue::from_static(said));
            hold_referrer(&mut headers);
            headers[header::REFERRER_POLICY].to_str().expect("text").to_owned()
        };
        assert_eq!(policy("no-referrer"), "no-referrer");
        assert_eq!(policy("no-referrer, same-origin"), "no-referrer, same-origin");
        for loose in ["unsafe-url", "no-referrer, unsafe-url", "no-referrer-when-downgrade", ""] {
            assert_eq!(policy(loose), "strict-origin-when-cross-origin", "{loose}");
        }
    }
}
