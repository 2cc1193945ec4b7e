//! The proof: known personal data goes through every header, path, query, form, JSON, multipart name, SNI, WebSocket and error path,
//! at every log level, and none of it comes out anywhere, in no encoding.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::support::{Beside, OK, Origin, Privet, ask_plain, binary, free_port, read_all};

/// What is sent, and what of it must not come out.
const VALUES: &[(&str, &str)] = &[
    ("kim.minsu@private-mail.net", "minsu"),
    ("kim.minsu@private-mail.net", "private-mail"),
    ("010-9876-5432", "9876-5432"),
    ("01098765432", "98765432"),
    ("900101-1234568", "1234568"),
    ("4111-1111-1111-1111", "1111-1111"),
    ("DE89370400440532013000", "370400440532"),
    ("203.0.113.77", "203.0.113.77"),
    ("hunter2-correct", "hunter2"),
    ("s3ss10n-c00kie-value", "c00kie"),
    ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "HqLyjWDarjt"),
    ("김민수", "김민수"),
];

const FORM: &str = "name=%EA%B9%80%EB%AF%BC%EC%88%98&email=kim.minsu%40private-mail.net&phone=010-9876-5432&rrn=900101-1234568\
&card=4111-1111-1111-1111&iban=DE89370400440532013000&ip=203.0.113.77&password=hunter2-correct\
&session=s3ss10n-c00kie-value&key=sk_live_4eC39HqLyjWDarjtT1zdp7dc";
const JSON: &str = r#"{"name":"김민수","email":"kim.minsu@private-mail.net","phone":"010-9876-5432","rrn":"900101-1234568","card":"4111-1111-1111-1111","iban":"DE89370400440532013000","ip":"203.0.113.77","password":"hunter2-correct","session":"s3ss10n-c00kie-value","key":"sk_live_4eC39HqLyjWDarjtT1zdp7dc"}"#;
/// In a header, whose name says nothing.
const LINE: &str = "kim.minsu@private-mail.net 010-9876-5432 01098765432 900101-1234568 4111-1111-1111-1111 DE89370400440532013000 \
203.0.113.77 password=hunter2-correct session=s3ss10n-c00kie-value sk_live_4eC39HqLyjWDarjtT1zdp7dc";

/// Every way in which a value may be written down.
fn encodings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let all = |one: &dyn Fn(u8) -> String| bytes.iter().map(|b| one(*b)).collect::<Vec<_>>();
    let percent = all(&|b| format!("%{b:02X}")).concat();
    let mut found = vec![
        value.to_owned(),
        percent.replace('%', "%25"),
        percent,
        all(&|b| format!("{b:02x}")).concat(),
        all(&|b| format!("\\x{b:02x}")).concat(),
        all(&|b| b.to_string()).join(", "),
        all(&|b| format!("0x{b:02x}")).join(", "),
        value.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect::<Vec<_>>().concat(),
        value.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect::<Vec<_>>().concat(),
        value.chars().map(|c| format!("&#{};", u32::from(c))).collect::<Vec<_>>().concat(),
    ];
    for offset in 0..3 {
        // What does not depend on the neighbours in base64.
        let padded = [&[0; 2][..offset.min(2)], bytes].concat();
        let text = BASE64_STANDARD.encode(&padded);
        let (start, end) = ([0, 2, 3][offset], padded.len() / 3 * 4);
        if end > start + 6 {
            found.push(text[start..end].to_owned());
        }
    }
    found
}

fn assert_none(place: &str, text: &str) {
    let low = text.to_lowercase();
    for (_, needle) in VALUES {
        for form in encodings(needle) {
            if let Some(at) = low.find(&form.to_lowercase()) {
                let line = low[..at].rfind('\n').map_or(0, |lf| lf + 1);
                let end = low[at..].find('\n').map_or(low.len(), |lf| at + lf);
                panic!("{needle} as {form} in {place}: {}", &low[line..end]);
            }
        }
    }
}

/// Headers with everything, known and unknown.
fn headers() -> String {
    let basic = BASE64_STANDARD.encode("kim.minsu@private-mail.net:hunter2-correct");
    [
        &format!("User-Agent: Agent/1 ({LINE})"),
        &format!(
            "Referer: https://kim.minsu:hunter2-correct@crm.example/u/01098765432?{FORM}#{}",
            LINE.replace(' ', "+")
        ),
        "Cookie: session=s3ss10n-c00kie-value; email=kim.minsu@private-mail.net",
        &format!("Authorization: Basic {basic}"),
        &format!("Proxy-Authorization: Bearer {}", BASE64_STANDARD.encode(LINE)),
        &format!("X-Customer: {LINE}"),
        "X-Name: 김민수",
        &format!("From: {LINE}"),
        &format!("If-None-Match: \"{LINE}\""),
        &format!("Accept-Language: {LINE}"),
        "Origin: https://kim.minsu.private-mail.net",
        "X-Forwarded-For: 203.0.113.77",
        "Forwarded: for=203.0.113.77;host=kim.minsu.private-mail.net",
        "Traceparent: 00-00000000000000000000001098765432-0000000098765432-01",
        "Tracestate: kim.minsu@private-mail.net=1",
        "X-Request-Id: kim.minsu@private-mail.net",
        "Connection: close",
    ]
    .map(|line| format!("{line}\r\n"))
    .concat()
}

fn send(privet: &Privet, bytes: &[u8]) -> String {
    let mut tls = privet.tls();
    // A refusal may close the connection first.
    let _ = tls.write_all(bytes);
    read_all(&mut tls)
}

fn request(line: &str, more: &str, body: &str) -> Vec<u8> {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("{line} HTTP/1.1\r\nHost: shop.example\r\n{}{more}{length}\r\n{body}", headers()).into_bytes()
}

/// Requests that are answered.
fn accepted(privet: &Privet) {
    let multipart = format!(
        "--b\r\nContent-Disposition: form-data; name=\"kim.minsu@private-mail.net\"; filename=\"010-9876-5432 김민수.txt\"\r\n\r\n{LINE}\r\n--b--\r\n"
    );
    for (line, kind, body) in [
        (&format!("GET /?{FORM}"), "", ""),
        (
            &"GET /customers/kim.minsu@private-mail.net/01098765432/900101-1234568/4111-1111-1111-1111".to_owned(),
            "",
            "",
        ),
        (&"GET /u/kim.minsu%40private-mail.net/%EC%9D%B4%EB%A6%84:%20%EA%B9%80%EB%AF%BC%EC%88%98".to_owned(), "", ""),
        (&format!("GET /?q={}", percent(LINE)), "", ""),
        (&format!("GET /?twice={}", percent(&percent(LINE))), "", ""),
        (&format!("GET /?json={}", percent(JSON)), "", ""),
        (&format!("GET /?{}", percent(LINE)), "", ""),
        (&"KIM.MINSU@PRIVATE-MAIL.NET /".replace('@', "-"), "", ""),
        (&"POST /form".to_owned(), "Content-Type: application/x-www-form-urlencoded\r\n", FORM),
        (&"POST /json".to_owned(), "Content-Type: application/json\r\n", JSON),
        (&"POST /upload".to_owned(), "Content-Type: multipart/form-data; boundary=b\r\n", &multipart),
    ] {
        let answer = send(privet, &request(line, kind, body));
        assert!(answer.starts_with("HTTP/1.1 "), "{line}: {answer}");
    }
    // HTTP/2 by another client, with another name in SNI and authority.
    let port = privet.https.port();
    let host = "kim.minsu.private-mail.net";
    let custom = format!("X-Customer: {LINE}");
    privet.curl(&[
        "-k",
        "--http2",
        "--resolve",
        &format!("{host}:{port}:127.0.0.1"),
        "-H",
        &custom,
        "-A",
        LINE,
        "-e",
        "https://crm.example/kim.minsu@private-mail.net",
        "-b",
        "session=s3ss10n-c00kie-value",
        "-u",
        "kim.minsu@private-mail.net:hunter2-correct",
        "-F",
        "kim.minsu@private-mail.net=@privet.toml;filename=01098765432.txt",
        &format!("https://{host}:{port}/u/kim.minsu%40private-mail.net?{FORM}"),
    ]);
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect::<Vec<_>>()
        .concat()
}

/// Requests that are refused, each in another place.
fn refused(privet: &Privet) {
    for head in [
        format!("GET /{LINE} HTTP/1.1\r\nHost: a\r\n\r\n"),
        format!("GET / HTTP/{LINE}\r\nHost: a\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: kim.minsu@private-mail.net\r\n{}\r\n", headers()),
        format!("GET / HTTP/1.1\r\n{}\r\n", headers()),
        format!(
            "GET https://kim.minsu:hunter2-correct@private-mail.net/01098765432 HTTP/1.1\r\nHost: b\r\n{}\r\n",
            headers()
        ),
        format!("GET /a%2fkim.minsu%40private-mail.net HTTP/1.1\r\nHost: shop.example\r\n{}\r\n", headers()),
        format!("GET /%ff010-9876-5432 HTTP/1.1\r\nHost: shop.example\r\n{}\r\n", headers()),
        format!("GET / HTTP/1.1\r\nHost: a\r\nkim.minsu@private-mail.net: 1\r\n{}\r\n", headers()),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n {LINE}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nHost: a\r\nX_{}: 1\r\n\r\n", "kim_minsu"),
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: kim.minsu@private-mail.net\r\n\r\n{FORM}"),
        format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;kim.minsu@private-mail.net={LINE}\r\nhello\r\nzz{LINE}"
        ),
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 010-9876-5432\r\n\r\n{FORM}"),
        format!("POST / HTTP/1.1\r\nHost: a\r\nExpect: {LINE}\r\n{}Content-Length: 3\r\n\r\nabc", headers()),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "kim.minsu@private-mail.net/".repeat(600)),
        format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", format!("X-A: {LINE}\r\n").repeat(200)),
        format!("TRACE /{FORM} HTTP/1.1\r\nHost: shop.example\r\n{}\r\n", headers()),
        format!("GET /kim.minsu@private-mail.net HTTP/1.1\r\nHost: nobody.example\r\n{}\r\n", headers()),
        format!(
            "POST /small?{FORM} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 999999\r\n{}\r\n{JSON}",
            headers()
        ),
        format!("GET /reject?{FORM} HTTP/1.1\r\nHost: shop.example\r\n{}\r\n", headers()),
        format!("\0{LINE}\r\n\r\n"),
    ] {
        let answer = send(privet, head.as_bytes());
        assert!(!answer.starts_with("HTTP/1.1 2"), "{head} -> {answer}");
        assert_none("a refusal", &answer);
    }
    for path in ["dead", "garbage", "headers", "breaks", "tls"] {
        let answer = send(privet, &request(&format!("GET /{path}/kim.minsu@private-mail.net?{FORM}"), "", ""));
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 "), "{path}");
    }
    ask_plain(
        privet.http,
        &format!("GET /?{FORM} HTTP/1.1\r\nHost: shop.example\r\n{}Connection: close\r\n\r\n", headers()),
    );
    ask_plain(
        privet.admin,
        &format!(
            "GET /kim.minsu@private-mail.net?{FORM} HTTP/1.1\r\nHost: x\r\n{}Connection: close\r\n\r\n",
            headers()
        ),
    );
}

/// Handshakes that fail, and one that shows a certificate with a person's name.
fn handshakes(privet: &Privet) {
    for bytes in [LINE.as_bytes(), format!("GET /?{FORM} HTTP/1.1\r\n{}\r\n", headers()).as_bytes()] {
        let mut socket = TcpStream::connect(privet.https).expect("connected");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
        socket.write_all(bytes).expect("sent");
        let _ = socket.shutdown(std::net::Shutdown::Write);
        let _ = socket.read_to_end(&mut Vec::new());
    }
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            "kim.key",
        ])
        .args(["-utf8", "-subj", "/CN=김민수/emailAddress=kim.minsu@private-mail.net", "-out", "kim.pem"])
        .current_dir(privet.dir.path())
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl runs").success());
    let address = privet.https.to_string();
    for more in [&["-cert", "kim.pem", "-key", "kim.key"][..], &["-tls1_1"], &["-alpn", "kim.minsu@private-mail.net"]] {
        let mut child = Command::new("openssl")
            .args(["s_client", "-connect", &address, "-servername", "kim.minsu.private-mail.net", "-quiet"])
            .args(more)
            .current_dir(privet.dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl runs");
        let request = format!("GET /?{FORM} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
        let _ = child.stdin.take().expect("piped").write_all(request.as_bytes());
        child.wait().expect("ended");
    }
}

/// A conversation over WebSocket by an independent client.
fn websocket(privet: &Privet) {
    let script = format!(
        "import asyncio, ssl, websockets\n\
         async def main():\n\
         \x20   ctx = ssl.create_default_context(cafile={ca:?}); ctx.check_hostname = False\n\
         \x20   url = 'wss://localhost:{port}/ws?{FORM}'\n\
         \x20   head = {{'X-Customer': '010-9876-5432', 'Cookie': 'session=s3ss10n-c00kie-value'}}\n\
         \x20   try:\n\
         \x20       async with websockets.connect(url, ssl=ctx, host='127.0.0.1', additional_headers=head) as ws:\n\
         \x20           await ws.send({JSON:?}); await ws.recv()\n\
         \x20   except Exception: pass\n\
         asyncio.run(main()); print('done', flush=True)",
        ca = privet.dir.path().join("certs/ca.pem").display().to_string(),
        port = privet.https.port(),
    );
    let (_client, line) = Beside::python(&script);
    assert_eq!(line, "done");
}

/// An application that says personal data in its status line, its headers, and its broken bodies.
fn application() -> Origin {
    Origin::start_with(|head, _| {
        let path = head.split(' ').nth(1).unwrap_or_default();
        if path.starts_with("/garbage") {
            return Some(format!("{LINE}\r\n\r\n"));
        }
        if path.starts_with("/headers") {
            return Some(format!("HTTP/1.1 200 {LINE}\r\nkim minsu: {LINE}\r\nContent-Length: 010-9876-5432\r\n\r\n"));
        }
        if path.starts_with("/breaks") {
            return Some(format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Name: {LINE}\r\n\r\n5\r\nhello\r\n{LINE}\r\n"
            ));
        }
        Some(OK.replace("\r\n\r\n", &format!("\r\nSet-Cookie: session=s3ss10n-c00kie-value\r\nX-User: {LINE}\r\n\r\n")))
    })
}

fn configuration(origin: &Origin, demo: SocketAddr) -> String {
    let route = |more: &str| {
        format!("[[route]]\nhost = \"shop.example\"\nconnect_timeout = \"1s\"\nresponse_timeout = \"2s\"\n{more}\n")
    };
    let url = origin.url();
    [
        "[limits]\nheader_timeout = \"2s\"\nhandshake_timeout = \"2s\"\nbody_idle_timeout = \"2s\"\nkeep_alive = \"2s\"\n".to_owned(),
        "[shutdown]\ndelay = \"0s\"\n[tls.client]\nmode = \"request\"\nca = \"ca.pem\"\n".to_owned(),
        route(&format!("upstream = \"{url}\"\nupstream_authorization = \"Basic hunter2-correct\"")),
        route(&format!("path = \"/small\"\nbody_limit = \"10B\"\nupstream = \"{url}\"")),
        route(&format!("path = \"/reject\"\nurl_privacy = \"reject\"\nupstream = \"{url}\"")),
        route(&format!("path = \"/dead\"\nupstream = \"http://127.0.0.1:{}\"", free_port())),
        route(&format!("path = \"/tls\"\nupstream = \"https://{}\"", origin.address)),
        format!("[[route]]\npath = \"/u\"\nurl_privacy = \"strip\"\nupstream = \"{url}\"\n"),
        format!("[[route]]\nhost = \"localhost\"\nupstream = \"http://{demo}\"\n"),
    ]
    .concat()
}

fn prove(level: &str) {
    let origin = application();
    let demo = privet::demo::Application::start(SocketAddr::from(([127, 0, 0, 1], 0))).expect("started");
    let dir = tempfile::tempdir().expect("a folder");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
        .args(["-subj", "/CN=An authority", "-keyout", "ca.key", "-out", "ca.pem"])
        .current_dir(dir.path())
        .stderr(Stdio::null())
        .status();
    assert!(made.expect("openssl runs").success());
    let config =
        configuration(&origin, demo.address()).replace("ca.pem", &dir.path().join("ca.pem").display().to_string());
    let mut privet = Privet::with_environment(&[("PRIVET_LOG", level)], "trusted = [\"127.0.0.0/8\"]", &config);
    accepted(&privet);
    refused(&privet);
    handshakes(&privet);
    websocket(&privet);
    thread::sleep(Duration::from_millis(200));
    // A reload that fails tells why.
    let good = fs::read_to_string(privet.dir.path().join("privet.toml")).expect("a file");
    privet.rewrite(|text| {
        text.replace("body_limit = \"10B\"", "body_limit = \"kim.minsu@private-mail.net 010-9876-5432\"")
    });
    privet.until("refused", || privet.metric("privet_config_reloads_total{result=\"refused\"}") == 1);
    fs::write(privet.dir.path().join("privet.toml"), good).expect("written");
    assert_none("/metrics", &privet.metrics());
    for args in [&["check", "--config", "privet.toml", "--json"][..], &["check", "--config", "privet.toml"]] {
        let out = Command::new(binary()).args(args).current_dir(privet.dir.path()).output().expect("runs");
        let text =
            String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).replace("kim.minsu.private-mail.net/", "");
        assert_none("check", &text);
    }
    privet.signal("-TERM");
    privet.child.wait().expect("ended");
    let out = privet.out();
    assert!(out.matches("\"timestamp\"").count() > 30, "{out}");
    assert_none("standard output", &out);
    assert_none("standard error", &privet.log());
}

#[test]
fn nothing_personal_comes_out_at_level_trace() {
    prove("trace");
}

#[test]
fn nothing_personal_comes_out_at_other_levels() {
    for level in ["debug", "info", "warn", "error", "off"] {
        prove(level);
    }
}

#[test]
fn the_needles_are_found_where_they_are() {
    // What proves that the proof can fail.
    for (value, needle) in VALUES {
        let hidden = encodings(value);
        assert!(value.contains(needle));
        for form in &hidden[..9] {
            let text = format!("x {form} y");
            assert!(std::panic::catch_unwind(|| assert_none("a text", &text)).is_err(), "{form}");
        }
    }
}

#[test]
fn what_is_said_of_a_configuration_holds_nothing_personal() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("privet.toml");
    let route = "[[route]]\nupstream = \"http://10.1.2.3:9000\"\ncleartext_reason = \"kim.minsu@private-mail.net has allowed it\"\n";
    for (text, code) in [
        (route.to_owned(), 0),
        (format!("data = \"kim.minsu@private-mail.net\"\n{route}hsts = \"010-9876-5432\"\n"), 2),
    ] {
        fs::write(&path, text).expect("written");
        for args in [&["check", "--config"][..], &["check", "--json", "--config"], &["serve", "--config"]] {
            if args[0] == "serve" && code == 0 {
                continue;
            }
            let done = Command::new(binary()).args(args).arg(&path).output().expect("runs");
            assert_eq!(done.status.code(), Some(code));
            let shown = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
            assert!(!shown.contains("kim.minsu") && !shown.contains("9876"), "{shown}");
        }
    }
}
