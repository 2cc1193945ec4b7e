//! The access log of a running Privet: what a line says, and what becomes of lines.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
    process::Command,
};

use serde_json::Value;

use crate::support::{OK, Origin, Privet, ask_plain, binary, free_port, read_one};

const FILE: &str = "[access_log]\npath = \"access.log\"\n";

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn log(privet: &Privet) -> Vec<Value> {
    lines(&privet.dir.path().join("access.log"))
}

/// The first line of which `name` is `value`.
fn line(privet: &Privet, name: &str, value: &str) -> Value {
    let find = || log(privet).into_iter().find(|line| line[name] == value);
    privet.until(&format!("a line with {name} {value}"), || find().is_some());
    find().expect("a line")
}

#[test]
fn a_line_tells_of_every_way_that_a_request_can_end() {
    let origin = Origin::start_with(|head, _| {
        if head.starts_with("GET /broken") {
            return Some("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort".to_owned());
        }
        (!head.starts_with("GET /gone")).then(|| OK.to_owned())
    });
    let closed = free_port();
    let more = format!(
        "{FILE}[[route]]\npath = \"/dead\"\nupstream = \"http://127.0.0.1:{closed}\"\n\
         [[route]]\nhost = \"quiet.example\"\nupstream = \"{}\"\naccess_log = false\n",
        origin.url()
    );
    let privet = Privet::with_listen(
        "workers = 1",
        &(more + &origin.route("host = \"shop.example\"\nresponse_timeout = \"1s\"")),
    );
    privet.raw(b"POST /ok?a=b HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: curl/8\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody");
    let ok = line(&privet, "url.path", "/ok");
    assert_eq!(ok["http.request.method"], "POST");
    assert_eq!(ok["url.query"], "a=b");
    assert_eq!(ok["http.route"], "shop.example/");
    assert_eq!(ok["http.response.status_code"], 200);
    assert_eq!(ok["http.response.body.size"], 2);
    assert_eq!(ok["http.request.body.size"], 4);
    assert_eq!(ok["network.protocol.version"], "1.1");
    assert_eq!(ok["tls.protocol.version"], "1.3");
    assert_eq!(ok["tls.curve"], "X25519MLKEM768");
    assert_eq!(ok["user_agent.name"], "curl");
    let seconds = |name: &str| ok[name].as_f64().expect("seconds");
    assert!(seconds("http.server.request.duration") >= seconds("http.client.request.duration"));
    assert!(seconds("tls.handshake.duration") > 0.0);
    assert!(ok.get("error.type").is_none());
    // Each of these ends in another place of the gateway.
    privet.raw(b"GET /x HTTP/1.1\r\nHost: nobody.example\r\nConnection: close\r\n\r\n");
    assert_eq!(line(&privet, "error.type", "no_route")["http.response.status_code"], 404);
    privet.raw(b"GET / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(line(&privet, "error.type", "framing")["http.request.method"], "_OTHER");
    privet.raw(b"GET /dead HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(line(&privet, "error.type", "bad_gateway")["http.response.status_code"], 502);
    privet.get("/gone", "");
    line(&privet, "url.path", "/gone");
    privet.get("/broken", "");
    assert_eq!(line(&privet, "url.path", "/broken")["error.type"], "aborted");
    privet.raw(b"BREW /pot HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n");
    assert_eq!(line(&privet, "url.path", "/pot")["http.request.method"], "_OTHER");
    ask_plain(privet.http, "GET /plain HTTP/1.0\r\nHost: shop.example\r\n\r\n");
    let plain = line(&privet, "url.path", "/plain");
    assert!(plain["http.response.status_code"] == 308 && plain.get("tls.curve").is_none(), "{plain}");
    assert_eq!(plain["network.protocol.version"], "1.0");
    privet.curl(&[
        "--resolve",
        &format!("shop.example:{}:127.0.0.1", privet.https.port()),
        "-k",
        &format!("https://shop.example:{}/h2", privet.https.port()),
    ]);
    assert_eq!(line(&privet, "url.path", "/h2")["network.protocol.version"], "2");
    privet.raw(b"GET /quiet HTTP/1.1\r\nHost: quiet.example\r\nConnection: close\r\n\r\n");
    privet.get("/last", "");
    line(&privet, "url.path", "/last");
    assert!(log(&privet).iter().all(|line| line["url.path"] != "/quiet"));
}

#[test]
fn a_tunnel_is_one_line_with_its_bytes() {
    let accept = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello";
    let origin = Origin::start(accept);
    let privet = Privet::with_listen("workers = 1", &format!("{FILE}{}", origin.route("")));
    let mut tls = privet.tls();
    tls.write_all(
        b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    )
    .expect("sent");
    assert!(read_one(&mut tls).starts_with("HTTP/1.1 101"));
    let mut hello = [0; 5];
    tls.read_exact(&mut hello).expect("read");
    tls.write_all(b"0123456789\n").expect("sent");
    privet.until("the application has it", || origin.seen().contains("0123456789"));
    drop(tls);
    let tunnel = line(&privet, "url.path", "/ws");
    assert_eq!(tunnel["http.response.status_code"], 101);
    assert_eq!(tunnel["http.response.body.size"], 5);
    assert_eq!(tunnel["http.request.body.size"], 11);
}

#[test]
fn nothing_answered_is_lost_at_the_end() {
    let origin = Origin::start(OK);
    let shutdown = "[shutdown]\ndelay = \"0s\"\n";
    let mut privet = Privet::with_listen("workers = 2", &format!("{FILE}{shutdown}{}", origin.route("")));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let mut tls = privet.tls();
            std::thread::spawn(move || {
                for _ in 0..100 {
                    tls.write_all(b"GET /count HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
                    assert!(read_one(&mut tls).ends_with("ok"));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().expect("answered");
    }
    privet.signal("-TERM");
    privet.child.wait().expect("ended");
    assert_eq!(log(&privet).iter().filter(|line| line["url.path"] == "/count").count(), 400);
}

#[test]
fn a_moved_file_is_opened_anew_on_a_signal_and_a_reload_keeps_it() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("{FILE}{}", origin.route("")));
    let path = privet.dir.path().join("access.log");
    privet.get("/one", "");
    line(&privet, "url.path", "/one");
    fs::rename(&path, privet.dir.path().join("moved.log")).expect("moved");
    privet.signal("-USR1");
    privet.until("a new file", || path.exists());
    privet.get("/two", "");
    line(&privet, "url.path", "/two");
    assert_eq!(lines(&privet.dir.path().join("moved.log")).len(), 1);
    privet.rewrite(|text| text.replace("path = \"access.log\"", "path = \"access.log\"\nformat = \"combined\""));
    privet.until("reloaded", || privet.metric("privet_config_reloads_total{result=\"applied\"}") == 1);
    privet.get("/three", "");
    privet.until("a combined line", || {
        fs::read_to_string(&path).expect("a file").contains("\"GET /three HTTP/1.1\" 200 2 \"-\" \"-\"")
    });
}

#[test]
fn a_second_writer_of_the_same_file_is_refused() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("{FILE}{}", origin.route("")));
    let ports = [free_port(), free_port(), free_port()];
    let path = privet.dir.path().join("second.toml");
    fs::write(&path, crate::support::config(ports, "", &format!("{FILE}{}", origin.route("")))).expect("written");
    let out = Command::new(binary())
        .args(["serve", "--config", "second.toml"])
        .current_dir(privet.dir.path())
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(3), "{text}");
    assert!(text.contains("another Privet writes the access log") && text.contains("hint:"), "{text}");
}

fn privet_logs(privet: &Privet, args: &[&str]) -> (i32, String, String) {
    let out = Command::new(binary()).arg("logs").args(args).current_dir(privet.dir.path()).output().expect("runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

#[test]
fn a_sealed_log_opens_and_a_killed_one_says_that_its_end_is_missing() {
    let origin = Origin::start(OK);
    let sealed = "[seal]\nkey_file = \"seal.key\"\n[access_log]\npath = \"access.log\"\nsealed = true\n";
    let mut privet = Privet::with(&format!("{sealed}{}", origin.route("")));
    for _ in 0..3 {
        privet.get("/kept", "");
    }
    privet.until("written", || privet.metric("privet_log_lines_total") == 3);
    privet.child.kill().expect("killed");
    privet.child.wait().expect("ended");
    let bytes = fs::read(privet.dir.path().join("access.log")).expect("a file");
    assert!(bytes.starts_with(b"PRIVSEAL") && !bytes.windows(5).any(|w| w == b"/kept"));
    let key = ["open", "--key-file", "seal.key", "access.log"];
    let (code, out, err) = privet_logs(&privet, &key);
    assert_eq!((code, out.matches("/kept").count()), (1, 3), "{err}");
    assert!(err.contains("access.log: the end is missing: it stops at byte"), "{err}");
    let (code, out, _) = privet_logs(&privet, &["verify", "--config", "privet.toml", "access.log"]);
    assert!(code == 1 && out.contains("the end is missing"), "{out}");
    // One byte of the first segment.
    let mut damaged = bytes;
    damaged[60] ^= 1;
    fs::write(privet.dir.path().join("access.log"), damaged).expect("written");
    let (code, out, err) = privet_logs(&privet, &key);
    assert!(code == 1 && out.is_empty() && err.contains("damaged at byte 52"), "{err}");
}

#[test]
fn requests_stop_while_the_log_can_not_be_written_where_that_is_the_setting() {
    let origin = Origin::start(OK);
    let privet =
        Privet::with(&format!("[access_log]\npath = \"full.log\"\nwhen_full = \"wait\"\n{}", origin.route("")));
    assert!(privet.get("/a", "").starts_with("HTTP/1.1 200"));
    // The disk is full from here on.
    let path = privet.dir.path().join("full.log");
    fs::remove_file(&path).expect("removed");
    std::os::unix::fs::symlink("/dev/full", &path).expect("linked");
    privet.signal("-USR1");
    privet.until("reopened", || privet.log().contains("opened anew"));
    privet.get("/b", "");
    privet.until("failing", || privet.metric("privet_log_errors_total") > 0);
    let refused = privet.get("/c", "Accept: application/json\r\n");
    assert!(refused.starts_with("HTTP/1.1 503") && refused.contains("log_full"), "{refused}");
    // There is room again.
    fs::remove_file(&path).expect("removed");
    privet.signal("-USR1");
    privet.until("served again", || privet.get("/d", "").starts_with("HTTP/1.1 200"));
    privet.until("nothing was lost", || {
        let text = fs::read_to_string(&path).unwrap_or_default();
        text.contains("/b") && text.contains("/d")
    });
}

#[test]
fn personal_data_in_urls_goes_by_route() {
    let origin = Origin::start(OK);
    let route = |path: &str, rule: &str| origin.route(&format!("path = \"{path}\"\nurl_privacy = \"{rule}\""));
    let all = [route("/log", "log"), route("/strip", "strip"), route("/reject", "reject")].concat();
    let privet = Privet::with(&format!("{FILE}{all}"));
    let query = "?mail=kim.minsu%40example.net";
    let referrer = "Referer: https://crm.example/kim.minsu\r\n";
    let answer = privet.get(&format!("/log{query}"), referrer);
    assert!(answer.starts_with("HTTP/1.1 200") && !answer.contains("referrer-policy"), "{answer}");
    assert!(origin.seen().contains("https://crm.example/kim.minsu"));
    let answer = privet.get(&format!("/strip{query}"), referrer);
    assert!(answer.contains("referrer-policy: strict-origin-when-cross-origin"), "{answer}");
    assert!(origin.seen().to_lowercase().contains("referer: https://crm.example/\r\n"));
    let answer = privet.get(&format!("/reject{query}"), "");
    assert!(answer.starts_with("HTTP/1.1 400") && !answer.contains("kim"), "{answer}");
    assert!(privet.get("/reject?page=2", "").starts_with("HTTP/1.1 200"));
    assert!(!origin.seen().contains("/reject?mail"));
    let refused = line(&privet, "error.type", "url_privacy");
    assert_eq!(refused["privet.verdicts"]["url_privacy"], "reject");
    assert_eq!(refused["privet.found"]["EMAIL_ADDRESS"], 1);
    let series =
        |route: &str| format!("privet_redactions_total{{route=\"*{route}\",type=\"EMAIL_ADDRESS\",place=\"url\"}}");
    for route in ["/log", "/strip", "/reject"] {
        privet.until("counted", || privet.metric(&series(route)) == 1);
    }
}

#[test]
fn personal_data_in_urls_is_on_the_map_by_field() {
    let origin = Origin::start(OK);
    let privet = Privet::with(&format!("{FILE}{}", origin.route("")));
    let mail = "kim.minsu%40example.net";
    let target = format!("/u/{mail}?user_phone=010-1234-5678&{mail}=1&lee%40example.net=010-1234-5678&page=2&{mail}");
    privet.get(&target, &format!("Referer: https://crm.example/a?email={mail}\r\n"));
    privet.get("/u?user_phone=010-1234-5679", "");
    let map = || privet.told("/v1/personal-data");
    let row = |place: &str, field: &str, kind: &str, count: u32| {
        let row = serde_json::json!({ "route": "*/", "direction": "request", "place": place, "field": field, "type": kind, "count": count });
        let rows = map();
        let rows: Value = serde_json::from_str(rows.trim()).expect("JSON");
        rows["personal_data"].as_array().expect("rows").contains(&row)
    };
    for (place, field, kind, count) in [
        ("path", "path", "EMAIL_ADDRESS", 1),
        ("query", "user_phone", "PHONE_NUMBER", 2),
        // Names that are values.
        ("query", "?", "EMAIL_ADDRESS", 3),
        ("query", "?", "PHONE_NUMBER", 1),
        ("request_header", "referer", "EMAIL_ADDRESS", 1),
    ] {
        privet.until(&format!("{place} {field} {kind} {count}: {}", map()), || row(place, field, kind, count));
    }
    for value in ["kim", "lee", "5678"] {
        assert!(!map().contains(value), "{value}");
    }
}

#[test]
fn what_a_mask_rewrote_is_in_the_line_of_its_request() {
    let body = r#"{"phone":"010-2345-6789","mail":"kim.minsu@example.net","more":"lee.jieun@example.net"}"#;
    let origin = Origin::start_with(move |head, _| {
        let length = if head.starts_with("GET /cut") { 1000 } else { body.len() };
        Some(format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"))
    });
    let privet = Privet::with(&format!("{FILE}{}", origin.route("mask = \"all\"\nresponse_timeout = \"1s\"")));
    assert!(privet.get("/whole", "").contains("010-****-6789"));
    let whole = line(&privet, "url.path", "/whole");
    let found = serde_json::json!({ "PHONE_NUMBER": 1, "EMAIL_ADDRESS": 2 });
    assert_eq!(whole["privet.found"], found);
    privet.curl(&["--http2", &privet.url("/h2")]);
    assert_eq!(line(&privet, "url.path", "/h2")["privet.found"], found);
    // What the line itself shows is counted with it.
    privet.get("/both?mail=kim.minsu%40example.net", "");
    assert_eq!(line(&privet, "url.path", "/both")["privet.found"]["EMAIL_ADDRESS"], 3);
    // A body that breaks off has what went out by then.
    privet.get("/cut", "");
    let cut = line(&privet, "url.path", "/cut");
    assert!(cut["error.type"] == "aborted" && cut["privet.found"] == found, "{cut}");
}
