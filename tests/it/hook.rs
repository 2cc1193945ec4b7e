//! The hook of the end: an application that ends at its first signal, beside Privet, loses nothing when it waits for `/drain`.

use std::{
    io::Write,
    net::TcpStream,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
    time::Duration,
};

use crate::support::{OK, Origin, Privet, ask_plain, read_one};

const DRAIN: &str = "GET /drain HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
const READY: &str = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// An application that takes its time for `/slow`, and answers nobody once it has ended.
fn application(ended: &'static AtomicBool) -> Origin {
    Origin::start_with(|head, _| {
        if head.contains("/slow") {
            thread::sleep(Duration::from_secs(5));
        }
        (!ended.load(SeqCst)).then(|| OK.to_owned())
    })
}

fn never() -> &'static AtomicBool {
    Box::leak(Box::default())
}

#[test]
fn the_application_outlives_its_last_request() {
    let ended = never();
    let origin = application(ended);
    let mut privet =
        Privet::with(&format!("[shutdown]\nhook = true\ndelay = \"3s\"\ndeadline = \"50s\"\n{}", origin.route("")));
    let (answered, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let (privet, answered, stop) = (&privet, &answered, &stop);
        let slow = scope.spawn(|| privet.get("/slow", ""));
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(|| load(privet, answered, stop))).collect();
        privet.until("some load", || answered.load(SeqCst) > 50);
        let hook = scope.spawn(|| {
            let told = ask_plain(privet.admin, DRAIN);
            // It was told that nothing needs it any more, and takes that at its word.
            ended.store(true, SeqCst);
            told
        });
        privet.until("unready", || ask_plain(privet.admin, READY).starts_with("HTTP/1.1 503"));
        assert!(privet.get("/", "").ends_with("ok"), "new connections are served within the delay");
        stop.store(true, SeqCst);
        for client in clients {
            client.join().expect("nothing lost");
        }
        let told = hook.join().expect("joined");
        assert!(told.starts_with("HTTP/1.1 200") && told.ends_with("drained\n"), "{told}");
        assert!(slow.join().expect("joined").ends_with("ok"), "the slow request was in flight");
    });
    assert!(TcpStream::connect(privet.https).is_err(), "nobody listens any more");
    assert_eq!(privet.metric("privet_requests_aborted_total"), 0);
    assert!(privet.child.try_wait().expect("a child").is_none(), "it waits for its signal");
    assert!(ask_plain(privet.admin, DRAIN).ends_with("drained\n"), "who asks later is told at once");
    privet.signal("-TERM");
    assert!(privet.child.wait().expect("ended").success());
}

/// Sends requests on kept connections, anew where they are asked to end, until told to stop; fails on any loss.
fn load(privet: &Privet, answered: &AtomicUsize, stop: &AtomicBool) {
    while !stop.load(SeqCst) {
        let mut tls = privet.tls();
        loop {
            tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
            let answer = read_one(&mut tls);
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
            answered.fetch_add(1, SeqCst);
            if answer.contains("connection: close") || stop.load(SeqCst) {
                break;
            }
        }
    }
}

#[test]
fn a_signal_after_the_hook_cuts_nothing() {
    let origin = application(never());
    let mut privet =
        Privet::with(&format!("[shutdown]\nhook = true\ndelay = \"0s\"\ndeadline = \"50s\"\n{}", origin.route("")));
    thread::scope(|scope| {
        let privet = &privet;
        let slow = scope.spawn(|| privet.get("/slow", ""));
        privet.until("in flight", || privet.metric("privet_requests_in_flight") == 1);
        let hook = scope.spawn(|| ask_plain(privet.admin, DRAIN));
        privet.until("unready", || ask_plain(privet.admin, READY).starts_with("HTTP/1.1 503"));
        privet.signal("-TERM");
        assert!(slow.join().expect("joined").ends_with("ok"));
        assert!(hook.join().expect("joined").ends_with("drained\n"), "the hook is answered before the end");
    });
    assert!(privet.child.wait().expect("ended").success());
}

#[test]
fn the_deadline_ends_what_no_signal_does() {
    let origin = Origin::start(OK);
    let mut privet =
        Privet::with(&format!("[shutdown]\nhook = true\ndelay = \"0s\"\ndeadline = \"3s\"\n{}", origin.route("")));
    assert!(ask_plain(privet.admin, DRAIN).ends_with("drained\n"));
    assert!(privet.child.wait().expect("ended").success());
    assert!(!privet.log().contains("is cut"), "{}", privet.log());
}

#[test]
fn nobody_ends_a_gateway_without_a_hook() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    assert!(ask_plain(privet.admin, DRAIN).starts_with("HTTP/1.1 404"));
    let posted = DRAIN.replace("GET", "POST");
    assert!(ask_plain(privet.admin, &posted).starts_with("HTTP/1.1 405"));
    assert!(ask_plain(privet.admin, READY).ends_with("ready\n"));
    assert!(privet.get("/", "").ends_with("ok"));
}
