//! Masked routes before an application in Python and clients that know nothing of Privet.

use std::{
    io::{Read, Write},
    process::Command,
};

use crate::support::{Beside, Privet, python, read_one};

const ORIGIN: &str = include_str!("mask_origin.py");
/// What of the application's personal data may not be seen.
const VALUES: [&str; 7] = ["kim.minsu", "2345", "1234563", "4111", "민수", "\\ubbfc\\uc218", "kim.minsu%40"];

fn masked(more: &str) -> (Beside, Privet) {
    let (beside, url) = Beside::python(ORIGIN);
    let privet = Privet::with(&format!("[[route]]\nupstream = \"{url}\"\nmask = \"all\"\n{more}\n"));
    (beside, privet)
}

fn shows_nothing(text: &str) {
    // Random digits may be anything.
    let text: String = text.lines().filter(|line| !line.to_lowercase().starts_with("x-request-id: ")).collect();
    for value in VALUES {
        assert!(!text.contains(value), "{value}: {text}");
    }
}

#[test]
fn every_format_in_every_coding_is_masked() {
    let (_beside, privet) = masked("");
    for format in ["json", "escaped", "ndjson", "csv", "form", "xml", "html", "text"] {
        for coding in ["", "gzip", "deflate", "raw", "br", "zstd"] {
            let answer = privet.curl(&["-i", "--compressed", &privet.url(&format!("/form?f={format}&c={coding}"))]);
            shows_nothing(&answer);
            assert!(answer.contains("HTTP/2 200") && answer.contains("010-****-6789"), "{format} {coding}: {answer}");
            assert!(answer.contains("cache-control: private, no-store\r\n"), "{answer}");
            for gone in ["content-md5", "digest", "accept-ranges", "content-length", "max-age"] {
                assert!(!answer.to_lowercase().contains(gone), "{gone}: {answer}");
            }
            let expected = if coding == "raw" { "deflate" } else { coding };
            assert_eq!(answer.contains("content-encoding: "), !coding.is_empty());
            assert!(coding.is_empty() || answer.contains(&format!("content-encoding: {expected}\r\n")), "{answer}");
        }
    }
    let json = privet.curl(&["--compressed", &privet.url("/form?f=escaped&c=br")]);
    let value: serde_json::Value = serde_json::from_str(&json).expect("JSON still");
    assert_eq!(value["customers"][49]["id"], 7);
    assert_eq!(value["customers"][49]["phone"], "010-****-6789");
    let map = privet.told("/v1/personal-data");
    assert!(map.contains("\"field\":\"/customers/*/phone\"") && map.contains("\"type\":\"KR_RRN\""), "{map}");
    shows_nothing(&map);
    for value in ["kim.minsu", "010-2345", "1234563", "민수"] {
        assert!(!privet.log().contains(value), "{value}");
    }
    assert!(
        privet
            .metrics()
            .contains("privet_redactions_total{route=\"*/\",type=\"PHONE_NUMBER\",place=\"response_body\"}")
    );
}

#[test]
fn bodies_that_drip_are_masked_and_keep_their_trailers() {
    let (_beside, privet) = masked("");
    for (format, coding) in [("json", ""), ("html", ""), ("csv", "gzip"), ("xml", "br"), ("text", "zstd")] {
        let target = format!("/form?f={format}&c={coding}&slow=1");
        let answer = privet.curl(&["--http1.1", "-i", "--raw", "-H", "TE: trailers", &privet.url(&target)]);
        assert!(answer.contains("x-end: yes") && !answer.contains("digest: x"), "{answer}");
        let answer = privet.curl(&["--compressed", &privet.url(&target)]);
        shows_nothing(&answer);
        assert!(answer.contains("010-****-6789"), "{answer}");
    }
}

#[test]
fn heads_have_no_stale_length() {
    let (_beside, privet) = masked("");
    let url = privet.url("/form?f=json");
    let head = privet.curl(&["-I", &url]);
    assert!(head.contains("HTTP/2 200") && !head.contains("content-length"), "{head}");
    assert!(head.contains("cache-control: private, no-store"), "{head}");
    let mut tls = privet.tls();
    tls.write_all(
        b"HEAD /form?f=json HTTP/1.1\r\nHost: a\r\n\r\nGET /tag HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    )
    .expect("sent");
    let both = crate::support::read_all(&mut tls);
    assert_eq!(both.matches("HTTP/1.1 200 OK").count(), 2, "{both}");
    assert!(both.contains("010-****-6789"), "{both}");
    for status in ["200", "204", "404"] {
        let answer = privet.curl(&["-i", &privet.url(&format!("/empty?s={status}"))]);
        assert!(answer.contains(&format!("HTTP/2 {status}")), "{answer}");
    }
    let head = privet.curl(&["-I", &privet.url("/bytes?t=image/png&hex=89504e47")]);
    assert!(head.contains("HTTP/2 503"), "{head}");
}

#[test]
fn ranges_are_answered_whole_and_parts_refused() {
    let (_beside, privet) = masked("");
    let answer = privet.curl(&["-i", "-H", "Range: bytes=0-10", "-H", "If-Range: \"v1\"", &privet.url("/tag")]);
    assert!(answer.contains("HTTP/2 200") && answer.contains("010-****-6789"), "{answer}");
    assert!(!answer.contains("\"range\"") && !answer.contains("\"if-range\""), "{answer}");
    let part = privet.curl(&["-i", &privet.url("/partial")]);
    assert!(part.contains("HTTP/2 502"), "{part}");
    shows_nothing(&part);
}

#[test]
fn conditions_hold_for_their_own_mask_only() {
    let (_beside, privet) = masked("");
    let ask = |headers: &[&str]| {
        let url = privet.url("/tag");
        let mut args = vec!["-i"];
        for header in headers {
            args.extend(["-H", header]);
        }
        args.push(&url);
        privet.curl(&args)
    };
    let first = ask(&[]);
    let tag = first.lines().find_map(|l| l.strip_prefix("etag: ")).expect("a tag").trim().to_owned();
    assert!(tag.starts_with("\"v1-privet-"), "{first}");
    let again = ask(&[&format!("If-None-Match: {tag}")]);
    assert!(
        again.contains("HTTP/2 304") && again.contains(&format!("etag: {tag}")) && again.contains("no-store"),
        "{again}"
    );
    // The application's own tag, another mask's, and a date were made for another representation.
    for condition in [
        "If-None-Match: \"v1\"",
        "If-None-Match: \"v1-privet-000000000000\"",
        "If-Modified-Since: Wed, 25 Nov 2026 10:00:00 GMT",
    ] {
        assert!(ask(&[condition]).contains("HTTP/2 200"), "{condition}");
    }
    assert!(ask(&[&format!("If-Match: {tag}")]).contains("HTTP/2 200"));
    assert!(ask(&["If-Match: \"v1\""]).contains("HTTP/2 412"));
    assert!(ask(&["Accept-Encoding: gzip, exotic, br"]).contains("gzip, br"));
}

#[test]
fn what_cannot_be_read_is_refused_or_passes() {
    let targets = [
        "/bytes?t=image/png&hex=89504e470d0a1a0a",
        "/bytes?t=application/grpc&hex=0000000000",
        "/bytes?t=text/javascript&hex=7b7d",
        "/bytes?t=application/json&e=exotic&hex=7b7d",
        "/bytes?t=text/html%3B+charset%3Dx-none&hex=7b7d",
        "/bytes?hex=89504e470d0a1a0a00",
    ];
    let (_beside, privet) = masked("");
    for target in targets {
        let answer = privet.curl(&["-i", "-H", "Accept: application/json", &privet.url(target)]);
        assert!(answer.contains("HTTP/2 503") && answer.contains("\"uninspectable\""), "{target} {answer}");
    }
    // Without a label the first bytes decide.
    let answer = privet.curl(&[&privet.url("/bytes?hex=7b2270686f6e65223a223031302d323334352d36373839227d")]);
    assert_eq!(answer, "{\"phone\":\"010-****-6789\"}");
    let (_beside, privet) = masked("uninspectable = \"pass\"");
    for target in &targets[..5] {
        let answer = privet.curl(&["-i", &privet.url(target)]);
        assert!(answer.contains("HTTP/2 200") && answer.contains("content-length: "), "{target} {answer}");
    }
    assert!(privet.curl(&["-i", &privet.url("/partial")]).contains("HTTP/2 502"));
    assert!(privet.metric("privet_uninspectable_total{route=\"*/\",outcome=\"passed\"}") >= 5);
}

#[test]
fn broken_bodies_are_cut_before_anything_of_them_is_seen() {
    let (_beside, privet) = masked("");
    for target in [
        "/cut?c=gzip",
        "/cut?c=br",
        "/cut?c=zstd",
        "/cut?c=deflate",
        "/later",
        "/bytes?t=application/json&hex=7b22613a",
        "/bytes?t=text/csv&e=gzip&hex=3132",
    ] {
        for version in ["--http1.1", "--http2"] {
            let answer = privet.curl(&["-i", version, "--compressed", &privet.url(target)]);
            shows_nothing(&answer);
            assert!(answer.contains("curl: ("), "{target} ends as if it were whole: {}", answer.len());
        }
    }
    for coding in ["gzip", "br", "zstd"] {
        let answer = privet.curl(&["--compressed", "-o", "/dev/null", &privet.url(&format!("/bomb?c={coding}"))]);
        assert!(answer.contains("curl: ("), "{coding} {answer}");
    }
    // It goes on serving.
    assert!(privet.curl(&[&privet.url("/tag")]).contains("010-****-6789"));
}

#[test]
fn korean_pages_stay_in_their_encoding() {
    let (_beside, privet) = masked("");
    let page = "<table><tr><th>성명<td>김민수<tr><th>전화<td>010-2345-6789</table>";
    let (raw, ..) = encoding_rs::EUC_KR.encode(page);
    let hex = raw.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    for label in ["text/html%3B+charset%3Deuc-kr", "text/html%3B+charset%3Dks_c_5601-1987", "text/html"] {
        let out = Command::new("curl")
            .args(["-sS", "--cacert", "certs/ca.pem", &privet.url(&format!("/bytes?t={label}&hex={hex}"))])
            .current_dir(privet.dir.path())
            .output()
            .expect("curl runs");
        let (text, _, broken) = encoding_rs::EUC_KR.decode(&out.stdout);
        assert!(!broken && text.contains("<th>성명<td>김**") && text.contains("010-****-6789"), "{label} {text}");
    }
}

#[test]
fn events_come_at_once() {
    let (_beside, privet) = masked("");
    let mut tls = privet.tls();
    tls.write_all(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    let mut text = String::new();
    let mut buf = [0; 4096];
    while !text.contains("010-****-6789") {
        let n = tls.read(&mut buf).expect("an event comes though the stream goes on");
        assert!(n > 0, "{text}");
        text.push_str(&String::from_utf8_lossy(&buf[..n]));
    }
    shows_nothing(&text);
    // In a coding, too: what was encoded is let out.
    let mut tls = privet.tls();
    tls.write_all(b"GET /events?c=1 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n").expect("sent");
    let mut raw = Vec::new();
    while raw.windows(4).position(|w| w == b"\r\n\r\n").is_none_or(|at| raw.len() < at + 150) {
        let n = tls.read(&mut buf).expect("an event comes though the stream goes on");
        assert!(n > 0);
        raw.extend_from_slice(&buf[..n]);
    }
}

#[test]
fn messages_of_a_websocket_are_masked() {
    let script = "import asyncio, websockets\n\
        async def talk(socket):\n\
        \x20   async for message in socket:\n\
        \x20       if message == 'fragments':\n\
        \x20           await socket.send(['{\"pho', 'ne\":\"010-23', '45-6789\"}'])\n\
        \x20       else:\n\
        \x20           await socket.send(message)\n\
        async def main():\n\
        \x20   async with websockets.serve(talk, '127.0.0.1', 0) as server:\n\
        \x20       print('http://127.0.0.1:%d' % server.sockets[0].getsockname()[1], flush=True)\n\
        \x20       await asyncio.Future()\n\
        asyncio.run(main())\n";
    let (_beside, url) = Beside::python(script);
    let client = |privet: &Privet| {
        let script = format!(
            "import asyncio, ssl, websockets\n\
             async def main():\n\
             \x20   context = ssl.create_default_context(cafile='certs/ca.pem')\n\
             \x20   async with websockets.connect('wss://localhost:{}/', ssl=context, host='127.0.0.1') as socket:\n\
             \x20       print(socket.protocol.extensions)\n\
             \x20       for text in ['{{\"phone\":\"010-2345-6789\"}}', 'mail kim.minsu@example.com', 'fragments', 'hello', 'x' * 300000]:\n\
             \x20           await socket.send(text)\n\
             \x20           answer = await socket.recv()\n\
             \x20           print(answer if len(answer) < 100 else len(answer))\n\
             \x20       await socket.send(b'010-2345-6789')\n\
             \x20       try:\n\
             \x20           print('binary', await socket.recv())\n\
             \x20       except websockets.ConnectionClosed as closed:\n\
             \x20           print('closed', closed.rcvd.code)\n\
             asyncio.run(main())\n",
            privet.https.port()
        );
        let out =
            Command::new(python()).args(["-c", &script]).current_dir(privet.dir.path()).output().expect("python runs");
        String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
    };
    let privet = Privet::with(&format!("[[route]]\nupstream = \"{url}\"\nmask = \"all\"\n"));
    let said = client(&privet);
    assert_eq!(
        said,
        "[]\n{\"phone\":\"010-****-6789\"}\nmail k***@example.com\n{\"phone\":\"010-****-6789\"}\nhello\n300000\nclosed 1003\n"
    );
    privet.until("the tunnel is counted", || {
        privet.metric("privet_redactions_total{route=\"*/\",type=\"PHONE_NUMBER\",place=\"response_message\"}") == 2
    });
    privet.until("it is in the tunnel's line", || {
        privet.out().contains("\"privet.found\":{\"PHONE_NUMBER\":2,\"EMAIL_ADDRESS\":1}")
    });
    let privet = Privet::with(&format!("[[route]]\nupstream = \"{url}\"\nmask = \"all\"\nuninspectable = \"pass\"\n"));
    assert!(client(&privet).ends_with("binary b'010-2345-6789'\n"));
}

#[test]
fn large_bodies_take_little_memory_and_slow_clients_slow_the_application() {
    let (_beside, privet) = masked("");
    let memory = |privet: &Privet| -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", privet.child.id())).expect("a process");
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).expect("its memory");
        line.trim().trim_end_matches(" kB").trim().parse().expect("a number")
    };
    assert!(privet.curl(&[&privet.url("/tag")]).contains("010-****-6789"));
    let before = memory(&privet);
    // Some 64 MB that nobody reads: were it taken in, it would show.
    let mut clients: Vec<_> = (0..4)
        .map(|_| {
            let mut tls = privet.tls();
            tls.write_all(b"GET /big?n=1000 HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
            let mut one = [0; 1];
            tls.read_exact(&mut one).expect("it begins");
            tls
        })
        .collect();
    std::thread::sleep(std::time::Duration::from_secs(2));
    let grown = memory(&privet).saturating_sub(before);
    assert!(grown < 20 << 10, "{grown} kB");
    clients.clear();
}

#[test]
fn a_route_without_a_mask_is_left_alone() {
    let (_beside, url) = Beside::python(ORIGIN);
    let privet = Privet::with(&format!(
        "[[route]]\nupstream = \"{url}\"\n[[route]]\npath = \"/tag\"\nupstream = \"{url}\"\nmask = \"all\"\nmask_paths = [\"/phone\"]\n"
    ));
    let mut tls = privet.tls();
    tls.write_all(b"GET /form?f=json HTTP/1.1\r\nHost: a\r\n\r\n").expect("sent");
    let answer = read_one(&mut tls);
    assert!(answer.contains("010-2345-6789") && answer.contains("cache-control: public, max-age=60"), "{answer}");
    let part = privet.curl(&["-i", "-H", "Range: bytes=0-1", &privet.url("/partial")]);
    assert!(part.contains("HTTP/2 206"), "{part}");
    assert!(privet.curl(&[&privet.url("/tag")]).contains("010-****-6789"));
}

#[test]
fn the_demo_shows_nobody() {
    let privet = Privet::demo();
    let raw = ["@example.com", "010-"];
    for target in [
        "/customers",
        "/api/customers?size=100",
        "/api/customers?size=100&format=ndjson",
        "/export.csv",
        "/customers/3",
        "/search?q=kim",
    ] {
        let answer = privet.curl(&[&privet.url(target)]);
        assert!(answer.contains("***"), "{target} {answer}");
        for piece in raw {
            for (at, _) in answer.match_indices(piece) {
                let near: String = answer[..at + 4].chars().rev().take(7).collect::<String>().chars().rev().collect();
                let after = answer.get(at + 4..at + 8).unwrap_or("****");
                assert!(if piece == "010-" { after == "****" } else { near.contains("***") }, "{target} {near}{after}");
            }
        }
    }
    let token = privet.curl(&[
        "-H",
        "Content-Type: application/json",
        "-d",
        "{\"email\":\"alice@example.com\",\"password\":\"correct horse battery\"}",
        &privet.url("/api/login"),
    ]);
    assert!(!token.contains("**"), "{token}");
}
