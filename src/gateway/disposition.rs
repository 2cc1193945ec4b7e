//! `Content-Disposition` (RFC 6266): whether an answer is a file to keep, and what it is called.

use std::fmt::Write as _;

use http::{HeaderMap, HeaderValue, header};

use crate::format::parameters::parameters;

/// Most characters of a name.
const LONGEST: usize = 100;
/// What a file is called that says nothing of it, or nothing that could be said on.
const NAMELESS: &str = "download";

/// Whether an answer is a file to keep (RFC 6266), or lists as its makers export them.
#[must_use]
pub fn is_attachment(headers: &HeaderMap) -> bool {
    let said = headers.get(header::CONTENT_DISPOSITION).map(HeaderValue::as_bytes).unwrap_or_default();
    let kind = said.split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    !kind.is_empty() && !kind.eq_ignore_ascii_case(b"inline")
}

/// What an answer says that it is called, as a name without a folder that every system takes; `is_plain` says of a name whether it tells of nobody.
#[must_use]
pub fn file_name(headers: &HeaderMap, is_plain: impl Fn(&str) -> bool) -> String {
    let said = headers.get(header::CONTENT_DISPOSITION).map(HeaderValue::as_bytes).unwrap_or_default();
    let parameters = parameters(said);
    let value = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_slice());
    let extended = value("filename*").and_then(extended);
    let name = extended.or_else(|| value("filename").and_then(|raw| String::from_utf8(raw.to_vec()).ok()));
    let name = clean(&name.unwrap_or_default());
    if !name.is_empty() && is_plain(&name) {
        return name;
    }
    // What kind of file it is tells nobody's name.
    match name.rsplit_once('.') {
        Some((_, kind)) if (1..=5).contains(&kind.len()) && kind.bytes().all(|b| b.is_ascii_alphabetic()) => {
            format!("{NAMELESS}.{kind}")
        }
        _ => NAMELESS.to_owned(),
    }
}

/// The value that names a file to keep, for old readers and new ones.
#[must_use]
pub fn attachment(name: &str) -> HeaderValue {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') { c } else { '_' }).collect();
    let mut text = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        text.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

/// A value with its encoding (RFC 8187), of which UTF-8 is the only one in use.
fn extended(raw: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(raw).ok()?;
    let mut parts = text.splitn(3, '\'');
    let (encoding, _, value) = (parts.next()?, parts.next()?, parts.next()?);
    if !encoding.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
            bytes.push(digit()? << 4 | digit()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The last part of a path, without what some system can't have in a name.
fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let legal = |c: char| {
        // Marks that turn the direction of writing let one kind of file look like another.
        let turns = matches!(c, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        !c.is_control() && !turns && !"<>:\"|?*".contains(c)
    };
    let name: String = last.chars().filter(|c| legal(*c)).collect();
    let name = name.trim_matches([' ', '.']);
    let long = name.chars().count();
    if long <= LONGEST {
        return name.to_owned();
    }
    // Its end says what kind of file it is.
    let kind = name.rsplit_once('.').map_or("", |(_, kind)| kind);
    let kind = if kind.chars().count() <= 8 { kind } else { "" };
    let start: String = name.chars().take(LONGEST - 9).collect();
    if kind.is_empty() { start } else { format!("{start}.{kind}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(said: &[u8]) -> String {
        let value = HeaderValue::from_bytes(said).expect("a value");
        file_name(&HeaderMap::from_iter([(header::CONTENT_DISPOSITION, value)]), |name| !name.contains("kim"))
    }

    #[test]
    fn files_to_keep_are_told() {
        for (said, keeps) in [("attachment", true), ("Inline; filename=a", false), ("", false), ("form-data", true)] {
            let headers = HeaderMap::from_iter([(header::CONTENT_DISPOSITION, HeaderValue::from_static(said))]);
            assert_eq!(is_attachment(&headers), keeps, "{said}");
        }
        assert!(!is_attachment(&HeaderMap::new()));
    }

    #[test]
    fn names_are_read_and_made_harmless() {
        for (said, is) in [
            (&b"attachment; filename=\"customers.csv\""[..], "customers.csv"),
            (b"attachment;FileName=customers.csv ; size=3", "customers.csv"),
            (b"attachment; filename=\"a;b \\\"c\\\".csv\"", "a;b c.csv"),
            (b"attachment; filename=\"x.csv\"; filename*=UTF-8'ko'%EB%AA%85%EB%8B%A8.csv", "명단.csv"),
            ("attachment; filename=\"명단.csv\"".as_bytes(), "명단.csv"),
            (b"attachment; filename=\"C:\\data\\a.xlsx\"", "a.xlsx"),
            (b"attachment; filename=\"../../etc/passwd\"", "passwd"),
            (b"attachment; filename*=UTF-8''a%0Ab%E2%80%AEfdp.exe", "abfdp.exe"),
            (b"attachment; filename=\"\xB8\xED.csv\"", "download"),
            (b"attachment; filename*=EUC-KR''%B8%ED", "download"),
            (b"attachment; filename*=UTF-8''%zz", "download"),
            (b"attachment; filename=\"kim@example.com.csv\"", "download.csv"),
            (b"attachment; filename=\"kim.0101234567\"", "download"),
            (b"attachment; filename=\"..\"", "download"),
            (b"attachment", "download"),
            (b"attachment; filename", "download"),
        ] {
            assert_eq!(name(said), is, "{}", String::from_utf8_lossy(said));
        }
        let long = name(format!("attachment; filename=\"{}.csv\"", "x".repeat(300)).as_bytes());
        assert!(long.ends_with("x.csv") && long.len() == 95, "{long}");
    }

    #[test]
    fn names_are_written_for_old_and_new_readers() {
        assert_eq!(attachment("a.csv.zip"), "attachment; filename=\"a.csv.zip\"");
        assert_eq!(
            attachment("명단 1.zip").to_str().expect("text"),
            "attachment; filename=\"___1.zip\"; filename*=UTF-8''%EB%AA%85%EB%8B%A8%201.zip"
        );
    }
}
