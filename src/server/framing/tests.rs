use super::*;

fn rules() -> HeadRules {
    HeadRules { header_bytes: 1024, header_count: 8, uri_bytes: 200, ..HeadRules::default() }
}

fn verdict(head: &[u8]) -> Result<Passed, Kind> {
    let rules = rules();
    let end = find_end(head, 0, &rules)?.expect("a whole head");
    assert_eq!(end, head.len());
    read(&Bytes::copy_from_slice(head), &rules, &mut Pattern::default())
}

#[test]
fn plain_heads_pass() {
    let passed =
        verdict(b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nAccept: */*\r\nX-A: 1 \r\nX-a:\t2\r\n\r\n").expect("passes");
    let Parts { method, uri, version, headers, .. } = &*passed.parts;
    assert_eq!((method, &uri.to_string()[..], *version), (&Method::GET, "/a?b=c", Version::HTTP_11));
    assert!(headers.len() == 4 && headers.get_all("x-a").iter().eq(["1", "2"]) && headers["accept"] == "*/*");
    assert_eq!((passed.length, passed.expects), (Length::Bytes(0), false));
    assert_eq!(passed.form, Form { http_1_0: false, head_only: false, persists: true, trailers: false });
    let passed = verdict(b"POST / HTTP/1.1\r\nHost: x:8443\r\nContent-Length: 12\r\n\r\n").expect("passes");
    assert_eq!(passed.length, Length::Bytes(12));
    let passed = verdict(b"POST / HTTP/1.1\r\nTransfer-Encoding:chunked\r\nhost:[::1]\r\n\r\n").expect("passes");
    assert_eq!(passed.length, Length::Chunked);
    assert!(verdict(b"GET http://x/y HTTP/1.1\r\nHost: X\r\n\r\n").is_ok());
    assert!(verdict("GET /é HTTP/1.1\r\nHost: x\r\nName: 김\r\n\r\n".as_bytes()).is_ok());
    let passed =
        verdict(b"HEAD / HTTP/1.0\r\nHost: x\r\nConnection: a, Keep-Alive\r\nTE: trailers\r\n\r\n").expect("passes");
    assert_eq!(passed.form, Form { http_1_0: true, head_only: true, persists: true, trailers: false });
    let passed = verdict(b"POST / HTTP/1.1\r\nHost: x\r\nTE: a,trailers\r\nConnection: close\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
    let passed = passed.expect("passes");
    assert_eq!(passed.form, Form { http_1_0: false, head_only: false, persists: false, trailers: true });
    assert!(passed.expects);
}

#[test]
fn every_ambiguous_head_is_refused() {
    let bad: &[&[u8]] = &[
        b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked \r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \tchunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:  chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\x0bchunked\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n: empty\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX_Y: a\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
        b"GET / http/1.1\r\nHost: a\r\n\r\n",
        b"GET /\r\nHost: a\r\n\r\n",
        b"GET /#a HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /` HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET http:/// HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
    ];
    for head in bad {
        let shown = String::from_utf8_lossy(head);
        assert!(verdict(head).is_err_and(|kind| kind.status() == 400), "{shown}");
    }
}

#[test]
fn lines_without_cr_are_found_before_the_head_ends() {
    for bad in [&b"GET / HTTP/1.1\n"[..], b"\n", b"\r\n", b"GET / HTTP/1.1\r\nHost: a\n\r\n"] {
        assert!(find_end(bad, 0, &rules()).is_err(), "{bad:?}");
    }
}

#[test]
fn limits_have_their_own_answers() {
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(300));
    assert_eq!(verdict(long.as_bytes()).err(), Some(Kind::UriTooLong));
    assert_eq!(find_end(&[b'a'; 300], 0, &rules()), Err(Kind::UriTooLong));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(9));
    assert_eq!(verdict(many.as_bytes()).err(), Some(Kind::HeadersTooLarge));
    let big = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}", "y".repeat(2000));
    assert_eq!(find_end(big.as_bytes(), 0, &rules()), Err(Kind::HeadersTooLarge));
}

#[test]
fn names_are_tokens_byte_by_byte() {
    for byte in 0..=255 {
        let head = [&b"GET / HTTP/1.1\r\nx"[..], &[byte], b": y\r\n\r\n"].concat();
        let rules = HeadRules { underscores: Ambiguous::Keep, ..rules() };
        let is_read = read(&Bytes::from(head), &rules, &mut Pattern::default())
            .is_ok_and(|passed| passed.parts.headers.len() == 1);
        // A second colon is the value's.
        assert_eq!(is_read, crate::common::http1::is_token(byte) || matches!(byte, b':'), "{byte}");
    }
}

/// What passed, in words.
fn told(passed: Result<Passed, Kind>) -> Option<String> {
    let Passed { parts, length, expects, form } = passed.ok()?;
    Some(format!("{} {} {:?} {length:?} {expects} {form:?}", parts.method, parts.uri, parts.headers))
}

#[test]
fn a_head_is_read_as_if_none_had_come_before() {
    let heads = [
        "GET /a HTTP/1.1\r\nHost: x\r\nCookie: a=1\r\nTE: trailers\r\nConnection: close\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\nExpect: 100-continue\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
    ];
    let odd: [&[u8]; 9] = [b"\r", b"\n", b" ", b"_", b"1", b"close", b", chunked", b"100-continue", b"\0"];
    let rules = HeadRules { header_bytes: 4096, header_count: 4, ..HeadRules::default() };
    let mut random = fastrand::Rng::with_seed(3);
    let mut pattern = Pattern::default();
    let (mut all, mut passed) = (0, 0);
    for _ in 0..5_000 {
        let mut bytes = heads[random.usize(..heads.len())].as_bytes().to_vec();
        for _ in 0..random.usize(1..8) {
            for _ in 0..random.usize(..5) / 3 {
                let at = random.usize(..bytes.len());
                match random.u8(..3) {
                    0 => drop(bytes.remove(at)),
                    1 => drop(bytes.splice(at..at, odd[random.usize(..odd.len())].iter().copied())),
                    _ => bytes[at] = random.u8(..),
                }
            }
            let Ok(Some(end)) = find_end(&bytes, 0, &rules) else { continue };
            let head = Bytes::copy_from_slice(&bytes[..end]);
            let alone = told(read(&head, &rules, &mut Pattern::default()));
            passed += usize::from(alone.is_some());
            all += 1;
            assert_eq!(told(read(&head, &rules, &mut pattern)), alone, "{}", head.escape_ascii());
        }
    }
    assert!(passed > all / 4, "{passed} of {all}");
}

#[test]
fn a_coding_with_other_blanks_is_not_what_passed_before() {
    let mut pattern = Pattern::default();
    for _ in 0..4 {
        let good = Bytes::from_static(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        assert!(read(&good, &rules(), &mut pattern).is_ok());
    }
    for coding in ["  chunked", "\tchunked", " chunked ", " chunked, chunked", " x"] {
        let bad = Bytes::from(format!("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:{coding}\r\n\r\n"));
        assert!(read(&bad, &rules(), &mut pattern).is_err(), "{coding}");
    }
}
