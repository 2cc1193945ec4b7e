//! Bans over real sockets: who is refused, by what, for how long, and who is not, though somebody would like it.

use std::{
    fs,
    io::Write as _,
    net::{IpAddr, SocketAddr, TcpStream},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
};

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::{
    gate::{Browser, PASSWORD, add},
    support::{Origin, Privet, binary, over, read_all},
};

/// Limits that are soon reached.
pub const STRICT: &str = "[shield.ban]\ncontact = \"security <desk@example.com>\"\nlogin = \"3/10m\"\nscanner = \"3/10m\"\nnot_found = \"4/10m\"\nprotocol = \"3/10m\"\n";
/// One more than `scanner` lets pass.
pub const PROBES: [&str; 4] = ["/.env", "/.git/config", "/wp-login.php", "/phpMyAdmin/index.php"];

/// An application with a login and a page called `/.env.example`; it has nothing at `/none/..`, nor what scanners look for.
pub fn application() -> Origin {
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
pub fn socket(privet: &Privet, from: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let from: IpAddr = from.parse().expect("an address");
    socket.bind(&SocketAddr::new(from, 0).into()).expect("loopback has many addresses");
    socket.connect(&privet.https.into()).expect("connected");
    socket.into()
}

/// What comes back for these bytes; nothing where the connection is refused.
pub fn send(privet: &Privet, from: &str, before: &str, bytes: &str) -> String {
    let mut socket = socket(privet, from);
    // Whoever is turned away may be so before this is sent.
    let _ = socket.write_all(before.as_bytes());
    let mut tls = over(socket, &privet.dir.path().join("certs/ca.pem"), &[b"http/1.1"], "localhost");
    let _ = tls.write_all(bytes.as_bytes());
    read_all(&mut tls)
}

pub fn request(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n{headers}Connection: close\r\n\r\n")
}

pub fn get(privet: &Privet, from: &str, target: &str, headers: &str) -> String {
    send(privet, from, "", &request(target, headers))
}

pub fn serves(privet: &Privet, from: &str, headers: &str) -> bool {
    let answer = get(privet, from, "/", headers);
    let served = answer.starts_with("HTTP/1.1 200");
    assert!(served || answer.is_empty() || answer.starts_with("HTTP/1.1 403"), "{answer}");
    served
}

pub fn probe(privet: &Privet, from: &str, headers: &str) {
    for target in PROBES {
        let answer = get(privet, from, target, headers);
        assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    }
}

/// `privet ban ...` beside the configuration.
pub fn ban(privet: &Privet, args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    command.arg("ban").args(args).args(["--config", "privet.toml"]).current_dir(privet.dir.path());
    command.output().expect("runs")
}

pub fn done(out: &Output) -> String {
    let text = String::from_utf8_lossy(&[&out.stdout[..], &out.stderr[..]].concat()).into_owned();
    assert!(out.status.success(), "{text}");
    text
}

pub fn refused(out: &Output) -> String {
    assert_eq!(out.status.code(), Some(1));
    String::from_utf8_lossy(&out.stderr).into_owned()
}

pub fn listed(privet: &Privet) -> Value {
    serde_json::from_str(&done(&ban(privet, &["list", "--json"]))).expect("JSON")
}

pub fn row(privet: &Privet, address: &str) -> Option<Value> {
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

/// What rules refuse counts, what they only detect does not.
#[test]
fn refused_attacks_ban_whoever_sends_them() {
    const ATTACK: &str = "/?id=1%27%20UNION%20SELECT%20password%20FROM%20users--%20";
    for (mode, status, banned) in [("block", 403, 1), ("detect", 200, 0)] {
        let application = application();
        let privet = Privet::with(&format!(
            "{}[shield.ban]\nattack = \"3/10m\"\n",
            application.route(&format!("shield = {mode:?}"))
        ));
        for n in 0..4 {
            assert!(serves(&privet, "127.0.0.17", ""), "after {n} attacks");
            let answer = get(&privet, "127.0.0.17", ATTACK, "");
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
        }
        assert_eq!(serves(&privet, "127.0.0.17", ""), banned == 0, "{mode}");
        assert!(serves(&privet, "127.0.0.18", ""), "nobody else");
        assert_eq!(privet.metric("privet_bans_total{scenario=\"attack\",step=\"1\"}"), banned, "{mode}");
    }
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
    alice.sign_in("alice", PASSWORD);
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
    bob.sign_in("bob", PASSWORD);
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
    let all = listed(&privet);
    let names = all["bans"].as_array().expect("bans").iter().filter_map(|row| row["address"].as_str());
    let sessions: Vec<&str> = names.filter(|name| name.starts_with("session:")).collect();
    assert_eq!(sessions.len(), 2);
    for name in sessions {
        done(&ban(&privet, &["lift", name]));
    }
    assert!(alice.passes());
    // An operator's order is for everybody, signed in or not, and for Privet's own pages.
    done(&ban(&privet, &["add", "127.0.0.1", "--for", "1h", "--reason", "a test"]));
    assert_eq!(get(&privet, "127.0.0.1", "/.privet/sign-in", ""), "");
    assert!(!alice.passes());
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
