use super::*;

fn rules() -> HeadRules {
    HeadRules { header_bytes: 1024, header_count: 8, uri_bytes: 200, ..HeadRules::default() }
}

fn verdict(head: &[u8]) -> Result<Passed, Kind> {
    let rules = rules();
    let end = find_end(head, 0, &rules)?.expect("a whole head");
    assert_eq!(end, head.len());
    read(&Bytes::copy_from_slice(head), &rules, HeaderMap::new())
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
        let is_read =
            read(&Bytes::from(head), &rules, HeaderMap::new()).is_ok_and(|passed| passed.parts.headers.len() == 1);
        // A second colon is the value's.
        assert_eq!(is_read, crate::common::http1::is_token(byte) || matches!(byte, b':'), "{byte}");
    }
}
