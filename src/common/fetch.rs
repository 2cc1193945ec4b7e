//! Whether a browser says that another site's page has made it ask (Fetch Metadata, <https://www.w3.org/TR/fetch-metadata/>).

use http::HeaderMap;

/// Whether `headers` are of a request that a page of another origin has caused: a script can't take the word from its browser. Who is no
/// browser may say it as well, and must gain nothing by it.
#[must_use]
pub fn is_induced(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue};

    #[test]
    fn only_what_another_origin_has_caused_is_induced() {
        let induced = |site: &'static str| {
            super::is_induced(&HeaderMap::from_iter([(
                http::HeaderName::from_static("sec-fetch-site"),
                HeaderValue::from_static(site),
            )]))
        };
        assert!(induced("cross-site") && induced("same-site") && induced("anything"));
        assert!(!induced("same-origin") && !induced("none"));
        assert!(!super::is_induced(&HeaderMap::new()));
    }
}
