//! The challenge of an application, before its login: what counts is how many attempts reach the application with one solved, and without.

use std::io::Write as _;

use crate::{
    login::{LIMITS, application, attempt, reached, status, walk},
    support::{Origin, Privet, read_one},
};

const HTML: &str = "Accept: text/html\r\n";

/// Shows a challenge, and says that it was solved where the solution is `42`.
fn puzzle() -> Origin {
    Origin::start_with(|request, _| {
        let solved = if request.ends_with("solution=42") { "X-Privet-Challenge: passed\r\n" } else { "" };
        Some(format!("HTTP/1.1 200 OK\r\n{solved}Content-Length: 2\r\n\r\nok"))
    })
}

/// The login of `application`, and a challenge of another one.
fn guarded(application: &Origin, puzzle: &Origin) -> Privet {
    let text = format!(
        "{}{}[[login]]\npath = \"/login\"\npreset = \"form-redirect\"\nusername = \"form:user\"\n{LIMITS}\nchallenge = \"/captcha\"\n",
        application.route(""),
        puzzle.route("path = \"/captcha\"")
    );
    Privet::with_listen("trusted = [\"127.0.0.1/32\"]", &text)
}

fn ask(privet: &Privet, request: &str) -> String {
    let mut tls = privet.tls();
    tls.write_all(request.as_bytes()).expect("sent");
    read_one(&mut tls)
}

/// Offers a solution; the answer, and the cookie that came with it.
fn solve(privet: &Privet, place: &str, address: &str, solution: &str) -> (String, Option<String>) {
    let body = format!("solution={solution}");
    let length = body.len();
    let answer = ask(
        privet,
        &format!(
            "POST {place} HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: {address}\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    );
    let pair = answer.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        let own = name.eq_ignore_ascii_case("set-cookie") && value.starts_with("__Host-privet-challenge=");
        own.then(|| format!("Cookie: {}\r\n", value.split(';').next().unwrap_or_default()))
    });
    (answer, pair)
}

fn guess(n: usize) -> String {
    attempt("alice", "x", &format!("198.51.100.{n}"), HTML)
}

#[test]
fn one_solved_challenge_is_one_attempt_more() {
    let (application, puzzle) = (application(), puzzle());
    let privet = guarded(&application, &puzzle);
    let statuses = walk(&privet, (0..200).map(guess));
    assert_eq!((reached(&application), statuses.iter().filter(|s| **s == 303).count()), (20, 180));
    let answer = ask(&privet, &guess(200)).to_lowercase();
    assert!(answer.contains("\r\nlocation: /captcha\r\n") && answer.contains("no-store"), "{answer}");
    let program = attempt("alice", "x", "198.51.100.201", "Accept: application/json\r\n");
    assert_eq!(walk(&privet, [program]), [429], "programs are told by a status");
    // Whoever asks for the page, or is wrong, or says so elsewhere, gets nothing.
    assert_eq!(solve(&privet, "/captcha", "192.0.2.1", "41").1, None);
    let (answer, cookie) = solve(&privet, "/captcha", "192.0.2.1", "42");
    let low = answer.to_lowercase();
    assert!(!low.contains("x-privet-challenge") && low.contains("secure; httponly"), "{answer}");
    let cookie = cookie.expect("a cookie");
    assert_eq!(solve(&privet, "/captcha/other", "192.0.2.1", "42").1, None);
    assert!(!solve(&privet, "/captcha/other", "192.0.2.1", "42").0.to_lowercase().contains("x-privet-challenge"));
    let with = |address: &str, cookie: &str| attempt("alice", "x", address, &format!("{HTML}{cookie}"));
    assert_eq!(walk(&privet, [with("192.0.2.2", &cookie)]), [303], "of another address");
    let forged = cookie.replacen("challenge=A", "challenge=B", 1);
    assert_ne!(forged, cookie);
    assert_eq!(walk(&privet, [with("192.0.2.1", &forged)]), [303]);
    let before = reached(&application);
    let statuses = walk(&privet, (0..100).map(|_| with("192.0.2.1", &cookie)));
    assert_eq!((reached(&application) - before, statuses[0], statuses[1]), (1, 200, 303));
    let seen = application.seen().to_lowercase();
    assert!(seen.contains("x-privet-login: challenged\r\n") && !seen.contains("__host-privet"), "{seen}");
    assert!(!puzzle.seen().to_lowercase().contains("__host-privet"));
}

#[test]
fn a_burst_with_one_cookie_is_one_attempt() {
    let (application, puzzle) = (application(), puzzle());
    let privet = guarded(&application, &puzzle);
    walk(&privet, (0..200).map(guess));
    let cookie = solve(&privet, "/captcha", "192.0.2.1", "42").1.expect("a cookie");
    let before = reached(&application);
    std::thread::scope(|scope| {
        for _ in 0..100 {
            let more = format!("{HTML}{cookie}Connection: close\r\n");
            let privet = &privet;
            scope.spawn(move || privet.raw(attempt("alice", "x", "192.0.2.1", &more).as_bytes()));
        }
    });
    assert_eq!(reached(&application) - before, 1);
}

/// Challenges that are solved by the hundred buy no more than the pair and the address allow.
#[test]
fn solving_challenges_does_not_pass_the_limits_of_pair_and_address() {
    let (application, puzzle) = (application(), puzzle());
    let privet = guarded(&application, &puzzle);
    walk(&privet, (0..200).map(guess));
    let before = reached(&application);
    let with_new = |user: &str| {
        let cookie = solve(&privet, "/captcha", "192.0.2.1", "42").1.expect("a cookie");
        status(&ask(&privet, &attempt(user, "x", "192.0.2.1", &format!("{HTML}{cookie}"))))
    };
    let statuses: Vec<u16> = (0..20).map(|_| with_new("alice")).collect();
    assert_eq!((reached(&application) - before, statuses[19]), (5, 429), "solving another would be in vain");
    let before = reached(&application);
    let statuses: Vec<u16> = (0..60).map(|n| with_new(&format!("user{n}"))).collect();
    assert_eq!((reached(&application) - before, statuses[59]), (25, 429));
}
