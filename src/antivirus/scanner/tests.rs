use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    path::Path,
};

use http::HeaderMap;

use super::*;
use crate::dial::settings::Target;

/// A clamd that finds nothing, or never answers; how often it was asked.
fn clamd(answers: bool) -> (Target, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for mut socket in listener.incoming().flatten() {
            count.fetch_add(1, Relaxed);
            let mut all = Vec::new();
            let mut buffer = [0; 4096];
            while answers && !all.ends_with(&[0; 4]) {
                match socket.read(&mut buffer) {
                    Ok(n @ 1..) => all.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
            if answers {
                let _ = socket.write_all(b"stream: OK\0");
            } else {
                kept.push(socket);
            }
        }
    });
    (Target::Tcp { host: "127.0.0.1".to_owned(), port }, asked)
}

fn scanner(clamd: Target, folder: &Path, queue: usize, timeout: Duration) -> Arc<Scanner> {
    let settings = Settings {
        clamd: Some(clamd),
        icap: None,
        cleartext_reason: None,
        connections: 1,
        queue,
        timeout,
        max_age: Duration::from_secs(86_400),
        max_size: 1 << 20,
        refuses_excess: true,
        memory: 1 << 20,
        spool: 1 << 30,
        spool_per_address: 1 << 30,
        folder: folder.to_owned(),
        database: None,
        remember: Duration::from_secs(60),
        quarantine: None,
    };
    Arc::new(Scanner::new(settings, None, None).expect("keys"))
}

async fn scan(scanner: &Arc<Scanner>, last: u8, direction: Direction) -> Scanned {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    let mut spool = scanner.hold(address);
    spool.push(b"the same file").await.expect("room");
    let held = Arc::new(spool.finish().await.expect("held"));
    let reading = Reading::new(&HeaderMap::new()).expect("plain");
    let about = About { route: "*/".to_owned(), request: "1".to_owned(), direction, probe: false };
    scanner.scan(&held, reading, &about, address).await
}

#[tokio::test]
async fn what_was_clean_is_known_to_whoever_sent_it_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let (target, asked) = clamd(true);
    let scanner = scanner(target, dir.path(), 10, Duration::from_secs(60));
    for (last, direction, times) in [
        (1, Direction::Upload, 1),
        (1, Direction::Upload, 1),
        (2, Direction::Upload, 2),
        (1, Direction::Download, 3),
        (2, Direction::Download, 3),
    ] {
        let scanned = scan(&scanner, last, direction).await;
        assert_eq!((scanned.verdict, scanned.files.len()), (Verdict::Clean, 1));
        assert_eq!(asked.load(Relaxed), times, "{last} {direction:?}");
    }
    scanner.signatures().renew();
    let _ = scan(&scanner, 1, Direction::Upload).await;
    assert_eq!(asked.load(Relaxed), 4, "other signatures may find something");
}

#[tokio::test]
async fn a_clamd_that_is_slow_or_full_is_no_verdict() {
    let dir = tempfile::tempdir().expect("a folder");
    let (target, _) = clamd(false);
    let scanner = scanner(target, dir.path(), 1, Duration::from_millis(300));
    let all = [1, 2, 3].map(|last| {
        let scanner = Arc::clone(&scanner);
        async move { scan(&scanner, last, Direction::Upload).await.verdict }
    });
    let [first, second, third] = all;
    let (first, second, third) = tokio::join!(first, second, third);
    for verdict in [first, second, third] {
        assert!(matches!(verdict, Verdict::Unavailable("timeout" | "too many wait")), "{verdict:?}");
    }
    assert_eq!((scanner.waiting(), scanner.held().0), (0, 0));
}
