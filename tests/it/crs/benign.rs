//! Ordinary requests: prose in queries, forms and JSON, what browsers send, posts in Markdown and GraphQL. Few of them may be refused.

use std::collections::BTreeMap;

use super::exchange::{self, Request, data, found, limits};

/// Most of a thousand requests that may be refused at the first level.
const MOST: usize = 9;

const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15";
const COOKIES: &str = "_ga=GA1.2.1234567890.1764370000; _ga_1A2B3C4D5E=GS2.1.s1764370000$o3$g1$t1764370420$j60$l0$h0; _gid=GA1.2.987654321.1764300000; \
     _fbp=fb.1.1764370000123.1098115397; _hjSessionUser_123456=eyJpZCI6IjEyMzQ1Njc4LTkwYWItNWNkZS04ZjAxLTIzNDU2Nzg5YWJjZCIsImNyZWF0ZWQiOjE3NjQzNzAwMDAsImV4aXN0aW5nIjp0cnVlfQ==; \
     OptanonConsent=isGpcEnabled=0&datestamp=Sat+Nov+29+2026+01%3A00%3A00+GMT%2B0000+(Coordinated+Universal+Time)&version=202510.1.0&groups=C0001%3A1%2CC0002%3A0; \
     session=b8f4e6c2a1d04f7f9e3c5a7b1d2f4e6c; theme=dark; locale=en-GB";

/// What a browser sends with every request.
fn browser(which: usize) -> String {
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
    match which % 3 {
        0 => format!(
            "Host: shop.example.com\r\nConnection: keep-alive\r\nsec-ch-ua: \"Chromium\";v=\"142\", \"Google Chrome\";v=\"142\", \"Not_A Brand\";v=\"99\"\r\n\
             sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Windows\"\r\nUpgrade-Insecure-Requests: 1\r\nUser-Agent: {CHROME}\r\nAccept: {accept}\r\n\
             Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n\
             Referer: https://shop.example.com/search?q=winter+coats&page=2&sort=price%3Aasc\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
             Accept-Language: en-GB,en;q=0.9,ko;q=0.8\r\nCookie: {COOKIES}\r\n"
        ),
        1 => format!(
            "Host: shop.example.com\r\nUser-Agent: {FIREFOX}\r\nAccept: {accept}\r\nAccept-Language: de,en-US;q=0.7,en;q=0.3\r\n\
             Accept-Encoding: gzip, deflate, br, zstd\r\nReferer: https://www.google.com/\r\nDNT: 1\r\nSec-GPC: 1\r\nConnection: keep-alive\r\n\
             Cookie: {COOKIES}\r\nUpgrade-Insecure-Requests: 1\r\nSec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: cross-site\r\n\
             Priority: u=0, i\r\nIf-None-Match: W/\"3f1c-19a5b0c4d28\"\r\n"
        ),
        _ => format!(
            "Host: shop.example.com\r\nAccept: {accept}\r\nCookie: {COOKIES}\r\nUser-Agent: {SAFARI}\r\nAccept-Language: fr-FR,fr;q=0.9\r\n\
             Referer: https://shop.example.com/account/orders?utm_source=newsletter&utm_medium=email&utm_campaign=nov%2D26\r\n\
             Accept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n"
        ),
    }
}

/// As browsers write a value of a query or a form.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b if b.is_ascii_alphanumeric() || b"-_.*".contains(&b) => char::from(b).to_string(),
            b => format!("%{b:02X}"),
        })
        .collect()
}

fn get(which: usize, target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\n{}\r\n", browser(which)).into_bytes()
}

fn post(which: usize, target: &str, kind: &str, body: &str) -> Vec<u8> {
    let (browser, length) = (browser(which), body.len());
    format!("POST {target} HTTP/1.1\r\n{browser}Origin: https://shop.example.com\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Sentences of Debian's collections in English.
fn sentences() -> Vec<String> {
    let Ok(folder) = std::fs::read_dir("/usr/share/games/fortunes") else { return Vec::new() };
    let mut files: Vec<_> = folder.flatten().map(|entry| entry.path()).filter(|p| p.extension().is_none()).collect();
    files.sort();
    let mut all = Vec::new();
    for text in files.iter().filter_map(|path| std::fs::read_to_string(path).ok()) {
        for saying in text.split("\n%\n") {
            let line = saying.split_whitespace().collect::<Vec<_>>().join(" ");
            all.extend(
                line.split_inclusive(['.', '!', '?']).map(str::trim).filter(|s| s.len() > 20).map(str::to_owned),
            );
        }
    }
    all
}

/// What people do at a shop with a forum.
fn ordinary() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let pages = [
        "/",
        "/products/winter-coat-xl?color=navy&size=xl&ref=home",
        "/search?q=men%27s+shoes&page=3&sort=price%3Aasc&in_stock=true",
        "/search?q=caf%C3%A9+cr%C3%A8me+%26+sugar",
        "/search?q=%EA%B2%A8%EC%9A%B8+%EC%BD%94%ED%8A%B8",
        "/search?q=C%2B%2B+programming+book+%282nd+ed.%29",
        "/search?q=select+a+plan+from+the+list",
        "/search?q=drop+table+lamp+or+floor+lamp",
        "/static/app.3f9c1b27.js",
        "/images/2026/11/IMG_20261129_0102.jpg?w=640&h=480&fit=crop&auto=format",
        "/account/orders?from=2026-01-01&to=2026-11-29&status=shipped%2Cdelivered",
        "/calendar?start=2026-11-29T00%3A00%3A00%2B09%3A00&end=2026-12-06T00%3A00%3A00%2B09%3A00",
        "/oauth/callback?code=4%2F0AX4XfWh9Zt3k&state=eyJyIjoiL2FjY291bnQifQ&scope=email+profile+openid",
        "/landing?utm_source=google&utm_medium=cpc&utm_campaign=winter_sale_26&gclid=EAIaIQobChMI9-7Q0bqM_QIVzQ",
        "/map?center=37.5665,126.9780&zoom=14&layers=traffic,transit",
        "/go?to=%2Faccount%2Fsettings%3Ftab%3Dprivacy",
        "/api/items?filter[category]=shoes&filter[price][lte]=120&include=brand,images&page[size]=20",
        "/wiki/History_of_Rome_(disambiguation)",
        "/blog/2026/11/why-we-don-t-track-you/",
        "/favicon.ico",
    ];
    let markdown = "# Setting up\n\nRun the installer, then *restart*. See [the guide](https://docs.example.com/start?lang=en#step-2).\n\n\
        - First, open **Settings > Network**\n- Then pick `Automatic`\n- It's done & dusted; that's all!\n\n> \"It just works\" -- a user\n\n\
        | Name | Price |\n|---|---|\n| Small | $5 |\n| Large | $9 |\n\n1. One\n2. Two (or three)\n";
    let graphql = r#"{"operationName":"Product","variables":{"id":"UHJvZHVjdDoxMjM=","first":10,"after":null},"query":"query Product($id: ID!, $first: Int!, $after: String) {\n  product(id: $id) {\n    id\n    name\n    price { amount currency }\n    reviews(first: $first, after: $after) {\n      edges { node { rating text author { name } } }\n      pageInfo { hasNextPage endCursor }\n    }\n  }\n}\n"}"#;
    let json = |value: &serde_json::Value| value.to_string();
    let order = serde_json::json!({"items": [{"sku": "WC-XL-17", "count": 2, "price": 119.9}, {"sku": "SC-01", "count": 1, "price": 9}],
        "address": {"name": "Áine O'Brien", "street": "12 St. John's Rd., Flat 3/4", "city": "Dublin", "zip": "D02 X285"},
        "note": "Please ring twice; dog's friendly :-)", "gift": false, "coupon": null});
    let event = serde_json::json!({"event": "page_view", "page": {"url": "https://shop.example.com/search?q=coats&page=2", "title": "Coats | Shop"},
        "screen": "1920x1080", "tz": "Asia/Seoul", "ts": 1_764_370_000_123_u64, "tags": ["a/b:test", "v2"]});
    let patch =
        serde_json::json!([{"op": "replace", "path": "/profile/bio", "value": "Gardener & baker. I love cats <3"}]);
    let account = "name=Ji-woo+Kim&email=jiwoo.kim%2Bshop%40example.com&phone=%2B82+10-1234-5678&birthday=1990-02-28&newsletter=on&csrf=Zm9vYmFyYmF6cXV4MTIzNA%3D%3D";
    let comment = format!("title=Great+product&body={}&rating=5", escaped(markdown));
    for which in 0..3 {
        all.extend(pages.iter().map(|page| get(which, page)));
        let form = "application/x-www-form-urlencoded";
        all.push(post(which, "/account", form, account));
        all.push(post(which, "/comments", form, &comment));
        all.push(post(which, "/graphql", "application/json", graphql));
        for value in [&order, &event, &patch, &serde_json::json!({"title": "Setting up", "body": markdown})] {
            all.push(post(which, "/api/things", "application/json; charset=utf-8", &json(value)));
        }
        let boundary = "----WebKitFormBoundary7MA4YWxkTrZu0gW";
        let parts = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"caption\"\r\n\r\nOur cat, asleep\r\n--{boundary}\r\n\
             Content-Disposition: form-data; name=\"photo\"; filename=\"IMG_0102.jpg\"\r\nContent-Type: image/jpeg\r\n\r\nJFIF.....\r\n--{boundary}--\r\n"
        );
        all.push(post(which, "/photos", &format!("multipart/form-data; boundary={boundary}"), &parts));
    }
    all
}

/// All of them; the prose is missing where Debian's package is.
pub fn requests() -> Vec<Vec<u8>> {
    let mut all = ordinary();
    for (at, sentence) in sentences().iter().enumerate() {
        all.push(match at % 3 {
            0 => get(at / 3, &format!("/search?q={}&page=1", escaped(sentence))),
            1 => {
                let body = format!("subject=Hello&text={}", escaped(sentence));
                post(at / 3, "/comments", "application/x-www-form-urlencoded", &body)
            }
            _ => {
                let body = serde_json::json!({"subject": "Hello", "text": sentence}).to_string();
                post(at / 3, "/api/comments", "application/json", &body)
            }
        });
    }
    all
}

#[test]
fn few_ordinary_requests_are_refused() {
    let Some(data) = data() else { return };
    let plan = exchange::plan(data.join("rules-v4"), 1, None);
    // Without optimisation all of them take minutes; `cargo test --release` asks all.
    let step = if cfg!(debug_assertions) { 20 } else { 1 };
    let requests: Vec<_> = requests().into_iter().step_by(step).collect();
    if requests.len() < 1_000 {
        println!("prose is missing: apt-get install fortunes");
    }
    let (mut refused, mut rules) = (0, BTreeMap::<u32, usize>::new());
    for bytes in &requests {
        let request = Request::read(bytes).expect("a request");
        let transaction = request.ask(&plan, limits());
        if transaction.refused().is_some() {
            refused += 1;
            let ids = found(&plan, &transaction).into_iter().filter(|id| *id < 949_000);
            ids.for_each(|id| *rules.entry(id).or_default() += 1);
        }
    }
    println!("{refused} of {} refused, by {rules:?}", requests.len());
    assert!(refused * 1_000 <= requests.len() * MOST, "{refused} of {}", requests.len());
    let ordinary = ordinary();
    for bytes in &ordinary {
        let request = Request::read(bytes).expect("a request");
        let transaction = request.ask(&plan, limits());
        if transaction.refused().is_some() {
            let first = String::from_utf8_lossy(bytes).lines().next().unwrap_or_default().to_owned();
            println!("of what browsers do: {first}, by {:?}", found(&plan, &transaction));
        }
    }
}
