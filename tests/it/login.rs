//! The guard of an application's own login, attacked: what counts is how many attempts reached the application.

use std::{io::Write as _, thread, time::Duration};

use crate::{
    redis::Redis,
    support::{Origin, Privet, read_all, read_one},
};

/// Fails with 200 and a message, as old applications do; wins with the password `right`.
pub fn application() -> Origin {
    Origin::start_with(|request, _| {
        let answer = |status: &str, more: &str, text: &str| {
            Some(format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\n\r\n{text}", text.len()))
        };
        if !request.starts_with("POST /login") {
            return answer("200 OK", "", "ok");
        }
        // Long enough for others to come meanwhile.
        thread::sleep(Duration::from_millis(20));
        if request.ends_with("password=right") {
            answer("302 Found", "Location: /account\r\nSet-Cookie: sid=1\r\n", "")
        } else {
            answer("200 OK", "Content-Type: text/html\r\n", "<p>wrong password</p>")
        }
    })
}

pub const LIMITS: &str =
    "limits = { account_address = \"5/1h\", account = \"20/1h\", address = \"30/1h\", route = \"600/1h\" }";

/// In front of `application`; whoever is at 127.0.0.1 may say whose request it forwards.
fn guarded(application: &Origin, limits: &str) -> Privet {
    Privet::with_listen("trusted = [\"127.0.0.1/32\"]", &rule(application, limits))
}

fn rule(application: &Origin, limits: &str) -> String {
    format!(
        "{}[[login]]\npath = \"/login\"\npreset = \"form-redirect\"\nusername = \"form:user\"\nfailure = {{ body = \"wrong password\" }}\n{limits}\n",
        application.route("")
    )
}

pub fn attempt(user: &str, password: &str, address: &str, more: &str) -> String {
    let body = format!("user={user}&password={password}");
    format!(
        "POST /login HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: {address}\r\n{more}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One attempt after the other on one connection; the statuses.
pub fn walk(privet: &Privet, attempts: impl IntoIterator<Item = String>) -> Vec<u16> {
    let mut tls = privet.tls();
    attempts
        .into_iter()
        .map(|request| {
            tls.write_all(request.as_bytes()).expect("sent");
            status(&read_one(&mut tls))
        })
        .collect()
}

pub fn status(answer: &str) -> u16 {
    answer.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer}"))
}

pub fn reached(application: &Origin) -> usize {
    application.seen().matches("POST /login").count()
}

#[test]
fn one_address_over_many_accounts() {
    let (application, n) = (application(), 200);
    let privet = guarded(&application, LIMITS);
    let statuses = walk(&privet, (0..n).map(|i| attempt(&format!("user{i}"), "x", "203.0.113.9", "")));
    assert_eq!(reached(&application), 30);
    assert_eq!(statuses.iter().filter(|s| **s == 429).count(), n - 30);
    assert_eq!(walk(&privet, [attempt("other", "x", "203.0.113.10", "")]), [200], "others go on");
}

#[test]
fn one_account_over_many_addresses() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    walk(&privet, (0..200).map(|i| attempt("alice", "x", &format!("198.51.{}.{}", i / 250, i % 250), "")));
    assert_eq!(reached(&application), 20);
}

#[test]
fn a_parallel_burst_gains_nothing() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| privet.raw(attempt("alice", "x", "203.0.113.9", "Connection: close\r\n").as_bytes()));
        }
    });
    assert_eq!(reached(&application), 5);
}

#[test]
fn addresses_of_one_network_are_one() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    walk(&privet, (0..100).map(|i| attempt(&format!("user{i}"), "x", &format!("2001:db8:1:2::{i:x}"), "")));
    assert_eq!(reached(&application), 30);
    walk(&privet, (0..100).map(|i| attempt("alice", "x", &format!("2001:db8:2:{i:x}::1"), "")));
    assert_eq!(reached(&application), 30 + 20, "across networks the account's own limit holds");
}

#[test]
fn the_route_as_a_whole_has_a_limit() {
    let application = application();
    let privet = guarded(&application, "limits = { route = \"50/1h\" }");
    walk(&privet, (0..120).map(|i| attempt(&format!("user{i}"), "x", &format!("198.51.100.{i}"), "")));
    assert_eq!(reached(&application), 50);
}

#[test]
fn forwarding_headers_of_strangers_give_no_new_address() {
    let application = application();
    let privet = Privet::with(&rule(&application, LIMITS));
    walk(
        &privet,
        (0..100).map(|i| {
            attempt(
                &format!("user{i}"),
                "x",
                &format!("198.51.100.{i}"),
                "X-Real-IP: 9.9.9.9\r\nForwarded: for=8.8.8.8\r\n",
            )
        }),
    );
    assert_eq!(reached(&application), 30);
}

#[test]
fn a_victim_on_a_known_device_signs_in_under_attack() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    let mut tls = privet.tls();
    tls.write_all(attempt("alice", "right", "192.0.2.1", "").as_bytes()).expect("sent");
    let answer = read_one(&mut tls);
    assert_eq!(status(&answer), 302, "{answer}");
    let cookie = answer
        .lines()
        .find(|l| l.to_lowercase().starts_with("set-cookie: __host-privet-device="))
        .expect("a device cookie");
    assert!(cookie.contains("Secure") && cookie.contains("HttpOnly"), "{cookie}");
    let cookie = cookie[12..].split(';').next().expect("a pair").to_owned();
    walk(&privet, (0..100).map(|i| attempt("alice", "x", &format!("198.51.100.{i}"), "")));
    assert_eq!(reached(&application), 1 + 20);
    // The account is at its limit: a stranger waits, though the password is right.
    assert_eq!(walk(&privet, [attempt("alice", "right", "192.0.2.77", "")]), [429]);
    let device = format!("Cookie: {cookie}\r\n");
    assert_eq!(walk(&privet, [attempt("alice", "right", "192.0.2.77", &device)]), [302], "from a new address");
    assert_eq!(walk(&privet, [attempt("alice", "right", "192.0.2.1", "")]), [302], "from a known address");
    let seen = application.seen().to_lowercase();
    for standing in ["stranger", "familiar_device", "familiar_address"] {
        assert!(seen.contains(&format!("x-privet-login: {standing}\r\n")), "{standing}");
    }
    assert!(!seen.contains("__host-privet"), "Privet's cookies are its own");
    // A device of somebody else says nothing.
    assert_eq!(
        walk(&privet, (0..40).map(|i| attempt("bob", "x", &format!("198.51.101.{i}"), "")))
            .iter()
            .filter(|s| **s == 200)
            .count(),
        20
    );
    assert_eq!(walk(&privet, [attempt("bob", "right", "192.0.2.78", &device)]), [429]);
}

#[test]
fn a_success_frees_the_account_at_the_address_and_not_the_address() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    let four = || (0..4).map(|_| attempt("alice", "x", "203.0.113.9", ""));
    assert_eq!(walk(&privet, four()), [200; 4]);
    assert_eq!(walk(&privet, [attempt("alice", "right", "203.0.113.9", "")]), [302]);
    assert_eq!(walk(&privet, four()), [200; 4], "the count began anew");
    walk(&privet, (0..100).map(|i| attempt(&format!("user{i}"), "x", "203.0.113.9", "")));
    // The four after the success were a familiar client's own; the address still has the four before.
    assert_eq!(reached(&application), 30 + 1 + 4);
}

#[test]
fn every_request_is_judged_by_its_canonical_path() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    assert_eq!(
        walk(&privet, (0..9).map(|_| attempt("alice", "x", "203.0.113.9", ""))),
        [200, 200, 200, 200, 200, 429, 429, 429, 429]
    );
    for path in [
        "/%6cogin",
        "//login",
        "/login;x=1",
        "/./login",
        "/a/../login",
        "/login/",
        "/LOGIN",
        "/login.json",
        "/login.",
        "/index.php/login",
    ] {
        let request = attempt("alice", "x", "203.0.113.9", "Connection: close\r\n").replace("/login", path);
        let mut tls = privet.tls();
        tls.write_all(request.as_bytes()).expect("sent");
        let answer = read_all(&mut tls);
        assert!(["429", "400"].contains(&&answer[9..12]), "{path}: {answer}");
    }
    assert_eq!(reached(&application), 5);
}

#[test]
fn a_login_that_can_not_be_read_is_refused() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    let post = |headers: &str, body: &str| {
        let length = body.len();
        privet.raw(format!("POST /login HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}").as_bytes())
    };
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let long = format!("a={}&user=alice", "x".repeat(100_000));
    for (headers, body) in [
        (form, "user=alice&user=bob&password=x"),
        (form, "password=x"),
        (form, ""),
        ("Content-Type: application/json\r\n", "{\"user\":\"alice\"}"),
        ("", "user=alice&password=x"),
        ("Content-Type: application/x-www-form-urlencoded\r\nContent-Encoding: gzip\r\n", "user=alice&password=x"),
        (form, long.as_str()),
    ] {
        let answer = post(headers, body);
        assert!(answer.starts_with("HTTP/1.1 4"), "{headers}{}: {answer}", &body[..body.len().min(40)]);
        assert!(!answer.contains("alice"), "{answer}");
    }
    assert_eq!(reached(&application), 0);
}

#[test]
fn a_refusal_says_how_long_to_wait_and_does_not_extend_it() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    walk(&privet, (0..5).map(|_| attempt("alice", "x", "203.0.113.9", "")));
    let again = |accept: &str| {
        let more = format!("Accept: {accept}\r\nConnection: close\r\n");
        privet.raw(attempt("alice", "x", "203.0.113.9", &more).as_bytes())
    };
    let wait = |answer: &str| -> u64 {
        let line = answer.lines().find_map(|l| l.strip_prefix("retry-after: ")).expect("Retry-After");
        line.trim().parse().expect("seconds")
    };
    let first = again("application/json").to_lowercase();
    assert!(first.starts_with("http/1.1 429") && first.contains("\"retry_after\":"), "{first}");
    assert!(first.contains("ratelimit: ") && first.contains("ratelimit-policy: "), "{first}");
    let page = again("text/html").to_lowercase();
    assert!(page.contains("please try again in") && !page.contains("alice"), "{page}");
    for _ in 0..20 {
        again("*/*");
    }
    assert!(wait(&again("*/*").to_lowercase()) <= wait(&first));
    // Nobody can tell an account that exists from one that does not: the same words for both.
    walk(&privet, (0..5).map(|_| attempt("nobody", "x", "203.0.113.9", "")));
    let other = privet
        .raw(attempt("nobody", "x", "203.0.113.9", "Accept: application/json\r\nConnection: close\r\n").as_bytes());
    let shape =
        |answer: &str| answer.lines().map(|l| l.split(':').next().unwrap_or("").to_lowercase()).collect::<Vec<_>>();
    assert_eq!(shape(&first)[..5], shape(&other)[..5]);
    assert!(!privet.log().contains("alice") && !privet.out().contains("alice"), "nobody's name in a log");
}

#[test]
fn requests_of_one_http2_connection_are_judged_each() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    std::fs::write(privet.dir.path().join("body"), "user=alice&password=x").expect("written");
    let out = std::process::Command::new("h2load")
        .args(["-n200", "-c1", "-m100", "-d", "body", "-H", "content-type: application/x-www-form-urlencoded"])
        .arg(privet.url("/login"))
        .current_dir(privet.dir.path())
        .output()
        .expect("h2load runs");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(text.contains("5 2xx") && text.contains("195 4xx"), "{text}");
    assert_eq!(reached(&application), 5);
}

#[test]
fn who_does_not_wait_for_the_answer_pays_all_the_same() {
    let application = application();
    let privet = guarded(&application, LIMITS);
    for _ in 0..60 {
        let before = reached(&application);
        let mut tls = privet.tls();
        tls.write_all(attempt("alice", "x", "203.0.113.9", "").as_bytes()).expect("sent");
        // Gone as soon as the application has it, or Privet has refused it.
        let refused = || privet.metric("privet_login_attempts_total{verdict=\"refused\",limit=\"account_address\"}");
        let refusals = refused();
        privet.until("seen or refused", || reached(&application) > before || refused() > refusals || before >= 5);
    }
    assert_eq!(reached(&application), 5);
}

#[test]
fn the_demo_guards_both_of_its_logins() {
    let privet = Privet::demo();
    let form = |password: &str| {
        let body = format!("email=alice%40example.com&password={password}");
        privet.curl(&["-o", "/dev/null", "-w", "%{http_code}", "--data", &body, &privet.url("/login")])
    };
    assert_eq!(form("correct+horse+battery"), "302");
    assert_eq!((0..7).map(|_| form("x")).collect::<Vec<_>>(), ["200", "200", "200", "200", "200", "429", "429"]);
    let json = |password: &str| {
        let body = format!("{{\"email\":\"bob@example.com\",\"password\":\"{password}\"}}");
        let url = privet.url("/api/login");
        privet.curl(&[
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
            "Content-Type: application/json",
            "--data",
            &body,
            &url,
        ])
    };
    assert_eq!((0..7).map(|_| json("x")).collect::<Vec<_>>(), ["401", "401", "401", "401", "401", "429", "429"]);
    assert_eq!(privet.metric("privet_login_attempts_total{verdict=\"failure\",limit=\"\"}"), 10);
    let out = logins(&privet);
    assert!(out.contains("\"pseudonym\":\"") && !out.contains("example.com"), "{out}");
}

fn logins(privet: &Privet) -> String {
    let out = std::process::Command::new(crate::support::binary())
        .args(["logins", "--json"])
        .current_dir(privet.dir.path())
        .output()
        .expect("privet runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn what_an_unknown_application_answers_is_learned() {
    let application = application();
    let privet =
        Privet::with(&format!("{}[[login]]\npath = \"/login\"\npreset = \"auto\"\n{LIMITS}\n", application.route("")));
    let statuses = (0..7).map(|_| {
        let body = "username=alice&password=x";
        privet.curl(&["-o", "/dev/null", "-w", "%{http_code}", "--data", body, &privet.url("/login")])
    });
    assert_eq!(statuses.collect::<Vec<_>>(), ["200", "200", "200", "200", "200", "429", "429"]);
    assert!(logins(&privet).contains("\"belief\":{"), "{}", logins(&privet));
}

#[test]
fn basic_credentials_that_are_right_are_not_held_back() {
    let application = Origin::start_with(|request, _| {
        // alice:right
        let status = if request.contains("YWxpY2U6cmlnaHQ=") { "200 OK" } else { "401 Unauthorized" };
        thread::sleep(Duration::from_millis(20));
        Some(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"))
    });
    let privet =
        Privet::with(&format!("{}[[login]]\npath = \"/\"\npreset = \"basic\"\n{LIMITS}\n", application.route("")));
    let get = |token: &str| status(&privet.get("/x", &format!("Authorization: Basic {token}\r\n")));
    assert_eq!(get("YWxpY2U6cmlnaHQ="), 200);
    thread::scope(|scope| {
        let all: Vec<_> = (0..20).map(|_| scope.spawn(|| get("YWxpY2U6cmlnaHQ="))).collect();
        assert!(
            all.into_iter().all(|one| one.join().is_ok_and(|status| status == 200)),
            "pictures of a page come at once"
        );
    });
    let wrong: Vec<u16> = (0..7).map(|_| get("YWxpY2U6d3Jvbmc=")).collect();
    assert_eq!(wrong, [401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(get("YWxpY2U6cmlnaHQ="), 200, "who has shown the right ones goes on");
}

/// Replicas on one Redis; attempts come to them in turn.
fn replicas(application: &Origin, redis: &Redis, keys: &str) -> [Privet; 3] {
    let shared = format!("{keys}\n[store]\nredis = \"{}\"\nreplicas = 3\ntimeout = \"5s\"\n", redis.url());
    let all = [0; 3].map(|_| guarded(application, &format!("{LIMITS}\n{shared}")));
    for one in &all {
        one.until("up", || one.metric("privet_store_up") == 1);
    }
    all
}

/// Waits until all replicas ask the store.
fn together(all: &[Privet]) {
    for one in all {
        let asked = || one.metric("privet_store_requests_total{outcome=\"answered\"}");
        let mut n = 0;
        one.until("asks the store", || {
            let before = asked();
            n += 1;
            walk(one, [attempt(&format!("probe{n}"), "right", "192.0.2.200", "")]);
            asked() > before
        });
    }
}

fn in_turn(replicas: &[Privet], attempts: impl IntoIterator<Item = String>) -> Vec<u16> {
    let mut all: Vec<_> = replicas.iter().map(Privet::tls).collect();
    attempts
        .into_iter()
        .enumerate()
        .map(|(n, request)| {
            let tls = &mut all[n % replicas.len()];
            tls.write_all(request.as_bytes()).expect("sent");
            status(&read_one(tls))
        })
        .collect()
}

#[test]
fn three_replicas_give_the_configured_rate_together_and_their_shares_in_an_outage() {
    let (application, mut redis) = (application(), Redis::start());
    let keys = tempfile::tempdir().expect("a folder");
    let all = replicas(&application, &redis, &format!("[seal]\nkey_file = \"{}/seal.key\"", keys.path().display()));
    together(&all);
    let probes = reached(&application);
    let reached = |application: &Origin| reached(application) - probes;
    in_turn(&all, (0..200).map(|i| attempt(&format!("user{i}"), "x", "203.0.113.9", "")));
    assert_eq!(reached(&application), 30, "one address over many accounts");
    in_turn(&all, (0..200).map(|i| attempt("alice", "x", &format!("198.51.100.{i}"), "")));
    assert_eq!(reached(&application), 30 + 20, "one account over many addresses");
    thread::scope(|scope| {
        for n in 0..200 {
            let one = &all[n % 3];
            scope.spawn(|| one.raw(attempt("bob", "x", "203.0.113.10", "Connection: close\r\n").as_bytes()));
        }
    });
    assert_eq!(reached(&application), 30 + 20 + 5, "a burst");
    let before = reached(&application);
    redis.kill();
    // Not waited for: the very next attempt is decided.
    in_turn(&all, (0..300).map(|i| attempt(&format!("name{i}"), "x", "203.0.113.11", "")));
    assert_eq!(reached(&application) - before, 3 * 10, "each its share of thirty");
    assert!(all[0].metric("privet_store_requests_total{outcome=\"away\"}") > 0);
    redis.restart();
    for one in &all {
        one.until("back", || one.metric("privet_store_up") == 1);
    }
    let before = reached(&application);
    in_turn(&all, (0..100).map(|i| attempt(&format!("late{i}"), "x", "203.0.113.12", "")));
    assert_eq!(reached(&application) - before, 30, "together again");
}

#[test]
fn replicas_that_differ_in_their_keys_go_on_with_their_shares() {
    let (application, redis) = (application(), Redis::start());
    let all = replicas(&application, &redis, "");
    let differs = |one: &&Privet| one.log().contains("replicas have another `seal.key_file`");
    all[0].until("told", || all.iter().filter(differs).count() == 3);
    in_turn(&all, (0..200).map(|i| attempt(&format!("user{i}"), "x", "203.0.113.9", "")));
    assert_eq!(reached(&application), 30);
}

#[test]
fn what_is_read_or_was_never_asked_for_proves_nothing() {
    // The page to sign in shows no failure; a request for it that names an account must not pass for a success.
    let application = application();
    let privet = guarded(&application, LIMITS);
    let page =
        "GET /login?user=alice&password=q HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n";
    let guesses = (0..40).map(|n| if n % 5 == 4 { page.to_owned() } else { attempt("alice", "x", "203.0.113.9", "") });
    walk(&privet, guesses);
    assert_eq!(application.seen().matches(" /login").count(), 5);
    // A body counts whatever the method.
    let before = application.seen().matches("password=x").count();
    let gets = (0..9).map(|_| attempt("bob", "x", "203.0.113.10", "").replacen("POST", "GET", 1));
    walk(&privet, gets);
    assert_eq!(application.seen().matches("password=x").count() - before, 5);
}

#[test]
fn pages_that_are_open_to_all_prove_no_basic_credentials() {
    let application = Origin::start_with(|request, _| {
        // alice:right
        let right = request.starts_with("GET /public") || request.contains("YWxpY2U6cmlnaHQ=");
        let status = if right { "200 OK" } else { "401 Unauthorized" };
        Some(format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n"))
    });
    let privet =
        Privet::with(&format!("{}[[login]]\npath = \"/\"\npreset = \"basic\"\n{LIMITS}\n", application.route("")));
    let guess = |path: &str, n: usize| {
        use base64::{Engine as _, prelude::BASE64_STANDARD};
        let token = BASE64_STANDARD.encode(format!("alice:wrong{n}"));
        status(&privet.get(path, &format!("Authorization: Basic {token}\r\n")))
    };
    for n in 0..30 {
        guess("/public", n);
        guess("/protected", n);
    }
    assert_eq!(application.seen().matches("GET /protected").count(), 5);
}

#[test]
fn websockets_with_the_right_credentials_are_no_failures() {
    let application = Origin::start_with(|request, _| {
        let key = request.lines().find_map(|line| {
            line.to_lowercase().starts_with("sec-websocket-key: ").then(|| line[19..].trim().to_owned())
        });
        Some(match key {
            Some(key) => {
                let accept = tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes());
                format!(
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
                )
            }
            None => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
        })
    });
    let privet =
        Privet::with(&format!("{}[[login]]\npath = \"/\"\npreset = \"basic\"\n{LIMITS}\n", application.route("")));
    for _ in 0..9 {
        let mut tls = privet.tls();
        tls.write_all(b"GET /ws HTTP/1.1\r\nHost: a\r\nAuthorization: Basic YWxpY2U6cmlnaHQ=\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").expect("sent");
        assert_eq!(status(&read_one(&mut tls)), 101);
    }
}
