use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, Version};
use http_body_util::{BodyExt as _, Empty, StreamBody};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
};

use super::*;
use crate::{common::http1::Outgoing, gateway::body::Broken, observe::metrics::Metrics};

fn open() -> Open {
    Open::new(&Metrics::new(1).upstream("app", 0))
}

fn connect() -> (Connection, UnixStream) {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    (Connection::new(dial::Stream::unix(ours), open(), &Rc::default()), theirs)
}

fn request(method: Method) -> Box<Request<RequestBody>> {
    let request = Request::builder().method(method).uri("/a?b=c").header("host", "app");
    Box::new(request.body(RequestBody::empty()).expect("a request"))
}

/// What is known of an answer once it is read to its end.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    version: Version,
    status: StatusCode,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
}

fn fields(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec())).collect()
}

async fn see<B: HttpBody<Data = Bytes>>(answer: Response<B>) -> Result<Seen, B::Error> {
    let (parts, body) = answer.into_parts();
    let body = body.collect().await?;
    Ok(Seen {
        version: parts.version,
        status: parts.status,
        headers: fields(&parts.headers),
        trailers: body.trailers().map(fields).unwrap_or_default(),
        body: body.to_bytes().to_vec(),
    })
}

/// Writes `answer` in pieces of `cut` bytes once the request has come; keeps the connection open where it should be.
async fn answer(mut stream: UnixStream, answer: Vec<u8>, cut: usize, close: bool) -> UnixStream {
    let mut request = [0; 512];
    let _ = stream.read(&mut request).await;
    for piece in answer.chunks(cut) {
        if stream.write_all(piece).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
    }
    if close {
        let _ = stream.shutdown().await;
    }
    stream
}

/// The answer as it is read here, and whether the connection may be used again.
async fn read(method: Method, bytes: &[u8], cut: usize, close: bool) -> Result<(Seen, bool), Error> {
    let (mut connection, theirs) = connect();
    let application = tokio::spawn(answer(theirs, bytes.to_vec(), cut, close));
    let answered = connection.ask(request(method), b"").await.map_err(|failed| failed.error)?;
    let seen = see(answered).await?;
    let _application = application.await;
    let again = connection.settle();
    Ok((seen, again && connection.is_idle()))
}

#[tokio::test]
async fn a_request_is_written_as_it_is() {
    let (mut connection, mut theirs) = connect();
    let mut asked = request(Method::POST);
    asked.headers_mut().append("x-a", HeaderValue::from_static("1"));
    asked.headers_mut().append("x-a", HeaderValue::from_static("2"));
    asked.headers_mut().append("content-length", HeaderValue::from_static("7"));
    let application = tokio::spawn(async move {
        let mut request = vec![0; 512];
        let size = theirs.read(&mut request).await.expect("a request");
        theirs.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.expect("an answer");
        request.truncate(size);
        (request, theirs)
    });
    let answered = connection.ask(asked, b"x-more: 3\r\n").await.expect("an answer");
    assert!(answered.body().is_end_stream() && connection.settle() && connection.is_idle());
    let (request, theirs) = application.await.expect("no panic");
    // The body is empty, whatever the head said of it.
    let expected = "POST /a?b=c HTTP/1.1\r\nhost: app\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 0\r\nx-more: 3\r\n\r\n";
    assert_eq!(String::from_utf8_lossy(&request), expected);
    drop(theirs);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!connection.is_idle(), "the application has closed it");
}

const GOOD: &[(&[u8], &[u8], bool)] = &[
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", true),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\nContent-Length: 5\r\n\r\nhello", b"hello", true),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", true),
    (b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!", b"!", true),
    (b"HTTP/1.1 200 OK\nContent-Length: 1\n\n!", b"!", true),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!", b"!", true),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n1  \r\n!\r\n0\r\nX-Sum: 1\r\n\r\n", b"hello!", true),
    (b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n0\r\n\r\n", b"", true),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b"", true),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", b"", true),
    (b"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 1\r\n\r\n!", b"!", false),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n!", b"!", false),
    (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\n!", b"!", true),
    // What comes behind an answer belongs to nobody.
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!HTTP/1.1 200 OK\r\n\r\n", b"!", false),
    (b"HTTP/1.1 204 No Content\r\n\r\nX", b"", false),
    ("HTTP/1.1 200 \u{d655}\u{c778}\r\nX: \u{ae40}\r\nContent-Length: 1\r\n\r\n!".as_bytes(), b"!", true),
];

#[tokio::test]
async fn good_answers_are_read_alike_at_every_cut() {
    for (bytes, body, again) in GOOD {
        for cut in 1..=bytes.len() {
            let (seen, reusable) = read(Method::GET, bytes, cut, false).await.expect("an answer");
            let name = String::from_utf8_lossy(bytes);
            assert_eq!(seen.body, *body, "{name} {cut}");
            assert_eq!(reusable, *again, "{name} {cut}");
        }
    }
    let closed = b"HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\nall of it";
    let (seen, reusable) = read(Method::GET, closed, 7, true).await.expect("an answer");
    assert_eq!((&seen.body[..], reusable), (&b"all of it"[..], false));
    let head = GOOD[0].0.strip_suffix(b"hello").expect("a body");
    let (seen, reusable) = read(Method::HEAD, head, 7, false).await.expect("an answer");
    assert!(seen.body.is_empty() && reusable, "an answer to HEAD has no body");
}

#[tokio::test]
async fn what_has_no_sure_end_is_no_answer() {
    let large = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(head::HEAD + 1));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(head::FIELDS + 1));
    let bad: &[&[u8]] = &[
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n!!",
        b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1,\r\n\r\n!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\n!\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n",
        large.as_bytes(),
        many.as_bytes(),
    ];
    for bytes in bad {
        for cut in [1, 3, bytes.len().max(1)].into_iter().filter(|cut| bytes.len() / cut < 4096) {
            let outcome = read(Method::GET, bytes, cut, true).await;
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
            assert!(outcome.is_err(), "{start} {outcome:?}");
        }
    }
}

/// The same answer as hyper's client reads it.
async fn read_by_hyper(bytes: &[u8], cut: usize) -> Option<Seen> {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let application = tokio::spawn(answer(theirs, bytes.to_vec(), cut, true));
    let io = hyper_util::rt::TokioIo::new(ours);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.ok()?;
    tokio::spawn(connection);
    let asked = Request::get("/").header("host", "app").body(Empty::<Bytes>::new()).expect("a request");
    let answered = sender.send_request(asked).await.ok()?;
    let seen = see(answered).await.ok();
    let _application = application.await;
    seen
}

/// Two readers that see different answers in the same bytes are how one client gets what is another's.
#[tokio::test]
async fn no_answer_is_read_otherwise_than_hyper_reads_it() {
    let mut random = fastrand::Rng::with_seed(42);
    let odd = [
        &b"\r"[..],
        b"\n",
        b"\r\n",
        b" ",
        b":",
        b"0",
        b"1",
        b";",
        b"\t",
        b"\0",
        b"\xff",
        b"chunked",
        b"HTTP/1.0",
        b",",
    ];
    let (mut read_here, mut only_hyper) = (0, 0);
    for _ in 0..3000 {
        let mut bytes = GOOD[random.usize(..GOOD.len())].0.to_vec();
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..bytes.len());
            match random.u8(..3) {
                0 => drop(bytes.remove(at)),
                1 => drop(bytes.splice(at..at, odd[random.usize(..odd.len())].iter().copied())),
                _ => bytes[at] = random.u8(..),
            }
        }
        let cut = random.usize(1..=bytes.len());
        let here = read(Method::GET, &bytes, cut, true).await.ok().map(|(seen, _)| seen);
        let there = read_by_hyper(&bytes, cut).await;
        let name = bytes.escape_ascii();
        match (here, there) {
            (Some(here), Some(there)) => {
                assert_eq!(here, there, "{name}");
                read_here += 1;
            }
            // hyper reads what says its length in two ways, or names another coding, one way or the other.
            (None, Some(_)) => {
                only_hyper += 1;
                let text = name.to_string().to_lowercase();
                assert!(
                    text.contains("transfer-encoding:") || text.contains("content-length:"),
                    "not read here: {text}"
                );
            }
            (Some(_), None) => panic!("only read here: {name}"),
            (None, None) => {}
        }
    }
    assert!(read_here > 500 && only_hyper < read_here / 10, "{read_here} {only_hyper}");
}

#[tokio::test]
async fn a_request_that_nobody_took_comes_back() {
    let (mut connection, theirs) = connect();
    drop(theirs);
    let failed = connection.ask(request(Method::GET), b"").await.expect_err("nobody is there");
    assert!(matches!(failed.error, Error::Write(_)), "{:?}", failed.error);
    assert_eq!(failed.unsent.expect("the request").headers()["host"], "app");
    assert!(!connection.settle());
}

#[tokio::test]
async fn what_leaves_http_keeps_what_was_read_ahead() {
    let (mut connection, mut theirs) = connect();
    theirs.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nahead").await.expect("room");
    let answered = connection.ask(request(Method::GET), b"").await.expect("an answer");
    assert_eq!(answered.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut upgraded = connection.upgrade().expect("a stream");
    theirs.write_all(b" and behind").await.expect("room");
    let mut all = [0; 16];
    upgraded.read_exact(&mut all).await.expect("all of it");
    assert_eq!(&all, b"ahead and behind");
    let mut request = [0; 64];
    let size = theirs.read(&mut request).await.expect("the request");
    assert!(request[..size].ends_with(b"\r\n\r\n"));
    upgraded.write_all(b"up").await.expect("room");
    assert_eq!(theirs.read(&mut request).await.expect("more"), 2);
}

/// What goes out of a body of these frames.
async fn written(
    length: Option<u64>,
    named: &'static str,
    frames: Vec<Result<Frame<Bytes>, Broken>>,
) -> Result<Vec<u8>, Error> {
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let mut sending = Sending::default();
    let outgoing = match length {
        Some(length) => Outgoing::Bytes(length),
        None => Outgoing::Chunked(named.split(',').filter_map(|name| name.parse().ok()).collect()),
    };
    sending.begin(body, |_, out| {
        out.extend_from_slice(b"HEAD\r\n\r\n");
        outgoing
    });
    // A pipe of few bytes is full again and again.
    let (mut ours, mut theirs) = tokio::io::duplex(3);
    let reading = tokio::spawn(async move {
        let mut all = Vec::new();
        theirs.read_to_end(&mut all).await.map(|_| all)
    });
    let sent = poll_fn(|cx| sending.poll(&mut ours, cx)).await;
    assert_eq!(sending.is_done(), sent.is_ok());
    drop(ours);
    sent.map(|()| reading)?.await.expect("no panic").map_err(Error::Read)
}

fn data(bytes: &'static [u8]) -> Frame<Bytes> {
    Frame::data(Bytes::from_static(bytes))
}

#[tokio::test]
async fn a_body_goes_out_in_its_frame() {
    let out = written(Some(6), "", vec![Ok(data(b"hello")), Ok(data(b"")), Ok(data(b"!"))]).await.expect("all");
    assert_eq!(out, b"HEAD\r\n\r\nhello!");
    let out =
        written(None, "", vec![Ok(data(b"hello, hello, hello")), Ok(data(b"")), Ok(data(b"!"))]).await.expect("all");
    assert_eq!(out, b"HEAD\r\n\r\n13\r\nhello, hello, hello\r\n1\r\n!\r\n0\r\n\r\n");
    assert_eq!(written(None, "", vec![]).await.expect("all"), b"HEAD\r\n\r\n0\r\n\r\n");
}

#[tokio::test]
async fn trailers_go_out_where_they_were_announced_and_frame_nothing() {
    let mut trailers = HeaderMap::new();
    for name in ["x-sum", "x-other", "content-length", "cookie"] {
        trailers.insert(name, HeaderValue::from_static("1"));
    }
    let frames = vec![Ok(data(b"a")), Ok(Frame::trailers(trailers))];
    let out = written(None, "x-sum,content-length,cookie", frames).await.expect("all");
    assert_eq!(out, b"HEAD\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n");
}

#[tokio::test]
async fn a_body_of_another_length_or_that_breaks_off_is_not_passed_on_as_whole() {
    assert!(matches!(written(Some(4), "", vec![Ok(data(b"hello"))]).await, Err(Error::RequestLength)));
    assert!(matches!(written(Some(6), "", vec![Ok(data(b"hello"))]).await, Err(Error::RequestLength)));
    let cut = || Err(Broken::Cut(crate::gateway::refusal::Kind::BodyTooLarge));
    assert!(matches!(written(None, "", vec![Ok(data(b"hello")), cut()]).await, Err(Error::Request(_))));
}

#[tokio::test]
async fn more_is_read_at_once_while_it_goes_on_as_fast_as_it_comes() {
    const SIZE: usize = 2 << 20;
    for at_once in [false, true] {
        let (mut connection, mut theirs) = connect();
        let application = tokio::spawn(async move {
            assert!(theirs.read(&mut [0; 512]).await.expect("a request") > 0);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
            theirs.write_all(&[head.as_bytes(), &vec![7; SIZE]].concat()).await.expect("an answer");
            theirs
        });
        let answered = connection.ask(request(Method::GET), b"").await.expect("an answer");
        let mut body = answered.into_body();
        let (mut read, mut largest) = (0, 0);
        while let Some(frame) = body.frame().await {
            let size = frame.expect("all of it").into_data().expect("data").len();
            (read, largest) = (read + size, largest.max(size));
            body.pace(at_once);
            // The application fills its socket meanwhile.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(read, SIZE);
        // What is left of the room for the head may be read into as well.
        assert!(largest <= FAST + ROOM && (largest > READ + ROOM) == at_once, "{largest}");
        assert!(connection.settle());
        drop(application.await.expect("no panic"));
        assert_eq!(connection.wire.borrow().most, READ);
    }
}

#[tokio::test]
async fn answers_are_read_into_the_same_room() {
    let (mut connection, theirs) = connect();
    let application = tokio::spawn(async move {
        let mut stream = theirs;
        for _ in 0..4 {
            stream = answer(stream, GOOD[0].0.to_vec(), 64, false).await;
        }
        stream
    });
    let mut left = Vec::new();
    for _ in 0..4 {
        let answered = connection.ask(request(Method::GET), b"").await.expect("an answer");
        assert_eq!(see(answered).await.expect("all of it").body, b"hello");
        assert!(connection.settle());
        left.push(connection.wire.borrow().read.capacity());
    }
    assert!(left.iter().all(|capacity| *capacity == left[0]), "{left:?}");
    drop(application.await.expect("no panic"));
}
