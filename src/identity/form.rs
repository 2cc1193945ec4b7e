//! Forms, their cookies, and paths to come back to: what comes from a browser, read strictly.

use aws_lc_rs::rand;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use zeroize::Zeroizing;

use crate::registry::page::{HANDOVERS, PLEDGE};

/// Where everything of Privet's own is.
pub const PREFIX: &str = "/.privet/";
/// The page for a name and a password.
pub const SIGN_IN: &str = "/.privet/sign-in";
/// The page for a one-time code.
pub const OTP: &str = "/.privet/sign-in/otp";
/// Where the page for a name and a password sends a passkey's answer.
pub const SIGN_IN_PASSKEY: &str = "/.privet/sign-in/passkey";
/// Where the page for a one-time code does.
pub const OTP_PASSKEY: &str = "/.privet/sign-in/otp/passkey";
/// The page of one's own passkeys.
pub const PASSKEYS: &str = "/.privet/passkeys";
/// Where its form to remove one goes.
pub const REMOVE_PASSKEY: &str = "/.privet/passkeys/remove";
/// The script that asks for passkeys.
pub const SCRIPT: &str = "/.privet/passkey.js";
/// The page where people say what they work for; room `access` has what is on it.
pub const PURPOSE: &str = "/.privet/purpose";
/// The page where people say why they take a file along; room `access` has what is on it.
pub const DOWNLOAD: &str = "/.privet/download";
/// The page that ends a session.
pub const SIGN_OUT: &str = "/.privet/sign-out";

/// The cookie that a form's hidden field must fit.
pub const FORM_COOKIE: &str = "__Host-privet-form";

/// The cookie that holds the language that somebody has chosen in the console.
pub const LANGUAGE_COOKIE: &str = "__Host-privet-language";

/// What the names of Privet's own cookies begin with.
const OWN_COOKIES: &[u8] = b"__Host-privet-";
/// Longest path to come back to, in bytes.
const LONGEST_RETURN: usize = 2048;
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A path of this site, to come back to, or a page of one's own: passkeys, pledge, handovers; `None` for all else. Browsers take `//x` and `/\x` for another site's.
#[must_use]
pub fn own_path(text: &str) -> Option<&str> {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    let ambiguous = path.contains("//") || path.split('/').any(|segment| segment == "." || segment == "..");
    let pages = [PASSKEYS, PLEDGE, HANDOVERS, PURPOSE, DOWNLOAD];
    let own = path == "/.privet" || path.starts_with(PREFIX) && !pages.contains(&text);
    (text.starts_with('/') && plain && !ambiguous && !own && text.len() <= LONGEST_RETURN).then_some(text)
}

/// The `Location` of `page`, which comes back to `target` afterwards where that is a path of this site.
#[must_use]
pub fn location(page: &'static str, target: &str) -> HeaderValue {
    let with = own_path(target).filter(|path| *path != "/");
    let with = with.map(|path| format!("{page}?return={}", super::forward::encoded(path)));
    with.and_then(|text| HeaderValue::from_str(&text).ok()).unwrap_or(HeaderValue::from_static(page))
}

/// The same, and the sign-in there must be a new one.
#[must_use]
pub fn anew(page: &'static str, target: &str) -> HeaderValue {
    let location = location(page, target);
    let text = location.to_str().unwrap_or(page);
    let text = format!("{text}{}fresh=1", if text.contains('?') { '&' } else { '?' });
    HeaderValue::from_str(&text).unwrap_or(location)
}

/// Where a query says to come back to; `/` where it says nothing, or another site's.
#[must_use]
pub fn return_path(query: Option<&str>) -> String {
    let fields = query.and_then(|query| Fields::parse(query.as_bytes()));
    let named = fields.as_ref().and_then(|fields| fields.one("return")).and_then(own_path);
    named.unwrap_or("/").to_owned()
}

/// The value of the one cookie called `name`; `None` where there are two.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then_some(value)
}

/// Takes Privet's own cookies out of a request: an application that had them could act as its reader. Those of `login`, which begin
/// alike, go too.
pub fn withhold_cookies(headers: &mut HeaderMap) {
    let own = |pair: &&[u8]| pair.trim_ascii_start().starts_with(OWN_COOKIES);
    let pairs = || {
        let lines = headers.get_all(header::COOKIE).iter();
        lines.flat_map(|line| line.as_bytes().split(|b| *b == b';'))
    };
    if !pairs().any(|pair| own(&pair)) {
        return;
    }
    let pairs = pairs().filter(|pair| !own(pair));
    let kept: Vec<&[u8]> = pairs.map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty()).collect();
    let kept = (!kept.is_empty()).then(|| HeaderValue::from_bytes(&kept.join(&b"; "[..])).ok()).flatten();
    headers.remove(header::COOKIE);
    if let Some(kept) = kept {
        headers.insert(header::COOKIE, kept);
    }
}

/// A cookie that only this host gets, only over TLS, and no script.
#[must_use]
pub fn set_cookie(name: &str, value: &str) -> HeaderValue {
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Ends a cookie.
#[must_use]
pub fn end_cookie(name: &str) -> HeaderValue {
    let text = format!("{name}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax");
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Random text for the form cookie; `None` when the system gives no random bytes.
#[must_use]
pub fn nonce() -> Option<String> {
    let mut bytes = [0; 24];
    rand::fill(&mut bytes).ok()?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

/// Whether a browser says that a page of this very site has sent the form, or says nothing.
#[must_use]
pub fn is_of_this_site(headers: &HeaderMap, host: &str) -> bool {
    let same = |value: &HeaderValue| value.to_str().is_ok_and(|site| site == "same-origin");
    let origin = |value: &HeaderValue| {
        let host_of = |text: &str| text.strip_prefix("https://").map(str::to_owned);
        value
            .to_str()
            .ok()
            .and_then(host_of)
            .is_some_and(|of| without_port_443(&of).eq_ignore_ascii_case(without_port_443(host)))
    };
    headers.get_all(SEC_FETCH_SITE).iter().all(same) && headers.get_all(header::ORIGIN).iter().all(origin)
}

/// Whether a browser says that it shows the answer to a person as a page of its own, or says nothing. A script of the application is of
/// this very site, but can't ask for anything in that way and read the answer: it gets no frame (`frame-ancestors`), and its windows
/// are cut off (`Cross-Origin-Opener-Policy`).
#[must_use]
pub fn is_page_of_its_own(headers: &HeaderMap) -> bool {
    headers.get_all(SEC_FETCH_DEST).iter().all(|value| value.to_str().is_ok_and(|kind| kind == "document"))
}

fn without_port_443(host: &str) -> &str {
    host.strip_suffix(":443").unwrap_or(host)
}

/// The fields of a form. Their bytes are overwritten when they go: one may be a password.
pub struct Fields(Vec<(Zeroizing<String>, Zeroizing<String>)>);

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fields({})", self.0.len())
    }
}

impl Fields {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL, section 5.1); `None` where it is not UTF-8.
    #[must_use]
    pub fn parse(body: &[u8]) -> Option<Self> {
        let pieces = body.split(|b| *b == b'&').filter(|piece| !piece.is_empty());
        let field = |piece: &[u8]| {
            let at = memchr::memchr(b'=', piece).unwrap_or(piece.len());
            Some((decoded(&piece[..at])?, decoded(piece.get(at + 1..).unwrap_or_default())?))
        };
        pieces.map(field).collect::<Option<_>>().map(Self)
    }

    /// All of them, in their order: name and value.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of the field called `name`, where there is exactly one.
    #[must_use]
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().filter(|(known, _)| known.as_str() == name);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(value.as_str())
    }
}

fn decoded(text: &[u8]) -> Option<Zeroizing<String>> {
    let hex = |at: usize| text.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
    let mut out = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut at = 0;
    while at < text.len() {
        match (text[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(high << 4 | low);
                at += 2;
            }
            (b'+', ..) => out.push(b' '),
            (b, ..) => out.push(b),
        }
        at += 1;
    }
    std::str::from_utf8(&out).ok().map(|text| Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_own_paths_are_come_back_to() {
        for own in ["/", "/a?b=c", "/a/b#c", "/search?q=http://x//y", "/.privets", PASSKEYS] {
            assert_eq!(own_path(own), Some(own));
        }
        for other in [
            "",
            "a",
            "//evil.example",
            "/\\evil.example",
            "/a\\b",
            "https://evil.example/",
            "/\tx",
            "/ x",
            "/a\r\nSet-Cookie: x",
            "/a//b",
            "/.//evil.example",
            "/a/../b",
            "/가",
            "/.privet/sign-out",
            "/.privet/passkeys/remove",
            "/.privet/passkeys?x",
            "/.privet",
        ] {
            assert_eq!(own_path(other), None, "{other}");
        }
        assert_eq!(own_path(&format!("/{}", "a".repeat(LONGEST_RETURN))), None);
    }

    #[test]
    fn a_path_survives_the_way_through_the_sign_in() {
        assert_eq!(location(SIGN_IN, "/"), SIGN_IN);
        assert_eq!(location(SIGN_IN, "//x"), SIGN_IN);
        let location = location(SIGN_IN, "/a?b=c&return=/d+e%20f");
        let query = location.to_str().expect("text").split_once('?').map(|(_, query)| query);
        assert_eq!(return_path(query), "/a?b=c&return=/d+e%20f");
        assert_eq!(return_path(Some("return=/a&return=/b")), "/");
        assert_eq!(return_path(Some("return=%2F%2Fevil.example")), "/");
        assert_eq!(return_path(None), "/");
    }

    #[test]
    fn one_cookie_of_a_name_counts() {
        let headers = headers(&[("cookie", "a=1; b=2;c=3"), ("cookie", "b=4")]);
        assert_eq!(cookie(&headers, "a"), Some("1"));
        assert_eq!(cookie(&headers, "c"), Some("3"));
        assert_eq!(cookie(&headers, "b"), None);
        assert_eq!(cookie(&headers, "d"), None);
    }

    #[test]
    fn the_application_gets_no_cookie_of_ours() {
        let kept = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = headers(pairs);
            withhold_cookies(&mut headers);
            headers
                .get_all(header::COOKIE)
                .iter()
                .map(|line| line.to_str().expect("text").to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(kept(&[("cookie", "a=1;b=2"), ("cookie", "c=3")]), ["a=1;b=2", "c=3"]);
        assert_eq!(kept(&[("cookie", "a=1; __Host-privet-session=x;b=2")]), ["a=1; b=2"]);
        assert_eq!(kept(&[("cookie", "__Host-privet-form=y"), ("cookie", "a=1")]), ["a=1"]);
        assert!(kept(&[("cookie", "__Host-privet-session=x; ")]).is_empty());
    }

    #[test]
    fn forms_of_other_sites_are_told() {
        let host = "shop.example";
        assert!(is_of_this_site(&headers(&[]), host));
        assert!(is_of_this_site(
            &headers(&[("origin", "https://shop.example"), ("sec-fetch-site", "same-origin")]),
            host
        ));
        assert!(is_of_this_site(&headers(&[("origin", "https://SHOP.example")]), "shop.example:443"));
        for (name, value) in [
            ("origin", "null"),
            ("origin", "http://shop.example"),
            ("origin", "https://shop.example:8443"),
            ("origin", "https://shop.example.evil.example"),
            ("sec-fetch-site", "same-site"),
            ("sec-fetch-site", "cross-site"),
        ] {
            assert!(!is_of_this_site(&headers(&[(name, value)]), host), "{name}: {value}");
        }
    }

    #[test]
    fn fields_are_read_and_repeated_ones_are_none() {
        let fields = Fields::parse(b"a=1&b=x%20y%2Bz+w&c=%ED%95%9C&a=2&d&%=%zz").expect("UTF-8");
        assert_eq!(fields.one("b"), Some("x y+z w"));
        assert_eq!(fields.one("c"), Some("한"));
        assert_eq!(fields.one("a"), None);
        assert_eq!(fields.one("d"), Some(""));
        assert_eq!(fields.one("%"), Some("%zz"));
        assert!(Fields::parse(b"a=%ff").is_none());
    }
}
