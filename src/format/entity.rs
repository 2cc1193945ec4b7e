//! Character references of XML and HTML.
//!
//! Those that are known are read; the others stay as they are written, and are told from a plain `&` when text is written again.

/// References by name that are read.
const NAMED: &[(&[u8], char)] = &[
    (b"amp", '&'),
    (b"lt", '<'),
    (b"gt", '>'),
    (b"quot", '"'),
    (b"apos", '\''),
    (b"nbsp", '\u{A0}'),
    (b"commat", '@'),
    (b"period", '.'),
    (b"hyphen", '-'),
    (b"dash", '-'),
    (b"ndash", '\u{2013}'),
    (b"mdash", '\u{2014}'),
    (b"plus", '+'),
    (b"colon", ':'),
    (b"lpar", '('),
    (b"rpar", ')'),
    (b"sol", '/'),
    (b"num", '#'),
    (b"lowbar", '_'),
    (b"Tab", '\t'),
    (b"NewLine", '\n'),
    (b"shy", '\u{AD}'),
    (b"ensp", '\u{2002}'),
    (b"emsp", '\u{2003}'),
    (b"thinsp", '\u{2009}'),
    (b"ZeroWidthSpace", '\u{200B}'),
    (b"zwnj", '\u{200C}'),
    (b"zwj", '\u{200D}'),
];

/// Longest reference that is looked at, with `&` and `;`.
pub(super) const LONGEST: usize = 34;

/// Appends what `raw` stands for.
pub(super) fn decode(raw: &[u8], plain: &mut Vec<u8>) {
    let mut rest = raw;
    while let Some(n) = memchr::memchr(b'&', rest) {
        plain.extend_from_slice(&rest[..n]);
        let reference = &rest[n..];
        match read(reference) {
            // `&amp;lt;` says `&lt;`: read in part it would be written as `<`.
            Some(('&', width)) if looks(&reference[width - 1..]) => {
                plain.extend_from_slice(&reference[..width]);
                rest = &reference[width..];
            }
            Some((char, width)) => {
                plain.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
                rest = &reference[width..];
            }
            None => {
                plain.push(b'&');
                rest = &reference[1..];
            }
        }
    }
    plain.extend_from_slice(rest);
}

/// The character of a reference, and its width.
fn read(raw: &[u8]) -> Option<(char, usize)> {
    if raw.get(1) == Some(&b'#') {
        return number(raw);
    }
    let end = raw.iter().take(LONGEST).position(|&b| b == b';')?;
    NAMED.iter().find(|(known, _)| *known == &raw[1..end]).map(|&(_, char)| (char, end + 1))
}

/// `&#64;`; browsers do without the `;`.
fn number(raw: &[u8]) -> Option<(char, usize)> {
    let (start, radix) = if matches!(raw.get(2), Some(b'x' | b'X')) { (3, 16) } else { (2, 10) };
    let digits = raw[start..].iter().take(LONGEST - start).take_while(|&&b| char::from(b).is_digit(radix)).count();
    let end = start + digits;
    let code = u32::from_str_radix(std::str::from_utf8(&raw[start..end]).ok()?, radix).ok()?;
    let width = end + usize::from(raw.get(end) == Some(&b';'));
    Some((char::from_u32(code).filter(|c| *c != '\0')?, width))
}

/// Whether what follows the first byte of `raw` would make a reference of an `&` in its place.
fn looks(raw: &[u8]) -> bool {
    let rest = raw.get(1..).unwrap_or_default();
    let Some(end) = rest.iter().take(LONGEST).position(|&b| b == b';') else { return false };
    let name = &rest[..end];
    !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'#')
}

/// Appends `plain` as text, or as an attribute's value within quotes of either kind.
pub(super) fn encode(plain: &[u8], out: &mut Vec<u8>) {
    let mut done = 0;
    for (i, &byte) in plain.iter().enumerate() {
        let written: &[u8] = match byte {
            b'&' if !looks(&plain[i..]) => b"&amp;",
            b'<' => b"&lt;",
            b'>' => b"&gt;",
            b'"' => b"&quot;",
            b'\'' => b"&#39;",
            _ => continue,
        };
        out.extend_from_slice(&plain[done..i]);
        out.extend_from_slice(written);
        done = i + 1;
    }
    out.extend_from_slice(&plain[done..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_written_as_they_were_meant() {
        for (raw, meant, again) in [
            ("a &amp; b &#48;&#x31;&commat;", "a & b 01@", "a &amp; b 01@"),
            ("&eacute;&amp;eacute;&copy", "&eacute;&amp;eacute;&copy", "&eacute;&amp;eacute;&amp;copy"),
            ("&amp;lt;b>", "&amp;lt;b>", "&amp;lt;b&gt;"),
            ("&lt;script&gt;", "<script>", "&lt;script&gt;"),
            ("kim&#64example&#x2Eorg &#&#x", "kim@example.org &#&#x", "kim@example.org &amp;#&amp;#x"),
            ("&amp;#64 &amp;#64;", "&#64 &amp;#64;", "&amp;#64 &amp;#64;"),
            ("&#0;&#xD800;&;", "&#0;&#xD800;&;", "&#0;&#xD800;&amp;;"),
        ] {
            let (mut plain, mut out) = (Vec::new(), Vec::new());
            decode(raw.as_bytes(), &mut plain);
            encode(&plain, &mut out);
            assert_eq!(String::from_utf8_lossy(&plain), meant);
            assert_eq!(String::from_utf8_lossy(&out), again);
        }
    }
}
