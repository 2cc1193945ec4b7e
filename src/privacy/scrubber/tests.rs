use super::*;
use crate::privacy::{
    Keys, Operator,
    settings::{Own, Pattern, Settings},
};

fn engine(operator: Operator) -> Arc<Engine> {
    let own = |name: &str, regex: &str, keywords: &[&str]| Own {
        name: name.into(),
        regex: Pattern::anywhere(regex).expect("valid"),
        keywords: keywords.iter().map(|k| (*k).to_owned()).collect(),
        max_length: 12,
        checksum: None,
    };
    let detectors = vec![own("EMPLOYEE_NO", r"\bE[0-9]{6}\b", &["employee"]), own("RUN", "Q[0-9]{4,}", &[])];
    let settings = Settings { detectors, operator, ..Settings::default() };
    Arc::new(Engine::new(&settings, Arc::new(Keys::derive("t", &[3; 32]).expect("valid"))))
}

fn whole(engine: &Engine, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    engine.scrub(text, &mut out, &mut Tally::default());
    out
}

fn cut(engine: &Arc<Engine>, text: &[u8], cuts: &mut dyn FnMut() -> usize) -> (Vec<u8>, Tally) {
    let (mut scrubber, mut out, mut pos) = (Scrubber::new(Arc::clone(engine)), Vec::new(), 0);
    while pos < text.len() {
        let next = (pos + cuts().max(1)).min(text.len());
        scrubber.push(&text[pos..next], &mut out);
        pos = next;
    }
    scrubber.finish(&mut out);
    (out, scrubber.tally().clone())
}

/// xorshift64 (Marsaglia 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap_or(0)
    }
}

const PIECES: &[&str] = &[
    "연락처 010-1234-5678, ",
    "kim.minsu%40example.com ",
    "kim@example.com",
    "900101-1234567",
    "900101%252D1234567 ",
    "card 4111 1111 1111 1111 ",
    "\"name\": \"김서윤\", ",
    "password=hunter2&x=1 ",
    "\"password\":\"a \\\"b\\\" c\",",
    "Authorization: Bearer abcdef0123456789\r\n",
    "서울특별시 강남구 테헤란로 42길 15, 302호에 ",
    "employee E123456 ",
    "Q12345 Q1234567890123456789012345 ",
    "Mr. John Smith said: ",
    "김하늘 님께 \\uae40\\ud558\\ub298 \\ub2d8 ",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n",
    "203.0.113.7 - - [24/Nov/2026:10:00:00 +0000] \"GET /v1/items/123456 HTTP/1.1\" 200 12345 ",
    "http://u:p@host/ ",
    "&#45;&amp;\u{2013}\u{200B}",
    " lorem ipsum dolor sit amet ",
    "\n",
    "0",
    "@",
    "<PERSON:q7m3f2kdx4hw9abc>",
];

/// Pieces in a row; where they are `parted`, a line's end stands between each two.
fn text(random: &mut Random, bytes: usize, parted: bool) -> Vec<u8> {
    let mut text = Vec::new();
    while text.len() < bytes {
        if parted {
            text.push(b'\n');
        }
        if !parted && random.below(12) == 0 {
            text.push(u8::try_from(random.below(256)).unwrap_or(0));
        } else {
            text.extend_from_slice(PIECES[random.below(PIECES.len())].as_bytes());
        }
    }
    text
}

#[test]
fn every_cut_gives_the_same() {
    let engine = engine(Operator::Token);
    let mut random = Random(0x9E37_79B9);
    for round in 0..60 {
        let bytes = if round % 4 == 0 { 60_000 } else { 9_000 + random.below(9_000) };
        let text = text(&mut random, bytes, false);
        let expected = whole(&engine, &text);
        let mut longest = [1, 7, 500, 9000][round % 4];
        if round % 5 == 0 {
            longest = 20_000;
        }
        let (out, _) = cut(&engine, &text, &mut || random.below(longest) + 1);
        assert!(out == expected, "round {round}: {}", first_difference(&out, &expected));
    }
}

fn first_difference(a: &[u8], b: &[u8]) -> String {
    let at = a.iter().zip(b).position(|(x, y)| x != y).unwrap_or(a.len().min(b.len()));
    let show = |t: &[u8]| String::from_utf8_lossy(&t[at.saturating_sub(80)..t.len().min(at + 80)]).into_owned();
    format!("at {at}:\n{}\n{}", show(a), show(b))
}

#[test]
fn every_single_cut_of_a_small_text_gives_the_same() {
    let engine = engine(Operator::Token);
    // What lies before and behind is long enough for the cut to fall into every state.
    let pad = "lorem ipsum dolor ".repeat(560);
    let middle: String = PIECES.concat();
    let text = format!("{pad}{middle}{pad}");
    let expected = whole(&engine, text.as_bytes());
    for at in (pad.len() - 20..pad.len() + middle.len() + 20).step_by(3) {
        let mut first = Some(at);
        let (out, _) = cut(&engine, text.as_bytes(), &mut || first.take().unwrap_or(usize::MAX / 2));
        assert!(out == expected, "cut at {at}: {}", first_difference(&out, &expected));
    }
}

#[test]
fn what_was_rewritten_is_not_rewritten_again() {
    let mut random = Random(5);
    for operator in [Operator::Token, Operator::Redact, Operator::Encrypt] {
        let engine = engine(operator);
        for _ in 0..40 {
            let text = text(&mut random, 3000, true);
            let once = whole(&engine, &text);
            let twice = whole(&engine, &once);
            assert!(once == twice, "{operator:?}: {}", first_difference(&twice, &once));
        }
    }
}

#[test]
fn no_value_comes_through() {
    let engine = engine(Operator::Token);
    let mut random = Random(77);
    for _ in 0..20 {
        let text = text(&mut random, 30_000, true);
        let (out, _) = cut(&engine, &text, &mut || random.below(3000) + 1);
        for secret in [
            "010-1234-5678",
            "kim@example",
            "kim.minsu",
            "900101",
            "4111",
            "김서윤",
            "hunter2",
            "abcdef0123",
            "MIIEvQ",
            "E123456",
        ] {
            assert!(memchr::memmem::find(&out, secret.as_bytes()).is_none(), "{secret}");
        }
    }
}

#[test]
fn long_values_are_dropped_to_their_terminators_and_memory_stays_bounded() {
    let engine = engine(Operator::Token);
    let mut scrubber = Scrubber::new(Arc::clone(&engine));
    let mut out = Vec::new();
    scrubber.push(b"x password=\"", &mut out);
    for _ in 0..2000 {
        scrubber.push(&[b'a'; 1000], &mut out);
        assert!(scrubber.raw.len() < 64 << 10);
    }
    scrubber.push(b"\" kim@example.com and -----BEGIN RSA PRIVATE KEY-----\n", &mut out);
    for _ in 0..500 {
        scrubber.push(b"MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n", &mut out);
    }
    scrubber.push(b"-----END RSA PRIVATE KEY----- end", &mut out);
    scrubber.finish(&mut out);
    let shown = String::from_utf8_lossy(&out);
    assert!(shown.starts_with("x password=\"<PASSWORD>\" <EMAIL_ADDRESS:"), "{shown}");
    assert!(shown.ends_with("> and <PRIVATE_KEY> end"), "{shown}");
}

#[test]
fn lines_are_texts_of_their_own_but_for_what_goes_on() {
    let engine = engine(Operator::Redact);
    let mut scrubber = Scrubber::new(Arc::clone(&engine));
    let mut out = Vec::new();
    for line in [
        "a kim@example.com\n",
        "-----BEGIN PRIVATE KEY-----\n",
        "MIIEvQ==\n",
        "-----END PRIVATE KEY-----\n",
        "b 010-1234-5678\n",
    ] {
        scrubber.push(line.as_bytes(), &mut out);
        scrubber.settle(&mut out);
    }
    scrubber.finish(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), "a <EMAIL_ADDRESS>\n<PRIVATE_KEY>\nb <PHONE_NUMBER>\n");
    let counted: Vec<_> = scrubber.tally().iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    assert_eq!(counted, ["EMAIL_ADDRESS 1", "PRIVATE_KEY 1", "PHONE_NUMBER 1"]);
}

#[test]
fn binary_passes_unharmed() {
    let engine = engine(Operator::Token);
    let mut random = Random(11);
    let bytes: Vec<u8> =
        (0..100_000).map(|_| [0_u8, 0xFF, 0x80, 0xC3, 0xE2, 0x01, b'z', b'%'][random.below(8)]).collect();
    let (out, tally) = cut(&engine, &bytes, &mut || random.below(5000) + 1);
    assert!(out == bytes && tally.is_empty());
}
