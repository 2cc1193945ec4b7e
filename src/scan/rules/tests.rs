//! Of every passive rule a bad answer and a good one, as they come.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::*;
use crate::scan::{
    exchange::{Asked, Exchange, Eye},
    finding::Seen,
    library::{Libraries, tests::FILE},
};

/// `URL [cookie] [origin=..]`, the answer's head, an empty line, its body.
const SAMPLES: &[(&str, &str, &str)] = &[
    (
        "cookie-without-secure",
        "https://a.example/\n200\nSet-Cookie: sid=1; HttpOnly",
        "https://a.example/\n200\nSet-Cookie: sid=1; SECURE",
    ),
    (
        "cookie-script-readable",
        "https://a.example/\n200\nSet-Cookie: sid=1; Secure",
        "https://a.example/\n200\nSet-Cookie: sid=1; httponly\nSet-Cookie: XSRF-TOKEN=2\nSet-Cookie: old=; Max-Age=0",
    ),
    (
        "cookie-cross-site",
        "https://a.example/\n200\nSet-Cookie: sid=1; Secure; SameSite=None",
        "https://a.example/\n200\nSet-Cookie: sid=1; SameSite=lax",
    ),
    ("hsts-missing", "https://a.example/\n200", "https://127.0.0.1:8443/\n200"),
    (
        "hsts-weak",
        "https://a.example/\n200\nStrict-Transport-Security: max-age=86400",
        "https://a.example/\n200\nStrict-Transport-Security: includeSubDomains; max-age=\"31536000\"",
    ),
    (
        "csp-missing",
        "https://a.example/\n200\nContent-Type: text/html",
        "https://a.example/\n200\nContent-Type: application/json",
    ),
    (
        "csp-weak",
        "https://a.example/\n200\nContent-Type: text/html\nContent-Security-Policy: script-src 'self' 'unsafe-inline'",
        "https://a.example/\n200\nContent-Type: text/html\nContent-Security-Policy: default-src 'self' 'nonce-a' 'unsafe-inline'",
    ),
    (
        "nosniff-missing",
        "https://a.example/\n200\nContent-Type: text/html",
        "https://a.example/\n200\nContent-Type: text/html\nX-Content-Type-Options: nosniff",
    ),
    (
        "framing-allowed",
        "https://a.example/\n200\nContent-Type: text/html\nX-Frame-Options: ALLOW-FROM https://b",
        "https://a.example/\n200\nContent-Type: text/html\nContent-Security-Policy: default-src 'self'; frame-ancestors 'none'",
    ),
    (
        "referrer-leaks",
        "https://a.example/\n200\nContent-Type: text/html\nReferrer-Policy: unsafe-url",
        "https://a.example/\n200\nContent-Type: text/html\nReferrer-Policy: unsafe-url, same-origin",
    ),
    (
        "permissions-policy-missing",
        "https://a.example/\n200\nContent-Type: text/html",
        "https://a.example/\n200\nContent-Type: text/html\nPermissions-Policy: camera=()",
    ),
    (
        "cors-credentials",
        "https://a.example/ origin=https://evil.test\n200\nAccess-Control-Allow-Origin: https://evil.test\nAccess-Control-Allow-Credentials: true",
        "https://a.example/ origin=https://b.a.example\n200\nAccess-Control-Allow-Origin: https://b.a.example\nAccess-Control-Allow-Credentials: true",
    ),
    ("version-banner", "https://a.example/\n200\nServer: Apache/2.4.1", "https://a.example/\n200\nServer: cloud"),
    (
        "stack-trace",
        "https://a.example/\n500\nContent-Type: text/html\n\n<pre>java.lang.NullPointerException\n\tat javax.servlet.X",
        "https://a.example/\n500\nContent-Type: text/html\n\nSomething went wrong at java island",
    ),
    (
        "debug-page",
        "https://a.example/\n500\nContent-Type: text/html\n\n<title>x // Werkzeug Debugger</title>",
        "https://a.example/\n200\nContent-Type: text/html\n\nWerkzeug is a library",
    ),
    (
        "directory-listing",
        "https://a.example/\n200\nContent-Type: text/html\n\n<html><head><TITLE>Index of /files</TITLE>",
        "https://a.example/\n200\nContent-Type: text/html\n\n<p>index of names",
    ),
    (
        "private-address",
        "https://a.example/\n200\nContent-Type: text/html\n\n<a href=\"http://10.1.2.3:8080/x\">",
        "https://a.example/\n200\nContent-Type: text/html\n\nversion 10.1.2.3.4, 1.10.1.2.3, x10.1.2.3, 172.32.0.1, 192.168.1",
    ),
    (
        "personal-data-anonymous",
        "https://a.example/\n200\nContent-Type: application/json\n\n{\"rrn\":\"CARD\"}",
        "https://a.example/ cookie\n200\nContent-Type: application/json\n\n{\"rrn\":\"CARD\"}",
    ),
    ("personal-data-in-url", "https://a.example/s?q=CARD\n200", "https://a.example/s?q=1\n200"),
    (
        "personal-data-cacheable",
        "https://a.example/ cookie\n200\nContent-Type: text/plain\nCache-Control: public\n\nCARD",
        "https://a.example/ cookie\n200\nContent-Type: text/plain\nCache-Control: private\n\nCARD MAIL",
    ),
    (
        "session-in-url",
        "https://a.example/\n200\nContent-Type: text/html\n\n<a href=\"/x;jsessionid=0123456789ABCDEF?a=b\">",
        "https://a.example/?side=0123456789\n200\nContent-Type: text/html\n\n<a href=\"/x?sid=\">",
    ),
    (
        "mixed-content",
        "https://a.example/\n200\nContent-Type: text/html\n\n<img src=http://b.example/x.png>",
        "https://a.example/\n200\nContent-Type: text/html\n\n<a href=http://b.example/><img src=/x.png><!-- <img src=http://x> -->",
    ),
    (
        "form-cleartext",
        "https://a.example/\n200\nContent-Type: text/html\n\n<form action=\"http://a.example/login\">",
        "https://a.example/\n200\nContent-Type: text/html\n\n<form action=/login><input type=password>",
    ),
    (
        "script-without-integrity",
        "https://a.example/\n200\nContent-Type: text/html\n\n<script src=//cdn.example/x.js></script>",
        "https://a.example/\n200\nContent-Type: text/html\n\n<script src=https://cdn.example/x.js integrity=sha384-a></script><script src=/y.js></script>",
    ),
    (
        "reflected-parameter",
        "https://a.example/?q=%22%3E%3Ci%3Ex\n200\nContent-Type: text/html\n\n<p>\"><i>x",
        "https://a.example/?q=%22%3E%3Ci%3Ex&r=plain\n200\nContent-Type: text/html\n\n<p>&quot;&gt;&lt;i&gt;x plain",
    ),
    (
        "vulnerable-library",
        "https://a.example/\n200\nContent-Type: text/html\n\n<script src=/js/jquery-1.8.3.min.js></script>",
        "https://a.example/\n200\nContent-Type: text/html\n\n<script src=/js/jquery-3.7.1.min.js></script>",
    ),
    (
        "password-autocomplete",
        "https://a.example/\n200\nContent-Type: text/html\n\n<input type=password name=p>",
        "https://a.example/\n200\nContent-Type: text/html\n\n<input type=password autocomplete=current-password>",
    ),
];

/// Knows two words.
#[derive(Debug)]
struct Words;

impl Eye for Words {
    fn scrub(&self, text: &str) -> String {
        text.replace("CARD", "<CREDIT_CARD>")
    }

    fn kinds(&self, text: &[u8]) -> Vec<(String, u64)> {
        let text = String::from_utf8_lossy(text);
        let count = |word: &str| text.matches(word).count() as u64;
        let all = [("CREDIT_CARD", count("CARD")), ("EMAIL_ADDRESS", count("MAIL"))];
        all.into_iter().filter(|(_, n)| *n > 0).map(|(kind, n)| (kind.to_owned(), n)).collect()
    }
}

static LIBRARIES: LazyLock<Libraries> = LazyLock::new(|| Libraries::read(FILE.as_bytes()).expect("libraries"));

fn ask(rule: &Rule, sample: &str) -> Vec<Seen> {
    let (head, body) = sample.split_once("\n\n").unwrap_or((sample, ""));
    let mut lines = head.lines();
    let mut words = lines.next().expect("a URL").split(' ');
    let url = words.next().expect("a URL");
    let words: Vec<&str> = words.collect();
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let at = rest.find('/').expect("a path");
    let status = lines.next().expect("a status").parse::<u16>().expect("a number");
    let header = |line: &str| {
        let (name, value) = line.split_once(": ").expect("a header");
        (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"))
    };
    let mut headers = HeaderMap::new();
    lines.map(header).for_each(|(name, value)| {
        headers.append(name, value);
    });
    let asked = Asked {
        method: Method::GET,
        host: rest[..at].to_owned(),
        target: rest[at..].to_owned(),
        origin: words.iter().find_map(|word| word.strip_prefix("origin=")).map(str::to_owned),
        anonymous: !words.contains(&"cookie"),
        secure: scheme == "https",
    };
    let status = StatusCode::from_u16(status).expect("a status");
    let exchange = Exchange::new(&asked, status, &headers, body.as_bytes(), &LIBRARIES, &Words);
    match rule.looks {
        Looks::Answer(look) => look(&exchange),
        Looks::Probe | Looks::Configuration => panic!("{} looks at no answer", rule.id),
    }
}

#[test]
fn every_passive_rule_finds_the_bad_and_not_the_good() {
    for rule in passive() {
        let (_, bad, good) =
            SAMPLES.iter().find(|(id, ..)| *id == rule.id).unwrap_or_else(|| panic!("no sample of {}", rule.id));
        assert!(!ask(rule, bad).is_empty(), "{} does not find\n{bad}", rule.id);
        let found = ask(rule, good);
        assert!(found.is_empty(), "{} finds {found:?} in\n{good}", rule.id);
    }
    assert_eq!(passive().count(), SAMPLES.len());
}

#[test]
fn no_rule_finds_anything_in_an_answer_without_fault() {
    let good = "https://a.example/ cookie\n200\nContent-Type: text/html\nContent-Security-Policy: default-src 'self'; frame-ancestors 'none'\n\
        X-Content-Type-Options: nosniff\nReferrer-Policy: no-referrer\nPermissions-Policy: camera=()\nStrict-Transport-Security: max-age=63072000\n\
        Set-Cookie: sid=1; Secure; HttpOnly; SameSite=Lax\nCache-Control: no-store\nServer: shop\n\n<title>Shop</title><a href=/x?y=z>x</a>";
    for rule in passive() {
        assert!(ask(rule, good).is_empty(), "{}", rule.id);
    }
}

#[test]
fn the_table_is_whole() {
    let mut ids: Vec<&str> = all().map(|rule| rule.id).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id stands twice");
    for rule in all() {
        assert!(rule.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'), "{}", rule.id);
        assert!(
            rule.cwe > 0 && !rule.title.ends_with('.') && rule.why.ends_with('.') && rule.mend.ends_with('.'),
            "{}",
            rule.id
        );
        assert_eq!(named(rule.id), Some(rule));
    }
}

#[test]
fn what_is_asked_of_hostile_answers_is_answered() {
    for _ in 0..300 {
        let noise: String = {
            let signs: Vec<char> = "<>\"'=&;:/?#abc109. -!%\n\t".chars().collect();
            (0..fastrand::usize(0..200)).map(|_| signs[fastrand::usize(..signs.len())]).collect()
        };
        let sample = format!(
            "https://a.example/?q={}\n200\nContent-Type: text/html\n\n{noise}",
            noise.replace(['\n', ' ', '\t'], "+")
        );
        for rule in passive() {
            let _ = ask(rule, &sample);
        }
    }
}

/// What a fuzzer does, for a moment and always alike.
#[test]
fn nothing_that_servers_and_pages_send_makes_it_stumble() {
    use crate::scan::{page::Page, probe::hello};
    const WORDS: &[&str] = &[
        "<",
        ">",
        "</",
        "<a href=\"",
        "<form action='",
        "<script src=",
        "<input type=password name=",
        " integrity=\"",
        "\"",
        "'",
        "=",
        " ",
        "\n",
        "http://",
        "https://a.example/",
        "?q=",
        "&amp;",
        "&#",
        ";",
        "<!--",
        "-->",
        "<![CDATA[",
        "Traceback (most recent call last)",
        "Index of /",
        "10.1.2.3",
        "\u{e9}",
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"jquery\"",
        "\"vulnerabilities\"",
        "\"below\"",
        "\"1.2\"",
        "\"extractors\"",
        "\"filename\"",
        "\"(§§version§§)\"",
        "\"info\"",
        "\\",
        "\u{16}\u{3}\u{3}\0",
        "\u{2}\0\0",
        "\u{15}\u{3}\u{1}\0\u{2}",
    ];
    let mut random = fastrand::Rng::with_seed(9);
    for _ in 0..100_000 {
        let mut body = Vec::new();
        for _ in 0..random.usize(..24) {
            match random.u8(..4) {
                0 => body.push(random.u8(..)),
                _ => body.extend_from_slice(WORDS[random.usize(..WORDS.len())].as_bytes()),
            }
        }
        let _ = Page::read(&body);
        let _ = Libraries::read(&body);
        let _ = hello::read(&body);
        // A record and a message with lengths that fit, so that what is within is read.
        let within = &body[..body.len().min(200)];
        let length = u8::try_from(within.len()).expect("short");
        let mut record = vec![22, 3, 3, 0, length + 4, 2, 0, 0, length];
        record.extend_from_slice(within);
        let _ = hello::read(&record);
    }
}
