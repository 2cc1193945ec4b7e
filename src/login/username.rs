//! Whose account a request names: from a form, JSON, Basic credentials or a header.
//!
//! Two readers of one body must never see two accounts, for the one that is counted would shield the other. So names are compared as the
//! most lenient application compares them (`name`), a field that stands twice (in the query and the body, too) is refused, and what
//! can't be read whole is refused as well.

mod form;
mod json;
mod name;
mod unreadable;
mod wanted;

use std::borrow::Cow;

use base64::{Engine as _, engine};
use http::{HeaderMap, HeaderValue, header};
use zeroize::Zeroizing;

pub(super) use self::name::canonical;
pub use self::unreadable::Unreadable;
use self::wanted::{Found, Wanted, is_utf8};
use super::settings::{Place, Username};
use crate::format::Media;

/// The canonical username of a request. `body` is the whole body.
///
/// # Errors
/// When it can't be read without doubt.
pub fn read(
    source: &Username,
    limit: usize,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<String, Unreadable> {
    match source {
        Username::Basic => canonical(&basic(headers)?),
        Username::Header(name) => canonical(only(headers, name)?.as_bytes()),
        Username::Form(name) => canonical(&field(Wanted::Form(name), limit, query, headers, body)?),
        Username::Json(place) => canonical(&field(Wanted::Json(place), limit, query, headers, body)?),
        Username::Guess => canonical(&field(Wanted::Usual, limit, query, headers, body)?),
    }
}

/// The password of a request, as it was sent; `None` where it can't be told without doubt.
#[must_use]
pub fn password(
    place: &Place,
    limit: usize,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let wanted = match place {
        Place::Form(name) => Wanted::Form(name),
        Place::Json(place) => Wanted::Json(place),
    };
    field(wanted, limit, query, headers, body).ok().filter(|password| !password.is_empty())
}

/// The one value of a field.
fn field(
    wanted: Wanted<'_>,
    limit: usize,
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    if body.len() > limit {
        return Err(Unreadable::TooLarge);
    }
    let mut found = Found::default();
    form::urlencoded(query.unwrap_or_default().as_bytes(), wanted, &mut found)?;
    if !body.is_empty() {
        from_body(wanted, headers, body, &mut found)?;
    }
    match (found.values.pop(), found.values.is_empty()) {
        _ if found.odd => Err(Unreadable::Ambiguous),
        (None, _) => Err(Unreadable::Missing),
        (Some(value), true) => Ok(value),
        _ => Err(Unreadable::Ambiguous),
    }
}

fn from_body(wanted: Wanted<'_>, headers: &HeaderMap, body: &[u8], found: &mut Found) -> Result<(), Unreadable> {
    if headers.get_all(header::CONTENT_ENCODING).iter().any(|coding| coding != "identity") {
        return Err(Unreadable::Coded);
    }
    let kind = only(headers, &header::CONTENT_TYPE).map_err(|_| Unreadable::Type)?;
    let kind = kind.to_str().map_err(|_| Unreadable::Type)?.to_ascii_lowercase();
    if !is_utf8(&kind) {
        return Err(Unreadable::Charset);
    }
    match (Media::of(&kind), wanted) {
        (Some(Media::Json), Wanted::Json(_) | Wanted::Usual) => json::read(body, wanted, found),
        (Some(Media::Form), Wanted::Form(_) | Wanted::Usual) => form::urlencoded(body, wanted, found),
        _ => Err(Unreadable::Type),
    }
}

/// The one value of a header.
fn only<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Result<&'h HeaderValue, Unreadable> {
    let mut values = headers.get_all(name).iter();
    let first = values.next().ok_or(Unreadable::Missing)?;
    if values.next().is_some() { Err(Unreadable::Ambiguous) } else { Ok(first) }
}

/// The credentials after `Basic`, where there are such (RFC 7617).
#[must_use]
pub fn basic_credentials(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, rest) = value.as_bytes().split_at_checked(5)?;
    let separated = rest.first().is_none_or(|b| matches!(b, b' ' | b'\t'));
    (scheme.eq_ignore_ascii_case(b"basic") && separated).then(|| rest.trim_ascii())
}

fn basic(headers: &HeaderMap) -> Result<Vec<u8>, Unreadable> {
    const LENIENT: engine::GeneralPurpose = engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        engine::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(engine::DecodePaddingMode::Indifferent),
    );
    let value = only(headers, &header::AUTHORIZATION)?;
    let coded = basic_credentials(value).ok_or(Unreadable::Missing)?;
    let mut plain = LENIENT.decode(coded).map_err(|_| Unreadable::Malformed)?;
    let colon = memchr::memchr(b':', &plain).ok_or(Unreadable::Malformed)?;
    // The password is not for us.
    plain[colon..].fill(0);
    plain.truncate(colon);
    Ok(plain)
}

/// Whether a query names an account and something like a password, as a login by GET does.
#[must_use]
pub fn is_in_query(source: &Username, query: &str) -> bool {
    let wanted = match source {
        Username::Form(name) => Wanted::Form(name),
        Username::Guess => Wanted::Usual,
        // Some readers take a member of the body from the query as well.
        Username::Json(place) => Wanted::Form(place.last().map_or("", String::as_str)),
        Username::Basic | Username::Header(_) => return false,
    };
    let secret = |name: &[u8]| {
        let name = String::from_utf8_lossy(name).to_lowercase();
        ["pass", "pwd", "pw", "secret", "pin", "code", "otp", "token", "credential"]
            .iter()
            .any(|word| name.contains(word))
    };
    let (mut account, mut password) = (false, false);
    for pair in query.split(['&', ';']) {
        let name: Cow<'_, [u8]> = form::decoded(pair.split('=').next().unwrap_or_default().as_bytes());
        account |= wanted.is_field(&name);
        password |= secret(&name);
    }
    account && password
}

#[cfg(test)]
mod tests;
