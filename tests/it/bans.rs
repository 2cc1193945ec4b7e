//! Bans over real sockets: who is refused, by what, for how long, and who is not, though somebody would like it.

use std::{
    fs,
    io::Write as _,
    net::{IpAddr, SocketAddr, TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use privet::{
    common::limit::Limit,
    seal::Ring,
    shield::ban::{
        Scenario,
        bucket::Terms,
        seal::Seal,
        shared::{Entry, News, Said, Shared},
        table::{Deed, Held, Ladder, Noted, Table},
        who::Key,
    },
};
use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::{
    gate::{Browser, add},
    redis::Redis,
    store::{connected, settings, until, worker},
    support::{Beside, Origin, Privet, binary, over, read_all},
};

/// Limits that are soon reached.
const STRICT: &str = "[shield.ban]\ncontact = \"security <desk@example.com>\"\nlogin = \"3/10m\"\nscanner = \"3/10m\"\nnot_found = \"4/10m\"\nprotocol = \"3/10m\"\n";
/// One more than `scanner` lets pass.
const PROBES: [&str; 4] = ["/.env", "/.git/config", "/wp-login.php", "/phpMyAdmin/index.php"];

/// An application with a login and a page called `/.env.example`; it has nothing at `/none/..`, nor what scanners look for.
fn application() -> Origin {
    Origin::start_with(|request, _| {
        let target = request.split(' ').nth(1).unwrap_or_default();
        let status = match target {
            "/login" => "401 Unauthorized",
            "/.env.example" => "200 OK",
            _ if target.starts_with("/none/") || PROBES.contains(&target) => "404 Not Found",
            _ => "200 OK",
        };
        Some(format!("HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok"))
    })
}

/// A connection from another address of this machine.
fn socket(privet: &Privet, from: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from: IpAddr = from.parse().expect("an address");
    socket.bind(&SocketAddr::new(from, 0).into()).expect("loopback has many addresses");
    socket.connect(&privet.https.into()).expect("connected");
    socket.into()
}

/// What comes back for these bytes; nothing where the connection is refused.
fn send(privet: &Privet, from: &str, before: &str, bytes: &str) -> String {
    let mut socket = socket(privet, from);
    // Whoever is turned away may be so before this is sent.
    let _ = socket.write_all(before.as_bytes());
    let mut tls = over(socket, &privet.dir.path().join("certs/ca.pem"), &[b"http/1.1"], "localhost");
    let _ = tls.write_all(bytes.as_bytes());
    read_all(&mut tls)
}

fn request(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n{headers}Connection: close\r\n\r\n")
}

fn get(privet: &Privet, from: &str, target: &str, headers: &str) -> String {
    send(privet, from, "", &request(target, headers))
}

fn serves(privet: &Privet, from: &str, headers: &str) -> bool {
    let answer = get(privet, from, "/", headers);
    let served = answer.starts_with("HTTP/1.1 200");
    assert!(served || answer.is_empty() || answer.starts_with("HTTP/1.1 403"), "{answer}");
    served
}

fn probe(privet: &Privet, from: &str, headers: &str) {
    for target in PROBES {
        let answer = get(privet, from, target, headers);
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
}

/// `privet ban ...` beside the configuration.
fn ban(privet: &Privet, args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.arg("ban").args(args).args(["--config", "privet.toml"]).current_dir(privet.dir.path());
    command.output().expect("runs")
}

fn done(out: &Output) -> String {
    let text = String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned();
    assert!(out.status.success(), "{text}");
    text
}

fn refused(out: &Output) -> String {
    assert_eq!(out.status.code(), Some(1));
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn listed(privet: &Privet) -> Value {
    serde_json::from_str(&done(&ban(privet, &["list", "--json"]))).expect("JSON")
}

fn row(privet: &Privet, address: &str) -> Option<Value> {
    listed(privet)["bans"].as_array().expect("bans").iter().find(|row| row["address"] == address).cloned()
}

#[test]
fn every_scenario_bans_its_doer_and_nobody_else() {
    let application = application();
    let login = "[[login]]\npath = \"/login\"\nusername = \"form:user\"\nfailure = { status = [401] }\n";
    let privet = Privet::with(&format!("{}{STRICT}{login}", application.route("")));
    probe(&privet, "127.0.0.11", "");
    assert!(!serves(&privet, "127.0.0.11", ""));
    for n in 0..5 {
        assert!(serves(&privet, "127.0.0.12", ""), "after {n}");
        get(&privet, "127.0.0.12", &format!("/none/{n}"), "");
    }
    assert!(!serves(&privet, "127.0.0.12", ""));
    for _ in 0..4 {
        let answer = send(&privet, "127.0.0.13", "", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    assert!(!serves(&privet, "127.0.0.13", ""));
    for n in 0..4 {
        let body = format!("user=user{n}");
        let head = format!(
            "POST /login HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        assert!(send(&privet, "127.0.0.14", "", &(head + &body)).starts_with("HTTP/1.1 401"));
    }
    privet.until("banned for its logins", || !serves(&privet, "127.0.0.14", ""));
    // The same page again and again, and what the application has, are no storm and no scan.
    for _ in 0..20 {
        get(&privet, "127.0.0.15", "/none/1", "");
        get(&privet, "127.0.0.15", "/.env.example", "");
    }
    assert!(serves(&privet, "127.0.0.15", "") && serves(&privet, "127.0.0.16", ""));
    for scenario in ["scanner", "not_found", "protocol", "login"] {
        assert_eq!(privet.metric(&format!("privet_bans_total{{scenario=\"{scenario}\",step=\"1\"}}")), 1, "{scenario}");
    }
    assert_eq!(privet.metric("privet_bans_total{scenario=\"attack\",step=\"1\"}"), 0);
    assert_eq!(privet.metric("privet_bans_active{source=\"address\"}"), 4);
    assert!(privet.metric("privet_banned_requests_total") >= 4);
    assert_eq!(privet.metric("privet_banned_connections_total"), 0, "never before the handshake");
    let told = privet.log();
    assert!(told.contains("an address is banned"), "{told}");
    privet.until("written", || privet.out().contains("\"ban\":\"scanner\"") || privet.out().contains("ban=scanner"));
    assert!(!privet.out().contains("127.0.0.11"));
}

#[test]
fn the_page_says_why_until_when_and_how_to_get_out() {
    let application = application();
    let privet = Privet::with(&format!("{}{STRICT}", application.route("")));
    probe(&privet, "127.0.0.11", "");
    let page = get(&privet, "127.0.0.11", "/?q=secret", "Accept: text/html\r\n");
    assert!(page.starts_with("HTTP/1.1 403"), "{page}");
    for word in [
        "weak spots",
        "It ends by itself, at 20",
        "Others may have the same address",
        "security &lt;desk@example.com&gt;",
        "10 minutes",
        "Request id",
    ] {
        assert!(page.contains(word), "{word}: {page}");
    }
    assert!(!page.contains("127.0.0.11") && !page.contains("secret") && !page.contains("/.privet/sign-in"), "{page}");
    let head = page.to_lowercase();
    assert!(head.contains("retry-after: ") && head.contains("cache-control: no-store"), "{page}");
    let object = get(&privet, "127.0.0.11", "/", "Accept: application/json\r\n");
    let object: Value = serde_json::from_str(object.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON");
    assert_eq!((&object["error"], object["details"].as_array().map(Vec::len)), (&"banned".into(), Some(4)));
    assert!(object["retry_after"].as_u64().is_some_and(|seconds| (1..=600).contains(&seconds)));
}

#[test]
fn bans_grow_by_steps() {
    let application = application();
    let more = "steps = [\"1s\", \"2s\", \"1h\"]\n";
    let privet = Privet::with(&format!("{}{STRICT}{more}", application.route("")));
    for step in 1..=3 {
        privet.until("let in", || serves(&privet, "127.0.0.11", ""));
        // Other paths than before: the same are no news.
        for n in 0..5 {
            get(&privet, "127.0.0.11", &format!("/none/{step}-{n}"), "");
        }
        privet.until("counted", || {
            privet.metric(&format!("privet_bans_total{{scenario=\"not_found\",step=\"{step}\"}}")) == 1
        });
    }
    let row = row(&privet, "127.0.0.11").expect("banned");
    assert_eq!((&row["step"], &row["source"]), (&3.into(), &"not_found".into()));
    done(&ban(&privet, &["lift", "127.0.0.11"]));
    assert!(serves(&privet, "127.0.0.11", ""));
    assert!(refused(&ban(&privet, &["lift", "127.0.0.11"])).contains("no such ban"));
}

#[test]
fn whoever_is_allowed_is_never_banned() {
    let application = application();
    let more = "allow = [\"127.0.0.32/28\"]\n";
    let privet = Privet::with(&format!("{}{STRICT}{more}", application.route("")));
    probe(&privet, "127.0.0.33", "");
    assert!(serves(&privet, "127.0.0.33", ""));
    assert!(refused(&ban(&privet, &["add", "127.0.0.33", "--reason", "a test"])).contains("allow"));
    // Nor by a network around it.
    done(&ban(&privet, &["add", "127.0.0.0/24", "--reason", "a test"]));
    assert!(serves(&privet, "127.0.0.33", "") && !serves(&privet, "127.0.0.60", ""));
}

/// Nobody is banned for what somebody else says that they are.
#[test]
fn a_trusted_proxy_is_never_banned_while_its_clients_are() {
    let application = application();
    for answer in ["page", "close"] {
        let more = format!("answer = \"{answer}\"\n");
        let privet =
            Privet::with_listen("trusted = [\"127.0.0.40\"]", &format!("{}{STRICT}{more}", application.route("")));
        let proxy = |client: &str| serves(&privet, "127.0.0.40", &format!("X-Forwarded-For: {client}\r\n"));
        probe(&privet, "127.0.0.40", "X-Forwarded-For: 203.0.113.7\r\n");
        assert!(!proxy("203.0.113.7") && proxy("203.0.113.8"));
        let page = get(&privet, "127.0.0.40", "/", "X-Forwarded-For: 203.0.113.7\r\n");
        assert!(page.starts_with("HTTP/1.1 403"), "a proxy would take Privet for broken: {page}");
        // What a client has put there itself stands to the left of what the proxy has seen.
        probe(&privet, "127.0.0.40", "X-Forwarded-For: 203.0.113.9, 203.0.113.10\r\n");
        assert!(proxy("203.0.113.9") && !proxy("203.0.113.10"));
        // A stranger's word counts for nothing.
        probe(
            &privet,
            "127.0.0.41",
            "X-Forwarded-For: 203.0.113.11\r\nForwarded: for=203.0.113.11\r\nX-Real-IP: 203.0.113.11\r\n",
        );
        assert!(proxy("203.0.113.11") && !serves(&privet, "127.0.0.41", ""));
        assert!(!serves(&privet, "127.0.0.41", "X-Forwarded-For: 203.0.113.12\r\n"), "nor does it help");
        // The proxy itself, whatever it sends.
        probe(&privet, "127.0.0.40", "");
        for _ in 0..5 {
            send(
                &privet,
                "127.0.0.40",
                "",
                "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nX-Forwarded-For: 203.0.113.13\r\n\r\n",
            );
        }
        assert!(serves(&privet, "127.0.0.40", "") && proxy("203.0.113.13"));
        // IPv6 by its /64.
        probe(&privet, "127.0.0.40", "X-Forwarded-For: 2001:db8:1:2::1\r\n");
        assert!(!proxy("2001:db8:1:2:ffff::9") && proxy("2001:db8:1:3::1"));
        assert!(row(&privet, "2001:db8:1:2::/64").is_some());
        // An order for a client holds behind the proxy as well, by the page; one for the proxy is not taken.
        done(&ban(&privet, &["add", "203.0.113.20", "--reason", "a test"]));
        assert!(!proxy("203.0.113.20") && proxy("203.0.113.21"));
        assert!(refused(&ban(&privet, &["add", "127.0.0.40", "--reason", "a test"])).contains("trusted"));
        assert_eq!(privet.metric("privet_banned_connections_total"), 0);
        let log = privet.log();
        assert!(log.contains("an address is banned") && log.contains("address=<IP_ADDRESS:"), "{log}");
        assert!(!log.contains("203.0.113.") && !log.contains("2001:db8:1:2"), "{log}");
    }
}

/// Whoever has a page could make its readers' browsers misbehave elsewhere.
#[test]
fn what_other_sites_cause_bans_only_what_other_sites_cause() {
    let application = application();
    let privet = Privet::with(&format!("{}{STRICT}", application.route("")));
    let foreign = "Sec-Fetch-Site: cross-site\r\n";
    probe(&privet, "127.0.0.11", foreign);
    assert!(!serves(&privet, "127.0.0.11", foreign));
    assert!(serves(&privet, "127.0.0.11", "") && serves(&privet, "127.0.0.11", "Sec-Fetch-Site: same-origin\r\n"));
    probe(&privet, "127.0.0.11", "");
    assert!(!serves(&privet, "127.0.0.11", ""), "who says so gains nothing by it");
    assert_eq!(privet.metric("privet_bans_active{source=\"address\"}"), 2);
}

#[test]
fn a_closed_stream_tells_nothing() {
    let application = application();
    let privet = Privet::with(&format!("{}{STRICT}answer = \"close\"\n", application.route("")));
    probe(&privet, "127.0.0.1", "");
    assert_eq!(get(&privet, "127.0.0.1", "/", ""), "");
    let http2 = privet.curl(&["--http2", "-w", "%{http_code}", &privet.url("/")]);
    assert!(http2.contains("000") && !http2.contains("403"), "{http2}");
    assert!(serves(&privet, "127.0.0.2", ""));
    privet.until("nothing is left open", || privet.metric("privet_requests_in_flight") == 0);
}

#[test]
fn sessions_answer_for_themselves() {
    let application = application();
    let privet = Privet::with(&format!("{}{STRICT}", application.route("gate = \"staff\"")));
    for name in ["alice", "bob"] {
        add(&privet, name, &[]);
    }
    let [alice, bob] = [Browser(&privet, "alice"), Browser(&privet, "bob")];
    alice.sign_in("alice", super::gate::PASSWORD);
    assert!(alice.passes());
    // Somebody at the same address.
    for target in PROBES {
        let answer = get(&privet, "127.0.0.1", target, "");
        assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    }
    assert!(!serves(&privet, "127.0.0.1", ""));
    assert!(alice.passes(), "whoever has signed in is not refused for others");
    let page = get(&privet, "127.0.0.1", "/", "Accept: text/html\r\n");
    assert!(page.contains("<a href=\"/.privet/sign-in\">"), "{page}");
    for forged in ["AAAA", &"A".repeat(43)] {
        assert!(
            !serves(&privet, "127.0.0.1", &format!("Cookie: __Host-privet-session={forged}\r\n")),
            "a session that is none"
        );
    }
    bob.sign_in("bob", super::gate::PASSWORD);
    assert!(bob.passes(), "signing in is the way out");
    done(&ban(&privet, &["lift", "127.0.0.1"]));
    // A session is banned for what is done with it, and no other; its address has one on its account.
    for n in 0..5 {
        alice.get(&format!("/none/{n}"));
    }
    let refused = alice.get("/x");
    assert!(refused.starts_with("HTTP/2 403") && refused.contains("Your session is blocked"), "{refused}");
    assert!(bob.passes() && get(&privet, "127.0.0.1", "/", "").starts_with("HTTP/1.1 401"));
    assert_eq!(privet.metric("privet_bans_active{source=\"session\"}"), 1);
    assert_eq!(privet.metric("privet_bans_active{source=\"address\"}"), 0);
    // A page of a neighbour's, whose requests carry the cookie, does it no harm.
    for n in 0..5 {
        bob.ask_from("same-site", &format!("/none/{n}"));
    }
    assert!(bob.passes() && bob.ask_from("same-site", "/x").starts_with("HTTP/2 403"));
    // Those who show a session that does not exist are their address.
    for n in 10..15 {
        let forged = format!("Cookie: __Host-privet-session={}\r\n", "B".repeat(43));
        get(&privet, "127.0.0.1", &format!("/.privet/none{n}"), &forged);
    }
    assert_eq!(privet.metric("privet_bans_active{source=\"session\"}"), 2);
    assert_eq!(privet.metric("privet_bans_active{source=\"address\"}"), 1);
    let name = listed(&privet)["bans"]
        .as_array()
        .expect("bans")
        .iter()
        .find_map(|row| row["address"].as_str().filter(|name| name.starts_with("session:")).map(str::to_owned))
        .expect("listed");
    done(&ban(&privet, &["lift", &name]));
    assert!(alice.passes());
    // An operator's order is for everybody, signed in or not, and for Privet's own pages.
    done(&ban(&privet, &["add", "127.0.0.1", "--for", "1h", "--reason", "a test"]));
    assert_eq!(get(&privet, "127.0.0.1", "/.privet/sign-in", ""), "");
    assert!(!alice.passes());
}

#[test]
fn orders_and_lists_hold_before_the_handshake() {
    let application = application();
    let list = "[[shield.ban.list]]\nname = \"drop\"\nfile = \"drop.txt\"\n";
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("drop.txt");
    fs::write(&file, "# a list\n127.0.0.51 ; one\nnobody\n").expect("written");
    let list = list.replace("drop.txt", &file.display().to_string());
    let privet = Privet::with(&format!("{}{STRICT}{list}", application.route("")));
    let hello = |from: &str| {
        let mut socket = socket(&privet, from);
        socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).expect("set");
        read_all(&mut socket)
    };
    assert_eq!((get(&privet, "127.0.0.51", "/", ""), hello("127.0.0.51")), (String::new(), String::new()));
    assert!(serves(&privet, "127.0.0.50", "") && serves(&privet, "127.0.0.52", ""));
    let added = done(&ban(&privet, &["add", "127.0.0.50", "--for", "1h", "--reason", "scraping"]));
    assert!(added.contains("127.0.0.50 is banned until 20"), "{added}");
    assert_eq!((get(&privet, "127.0.0.50", "/", ""), hello("127.0.0.50")), (String::new(), String::new()));
    probe(&privet, "127.0.0.53", "");
    assert!(
        get(&privet, "127.0.0.53", "/", "").starts_with("HTTP/1.1 403"),
        "a scenario's ban is told, after the head"
    );
    // The other door as well.
    let plain = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    plain.bind(&SocketAddr::from(([127, 0, 0, 50], 0)).into()).expect("bound");
    plain.connect(&privet.http.into()).expect("connected");
    let mut plain = TcpStream::from(plain);
    let _ = plain.write_all(request("/", "").as_bytes());
    assert_eq!(read_all(&mut plain), "");
    assert_eq!(privet.metric("privet_banned_connections_total"), 5);
    assert_eq!(privet.metric("privet_bans_active{source=\"list:drop\"}"), 1);
    assert!(refused(&ban(&privet, &["lift", "127.0.0.51"])).contains("on the list `drop`"));
    done(&ban(&privet, &["lift", "127.0.0.50"]));
    assert!(serves(&privet, "127.0.0.50", ""));
    for (args, why) in [
        (&["add", "nobody", "--reason", "x"][..], "neither an address nor a network"),
        (&["add", "0.0.0.0/0", "--reason", "x"], "too wide"),
        (&["add", "192.0.2.1", "--reason", " "], "say why"),
        (&["add", "192.0.2.1", "--for", "0s", "--reason", "x"], "from 1s"),
        (&["lift", "nobody"], "neither an address nor a network"),
    ] {
        assert!(refused(&ban(&privet, args)).contains(why), "{args:?}");
    }
    assert_eq!(ban(&privet, &["add", "192.0.2.1"]).status.code(), Some(2), "a reason is asked for");
    // A list that changes is read again; one that is gone goes on as it was.
    let beside = dir.path().join("new");
    fs::write(&beside, "127.0.0.52\n127.0.0.54/31\n").expect("written");
    fs::rename(&beside, &file).expect("renamed");
    privet.until("read again", || !serves(&privet, "127.0.0.52", ""));
    assert!(serves(&privet, "127.0.0.51", "") && !serves(&privet, "127.0.0.55", ""));
    fs::remove_file(&file).expect("removed");
    privet.until("missed", || privet.metrics().contains("privet_ban_list_up{list=\"drop\"} 0"));
    assert!(!serves(&privet, "127.0.0.52", ""));
}

#[test]
fn behind_a_proxy_header_it_is_the_client_that_is_turned_away() {
    let application = application();
    let listen = "trusted = [\"127.0.0.0/8\"]\nproxy_protocol = true";
    let privet = Privet::with_listen(listen, &format!("{}{STRICT}", application.route("")));
    let client = |address: &str| format!("PROXY TCP4 {address} 10.0.0.1 5555 443\r\n");
    done(&ban(&privet, &["add", "203.0.113.7", "--reason", "a test"]));
    assert_eq!(send(&privet, "127.0.0.1", &client("203.0.113.7"), &request("/", "")), "");
    assert_eq!(privet.metric("privet_banned_connections_total"), 1);
    assert!(send(&privet, "127.0.0.1", &client("203.0.113.8"), &request("/", "")).starts_with("HTTP/1.1 200"));
    for target in PROBES {
        send(&privet, "127.0.0.1", &client("203.0.113.9"), &request(target, ""));
    }
    assert!(send(&privet, "127.0.0.1", &client("203.0.113.9"), &request("/", "")).starts_with("HTTP/1.1 403"));
    // What a client behind it says of others is not believed.
    assert!(
        send(&privet, "127.0.0.1", &client("203.0.113.8"), &request("/", "X-Forwarded-For: 203.0.113.7\r\n"))
            .starts_with("HTTP/1.1 200")
    );
    assert_eq!(privet.metric("privet_banned_connections_total"), 1);
}

#[test]
fn orders_outlive_a_restart_and_are_in_the_journal() {
    let application = application();
    let privet = Privet::with(&format!("{}{STRICT}", application.route("")));
    for address in ["127.0.0.50", "127.0.0.51", "198.51.100.0/24"] {
        done(&ban(&privet, &["add", address, "--reason", "a nuisance"]));
    }
    done(&ban(&privet, &["lift", "127.0.0.51"]));
    probe(&privet, "127.0.0.52", "");
    let path = privet.dir.path().join("data/bans.sealed");
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    let kept = fs::read(&path).expect("a file");
    assert!(
        !String::from_utf8_lossy(&kept).contains("127.0.0") && !String::from_utf8_lossy(&kept).contains("nuisance")
    );
    let privet = privet.restarted();
    assert!(!serves(&privet, "127.0.0.50", "") && serves(&privet, "127.0.0.51", ""));
    assert!(serves(&privet, "127.0.0.52", ""), "a scenario's ban is the process's");
    let row = row(&privet, "198.51.100.0/24").expect("listed");
    assert_eq!(
        (&row["source"], &row["reason"], &row["until"]),
        (&"operator".into(), &"a nuisance".into(), &Value::Null)
    );
    let search = |kind: &str| {
        let mut command = Command::new(binary());
        command.args(["audit", "search", "--kind", kind, "--json", "--config", "privet.toml"]);
        String::from_utf8_lossy(&command.current_dir(privet.dir.path()).output().expect("runs").stdout).into_owned()
    };
    let (ordered, lifted) = (search("ban.ordered"), search("ban.lifted"));
    assert!(
        ordered.contains("a nuisance") && ordered.contains("<IP_ADDRESS:") && !ordered.contains("127.0.0.5"),
        "{ordered}"
    );
    assert!(lifted.contains("<IP_ADDRESS:"), "{lifted}");
    // Bans that are off are off.
    privet.rewrite(|text| text.split("[shield.ban]").next().expect("a text").to_owned());
    privet.until("off", || serves(&privet, "127.0.0.50", ""));
    assert!(refused(&ban(&privet, &["list"])).contains("[shield.ban]"));
}

/// Two gateways with the same keys and store.
fn replicas(application: &Origin, redis: &Redis, keys: &Path) -> [Privet; 2] {
    Ring::load_or_make(&keys.join("seal.key")).expect("keys");
    [(); 2].map(|()| {
        let store = format!("[store]\nredis = \"{}\"\nreplicas = 2\ntimeout = \"2s\"\n", redis.url());
        let seal = format!("[seal]\nkey_file = \"{}\"\n", keys.join("seal.key").display());
        Privet::with(&format!("{}{STRICT}{store}{seal}", application.route("")))
    })
}

#[test]
fn replicas_count_and_ban_as_one_and_go_on_alone() {
    let (application, mut redis, keys) = (application(), Redis::start(), tempfile::tempdir().expect("a folder"));
    let [one, other] = replicas(&application, &redis, keys.path());
    // Who hears the other has agreed with it.
    done(&ban(&one, &["add", "127.0.0.61", "--reason", "a test"]));
    done(&ban(&other, &["add", "127.0.0.62", "--reason", "a test"]));
    other.until("agreed", || !serves(&other, "127.0.0.61", ""));
    one.until("agreed", || !serves(&one, "127.0.0.62", ""));
    // Each has two of the four.
    for (privet, targets) in [(&one, &PROBES[..2]), (&other, &PROBES[2..])] {
        targets.iter().for_each(|target| drop(get(privet, "127.0.0.11", target, "")));
    }
    one.until("banned by both", || !serves(&one, "127.0.0.11", "") && !serves(&other, "127.0.0.11", ""));
    let begun = |privet: &Privet| privet.metric("privet_bans_total{scenario=\"scanner\",step=\"1\"}");
    assert_eq!(begun(&one) + begun(&other), 1);
    assert_eq!(
        row(&one, "127.0.0.11").map(|row| row["until"].clone()),
        row(&other, "127.0.0.11").map(|row| row["until"].clone())
    );
    // Operators' words go everywhere.
    done(&ban(&one, &["add", "127.0.0.50", "--reason", "a test"]));
    other.until("told", || !serves(&other, "127.0.0.50", ""));
    done(&ban(&other, &["lift", "127.0.0.50"]));
    done(&ban(&other, &["lift", "127.0.0.11"]));
    one.until("told", || serves(&one, "127.0.0.50", "") && serves(&one, "127.0.0.11", ""));
    done(&ban(&other, &["add", "127.0.0.50", "--reason", "again"]));
    one.until("told again", || !serves(&one, "127.0.0.50", ""));
    let all = redis.ask("KEYS *") + &redis.ask("XRANGE privet:{ban}:log - +");
    assert!(all.contains("privet:{ban}:") && !all.contains("127.0.0."), "{all}");
    // Away: each with its share, one of three here, and nobody waits.
    redis.kill();
    for privet in [&one, &other] {
        privet.until("known", || privet.metric("privet_store_up") == 0);
    }
    probe_two(&one, "127.0.0.12");
    assert!(!serves(&one, "127.0.0.12", "") && serves(&other, "127.0.0.12", ""));
    assert!(!serves(&one, "127.0.0.50", ""), "what was ordered holds");
    redis.restart();
    for privet in [&one, &other] {
        privet.until("back", || privet.metric("privet_store_up") == 1);
    }
    // An order that is given to one reaches the other again.
    done(&ban(&one, &["add", "127.0.0.60", "--reason", "a test"]));
    other.until("told", || !serves(&other, "127.0.0.60", ""));
}

fn probe_two(privet: &Privet, from: &str) {
    for target in &PROBES[..2] {
        get(privet, from, target, "");
    }
}

/// The script and the table do the same sums.
#[test]
fn the_store_decides_as_memory_does() {
    let redis = Redis::start();
    let store = connected(&settings(&redis.url()));
    let seal = Arc::new(Seal::of(&Ring::ephemeral().expect("random bytes")).expect("keys"));
    let shared = Arc::new(Shared::new(Arc::clone(&store), seal, Arc::new(AtomicBool::new(true)), 3));
    let (table, worker) = (Table::new(10_000), worker());
    let ladder = Ladder { steps: vec![5_000, 20_000, 60_000], forget: 100_000 };
    let mut random = fastrand::Rng::with_seed(5);
    let (mut now, mut bans) = (1_780_000_000_123_u64, Vec::new());
    for _ in 0..3_000 {
        now += random.u64(0..300);
        let key = Key::address([192, 0, 2, random.u8(0..6)].into(), random.bool());
        let scenario = Scenario::ALL[random.usize(0..5)];
        let terms = Terms::of(Limit::new(3 + u32::from(scenario as u8), 60));
        let held = table.held(key, now);
        let noted = table.note(key, Deed { scenario, what: None }, terms, &ladder, now, true);
        let said = worker.block_on(shared.note(key, scenario, terms, &ladder, Some(now))).expect("up");
        let expected = match (held, noted) {
            // The store does not tell for what.
            (Some(held), _) => Said::Known(Held { scenario, ..held }),
            (None, Noted::Banned(held)) => Said::Banned(held),
            (None, Noted::Counted) => Said::Counted,
        };
        assert_eq!(said, expected, "at {now}");
        if let Noted::Banned(held) = noted {
            bans.push(News::Ban(key, held));
        }
    }
    assert!(bans.len() > 50, "{}", bans.len());
    let mut after = Entry::default();
    assert_eq!(worker.block_on(shared.read(&mut after)).expect("up"), bans, "the log has all of them, in order");
    assert!(worker.block_on(shared.read(&mut after)).expect("up").is_empty());
    // Whoever has other keys reads nothing of it.
    let other = Arc::new(Seal::of(&Ring::ephemeral().expect("random bytes")).expect("keys"));
    let stranger = Shared::new(store, other, Arc::new(AtomicBool::new(true)), 3);
    assert!(worker.block_on(stranger.read(&mut Entry::default())).expect("up").is_empty());
    until("answered", || shared.decides());
}

/// An agent as version 1.4 answers, which goes away and comes back.
#[test]
fn decisions_of_an_agent_are_followed() {
    let application = application();
    let agent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = agent.local_addr().expect("bound").port();
    let away = Arc::new(AtomicBool::new(false));
    let off = Arc::clone(&away);
    thread::spawn(move || {
        let mut deltas = 0;
        for mut socket in agent.incoming().flatten() {
            let mut head = [0; 4096];
            let read = std::io::Read::read(&mut socket, &mut head).unwrap_or(0);
            let head = String::from_utf8_lossy(&head[..read]).to_lowercase();
            let decision = |value: &str| {
                format!(
                    r#"{{"duration":"3h59m49s","id":1,"origin":"cscli","scenario":"x","scope":"Ip","type":"ban","value":"{value}"}}"#
                )
            };
            let (status, body) = if off.load(Relaxed) {
                ("500 Internal Server Error", String::new())
            } else if !head.contains("x-api-key: the-key\r\n") {
                ("403 Forbidden", r#"{"message":"access forbidden"}"#.to_owned())
            } else if head.contains("get /v1/decisions/stream?startup=true ") {
                deltas = 0;
                (
                    "200 OK",
                    format!(r#"{{"deleted":null,"new":[{},{}]}}"#, decision("127.0.0.51"), decision("127.0.0.52")),
                )
            } else {
                deltas += 1;
                match deltas {
                    1 => (
                        "200 OK",
                        format!(r#"{{"deleted":[{}],"new":[{}]}}"#, decision("127.0.0.51"), decision("127.0.0.53")),
                    ),
                    _ => ("200 OK", r#"{"deleted":null,"new":null}"#.to_owned()),
                }
            };
            let _ = write!(
                socket,
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                body.len()
            );
        }
    });
    let list = format!(
        "[[shield.ban.list]]\nname = \"agent\"\ncrowdsec = \"http://127.0.0.1:{port}\"\napi_key = \"the-key\"\nevery = \"1s\"\n"
    );
    let privet = Privet::with(&format!("{}{STRICT}{list}", application.route("")));
    privet.until("followed", || !serves(&privet, "127.0.0.53", ""));
    assert!(serves(&privet, "127.0.0.51", "") && !serves(&privet, "127.0.0.52", ""));
    away.store(true, Relaxed);
    privet.until("away", || privet.metrics().contains("privet_ban_list_up{list=\"agent\"} 0"));
    assert!(!serves(&privet, "127.0.0.52", ""), "what was decided holds");
    away.store(false, Relaxed);
    privet
        .until("back, from the beginning", || serves(&privet, "127.0.0.53", "") || !serves(&privet, "127.0.0.51", ""));
    privet.until("followed again", || privet.metrics().contains("privet_ban_list_up{list=\"agent\"} 1"));
    assert!(!privet.log().contains("the-key"));
    let wrong = privet.dir.path().join("privet.toml");
    privet.rewrite(|text| text.replace("the-key", "another"));
    privet.until("refused", || privet.log().contains("refuses the key"));
    assert!(wrong.exists());
}

/// The folder with Debian's CrowdSec: installed, or unpacked by `tests/run` without being started.
fn crowdsec() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/crowdsec");
    [own, PathBuf::from("/")]
        .into_iter()
        .find(|root| root.join("usr/bin/cscli").exists() && root.join("usr/bin/crowdsec").exists())
}

#[test]
fn a_real_crowdsec_agent_is_followed() {
    let Some(root) = crowdsec() else {
        return eprintln!("skipped: there is no crowdsec; tests/run unpacks it");
    };
    let dir = tempfile::tempdir().expect("a folder");
    let place = |name: &str| dir.path().join(name).display().to_string();
    let port = super::support::free_port();
    for name in ["hub", "data", "notifications", "plugins"] {
        fs::create_dir(dir.path().join(name)).expect("made");
    }
    let config = format!(
        "common:\n  daemonize: false\n  log_media: stdout\n  log_level: info\nconfig_paths:\n  config_dir: {0}\n  data_dir: {1}\n  simulation_path: {0}/simulation.yaml\n  \
         hub_dir: {2}\n  index_path: {2}/.index.json\n  notification_dir: {3}\n  plugin_dir: {4}\ncscli:\n  output: human\ndb_config:\n  type: sqlite\n  db_path: {1}/crowdsec.db\n\
         api:\n  client:\n    credentials_path: {0}/local.yaml\n  server:\n    log_level: info\n    listen_uri: 127.0.0.1:{port}\n    profiles_path: {0}/profiles.yaml\n    trusted_ips: []\n\
         prometheus:\n  enabled: false\n",
        dir.path().display(),
        place("data"),
        place("hub"),
        place("notifications"),
        place("plugins"),
    );
    fs::write(dir.path().join("config.yaml"), config).expect("written");
    fs::write(dir.path().join("simulation.yaml"), "simulation: false\n").expect("written");
    fs::write(dir.path().join("profiles.yaml"), "name: all\nfilters:\n - Alert.Remediation == true\ndecisions:\n - type: ban\n   duration: 4h\non_success: break\n").expect("written");
    fs::write(dir.path().join("local.yaml"), "").expect("written");
    fs::write(dir.path().join("hub/.index.json"), "{}").expect("written");
    let cscli = |args: &[&str]| {
        let out = Command::new(root.join("usr/bin/cscli"))
            .args(["-c", &place("config.yaml")])
            .args(args)
            .output()
            .expect("runs");
        let text = String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned();
        assert!(out.status.success(), "cscli {args:?}: {text}");
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    };
    cscli(&[
        "machines",
        "add",
        "here",
        "--password",
        "a-password",
        "--force",
        "-u",
        &format!("http://127.0.0.1:{port}"),
        "-f",
        &place("local.yaml"),
    ]);
    let key = cscli(&["bouncers", "add", "privet", "-o", "raw"]);
    let log = fs::File::create(dir.path().join("log")).expect("a log");
    let agent = Command::new(root.join("usr/bin/crowdsec"))
        .args(["-c", &place("config.yaml"), "-no-cs", "-no-capi"])
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .stdin(Stdio::null())
        .spawn()
        .expect("starts");
    let _agent = Beside(agent);
    let read = || fs::read_to_string(dir.path().join("log")).unwrap_or_default();
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            break;
        }
        thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok(), "never up:\n{}", read());
    cscli(&["decisions", "add", "--ip", "127.0.0.51", "--duration", "1h"]);
    cscli(&["decisions", "add", "--range", "127.0.0.64/28", "--duration", "1h"]);
    let application = application();
    let list = format!(
        "[[shield.ban.list]]\nname = \"agent\"\ncrowdsec = \"http://127.0.0.1:{port}\"\napi_key_file = \"key\"\nevery = \"1s\"\n"
    );
    fs::write(dir.path().join("key"), format!("{key}\n")).expect("written");
    let list = list.replace("\"key\"", &format!("\"{}\"", place("key")));
    let privet = Privet::with(&format!("{}{STRICT}{list}", application.route("")));
    privet.until("followed", || !serves(&privet, "127.0.0.51", "") && !serves(&privet, "127.0.0.70", ""));
    assert!(serves(&privet, "127.0.0.52", ""));
    assert_eq!(privet.metric("privet_bans_active{source=\"list:agent\"}"), 2);
    cscli(&["decisions", "add", "--ip", "127.0.0.52", "--duration", "1h"]);
    privet.until("something new", || !serves(&privet, "127.0.0.52", ""));
    cscli(&["decisions", "delete", "--ip", "127.0.0.51"]);
    privet.until("something ended", || serves(&privet, "127.0.0.51", ""));
    assert!(!serves(&privet, "127.0.0.52", "") && !privet.log().contains(&key));
}
