use super::*;

fn chunks(body: &[u8]) -> Result<Option<usize>, Malformed> {
    let whole = Chunks::default().read(body);
    // Any cut gives the same verdict.
    let mut cut = Chunks::default();
    let mut last = Ok(None);
    for (i, byte) in body.iter().enumerate() {
        last = cut.read(std::slice::from_ref(byte)).map(|end| end.map(|_| i + 1));
        if last != Ok(None) {
            break;
        }
    }
    assert_eq!(whole, last, "{}", String::from_utf8_lossy(body));
    whole
}

#[test]
fn good_chunks_end_where_they_should() {
    assert_eq!(chunks(b"5\r\nhello\r\n0\r\n\r\nGET /"), Ok(Some(15)));
    assert_eq!(chunks(b"A;a=b\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n"), Ok(Some(34)));
    assert_eq!(chunks(b"5\r\nhel"), Ok(None));
}

#[test]
fn malformed_chunks_are_refused() {
    let bad: &[&[u8]] = &[
        b"\r\n",
        b"5\nhello\r\n",
        b"5\r\nhelloX",
        b"5\r\nhello\n0\r\n\r\n",
        b"g\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b" 5\r\n",
        b"5 \r\nhello\r\n",
        b"0x5\r\n",
        b"5;a\nb\r\n",
        b"5;\0\r\n",
        b"ffffffffffffffff\r\n",
        b"0\r\nX: a\n\r\n",
        b"0\r\n X: a\r\n\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\n\rX",
        b"5\rXhello",
    ];
    for body in bad {
        assert!(chunks(body).is_err(), "{}", String::from_utf8_lossy(body));
    }
}

/// What the parts of a body are, put together.
fn taken_apart(mut chunks: Chunks, body: &[u8], cut: usize) -> (Vec<u8>, Vec<u8>, usize) {
    let (mut data, mut trailers) = (Vec::new(), Vec::new());
    let mut end = 0;
    for piece in body.chunks(cut) {
        let mut rest = piece;
        while !rest.is_empty() {
            let (read, into) = match chunks.next(rest).expect("good chunks") {
                Part::Frame(read) => (read, None),
                Part::Data(read) => (read, Some(&mut data)),
                Part::Trailers(read) => (read, Some(&mut trailers)),
                Part::End(read) => {
                    trailers.extend_from_slice(&rest[..read]);
                    return (data, trailers, end + read);
                }
            };
            if let Some(into) = into {
                into.extend_from_slice(&rest[..read]);
            }
            end += read;
            rest = &rest[read..];
        }
    }
    panic!("the body has no end");
}

#[test]
fn data_and_trailers_are_told_apart_at_any_cut() {
    let body = b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\nHTTP/1.1 200";
    for cut in 1..=body.len() {
        let (data, trailers, end) = taken_apart(Chunks::default(), body, cut);
        assert_eq!((&data[..], &trailers[..]), (&b"hello!"[..], &b"X-Sum: 1\r\nY:\r\n\r\n"[..]), "{cut}");
        assert_eq!(&body[end..], b"HTTP/1.1 200", "{cut}");
    }
}

#[test]
fn padding_after_a_size_is_for_answers_alone() {
    let body = b"5  \r\nhello\r\n0\t \r\n\r\n";
    assert_eq!(taken_apart(Chunks::padded(), body, 3).0, b"hello");
    assert_eq!(Chunks::default().read(body), Err(Malformed));
    assert_eq!(Chunks::padded().read(b" 5\r\n"), Err(Malformed));
}
