//! Entity tags (RFC 9110, section 8.8.3) of masked answers: the application's own, with the mask's id at its end.
//!
//! A condition that carries another mask's id, or none, was made for another representation: it does not match.

use http::{HeaderMap, HeaderValue, header};

/// A tag that no answer has.
const NONE: HeaderValue = HeaderValue::from_static("\"privet-no-such-tag\"");

/// Salts the tag of an answer.
pub(super) fn outward(headers: &mut HeaderMap, id: &str) {
    let Some(tag) = headers.get(header::ETAG) else { return };
    let salted = tag.to_str().ok().and_then(|tag| {
        let tag = tag.trim().strip_suffix('"')?;
        HeaderValue::from_str(&format!("{tag}{}\"", mark(id))).ok()
    });
    match salted {
        Some(salted) => headers.insert(header::ETAG, salted),
        // What is no tag identifies nothing.
        None => headers.remove(header::ETAG),
    };
}

/// Gives the application its own tags in the client's conditions.
pub(super) fn inward(headers: &mut HeaderMap, id: &str) {
    for name in [header::IF_NONE_MATCH, header::IF_MATCH] {
        if !headers.contains_key(&name) {
            continue;
        }
        let values = headers.get_all(&name).iter().filter_map(|value| value.to_str().ok());
        let own: Vec<String> = values.flat_map(tags).filter_map(|tag| restored(tag, id)).collect();
        let own = (!own.is_empty()).then(|| HeaderValue::from_str(&own.join(", ")).ok()).flatten();
        match own {
            Some(own) => headers.insert(name, own),
            // Without a condition a write would go through that the client wanted to be refused.
            None if name == header::IF_MATCH => headers.insert(name, NONE),
            None => headers.remove(name),
        };
    }
}

fn mark(id: &str) -> String {
    format!("-privet-{id}")
}

/// The tag that the application knows, of one that this mask has salted.
fn restored(tag: &str, id: &str) -> Option<String> {
    if tag == "*" {
        return Some(tag.to_owned());
    }
    let inner = tag.strip_suffix('"')?.strip_suffix(&mark(id))?;
    Some(format!("{inner}\""))
}

/// The tags of a list; a comma may stand within one.
fn tags(list: &str) -> impl Iterator<Item = &str> {
    let mut rest = list;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if rest.is_empty() {
            return None;
        }
        let open = rest.find('"').unwrap_or(rest.len());
        let end = match rest.get(open + 1..).and_then(|inner| inner.find('"')) {
            Some(close) if rest[..open].is_empty() || rest[..open].eq_ignore_ascii_case("W/") => open + 1 + close + 1,
            _ => rest.find(',').unwrap_or(rest.len()),
        };
        let (tag, after) = rest.split_at(end);
        rest = after;
        Some(tag.trim_end())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_salted_and_restored_for_their_own_mask_only() {
        for tag in ["\"abc\"", "W/\"a,b\"", "\"\""] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ETAG, HeaderValue::from_static(tag));
            outward(&mut headers, "m1");
            let salted = headers[header::ETAG].clone();
            assert_ne!(salted, tag);
            let mut asked = HeaderMap::new();
            asked.insert(header::IF_NONE_MATCH, salted.clone());
            inward(&mut asked, "m1");
            assert_eq!(asked[header::IF_NONE_MATCH], tag);
            let mut other = HeaderMap::new();
            other.insert(header::IF_NONE_MATCH, salted.clone());
            other.insert(header::IF_MATCH, salted);
            inward(&mut other, "m2");
            assert!(!other.contains_key(header::IF_NONE_MATCH));
            assert_eq!(other[header::IF_MATCH], NONE);
        }
    }

    #[test]
    fn lists_stars_and_nonsense() {
        let mut headers = HeaderMap::new();
        headers
            .insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"x,y\", W/\"a-privet-m\" ,\"b-privet-m\", junk"));
        headers.insert(header::IF_MATCH, HeaderValue::from_static("*"));
        inward(&mut headers, "m");
        assert_eq!(headers[header::IF_NONE_MATCH], "W/\"a\", \"b\"");
        assert_eq!(headers[header::IF_MATCH], "*");
        headers.insert(header::ETAG, HeaderValue::from_static("unquoted"));
        outward(&mut headers, "m");
        assert!(!headers.contains_key(header::ETAG));
    }
}
