use std::{rc::Rc, sync::Arc, time::Duration};

use http::uri::PathAndQuery;

use super::*;
use crate::{
    dial,
    gateway::{
        settings::{Cleartext, HostPattern, Prefix},
        upstream::settings::{Balance, Ejection, Endpoint, Retry, Settings},
    },
};

fn route(path: &str, prefix: Prefix) -> Route {
    let dial = dial::Settings {
        target: dial::settings::Target::Tcp { host: "127.0.0.1".into(), port: 9000 },
        tls: None,
        connect_timeout: Duration::from_secs(1),
        resolve_every: Duration::from_secs(1),
    };
    Route {
        mask: None,
        record: false,
        seals_downloads: false,
        records: None,
        canaries: None,
        name: "*".into(),
        host: HostPattern::Any,
        path: path.into(),
        prefix,
        privacy: Arc::default(),
        upstream: Arc::new(Settings {
            endpoints: vec![Endpoint { dial: Arc::new(dial), authority: "127.0.0.1:9000".into(), weight: 1 }],
            balance: Balance::RoundRobin,
            http2: false,
            pass_host: true,
            authorization: None,
            idle: Duration::from_secs(4),
            max_idle: 8,
            health: None,
            ejection: Ejection { failures: 0, duration: Duration::from_secs(1) },
            retry: Retry { attempts: 1, budget_percent: 20 },
        }),
        cleartext: Cleartext::Redirect,
        cleartext_reason: None,
        hsts: Some(HeaderValue::from_static("max-age=1")),
        cookies: CookieRules {
            secure: true,
            http_only: true,
            script_readable: vec!["XSRF".into()],
            same_site: Some(SameSite::Lax),
        },
        rewrite_location: true,
        body_limit: None,
        timeout: None,
        response_timeout: Duration::from_secs(1),
        upgrade: Vec::new(),
        gate: None,
        url_privacy: crate::gateway::settings::UrlPrivacy::Log,
        access_log: true,
        shield: None,
        watch: false,
        headers: Vec::new(),
        hidden: Vec::new(),
        antivirus: None,
    }
}

fn hardened(route: &Route, host: &'static str, name: HeaderName, value: &'static str) -> HeaderMap {
    let head = Head {
        host: HeaderValue::from_static(host),
        is_bare: Authority::parse(host).is_some_and(|host| host.is_bare()),
        target: PathAndQuery::from_static("/"),
        introduction: Rc::default(),
        upgrade: None,
        address: "203.0.113.1".parse().expect("an address"),
        stated: HeaderMap::new(),
        hop: HeaderMap::new(),
        probe: None,
    };
    let mut headers = HeaderMap::new();
    headers.insert(name, HeaderValue::from_static(value));
    let inner = HeaderValue::from_static("127.0.0.1:9000");
    harden(&mut headers, StatusCode::OK, route, &head, true, &inner);
    headers
}

#[test]
fn cookies_get_what_they_lack() {
    let route = route("/", Prefix::Keep);
    for (cookie, expected) in [
        ("a=1", "a=1; Secure; HttpOnly; SameSite=Lax"),
        ("a=1; Path=/; secure; HTTPONLY; samesite=None", "a=1; Path=/; secure; HTTPONLY; samesite=None"),
        ("XSRF=1; Secure", "XSRF=1; Secure; SameSite=Lax"),
        ("secure=1; Path=/", "secure=1; Path=/; Secure; HttpOnly; SameSite=Lax"),
    ] {
        assert_eq!(hardened(&route, "shop.example", header::SET_COOKIE, cookie)[header::SET_COOKIE], expected);
    }
}

#[test]
fn hsts_is_for_names_only() {
    let route = route("/", Prefix::Keep);
    let has = |host| hardened(&route, host, header::SERVER, "x").contains_key(header::STRICT_TRANSPORT_SECURITY);
    assert!(has("shop.example:8443"));
    assert!(!has("localhost:8443") && !has("127.0.0.1") && !has("[::1]:1"));
}

#[test]
fn locations_of_our_own_come_back_to_us() {
    let plain = route("/", Prefix::Keep);
    let at =
        |route: &Route, value| hardened(route, "shop.example:8443", header::LOCATION, value)[header::LOCATION].clone();
    for (location, expected) in [
        ("http://shop.example/a?b", "https://shop.example:8443/a?b"),
        ("http://SHOP.example:8080/a", "https://shop.example:8443/a"),
        ("http://shop.example:8443/a", "https://shop.example:8443/a"),
        ("http://127.0.0.1:9000/a", "https://shop.example:8443/a"),
        ("http://other.example/a", "http://other.example/a"),
        ("https://shop.example/a", "https://shop.example/a"),
        ("//other.example/a", "//other.example/a"),
        ("/a", "/a"),
        ("a", "a"),
    ] {
        assert_eq!(at(&plain, location), expected, "{location}");
    }
    let stripped = route("/app", Prefix::Replace("/".into()));
    assert_eq!(at(&stripped, "/login"), "/app/login");
    assert_eq!(at(&stripped, "http://shop.example/login"), "https://shop.example:8443/app/login");
    let moved = route("/app", Prefix::Replace("/legacy".into()));
    assert_eq!(at(&moved, "/legacy/x"), "/app/x");
    assert_eq!(at(&moved, "/legacy"), "/app");
    assert_eq!(at(&moved, "/elsewhere"), "/elsewhere");
}

#[test]
fn rewriting_and_restoring_a_prefix_are_opposites() {
    let stripped = route("/app", Prefix::Replace("/".into()));
    let target = |text: &'static str| PathAndQuery::from_static(text);
    assert_eq!(route::rewrite(&stripped, &target("/app")), "/");
    assert_eq!(route::rewrite(&stripped, &target("/app?x=1")), "/?x=1");
    assert_eq!(route::rewrite(&stripped, &target("/app/a?x=1")), "/a?x=1");
    let moved = route("/", Prefix::Replace("/base".into()));
    assert_eq!(route::rewrite(&moved, &target("/a")), "/base/a");
    assert_eq!(route::rewrite(&moved, &target("/")), "/base/");
}

#[test]
fn the_longest_prefix_at_a_segment_border_wins() {
    let routes = [
        route("/", Prefix::Keep),
        route("/api", Prefix::Keep),
        route("/api/v2", Prefix::Keep),
        Route { host: HostPattern::Exact("a.example".into()), ..route("/only", Prefix::Keep) },
        Route { host: HostPattern::Wildcard("example".into()), ..route("/", Prefix::Keep) },
    ];
    let table = route::Table::new(&routes);
    for (host, path, expected) in [
        ("x", "/", Some(0)),
        ("x", "/apix", Some(0)),
        ("x", "/api", Some(1)),
        ("x:1", "/api/v2x", Some(1)),
        ("x", "/api/v2/y/z", Some(2)),
        ("A.example.:1", "/only/x", Some(3)),
        ("a.example", "/other", Some(4)),
        ("b.example", "/only", Some(4)),
        ("b.c.example", "/only", Some(0)),
    ] {
        assert_eq!(table.find(host, path), expected, "{host}{path}");
    }
}
