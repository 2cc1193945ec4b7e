//! What each route sets for itself.

use std::{thread, time::Duration};

use crate::support::{OK, Origin, Privet};

#[test]
fn hardening_is_set_by_route() {
    let origin = Origin::start(
        "HTTP/1.1 302 Found\r\nLocation: http://shop.example/x\r\nSet-Cookie: a=1\r\nSet-Cookie: token=2\r\nContent-Length: 0\r\n\r\n",
    );
    let privet = Privet::with(&format!(
        "{}{}",
        origin.route("path = \"/own\"\nhsts = \"off\"\nrewrite_location = false\ncookies = { secure = false, http_only = false, same_site = \"off\" }"),
        origin.route("hsts = \"max-age=60\"\ncookies = { same_site = \"strict\", script_readable = [\"token\"] }")
    ));
    let own = privet.get("/own", "").to_lowercase();
    assert!(!own.contains("strict-transport-security") && own.contains("location: http://shop.example/x\r\n"), "{own}");
    assert!(own.contains("set-cookie: a=1\r\n"), "{own}");
    let other = privet.get("/", "").to_lowercase();
    assert!(
        other.contains("strict-transport-security: max-age=60\r\n") && other.contains("location: https://"),
        "{other}"
    );
    assert!(other.contains("set-cookie: a=1; secure; httponly; samesite=strict\r\n"), "{other}");
    assert!(other.contains("set-cookie: token=2; secure; samesite=strict\r\n"), "{other}");
}

#[test]
fn the_whole_time_of_an_exchange_is_bounded_by_route() {
    // Bytes come all the while, so that no other deadline is due.
    let demo = Privet::demo();
    let ca = demo.dir.path().join("certs/ca.pem");
    let route = |path: &str, more: &str| {
        let (port, ca) = (demo.https.port(), ca.display());
        format!(
            "[[route]]\npath = \"{path}\"\nupstream = \"https://localhost:{port}\"\nupstream_tls = {{ ca = \"{ca}\" }}\n{more}\n"
        )
    };
    let privet = Privet::with(&format!("{}{}", route("/slow", "timeout = \"1s\""), route("/", "")));
    let cut = privet.get("/slow?ms=60000&drip=1", "");
    assert!(cut.starts_with("HTTP/1.1 200") && !cut.ends_with("0\r\n\r\n"), "{cut}");
    assert!(privet.get("/slow?ms=60000", "").starts_with("HTTP/1.1 504"));
    privet.until("none left", || privet.metric("privet_requests_in_flight") == 0);
}

#[test]
fn endpoints_that_fail_are_left_alone_for_a_while() {
    let good = Origin::start(OK);
    let bad = Origin::start("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
    let privet = Privet::with_listen(
        "workers = 1",
        &format!(
            "[[route]]\nupstream = [\"{}\", \"{}\"]\nejection = {{ failures = 3, duration = \"1h\" }}\n",
            good.url(),
            bad.url()
        ),
    );
    let lost = (0..40).filter(|_| privet.get("/", "").starts_with("HTTP/1.1 503")).count();
    assert_eq!(lost, 3);
    assert!(privet.log().contains("endpoint ejected"));
}

#[test]
fn an_idle_connection_goes_before_the_application_ends_it() {
    let origin = Origin::start("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok");
    let privet = Privet::with_listen("workers = 1", &origin.route("upstream_idle = \"1h\""));
    for _ in 0..3 {
        assert!(privet.get("/", "").ends_with("ok"));
    }
    // A second less than it says is no time at all.
    assert_eq!(origin.connections(), 3);
    let lasting = Origin::start("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60\r\nContent-Length: 2\r\n\r\nok");
    let privet = Privet::with_listen("workers = 1", &lasting.route("upstream_idle = \"1h\""));
    for _ in 0..3 {
        assert!(privet.get("/", "").ends_with("ok"));
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(lasting.connections(), 1);
}
