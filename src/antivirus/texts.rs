//! Files that stand in a body as texts in base64: fields of JSON, XML and forms, and parts of a form that are no files.

use super::{
    base64::{self, Base64},
    parts::{Items, Name},
    verdict::Verdict,
};
use crate::format::{HELD, Malformed, Media, Path, Shape, Visitor, form::Form, json::Json, xml::Xml};

/// Shorter texts are no files.
const SHORTEST: usize = 64;

/// A reader of a body with fields.
pub enum Fields {
    /// JSON, one value or more.
    Json(Box<Json<Texts>>),
    /// XML.
    Xml(Box<Xml<Texts>>),
    /// `application/x-www-form-urlencoded`.
    Form(Box<Pairs>),
}

impl Fields {
    /// For a body of this type; nothing where it has no fields that could be files.
    #[must_use]
    pub fn of(kind: Media) -> Option<Self> {
        let texts = Texts::default();
        match kind {
            Media::Json => Some(Self::Json(Box::new(Json::new(texts)))),
            Media::JsonLines => Some(Self::Json(Box::new(Json::lines(texts)))),
            Media::Xml => Some(Self::Xml(Box::new(Xml::new(texts)))),
            Media::Form => Some(Self::Form(Box::new(Pairs::new(texts)))),
            Media::Html | Media::Csv | Media::Tsv | Media::Events | Media::Text => None,
        }
    }

    /// Reads a piece.
    ///
    /// # Errors
    /// When it can't be read.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        // Nothing is replaced.
        let mut out = Vec::new();
        match self {
            Self::Json(json) => json.push(bytes, &mut out),
            Self::Xml(xml) => xml.push(bytes, &mut out),
            Self::Form(pairs) => pairs.push(bytes, &mut out),
        }
    }

    /// The end of the body.
    ///
    /// # Errors
    /// When it is cut.
    pub fn finish(&mut self) -> Result<(), Malformed> {
        let mut out = Vec::new();
        match self {
            Self::Json(json) => json.finish(&mut out),
            Self::Xml(xml) => xml.finish(&mut out),
            Self::Form(pairs) => pairs.form.finish(&mut out),
        }
    }

    /// What was found.
    pub fn texts(&mut self) -> &mut Texts {
        match self {
            Self::Json(json) => json.visitor(),
            Self::Xml(xml) => xml.visitor(),
            Self::Form(pairs) => pairs.form.visitor(),
        }
    }
}

/// A form whose names are read like values. Many send by this type what is no form at all: to the reader of forms that would be a name that is
/// too long, and here it is a text like others.
pub struct Pairs {
    form: Form<Texts>,
    begun: bool,
    /// Whether the name of the pair at hand is over.
    named: bool,
}

impl Pairs {
    fn new(texts: Texts) -> Self {
        Self { form: Form::new(texts), begun: false, named: false }
    }

    fn push(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
        if !std::mem::replace(&mut self.begun, true) {
            self.form.push(b"=", out)?;
        }
        loop {
            let end = if self.named { memchr::memchr(b'&', bytes) } else { memchr::memchr2(b'=', b'&', bytes) };
            let Some(end) = end else { return self.form.push(bytes, out) };
            self.form.push(&bytes[..end], out)?;
            // A value without a name.
            self.form.push(b"&=", out)?;
            self.named = bytes[end] == b'=';
            bytes = &bytes[end + 1..];
        }
    }
}

/// Files that stand as texts in a body, until somebody takes them.
#[derive(Debug, Default)]
pub struct Texts {
    found: Vec<Event>,
    long: Long,
}

/// A text that comes in parts.
#[derive(Debug, Default)]
enum Long {
    /// There is none.
    #[default]
    No,
    /// It is no file.
    Words,
    /// It is one, and this undoes it.
    File(Base64),
}

#[derive(Debug)]
enum Event {
    Begin,
    Data(Vec<u8>),
    End,
}

impl Texts {
    /// Hands out what was found so far.
    ///
    /// # Errors
    /// With what `items` make of it.
    pub fn give(&mut self, items: &mut dyn Items) -> Result<(), Verdict> {
        for event in self.found.drain(..) {
            match event {
                Event::Begin => items.begin(&Name::default())?,
                Event::Data(bytes) => items.data(&bytes)?,
                Event::End => items.end()?,
            }
        }
        Ok(())
    }

    fn decode(&mut self, base64: &mut Base64, text: &[u8]) {
        let mut plain = Vec::with_capacity(text.len() / 4 * 3);
        base64.push(text, &mut plain);
        self.found.push(Event::Data(plain));
    }
}

impl Visitor for Texts {
    fn field(&mut self, _: &Path, value: &[u8], shape: Shape, _: &mut Vec<u8>) -> bool {
        let text = base64::without_head(value);
        if shape == Shape::Text && text.len() >= SHORTEST && base64::seems(text) {
            self.found.push(Event::Begin);
            self.decode(&mut Base64::default(), text);
            self.found.push(Event::End);
        }
        false
    }

    fn name(&mut self, _: &Path, _: &[u8], _: &mut Vec<u8>) -> bool {
        false
    }

    fn part(&mut self, _: &Path, part: &[u8], _: &mut Vec<u8>) {
        let mut text = part;
        if matches!(self.long, Long::No) {
            text = base64::without_head(part);
            self.long = if base64::seems(text) { Long::File(Base64::default()) } else { Long::Words };
            if matches!(self.long, Long::File(_)) {
                self.found.push(Event::Begin);
            }
        }
        if let Long::File(mut base64) = std::mem::replace(&mut self.long, Long::Words) {
            self.decode(&mut base64, text);
            self.long = Long::File(base64);
        }
    }

    fn end(&mut self, _: &Path, _: &mut Vec<u8>) {
        if let Long::File(_) = std::mem::take(&mut self.long) {
            self.found.push(Event::End);
        }
    }
}

/// Gives `items` what parts of a form hold in base64 that are no files themselves.
pub struct Undone<'a> {
    items: &'a mut dyn Items,
    texts: Texts,
    /// The beginning of the part at hand; nothing where it is a file.
    held: Option<Vec<u8>>,
    long: bool,
}

impl<'a> Undone<'a> {
    /// For these.
    pub fn new(items: &'a mut dyn Items) -> Self {
        Self { items, texts: Texts::default(), held: None, long: false }
    }
}

impl Items for Undone<'_> {
    fn begin(&mut self, name: &Name) -> Result<(), Verdict> {
        self.held = name.file.is_none().then(Vec::new);
        self.long = false;
        Ok(())
    }

    fn data(&mut self, bytes: &[u8]) -> Result<(), Verdict> {
        let Some(held) = &mut self.held else { return Ok(()) };
        held.extend_from_slice(bytes);
        if held.len() > HELD {
            self.long = true;
            self.texts.part(&Path::new(), held, &mut Vec::new());
            held.clear();
        }
        self.texts.give(self.items)
    }

    fn end(&mut self) -> Result<(), Verdict> {
        let Some(held) = self.held.take() else { return Ok(()) };
        let (at, mut out) = (Path::new(), Vec::new());
        if self.long {
            self.texts.part(&at, &held, &mut out);
            self.texts.end(&at, &mut out);
        } else {
            self.texts.field(&at, &held, Shape::Text, &mut out);
        }
        self.texts.give(self.items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::antivirus::{icap::answer::Head, outbreak::Outbreak, parts::Parts};

    #[derive(Default, PartialEq, Debug)]
    struct Seen(Vec<Vec<u8>>);

    impl Items for Seen {
        fn begin(&mut self, _: &Name) -> Result<(), Verdict> {
            self.0.push(Vec::new());
            Ok(())
        }

        fn data(&mut self, bytes: &[u8]) -> Result<(), Verdict> {
            self.0.last_mut().expect("begun").extend_from_slice(bytes);
            Ok(())
        }

        fn end(&mut self) -> Result<(), Verdict> {
            Ok(())
        }
    }

    /// What a body is made of, in any order.
    const WORDS: &[&str] = &[
        "\r\n",
        "\n",
        "\r",
        "--b",
        "--",
        " ",
        "\t",
        "Content-Disposition: form-data; name=\"a\"",
        "; filename=\"f\"",
        "Content-Transfer-Encoding: base64",
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\\u00e9",
        "\\",
        "<a",
        ">",
        "</a>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "&amp;",
        "&",
        "=",
        "%3D",
        "%",
        "+",
        "data:x/y;base64,",
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY",
        "ICAP/1.0 200 OK\r\n",
        "ICAP/1.0 204 No\r\n",
        "Encapsulated: req-hdr=0, req-body=",
        "res-hdr=0, res-body=4",
        "HTTP/1.1 200 OK",
        "X-Infection-Found: Threat=",
        "X-Violations-Found: 1\r\n\t",
        "0",
        "4",
        "b",
        "ffffffffffffffff",
        "18446744073709551615",
        ";ieof",
        "44d88612fea8a8f36de82e1278abb02f:68:Eicar",
        "Eicar:0:*:58354f",
        "rule a { condition: true }",
        "import \"pe\"",
        "/*",
        "*/",
        "\u{0}",
    ];

    fn made_up(random: &mut fastrand::Rng) -> Vec<u8> {
        let mut body = Vec::new();
        for _ in 0..random.usize(..24) {
            if random.u8(..8) == 0 {
                body.push(random.u8(..));
            } else {
                body.extend_from_slice(WORDS[random.usize(..WORDS.len())].as_bytes());
            }
        }
        body
    }

    fn parts(body: &[u8], cut: usize) -> Option<(Seen, bool)> {
        let (mut parts, mut seen) = (Parts::new(b"multipart/form-data; boundary=b")?, Seen::default());
        for piece in body.chunks(cut) {
            parts.push(piece, &mut seen).ok()?;
        }
        let stray = parts.finish().ok()?;
        Some((seen, stray))
    }

    fn fields(kind: Media, body: &[u8], cut: usize) -> Option<Seen> {
        let (mut fields, mut seen) = (Fields::of(kind)?, Seen::default());
        for piece in body.chunks(cut) {
            fields.push(piece).ok()?;
            fields.texts().give(&mut seen).ok()?;
        }
        fields.finish().ok()?;
        fields.texts().give(&mut seen).ok()?;
        Some(seen)
    }

    #[test]
    fn nothing_that_is_made_up_makes_it_stumble() {
        let mut random = fastrand::Rng::with_seed(8);
        let (mut read, mut found) = (0, 0);
        for _ in 0..100_000 {
            let (body, cut) = (made_up(&mut random), random.usize(1..40));
            let whole = parts(&body, usize::MAX);
            assert_eq!(parts(&body, cut), whole, "{body:?}");
            read += usize::from(whole.is_some());
            for kind in [Media::Json, Media::JsonLines, Media::Xml, Media::Form] {
                let whole = fields(kind, &body, usize::MAX);
                found += usize::from(whole.as_ref().is_some_and(|seen| !seen.0.is_empty()));
                assert_eq!(fields(kind, &body, cut), whole, "{kind:?} {body:?}");
            }
            let mut answer = &*body;
            if let Ok(head) = Head::read(&mut answer) {
                let _ = (head.threat(), head.is_unmodified(&mut answer, random.bool(), 4, &[0; 32]));
            }
            let text = String::from_utf8_lossy(&body);
            for name in ["a.hdb", "a.ndb", "a.yar"] {
                let _ = Outbreak::read(name, &text);
            }
        }
        assert!(read > 0 && found > 0, "{read} forms in parts were whole, {found} files found");
    }
}
