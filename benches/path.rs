//! What each stage of a request's way costs by itself, without kernel, TLS and application: what all of it costs is counted by `benches/instructions`.

use std::{
    cell::RefCell,
    future::Future,
    hint::black_box,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    pin::pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, request::Parts};
use privet::{
    common::{
        hpack::{Decoder, Encoder},
        http1::Pattern,
        peer::Peer,
        watch::Watches,
    },
    config::{Config, Flags},
    gateway::{answer, body::Body, client::Client, head, route::Table, settings::HeadRules},
    observe::{
        access_log::{Entry, Log, Scribe, Target},
        metrics::Metrics,
    },
    privacy::{Engine, Keys},
    server::{Request, framing, http1::Connection},
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const HEADS: [(&str, &str); 2] = [
    ("small", "GET /small HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: h2load nghttp2/1.52.0\r\n\r\n"),
    (
        "browser",
        "GET /orders/2026?page=3&sort=date HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\nsec-ch-ua: \"Chromium\";v=\"140\"\r\n\
         sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: \"Linux\"\r\nUpgrade-Insecure-Requests: 1\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) \
         AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\n\
         Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\nReferer: https://shop.example/orders\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: ko,en;q=0.9\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n",
    ),
];

/// What an application says of an answer.
const PLAIN: [(&str, &str); 5] = [
    ("server", "nginx"),
    ("content-type", "text/html"),
    ("content-length", "128"),
    ("connection", "keep-alive"),
    ("etag", "\"1\""),
];

fn config(text: &str) -> Config {
    Config::parse("bench", text, Path::new("/"), &|_| None, &Flags::default()).expect("valid")
}

fn read(head: &Bytes, rules: &HeadRules, pattern: &mut Pattern) -> Box<Parts> {
    let end = framing::find_end(head, 0, rules).expect("good").expect("whole");
    framing::read(&head.slice(..end), rules, pattern).expect("good").parts
}

fn client() -> Client {
    Client::new(Peer::new("203.0.113.9:50000".parse().expect("an address"), &[]), true, false, 443)
}

/// Off the wire, judged, and made what the application gets.
fn heads(c: &mut Criterion) {
    let (rules, client) = (HeadRules::default(), client());
    for (name, text) in HEADS {
        let head = Bytes::from_static(text.as_bytes());
        c.bench_function(&format!("path/1 read a head/{name}"), |b| {
            b.iter(|| read(black_box(&head), &rules, &mut Pattern::default()));
        });
        let mut pattern = Pattern::default();
        c.bench_function(&format!("path/1 read a head again/{name}"), |b| {
            b.iter(|| read(black_box(&head), &rules, &mut pattern));
        });
        c.bench_function(&format!("path/2 judge and introduce it/{name}"), |b| {
            let parts = || read(&head, &rules, &mut Pattern::default());
            let judge = |mut parts: Box<Parts>| {
                let read = head::read(&mut parts, &client, &rules, &[]).expect("good");
                (parts, read)
            };
            b.iter_batched(parts, judge, BatchSize::SmallInput);
        });
    }
}

/// However many there are.
fn routes(c: &mut Criterion) {
    for count in [1, 100, 10_000] {
        let route = |n| format!("[[route]]\nhost = \"h{n}.example\"\nupstream = \"http://127.0.0.1:9000\"\n");
        let config = config(&(0..count).map(route).collect::<Vec<_>>().concat());
        let table = Table::new(config.gateway.routes.iter().map(|route| &**route));
        let host = format!("h{}.example:443", count / 2);
        c.bench_function(&format!("path/3 find a route/of {count}"), |b| {
            b.iter(|| table.find(black_box(&host), black_box("/orders/2026")).expect("a route"));
        });
    }
}

/// What an application says, made safe over TLS.
fn answers(c: &mut Criterion) {
    let config = config("[[route]]\nupstream = \"http://127.0.0.1:9000\"\n");
    let (rules, client) = (HeadRules::default(), client());
    let mut parts = read(&Bytes::from_static(HEADS[0].1.as_bytes()), &rules, &mut Pattern::default());
    let head = head::read(&mut parts, &client, &rules, &[]).expect("good");
    let inner = HeaderValue::from_static("127.0.0.1:9000");
    let cookies = [
        ("set-cookie", "JSESSIONID=0123456789; Path=/"),
        ("set-cookie", "lang=ko"),
        ("location", "http://shop.example/next"),
    ];
    for (name, fields) in [("plain", &PLAIN[..]), ("with cookies and a location", &[&PLAIN[..], &cookies].concat())] {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_static(value));
        }
        c.bench_function(&format!("path/4 harden an answer/{name}"), |b| {
            let harden = |mut headers: HeaderMap| {
                answer::harden(&mut headers, StatusCode::OK, &config.gateway.routes[0], &head, true, &inner);
                headers
            };
            b.iter_batched(|| headers.clone(), harden, BatchSize::SmallInput);
        });
    }
}

/// The line of a request, with what is redacted in it.
fn lines(c: &mut Criterion) {
    let metrics = Metrics::new(1);
    let mut settings = config("[[route]]\nupstream = \"http://127.0.0.1:9000\"\n").access_log;
    settings.target = Target::File("/dev/null".into());
    let log = Log::open(&settings, &metrics, 1, None).expect("a log").expect("on");
    let engine = Arc::new(Engine::new(
        &privet::privacy::settings::Settings::default(),
        Arc::new(Keys::ephemeral().expect("random")),
    ));
    let scribe = Scribe::new(0, &metrics.shard(0), &engine, Some(&log), None).expect("a pen");
    for (name, target) in
        [("plain", "/orders/2026?page=3"), ("with personal data", "/customers/kim@example.com?phone=010-1234-5678")]
    {
        let entry = Entry {
            request_id: b"0123456789abcdef0123456789abcdef",
            method: Some("GET"),
            target: Some(target.as_bytes()),
            route: Some("*/"),
            status: 200,
            response_bytes: 128,
            total: Duration::from_micros(300),
            protocol: "1.1",
            client: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 9))),
            user_agent: Some(b"h2load nghttp2/1.52.0"),
            ..Entry::default()
        };
        c.bench_function(&format!("path/5 write its line/{name}"), |b| {
            b.iter(|| scribe.write(None, black_box(&entry), false, None));
        });
    }
}

/// A connection in memory: a request read, given to a service that answers at once, and its answer written.
fn exchanges(c: &mut Criterion) {
    for (name, text) in HEADS {
        let (mut browser, server) = tokio::io::duplex(1 << 16);
        let connection =
            Connection::new(server, &Watches::new().watch(), Arc::default(), Duration::from_secs(9).into());
        let served = Rc::new(RefCell::new(0_u64));
        let mut serving = pin!(connection.serve(|_: Request| {
            *served.borrow_mut() += 1;
            Box::pin(async { Response::new(Body::full(Bytes::from_static(&[b'x'; 128]))) })
        }));
        let mut cx = Context::from_waker(Waker::noop());
        let mut room = [0; 1024];
        c.bench_function(&format!("path/6 a whole exchange in memory/{name}"), |b| {
            b.iter(|| {
                let before = *served.borrow();
                assert!(pin!(browser.write_all(text.as_bytes())).poll(&mut cx).is_ready());
                assert!(serving.as_mut().poll(&mut cx).is_pending());
                assert!(pin!(browser.read(&mut room)).poll(&mut cx).is_ready());
                assert_eq!(*served.borrow(), before + 1);
            });
        });
    }
}

/// The head of an answer over HTTP/2, whose fields but one came before.
fn packed(c: &mut Criterion) {
    let (mut encoder, mut decoder, mut out) = (Encoder::default(), Decoder::default(), BytesMut::new());
    let mut fields = HeaderMap::new();
    for (name, value) in PLAIN {
        fields.append(name, HeaderValue::from_static(value));
    }
    let mut write = |id: &[u8], out: &mut BytesMut| {
        out.clear();
        encoder.begin(StatusCode::OK, out);
        for (name, value) in &fields {
            encoder.field(name, value.as_bytes(), out);
        }
        encoder.field(&HeaderName::from_static("x-request-id"), id, out);
    };
    let mut read = |block: &Bytes| {
        let mut rest = decoder.begin(block).expect("a block");
        while !rest.is_empty() {
            black_box(decoder.next(block, &mut rest).expect("a field"));
        }
    };
    for id in [b"0000", b"0001"] {
        write(id, &mut out);
        read(&Bytes::copy_from_slice(&out));
    }
    c.bench_function("path/7 write a head of HTTP/2/plain", |b| b.iter(|| write(black_box(b"0002"), &mut out)));
    let block = out.split().freeze();
    c.bench_function("path/7 read a head of HTTP/2/plain", |b| b.iter(|| read(black_box(&block))));
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    heads(&mut criterion);
    routes(&mut criterion);
    answers(&mut criterion);
    lines(&mut criterion);
    exchanges(&mut criterion);
    packed(&mut criterion);
    criterion.final_summary();
}
