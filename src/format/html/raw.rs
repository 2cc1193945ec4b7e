//! What is no plain text of a page: scripts, raw texts, names that are none.

/// What a script element holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Code,
    Json,
    Text,
}

/// Whether the name of an attribute looks as if it were somebody's data: a tag that was put together without quotes.
pub(super) fn is_odd(name: &str) -> bool {
    name.contains('@') || name.bytes().filter(u8::is_ascii_digit).nth(6).is_some()
}

/// Whether a raw text could end its element: what `drop` joins may read as an end tag that was none before.
pub(super) fn may_end(text: &[u8]) -> bool {
    let ends = |tag: &&[u8]| {
        memchr::memmem::find_iter(text, b"</")
            .any(|n| text.get(n + 2..n + 2 + tag.len()).is_some_and(|name| name.eq_ignore_ascii_case(tag)))
    };
    [&b"script"[..], b"style", b"xmp", b"iframe", b"noscript", b"noembed", b"noframes"].iter().any(ends)
}

/// The last place up to `most` where a character begins or the text ends.
pub(super) fn boundary(text: &str, most: usize) -> usize {
    (0..=most.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// What one of this type holds.
pub(super) fn script(kind: &str) -> Script {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "" | "module" => Script::Code,
        other if other.ends_with("json") => Script::Json,
        other if other.ends_with("javascript") || other.ends_with("ecmascript") || other == "importmap" => Script::Code,
        _ => Script::Text,
    }
}
