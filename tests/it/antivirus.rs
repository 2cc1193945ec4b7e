//! Malware on live traffic, with a real clamd: however it is packed, whatever becomes of clamd, in bounded memory.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use crate::{
    clamd::{Clamd, eicar},
    support::{OK, Origin, Privet, Tls, binary, python, read_all},
};

pub const FOUND: &str = "Test.Eicar.UNOFFICIAL";

/// An upload of one body.
pub fn post(privet: &Privet, target: &str, headers: &str, body: &[u8]) -> String {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\n{headers}Connection: close\r\n\r\n",
        body.len()
    );
    sent(privet, &[head.as_bytes(), body].concat())
}

/// What comes back, though Privet may answer before it has read everything.
fn sent(privet: &Privet, bytes: &[u8]) -> String {
    let mut tls = privet.tls();
    let _ = tls.write_all(bytes);
    read_all(&mut tls)
}

/// What a program makes of these bytes.
fn through(command: &mut Command, bytes: &[u8]) -> Vec<u8> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("piped").write_all(bytes).expect("written");
    child.wait_with_output().expect("it ends").stdout
}

pub fn zipped(name: &str, file: &[u8]) -> Vec<u8> {
    const SCRIPT: &str = "import io,sys,zipfile\nout=io.BytesIO()\nwith zipfile.ZipFile(out,'w',zipfile.ZIP_DEFLATED) as z:\n \
        z.writestr(sys.argv[1],sys.stdin.buffer.read())\nsys.stdout.buffer.write(out.getvalue())";
    through(Command::new(python()).args(["-c", SCRIPT, name]), file)
}

pub fn form(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = b"--frontier\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n".to_vec();
    for (name, file) in files {
        let head = format!(
            "--frontier\r\nContent-Disposition: form-data; name=\"up\"; filename=\"{name}\"\r\nContent-Type: application/pdf\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--frontier--\r\n");
    body
}

pub const FORM: &str = "Content-Type: multipart/form-data; boundary=frontier\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

/// `privet COMMAND .. --config privet.toml`
pub fn privet(privet: &Privet, args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.args(args).args(["--config", "privet.toml"]).current_dir(privet.dir.path()).output().expect("runs")
}

pub fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

fn journal(gateway: &Privet, kind: &str) -> Vec<Value> {
    let out = privet(gateway, &["audit", "search", "--kind", kind, "--json"]);
    text(&out).lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn scanned(privet: &Privet) -> Vec<Value> {
    let lines = privet.out();
    let lines = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.map(|line| line["privet.antivirus"].clone()).filter(|scanned| !scanned.is_null()).collect()
}

#[test]
fn no_infected_file_reaches_the_application_however_it_is_packed() {
    let (clamd, origin) = (Clamd::start(), Origin::start(OK));
    let privet = Privet::with(&format!("{}[antivirus]\n{}", origin.route("antivirus = \"block\""), clamd.unix()));
    let eicar = eicar();
    let zip = zipped("a.com", &eicar);
    let zip_in_zip = zipped("b.zip", &zip);
    let base64 = format!("{{\"file\":{{\"content\":\"{}\"}}}}", BASE64_STANDARD.encode(&zip));
    let url = format!("[{{\"c\":\"data:application/zip;base64,{}\"}}]", BASE64_STANDARD.encode(&eicar));
    let clean = vec![b'x'; 100_000];
    let coded = through(Command::new("gzip").arg("-c"), &eicar);
    let infected: [(&str, &str, Vec<u8>); 8] = [
        ("/raw", "", eicar.clone()),
        ("/zip", "Content-Type: application/zip\r\n", zip.clone()),
        ("/zip-in-zip", "", zip_in_zip.clone()),
        ("/form", FORM, form(&[("clean.pdf", &clean), ("kim.minsu@example.com.pdf", &eicar)])),
        ("/form-zip", FORM, form(&[("b.zip", &zip_in_zip)])),
        ("/json", JSON, base64.into_bytes()),
        ("/json-url", JSON, url.into_bytes()),
        ("/coded", "Content-Encoding: gzip\r\n", coded),
    ];
    for (target, headers, body) in &infected {
        let answer = post(&privet, target, headers, body);
        assert!(
            answer.starts_with("HTTP/1.1 403") && answer.contains(FOUND) && answer.contains("malware"),
            "{target}: {answer}"
        );
    }
    // In chunks of a few bytes.
    let mut chunked =
        b"POST /chunks HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            .to_vec();
    for piece in eicar.chunks(5) {
        chunked.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        chunked.extend_from_slice(piece);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let answer = sent(&privet, &chunked);
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains(FOUND), "{answer}");
    assert_eq!(origin.seen(), "", "no byte of any");
    // What is clean goes on as it came.
    for (target, headers, body) in [
        ("/clean", "", clean.clone()),
        ("/clean-form", FORM, form(&[("clean.pdf", &clean)])),
        ("/clean-json", JSON, format!("{{\"a\":\"{}\"}}", BASE64_STANDARD.encode(&clean)).into_bytes()),
    ] {
        assert!(post(&privet, target, headers, &body).starts_with("HTTP/1.1 200"), "{target}");
        assert!(origin.seen().ends_with(&String::from_utf8_lossy(&body).into_owned()), "{target}");
    }
    assert!(privet.get("/", "").starts_with("HTTP/1.1 200"), "nothing is scanned where nothing is sent");
    let series = |verdict: &str| format!("privet_antivirus_verdicts_total{{route=\"*/\",verdict=\"{verdict}\"}}");
    privet.until("counted", || privet.metric(&series("infected")) == 9 && privet.metric(&series("clean")) == 3);
    assert_eq!(privet.metric("privet_refusals_total{kind=\"malware\",blame=\"client\"}"), 9);
    privet.until("written", || scanned(&privet).len() == 12);
    // Workers write their lines in no order.
    let lines = scanned(&privet);
    let in_form = |line: &&Value| line["file"] == 3 && line["signature"] == FOUND && line["outcome"] == "refused";
    assert_eq!(lines.iter().filter(in_form).count(), 1, "{lines:?}");
    assert!(!privet.out().contains("kim.minsu") && !privet.log().contains("kim.minsu"), "files are named by people");
    privet.until("in the journal", || journal(&privet, "malware.found").len() == 9);
    assert!(journal(&privet, "malware.found")[0].to_string().contains(FOUND));
    let html = post(&privet, "/raw", "Accept: text/html\r\n", &eicar);
    assert!(html.contains("<h1>403 Forbidden</h1>") && html.contains(FOUND), "{html}");
}

#[test]
fn a_route_that_detects_writes_down_and_forwards() {
    let (clamd, origin) = (Clamd::start(), Origin::start(OK));
    let privet = Privet::with(&format!("{}[antivirus]\n{}", origin.route("antivirus = \"detect\""), clamd.tcp()));
    assert!(post(&privet, "/", "", &eicar()).starts_with("HTTP/1.1 200"));
    assert!(origin.seen().ends_with("FILE!$H+H*"));
    privet.until("written", || scanned(&privet).len() == 1);
    let found = &scanned(&privet)[0];
    assert_eq!((&found["verdict"], &found["outcome"]), (&"infected".into(), &"passed".into()), "{found}");
    // clamd has an end of its own, and a body that can't be taken apart.
    let cut = post(&privet, "/", FORM, b"--frontier\r\n\r\ncut");
    assert!(cut.starts_with("HTTP/1.1 200"), "{cut}");
    privet.until("written", || scanned(&privet).iter().any(|line| line["verdict"] == "unreadable"));
}

/// Answers every request with 200 and counts the bytes of bodies that it got, without keeping them.
pub fn sink() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (address, count) = (listener.local_addr().expect("bound"), Arc::new(AtomicU64::new(0)));
    let all = Arc::clone(&count);
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let all = Arc::clone(&all);
            thread::spawn(move || {
                let (mut head, mut byte) = (Vec::new(), [0]);
                while !head.ends_with(b"\r\n\r\n") {
                    if socket.read(&mut byte).unwrap_or(0) == 0 {
                        return;
                    }
                    head.push(byte[0]);
                }
                let head = String::from_utf8_lossy(&head).to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<u64>().ok());
                let mut left = length.unwrap_or(0);
                let mut buffer = vec![0; 1 << 20];
                while left > 0 {
                    let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
                    match socket.read(&mut buffer[..most]) {
                        Ok(0) | Err(_) => return,
                        Ok(n) => {
                            left -= n as u64;
                            all.fetch_add(n as u64, SeqCst);
                        }
                    }
                }
                let _ = socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
            });
        }
    });
    (address, count)
}

/// Sends so many zeros, as far as they are taken.
fn zeros(tls: &mut Tls, mut left: u64) {
    let piece = vec![0; 256 << 10];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(piece.len());
        if tls.write_all(&piece[..most]).is_err() {
            return;
        }
        left -= most as u64;
    }
}

pub fn upload_zeros(privet: &Privet, target: &str, length: u64) -> String {
    let mut tls = privet.tls();
    // On a busy machine a scan of much takes its time.
    tls.sock.set_read_timeout(Some(Duration::from_secs(1200))).expect("set");
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    tls.write_all(head.as_bytes()).expect("sent");
    zeros(&mut tls, length);
    read_all(&mut tls)
}

pub const MIB: u64 = 1 << 20;

#[test]
fn more_than_can_be_scanned_is_refused_before_it_is_asked_for_or_passes_whole() {
    let clamd = Clamd::start();
    let (address, got) = sink();
    let route =
        |path: &str| format!("[[route]]\npath = \"{path}\"\nupstream = \"http://{address}\"\nantivirus = \"block\"\n");
    let privet = Privet::with(&format!("{}[antivirus]\n{}", route("/"), clamd.unix()));
    let mut tls = privet.tls();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        26 * MIB
    );
    tls.write_all(head.as_bytes()).expect("sent");
    let answer = read_all(&mut tls);
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("26214400 bytes"), "not asked for: {answer}");
    let mut tls = privet.tls();
    tls.write_all(b"POST / HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        .expect("sent");
    let mut piece = b"100000\r\n".to_vec();
    piece.extend_from_slice(&vec![0; 1 << 20]);
    piece.extend_from_slice(b"\r\n");
    for _ in 0..26 {
        if tls.write_all(&piece).is_err() {
            break;
        }
    }
    let _ = tls.write_all(b"0\r\n\r\n");
    let answer = read_all(&mut tls);
    assert!(answer.starts_with("HTTP/1.1 413") || answer.is_empty(), "of unknown length: {answer}");
    assert_eq!(got.load(SeqCst), 0);
    // clamd's own limit is lower than ours: it closes in the middle of the write.
    for place in [clamd.unix(), clamd.tcp()] {
        let privet = Privet::with(&format!("{}[antivirus]\nmax_size = \"40MiB\"\n{place}", route("/")));
        let answer = upload_zeros(&privet, "/", 26 * MIB);
        assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("antivirus_excess"), "{place}: {answer}");
        assert_eq!(got.load(SeqCst), 0);
    }
    let privet =
        Privet::with(&format!("{}[antivirus]\nexceeded = \"pass\"\nmax_size = \"1MiB\"\n{}", route("/"), clamd.unix()));
    assert!(upload_zeros(&privet, "/", 3 * MIB).starts_with("HTTP/1.1 200"));
    assert_eq!(got.load(SeqCst), 3 * MIB);
    let answer = post(&privet, "/", "", &eicar());
    assert!(answer.starts_with("HTTP/1.1 403"), "what is small enough is scanned: {answer}");
}

#[test]
fn nobody_fills_the_disk() {
    let clamd = Clamd::start();
    let (address, got) = sink();
    let text = |exceeded: &str| {
        format!(
            "[[route]]\nupstream = \"http://{address}\"\nantivirus = \"block\"\n[antivirus]\nmax_size = \"4MiB\"\n\
             spool_per_address = \"4MiB\"\nspool = \"5MiB\"\nmemory = \"100KiB\"\nexceeded = \"{exceeded}\"\n{}",
            clamd.unix()
        )
    };
    for (exceeded, status) in [("refuse", "HTTP/1.1 503"), ("pass", "HTTP/1.1 200")] {
        let privet = Privet::with(&text(exceeded));
        // Somebody is slow, and holds three quarters of what an address may.
        let mut slow = privet.tls();
        let head = format!("POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: {}\r\n\r\n", 4 * MIB);
        slow.write_all(head.as_bytes()).expect("sent");
        zeros(&mut slow, 3 * MIB);
        privet.until("held", || privet.metric("privet_antivirus_held_bytes") >= 3 * MIB - 65536);
        assert!(privet.metric("privet_antivirus_held_memory_bytes") < MIB, "it waits on the disk");
        let answer = upload_zeros(&privet, "/", 2 * MIB);
        // Whoever is still sending may not hear it.
        assert!(answer.starts_with(status) || (answer.is_empty() && exceeded == "refuse"), "{answer}");
        assert_eq!(privet.metric("privet_antivirus_verdicts_total{route=\"*/\",verdict=\"full\"}"), 1);
        drop(slow);
        privet.until("given back", || privet.metric("privet_antivirus_held_bytes") == 0);
        assert!(upload_zeros(&privet, "/", 2 * MIB).starts_with("HTTP/1.1 200"));
        let left = fs::read_dir(privet.dir.path().join("data/spool")).expect("a folder").count();
        assert_eq!(left, 0, "files that wait have no names");
    }
    assert_eq!(got.load(SeqCst), 6 * MIB);
}

#[test]
fn a_clamd_that_goes_and_comes_is_noticed_without_a_restart() {
    let (mut clamd, origin) = (Clamd::start(), Origin::start(OK));
    let privet = Privet::with(&format!(
        "{}{}[antivirus]\ntimeout = \"30s\"\n{}",
        origin.route("antivirus = \"block\""),
        origin.route("path = \"/open\"\nantivirus = \"block\"\nantivirus_unavailable = \"open\""),
        clamd.unix()
    ));
    let clean = |target: &str, byte: u8| post(&privet, target, "", &[byte; 5000]);
    assert!(clean("/", 1).starts_with("HTTP/1.1 200"));
    // Killed in the middle of a scan.
    clamd.signal("-STOP");
    let answer = thread::scope(|scope| {
        let upload = scope.spawn(|| clean("/", 2));
        thread::sleep(Duration::from_millis(500));
        clamd.signal("-KILL");
        upload.join().expect("an answer")
    });
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after"), "{answer}");
    clamd.kill();
    privet.until("noticed", || privet.metric("privet_antivirus_up") == 0);
    let answer = clean("/", 3);
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("antivirus_unavailable"), "{answer}");
    assert!(post(&privet, "/", "", &eicar()).starts_with("HTTP/1.1 503"));
    assert!(clean("/open", 4).starts_with("HTTP/1.1 200"));
    let status = self::privet(&privet, &["antivirus", "status"]);
    assert!(status.status.code() == Some(1) && text(&status).contains("does not answer"), "{}", text(&status));
    clamd.run();
    privet.until("back", || clean("/", 5).starts_with("HTTP/1.1 200"));
    assert!(post(&privet, "/open", "", &eicar()).starts_with("HTTP/1.1 403"));
    let series = |route: &str| format!("privet_antivirus_verdicts_total{{route=\"{route}\",verdict=\"unavailable\"}}");
    assert!(privet.metric(&series("*/")) >= 3 && privet.metric(&series("*/open")) == 1);
    assert!(privet.log().contains("clamd does not answer") && privet.log().contains("clamd answers again"));
}

#[test]
fn stale_signatures_are_told_and_refused_where_a_route_says_so() {
    let (clamd, origin) = (Clamd::start(), Origin::start(OK));
    let hour = Duration::from_secs(3600);
    clamd.daily(30 * hour);
    clamd.ask("RELOAD");
    let privet = Privet::with(&format!(
        "{}{}[antivirus]\n{}",
        origin.route("antivirus = \"block\""),
        origin.route("path = \"/strict\"\nantivirus = \"block\"\nantivirus_stale = \"closed\""),
        clamd.unix()
    ));
    privet.until("told", || privet.metric("privet_antivirus_signatures_stale") == 1);
    privet.until("known", || privet.metric("privet_antivirus_signatures_age_seconds") >= 30 * 3600);
    assert!(privet.metric("privet_antivirus_signatures_version") >= 27000);
    assert!(post(&privet, "/", "", b"clean").starts_with("HTTP/1.1 200"));
    let answer = post(&privet, "/strict", "", b"clean");
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let status = self::privet(&privet, &["antivirus", "status"]);
    assert!(status.status.code() == Some(1) && text(&status).contains("30 hours old: STALE"), "{}", text(&status));
    // As freshclam does it.
    clamd.daily(hour);
    clamd.ask("RELOAD");
    privet.until("noticed", || post(&privet, "/strict", "", b"clean").starts_with("HTTP/1.1 200"));
    let status = self::privet(&privet, &["antivirus", "status", "--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert!(
        status["stale"] == false && status["up"] == true && status["age_seconds"].as_u64() < Some(7200),
        "{status}"
    );
    privet.until("written down", || journal(&privet, "antivirus.signatures").len() == 1);
    assert_eq!(journal(&privet, "antivirus.stale").len(), 1);
    // `max_age` is a setting like any other.
    privet.rewrite(|text| text.replace("[antivirus]\n", "[antivirus]\nmax_age = \"30m\"\n"));
    privet.until("in force", || post(&privet, "/strict", "", b"clean").starts_with("HTTP/1.1 503"));
}

#[test]
fn an_outbreak_is_answered_while_uploads_run() {
    let (clamd, origin) = (Clamd::start(), Origin::start(OK));
    let privet = Privet::with(&format!(
        "{}[antivirus]\ndatabase = \"{}\"\n{}",
        origin.route("antivirus = \"block\""),
        clamd.database().display(),
        clamd.unix()
    ));
    let run = |args: &[&str]| self::privet(&privet, args);
    let write = |name: &str, text: &str| fs::write(privet.dir.path().join(name), text).expect("written");
    let malware = b"a new worm, of which nobody knows yet";
    assert!(post(&privet, "/a", FORM, &form(&[("kim.minsu.doc", malware)])).starts_with("HTTP/1.1 200"));
    let sum = Command::new("sh").args(["-c", "printf 'a new worm, of which nobody knows yet' | md5sum"]).output();
    let md5 = text(&sum.expect("md5sum runs")).split(' ').next().unwrap_or_default().to_owned();
    write("worm.hdb", &format!("# tonight\n{md5}:{}:Worm.New\n", malware.len()));
    let done = AtomicU64::new(0);
    let out = thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0_u32;
            while done.load(SeqCst) == 0 {
                n += 1;
                let answer = post(&privet, "/b", "", format!("clean {n}").as_bytes());
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            }
            done.fetch_add(u64::from(n), SeqCst);
        });
        let out = run(&["antivirus", "outbreak", "worm.hdb"]);
        done.store(1, SeqCst);
        out
    });
    let said = text(&out);
    assert!(out.status.success() && said.contains("in force: 1 signatures"), "{said}");
    assert!(
        said.contains("1 of ") && said.contains("\t*/\tupload\t37 bytes") && said.contains("within archives"),
        "{said}"
    );
    assert!(!said.contains("kim.minsu"), "{said}");
    assert!(done.load(SeqCst) > 1, "uploads went on");
    let answer = post(&privet, "/a", "", malware);
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains("Worm.New"), "it was clean a moment ago: {answer}");
    // Bytes and rules can be brought as well, but nobody knows what they would have found.
    write("bytes.ndb", "Worm.Bytes:0:*:776f726d2d6279746573\n");
    write("rules.yar", "rule worm_rule { strings: $a = \"worm-by-rule\" condition: $a }\n");
    for (file, sample) in [("bytes.ndb", "a worm-bytes b"), ("rules.yar", "a worm-by-rule b")] {
        let out = run(&["antivirus", "outbreak", file]);
        assert!(out.status.success() && text(&out).contains("can't be answered"), "{}", text(&out));
        assert!(post(&privet, "/a", "", sample.as_bytes()).starts_with("HTTP/1.1 403"), "{file}");
    }
    privet.until("written down", || journal(&privet, "antivirus.outbreak").len() == 3);
}

#[test]
fn a_broken_file_of_signatures_is_noticed_and_taken_away() {
    let (clamd, origin) = (Clamd::start(), Origin::start(OK));
    let privet = Privet::with(&format!(
        "{}[antivirus]\ndatabase = \"{}\"\n{}",
        origin.route("antivirus = \"block\""),
        clamd.database().display(),
        clamd.unix()
    ));
    let run = |args: &[&str]| self::privet(&privet, args);
    let write = |name: &str, text: &str| fs::write(privet.dir.path().join(name), text).expect("written");
    // One that we find out ourselves.
    write("bad.hdb", "no hash at all\n");
    let out = run(&["antivirus", "outbreak", "bad.hdb"]);
    assert!(
        out.status.code() == Some(2) && text(&out).contains("bad.hdb: line 1: a hash signature is"),
        "{}",
        text(&out)
    );
    // One that only clamd finds out, which says RELOADING and goes on with what it has.
    write("worse.ndb", "Worm:0:*:776f726d2d(6279\n");
    let out = run(&["antivirus", "outbreak", "worse.ndb", "--wait", "4s"]);
    assert!(out.status.code() == Some(1) && text(&out).contains("clamd did not take the file"), "{}", text(&out));
    assert!(!clamd.database().join("privet-worse.ndb").exists());
    // Of rules clamd would take the good ones and say nothing.
    write(
        "rules.yar",
        "rule a { strings: $a = \"worm-one\" condition: $a }\nrule b { strings: $a = \"worm-two\" condition: $b }\n",
    );
    let out = run(&["antivirus", "outbreak", "rules.yar", "--wait", "4s"]);
    assert!(out.status.code() == Some(1), "{}", text(&out));
    privet.until("gone", || post(&privet, "/", "", b"worm-one").starts_with("HTTP/1.1 200"));
    // The same name again, whose first version stays in force.
    write("worse.ndb", "Worm:0:*:776f726d2d6279746573\n");
    assert!(run(&["antivirus", "outbreak", "worse.ndb"]).status.success());
    write("worse.ndb", "Worm:0:*:776f726d2d(6279\n");
    assert_eq!(run(&["antivirus", "outbreak", "worse.ndb", "--wait", "4s"]).status.code(), Some(1));
    let answer = post(&privet, "/", "", b"a worm-bytes");
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    let recorded = journal(&privet, "antivirus.outbreak");
    let outcomes: Vec<bool> = recorded.iter().map(|record| record.to_string().contains("in force")).collect();
    assert_eq!(outcomes, [false, false, true, false], "{recorded:?}");
}

#[test]
fn infected_files_are_kept_sealed_until_somebody_decides() {
    let (clamd, origin) = (Clamd::start(), Origin::start(OK));
    let privet = Privet::with(&format!(
        "{}[antivirus]\nquarantine = true\n{}",
        origin.route("antivirus = \"block\""),
        clamd.unix()
    ));
    let run = |args: &[&str]| self::privet(&privet, args);
    assert!(text(&run(&["quarantine", "list"])).contains("nothing is kept"));
    let zip = zipped("a.com", &eicar());
    for file in [&zip, &eicar()] {
        assert!(post(&privet, "/", FORM, &form(&[("first", b"clean"), ("second", file)])).starts_with("HTTP/1.1 403"));
    }
    let list: Value = serde_json::from_slice(&run(&["quarantine", "list", "--json"]).stdout).expect("JSON");
    let files = list["files"].as_array().expect("a list");
    assert_eq!(files.len(), 2, "{list}");
    let of =
        |size: usize| files.iter().find(|file| file["size"] == size).and_then(|file| file["id"].as_str()).expect("it");
    let (zipped_id, id) = (of(zip.len()), of(68));
    assert!(files.iter().all(|file| file["name"] == "second" && file["field"] == "up"), "{list}");
    for entry in fs::read_dir(privet.dir.path().join("data/quarantine")).expect("a folder").flatten() {
        let bytes = fs::read(entry.path()).expect("a file");
        assert!(memchr(&bytes, b"EICAR").is_none() && memchr(&bytes, b"a.com").is_none(), "it is sealed");
    }
    let out = run(&["quarantine", "export", zipped_id, "--reason", "a look at it", "--to", "out.zip"]);
    assert!(out.status.success(), "{}", text(&out));
    assert_eq!(fs::read(privet.dir.path().join("out.zip")).expect("a file"), zip);
    assert_eq!(
        run(&["quarantine", "export", "0123456789abcdef", "--reason", "x", "--to", "none"]).status.code(),
        Some(1)
    );
    assert!(!privet.dir.path().join("none").exists());
    assert_eq!(run(&["quarantine", "purge", zipped_id, "--reason", " "]).status.code(), Some(1), "no reason");
    assert!(run(&["quarantine", "purge", zipped_id, "--reason", "seen enough"]).status.success());
    assert!(run(&["quarantine", "release", id, "--reason", "a false alarm"]).status.success());
    assert!(text(&run(&["quarantine", "list"])).contains("nothing is kept"));
    assert!(post(&privet, "/", "", &eicar()).starts_with("HTTP/1.1 200"), "this very file passes now");
    assert!(post(&privet, "/", "", &zip).starts_with("HTTP/1.1 403"), "and no other");
    for (kind, reason) in [
        ("quarantine.exported", "a look at it"),
        ("quarantine.purged", "seen enough"),
        ("quarantine.released", "a false alarm"),
    ] {
        let found = journal(&privet, kind);
        assert!(found.len() == 1 && found[0].to_string().contains(reason), "{kind}: {found:?}");
    }
}

fn memchr(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[test]
fn infected_downloads_are_not_handed_out() {
    let infected = BASE64_STANDARD.encode(eicar());
    let clamd = Clamd::start();
    let origin = Origin::start_with(move |request, _| {
        let body = BASE64_STANDARD.decode(&infected).expect("base64");
        let body = String::from_utf8(body).expect("text");
        let kind = if request.contains("/events") { "text/event-stream" } else { "application/octet-stream" };
        let status = if request.to_lowercase().contains("\r\nrange:") { "206 Partial Content" } else { "200 OK" };
        let body = if request.contains("/clean") { "clean".repeat(50_000) } else { body };
        let file = if request.contains("/part") { "206 Partial Content" } else { status };
        Some(format!("HTTP/1.1 {file}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))
    });
    let privet =
        Privet::with(&format!("{}[antivirus]\n{}", origin.route("antivirus_downloads = \"block\""), clamd.unix()));
    let answer = privet.get("/file", "");
    assert!(answer.starts_with("HTTP/1.1 403") && answer.contains(FOUND) && !answer.contains("FILE!"), "{answer}");
    let answer = privet.get("/file", "Range: bytes=10-\r\n");
    assert!(answer.starts_with("HTTP/1.1 403"), "a whole one is asked for: {answer}");
    let answer = privet.get("/part", "");
    assert!(answer.starts_with("HTTP/1.1 503") && !answer.contains("FILE!"), "{answer}");
    let answer = privet.get("/clean", "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("clean") && answer.len() > 250_000);
    assert!(privet.get("/events", "").starts_with("HTTP/1.1 200"), "streams of events are not held");
    assert!(post(&privet, "/clean", "", &eicar()).starts_with("HTTP/1.1 200"), "uploads were not asked for");
    assert_eq!(privet.metric("privet_refusals_total{kind=\"malware_answer\",blame=\"upstream\"}"), 2);
}

#[test]
fn an_upload_of_a_gibibyte_is_held_in_bounded_memory() {
    let clamd = Clamd::with(
        "StreamMaxLength 2000M\nMaxFileSize 2000M\nMaxScanSize 2000M\nMaxScanTime 0\nAlertExceedsMax yes\n",
    );
    let (address, got) = sink();
    let privet = Privet::with(&format!(
        "[[route]]\nupstream = \"http://{address}\"\nantivirus = \"block\"\n[antivirus]\nmax_size = \"1100MiB\"\n\
         spool_per_address = \"2GiB\"\ntimeout = \"20m\"\n{}",
        clamd.unix()
    ));
    assert!(upload_zeros(&privet, "/", MIB).starts_with("HTTP/1.1 200"));
    let before = privet.peak();
    let answer = upload_zeros(&privet, "/", 1024 * MIB);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert_eq!(got.load(SeqCst), 1025 * MIB);
    let grown = privet.peak() - before;
    assert!(grown < 64 << 10, "{grown} KB more for a body of 1 GiB");
}
