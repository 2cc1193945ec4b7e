//! Reload and end, under load, with nothing lost.

use std::{
    io::{Read, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use crate::support::{OK, Origin, Privet, ask_plain, read_one};

/// Sends requests on kept-alive connections until told to stop; returns how many were answered, and fails on any loss.
fn load(privet: &Privet, stop: &AtomicBool, total: &AtomicUsize, limit: usize) {
    'connection: while !stop.load(SeqCst) && total.load(SeqCst) < limit {
        let mut tls = privet.tls();
        loop {
            tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
            let answer = read_one(&mut tls);
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
            total.fetch_add(1, SeqCst);
            if answer.contains("connection: close") || stop.load(SeqCst) || total.load(SeqCst) >= limit {
                continue 'connection;
            }
        }
    }
}

#[test]
fn ten_thousand_requests_across_twenty_reloads() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let (stop, total) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| load(&privet, &stop, &total, 10_000));
        }
        for reload in 0..20 {
            let before = privet.metric("privet_config_reloads_total{result=\"applied\"}");
            privet.rewrite(|text| {
                text + &format!("[[route]]\npath = \"/r{reload}\"\nupstream = \"http://127.0.0.1:1\"\n")
            });
            privet.signal("-HUP");
            privet.until("reloaded", || privet.metric("privet_config_reloads_total{result=\"applied\"}") > before);
        }
        privet.until("10,000 answers", || total.load(SeqCst) >= 10_000);
        stop.store(true, SeqCst);
    });
    assert!(total.load(SeqCst) >= 10_000);
    assert_eq!(privet.metric("privet_requests_aborted_total"), 0);
    assert!(privet.get("/r19", "").starts_with("HTTP/1.1 502"), "the last reload is in force");
}

#[test]
fn an_invalid_file_is_refused_and_the_old_one_goes_on() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    privet.rewrite(|text| text + "[[rout]]\n");
    privet.until("refused", || privet.metric("privet_config_reloads_total{result=\"refused\"}") == 1);
    assert!(
        privet.log().contains("unknown key `rout`") && privet.log().contains("did you mean `route`?"),
        "{}",
        privet.log()
    );
    assert!(privet.get("/", "").ends_with("ok"));
}

#[test]
fn websockets_survive_a_reload() {
    let privet = Privet::demo();
    let demo = privet.metrics();
    assert!(demo.contains("privet_build_info"));
    let mut tls = privet.tls();
    tls.write_all(
        b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .expect("sent");
    let agreed = read_one(&mut tls);
    assert!(agreed.starts_with("HTTP/1.1 101") && agreed.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{agreed}");
    privet.signal("-HUP");
    privet.until("reloaded", || privet.metric("privet_config_reloads_total{result=\"applied\"}") >= 1);
    tls.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'h', b'i']).expect("sent");
    let mut echo = [0; 4];
    tls.read_exact(&mut echo).expect("an echo");
    assert_eq!(&echo, b"\x81\x02hi");
}

#[test]
fn the_end_waits_for_what_is_in_flight() {
    let slow = Origin::start_with(|head, _| {
        if head.contains("/slow") {
            thread::sleep(std::time::Duration::from_secs(3));
        }
        Some(OK.to_owned())
    });
    let mut privet = Privet::with(&format!("[shutdown]\ndelay = \"2s\"\ndeadline = \"40s\"\n{}", slow.route("")));
    let answered = Arc::new(AtomicUsize::new(0));
    let lost = thread::scope(|scope| {
        let runner = &privet;
        let slow = scope.spawn(move || runner.get("/slow", ""));
        let (count, end) = (Arc::clone(&answered), AtomicBool::new(false));
        let end = &*Box::leak(Box::new(end));
        // Clients that keep their connections and do as they are told.
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let count = Arc::clone(&count);
                scope.spawn(move || {
                    while !end.load(SeqCst) {
                        let mut tls = runner.tls();
                        loop {
                            tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
                            let answer = read_one(&mut tls);
                            assert!(answer.ends_with("ok"), "{answer}");
                            count.fetch_add(1, SeqCst);
                            if answer.contains("connection: close") || end.load(SeqCst) {
                                break;
                            }
                        }
                    }
                })
            })
            .collect();
        runner.until("some load", || count.load(SeqCst) > 50);
        runner.signal("-TERM");
        runner.until("unready", || {
            ask_plain(runner.admin, "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                .starts_with("HTTP/1.1 503")
        });
        // New connections are still served within the delay: the balancer has not heard of it yet.
        assert!(runner.get("/", "").ends_with("ok"));
        end.store(true, SeqCst);
        for client in clients {
            client.join().expect("nothing lost");
        }
        slow.join().expect("joined")
    });
    assert!(lost.ends_with("ok"), "{lost}");
    assert!(privet.child.wait().expect("ended").success());
}

#[test]
fn the_deadline_cuts_what_never_ends() {
    let never = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", never.local_addr().expect("bound"));
    let mut privet =
        Privet::with(&format!("[shutdown]\ndelay = \"0s\"\ndeadline = \"500ms\"\n[[route]]\nupstream = \"{url}\"\n"));
    let mut tls = privet.tls();
    tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    tls.flush().expect("sent");
    privet.until("in flight", || privet.metric("privet_requests_in_flight") == 1);
    privet.signal("-TERM");
    assert!(privet.child.wait().expect("ended").success());
}

#[test]
fn http2_clients_are_told_and_get_their_answer() {
    let slow = Origin::start_with(|_, _| {
        thread::sleep(std::time::Duration::from_secs(2));
        Some(OK.to_owned())
    });
    let mut privet = Privet::with(&slow.route(""));
    let client = std::process::Command::new("nghttp")
        .args(["-v", "--no-verify-peer", &privet.url("/")])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("nghttp runs");
    privet.until("in flight", || privet.metric("privet_requests_in_flight") == 1);
    privet.signal("-TERM");
    let out = client.wait_with_output().expect("ended");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(text.contains("recv GOAWAY frame") && text.contains(":status: 200"), "{text}");
    assert!(privet.child.wait().expect("ended").success());
}
