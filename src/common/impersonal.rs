//! Which fields of a head may be remembered from one message to the next.

use http::HeaderName;

/// Fields whose values say nothing of a person, in order.
const IMPERSONAL: [&str; 51] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "accept-ranges",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-origin",
    "access-control-expose-headers",
    "age",
    "allow",
    "alt-svc",
    "cache-control",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "dnt",
    "etag",
    "expires",
    "host",
    "keep-alive",
    "last-modified",
    "origin",
    "permissions-policy",
    "pragma",
    "priority",
    "referrer-policy",
    "sec-ch-ua",
    "sec-ch-ua-mobile",
    "sec-ch-ua-platform",
    "sec-fetch-dest",
    "sec-fetch-mode",
    "sec-fetch-site",
    "sec-fetch-user",
    "server",
    "strict-transport-security",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade-insecure-requests",
    "user-agent",
    "vary",
    "via",
    "x-content-type-options",
    "x-powered-by",
    "x-request-id",
];

/// Whether what `name` says is never about a person.
#[must_use]
pub fn is_impersonal(name: &HeaderName) -> bool {
    IMPERSONAL.binary_search(&name.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_searched_by_its_order() {
        assert!(IMPERSONAL.is_sorted());
        assert!(is_impersonal(&http::header::DATE) && !is_impersonal(&http::header::SET_COOKIE));
    }
}
