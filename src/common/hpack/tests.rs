use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{decoder::Field, *};

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Vec<(String, String)>, Malformed> {
    let block = Bytes::copy_from_slice(block);
    let mut rest = decoder.begin(&block)?;
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let Field { name, value, .. } = decoder.next(&block, &mut rest)?;
        let name = match name {
            Name::Pseudo(pseudo) => format!(":{pseudo:?}").to_lowercase(),
            Name::Field(name) => name.to_string(),
            Name::Bad(length) => format!("bad {length}"),
        };
        fields.push((name, String::from_utf8_lossy(&value).into_owned()));
    }
    Ok(fields)
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let bytes = digits.chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
    bytes.map(|pair| u8::from_str_radix(pair, 16).expect("a byte")).collect()
}

#[test]
fn the_requests_of_the_rfc() {
    let first = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "www.example.com")];
    let third = [
        (":method", "GET"),
        (":scheme", "https"),
        (":path", "/index.html"),
        (":authority", "www.example.com"),
        ("custom-key", "custom-value"),
    ];
    // Appendix C.3 and C.4.
    for blocks in [
        [
            "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
            "8286 84be 5808 6e6f 2d63 6163 6865",
            "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
        ],
        [
            "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
            "8286 84be 5886 a8eb 1064 9cbf",
            "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
        ],
    ] {
        let mut decoder = Decoder::default();
        let mut version = decoder.version();
        let mut second = first.to_vec();
        second.push(("cache-control", "no-cache"));
        for (block, expected) in blocks.iter().zip([&first[..], &second, &third]) {
            let read = decode(&mut decoder, &hex(block)).expect("fields");
            assert!(read.iter().map(|(name, value)| (&**name, &**value)).eq(expected.iter().copied()), "{read:?}");
            assert_ne!(decoder.version(), version, "something is remembered of each");
            version = decoder.version();
        }
    }
}

#[test]
fn entries_leave_as_the_table_gets_smaller() {
    // Appendix C.6, which has a table of 256 bytes.
    let blocks = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    let mut decoder = Decoder::default();
    let mut last = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let begin = if index == 0 { "3fe101" } else { "" };
        last = decode(&mut decoder, &hex(&format!("{begin}{block}"))).expect("fields");
    }
    assert_eq!(last[0], (":status".to_owned(), "200".to_owned()));
    assert_eq!(last[5].1, "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1");
    assert_eq!(decode(&mut decoder, &[0xc0]).expect("the third entry").len(), 1);
    assert_eq!(decode(&mut decoder, &[0xc1]), Err(Malformed), "four were kept at most");
    let before = decoder.version();
    assert_eq!(decode(&mut decoder, &[0x20, 0x3f, 0xe1, 0x1f]), Ok(Vec::new()), "to nothing, and to 4096");
    assert!(decoder.version() > before);
    assert_eq!(decode(&mut decoder, &[0xbe]), Err(Malformed));
}

#[test]
fn what_is_malformed_and_what_is_only_bad() {
    for bad in
        ["80", "c6", "ff80", "ffffffffff7f", "3fe21f", "8220", "40", "4001", "000161", "00016105", "0085ff", "7f", "be"]
    {
        assert_eq!(decode(&mut Decoder::default(), &hex(bad)), Err(Malformed), "{bad}");
    }
    let mut decoder = Decoder::default();
    for (block, name) in [("00 0158 0179", "bad 1"), ("40 0558 2079 207a 0179", "bad 5"), ("be", "bad 5")] {
        assert_eq!(decode(&mut decoder, &hex(block)), Ok(vec![(name.to_owned(), "y".to_owned())]));
    }
    assert_eq!(decode(&mut decoder, &hex("00 00 0179")), Ok(vec![("bad 0".to_owned(), "y".to_owned())]));
    // An entry larger than the table empties it, and is none of it.
    let large = ["40 01 61 7f a11f", &"62".repeat(4128)].concat();
    assert_eq!(decode(&mut decoder, &hex(&large)).expect("a field")[0].1.len(), 4128);
    assert_eq!(decode(&mut decoder, &hex("be")), Err(Malformed));
}

fn encode(encoder: &mut Encoder, status: u16, fields: &HeaderMap) -> BytesMut {
    let mut out = BytesMut::new();
    encoder.begin(StatusCode::from_u16(status).expect("a status"), &mut out);
    for (name, value) in fields {
        encoder.field(name, value.as_bytes(), &mut out);
    }
    out
}

#[test]
fn what_is_encoded_is_decoded_the_same() {
    let names = ["date", "server", "x-request-id", "set-cookie", "content-length", "x-user", "etag", "connection"];
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..200 {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        for _ in 0..50 {
            if random.u8(..20) == 0 {
                encoder.limit(random.usize(..5000));
            }
            let status = [200, 201, 404, 599][random.usize(..4)];
            let mut fields = HeaderMap::new();
            let mut expected = vec![(":status".to_owned(), status.to_string())];
            for _ in 0..random.usize(..9) {
                let name = names[random.usize(..names.len())];
                let value = "v".repeat([1, 2, 30, 300, 5000][random.usize(..5)] + random.usize(..3));
                fields.append(name, HeaderValue::from_str(&value).expect("a value"));
            }
            let written = fields.iter().filter(|(name, _)| **name != header::CONNECTION);
            expected.extend(written.map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned())));
            let block = encode(&mut encoder, status, &fields);
            assert_eq!(decode(&mut decoder, &block), Ok(expected));
        }
    }
}

#[test]
fn what_comes_again_is_a_byte_and_a_persons_values_are_never_kept() {
    let mut encoder = Encoder::default();
    let mut fields = HeaderMap::new();
    fields.insert(header::SERVER, HeaderValue::from_static("nginx"));
    fields.insert(header::DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
    encode(&mut encoder, 200, &fields);
    assert_eq!(encode(&mut encoder, 200, &fields)[..], [0x88, 0xbf, 0xbe]);
    // What came again is kept in its next form, too.
    fields.insert(header::DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:38 GMT"));
    encode(&mut encoder, 200, &fields);
    assert_eq!(encode(&mut encoder, 200, &fields)[..], [0x88, 0xc0, 0xbe]);
    // What never does is kept for its name alone.
    fields.clear();
    fields.insert("x-request-id", HeaderValue::from_static("1"));
    encode(&mut encoder, 200, &fields);
    for id in ["2", "3"] {
        fields.insert("x-request-id", HeaderValue::from_static(id));
        assert_eq!(encode(&mut encoder, 200, &fields)[..], [0x88, 0x0f, 0x2f, 1, id.as_bytes()[0]]);
    }
    fields.insert(header::SET_COOKIE, HeaderValue::from_static("sid=kim"));
    for _ in 0..3 {
        let block = encode(&mut encoder, 200, &fields);
        assert_eq!(block[5..7], [0x1f, 55 - 15], "never indexed");
        assert!(block.ends_with(b"sid=kim"));
    }
    assert!(!format!("{encoder:?}").contains("kim"));
    // The other side wants to remember nothing.
    encoder.limit(0);
    assert_eq!(encode(&mut encoder, 599, &HeaderMap::new())[..], [0x20, 0x08, 3, b'5', b'9', b'9']);
    assert_eq!(encode(&mut encoder, 404, &HeaderMap::new())[..], [0x8d]);
}
