use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::common::watch::Watches;

fn guard<S>(io: S) -> (Guard<S>, Rc<Line>) {
    let rules = Arc::new(HeadRules { header_bytes: 4096, header_count: 20, uri_bytes: 1024, ..HeadRules::default() });
    let line = Rc::new(Line::default());
    let patience = Duration::from_secs(1).into();
    (Guard::new(io, Rc::clone(&line), Watches::new().watch(), rules, patience), line)
}

/// What hyper would read of `input`, written in pieces of `cut` bytes.
async fn let_through(input: &[u8], cut: usize) -> (Vec<u8>, Rc<Line>, bool) {
    let_through_after(false, input, cut).await
}

/// The same where the connection sleeps before each piece.
async fn let_through_after(sleep: bool, input: &[u8], cut: usize) -> (Vec<u8>, Rc<Line>, bool) {
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let (mut guard, line) = guard(server);
    let mut out = Vec::new();
    let mut failed = false;
    let mut buf = [0; 700];
    for piece in input.chunks(cut) {
        client.write_all(piece).await.expect("a pipe");
        if sleep {
            let wait = std::future::poll_fn(|cx| guard.poll_wait(cx));
            let _ = tokio::time::timeout(Duration::ZERO, wait).await;
        }
        while let Ok(read) = tokio::time::timeout(Duration::ZERO, guard.read(&mut buf)).await {
            if let Ok(n) = read {
                out.extend_from_slice(&buf[..n]);
            } else {
                failed = true;
                break;
            }
        }
    }
    (out, line, failed)
}

const GOOD: &[u8] = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\
GET /b HTTP/1.1\r\nHost: x\r\n\r\n\
POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n\
GET /d HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn good_requests_pass_unchanged_at_every_cut() {
    for cut in 1..GOOD.len() {
        let (out, line, failed) = let_through(GOOD, cut).await;
        assert_eq!(out, GOOD, "cut {cut}");
        assert_eq!(line.heads.get(), 4);
        assert!(!failed && line.refused.get().is_none());
    }
}

#[tokio::test]
async fn what_wakes_a_connection_is_let_through_as_ever() {
    let long = format!("GET /e HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "l".repeat(3000));
    let all = [GOOD, long.as_bytes()].concat();
    for cut in (1..all.len()).step_by(3).chain([all.len()]) {
        let (out, line, failed) = let_through_after(true, &all, cut).await;
        assert!(out == all, "cut {cut}");
        assert!(!failed && !line.is_unread() && line.heads.get() == 5);
    }
    let (_, line, _) = let_through_after(true, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab", 7).await;
    assert!(line.is_unread(), "a body is under way");
    let (_, line, _) = let_through_after(true, b"GET / HT", 7).await;
    assert!(line.is_unread(), "a head is under way");
}

#[tokio::test]
async fn a_later_bad_request_is_replaced_and_nothing_behind_it_is_read() {
    let mut input = GOOD.to_vec();
    input.extend_from_slice(b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n");
    for cut in 1..input.len() {
        let (out, line, _) = let_through(&input, cut).await;
        assert_eq!(out, [GOOD, STAND_IN].concat(), "cut {cut}");
        assert!(matches!(line.refused.get(), Some((5, Kind::Host(_)))));
        assert!((0..4).all(|_| line.begin().is_none()));
        assert!(line.begin().is_some());
    }
}

#[tokio::test]
async fn a_bad_chunk_in_sight_refuses_the_request_and_a_later_one_breaks_its_body() {
    let bad = b"POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n";
    let (out, line, failed) = let_through(bad, bad.len()).await;
    assert_eq!(out, STAND_IN);
    assert!(matches!(line.refused.get(), Some((1, Kind::Framing(_)))) && !failed);
    let (out, line, failed) = let_through(bad, bad.len() - 12).await;
    assert!(bad.starts_with(&out) && failed);
    assert!(line.broken().is_some());
}

#[tokio::test]
async fn what_follows_an_upgrade_is_held_until_it_is_decided() {
    let head = b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n";
    let (mut client, server) = tokio::io::duplex(4096);
    let (mut guard, line) = guard(server);
    client.write_all(&[&head[..], b"\x81\x01\n"].concat()).await.expect("a pipe");
    let mut buf = [0; 100];
    let read = guard.read(&mut buf).await.expect("the head");
    assert_eq!(&buf[..read], head);
    assert!(tokio::time::timeout(Duration::ZERO, guard.read(&mut buf)).await.is_err());
    assert!(line.refused.get().is_none());
    assert_eq!(guard.into_parts().1, b"\x81\x01\n");
}
