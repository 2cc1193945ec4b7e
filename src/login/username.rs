//! Whom an attempt is for. What two readers could take differently is not read at all: the attempt is refused.
//!
//! Applications read fields by rules of their own: PHP takes `user.name` and `user[x]` for `user_name`, Java takes a field of the query
//! before one of the body, Go's JSON takes `User` for `user`. A name is therefore folded, and a field must stand there exactly once, in
//! body and query together.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderName, header};

use super::{json, key::Account, settings::Source};

/// Why an account can't be read; for the operator's log, without anything of the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub &'static str);

const REPEATED: Unreadable = Unreadable("the account is named more than once");
const MISSING: Unreadable = Unreadable("no account is named");

/// Names by which forms and JSON bodies usually name the account.
pub const KNOWN: [&str; 14] = [
    "username",
    "email",
    "user",
    "login",
    "log",
    "j_username",
    "userid",
    "user_id",
    "user_name",
    "loginid",
    "user_login",
    "account",
    "mail",
    "id",
];

/// Reads the account of an attempt.
///
/// # Errors
/// When it is not named, named twice, or in a form that is not read.
pub fn read(source: &Source, headers: &HeaderMap, query: Option<&str>, body: &[u8]) -> Result<Account, Unreadable> {
    let name = match source {
        Source::Basic => basic(headers)?,
        Source::Header(name) => header(headers, name)?,
        Source::Query(name) => one(&[name], query, b"")?,
        Source::Form(name) => {
            is_form(headers)?;
            one(&[name], query, body)?
        }
        Source::Json(pointer) => {
            is_json(headers)?;
            let last = pointer.last().map_or("", String::as_str);
            if fields(query.unwrap_or_default().as_bytes()).any(|(name, _)| fold(&name) == fold(last.as_bytes())) {
                return Err(REPEATED);
            }
            json::member(body, pointer)?
        }
        Source::Known if is_json(headers).is_ok() => known_member(body)?,
        Source::Known => {
            is_form(headers)?;
            known_field(query, body)?
        }
    };
    Account::new(&name).ok_or(MISSING)
}

/// Whether a query names the field of `source`: some applications take it from there whatever the method.
#[must_use]
pub fn is_in_query(source: &Source, query: &str) -> bool {
    let wanted: Vec<Vec<u8>> = match source {
        Source::Form(name) | Source::Query(name) => vec![fold(name.as_bytes())],
        Source::Json(pointer) => pointer.last().map(|name| fold(name.as_bytes())).into_iter().collect(),
        // `id` and the like stand in many a query that is no attempt.
        Source::Known => KNOWN[..2].iter().map(|name| name.as_bytes().to_vec()).collect(),
        Source::Basic | Source::Header(_) => return false,
    };
    fields(query.as_bytes()).any(|(name, _)| wanted.contains(&fold(&name)))
}

fn known_field(query: Option<&str>, body: &[u8]) -> Result<String, Unreadable> {
    let present = |name: &&&str| {
        let all = fields(body).chain(fields(query.unwrap_or_default().as_bytes()));
        all.into_iter().any(|(field, _)| fold(&field) == name.as_bytes())
    };
    let name = KNOWN.iter().find(present).ok_or(MISSING)?;
    one(&[name], query, body)
}

fn known_member(body: &[u8]) -> Result<String, Unreadable> {
    for name in KNOWN {
        match json::member(body, &[name.to_owned()]) {
            Err(why) if why == json::ABSENT => {}
            outcome => return outcome,
        }
    }
    Err(MISSING)
}

/// The one field of these names, in body and query together.
fn one(names: &[&str], query: Option<&str>, body: &[u8]) -> Result<String, Unreadable> {
    let mut found = None;
    for (name, value) in fields(body).chain(fields(query.unwrap_or_default().as_bytes())) {
        let Some(wanted) = names.iter().find(|wanted| fold(&name) == fold(wanted.as_bytes())) else { continue };
        if name != wanted.as_bytes() {
            return Err(Unreadable("the account's field is named in an odd way"));
        }
        if found.replace(value).is_some() {
            return Err(REPEATED);
        }
    }
    String::from_utf8(found.ok_or(MISSING)?).map_err(|_| Unreadable("the account is not UTF-8"))
}

/// Names and values of a form, decoded (WHATWG URL, section 5.1).
fn fields(form: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    form.split(|&b| b == b'&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = match memchr::memchr(b'=', pair) {
            Some(at) => (&pair[..at], &pair[at + 1..]),
            None => (pair, &b""[..]),
        };
        (decode(name), decode(value))
    })
}

fn decode(raw: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(raw.len());
    crate::format::form::decode(raw, &mut plain);
    plain
}

/// What the laxest reader makes of a name.
fn fold(name: &[u8]) -> Vec<u8> {
    let end = name.iter().position(|b| matches!(b, 0 | b'[')).unwrap_or(name.len());
    let odd = |b: u8| if matches!(b, b' ' | b'.' | b'+') { b'_' } else { b.to_ascii_lowercase() };
    name[..end].trim_ascii().iter().map(|b| odd(*b)).collect()
}

fn is_form(headers: &HeaderMap) -> Result<(), Unreadable> {
    match media(headers)?.as_deref() {
        Some("application/x-www-form-urlencoded") => Ok(()),
        _ => Err(Unreadable("the body is no form")),
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Unreadable> {
    match media(headers)?.as_deref() {
        Some(media)
            if media == "application/json" || (media.starts_with("application/") && media.ends_with("+json")) =>
        {
            Ok(())
        }
        _ => Err(Unreadable("the body is no JSON")),
    }
}

/// The media type of a body in UTF-8 without a coding, lower case.
fn media(headers: &HeaderMap) -> Result<Option<String>, Unreadable> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return Err(Unreadable("the body is compressed"));
    }
    let mut said = headers.get_all(header::CONTENT_TYPE).iter();
    let Some(first) = said.next() else { return Ok(None) };
    if said.next().is_some() {
        return Err(Unreadable("the body has two types"));
    }
    let text = first.to_str().map_err(|_| Unreadable("the body's type is odd"))?.to_ascii_lowercase();
    let (media, parameters) = text.split_once(';').unwrap_or((&text, ""));
    let charset = parameters.split(';').find_map(|pair| pair.trim().strip_prefix("charset="));
    let plain = |name: &str| matches!(name.trim_matches('"'), "utf-8" | "utf8" | "us-ascii");
    if charset.is_some_and(|charset| !plain(charset)) {
        return Err(Unreadable("the body is in another charset than UTF-8"));
    }
    Ok(Some(media.trim().to_owned()))
}

fn basic(headers: &HeaderMap) -> Result<String, Unreadable> {
    let said = single(headers, &header::AUTHORIZATION)?;
    let (scheme, token) = said.split_once(' ').ok_or(MISSING)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Unreadable("the credentials are not Basic"));
    }
    let plain = BASE64_STANDARD.decode(token.trim()).map_err(|_| Unreadable("the credentials are no base64"))?;
    let plain = String::from_utf8(plain).map_err(|_| Unreadable("the credentials are not UTF-8"))?;
    plain.split_once(':').map(|(user, _)| user.to_owned()).ok_or(Unreadable("the credentials have no colon"))
}

fn header(headers: &HeaderMap, name: &str) -> Result<String, Unreadable> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| MISSING)?;
    single(headers, &name).map(str::to_owned)
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<&'a str, Unreadable> {
    let mut said = headers.get_all(name).iter();
    let first = said.next().ok_or(MISSING)?;
    if said.next().is_some() {
        return Err(REPEATED);
    }
    first.to_str().map_err(|_| Unreadable("the header is not ASCII"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(said: &[(&'static str, &'static str)]) -> HeaderMap {
        said.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded; charset=UTF-8");
    const JSON: (&str, &str) = ("content-type", "application/json");

    fn form(query: Option<&str>, body: &str) -> Result<Account, Unreadable> {
        read(&Source::Form("user_login".to_owned()), &headers(&[FORM]), query, body.as_bytes())
    }

    #[allow(clippy::unnecessary_wraps)] // what it is compared with
    fn alice() -> Result<Account, Unreadable> {
        Ok(Account::new("alice@example.com").expect("a name"))
    }

    #[test]
    fn a_form_names_one_account_in_one_place() {
        assert_eq!(form(None, "a=1&user_login=Alice%40example.com&pwd=x"), alice());
        assert_eq!(form(Some("next=/x"), "user%5Flogin=alice@example.com"), alice());
        for (query, body) in [
            (None, "user_login=a&user_login=b"),
            (None, "user_login=a&user.login=b"),
            (None, "user_login=a&user_login[]=b"),
            (None, "user_login=a&User_Login=b"),
            (None, "user_login=a&+user_login=b"),
            (None, "user_login=a&user_login%00x=b"),
            (Some("user_login=b"), "user_login=a"),
            (None, "user.login=a"),
            (None, "user_login="),
            (None, "user_login=%ff"),
            (None, ""),
        ] {
            assert!(form(query, body).is_err(), "{query:?} {body}");
        }
    }

    #[test]
    fn a_body_that_is_not_plain_is_not_read() {
        let source = Source::Form("user".to_owned());
        let read =
            |said: &[(&'static str, &'static str)]| read(&source, &headers(said), None, b"user=alice@example.com");
        assert_eq!(read(&[FORM]), alice());
        for odd in [
            &[][..],
            &[JSON],
            &[("content-type", "multipart/form-data; boundary=x")],
            &[FORM, ("content-encoding", "gzip")],
            &[("content-type", "application/x-www-form-urlencoded; charset=utf-16")],
        ] {
            assert!(read(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn json_basic_headers_and_well_known_names() {
        let pointer = Source::Json(vec!["user".to_owned(), "mail".to_owned()]);
        let body = br#"{"user":{"mail":"alice@example.com"},"password":"x"}"#;
        assert_eq!(read(&pointer, &headers(&[JSON]), None, body), alice());
        assert!(read(&pointer, &headers(&[JSON]), Some("mail=x"), body).is_err());
        // alice@example.com:x
        let basic = headers(&[("authorization", "basic YWxpY2VAZXhhbXBsZS5jb206eA==")]);
        assert_eq!(read(&Source::Basic, &basic, None, b""), alice());
        assert!(read(&Source::Basic, &headers(&[("authorization", "Bearer x")]), None, b"").is_err());
        let header = Source::Header("x-user".to_owned());
        assert_eq!(read(&header, &headers(&[("x-user", "alice@example.com")]), None, b""), alice());
        assert_eq!(read(&Source::Known, &headers(&[FORM]), None, b"csrf=1&email=alice@example.com"), alice());
        assert_eq!(read(&Source::Known, &headers(&[JSON]), None, br#"{"email":"alice@example.com"}"#), alice());
        assert!(read(&Source::Known, &headers(&[FORM]), None, b"a=1").is_err());
    }

    #[test]
    fn a_query_can_hold_an_attempt() {
        let source = Source::Form("user".to_owned());
        assert!(
            is_in_query(&source, "a=b&us%65r=x") && is_in_query(&source, "user[]=x") && !is_in_query(&source, "a=user")
        );
    }
}
