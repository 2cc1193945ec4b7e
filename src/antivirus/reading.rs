//! How a body is taken apart into files: as a whole, part by part, and what JSON, XML and forms have in base64.

use http::{HeaderMap, header};

use super::{
    parts::{Items, Name, Parts},
    spool::Held,
    texts::{Fields, Undone},
    verdict::Verdict,
};
use crate::format::{
    Malformed, Media,
    coding::{Coding, Decoder},
};

/// How a body is read.
#[derive(Debug, Clone)]
pub struct Reading {
    codings: Vec<Coding>,
    content_type: Vec<u8>,
}

impl Reading {
    /// As its headers say.
    ///
    /// # Errors
    /// When it is in a coding that is not known.
    pub fn new(headers: &HeaderMap) -> Result<Self, Verdict> {
        let mut codings = Vec::new();
        for line in headers.get_all(header::CONTENT_ENCODING) {
            let names = line.to_str().map_err(|_| UNKNOWN)?.split(',').map(str::trim);
            for name in names.filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case("identity")) {
                codings.push(Coding::of(name).ok_or(UNKNOWN)?);
            }
        }
        // Each holds memory of its own.
        if codings.len() > 3 {
            return Err(UNKNOWN);
        }
        // What was done last is undone first.
        codings.reverse();
        let content_type = headers.get(header::CONTENT_TYPE).map(|value| value.as_bytes().to_vec()).unwrap_or_default();
        Ok(Self { codings, content_type })
    }

    /// Shows the files of a body that is held to `items`. It may wait for the disk.
    ///
    /// # Errors
    /// With what `items` make of it, or because it can't be read.
    pub fn run(&self, held: &Held, items: &mut dyn Items) -> Result<(), Verdict> {
        if Parts::is(&self.content_type) {
            let mut parts = Parts::new(&self.content_type).ok_or(Verdict::Unreadable("parts without one boundary"))?;
            self.each(held, &mut |piece| parts.push(piece, items))?;
            // Whoever takes it for something else than parts sees what is around them.
            if parts.finish()? {
                self.whole(held, items)?;
            }
            return self.undone(held, items);
        }
        self.whole(held, items)?;
        let kind = std::str::from_utf8(&self.content_type).ok().and_then(Media::of);
        match kind.and_then(Fields::of) {
            Some(fields) => self.texts(held, fields, items),
            None => Ok(()),
        }
    }

    /// Once more, for parts that are no files but may be base64.
    fn undone(&self, held: &Held, items: &mut dyn Items) -> Result<(), Verdict> {
        let Some(mut parts) = Parts::new(&self.content_type) else { return Ok(()) };
        let mut undone = Undone::new(items);
        self.each(held, &mut |piece| parts.push(piece, &mut undone))
    }

    fn whole(&self, held: &Held, items: &mut dyn Items) -> Result<(), Verdict> {
        items.begin(&Name::default())?;
        self.each(held, &mut |piece| items.data(piece))?;
        items.end()
    }

    fn texts(&self, held: &Held, mut fields: Fields, items: &mut dyn Items) -> Result<(), Verdict> {
        let unreadable = |Malformed(why)| Verdict::Unreadable(why);
        self.each(held, &mut |piece| {
            // A piece at a time, so that what was found in it does not grow.
            for piece in piece.chunks(64 << 10) {
                fields.push(piece).map_err(unreadable)?;
                fields.texts().give(items)?;
            }
            Ok(())
        })?;
        fields.finish().map_err(unreadable)?;
        fields.texts().give(items)
    }

    /// Each piece of the body without its codings.
    fn each(&self, held: &Held, give: &mut dyn FnMut(&[u8]) -> Result<(), Verdict>) -> Result<(), Verdict> {
        let mut decoders: Vec<Decoder> = self.codings.iter().map(|coding| Decoder::new(*coding)).collect();
        let mut pieces = held.pieces().map_err(|_| LOST)?;
        while let Some(piece) = pieces.piece().map_err(|_| LOST)? {
            decode(&mut decoders, &piece, give)?;
        }
        finish(&mut decoders, give)
    }
}

const UNKNOWN: Verdict = Verdict::Unreadable("a coding that is not known");
const LOST: Verdict = Verdict::Unavailable("what was held can't be read");

fn decode(
    decoders: &mut [Decoder],
    bytes: &[u8],
    give: &mut dyn FnMut(&[u8]) -> Result<(), Verdict>,
) -> Result<(), Verdict> {
    let Some((first, rest)) = decoders.split_first_mut() else { return give(bytes) };
    let (mut left, mut out) = (bytes, Vec::new());
    while !left.is_empty() || first.has_more() {
        out.clear();
        let read = first.step(left, &mut out).map_err(|Malformed(why)| Verdict::Unreadable(why))?;
        left = &left[read..];
        decode(rest, &out, give)?;
    }
    Ok(())
}

fn finish(decoders: &mut [Decoder], give: &mut dyn FnMut(&[u8]) -> Result<(), Verdict>) -> Result<(), Verdict> {
    let Some((first, rest)) = decoders.split_first_mut() else { return Ok(()) };
    let mut out = Vec::new();
    first.finish(&mut out).map_err(|Malformed(why)| Verdict::Unreadable(why))?;
    decode(rest, &out, give)?;
    finish(rest, give)
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::{IpAddr, Ipv4Addr},
        sync::Arc,
    };

    use ::base64::{Engine as _, prelude::BASE64_STANDARD};
    use http::HeaderValue;

    use super::*;
    use crate::{
        antivirus::{
            room::{Room, Share},
            spool::{Place, Spool},
        },
        format::coding,
    };

    #[derive(Default)]
    struct Seen(Vec<Vec<u8>>);

    impl Items for Seen {
        fn begin(&mut self, _: &Name) -> Result<(), Verdict> {
            self.0.push(Vec::new());
            Ok(())
        }

        fn data(&mut self, bytes: &[u8]) -> Result<(), Verdict> {
            self.0.last_mut().expect("begun").write_all(bytes).map_err(|_| LOST)
        }

        fn end(&mut self) -> Result<(), Verdict> {
            Ok(())
        }
    }

    async fn files(kind: &'static str, coding: Option<&'static str>, body: &[u8]) -> Result<Vec<Vec<u8>>, Verdict> {
        let dir = tempfile::tempdir().expect("a folder");
        let room = Room::new(1 << 30, 1 << 30, 1 << 30);
        let place = Place::new(dir.path().to_owned()).expect("keys");
        let mut spool = Spool::new(&place, Share::new(&room, IpAddr::V4(Ipv4Addr::LOCALHOST)));
        for piece in body.chunks(100_000) {
            spool.push(piece).await.expect("room");
        }
        let held = Arc::new(spool.finish().await.expect("held"));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.extend(coding.map(|coding| (header::CONTENT_ENCODING, HeaderValue::from_static(coding))));
        let mut seen = Seen::default();
        Reading::new(&headers)?.run(&held, &mut seen)?;
        Ok(seen.0)
    }

    #[tokio::test]
    async fn files_in_json_are_found_short_and_long() {
        let (short, long) = (vec![1; 48], vec![2; 3_000_000]);
        let body = format!(
            r#"{{"a":"{}","b":[{{"c":"data:x/y;base64,{}"}}],"d":"{}","e":12,"f":"Zm9v"}}"#,
            BASE64_STANDARD.encode(&short),
            BASE64_STANDARD.encode(&long),
            "some words, that are none of it. ".repeat(5000),
        );
        let files = files("application/json", None, body.as_bytes()).await.expect("read");
        assert!(files.len() == 3 && files[0] == body.as_bytes() && files[1] == short && files[2] == long);
    }

    #[tokio::test]
    async fn codings_are_undone_and_what_is_around_parts_is_seen() {
        let mut coded = Vec::new();
        let plain = vec![9; 300_000];
        let mut encoder = coding::Encoder::new(Coding::Gzip);
        encoder.push(&plain, &mut coded).expect("coded");
        encoder.finish(&mut coded).expect("coded");
        assert_eq!(files("x/y", Some("identity, gzip"), &coded).await.expect("read"), [plain]);
        assert!(matches!(files("x/y", Some("gzip"), &coded[..100]).await, Err(Verdict::Unreadable(_))));
        assert!(matches!(files("x/y", Some("lzma"), b"x").await, Err(Verdict::Unreadable(_))));
        let body = b"--b\r\n\r\nfile\r\n--b--";
        assert_eq!(files("multipart/form-data; boundary=b", None, body).await.expect("read"), [b"file"]);
        let around = b"stray\r\n--b\r\n\r\nfile\r\n--b--";
        let found = files("multipart/form-data; boundary=b", None, around).await.expect("read");
        assert_eq!(found, [&b"file"[..], around]);
        assert!(matches!(files("application/json", None, b"{\"a\":").await, Err(Verdict::Unreadable(_))));
    }

    #[tokio::test]
    async fn files_in_xml_and_forms_are_found() {
        let (short, long) = (vec![1; 48], vec![2; 300_000]);
        let coded = |file: &[u8]| BASE64_STANDARD.encode(file);
        let lines = |text: &str| {
            text.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned()).collect::<Vec<_>>()
        };
        let indented = format!("\n        {}\n    ", lines(&coded(&long)).join("\n        "));
        let xml = format!(
            "<?xml version=\"1.0\"?><a b=\"data:x/y;base64,{}\"><!-- {} --><c>{indented}</c><d><![CDATA[{}]]></d><e>words</e></a>",
            coded(&short),
            "a comment that is none ".repeat(9),
            coded(&short),
        );
        for kind in ["application/xml", "application/soap+xml; charset=utf-8", "text/xml"] {
            let found = files(kind, None, xml.as_bytes()).await.expect("read");
            assert!(found.len() >= 4 && found[0] == xml.as_bytes(), "{}", found.len());
            for wanted in [&short, &long] {
                assert!(found[1..].contains(wanted), "{kind}");
            }
        }
        assert!(matches!(files("text/xml", None, b"<a").await, Err(Verdict::Unreadable(_))));
        let escaped = |file: &[u8]| coded(file).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        let form = format!("a={}&b=some+words&c={}", escaped(&short), escaped(&long));
        let found = files("application/x-www-form-urlencoded", None, form.as_bytes()).await.expect("read");
        assert_eq!(found, [form.as_bytes(), &short, &long]);
        let none = vec![7; 100_000];
        let found = files("application/x-www-form-urlencoded", None, &none).await.expect("read");
        assert_eq!(found, [none], "what is no form is scanned as it is");
        let part = |head: &str, body: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"a\"{head}\r\n\r\n{body}\r\n")
        };
        let body = [
            part("", "words"),
            part("", &coded(&short)),
            part("; filename=\"f\"", &coded(&short)),
            part("", &format!("data:x/y;base64,{}", coded(&long))),
            "--b--".to_owned(),
        ]
        .concat();
        let found = files("multipart/form-data; boundary=b", None, body.as_bytes()).await.expect("read");
        assert_eq!(found.len(), 6, "four parts, and what two of them hold");
        assert!(found[4] == short && found[5] == long);
    }
}
