//! Bodies in parts for scanners: nothing panics, and the parts do not depend on how the body is cut. What is base64 in fields, answers of ICAP
//! servers, signatures of an outbreak: nothing panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use privet::antivirus::{
    Verdict,
    icap::answer::Head,
    outbreak::Outbreak,
    parts::{Items, Name, Parts},
    texts::Fields,
};
use privet::format::Media;

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

fn read(body: &[u8], cut: usize) -> Option<(Seen, bool)> {
    let (mut parts, mut seen) = (Parts::new(b"multipart/form-data; boundary=b")?, Seen::default());
    for piece in body.chunks(cut) {
        parts.push(piece, &mut seen).ok()?;
    }
    let stray = parts.finish().ok()?;
    Some((seen, stray))
}

fuzz_target!(|data: &[u8]| {
    let Some((cut, body)) = data.split_first() else { return };
    assert_eq!(read(body, usize::from(*cut) + 1), read(body, usize::MAX));
    let _ = Parts::new(body);
    for kind in [Media::Json, Media::JsonLines, Media::Xml, Media::Form] {
        let Some(mut fields) = Fields::of(kind) else { continue };
        for piece in body.chunks(usize::from(*cut) + 1) {
            if fields.push(piece).is_err() {
                break;
            }
        }
        let _ = fields.finish();
        let _ = fields.texts().give(&mut Seen::default());
    }
    let mut answer = body;
    if let Ok(head) = Head::read(&mut answer) {
        let _ = head.threat();
        let _ = head.is_unmodified(&mut answer, cut % 2 == 0, 11, &[0; 32]);
    }
    let text = String::from_utf8_lossy(body);
    for name in ["a.hdb", "a.ndb", "a.yar"] {
        let _ = Outbreak::read(name, &text);
    }
});
