//! What an answer to an attempt shows: where it leads, which cookies it sets.

use http::{HeaderMap, StatusCode, header};

/// Where the answer redirects to, if it does.
pub(super) fn location(status: StatusCode, headers: &HeaderMap) -> Option<&[u8]> {
    let redirects = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    headers.get(header::LOCATION).filter(|_| redirects).map(http::HeaderValue::as_bytes)
}

/// A location from its path on.
pub(super) fn from_path(location: &[u8]) -> &[u8] {
    let end = location.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(location.len());
    let authority = memchr::memmem::find(&location[..end], b"//").filter(|at| *at == 0 || location[at - 1] == b':');
    let Some(at) = authority else { return location };
    let rest = &location[at + 2..];
    rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).map_or(b"/", |start| &rest[start..])
}

/// Whether `location` is the path of the login itself, whatever the query.
pub(super) fn leads_back(location: &[u8], login: &str) -> bool {
    let start = from_path(location);
    let end = start.iter().position(|b| matches!(b, b'?' | b'#')).unwrap_or(start.len());
    let path = &start[..end];
    let folder = login.rfind('/').map_or("", |slash| &login[..=slash]);
    let whole = match path {
        b"" => return true,
        [b'/', ..] => path.to_vec(),
        _ => [folder.as_bytes(), path.strip_prefix(b"./").unwrap_or(path)].concat(),
    };
    let trimmed = |path: &[u8]| path.iter().rposition(|b| *b != b'/').map_or(0, |last| last + 1);
    whole[..trimmed(&whole)].eq_ignore_ascii_case(&login.as_bytes()[..trimmed(login.as_bytes())])
}

/// Names of cookies that are set. One that is taken away is not.
pub(super) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::SET_COOKIE).iter().filter_map(|value| {
        let text = value.to_str().ok()?;
        let mut parts = text.split(';');
        let (name, content) = parts.next()?.split_once('=')?;
        let removes = parts.any(|attribute| {
            let attribute = attribute.trim().to_ascii_lowercase();
            let (name, value) = attribute.split_once('=').unwrap_or((&attribute, ""));
            match name.trim() {
                "max-age" => value.trim().parse::<i64>().is_ok_and(|age| age <= 0),
                "expires" => value.contains("1970"),
                _ => false,
            }
        });
        let empty = matches!(content.trim().trim_matches('"'), "" | "deleted" | "deleteMe");
        (!removes && !empty).then(|| name.trim())
    })
}

/// Whether one of the cookies is called so; a `*` at the end of `name` is any rest.
pub(super) fn sets(headers: &HeaderMap, name: &str) -> bool {
    cookies(headers).any(|cookie| match name.strip_suffix('*') {
        Some(start) => cookie.starts_with(start),
        None => cookie == name,
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_redirect_leads_back_however_it_is_written() {
        for back in [
            "/login",
            "/login/",
            "/Login?error=1",
            "?error",
            "#top",
            "login?x",
            "./login",
            "https://shop.example/login",
            "//shop.example/login?x=http://a/b",
            "",
        ] {
            assert!(leads_back(back.as_bytes(), "/login"), "{back}");
        }
        for away in ["/", "/account", "/login/step2", "account?next=/login", "https://login", "/a?x=//b/login"] {
            assert!(!leads_back(away.as_bytes(), "/login"), "{away}");
        }
        assert!(leads_back(b"signin", "/user/signin") && !leads_back(b"signin", "/signin/user"));
    }

    #[test]
    fn cookies_that_are_taken_away_are_not_set() {
        let mut headers = HeaderMap::new();
        for value in [
            "sid=1; Path=/",
            "old=; Path=/",
            "gone=x; Max-Age=0",
            "past=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "wp_in_7f=a",
        ] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(value));
        }
        assert_eq!(cookies(&headers).collect::<Vec<_>>(), ["sid", "wp_in_7f"]);
        assert!(sets(&headers, "wp_in_*") && sets(&headers, "sid") && !sets(&headers, "si") && !sets(&headers, "gone"));
    }
}
