//! XML: its text and its attributes. A tokenizer that validates nothing, resolves what every XML has, and looks up nothing else.
//!
//! Lenient: elements that don't fit are told and read on, for an application may do so.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::{budget::Budget, parsed::Parsed};
use crate::{
    format::{Media, charset},
    shield::fields::Bounds,
};

/// Reads a body.
pub(super) fn read(body: &[u8], bounds: Bounds, parsed: &mut Parsed) {
    let text = in_utf8(body, parsed);
    let budget = Budget::new(bounds, text.len());
    let (texts, open) = (Vec::new(), Vec::new());
    let mut reader = Reader { text: &text, at: 0, texts, open, seen: false, deepest: bounds.depth, budget, parsed };
    match reader.run() {
        Ok(()) => {}
        Err(Stop::Exceeded) => reader.parsed.exceeded = true,
        Err(Stop::Cut) => reader.parsed.fail("XML that is cut"),
    }
    let texts = reader.texts;
    if !texts.is_empty() || reader.seen {
        parsed.xml_texts.push(b"", &texts);
    }
}

/// The body in UTF-8, for parsers look at its mark and at what it declares.
fn in_utf8<'a>(body: &'a [u8], parsed: &mut Parsed) -> Cow<'a, [u8]> {
    let Some(encoding) = encoding(body) else {
        parsed.fail("XML in an encoding that is not known");
        return Cow::Borrowed(body);
    };
    let is_utf8 = std::str::from_utf8(body).is_ok();
    if encoding == UTF_8 {
        if !is_utf8 {
            parsed.fail("XML that is not in UTF-8");
        }
        return Cow::Borrowed(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body));
    }
    let (text, wrong) = encoding.decode_with_bom_removal(body);
    if wrong {
        parsed.fail("XML that is not in its encoding");
    } else if is_utf8 && !body.is_ascii() && encoding.is_ascii_compatible() {
        // An application that goes by another label reads other signs.
        parsed.fail("XML that declares another encoding than it seems to have");
    }
    Cow::Owned(text.into_owned().into_bytes())
}

/// What is declared counts where parsers look for it, and nowhere else: an encoding read wrongly would hide what is said in the right one.
fn encoding(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [b'<', 0, ..] => Some(UTF_16LE),
        [0, b'<', ..] => Some(UTF_16BE),
        _ if body.starts_with(b"<?xml") => {
            let first = &body[..body.len().min(charset::DECLARED_WITHIN)];
            let end = memchr::memmem::find(first, b"?>").unwrap_or(first.len());
            charset::sniff(&first[..end], Media::Xml)
        }
        _ => Some(charset::marked(body).unwrap_or(UTF_8)),
    }
}

/// Why nothing more is read.
enum Stop {
    Cut,
    Exceeded,
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    texts: Vec<u8>,
    /// Names of elements that are open.
    open: Vec<&'a [u8]>,
    /// There was an element.
    seen: bool,
    deepest: usize,
    budget: Budget,
    parsed: &'a mut Parsed,
}

impl<'a> Reader<'a> {
    fn run(&mut self) -> Result<(), Stop> {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let end = memchr::memchr(b'<', rest).unwrap_or(rest.len());
            self.text(&rest[..end]);
            self.at += end;
            if end < rest.len() {
                self.markup()?;
            }
        }
        if !self.open.is_empty() {
            return Err(Stop::Cut);
        }
        if !self.seen && !self.text.is_empty() {
            self.parsed.fail("XML without an element");
        }
        Ok(())
    }

    fn text(&mut self, raw: &[u8]) {
        if self.open.is_empty() {
            if raw.trim_ascii().is_empty() {
                return;
            }
            self.parsed.fail("XML with a text outside of its element");
        }
        if !resolve(raw, &mut self.texts) {
            self.parsed.fail("XML with a reference that is not resolved");
        }
    }

    /// What begins with `<`.
    fn markup(&mut self) -> Result<(), Stop> {
        let rest = &self.text[self.at..];
        if rest.starts_with(b"<!--") {
            self.skip(4, b"-->")?;
        } else if rest.starts_with(b"<![CDATA[") {
            let section = self.skip(9, b"]]>");
            let kept = section.as_ref().map_or(&rest[9..], |section| *section);
            self.texts.extend_from_slice(kept);
            section?;
        } else if rest.starts_with(b"<?") {
            self.skip(2, b"?>")?;
        } else if rest.starts_with(b"<!") {
            self.declaration()?;
        } else if rest.starts_with(b"</") {
            let name = self.skip(2, b">")?.trim_ascii_end();
            if self.open.pop() != Some(name) {
                self.parsed.fail("XML with elements that do not fit");
            }
        } else if rest.get(1).is_some_and(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b':' | 0x80..)) {
            self.element()?;
        } else {
            self.parsed.fail("XML with a `<` that begins nothing");
            self.texts.push(b'<');
            self.at += 1;
        }
        Ok(())
    }

    /// Goes behind the next `end`, and hands over what stands before it, without its first bytes.
    fn skip(&mut self, from: usize, end: &[u8]) -> Result<&'a [u8], Stop> {
        let rest = &self.text[self.at + from..];
        let found = memchr::memmem::find(rest, end).ok_or(Stop::Cut)?;
        self.at += from + found + end.len();
        Ok(&rest[..found])
    }

    /// `<!DOCTYPE`, with whatever it declares: none of it is used.
    fn declaration(&mut self) -> Result<(), Stop> {
        self.at += 2;
        let mut depth = 0_usize;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'"' | b'\'' => {
                    self.skip(1, &[byte])?;
                    continue;
                }
                b'<' if self.text[self.at..].starts_with(b"<!--") => {
                    self.skip(4, b"-->")?;
                    continue;
                }
                b'<' if self.text[self.at..].starts_with(b"<?") => {
                    self.skip(2, b"?>")?;
                    continue;
                }
                b'<' | b'[' => depth += 1,
                b'>' if depth == 0 => {
                    self.at += 1;
                    return Ok(());
                }
                b'>' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        Err(Stop::Cut)
    }

    fn element(&mut self) -> Result<(), Stop> {
        self.at += 1;
        self.seen = true;
        let name = self.word();
        loop {
            self.blanks();
            match self.text.get(self.at) {
                None => return Err(Stop::Cut),
                Some(b'>') => {
                    self.at += 1;
                    if self.open.len() >= self.deepest {
                        return Err(Stop::Exceeded);
                    }
                    self.open.push(name);
                    return Ok(());
                }
                Some(b'/') if self.text.get(self.at + 1) == Some(&b'>') => {
                    self.at += 2;
                    return Ok(());
                }
                Some(b'/' | b'=' | b'<') => {
                    self.parsed.fail("XML with a tag that is none");
                    self.at += 1;
                }
                Some(_) => self.attribute()?,
            }
        }
    }

    fn attribute(&mut self) -> Result<(), Stop> {
        let name = self.word();
        self.blanks();
        let mut value = &b""[..];
        let mut cut = false;
        if self.text.get(self.at) == Some(&b'=') {
            self.at += 1;
            self.blanks();
            let rest = &self.text[self.at..];
            if let Some(quote @ (b'"' | b'\'')) = rest.first() {
                let end = memchr::memchr(*quote, &rest[1..]);
                value = &rest[1..end.map_or(rest.len(), |end| end + 1)];
                cut = end.is_none();
                self.at += end.map_or(rest.len(), |end| end + 2);
            } else {
                self.parsed.fail("XML with a value without quotes");
                value = &rest[..rest.iter().take_while(|b| !b.is_ascii_whitespace() && **b != b'>').count()];
                self.at += value.len();
            }
        } else {
            self.parsed.fail("XML with an attribute without a value");
        }
        // Names of spaces are no attributes.
        if name != b"xmlns" && !name.starts_with(b"xmlns:") {
            if !self.budget.field(name.len()) {
                return Err(Stop::Exceeded);
            }
            let mut sound = true;
            self.parsed.xml_attributes.push_with(|out| out.extend_from_slice(name), |out| sound = resolve(value, out));
            if !sound {
                self.parsed.fail("XML with a reference that is not resolved");
            }
        }
        if cut { Err(Stop::Cut) } else { Ok(()) }
    }

    /// A name, up to what no name has.
    fn word(&mut self) -> &'a [u8] {
        let rest = &self.text[self.at..];
        let end = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'>' | b'=' | b'<');
        let name = &rest[..rest.iter().position(end).unwrap_or(rest.len())];
        self.at += name.len();
        name
    }

    fn blanks(&mut self) {
        self.at += self.text[self.at..].iter().take_while(|b| b.is_ascii_whitespace()).count();
    }
}

/// Appends what `raw` stands for; whether all its references are known. One that is not stays as it is.
fn resolve(raw: &[u8], out: &mut Vec<u8>) -> bool {
    /// Longest that is looked at, without `&`.
    const LONGEST: usize = 32;
    let (mut rest, mut sound) = (raw, true);
    while let Some(n) = memchr::memchr(b'&', rest) {
        out.extend_from_slice(&rest[..n]);
        rest = &rest[n + 1..];
        let name = rest.iter().take(LONGEST).position(|b| *b == b';').map(|end| &rest[..end]);
        if let Some((name, char)) = name.and_then(|name| Some((name, character(name)?))) {
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            rest = &rest[name.len() + 1..];
        } else {
            sound = false;
            out.push(b'&');
        }
    }
    out.extend_from_slice(rest);
    sound
}

fn character(name: &[u8]) -> Option<char> {
    let number = |digits: &[u8], radix| {
        let all = !digits.is_empty() && digits.iter().all(|b| char::from(*b).is_digit(radix));
        u32::from_str_radix(std::str::from_utf8(digits).ok().filter(|_| all)?, radix).ok()
    };
    match name {
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        [b'#', b'x', digits @ ..] => char::from_u32(number(digits, 16)?),
        [b'#', digits @ ..] => char::from_u32(number(digits, 10)?),
        _ => None,
    }
    .filter(|char| *char != '\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { arguments: 1000, depth: 64 };

    fn parse(body: &[u8]) -> Parsed {
        let mut parsed = Parsed::default();
        read(body, BOUNDS, &mut parsed);
        parsed
    }

    fn shown(parsed: &Parsed) -> (String, Vec<String>) {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let texts: Vec<_> = parsed.xml_texts.iter().map(|(_, value)| text(value)).collect();
        assert!(texts.len() <= 1);
        let pair = |(name, value)| format!("{}={}", text(name), text(value));
        (texts.concat(), parsed.xml_attributes.iter().map(pair).collect())
    }

    fn utf16(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to).collect()
    }

    #[test]
    fn texts_and_attributes_are_read() {
        for (body, texts, attributes) in [
            (
                "<a b=\"1&amp;\" xmlns=\"u\" x:c='2\"' xmlns:x=\"v\">t&lt;<b>u</b><!-- c --><![CDATA[<d>&amp;]]><?p i?> w&#65;&#x1F600;</a>",
                "t<u<d>&amp; wA😀",
                &["b=1&", "x:c=2\""][..],
            ),
            ("<?xml version=\"1.0\"?>\n<a/>\n", "", &[]),
            ("<a\n b = '1'\tc=\"\"/>", "", &["b=1", "c="]),
            ("<a>1<b/>2<é>3</é ></a>", "123", &[]),
            ("<!DOCTYPE a [<!ENTITY e \"]>\"><!-- ]> --><?x ]>?>]><a>x</a>", "x", &[]),
            ("<a>x > y ]]</a>", "x > y ]]", &[]),
            ("\u{FEFF}<a>x</a>", "x", &[]),
        ] {
            let parsed = parse(body.as_bytes());
            assert_eq!(
                shown(&parsed),
                (texts.to_owned(), attributes.iter().map(ToString::to_string).collect()),
                "{body}"
            );
            assert_eq!((parsed.error, parsed.exceeded), (None, false), "{body}");
        }
        assert!(parse(b"").error.is_none() && parse(b"").xml_texts.is_empty());
    }

    #[test]
    fn encodings_are_read_as_parsers_read_them() {
        let body = "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a b=\"é\">ü</a>";
        let expected = ("ü".to_owned(), vec!["b=é".to_owned()]);
        for wide in [
            utf16(body, u16::to_le_bytes),
            utf16(body, u16::to_be_bytes),
            utf16(&format!("\u{FEFF}{body}"), u16::to_le_bytes),
        ] {
            assert_eq!(shown(&parse(&wide)), expected);
        }
        let latin = b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a b=\"\xe9\">\xfc</a>";
        assert_eq!(shown(&parse(latin)), expected);
        assert!(parse(b"<?xml version=\"1.0\" encoding=\"UTF-7\"?><a>+ADw-</a>").error.is_some());
        for decoy in [
            &b"<!-- <?xml encoding='gbk'?> --><a>\xe2\x82\xacs</a>"[..],
            b"<?xml version='1.0'?><a encoding='gbk'>\xe2\x82\xacs</a>",
        ] {
            assert_eq!(shown(&parse(decoy)).0, "€s");
        }
        assert!(parse("<?xml encoding='gbk'?><a>€s</a>".as_bytes()).error.is_some());
        let broken = parse(b"<a b='\xff'>\xfe</a>");
        assert!(broken.xml_texts.len() == 1 && broken.xml_attributes.len() == 1);
    }

    #[test]
    fn what_is_broken_is_told_and_read_on() {
        for (body, texts, attributes) in [
            ("<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a b='&e;'>&e;</a>", "&e;", &["b=&e;"][..]),
            ("<a>x & y &foo; &#0; &#xD800; &#+1; z</a>", "x & y &foo; &#0; &#xD800; &#+1; z", &[]),
            ("<a><b>1</a>2", "12", &[]),
            ("<a>1</a><b>2</b>3", "123", &[]),
            ("x<a/>", "x", &[]),
            ("plain", "plain", &[]),
            ("<a b=1 c d='2'>t</a>", "t", &["b=1", "c=", "d=2"]),
            ("<a/ b='1'>t</a>", "t", &["b=1"]),
            ("<a>1 < 2</a>", "1 < 2", &[]),
            ("</a>", "", &[]),
            ("<a b='cut", "", &["b=cut"]),
            ("<a>cut", "cut", &[]),
            ("<a><![CDATA[cut", "cut", &[]),
            ("<a><!-- cut", "", &[]),
            ("<!DOCTYPE a [", "", &[]),
        ] {
            let parsed = parse(body.as_bytes());
            assert_eq!(
                shown(&parsed),
                (texts.to_owned(), attributes.iter().map(ToString::to_string).collect()),
                "{body}"
            );
            assert!(parsed.error.is_some(), "{body}");
        }
    }

    #[test]
    fn bounds_hold() {
        let deep = parse("<a>".repeat(100_000).as_bytes());
        assert!(deep.exceeded);
        assert!(!parse(format!("{}{}", "<a>".repeat(64), "</a>".repeat(64)).as_bytes()).exceeded);
        let many = parse(format!("<a {}/>", "b='' ".repeat(5000)).as_bytes());
        assert!(many.exceeded && many.xml_attributes.len() == BOUNDS.arguments);
        // No text is larger than what it was read from.
        let bomb = format!("<!DOCTYPE a [<!ENTITY e \"{}\">]><a>{}</a>", "x".repeat(10_000), "&e;".repeat(10_000));
        let parsed = parse(bomb.as_bytes());
        assert!(parsed.error.is_some() && shown(&parsed).0.len() == 30_000);
        parse("<![".repeat(100_000).as_bytes());
        parse("<a &".repeat(100_000).as_bytes());
    }

    #[test]
    fn a_cut_anywhere_is_told() {
        let body = b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY e 'x'>]><a b='1' c=\"2\">x<!-- y --><b/><![CDATA[z]]>&amp;</a>";
        assert!(parse(body).error.is_none());
        for cut in 1..body.len() {
            assert!(parse(&body[..cut]).error.is_some(), "{cut}");
        }
    }
}
