use std::{
    io::{Read, Write},
    net::TcpStream,
};

use super::{Application, customers};

/// One request over a socket of its own; the whole answer.
fn ask(application: &Application, request: &str) -> String {
    let mut socket = TcpStream::connect(application.address()).expect("connected");
    socket.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer).expect("answered");
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(application: &Application, target: &str) -> String {
    ask(application, &format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n"))
}

fn post(application: &Application, target: &str, body: &str) -> String {
    let length = body.len();
    ask(
        application,
        &format!(
            "POST {target} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        ),
    )
}

fn start() -> Application {
    Application::start(([127, 0, 0, 1], 0).into()).expect("started")
}

#[test]
fn the_data_is_shaped_like_the_real_thing() {
    let all = customers::all();
    assert_eq!(all.len(), 5000);
    let emails: std::collections::HashSet<_> = all.iter().map(|c| &c.email).collect();
    assert_eq!(emails.len(), 5000);
    for c in &all {
        let digits: Vec<u32> = c.rrn.chars().filter_map(|d| d.to_digit(10)).collect();
        let sum: u32 = digits.iter().zip([2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]).map(|(d, w)| d * w).sum();
        assert_eq!(digits[12], (11 - sum % 11) % 10, "{}", c.rrn);
        let card: Vec<u32> = c.card.chars().filter_map(|d| d.to_digit(10)).collect();
        let luhn: u32 =
            card.iter().rev().enumerate().map(|(i, d)| if i % 2 == 1 { d * 2 / 10 + d * 2 % 10 } else { *d }).sum();
        assert_eq!((card.len(), luhn % 10), (16, 0), "{}", c.card);
    }
}

#[test]
fn signing_in_works_as_of_old() {
    let app = start();
    let won = post(&app, "/login", "email=alice%40example.com&password=correct+horse+battery");
    assert!(
        won.starts_with("HTTP/1.1 302") && won.contains("location: /account") && won.contains("set-cookie: session=")
    );
    let lost = post(&app, "/login", "email=alice%40example.com&password=x");
    assert!(lost.starts_with("HTTP/1.1 200") && lost.contains("wrong password"));
    assert!(post(&app, "/api/login", "{}").starts_with("HTTP/1.1 401"));
    assert!(get(&app, "/account").contains("location: http://shop.example/login"));
}

#[test]
fn lists_hold_what_they_say() {
    let app = start();
    assert_eq!(get(&app, "/customers?page=2").matches("<tr><td>").count(), 50);
    assert_eq!(get(&app, "/api/customers?page=1&size=7").matches("\"rrn\"").count(), 7);
    assert_eq!(get(&app, "/export.csv").matches("@example.").count(), 5000);
    assert!(get(&app, "/customers?page=99999999999999999999").starts_with("HTTP/1.1 200"));
    assert!(get(&app, "/search?q=%3Cscript%3E").contains("&lt;script&gt;"));
    assert!(get(&app, "/customers/5001").starts_with("HTTP/1.1 404"));
}

#[test]
fn a_customer_is_shown_and_edited() {
    let app = start();
    let before = get(&app, "/customers/7");
    assert!(before.contains("<tr><th>rrn<td>") && before.contains("<input name=\"rrn\" value=\""), "{before}");
    assert!(post(&app, "/customers/7", "phone=010-1234-5678&address=%22a%2C+b%22").starts_with("HTTP/1.1 302"));
    let after = get(&app, "/customers/7");
    assert!(after.contains("010-1234-5678") && after.contains("&quot;a, b&quot;") && after.contains("consent<td>no"));
    assert!(get(&app, "/api/customers?page=7&size=1").contains("\"phone\":\"010-1234-5678\""));
    assert!(get(&app, "/export.csv").contains("\"\"\"a, b\"\"\""));
}

#[test]
fn old_habits_are_there_to_be_found() {
    let app = start();
    let old = get(&app, "/old-style");
    for habit in ["server: Apache-Coyote/1.1", "x-powered-by: ", "set-cookie: JSESSIONID=", "NullPointerException"] {
        assert!(old.contains(habit), "{habit}");
    }
    assert!(!old.to_lowercase().contains("httponly") && !old.to_lowercase().contains("secure"));
    assert!(get(&app, "/slow?ms=1").ends_with("done\n") && get(&app, "/ws").starts_with("HTTP/1.1 400"));
}

#[test]
fn uploads_are_counted() {
    let app = start();
    assert!(post(&app, "/upload", &"x".repeat(3_000_000)).contains("body: 3000000 bytes"));
}
