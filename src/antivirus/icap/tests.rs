use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
};

use super::*;
use crate::dial::settings::Target;

/// A server of one kind of answer, for so many connections: what it got last, and where it is.
fn server(count: usize, serve: impl Fn(&mut TcpStream) + Send + 'static) -> Icap {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten().take(count) {
            serve(&mut socket);
        }
    });
    let target = Target::Tcp { host: "127.0.0.1".to_owned(), port };
    Icap::new(&Service { target, path: "/avscan?a=b".to_owned() })
}

/// What comes up to these bytes.
fn until(socket: &mut TcpStream, end: &[u8]) -> String {
    let (mut all, mut byte) = (Vec::new(), [0]);
    while !all.ends_with(end) && socket.read(&mut byte).is_ok_and(|n| n > 0) {
        all.push(byte[0]);
    }
    String::from_utf8_lossy(&all).into_owned()
}

fn says(answer: &'static str) -> impl Fn(&mut TcpStream) + Send {
    move |socket| {
        let _ = until(socket, b"\r\n0\r\n\r\n");
        let _ = socket.write_all(answer.replace('\n', "\r\n").as_bytes());
    }
}

fn scan(icap: &Icap, upload: bool, patience: Duration) -> Result<Reply, Error> {
    let mut stream = icap.scan(upload, patience)?;
    stream.send(b"hello ")?;
    stream.send(b"world")?;
    stream.end()?;
    stream.answer()
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_file_goes_out_as_a_message_of_which_nothing_is_real() {
    for (upload, method, parts) in [
        (true, "REQMOD", format!("Encapsulated: req-hdr=0, req-body={}\r\n", POST.len())),
        (false, "RESPMOD", format!("res-hdr={}, res-body={}\r\n", GET.len(), GET.len() + OK.len())),
    ] {
        let (say, heard) = std::sync::mpsc::channel();
        let icap = server(1, move |socket| {
            say.send(until(socket, b"\r\n0\r\n\r\n")).expect("heard");
            socket.write_all(b"ICAP/1.0 204 No\r\nISTag: \"x\"\r\n\r\n").expect("said");
        });
        assert_eq!(scan(&icap, upload, LONG).expect("a verdict"), Reply::Clean);
        let sent = heard.recv().expect("sent");
        assert!(sent.starts_with(&format!("{method} {icap} ICAP/1.0\r\nHost: 127.0.0.1:")), "{sent}");
        assert!(sent.contains("Allow: 204\r\n") && sent.contains(&parts), "{sent}");
        assert!(sent.ends_with("\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n"), "{sent}");
    }
}

#[test]
fn answers_are_known_or_none() {
    let verdict = |answer| scan(&server(1, says(answer)), true, LONG);
    let found = |name: &str| Reply::Found(name.to_owned());
    let infected = "ICAP/1.0 200 OK\nX-Infection-Found: Type=0; Resolution=2; Threat=Ei car<b>;\nEncapsulated: res-hdr=0, null-body=9\n\n";
    assert_eq!(verdict(infected).unwrap(), found("Eicar<b>"));
    let limit = "ICAP/1.0 200 OK\nX-Infection-Found: Threat=Heuristics.Limits.Exceeded.MaxFileSize\n\n";
    assert_eq!(verdict(limit).unwrap(), Reply::Exceeded);
    let page = "ICAP/1.0 200 OK\nEncapsulated: res-hdr=0, res-body=26\n\nHTTP/1.1 403 Forbidden\n\n2\nno\n0\n\n";
    assert_eq!(verdict(page).unwrap(), found("ICAP.Replaced"));
    let same = "ICAP/1.0 200 OK\nEncapsulated: req-hdr=0, req-body=19\n\nPOST / HTTP/1.1\n\nb\nhello world\n0\n\n";
    assert_eq!(verdict(same).unwrap(), Reply::Clean);
    for refused in [
        "ICAP/1.0 403 Forbidden\n\n",
        "ICAP/1.0 500 Server error\n\n",
        "ICAP/1.0 503 Busy\n\n",
        "ICAP/1.0 206 Part\n\n",
    ] {
        assert!(matches!(verdict(refused), Err(Error::Refused)), "{refused}");
    }
    assert!(matches!(verdict("HTTP/1.1 200 OK\n\n"), Err(Error::Unknown)));
    assert!(matches!(verdict(""), Err(Error::Silent)));
    assert!(matches!(verdict("ICAP/1.0 200 OK\nEncapsulated: req-hdr=0, req-body=99\n\nPOST"), Err(Error::Broken(_))));
}

#[test]
fn who_answers_before_the_end_has_not_looked_at_all_of_it() {
    let icap = server(1, |socket| {
        let _ = until(socket, b"\r\n\r\n");
        let _ = socket.write_all(b"ICAP/1.0 200 OK\r\nEncapsulated: req-hdr=0, req-body=4\r\n\r\n");
        // It sends back what it gets, and nobody reads that.
        let mut buffer = vec![0; 64 << 10];
        while let Ok(n @ 1..) = socket.read(&mut buffer) {
            if socket.write_all(&buffer[..n]).is_err() {
                return;
            }
        }
    });
    let mut stream = icap.scan(true, LONG).expect("connected");
    let piece = vec![7; 1 << 20];
    let failed = (0..1000).find_map(|_| stream.send(&piece).err());
    assert!(matches!(failed, Some(Error::Early)), "{failed:?}");
    assert_eq!(stream.answer().expect("an answer"), Reply::Exceeded);
}

#[test]
fn a_service_says_what_it_is_and_how_many_may_come() {
    let icap = server(10, |socket| {
        let asked = until(socket, b"\r\n\r\n");
        if asked.starts_with("OPTIONS ") {
            let _ = socket.write_all(b"ICAP/1.0 200 OK\r\nMethods: RESPMOD\r\nService: A scanner\r\nISTag: \"tag 1\"\r\nMax-Connections: 2\r\n\r\n");
        } else {
            let _ = until(socket, b"0\r\n\r\n");
            let _ = socket.write_all(if asked.starts_with("RESPMOD") {
                b"ICAP/1.0 204 No\r\n\r\n"
            } else {
                b"ICAP/1.0 405 No\r\n\r\n"
            });
        }
    });
    let options = icap.options().expect("an answer");
    assert_eq!((&*options.service, &*options.tag), ("A scanner", "tag1"));
    assert_eq!(scan(&icap, true, LONG).expect("by the one method that it has"), Reply::Clean);
    // One of two is for its own question.
    let first = icap.scan(true, LONG).expect("a line");
    assert!(matches!(icap.scan(true, Duration::from_millis(50)), Err(Error::Timeout)));
    drop(first);
    assert!(icap.scan(true, LONG).is_ok());
    for answer in ["ICAP/1.0 404 None\n\n", "ICAP/1.0 200 OK\nMethods: LOGMOD\n\n"] {
        let icap = server(1, move |socket| {
            let _ = until(socket, b"\r\n\r\n");
            let _ = socket.write_all(answer.replace('\n', "\r\n").as_bytes());
        });
        assert!(matches!(icap.options(), Err(Error::Refused)), "{answer}");
    }
}

#[test]
fn a_server_that_is_slow_or_gone_gives_no_verdict() {
    let slow = server(1, |socket| {
        let _ = until(socket, b"never");
    });
    assert!(matches!(scan(&slow, true, Duration::from_millis(200)), Err(Error::Timeout)));
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let target = Target::Tcp { host: "127.0.0.1".to_owned(), port };
    let gone = Icap::new(&Service { target, path: "/x".to_owned() });
    assert!(matches!(gone.options(), Err(Error::Connect(_))));
    assert!(matches!(gone.scan(true, LONG).map(|_| ()), Err(Error::Connect(_))));
}
