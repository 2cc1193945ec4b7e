//! Media types that can be read, by their label or by their first bytes.

/// How a body is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// One value of JSON.
    Json,
    /// JSON a line.
    JsonLines,
    /// HTML.
    Html,
    /// XML.
    Xml,
    /// Values parted by a sign; TAB where the type says so.
    Csv,
    /// Values parted by TAB.
    Tsv,
    /// A form.
    Form,
    /// Server-sent events.
    Events,
    /// Any other text.
    Text,
}

impl Media {
    /// By a `Content-Type`. `None` for what is no text, and for scripts, which are code.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (top, sub) = kind.split_once('/')?;
        Some(match (top, sub) {
            (
                "application",
                "x-ndjson" | "ndjson" | "jsonl" | "x-jsonlines" | "jsonlines" | "json-seq" | "stream+json",
            ) => Self::JsonLines,
            (_, "json" | "x-json") => Self::Json,
            (_, sub) if sub.ends_with("+json") => Self::Json,
            ("text", "html") | ("application", "xhtml+xml") => Self::Html,
            (_, "xml") => Self::Xml,
            (_, sub) if sub.ends_with("+xml") => Self::Xml,
            (_, "csv" | "x-csv" | "comma-separated-values") => Self::Csv,
            (_, "tab-separated-values" | "tsv") => Self::Tsv,
            ("application", "x-www-form-urlencoded") => Self::Form,
            ("text", "event-stream") => Self::Events,
            ("text", "javascript" | "ecmascript" | "x-javascript") => return None,
            ("text", _) => Self::Text,
            ("application", "yaml" | "x-yaml" | "toml" | "sql" | "graphql" | "x-sh") => Self::Text,
            _ => return None,
        })
    }

    /// By the first bytes of a body without a label. `None` for what seems to be no text.
    #[must_use]
    pub fn sniff(first: &[u8]) -> Option<Self> {
        let text = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(first);
        // Control characters that texts have none of (WHATWG MIME Sniffing, section 7.2).
        if text.iter().any(|b| matches!(b, 0..=8 | 0x0B | 0x0E..=0x1A | 0x1C..=0x1F)) {
            return None;
        }
        let start = text.trim_ascii_start();
        let low: Vec<u8> = start.iter().take(64).map(u8::to_ascii_lowercase).collect();
        Some(match low.as_slice() {
            [b'{' | b'[', ..] => Self::Json,
            rest if rest.starts_with(b"<?xml") => Self::Xml,
            [b'<', ..] => Self::Html,
            _ => Self::Text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_first_bytes_say_how_to_read() {
        for (label, media) in [
            ("application/json; charset=utf-8", Some(Media::Json)),
            ("application/problem+json", Some(Media::Json)),
            ("application/x-ndjson", Some(Media::JsonLines)),
            ("TEXT/HTML", Some(Media::Html)),
            ("image/svg+xml", Some(Media::Xml)),
            ("text/event-stream", Some(Media::Events)),
            ("text/css", Some(Media::Text)),
            ("text/javascript", None),
            ("image/png", None),
            ("application/grpc", None),
            ("application/grpc+proto", None),
            ("multipart/byteranges", None),
            ("nonsense", None),
        ] {
            assert_eq!(Media::of(label), media, "{label}");
        }
        assert_eq!(Media::sniff(b" {\"a\":1}"), Some(Media::Json));
        assert_eq!(Media::sniff(b"<!DOCTYPE html>"), Some(Media::Html));
        assert_eq!(Media::sniff(b"hello"), Some(Media::Text));
        assert_eq!(Media::sniff(b"\x89PNG\r\n\x1a\n"), None);
    }
}
