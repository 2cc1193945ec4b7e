//! What goes through, and how it looks on either side.

use std::{
    io::{Read, Write},
    process::Command,
};

use crate::support::{Beside, OK, Origin, Privet, read_all, read_one, script};

#[test]
fn the_application_gets_one_canonical_request() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let said = "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Privet-User: root\r\nX-Original-URL: /admin\r\nKeep-Alive: 1\r\n\
                Connection: X-Gone\r\nX-Gone: 1\r\nX-Kept: 1\r\nProxy-Connection: x\r\n";
    let answer = privet.get("//a/./b/../%6cogin;x=1?q=%2F;y", said);
    assert!(answer.ends_with("ok") && answer.contains("x-request-id: "), "{answer}");
    let seen = origin.seen().to_lowercase();
    assert!(seen.starts_with("get /a/login?q=%2f;y http/1.1\r\n"), "{seen}");
    assert!(
        !seen.contains("6.6.6.6") && !seen.contains("root") && !seen.contains("x-gone") && !seen.contains("/admin"),
        "{seen}"
    );
    assert!(seen.contains("x-forwarded-for: 127.0.0.1\r\n") && seen.contains("x-kept: 1\r\n"), "{seen}");
    assert!(seen.contains("forwarded: for=127.0.0.1;host=\"shop.example\";proto=https\r\n"), "{seen}");
    assert_eq!(seen.matches("\r\nhost: ").count(), 1);
}

#[test]
fn answers_are_hardened() {
    let origin = Origin::start(
        "HTTP/1.1 302 Found\r\nLocation: http://shop.example/x\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2; Secure; HttpOnly; SameSite=None\r\n\
         Connection: X-Hop\r\nX-Hop: 1\r\nContent-Length: 0\r\n\r\n",
    );
    let privet = Privet::with(&origin.route(""));
    let answer = privet.get("/", "").to_lowercase();
    assert!(answer.contains("location: https://shop.example/x\r\n"), "{answer}");
    assert!(answer.contains("set-cookie: a=1; secure; httponly; samesite=lax\r\n"), "{answer}");
    assert!(answer.contains("set-cookie: b=2; secure; httponly; samesite=none\r\n"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=63072000\r\n"), "{answer}");
    assert!(!answer.contains("x-hop"));
    let bare = privet.raw(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    assert!(!bare.to_lowercase().contains("strict-transport-security"));
}

#[test]
fn heads_and_codes_without_body_keep_their_length() {
    let origin = Origin::start_with(|head, _| {
        Some(if head.contains("/304") {
            "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n".into()
        } else {
            "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n".into()
        })
    });
    let privet = Privet::with(&origin.route(""));
    let mut tls = privet.tls();
    for _ in 0..3 {
        tls.write_all(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            tls.read_exact(&mut byte).expect("a head");
            head.push(byte[0]);
        }
        assert!(String::from_utf8_lossy(&head).contains("content-length: 1234"));
    }
    tls.write_all(b"GET /304 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
    assert!(read_all(&mut tls).starts_with("HTTP/1.1 304"));
}

#[test]
fn bodies_stream_both_ways_with_both_protocols() {
    let privet = Privet::demo();
    let before = privet.peak();
    let file = privet.dir.path().join("big");
    std::fs::write(&file, vec![b'x'; 20 << 20]).expect("written");
    for version in ["--http1.1", "--http2"] {
        let sent = privet.curl(&[version, "--data-binary", "@big", "-H", "Content-Type: x/y", &privet.url("/upload")]);
        assert!(sent.contains("body: 20971520 bytes"), "{version}: {sent}");
        let chunked = privet.curl(&[
            version,
            "-T",
            "big",
            "-X",
            "POST",
            "-H",
            "Transfer-Encoding: chunked",
            &privet.url("/upload"),
        ]);
        assert!(chunked.contains("body: 20971520 bytes"), "{version}: {chunked}");
        let form = privet.curl(&[version, "-F", "file=@big", "-H", "Expect: 100-continue", &privet.url("/upload")]);
        assert!(form.contains("big: 20971520 bytes"), "{version}: {form}");
        assert_eq!(privet.curl(&[version, &privet.url("/export.csv")]).lines().count(), 5001);
        assert_eq!(privet.curl(&[version, &privet.url("/slow?ms=500&drip=1")]).len(), 5);
    }
    // 120 MiB have gone through, the demo application within the same process included.
    let more = privet.peak() - before;
    assert!(more < 40_000, "{more} KB");
}

#[test]
fn websockets_pass_on_http1_and_on_http2() {
    let privet = Privet::demo();
    script(&privet, WEBSOCKET_H1);
    script(&privet, WEBSOCKET_H2);
    privet.until("counted", || privet.metric("privet_tunnel_bytes_total") > 0);
}

#[test]
fn websockets_reach_an_application_that_speaks_http2_alone() {
    // Privet itself takes extended CONNECT.
    let inner = Privet::demo();
    let ca = inner.dir.path().join("certs/ca.pem");
    let route = |port: &str| {
        let ca = ca.display();
        format!(
            "[[route]]\nupstream = \"https://localhost:{port}\"\nhttp2 = true\nupstream_tls = {{ ca = \"{ca}\" }}\n"
        )
    };
    let outer = Privet::with_listen("workers = 1", &route(&inner.https.port().to_string()));
    script(&outer, WEBSOCKET_H1);
    script(&outer, WEBSOCKET_H2);
    inner.until("counted", || inner.metric("privet_tunnel_bytes_total") > 0);
    assert!(outer.curl(&[&outer.url("/customers")]).contains("<table"));
    // An application whose HTTP/2 has no extended CONNECT is asked by HTTP/1.1.
    let (_app, port) = Beside::python_with(HTTP2_WITHOUT_WEBSOCKET, &[&inner.dir.path().join("certs")]);
    let older = Privet::with_listen("workers = 1", &route(&port));
    script(&older, WEBSOCKET_H1);
    script(&older, WEBSOCKET_H1);
}

/// Over TLS it speaks HTTP/2 where that is offered, and never says that it takes extended CONNECT; else it is a WebSocket echo.
const HTTP2_WITHOUT_WEBSOCKET: &str = r#"
import asyncio, ssl, sys, h2.config, h2.connection, websockets
both = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); both.load_cert_chain(sys.argv[1] + "/leaf.pem", sys.argv[1] + "/leaf.key")
both.set_alpn_protocols(["h2", "http/1.1"])
async def echo(ws):
    async for m in ws: await ws.send(m)
async def main():
    behind = await websockets.serve(echo, "127.0.0.1", 0, max_size=None)
    port = behind.sockets[0].getsockname()[1]
    async def copy(r, w):
        while data := await r.read(65536): w.write(data); await w.drain()
        w.close()
    async def serve(r, w):
        if w.get_extra_info("ssl_object").selected_alpn_protocol() == "h2":
            c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False)); c.initiate_connection(); w.write(c.data_to_send())
            while data := await r.read(65536): c.receive_data(data); w.write(c.data_to_send())
            return
        r2, w2 = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(r, w2), copy(r2, w), return_exceptions=True)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=both)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"#;

#[test]
fn http2_keeps_the_rules_of_its_rfc() {
    script(&Privet::demo(), include_str!("h2_rules.py"));
}

#[test]
fn floods_of_frames_cost_little() {
    let privet = Privet::demo();
    let before = privet.peak();
    script(&privet, include_str!("h2_floods.py"));
    assert!(privet.get("/", "").contains("Legacy Shop"), "others are served");
    privet.until("none left", || privet.metric("privet_requests_in_flight") == 0);
    assert!(!privet.log().contains("a fault in Privet"), "{}", privet.log());
    // The program's own pages are among it, as far as they were touched.
    let more = privet.peak() - before;
    assert!(more < 40_000, "{more} KB");
}

/// The `websockets` package of `PyPI`.
const WEBSOCKET_H1: &str = r#"
import asyncio, ssl, sys, websockets
async def main():
    ctx = ssl.create_default_context(cafile=sys.argv[2])
    async with websockets.connect(f"wss://localhost:{sys.argv[1]}/ws", ssl=ctx, host="127.0.0.1", max_size=None) as ws:
        for m in ["hello", "x" * 200000, "안녕"]:
            await ws.send(m)
            assert await ws.recv() == m
asyncio.run(main())
"#;

/// Extended CONNECT with the `h2` package of `PyPI`: one masked text frame there and back.
const WEBSOCKET_H2: &str = r#"
import socket, ssl, sys, h2.connection, h2.config, h2.events
ctx = ssl.create_default_context(cafile=sys.argv[2]); ctx.set_alpn_protocols(["h2"])
s = ctx.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30), server_hostname="localhost")
c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True)); c.initiate_connection(); s.sendall(c.data_to_send())
def events():
    d = s.recv(65536)
    assert d, "closed"
    e = c.receive_data(d); s.sendall(c.data_to_send()); return e
while not any(isinstance(e, h2.events.RemoteSettingsChanged) for e in events()): pass
c.send_headers(1, [(":method","CONNECT"),(":protocol","websocket"),(":scheme","https"),(":authority","localhost"),(":path","/ws"),("sec-websocket-version","13")])
s.sendall(c.data_to_send())
status = None
while status is None:
    for e in events():
        if isinstance(e, h2.events.ResponseReceived): status = dict(e.headers)[b":status"]
assert status == b"200", status
c.send_data(1, bytes([0x81, 0x82, 0, 0, 0, 0]) + b"hi"); s.sendall(c.data_to_send())
got = b""
while len(got) < 4:
    for e in events():
        if isinstance(e, h2.events.DataReceived): got += e.data
assert got == b"\x81\x02hi", got
"#;

#[test]
fn http2_keeps_the_same_rules() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let code = |args: &[&str]| {
        let mut all = vec!["--http2", "-o", "/dev/null", "-w", "%{http_code}"];
        all.extend_from_slice(args);
        privet.curl(&all)
    };
    assert_eq!(code(&["-H", "X_Y: a", &privet.url("/")]), "400");
    assert_eq!(code(&["--path-as-is", &privet.url("/../x")]), "400");
    assert_eq!(code(&[&privet.url("/%2f")]), "400");
    assert_eq!(code(&["-H", &format!("X: {}", "a".repeat(33_000)), &privet.url("/")]), "431");
    assert_eq!(origin.seen(), "");
    assert_eq!(code(&[&privet.url("/")]), "200");
}

#[test]
fn refusals_come_as_page_or_object_and_echo_nothing() {
    let privet = Privet::with("[[route]]\nhost = \"known.example\"\nupstream = \"http://127.0.0.1:1\"\n");
    let page = privet.get("/secret-path?rrn=900101-1234567", "Accept: text/html\r\n");
    assert!(page.starts_with("HTTP/1.1 404") && page.contains("<h1>404"), "{page}");
    let object = privet.get("/secret-path?rrn=900101-1234567", "Accept: application/json\r\n");
    assert!(object.contains("\"error\":\"no_route\""), "{object}");
    for answer in [page, object] {
        assert!(!answer.contains("secret") && !answer.contains("900101"), "{answer}");
        let id = answer.split("x-request-id: ").nth(1).and_then(|r| r.split("\r\n").next()).expect("an id").to_owned();
        assert_eq!(answer.matches(&id).count(), 2);
    }
    assert!(!privet.log().contains("secret-path") && !privet.log().contains("900101"));
}

#[test]
fn a_trusted_balancer_speaks_for_its_clients() {
    let origin = Origin::start(OK);
    let privet = Privet::with_listen("trusted = [\"127.0.0.0/8\"]", &origin.route(""));
    let answer = privet.get("/", "X-Forwarded-For: 6.6.6.6, 203.0.113.9\r\n");
    assert!(answer.ends_with("ok"));
    let seen = origin.seen().to_lowercase();
    assert!(seen.contains("x-real-ip: 203.0.113.9\r\n"), "{seen}");
    assert!(seen.contains("x-forwarded-for: 6.6.6.6, 203.0.113.9, 127.0.0.1\r\n"), "{seen}");
}

#[test]
fn a_proxy_header_names_the_client() {
    let origin = Origin::start(OK);
    let privet = Privet::with_listen("trusted = [\"127.0.0.1\"]\nproxy_protocol = true", &origin.route(""));
    let mut socket = std::net::TcpStream::connect(privet.https).expect("connected");
    socket.write_all(b"PROXY TCP4 203.0.113.7 10.0.0.1 5555 443\r\n").expect("sent");
    let mut tls = crate::support::over(socket, &privet.dir.path().join("certs/ca.pem"), &[b"http/1.1"], "localhost");
    tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    assert!(read_one(&mut tls).ends_with("ok"));
    assert!(origin.seen().contains("x-forwarded-for: 203.0.113.7\r\n"));
    let bare = std::net::TcpStream::connect(privet.https).expect("connected");
    let mut bare = crate::support::over(bare, &privet.dir.path().join("certs/ca.pem"), &[b"http/1.1"], "localhost");
    assert!(
        bare.write_all(b"GET / HTTP/1.1\r\n").and_then(|()| bare.read_exact(&mut [0])).is_err(),
        "no header, no service"
    );
}

#[test]
fn connections_of_one_address_are_bounded() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("[limits]\nconnections_per_address = 3\n{}", origin.route("")));
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut tls = privet.tls();
        tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
        assert!(read_one(&mut tls).ends_with("ok"));
        open.push(tls);
    }
    let mut fourth = privet.tls();
    assert!(fourth.write_all(b"GET / HTTP/1.1\r\n").and_then(|()| fourth.read_exact(&mut [0])).is_err());
    drop(open);
    privet.until("room again", || {
        let mut tls = privet.tls();
        tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").is_ok() && tls.read_exact(&mut [0]).is_ok()
    });
}

#[test]
fn a_load_generator_of_its_own_loses_nothing() {
    let privet = Privet::demo();
    for version in ["--h1", "-m8"] {
        let url = privet.url("/echo?q=1");
        let out = Command::new("h2load").args([version, "-n4000", "-c16", "-t1", &url]).output().expect("h2load runs");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(text.contains("4000 succeeded, 0 failed, 0 errored, 0 timeout"), "{version}: {text}");
    }
}

#[test]
fn trailers_pass_on_both_protocols() {
    let origin = Origin::start(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: grpc-status\r\nContent-Type: application/grpc\r\n\r\n\
         2\r\nok\r\n0\r\ngrpc-status: 0\r\n\r\n",
    );
    let privet = Privet::with(&origin.route(""));
    let answer = privet.get("/", "TE: trailers\r\n");
    assert!(answer.ends_with("0\r\ngrpc-status: 0\r\n\r\n"), "{answer}");
    assert!(origin.seen().contains("te: trailers\r\n"));
    script(&privet, &format!("{H2}{H2_TRAILERS}"));
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on_or_not() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route("body_limit = \"10B\"\n"));
    let mut tls = privet.tls();
    let head =
        |length: u32| format!("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n");
    tls.write_all(head(5).as_bytes()).expect("sent");
    let mut told = [0; 25];
    tls.read_exact(&mut told).expect("told");
    assert_eq!(&told[..], b"HTTP/1.1 100 Continue\r\n\r\n");
    tls.write_all(b"hello").expect("sent");
    assert!(read_one(&mut tls).ends_with("ok"));
    assert!(!origin.seen().to_lowercase().contains("expect"), "the application is not asked again");
    tls.write_all(head(11).as_bytes()).expect("sent");
    assert!(read_all(&mut tls).starts_with("HTTP/1.1 413"), "refused without the body");
    let other = head(5).replace("100-continue", "200-maybe");
    assert!(privet.raw(other.as_bytes()).starts_with("HTTP/1.1 417"));
}

#[test]
fn opening_and_cancelling_without_end_ends_the_connection() {
    let origin = Origin::start_with(|_, _| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        Some(OK.to_owned())
    });
    let privet = Privet::with(&origin.route(""));
    script(&privet, &format!("{H2}{H2_RESETS}"));
    assert!(privet.get("/", "").ends_with("ok"), "others are served");
}

#[test]
fn an_answer_that_is_never_read_is_given_up() {
    // Large answers, more than sockets hold.
    let body = "x".repeat(1 << 20);
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let origin = Origin::start_with(move |_, _| Some(answer.clone()));
    let privet = Privet::with(&format!("[limits]\nstall_timeout = \"500ms\"\n{}", origin.route("")));
    let mut tls = privet.tls();
    for _ in 0..40 {
        tls.write_all(b"GET /api/customers?size=5000 HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    }
    privet.until("given up on HTTP/1.1", || privet.metric("privet_connections_open") == 0);
    script(&privet, &format!("{H2}{H2_STALL}"));
    privet.until("given up on HTTP/2", || privet.metric("privet_requests_in_flight") == 0);
}

/// An HTTP/2 connection `c` over a socket `s`, and `events()`.
const H2: &str = r#"
import socket, ssl, sys, time, h2.connection, h2.config, h2.events, h2.exceptions
ctx = ssl.create_default_context(cafile=sys.argv[2]); ctx.set_alpn_protocols(["h2"])
s = ctx.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30), server_hostname="localhost")
c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True)); c.initiate_connection(); s.sendall(c.data_to_send())
def events():
    d = s.recv(65536)
    if not d: return None
    e = c.receive_data(d); s.sendall(c.data_to_send()); return e
def get(stream, path="/", end=True):
    c.send_headers(stream, [(":method","GET"),(":scheme","https"),(":authority","localhost"),(":path",path),("te","trailers")], end_stream=end)
"#;

const H2_TRAILERS: &str = r#"
get(1); s.sendall(c.data_to_send())
trailers = None
while trailers is None:
    for e in events():
        if isinstance(e, h2.events.TrailersReceived): trailers = dict(e.headers)
assert trailers[b"grpc-status"] == b"0", trailers
"#;

const H2_RESETS: &str = r"
ended = False
try:
    for i in range(2000):
        get(1 + 2 * i); c.reset_stream(1 + 2 * i); s.sendall(c.data_to_send())
    while True:
        e = events()
        if e is None or any(isinstance(x, h2.events.ConnectionTerminated) for x in e): ended = True; break
except (OSError, h2.exceptions.ProtocolError, ssl.SSLError): ended = True
assert ended
";

const H2_STALL: &str = r#"
get(1, "/api/customers?size=5000"); s.sendall(c.data_to_send())
reset = False
while not reset:
    d = s.recv(65536)
    assert d, "the connection ended, not the stream"
    for e in c.receive_data(d):
        reset = reset or isinstance(e, h2.events.StreamReset)
"#;

#[test]
fn routes_decide_about_cleartext() {
    let origin = Origin::start(OK);
    let more = format!(
        "{}\n{}",
        origin.route("path = \"/served\"\ncleartext = \"serve\""),
        origin.route("path = \"/never\"\ncleartext = \"refuse\"")
    );
    let privet = Privet::with(&format!("{}{more}", origin.route("")));
    let ask = |target: &str| {
        crate::support::ask_plain(
            privet.http,
            &format!("GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
        )
    };
    assert!(ask("/served").ends_with("ok"));
    assert!(ask("/never").starts_with("HTTP/1.1 403"));
    assert!(ask("/").starts_with("HTTP/1.1 308"));
    assert!(origin.seen().contains("x-forwarded-proto: http\r\n") && origin.seen().matches("GET ").count() == 1);
}

#[test]
fn idle_and_old_connections_end() {
    let origin = Origin::start(OK);
    let idle = Privet::with(&format!("[limits]\nkeep_alive = \"300ms\"\n{}", origin.route("")));
    let mut tls = idle.tls();
    tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    assert!(read_one(&mut tls).ends_with("ok"));
    assert_eq!(read_all(&mut tls), "", "closed without a word");
    let old = Privet::with(&format!("[limits]\nconnection_age = \"300ms\"\n{}", origin.route("")));
    let mut tls = old.tls();
    let mut answers = 0;
    loop {
        tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
        answers += 1;
        // No request is lost: the last answer says that it is the last.
        if read_one(&mut tls).contains("connection: close") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(answers > 1);
}

#[test]
fn a_connection_that_has_given_its_buffers_back_goes_on() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&origin.route(""));
    let mut all: Vec<_> = (0..4).map(|_| privet.tls()).collect();
    for turn in 0..2 {
        for (n, tls) in all.iter_mut().enumerate() {
            // Nothing yet, one request, one in two pieces with a body, one head that is longer than most.
            let request = match n {
                0 if turn == 0 => continue,
                0 | 1 => "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
                2 => "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
                _ => format!("GET /long?{} HTTP/1.1\r\nHost: a\r\n\r\n", "q".repeat(3000)),
            };
            let (first, second) = request.split_at(request.len() / 2);
            tls.write_all(first.as_bytes()).and_then(|()| tls.flush()).expect("sent");
            tls.write_all(second.as_bytes()).expect("sent");
            assert!(read_one(tls).ends_with("ok"), "{n} in turn {turn}");
        }
        // Longer than any of them stays awake.
        std::thread::sleep(std::time::Duration::from_millis(1500));
    }
    assert_eq!(origin.seen().matches("hello").count(), 2);
    drop(privet);
    assert!(all.iter_mut().all(|tls| read_all(tls).is_empty()), "they end without a word");
}

#[test]
fn a_body_that_drips_is_too_slow() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!(
        "[limits]\nbody_idle_timeout = \"500ms\"\nbody_min_rate = \"1KB\"\n{}",
        origin.route("")
    ));
    let mut tls = privet.tls();
    tls.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").expect("sent");
    while tls.write_all(b"x").and_then(|()| tls.flush()).is_ok()
        && privet.metric("privet_refusals_total{kind=\"client_timeout\",blame=\"client\"}") == 0
    {
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(read_all(&mut tls).starts_with("HTTP/1.1 408"));
}
