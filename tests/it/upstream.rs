//! Applications that fail, move, answer early, or speak another protocol.

use std::{
    io::{Read, Write},
    net::TcpListener,
    os::unix::net::UnixListener,
    process::Command,
    thread,
    time::Duration,
};

use crate::support::{Beside, OK, Origin, Privet, free_port, read_one};

#[test]
fn connections_to_the_application_are_reused() {
    let origin = Origin::start(OK);
    let privet = Privet::with_listen("workers = 1", &origin.route(""));
    let mut tls = privet.tls();
    for _ in 0..20 {
        tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
        assert!(read_one(&mut tls).ends_with("ok"));
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn bytes_left_behind_cost_the_connection() {
    let origin = Origin::start(
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
    );
    let privet = Privet::with_listen("workers = 1", &origin.route(""));
    for _ in 0..5 {
        let answer = privet.get("/", "");
        assert!(answer.ends_with("ok") && !answer.contains("poison"), "{answer}");
    }
    assert_eq!(origin.connections(), 5);
}

#[test]
fn an_early_answer_costs_the_connection() {
    // Answers before it has read the body, and goes on waiting for it.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (count, counted) = std::sync::mpsc::channel();
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            count.send(()).expect("counted");
            thread::spawn(move || {
                let mut buf = [0; 1024];
                let _ = socket.read(&mut buf);
                let _ = socket.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
                while socket.read(&mut buf).is_ok_and(|n| n > 0) {}
            });
        }
    });
    let privet = Privet::with_listen("workers = 1", &format!("[[route]]\nupstream = \"{url}\"\n"));
    for _ in 0..2 {
        let mut tls = privet.tls();
        tls.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc").expect("sent");
        assert!(read_one(&mut tls).starts_with("HTTP/1.1 413"));
    }
    assert_eq!(counted.try_iter().count(), 2);
}

/// What the application is sent while it has begun to answer.
#[test]
fn a_body_goes_on_behind_the_head_of_its_answer() {
    const MORE: usize = 3_000_000;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    thread::spawn(move || {
        let mut socket = listener.accept().expect("a connection").0;
        let mut buf = [0; 8192];
        let read = socket.read(&mut buf).expect("a head");
        socket.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").expect("a head");
        let head = buf[..read].windows(4).position(|end| end == b"\r\n\r\n").expect("a whole head") + 4;
        let mut body = read - head;
        while body < MORE + 5 {
            body += socket.read(&mut buf).expect("more");
        }
        let text = format!("{body} bytes");
        write!(socket, "{:x}\r\n{text}\r\n0\r\n\r\n", text.len()).expect("an end");
    });
    let privet = Privet::with_listen("workers = 1", &format!("[[route]]\nupstream = \"{url}\"\n"));
    let mut tls = privet.tls();
    write!(tls, "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\nbegin", MORE + 5)
        .expect("sent");
    let mut begun = [0; 15];
    tls.read_exact(&mut begun).expect("a head before the body has ended");
    assert_eq!(&begun, b"HTTP/1.1 200 OK");
    tls.write_all(&vec![b'x'; MORE]).expect("sent");
    let mut rest = String::new();
    tls.read_to_string(&mut rest).expect("the answer");
    assert!(rest.contains(&format!("{} bytes", MORE + 5)), "{rest}");
}

#[test]
fn a_client_that_breaks_off_is_no_failure_of_the_application() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let (end, ended) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let mut socket = listener.accept().expect("a connection").0;
        let mut all = Vec::new();
        let _ = socket.read_to_end(&mut all);
        end.send(all.ends_with(b"begin")).expect("told");
    });
    let privet = Privet::with_listen("workers = 1", &format!("[[route]]\nupstream = \"{url}\"\n"));
    let mut tls = privet.tls();
    tls.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegin").expect("sent");
    thread::sleep(Duration::from_millis(300));
    drop(tls);
    assert!(ended.recv_timeout(Duration::from_secs(20)).expect("the application sees the end"), "all that came");
    assert_eq!(privet.metric("privet_upstream_failures_total{reason=\"broken\"}"), 0);
    let answer = privet.get("/", "");
    assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
    assert!(privet.metric("privet_upstream_failures_total{reason=\"connect\"}") > 0);
}

#[test]
fn a_dead_application_is_a_502_and_a_broken_answer_too() {
    let origin = Origin::start_with(|_, _| None);
    let privet =
        Privet::with(&format!("{}[[route]]\npath = \"/dead\"\nupstream = \"http://127.0.0.1:1\"\n", origin.route("")));
    assert!(privet.get("/dead", "").starts_with("HTTP/1.1 502"));
    assert!(privet.get("/", "").starts_with("HTTP/1.1 502"));
    // It may have been processed, so it was not sent again.
    assert_eq!(origin.seen().matches("GET / ").count(), 1);
}

#[test]
fn a_silent_application_is_a_504() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    let privet = Privet::with(&format!("[[route]]\nupstream = \"{url}\"\nresponse_timeout = \"300ms\"\n"));
    assert!(privet.get("/", "").starts_with("HTTP/1.1 504"));
}

#[test]
fn the_living_take_over_and_health_checks_see_the_dead() {
    let living = Origin::start(OK);
    let upstream = format!("upstream = [\"http://127.0.0.1:1\", \"{}\"]", living.url());
    let privet = Privet::with(&format!(
        "[[route]]\n{upstream}\n[[route]]\npath = \"/checked\"\nupstream = \"http://127.0.0.1:1\"\n[route.health]\npath = \"/\"\ninterval = \"100ms\"\n"
    ));
    for _ in 0..10 {
        assert!(privet.get("/", "").ends_with("ok"));
    }
    privet.until("down", || privet.get("/checked", "").starts_with("HTTP/1.1 503"));
}

#[test]
fn weights_share_the_work() {
    let (a, b) = (Origin::start(OK), Origin::start(OK));
    let privet = Privet::with_listen(
        "workers = 1",
        &format!("[[route]]\nupstream = [{{ url = \"{}\", weight = 3 }}, \"{}\"]\n", a.url(), b.url()),
    );
    for _ in 0..40 {
        assert!(privet.get("/", "").ends_with("ok"));
    }
    let count = |origin: &Origin| origin.seen().matches("GET / ").count();
    assert_eq!((count(&a), count(&b)), (30, 10));
}

#[test]
fn unix_sockets_and_prefixes() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("app.sock");
    let listener = UnixListener::bind(&path).expect("bound");
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut buf = [0; 4096];
            let n = socket.read(&mut buf).unwrap_or(0);
            let line = String::from_utf8_lossy(&buf[..n]).lines().next().unwrap_or_default().to_owned();
            let _ =
                write!(socket, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{line}", line.len());
        }
    });
    let url = format!("unix:{}", path.display());
    let privet = Privet::with(&format!(
        "[[route]]\nupstream = \"{url}\"\n[[route]]\npath = \"/app\"\nstrip_prefix = true\nupstream = \"{url}\"\n\
         [[route]]\npath = \"/old\"\nrewrite_prefix = \"/new/place\"\nupstream = \"{url}\"\n"
    ));
    assert!(privet.get("/x?y", "").ends_with("GET /x?y HTTP/1.1"));
    assert!(privet.get("/app/x?y", "").ends_with("GET /x?y HTTP/1.1"));
    assert!(privet.get("/app", "").ends_with("GET / HTTP/1.1"));
    assert!(privet.get("/apple", "").ends_with("GET /apple HTTP/1.1"));
    assert!(privet.get("/old/x", "").ends_with("GET /new/place/x HTTP/1.1"));
}

#[test]
fn tls_and_http2_to_the_application() {
    // A Privet behind a Privet: a real TLS and HTTP/2 server that is there anyway. Trailers must pass all of it, as for gRPC.
    let origin = Origin::start(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: grpc-status\r\n\r\n2\r\nok\r\n0\r\ngrpc-status: 0\r\n\r\n",
    );
    let inner = Privet::with(&origin.route(""));
    let ca = inner.dir.path().join("certs/ca.pem");
    for http2 in [false, true] {
        let route = |ca: &str| {
            format!(
                "[[route]]\nupstream = \"https://localhost:{}\"\nhttp2 = {http2}\n[route.upstream_tls]\nca = \"{ca}\"\n",
                inner.https.port()
            )
        };
        let outer = Privet::with(&route(&ca.display().to_string()));
        for _ in 0..3 {
            let answer = outer.get("/through", "TE: trailers\r\n");
            assert!(answer.ends_with("grpc-status: 0\r\n\r\n"), "http2 = {http2}: {answer}\n{}", outer.log());
        }
        // Its own CA is not the inner one's.
        let own = outer.dir.path().join("certs/ca.pem");
        let stranger = Privet::with(&route(&own.display().to_string()));
        assert!(stranger.get("/", "").starts_with("HTTP/1.1 502"));
    }
}

#[test]
fn an_answer_that_is_framed_twice_is_not_passed_on() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nhello",
    ] {
        let origin = Origin::start(answer);
        let privet = Privet::with(&origin.route(""));
        let seen = privet.get("/", "");
        assert!(seen.starts_with("HTTP/1.1 502"), "{answer:?} became {seen:?}");
    }
}

#[test]
fn what_an_http2_application_refused_is_sent_again_and_what_it_cut_is_not() {
    let (_app, port) = Beside::python(REFUSING);
    let privet = Privet::with_listen(
        "workers = 1",
        &format!("[[route]]\nupstream = \"http://127.0.0.1:{port}\"\nhttp2 = true\n"),
    );
    assert!(privet.get("/refused", "").contains("second"), "{}", privet.log());
    assert_eq!(privet.metric("privet_upstream_retries_total"), 1);
    assert!(privet.get("/cut", "").starts_with("HTTP/1.1 502"));
    let sent = "POST /refused HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
    assert!(privet.raw(sent.as_bytes()).starts_with("HTTP/1.1 502"));
    assert_eq!(privet.metric("privet_upstream_retries_total"), 1);
}

#[test]
fn retries_stay_within_their_budget() {
    let (_app, port) = Beside::python(&REFUSING.replace("if key not in seen", "if True"));
    let privet = Privet::with_listen(
        "workers = 1",
        &format!(
            "[[route]]\nupstream = \"http://127.0.0.1:{port}\"\nhttp2 = true\nretry = {{ budget_percent = 20 }}\n"
        ),
    );
    for _ in 0..100 {
        assert!(privet.get("/refused", "").starts_with("HTTP/1.1 502"));
    }
    // Ten at the start, and a fifth of a hundred requests.
    let retries = privet.metric("privet_upstream_retries_total");
    assert!((25..=30).contains(&retries), "{retries}");
}

#[test]
fn the_least_busy_endpoint_is_chosen() {
    let quick = Origin::start(OK);
    let slow = Origin::start_with(|_, _| {
        thread::sleep(Duration::from_secs(3600));
        None
    });
    let privet = Privet::with_listen(
        "workers = 1",
        &format!("[[route]]\nupstream = [\"{}\", \"{}\"]\nbalance = \"least_connections\"\n", slow.url(), quick.url()),
    );
    let mut waiting = privet.tls();
    waiting.write_all(b"GET /waits HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    privet.until("one is busy", || slow.seen().contains("/waits"));
    for _ in 0..20 {
        assert!(privet.get("/", "").ends_with("ok"));
    }
    assert_eq!(slow.connections(), 1);
}

#[test]
fn http2_by_prior_knowledge_to_a_real_server() {
    let dir = tempfile::tempdir().expect("a folder");
    let page = "0123456789".repeat(100_000);
    std::fs::write(dir.path().join("page"), &page).expect("written");
    let port = free_port();
    let child = Command::new("nghttpd")
        .args(["--no-tls", "--address=127.0.0.1", "-d", &dir.path().display().to_string(), &port.to_string()])
        .spawn()
        .expect("nghttpd runs");
    let _app = Beside(child);
    let privet = Privet::with(&format!("[[route]]\nupstream = \"http://127.0.0.1:{port}\"\nhttp2 = true\n"));
    privet.until("the server listens", || privet.curl(&[&privet.url("/page")]) == page);
    assert!(privet.curl(&["-i", &privet.url("/absent")]).starts_with("HTTP/2 404"));
    assert!(privet.curl(&["-I", "--http1.1", &privet.url("/page")]).contains("content-length: 1000000"));
}

#[test]
fn a_name_that_moves_is_followed() {
    // Two applications on one port, as a name's old and new address have it.
    let old = Origin::on("127.0.0.1:0", |_, _| Some(OK.replace("ok", "an")));
    let new = Origin::on(&format!("127.0.0.2:{}", old.address.port()), |_, _| Some(OK.replace("ok", "bn")));
    let hosts = tempfile::NamedTempFile::new().expect("a file");
    // The wrapper looks at whole seconds of the file's time, which this test may be quicker than.
    let say = |line: &str, later: u64| {
        std::fs::write(hosts.path(), line)?;
        hosts.as_file().set_modified(std::time::SystemTime::now() + Duration::from_secs(later))
    };
    let point = |to: &Origin, later| say(&format!("{} app.example\n", to.address.ip()), later);
    point(&old, 0).expect("written");
    let wrapper = Command::new("find")
        .args(["/usr/lib", "-name", "libnss_wrapper.so", "-print", "-quit"])
        .output()
        .expect("find runs");
    let privet = Privet::with_environment(
        &[
            ("LD_PRELOAD", String::from_utf8_lossy(&wrapper.stdout).trim()),
            ("NSS_WRAPPER_HOSTS", &hosts.path().display().to_string()),
        ],
        "workers = 1",
        &format!(
            "[[route]]\nupstream = \"http://app.example:{}\"\ncleartext_reason = \"a test\"\nresolve_every = \"100ms\"\n",
            old.address.port()
        ),
    );
    assert!(privet.get("/", "").ends_with("an"), "{}", privet.log());
    point(&new, 10).expect("written");
    privet.until("the new address", || privet.get("/", "").ends_with("bn"));
    // A name that is gone leaves the last address in use.
    say("", 20).expect("written");
    privet.until("a failed look-up", || privet.log().contains("could not be resolved again"));
    assert!(privet.get("/", "").ends_with("bn"));
}

/// The `h2` package of `PyPI` as an application in cleartext: it resets the first request of each path.
const REFUSING: &str = r#"
import h2.config, h2.connection, h2.events, socket, threading
listener = socket.create_server(("127.0.0.1", 0)); print(listener.getsockname()[1], flush=True)
seen = set()
def serve(s):
    c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False)); c.initiate_connection(); s.sendall(c.data_to_send())
    while data := s.recv(65536):
        for e in c.receive_data(data):
            if not isinstance(e, h2.events.RequestReceived): continue
            h = dict(e.headers); path, key = h[b":path"], (h[b":method"], h[b":path"])
            if key not in seen:
                seen.add(key); c.reset_stream(e.stream_id, 7 if path == b"/refused" else 2)
            else:
                c.send_headers(e.stream_id, [(":status", "200")]); c.send_data(e.stream_id, b"second", end_stream=True)
        s.sendall(c.data_to_send())
while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"#;
