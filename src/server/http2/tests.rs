use std::{cell::RefCell, rc::Rc, time::Duration};

use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::BodyExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::{LocalSet, spawn_local},
};

use super::{Request as Asking, *};
use crate::common::watch::Watches;

type Service = Rc<dyn Fn(Request<Incoming>) -> Pin<Box<dyn Future<Output = Response<Body>>>>>;

/// Longest time that a client may leave an answer unread.
const STALL: Duration = Duration::from_millis(50);

/// A client of a connection whose requests go to `service`.
async fn connect(service: Service) -> h2::client::SendRequest<Bytes> {
    connect_with(service, &h2::client::Builder::new()).await
}

async fn connect_with(service: Service, client: &h2::client::Builder) -> h2::client::SendRequest<Bytes> {
    let (theirs, ours) = tokio::io::duplex(1 << 20);
    spawn_local(serve(ours, service));
    let (client, frames) = client.handshake(theirs).await.expect("a connection");
    spawn_local(frames);
    client.ready().await.expect("room")
}

async fn serve(ours: tokio::io::DuplexStream, service: Service) {
    let mut connection = Connection::new(ours, Limits { streams: 9, header_bytes: 4096, header_count: 50 });
    let watches = Watches::new();
    let ticking = Rc::clone(&watches);
    spawn_local(ticking.run());
    let mut next = async || {
        poll_fn(|cx| {
            let polled = connection.poll_request(cx);
            // It is always tired.
            if polled.is_pending() && connection.is_at_rest() {
                connection.sleep();
            }
            polled
        })
        .await
    };
    while let Some(asked) = next().await {
        let (watch, service) = (watches.watch(), Rc::clone(&service));
        spawn_local(async move {
            let asking = |request: Asking| service(Request::from_parts(*request.parts, request.body));
            asked.answer(&watch, STALL.into(), asking).await;
        });
    }
}

fn asking(method: Method) -> Request<()> {
    Request::builder().method(method).uri("https://x/").body(()).expect("a request")
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_is_cancelled_is_not_whole() {
    let read = async {
        let seen = Rc::new(RefCell::new(None));
        let keep = Rc::clone(&seen);
        let mut client = connect(Rc::new(move |request| {
            let keep = Rc::clone(&keep);
            // Somebody else reads on when the request itself is given up.
            spawn_local(async move {
                let body: Result<_, std::io::Error> = request.into_body().collect().await;
                keep.replace(Some(body.map(http_body_util::Collected::to_bytes)));
            });
            Box::pin(std::future::pending())
        }))
        .await;
        let (_answer, mut out) = client.send_request(asking(Method::POST), false).expect("a stream");
        out.send_data(Bytes::from_static(b"half"), false).expect("a stream");
        tokio::task::yield_now().await;
        out.send_reset(Reason::CANCEL);
        while seen.borrow().is_none() {
            tokio::task::yield_now().await;
        }
        assert!(seen.take().is_some_and(|read| read.is_err()));
    };
    LocalSet::new().run_until(read).await;
}

#[tokio::test(start_paused = true)]
async fn answers_have_a_date_and_a_length_and_keep_to_their_window() {
    let talk = async {
        const SIZE: usize = 1 << 20;
        let mut client = connect(Rc::new(|request| {
            let method = request.method().clone();
            Box::pin(async move {
                Response::new(if method == Method::HEAD { Body::empty() } else { Body::full(vec![7; SIZE]) })
            })
        }))
        .await;
        let (answer, _) = client.send_request(asking(Method::HEAD), true).expect("a stream");
        let answer = answer.await.expect("an answer");
        assert!(answer.headers().contains_key("date") && !answer.headers().contains_key("content-length"));
        assert!(answer.into_body().is_end_stream());
        let (answer, _) = client.send_request(asking(Method::GET), true).expect("a stream");
        let mut answer = answer.await.expect("an answer");
        assert_eq!(answer.headers()["content-length"], SIZE.to_string());
        let mut read = 0;
        while let Some(data) = answer.body_mut().data().await {
            let size = data.expect("all of it").len();
            // The window is smaller than the answer: it comes only as far as it is given back.
            answer.body_mut().flow_control().release_capacity(size).expect("a window");
            read += size;
        }
        assert_eq!(read, SIZE);
    };
    LocalSet::new().run_until(talk).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_whose_window_stays_shut_is_given_up() {
    let talk = async {
        let service: Service = Rc::new(|_| Box::pin(async { Response::new(Body::full("unread")) }));
        let mut client = connect_with(service, h2::client::Builder::new().initial_window_size(0)).await;
        let (answer, _) = client.send_request(asking(Method::GET), true).expect("a stream");
        let mut answer = answer.await.expect("an answer");
        let cut = answer.body_mut().data().await.expect("news").expect_err("no window");
        assert_eq!(cut.reason(), Some(Reason::CANCEL));
    };
    LocalSet::new().run_until(talk).await;
}

#[test]
fn what_the_application_said_of_a_break_is_passed_on() {
    #[derive(Debug, thiserror::Error)]
    #[error("a break")]
    struct Around(#[source] h2::Error);

    let said = Broken::Client(std::io::Error::other(Around(Reason::ENHANCE_YOUR_CALM.into())));
    assert_eq!(reason(&said), Reason::ENHANCE_YOUR_CALM);
    assert_eq!(reason(&Broken::Client(std::io::ErrorKind::Other.into())), Reason::INTERNAL_ERROR);
}

fn answering<F: Future<Output = Response<Body>> + 'static>(
    answer: impl Fn(Request<Incoming>) -> F + 'static,
) -> Service {
    Rc::new(move |request| Box::pin(answer(request)))
}

async fn read_all(mut body: h2::RecvStream) -> (Vec<u8>, Option<HeaderMap>) {
    let mut read = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.expect("all of it");
        body.flow_control().release_capacity(data.len()).expect("a window");
        read.extend_from_slice(&data);
    }
    (read, body.trailers().await.expect("trailers or none"))
}

#[tokio::test(start_paused = true)]
async fn requests_are_read_as_they_were_sent() {
    let talk = async {
        // What was read goes back as it is seen.
        let service = answering(|request| async move {
            let (parts, body) = request.into_parts();
            let length = body.size_hint().exact();
            let body = body.collect().await.expect("all of it");
            let trailers = body.trailers().cloned();
            let seen = (parts.method, parts.uri, parts.headers, length, body.to_bytes().len(), trailers);
            Response::new(Body::full(format!("{seen:?}")))
        });
        let mut client = connect(service).await;
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..300 {
            let mut request = Request::builder().uri(["https://x/", "https://x/a?b", "https://y/c"][random.usize(..3)]);
            // The same ones come several times in a row, and one of them differs now and then.
            for number in 0..random.usize(..4) {
                let value = format!("{number}{}", "v".repeat(random.usize(..3) / 2));
                request = request.header(["a", "user-agent", "cookie"][number % 3], value);
            }
            let size = [0, 1, 3000, 700_000][random.usize(..4) * random.usize(..2)];
            let length = (size > 0 && random.bool()).then_some(size as u64);
            if let Some(length) = length {
                request = request.header("content-length", length);
            }
            let request = request.method(if size > 0 { "POST" } else { "GET" }).body(()).expect("a request");
            let trailers = (size > 0 && random.bool())
                .then(|| HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static("t"))]));
            let length = if size == 0 { Some(0) } else { length };
            let expected = (
                request.method().clone(),
                request.uri().clone(),
                request.headers().clone(),
                length,
                size,
                trailers.clone(),
            );
            client = client.ready().await.expect("room");
            let (answer, mut out) = client.send_request(request, size == 0).expect("a stream");
            let mut rest = size;
            while rest > 0 {
                let piece = rest.min([1, 100, 5000, 60_000][random.usize(..4)] * if size > 9999 { 50 } else { 1 });
                out.reserve_capacity(piece);
                let room = poll_fn(|cx| out.poll_capacity(cx)).await.expect("a stream").expect("room").min(rest);
                rest -= room;
                out.send_data(vec![7; room].into(), rest == 0 && trailers.is_none()).expect("a stream");
            }
            if let Some(trailers) = trailers {
                out.send_trailers(trailers).expect("a stream");
            }
            let (seen, _) = read_all(answer.await.expect("an answer").into_body()).await;
            assert_eq!(String::from_utf8_lossy(&seen), format!("{expected:?}"));
        }
    };
    LocalSet::new().run_until(talk).await;
}

fn filled(size: usize) -> Vec<u8> {
    vec![u8::try_from(size % 251).expect("a byte"); size]
}

#[tokio::test(start_paused = true)]
async fn answers_take_turns_and_are_whole() {
    for (window, frame) in [(1, 1 << 14), (1000, 1 << 14), (1 << 16, 1 << 20)] {
        let talk = async {
            let service = answering(|request| async move {
                let size: usize = request.uri().path()[1..].parse().expect("a size");
                Response::new(Body::full(filled(size)))
            });
            let mut client = h2::client::Builder::new();
            client.initial_window_size(window).initial_connection_window_size(1 << 16).max_frame_size(frame);
            let mut client = connect_with(service, &client).await;
            let sizes = [0, 1, 999, 5000, 30_000, 200_000 / 30 * (window as usize).min(30), 7, 8, 9];
            let mut reading = Vec::new();
            for size in sizes {
                client = client.ready().await.expect("room");
                let request = Request::get(format!("https://x/{size}")).body(()).expect("a request");
                let (answer, _) = client.send_request(request, true).expect("a stream");
                reading
                    .push(spawn_local(async move { read_all(answer.await.expect("an answer").into_body()).await.0 }));
            }
            for (size, read) in sizes.into_iter().zip(reading) {
                assert_eq!(read.await.expect("no panic"), filled(size));
            }
        };
        LocalSet::new().run_until(talk).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_may_be_longer_than_a_frame() {
    let talk = async {
        let service = answering(|_| async {
            let answer = Response::builder().header("x", "y".repeat(50_000)).header("connection", "close");
            answer.body(Body::full("z")).expect("an answer")
        });
        let mut client = connect(service).await;
        for _ in 0..3 {
            let (answer, _) = client.send_request(asking(Method::GET), true).expect("a stream");
            let answer = answer.await.expect("an answer");
            assert!(answer.headers()["x"].len() == 50_000 && !answer.headers().contains_key("connection"));
            assert_eq!(read_all(answer.into_body()).await.0, b"z");
            client = client.ready().await.expect("room");
        }
    };
    LocalSet::new().run_until(talk).await;
}

/// What a connection writes to a client that sends `input`, whose requests are all answered with nothing.
async fn raw(input: &[u8], end: bool) -> Vec<Frame> {
    let (mut theirs, ours) = tokio::io::duplex(1 << 20);
    let mut connection = Connection::new(ours, Limits { streams: 9, header_bytes: 4096, header_count: 50 });
    let watch = Watches::new().watch();
    theirs
        .write_all(&[frame::PREFACE, &[0, 0, 0, frame::SETTINGS, 0, 0, 0, 0, 0], input].concat())
        .await
        .expect("room");
    let mut asked = Vec::new();
    poll_fn(|cx| {
        while let Poll::Ready(next) = connection.poll_request(cx) {
            match next {
                Some(next) => asked.push(next),
                None => break,
            }
        }
        if end {
            connection.end();
            let _ = connection.poll_request(cx);
        }
        Poll::Ready(())
    })
    .await;
    for asked in asked {
        let answer = |asking: Asking| async move {
            let mut answer = Response::new(Body::empty());
            if asking.refused.is_some() {
                *answer.status_mut() = http::StatusCode::BAD_REQUEST;
            }
            answer
        };
        asked.answer(&watch, STALL.into(), answer).await;
    }
    poll_fn(|cx| {
        let _ = connection.poll_request(cx);
        Poll::Ready(())
    })
    .await;
    drop(connection);
    let mut out = Vec::new();
    theirs.read_to_end(&mut out).await.expect("an end");
    frames(&out)
}

type Frame = (u8, u8, u32, Vec<u8>);

fn frames(out: &[u8]) -> Vec<Frame> {
    let mut rest = out;
    let mut frames = Vec::new();
    while let Some(header) = frame::Header::read(rest) {
        let (payload, behind) = rest[frame::HEADER..].split_at(header.length);
        frames.push((header.kind, header.flags, header.stream, payload.to_vec()));
        rest = behind;
    }
    frames
}

/// A frame as a client sends it.
fn framed(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut out = bytes::BytesMut::new();
    frame::write(kind, flags, stream, payload, &mut out);
    out.to_vec()
}

/// `GET https://x/` without a table.
const GET: &[u8] = b"\x82\x87\x84\x01\x01x";
const WHOLE: u8 = frame::END_STREAM | frame::END_HEADERS;

#[tokio::test(start_paused = true)]
async fn a_block_may_be_cut_anywhere() {
    for cut in 0..=GET.len() {
        let input = [
            framed(frame::HEADERS, frame::END_STREAM, 1, &GET[..cut]),
            framed(frame::CONTINUATION, frame::END_HEADERS, 1, &GET[cut..]),
        ];
        let frames = raw(&input.concat(), false).await;
        assert!(
            frames.iter().any(|(kind, _, stream, payload)| (*kind, *stream, payload.first()) == (1, 1, Some(&0x88))),
            "{cut}"
        );
    }
    let endless = framed(frame::CONTINUATION, 0, 1, b"").repeat(70);
    let frames = raw(&[framed(frame::HEADERS, 1, 1, GET), endless].concat(), false).await;
    let (kind, _, _, payload) = frames.last().expect("a farewell");
    assert_eq!((*kind, payload[7]), (frame::GOAWAY, 11));
}

#[tokio::test(start_paused = true)]
async fn who_ends_says_so_and_lets_go_what_comes_too_late() {
    let input = framed(frame::HEADERS, WHOLE, 1, GET);
    let frames = raw(&input, true).await;
    let goaway: Vec<_> = frames.iter().filter(|(kind, ..)| *kind == frame::GOAWAY).collect();
    assert_eq!(goaway[0].3, [0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    assert!(frames.iter().any(|(kind, flags, ..)| (*kind, *flags) == (frame::PING, 0)));
    assert!(frames.iter().any(|(kind, _, stream, _)| (*kind, *stream) == (frame::HEADERS, 1)));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_hear_of_the_end_opens_no_more() {
    let ping = |frames: &[Frame]| frames.iter().position(|(kind, flags, ..)| (*kind, *flags) == (frame::PING, 0));
    let (theirs, ours) = tokio::io::duplex(1 << 20);
    let mut connection = Connection::new(ours, Limits { streams: 9, header_bytes: 4096, header_count: 50 });
    let (mut reading, mut writing) = tokio::io::split(theirs);
    let settings: &[u8] = &[0, 0, 0, frame::SETTINGS, 0, 0, 0, 0, 0];
    let begin = [frame::PREFACE, settings, &framed(frame::HEADERS, WHOLE, 1, GET)].concat();
    writing.write_all(&begin).await.expect("room");
    let first = poll_fn(|cx| connection.poll_request(cx)).await.expect("a request");
    connection.end();
    writing.write_all(&framed(frame::HEADERS, WHOLE, 3, GET)).await.expect("room");
    let second = poll_fn(|cx| connection.poll_request(cx)).await.expect("it has not heard it");
    connection.end();
    writing.write_all(&framed(frame::HEADERS, WHOLE, 5, GET)).await.expect("room");
    drop(second);
    let mut next = pin!(poll_fn(|cx| connection.poll_request(cx)));
    assert!(poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx).is_pending())).await, "one is under way");
    drop(first);
    assert!(next.await.is_none() && connection.is_unread());
    drop(connection);
    let mut out = Vec::new();
    reading.read_to_end(&mut out).await.expect("an end");
    let frames = frames(&out);
    assert!(ping(&frames).is_some());
    let said: Vec<_> = frames.iter().filter(|(kind, ..)| *kind == frame::GOAWAY).map(|frame| frame.3[3]).collect();
    assert_eq!(said, [0xff, 3], "all, then the last that was taken");
    assert!(frames.contains(&(frame::RST_STREAM, 0, 5, vec![0, 0, 0, 7])), "refused: {frames:?}");
}

#[tokio::test(start_paused = true)]
async fn who_reads_a_body_that_never_ends_is_not_waited_for() {
    let (mut theirs, ours) = tokio::io::duplex(1 << 20);
    let mut connection = Connection::new(ours, Limits { streams: 9, header_bytes: 4096, header_count: 50 });
    let begin = [frame::PREFACE, &framed(frame::SETTINGS, 0, 0, b""), &framed(frame::HEADERS, 4, 1, GET)].concat();
    theirs.write_all(&begin).await.expect("room");
    let asked = poll_fn(|cx| connection.poll_request(cx)).await.expect("a request");
    let (watch, kept) = (Watches::new().watch(), RefCell::new(None));
    let answer = |request: Asking| {
        kept.replace(Some(request.body));
        async { Response::new(Body::full("done")) }
    };
    asked.answer(&watch, STALL.into(), answer).await;
    for expected in [false, true] {
        connection.end();
        let is_over = poll_fn(|cx| Poll::Ready(matches!(connection.poll_request(cx), Poll::Ready(None)))).await;
        assert_eq!(is_over, expected);
        theirs.write_all(&framed(frame::PING, 1, 0, b"farewell")).await.expect("room");
        if !is_over {
            assert!(poll_fn(|cx| Poll::Ready(connection.poll_request(cx).is_pending())).await);
        }
    }
    drop(connection);
    let broken = kept.take().expect("a body").collect().await.expect_err("no end");
    assert_eq!(broken.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn who_waits_to_be_told_is_told_when_the_body_is_wanted() {
    let talk = async {
        let expects = [b"\x83\x87\x84\x01\x01x\x0f\x14\x0c".as_slice(), b"100-continue"].concat();
        for (wants, expected) in [(true, vec![b"\x08\x03100".to_vec()]), (false, Vec::new())] {
            let (mut theirs, ours) = tokio::io::duplex(1 << 20);
            let service = answering(move |request| async move {
                if wants {
                    request.into_body().collect().await.expect("all of it");
                }
                Response::new(Body::empty())
            });
            let serving = spawn_local(serve(ours, service));
            let begin = [frame::PREFACE, &framed(frame::SETTINGS, 0, 0, b""), &framed(frame::HEADERS, 4, 1, &expects)];
            theirs.write_all(&begin.concat()).await.expect("room");
            tokio::time::sleep(Duration::from_millis(1)).await;
            theirs.write_all(&framed(frame::DATA, 1, 1, b"body")).await.expect("room");
            tokio::time::sleep(Duration::from_millis(1)).await;
            theirs.shutdown().await.expect("a pipe");
            let mut out = Vec::new();
            theirs.read_to_end(&mut out).await.expect("an end");
            serving.await.expect("no panic");
            let heads: Vec<_> = frames(&out).into_iter().filter(|(kind, ..)| *kind == frame::HEADERS).collect();
            let (last, before) = heads.split_last().expect("an answer");
            assert_eq!(before.iter().map(|frame| frame.3.clone()).collect::<Vec<_>>(), expected);
            assert!(last.3[0] == 0x88 && last.1 == WHOLE);
        }
    };
    LocalSet::new().run_until(talk).await;
}

#[test]
fn what_a_client_does_not_want_remembered_is_not() {
    let mut reader = request::Reader::new(4096, 50);
    let literal = |first: u8, name: &str| [&[first][..], &[3], name.as_bytes(), &[3], b"kim"].concat();
    for (first, name, kept) in [(0x00, "abc", false), (0x10, "abc", false), (0x00, "age", false), (0x40, "abc", true)] {
        let block = Bytes::from([GET, &literal(first, name)].concat());
        for _ in 0..3 {
            let head = reader.request(&block).expect("a block").expect("a request");
            assert_eq!(head.parts.headers[name].is_sensitive(), first == 0x10);
        }
        let is_kept = format!("{reader:?}").contains("kim");
        assert!(is_kept == kept || name == "age", "{first} {name}");
    }
    let many = [GET, &literal(0, "abc").repeat(52)].concat();
    assert_eq!(reader.request(&many.into()).expect("a block").expect_err("too many"), Kind::HeadersTooLarge);
}

#[tokio::test(start_paused = true)]
async fn what_is_malformed_is_refused_by_an_answer() {
    for bad in [
        &b"\x82\x87\x84\x01\x01x\x00\x01X\x01y"[..],
        b"\x82\x87\x84\x01\x01x\x00\x01x\x02y ",
        b"\x82\x87\x84\x01\x01x\x00\x01x\x02y\x01",
        b"\x82\x82\x87\x84\x01\x01x",
        b"\x87\x84\x01\x01x",
        b"\x82\x84\x01\x01x",
        b"\x82\x87\x01\x01x",
        b"\x82\x06\x03ftp\x84\x01\x01x",
        b"\x82\x87\x04\x00\x01\x01x",
        b"\x82\x87\x04\x01x\x01\x01x",
        b"\x82\x87\x04\x03/ x\x01\x01x",
        b"\x82\x87\x84\x01\x03x y",
        b"\x82\x87\x84\x01\x01x\x88",
        b"\x82\x87\x84\x01\x01x\x0f\x0d\x011",
        b"\x82\x87\x84\x01\x01x\x0f\x0d\x010\x0f\x0d\x010",
        b"\x82\x87\x84\x01\x01x\x0f\x2a\x07chunked",
        b"\x82\x87\x84\x00\x02te\x04gzip",
        b"\x82\x87\x84\x00\x02ab\x01c\x01\x01x",
        b"\x02\x07CONNECT\x87\x84\x01\x01x",
        b"\x82\x87\x84\x01\x01x\x00\x09:protocol\x09websocket",
    ] {
        let frames = raw(&framed(frame::HEADERS, WHOLE, 1, bad), false).await;
        let answer = frames.iter().find(|(kind, ..)| *kind == frame::HEADERS).map(|(_, _, _, payload)| payload[0]);
        assert_eq!(answer, Some(0x8c), "{}", bad.escape_ascii());
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_comes_is_no_reason_to_panic() {
    let seeds = [
        framed(frame::HEADERS, frame::END_HEADERS, 1, GET),
        framed(frame::HEADERS, WHOLE, 3, b"\x82\x87\x84\x41\x01x\x40\x01a\x01b"),
        framed(frame::HEADERS, WHOLE, 5, b"\x82\x87\x84\xbf\xbe"),
        framed(frame::DATA, 0, 1, &[7; 3000]),
        framed(frame::DATA, frame::PADDED, 1, &[2, 7, 7, 0, 0]),
        framed(frame::HEADERS, WHOLE, 1, b"\x00\x01a\x01b"),
        framed(frame::RST_STREAM, 0, 1, &[0, 0, 0, 8]),
        framed(frame::WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff]),
        framed(frame::SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]),
        framed(frame::PING, 1, 0, b"farewell"),
        framed(frame::GOAWAY, 0, 0, &[0; 8]),
        framed(frame::CONTINUATION, 4, 7, GET),
    ];
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..3000 {
        let mut input: Vec<u8> =
            (0..random.usize(1..12)).flat_map(|_| seeds[random.usize(..seeds.len())].clone()).collect();
        for _ in 0..random.usize(..4) {
            let at = random.usize(..input.len());
            match random.u8(..3) {
                0 => input[at] ^= 1 << random.u8(..8),
                1 => input[at] = random.u8(..),
                _ => drop(input.remove(at)),
            }
        }
        raw(&input, random.bool()).await;
    }
}
