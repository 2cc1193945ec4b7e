//! Each refused framing case by raw bytes: 400, a closed connection, and an application that has seen nothing.

use std::io::Write;

use crate::support::{OK, Origin, Privet, read_all, read_one};

const REFUSED: &[(&str, &str)] = &[
    ("no Host", "GET / HTTP/1.1\r\n\r\n"),
    ("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    ("absolute-form against Host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("CL and TE", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("two CLs", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx"),
    ("signed CL", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx"),
    ("gzip, chunked", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    (
        "two TEs",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    ("TE in 1.0", "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ("bare LF", "GET / HTTP/1.1\nHost: a\n\n"),
    ("bare LF in a header", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
    ("bare CR", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n"),
    ("NUL", "GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
    ("control byte", "GET / HTTP/1.1\r\nHost: a\r\nX: \x01\r\n\r\n"),
    ("folding", "GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n"),
    ("space before colon", "GET / HTTP/1.1\r\nHost: a\r\nX : a\r\n\r\n"),
    ("underscore", "GET / HTTP/1.1\r\nHost: a\r\nX_Y: a\r\n\r\n"),
    ("malformed chunk size", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
    (
        "chunk longer than said",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
    ),
    ("bare LF in a chunk", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\n0\n\n"),
    (
        "second chunk malformed",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n-1\r\n\r\n",
    ),
    (
        "nominated Content-Length",
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: content-length\r\nContent-Length: 1\r\n\r\nx",
    ),
    ("path out of the root", "GET /../etc HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("encoded slash", "GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("double encoding", "GET /%252e%252e/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("encoded NUL", "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("broken encoding", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("backslash", "GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("TE in other letters", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"),
    ("TE after a vertical tab", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    ("TE with a parameter", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;x=1\r\n\r\n0\r\n\r\n"),
    ("an empty TE", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\nContent-Length: 1\r\n\r\nx"),
    ("a folded TE", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
    ("a list of CLs", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx"),
    ("a CL in hex", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x1\r\n\r\nx"),
    ("a negative CL", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\nx"),
    ("a CL that wraps around", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551617\r\n\r\nx"),
    ("an empty CL", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\nx"),
    (
        "a chunk size that wraps around",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n",
    ),
    ("a chunk size in C", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n"),
    (
        "bare LF in a chunk extension",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\n\r\na\r\n0\r\n\r\n",
    ),
    ("a malformed trailer", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX Y: 1\r\n\r\n"),
    ("two spaces in the line", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("another version", "GET / HTTP/1.2\r\nHost: a\r\n\r\n"),
    ("no version", "GET /\r\n\r\n"),
    ("a user in Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"),
    ("a path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    ("another scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a target without a slash", "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a fragment", "GET /#x HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a line without a colon", "GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n"),
    ("a name that is none", "GET / HTTP/1.1\r\nHost: a\r\nX(: a\r\n\r\n"),
    ("a nominated Host", "GET / HTTP/1.1\r\nHost: a\r\nConnection: host\r\n\r\n"),
    ("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
];

#[test]
fn refused_first_and_refused_later_and_never_seen() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    for (name, request) in REFUSED {
        let answer = privet.raw(request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{name}: {answer}");
        assert!(answer.to_lowercase().contains("connection: close"), "{name}: {answer}");
        assert!(answer.contains("x-request-id: "), "{name}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{name}: {answer}");
    }
    assert_eq!(origin.seen(), "", "the application has seen something");
    for (name, request) in REFUSED {
        let mut tls = privet.tls();
        tls.write_all(b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
        assert!(read_one(&mut tls).ends_with("ok"), "{name}");
        let smuggled = [request.as_bytes(), b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"].concat();
        tls.write_all(&smuggled).expect("sent");
        let answer = read_all(&mut tls);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{name}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{name}: {answer}");
    }
    let seen = origin.seen();
    assert_eq!(seen.matches("GET /good").count(), REFUSED.len());
    assert!(!seen.contains("smuggled") && seen.matches(" HTTP/1.1\r\n").count() == REFUSED.len(), "{seen}");
}

#[test]
fn what_follows_an_upgrade_that_nobody_took_is_served() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    for protocol in ["h2c", "websocket"] {
        let both = format!(
            "GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
             GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(privet.raw(both.as_bytes()).matches("HTTP/1.1 200").count(), 2, "{protocol}");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order_up_to_the_bad_one() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let answer = privet.raw(
        b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\nGET /4 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 400").count(), 1, "{answer}");
    assert!(!origin.seen().contains("/3") && !origin.seen().contains("/4"));
}

#[test]
fn a_chunk_that_breaks_later_breaks_the_exchange() {
    let privet = Privet::demo();
    let mut tls = privet.tls();
    tls.write_all(b"POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n").expect("sent");
    tls.flush().expect("sent");
    std::thread::sleep(std::time::Duration::from_millis(200));
    tls.write_all(b"zz\r\n").expect("sent");
    let answer = read_all(&mut tls);
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[test]
fn limits_have_their_own_answers() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!(
        "[limits]\nheader_timeout = \"500ms\"\nbody_idle_timeout = \"500ms\"\n{}",
        origin.route("body_limit = \"10B\"")
    ));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(9000));
    assert!(privet.raw(long.as_bytes()).starts_with("HTTP/1.1 414"));
    let big = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "a".repeat(40_000));
    assert!(privet.raw(big.as_bytes()).starts_with("HTTP/1.1 431"));
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: a\r\n".repeat(101));
    assert!(privet.raw(many.as_bytes()).starts_with("HTTP/1.1 431"));
    let post = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n01234567890";
    assert!(privet.raw(post).starts_with("HTTP/1.1 413"));
    let chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n";
    assert!(privet.raw(chunked).starts_with("HTTP/1.1 413"));
    assert!(
        privet
            .raw(b"GET / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nConnection: close\r\n\r\n")
            .starts_with("HTTP/1.1 417")
    );
    assert!(privet.raw(b"TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 405"));
    // Nothing of these has reached the application.
    assert_eq!(origin.seen(), "");
    assert!(privet.raw(b"GET / HTTP/1.1\r\nHost: a\r\n").starts_with("HTTP/1.1 408"), "a slow head");
    let slow = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab";
    assert!(privet.raw(slow).starts_with("HTTP/1.1 408"), "a slow body");
}
