//! Character encodings: any that the WHATWG Encoding Standard knows becomes UTF-8, and that becomes the same encoding again.
//!
//! Old Korean, Japanese and Western applications send EUC-KR (CP949), `Shift_JIS` and ISO-8859-1. Bytes that are wrong in their own
//! encoding do not survive: they become `?`, or U+FFFD where the encoding has it.

use encoding_rs::{CoderResult, EncoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE};

use super::media::Media;

/// Bytes in which a body may declare its own encoding (WHATWG HTML, section 13.2.3.2).
pub const DECLARED_WITHIN: usize = 1024;

/// The encoding that a `Content-Type` names: `Some(None)` where it names one that can't be read.
#[must_use]
pub fn of(content_type: &str) -> Option<Option<&'static Encoding>> {
    let label = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })?;
    Some(named(label.as_bytes()))
}

fn named(label: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_label(label).filter(|encoding| *encoding != encoding_rs::REPLACEMENT)
}

/// The encoding that a byte-order mark tells.
#[must_use]
pub fn marked(first: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_bom(first).map(|(encoding, _)| encoding)
}

/// Whether more bytes are needed to see whether a mark stands at the beginning.
#[must_use]
pub fn may_be_marked(first: &[u8]) -> bool {
    [&b"\xEF\xBB\xBF"[..], b"\xFF\xFE", b"\xFE\xFF"]
        .iter()
        .any(|mark| first.len() < mark.len() && mark.starts_with(first))
}

/// The encoding of a body whose label names none, told by its first bytes: its mark, its own declaration, or what it must be.
#[must_use]
pub fn sniff(first: &[u8], media: Media) -> Option<&'static Encoding> {
    if let Some(encoding) = marked(first) {
        return Some(encoding);
    }
    if matches!(media, Media::Json | Media::JsonLines | Media::Events) {
        return Some(UTF_8);
    }
    if let Some(label) = declaration(first, media) {
        // What could be read as ASCII is no UTF-16.
        return named(label).map(|encoding| if encoding.is_ascii_compatible() { encoding } else { UTF_8 });
    }
    if let Some(wide) = without_mark(first) {
        return Some(wide);
    }
    let cut_is_fine = |error: std::str::Utf8Error| error.error_len().is_none();
    if std::str::from_utf8(first).is_ok() || std::str::from_utf8(first).is_err_and(cut_is_fine) {
        return Some(UTF_8);
    }
    let even = first.len() - first.len() % 2;
    let korean = [&first[..even], first].iter().any(|bytes| !encoding_rs::EUC_KR.decode_without_bom_handling(bytes).1);
    Some(if korean { encoding_rs::EUC_KR } else { encoding_rs::WINDOWS_1252 })
}

/// UTF-16 that bears no mark: every second byte of its ASCII is zero, which no text in another encoding has.
fn without_mark(first: &[u8]) -> Option<&'static Encoding> {
    let zeros = |odd: usize| first.iter().skip(odd).step_by(2).filter(|&&b| b == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let enough = first.len() / 8;
    if odd > enough && even == 0 {
        Some(UTF_16LE)
    } else if even > enough && odd == 0 {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// `<meta charset=..>`, or the `encoding` of an XML declaration.
fn declaration(first: &[u8], media: Media) -> Option<&[u8]> {
    let mut low = first[..first.len().min(DECLARED_WITHIN)].to_ascii_lowercase();
    if media == Media::Html {
        blank_comments(&mut low);
    }
    let (start, word): (usize, &[u8]) = match media {
        Media::Html => (memchr::memmem::find(&low, b"<meta")?, b"charset"),
        Media::Xml => (memchr::memmem::find(&low, b"<?xml")?, b"encoding"),
        _ => return None,
    };
    let after = start + memchr::memmem::find(&low[start..], word)? + word.len();
    let rest = first[after..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"").or_else(|| rest.strip_prefix(b"'")).unwrap_or(rest);
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.');
    Some(&rest[..rest.iter().take_while(|b| part(b)).count()])
}

/// Nobody reads a declaration in a comment.
fn blank_comments(html: &mut [u8]) {
    let mut from = 0;
    while let Some(start) = memchr::memmem::find(&html[from..], b"<!--").map(|n| from + n) {
        // The dashes of `<!-->` both open and close.
        let end = memchr::memmem::find(&html[start + 2..], b"-->").map_or(html.len(), |n| start + 2 + n + 3);
        html[start..end].fill(b' ');
        from = end;
    }
}

/// To UTF-8 and back.
pub struct Transcoder {
    encoding: &'static Encoding,
    decoder: encoding_rs::Decoder,
    encoder: encoding_rs::Encoder,
    text: String,
    /// A character that goes on.
    partial: Vec<u8>,
    /// Whether what the encoding lacks can be written as a reference.
    references: bool,
}

impl std::fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcoder").field("encoding", &self.encoding.name()).finish_non_exhaustive()
    }
}

impl Transcoder {
    /// For a body of this encoding; none for UTF-8, which is read as it is.
    #[must_use]
    pub fn new(encoding: &'static Encoding, media: Media) -> Option<Self> {
        (encoding != UTF_8).then(|| Self {
            encoding,
            decoder: encoding.new_decoder_without_bom_handling(),
            encoder: encoding.new_encoder(),
            text: String::new(),
            partial: Vec::new(),
            references: matches!(media, Media::Html | Media::Xml),
        })
    }

    /// What `bytes` say in UTF-8.
    pub fn decode(&mut self, bytes: &[u8], last: bool) -> &[u8] {
        self.text.clear();
        self.text.reserve(self.decoder.max_utf8_buffer_length(bytes.len()).unwrap_or(3 * bytes.len() + 16));
        let (result, ..) = self.decoder.decode_to_string(bytes, &mut self.text, last);
        debug_assert_eq!(result, CoderResult::InputEmpty);
        self.text.as_bytes()
    }

    /// Appends UTF-8 in the body's own encoding.
    pub fn encode(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
        let mut all = std::mem::take(&mut self.partial);
        all.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&all) {
            Err(error) if error.error_len().is_none() && !last => error.valid_up_to(),
            _ => all.len(),
        };
        self.partial = all.split_off(whole);
        let text = String::from_utf8_lossy(&all);
        if self.encoding == UTF_16LE || self.encoding == UTF_16BE {
            let bytes = |unit: u16| if self.encoding == UTF_16LE { unit.to_le_bytes() } else { unit.to_be_bytes() };
            out.extend(text.encode_utf16().flat_map(bytes));
            return;
        }
        let mut rest: &str = &text;
        let mut buffer = [0; 4096];
        loop {
            let (result, read, written) = self.encoder.encode_from_utf8_without_replacement(rest, &mut buffer, last);
            out.extend_from_slice(&buffer[..written]);
            rest = &rest[read..];
            match result {
                EncoderResult::InputEmpty => return,
                EncoderResult::OutputFull => {}
                EncoderResult::Unmappable(char) if self.references => {
                    out.extend_from_slice(format!("&#{};", u32::from(char)).as_bytes());
                }
                EncoderResult::Unmappable(_) => out.push(b'?'),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_comes_back_whatever_the_cuts() {
        let text = "이름: 김서윤, phone 010-1234-5678 café";
        for label in ["euc-kr", "shift_jis", "iso-8859-1", "utf-16le", "utf-16be", "gb18030"] {
            let encoding = named(label.as_bytes()).expect("known");
            let mut raw = Vec::new();
            Transcoder::new(encoding, Media::Text).expect("not UTF-8").encode(text.as_bytes(), true, &mut raw);
            for cut in 0..=raw.len() {
                let mut coder = Transcoder::new(encoding, Media::Text).expect("not UTF-8");
                let mut out = Vec::new();
                for (piece, last) in [(&raw[..cut], false), (&raw[cut..], true)] {
                    let plain = coder.decode(piece, last).to_vec();
                    coder.encode(&plain, last, &mut out);
                }
                assert_eq!(out, raw, "{label} {cut}");
            }
        }
    }

    #[test]
    fn bodies_say_what_they_are_in() {
        assert_eq!(of("text/html; charset=\"EUC-KR\""), Some(Some(encoding_rs::EUC_KR)));
        assert_eq!(of("text/html; charset=x-nonsense"), Some(None));
        assert_eq!(of("text/html"), None);
        let html = b"<html><META http-equiv=Content-Type content='text/html; charset=ks_c_5601-1987'>";
        assert_eq!(sniff(html, Media::Html), Some(encoding_rs::EUC_KR));
        let xml = b"<?xml version=\"1.0\" encoding='Shift_JIS'?>";
        assert_eq!(sniff(xml, Media::Xml), Some(encoding_rs::SHIFT_JIS));
        assert_eq!(sniff("가나다".as_bytes(), Media::Text), Some(UTF_8));
        assert_eq!(sniff(&"가나다".as_bytes()[..7], Media::Text), Some(UTF_8));
        assert_eq!(sniff(b"\xB0\xA1\xB3\xAA", Media::Csv), Some(encoding_rs::EUC_KR));
        assert_eq!(sniff(b"caf\xE9 !", Media::Text), Some(encoding_rs::WINDOWS_1252));
        assert_eq!(sniff(b"\xFF\xFEa\0", Media::Csv), Some(UTF_16LE));
    }
}
