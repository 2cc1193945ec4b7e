//! Links of a page, as far as they stay on the site.

use super::target::Target;

/// Words in a path whose page may change something, though it should not.
const CHANGES: &[&str] =
    &["logout", "signout", "sign-out", "logoff", "delete", "remove", "destroy", "unsubscribe", "reset", "purge"];
/// Ends of names that are no pages.
const FILES: &[&str] = &[
    ".png", ".jpg", ".jpeg", ".gif", ".svg", ".ico", ".webp", ".woff", ".woff2", ".ttf", ".zip", ".gz", ".7z", ".pdf",
    ".mp4", ".mp3", ".csv", ".xlsx", ".docx",
];

/// Path and query that `link` on the page at `from` leads to; nothing where it leaves the site.
#[must_use]
pub fn resolve(target: &Target, from: &str, link: &str) -> Option<String> {
    let link = link.trim().split('#').next().unwrap_or_default();
    let absolute = link.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
    let path = match absolute {
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            // An old application writes http:// behind TLS, which is the same site for a visitor.
            let own = (scheme == "https" || scheme == "http") && rest[..end].eq_ignore_ascii_case(&target.host);
            own.then(
                || if rest[end..].starts_with('/') { rest[end..].to_owned() } else { format!("/{}", &rest[end..]) },
            )?
        }
        None if link.starts_with("//") => return resolve(target, from, &format!("https:{link}")),
        None if link.starts_with('/') => link.to_owned(),
        None if link.starts_with('?') => format!("{}{link}", from.split('?').next().unwrap_or("/")),
        // mailto:, javascript: and the like.
        None if link.is_empty() || link.split(['/', '?']).next().is_some_and(|first| first.contains(':')) => {
            return None;
        }
        None => {
            let folder = from.split('?').next().and_then(|path| path.rsplit_once('/')).map_or("", |(folder, _)| folder);
            format!("{folder}/{link}")
        }
    };
    let path = dotless(&path);
    path.bytes().all(|b| b.is_ascii_graphic()).then_some(path)
}

/// Whether a page may be asked for without harm, and is worth it.
#[must_use]
pub fn is_harmless(path: &str) -> bool {
    let low = path.split('?').next().unwrap_or_default().to_ascii_lowercase();
    // A query may say what the path does not.
    let query = path.split_once('?').map_or("", |(_, query)| query).to_ascii_lowercase();
    let changes = CHANGES.iter().any(|word| low.contains(word) || query.contains(&format!("={word}")));
    !changes && !FILES.iter().any(|end| low.ends_with(end))
}

/// What pages that differ in a record's number have in common.
#[must_use]
pub fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments =
        path.split('/').map(|segment| if segment.bytes().any(|b| b.is_ascii_digit()) { "*" } else { segment });
    let mut names: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    names.sort_unstable();
    format!("{}?{}", segments.collect::<Vec<_>>().join("/"), names.join("&"))
}

/// A path without `.` and `..`.
fn dotless(text: &str) -> String {
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let path = format!("/{}", kept.join("/"));
    query.map_or(path.clone(), |query| format!("{path}?{query}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_stay_on_the_site() {
        let target = Target::parse("https://shop.example:8443/", None).expect("a URL");
        let of = |link: &str| resolve(&target, "/a/b?c=d", link);
        for (link, path) in [
            ("/x", "/x"),
            ("x?y=z#f", "/a/x?y=z"),
            ("../x", "/x"),
            ("?page=2", "/a/b?page=2"),
            ("https://SHOP.example:8443/q", "/q"),
            ("http://shop.example:8443?q", "/?q"),
            ("//shop.example:8443/r", "/r"),
        ] {
            assert_eq!(of(link).as_deref(), Some(path), "{link}");
        }
        for link in ["https://other.example/", "mailto:a@b", "javascript:alert(1)", "", "#top", "/a b", "//other/"] {
            assert_eq!(of(link), None, "{link}");
        }
    }

    #[test]
    fn what_may_change_something_is_not_asked_for() {
        assert!(is_harmless("/customers?page=1") && !is_harmless("/logout") && !is_harmless("/a?do=delete"));
        assert!(!is_harmless("/export.csv"));
        assert_eq!(shape("/customers/12?b=1&a=2"), shape("/customers/7?a=9&b=0"));
    }
}
