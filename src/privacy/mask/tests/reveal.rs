//! Types that are found, counted and left as they are.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use super::{Mask, VALUES, bodies, mask, run};
use crate::{
    format::Media,
    privacy::{
        Kind, Kinds,
        mask::{
            Facts, Judge, Rewriter, Verdict,
            settings::{Records, Uninspectable},
        },
    },
};

pub(super) fn revealing(paths: &[&str], reveal: Kinds) -> Arc<Mask> {
    Arc::new(Arc::into_inner(mask(paths)).expect("not shared").revealing(reveal))
}

/// Hears of everything, and decides on nothing.
#[derive(Debug)]
struct Ear(Rc<RefCell<Vec<(Kind, String)>>>);

impl Judge for Ear {
    fn record(&mut self, _: &Facts<'_>) -> Verdict {
        Verdict::Show
    }

    fn outside(&mut self) -> Verdict {
        Verdict::Show
    }

    fn seen(&mut self, kind: &Kind, value: &[u8]) {
        self.0.borrow_mut().push((kind.clone(), String::from_utf8_lossy(value).into_owned()));
    }
}

/// What comes out, and what was seen of it.
fn heard<'a>(
    mask: &Arc<Mask>,
    media: Media,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (String, Vec<(Kind, String)>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let judged = (Arc::new(Records::default()), Box::new(Ear(Rc::clone(&seen))) as Box<dyn Judge>);
    let mut rewriter = Rewriter::new(mask, Some(media), None, Uninspectable::Refuse, Some(judged));
    let mut out = Vec::new();
    for piece in pieces {
        rewriter.push(piece, &mut out).expect("readable");
    }
    rewriter.finish(&mut out).expect("readable");
    let shown: u64 = rewriter.found(|found| found.shown().iter().map(|(_, n)| n).sum()).unwrap_or(0);
    let seen = seen.take();
    assert_eq!(shown, seen.len() as u64, "{media:?}: counted as seen");
    (String::from_utf8_lossy(&out).into_owned(), seen)
}

#[test]
fn what_is_revealed_is_counted_and_everything_else_is_masked() {
    let reveal: Kinds = [Kind::Phone].into_iter().collect();
    let (all, some) = (mask(&[]), revealing(&[], reveal));
    for (media, body) in bodies() {
        let (whole, seen) = heard(&some, media, [body.as_bytes()]);
        assert!(whole.contains(VALUES[1]), "{media:?}: {whole}");
        for value in VALUES.iter().filter(|value| **value != VALUES[1]) {
            assert!(!whole.contains(value), "{media:?} {value}: {whole}");
        }
        assert!(!seen.is_empty() && seen.iter().all(|(kind, value)| *kind == Kind::Phone && value == VALUES[1]));
        // What is hidden of one value is neither more nor less than under a mask of all.
        // An attribute that is written anew has quotes.
        let bare = |text: &str| text.replace('"', "");
        let masked = run(&all, Some(media), [body.as_bytes()]).expect("readable").0;
        assert_eq!(bare(&whole.replace(VALUES[1], "010-****-6789")), bare(&masked));
        for cut in (0..=body.len()).step_by(3) {
            let (a, b) = body.as_bytes().split_at(cut);
            assert_eq!(heard(&some, media, [a, b]), (whole.clone(), seen.clone()), "{media:?} {cut}");
        }
    }
}

#[test]
fn a_mask_that_reveals_everything_gives_the_very_bytes() {
    let open = revealing(&["/customers/*/note"], Kinds::all());
    let long = |unit: &str| unit.repeat(40_000);
    let odd = [
        (Media::Json, format!("{{\"a\":\"{} kim@example.com\",\"p\":\"010\\u002d2345-6789\"}}", long("\\u00e9\\/"))),
        (Media::Json, format!("{{\"customers\":[{{\"note\":\"{}\"}}]}}", long("wo "))),
        (
            Media::Html,
            format!("<p>kim\0@example.com &amp; {}</p><input value=a value=kim@example.com><p", long("&eacute;")),
        ),
        (Media::Text, format!("{}kim@example.com {}", long("a "), long("x"))),
        (Media::Csv, "id,\"a \"\"kim@example.com\"\"\"\n".to_owned()),
    ];
    for (media, body) in bodies().into_iter().chain(odd) {
        let count = |mask: &Arc<Mask>, size: usize| {
            let mut rewriter = Rewriter::new(mask, Some(media), None, Uninspectable::Refuse, None);
            let mut out = Vec::new();
            for piece in body.as_bytes().chunks(size) {
                rewriter.push(piece, &mut out).expect("readable");
            }
            rewriter.finish(&mut out).expect("readable");
            let counts = rewriter.found(|found| (found.shown(), found.masked())).expect("read");
            (out, counts)
        };
        let (_, (nothing, masked)) = count(&mask(&["/customers/*/note"]), body.len());
        assert!(nothing.is_empty() && !masked.is_empty());
        for size in [1, 7, 5000, body.len()] {
            let (out, (shown, nothing)) = count(&open, size);
            assert!(out == body.as_bytes(), "{media:?} {size}");
            assert!(nothing.is_empty());
            assert_eq!(shown, masked, "{media:?} {size}");
        }
        // Byte for byte for whoever has a judge, too, but where a value was too long.
        if body.len() < 10_000 {
            assert_eq!(heard(&open, media, [body.as_bytes()]).0, body);
        }
    }
}

#[test]
fn what_has_left_is_counted_where_the_body_breaks_off() {
    let mut rewriter =
        Rewriter::new(&revealing(&[], Kinds::all()), Some(Media::Text), None, Uninspectable::Refuse, None);
    let mut out = Vec::new();
    rewriter.push(b"mail to kim@example.com", &mut out).expect("text");
    assert_eq!(out, b"mail to kim@example.com");
    assert_eq!(rewriter.found(|found| found.shown().iter().count()), Some(1));
}

#[test]
fn a_path_holds_against_a_revealed_type() {
    let body = "{\"note\":\"010-2345-6789\",\"phone\":\"010-2345-6789\"}";
    let phone = revealing(&["/note"], [Kind::Phone].into_iter().collect());
    assert_eq!(
        heard(&phone, Media::Json, [body.as_bytes()]).0,
        "{\"note\":\"010-****-6789\",\"phone\":\"010-2345-6789\"}"
    );
    let both = revealing(&["/note"], [Kind::Phone, Kind::Own("BY_PATH".into())].into_iter().collect());
    assert_eq!(heard(&both, Media::Json, [body.as_bytes()]).0, body);
}
