use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use http::{HeaderMap, HeaderValue, Method, request::Parts};
use http_body_util::BodyExt as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream},
    task::{LocalSet, yield_now},
};

use super::*;
use crate::{common::watch::Watches, gateway::refusal::Kind};

/// A request as the service has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Whole {
        method: Method,
        target: String,
        fields: BTreeMap<String, Vec<Vec<u8>>>,
        body: Vec<u8>,
        trailers: usize,
    },
    /// Its body broke off.
    Broken(String),
    Refused(Kind),
}

impl Seen {
    fn target(&self) -> &str {
        match self {
            Self::Whole { target, .. } | Self::Broken(target) => target,
            Self::Refused(_) => "refused",
        }
    }
}

fn fields(headers: &HeaderMap) -> BTreeMap<String, Vec<Vec<u8>>> {
    let values = |name| headers.get_all(name).iter().map(|value| value.as_bytes().to_vec()).collect();
    headers.keys().map(|name| (name.to_string(), values(name))).collect()
}

async fn see<B: http_body::Body<Data = Bytes>>(parts: &Parts, body: B) -> Seen {
    let target = parts.uri.to_string();
    match body.collect().await {
        Ok(body) => Seen::Whole {
            method: parts.method.clone(),
            target,
            fields: fields(&parts.headers),
            trailers: body.trailers().map_or(0, HeaderMap::len),
            body: body.to_bytes().to_vec(),
        },
        Err(_) => Seen::Broken(target),
    }
}

type Log = Rc<RefCell<Vec<Seen>>>;

/// Answers with the target of what it has seen.
async fn echo(request: Request, log: Log) -> Response<Body> {
    let seen = match request.refused {
        Some(kind) => Seen::Refused(kind),
        None => see(&request.parts, request.body).await,
    };
    let answer = Response::new(Body::full(seen.target().to_owned()));
    log.borrow_mut().push(seen);
    answer
}

fn connect(room: usize) -> (DuplexStream, Rc<Connection<DuplexStream>>) {
    let (client, server) = tokio::io::duplex(room);
    let rules = HeadRules { header_bytes: 4096, header_count: 20, uri_bytes: 1024, ..HeadRules::default() };
    let patience = Duration::from_secs(1).into();
    (client, Connection::new(server, &Watches::new().watch(), Arc::new(rules), patience))
}

/// Runs `service` for a client that writes `input` in pieces of `cut` bytes and closes; what it was answered, and the connection.
async fn talk<F>(
    input: &[u8],
    cut: usize,
    sleeps: bool,
    mut service: impl FnMut(Request) -> F,
) -> (String, Rc<Connection<DuplexStream>>)
where
    F: Future<Output = Response<Body>>,
{
    let (mut client, connection) = connect(1 << 20);
    let written = async {
        for piece in input.chunks(cut) {
            if client.write_all(piece).await.is_err() {
                break;
            }
            for _ in 0..4 {
                yield_now().await;
            }
            if sleeps && connection.is_at_rest() {
                connection.sleep();
            }
        }
        let mut answers = Vec::new();
        // Whoever closes at once is taken for one who has left.
        let _ = tokio::time::timeout(Duration::from_millis(2), client.read_to_end(&mut answers)).await;
        let _ = client.shutdown().await;
        let _ = client.read_to_end(&mut answers).await;
        String::from_utf8_lossy(&answers).into_owned()
    };
    let served = async {
        connection.serve(|request| Box::pin(service(request))).await;
        connection.close();
        // The other end sees that it is over.
        let _ = poll_fn(|cx| connection.wire.borrow_mut().poll_shutdown(cx)).await;
    };
    let (answers, ()) = tokio::join!(written, served);
    (answers, connection)
}

async fn seen(input: &[u8], cut: usize, sleeps: bool) -> (Vec<Seen>, String) {
    let log = Log::default();
    let (answers, _) = talk(input, cut, sleeps, |request| echo(request, Rc::clone(&log))).await;
    (log.take(), answers)
}

fn targets(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(Seen::target).collect()
}

const GOOD: &[u8] = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\
GET /b HTTP/1.1\r\nHost: x\r\n\r\n\
POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n\
HEAD /d?e=f HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn good_requests_are_read_at_every_cut_awake_or_asleep() {
    let (whole, _) = seen(GOOD, GOOD.len(), false).await;
    assert_eq!(targets(&whole), ["/a", "/b", "/c", "/d?e=f"]);
    let Seen::Whole { body, trailers, .. } = &whole[2] else { panic!("whole") };
    assert_eq!((&body[..], *trailers), (&b"abc"[..], 1));
    for cut in 1..GOOD.len() {
        for sleeps in [false, true] {
            let (seen, answers) = seen(GOOD, cut, sleeps).await;
            assert_eq!(seen, whole, "cut {cut}");
            assert_eq!(answers.matches("HTTP/1.1 200 OK\r\n").count(), 4, "cut {cut}: {answers}");
        }
    }
    let long = format!("GET /long HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "l".repeat(3000));
    assert_eq!(targets(&seen([GOOD, long.as_bytes()].concat().as_slice(), 2000, true).await.0)[4], "/long");
}

#[tokio::test(start_paused = true)]
async fn a_later_bad_request_is_refused_in_its_turn_and_nothing_behind_it_is_read() {
    let mut input = GOOD.to_vec();
    input.extend_from_slice(b"GET / HTTP/1.1\r\nHost: x\r\nHost : y\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    for cut in 1..input.len() {
        let (seen, answers) = seen(&input, cut, false).await;
        assert_eq!(targets(&seen), ["/a", "/b", "/c", "/d?e=f", "refused"], "cut {cut}");
        assert!(answers.ends_with("connection: close\r\n\r\nrefused"), "{answers}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_chunk_in_sight_refuses_the_request_and_a_later_one_breaks_its_body() {
    let bad = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    assert_eq!(targets(&seen(bad, bad.len(), false).await.0), ["refused"]);
    assert_eq!(seen(bad, 60, false).await.0, [Seen::Broken("/c".into())]);
    let short = b"POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n123";
    assert_eq!(seen(short, 9, false).await.0, [Seen::Broken("/c".into())]);
}

#[tokio::test(start_paused = true)]
async fn what_follows_an_upgrade_is_not_http() {
    let head = b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n";
    let (answers, connection) = talk(&[&head[..], b"\x81\x01\n"].concat(), 99, false, |_| async {
        Response::builder().status(101).header("upgrade", "websocket").body(Body::empty()).expect("an answer")
    })
    .await;
    assert!(answers.starts_with("HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"), "{answers}");
    assert!(!answers.contains("content-length") && !answers.contains("close"), "{answers}");
    assert_eq!(&connection.into_parts().expect("nobody else has it").1[..], b"\x81\x01\n");
}

#[tokio::test(start_paused = true)]
async fn who_waits_to_be_told_is_told_when_the_body_is_wanted() {
    let head = "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let (seen_, answers) = seen([head, "abc"].concat().as_bytes(), head.len(), false).await;
    assert_eq!(targets(&seen_), ["/a"]);
    assert!(answers.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"), "{answers}");
    // Who has sent it already needs no telling; nor who is answered without it.
    let (_, answers) = seen([head, "abc"].concat().as_bytes(), 999, false).await;
    assert!(answers.starts_with("HTTP/1.1 200 OK\r\n"), "{answers}");
    let refused = |_| async { Response::builder().status(403).body(Body::empty()).expect("an answer") };
    let (answers, _) = talk(head.as_bytes(), 999, false, refused).await;
    assert!(answers.starts_with("HTTP/1.1 403 Forbidden\r\n"), "{answers}");
    let old = head.replace("HTTP/1.1", "HTTP/1.0");
    let (_, answers) = seen([&old, "abc"].concat().as_bytes(), old.len(), false).await;
    assert!(answers.starts_with("HTTP/1.0 200 OK\r\n"), "{answers}");
}

/// The answer to `request` of a service that says `status`, `fields` and `body`, without its date.
async fn answered(request: &str, status: u16, fields: &[(&'static str, &'static str)], body: &'static str) -> String {
    let request = format!("{request}\r\nHost: x\r\n\r\n").replace('|', "\r\n");
    let (answers, _) = talk(request.as_bytes(), 999, false, |_| async {
        let mut answer = Response::new(if body.is_empty() { Body::empty() } else { Body::full(body) });
        *answer.status_mut() = StatusCode::from_u16(status).expect("a status");
        for (name, value) in fields {
            answer.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        answer
    })
    .await;
    let date = answers.find("date: ").map(|at| at..at + 37).expect("a date");
    [&answers[..date.start], &answers[date.end..]].concat()
}

#[tokio::test(start_paused = true)]
async fn answers_are_written_as_their_requests_want_them() {
    let ok = "HTTP/1.1 200 OK\r\n";
    assert_eq!(answered("GET / HTTP/1.1", 200, &[], "hi").await, format!("{ok}content-length: 2\r\n\r\nhi"));
    assert_eq!(answered("GET / HTTP/1.1", 200, &[], "").await, format!("{ok}content-length: 0\r\n\r\n"));
    let closing = format!("{ok}content-length: 2\r\nconnection: close\r\n\r\nhi");
    assert_eq!(answered("GET / HTTP/1.1|Connection: x, Close", 200, &[], "hi").await, closing);
    let told = [("content-length", "99"), ("transfer-encoding", "chunked"), ("connection", "close")];
    let closing = format!("{ok}connection: close\r\ncontent-length: 2\r\n\r\nhi");
    assert_eq!(answered("GET / HTTP/1.1", 200, &told, "hi").await, closing);
    assert_eq!(answered("HEAD / HTTP/1.1", 200, &told[..1], "").await, format!("{ok}content-length: 99\r\n\r\n"));
    assert_eq!(answered("GET / HTTP/1.1", 204, &told[..1], "").await, "HTTP/1.1 204 No Content\r\n\r\n");
    let unchanged = "HTTP/1.1 304 Not Modified\r\ncontent-length: 99\r\n\r\n";
    assert_eq!(answered("GET / HTTP/1.1", 304, &told[..1], "").await, unchanged);
    assert_eq!(answered("GET / HTTP/1.1", 299, &[], "").await, "HTTP/1.1 299 \r\ncontent-length: 0\r\n\r\n");
    let old = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\nconnection:";
    assert_eq!(answered("GET / HTTP/1.0", 200, &[], "hi").await, format!("{old} close\r\n\r\nhi"));
    let kept = answered("GET / HTTP/1.0|Connection: keep-alive", 200, &[], "hi").await;
    assert_eq!(kept, format!("{old} keep-alive\r\n\r\nhi"));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_is_not_worked_for() {
    let (mut client, connection) = connect(1 << 16);
    let left = Rc::new(());
    let held = Rc::clone(&left);
    client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("a pipe");
    let serving = connection.serve(|_| {
        let held = Rc::clone(&held);
        Box::pin(async move {
            std::future::pending::<()>().await;
            drop(held);
            Response::new(Body::empty())
        })
    });
    let leaving = async {
        yield_now().await;
        assert_eq!(Rc::strong_count(&left), 3);
        drop(client);
    };
    tokio::join!(serving, leaving);
    assert_eq!(Rc::strong_count(&left), 2);
}

#[tokio::test(start_paused = true)]
async fn a_short_body_that_nobody_reads_does_not_end_the_connection() {
    let next = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
    for (size, count) in [(10, 2), (1 << 17, 1)] {
        let post = format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n{}{next}", "b".repeat(size));
        let (answers, _) = talk(post.as_bytes(), 1 << 20, false, |_| async { Response::new(Body::empty()) }).await;
        assert_eq!(answers.matches("HTTP/1.1 200").count(), count, "{size}");
    }
    // Who still holds it is not told that it has ended.
    let held = RefCell::new(Vec::new());
    let post = ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789", next].concat();
    let (answers, connection) = talk(post.as_bytes(), 1 << 20, false, |request| {
        held.borrow_mut().push(request.body);
        async { Response::new(Body::empty()) }
    })
    .await;
    assert_eq!(answers.matches("HTTP/1.1 200").count(), 1);
    assert!(held.take().remove(0).collect().await.is_err() && connection.close());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_kept_beyond_its_end_reads_nothing_of_the_next_request() {
    let kept = RefCell::new(Vec::new());
    let posts = ["abc", "def"].map(|body| format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{body}"));
    for cut in [999, 7] {
        let (answers, _) = talk(posts.concat().as_bytes(), cut, false, |request| {
            let kept = &kept;
            async move {
                let mut body = request.body;
                let data = body.frame().await.expect("a piece").expect("all of it").into_data().expect("data");
                let mut rest = Vec::from(data);
                while let Some(frame) = body.frame().await {
                    rest.extend_from_slice(&frame.expect("all of it").into_data().expect("data"));
                }
                kept.borrow_mut().push(body);
                Response::new(Body::full(rest))
            }
        })
        .await;
        assert!(answers.matches("HTTP/1.1 200").count() == 2 && answers.ends_with("def"), "{answers}");
    }
    for mut body in kept.take() {
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_takes_too_long_is_refused() {
    let set = LocalSet::new();
    set.run_until(async {
        let watches = Watches::new();
        tokio::task::spawn_local(Rc::clone(&watches).run());
        let watch = watches.watch();
        let (mut client, server) = tokio::io::duplex(1 << 16);
        let connection = Connection::new(server, &watch, Arc::default(), Duration::from_secs(1).into());
        client.write_all(b"GET / HT").await.expect("a pipe");
        let log = Log::default();
        let mut serving = pin!(connection.serve(|request| Box::pin(echo(request, Rc::clone(&log)))));
        poll_fn(|cx| {
            watch.register(cx);
            serving.as_mut().poll(cx)
        })
        .await;
        assert_eq!(log.take(), [Seen::Refused(Kind::ClientTimeout)]);
    })
    .await;
}

/// What hyper sees of `input`.
async fn seen_by_hyper(input: &[u8]) -> Vec<Seen> {
    let (mut client, server) = tokio::io::duplex(1 << 20);
    let log = Log::default();
    let service = hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| {
        let log = Rc::clone(&log);
        async move {
            let (parts, body) = request.into_parts();
            let seen = see(&parts, body).await;
            log.borrow_mut().push(seen);
            Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
        }
    });
    client.write_all(input).await.expect("a pipe");
    client.shutdown().await.expect("a pipe");
    let io = hyper_util::rt::TokioIo::new(server);
    let _ = hyper::server::conn::http1::Builder::new().half_close(true).serve_connection(io, service).await;
    log.take()
}

#[tokio::test(start_paused = true)]
async fn what_passes_is_read_as_another_reader_reads_it() {
    let mut random = fastrand::Rng::with_seed(7);
    let odd = b"\r\n\t :;,\0chunked0123456789";
    let mut passed = 0;
    for round in 0..3000 {
        let mut input = GOOD.to_vec();
        for _ in 0..random.usize(..4) {
            let at = random.usize(..input.len());
            match random.u8(..4) {
                0 => input[at] = odd[random.usize(..odd.len())],
                1 => input.insert(at, odd[random.usize(..odd.len())]),
                2 => drop(input.remove(at)),
                _ => input[at] ^= 1 << random.u8(..8),
            }
        }
        let (ours, _) = seen(&input, 1 + random.usize(..input.len()), false).await;
        let theirs = seen_by_hyper(&input).await;
        for (ours, theirs) in ours.iter().filter(|seen| matches!(seen, Seen::Whole { .. })).zip(&theirs) {
            assert_eq!(ours, theirs, "round {round}: {}", String::from_utf8_lossy(&input));
            passed += 1;
        }
    }
    assert!(passed > 3000, "{passed}");
}
