//! Under a supervisor: what it is told, sockets that it holds, restarts that lose nothing, and the units that say so to systemd.

use std::{
    fs,
    io::Write as _,
    net::{SocketAddr, TcpStream},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr as Place, UnixDatagram},
    },
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{
    Beside, OK, Origin, Privet, Tls, ask_plain, binary, config, connect, free_port, read_all, read_one,
};

/// What a supervisor hears, in a name that nobody else has.
struct Ear {
    socket: UnixDatagram,
    name: String,
}

impl Ear {
    fn new() -> Self {
        let name = format!("privet-test-{}-{}", std::process::id(), free_port());
        let socket = UnixDatagram::bind_addr(&Place::from_abstract_name(&name).expect("a name")).expect("bound");
        socket.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
        Self { socket, name: format!("@{name}") }
    }

    /// The next that is not a sign of life.
    fn next(&self) -> String {
        loop {
            let told = self.any();
            if told != "WATCHDOG=1" {
                return told;
            }
        }
    }

    fn any(&self) -> String {
        let mut buf = [0; 1024];
        let n = self.socket.recv(&mut buf).expect("told");
        String::from_utf8_lossy(&buf[..n]).into_owned()
    }
}

#[test]
fn a_supervisor_is_told_of_start_reload_and_end() {
    let (origin, ear) = (Origin::start(OK), Ear::new());
    let mut privet = Privet::with_environment(&[("NOTIFY_SOCKET", &ear.name)], "", &origin.route(""));
    let serving = format!("READY=1\nSTATUS=serving on {}", privet.https);
    assert_eq!(ear.next(), serving);
    // It listened before it said so.
    assert!(privet.get("/", "").ends_with("ok"));
    privet.signal("-HUP");
    assert!(ear.next().starts_with("RELOADING=1\nMONOTONIC_USEC="));
    assert_eq!(ear.next(), serving);
    privet.rewrite(|text| text + "[[rout]]\n");
    assert!(ear.next().starts_with("RELOADING=1\n"));
    let refused = ear.next();
    assert!(refused.starts_with("READY=1\nSTATUS=the new configuration is refused") && !refused.contains("rout]"));
    privet.signal("-TERM");
    assert!(ear.next().starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=43000000\n"));
    assert!(privet.child.wait().expect("ended").success());
}

#[test]
fn a_watchdog_hears_of_it_until_the_end() {
    let (origin, ear) = (Origin::start(OK), Ear::new());
    let environment = [("NOTIFY_SOCKET", ear.name.as_str()), ("WATCHDOG_USEC", "400000")];
    let privet = Privet::with_environment(&environment, "", &origin.route(""));
    let signs = (0..12).filter(|_| ear.any() == "WATCHDOG=1").count();
    assert_eq!(signs, 11, "and READY once");
    privet.signal("-STOP");
    // What was sent before it stopped is read; then nothing comes.
    ear.socket.set_read_timeout(Some(Duration::from_secs(2))).expect("set");
    let mut buf = [0; 64];
    while ear.socket.recv(&mut buf).is_ok() {}
    privet.signal("-CONT");
    ear.socket.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    assert_eq!(ear.any(), "WATCHDOG=1");
}

/// Somebody who holds the sockets, and Privet behind them.
struct Kept {
    _keeper: Beside,
    dir: TempDir,
    https: SocketAddr,
    admin: SocketAddr,
}

impl Kept {
    /// Sockets of these names, at the addresses that the configuration has for them; `wrong` is at another.
    fn start(names: &[&str], listen: &str, text: &str) -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("privet.toml"), config(ports, listen, text)).expect("written");
        let [https, http, admin] = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let door = |name: &&str| match *name {
            "https" => format!("https={}", https.port()),
            "http" => format!("http={}", http.port()),
            "moved" => format!("https={}", free_port()),
            other => format!("{other}={}", admin.port()),
        };
        let doors: Vec<String> = names.iter().map(door).collect();
        let binary = binary();
        let mut arguments = vec![binary.as_path(), dir.path()];
        arguments.extend(doors.iter().map(Path::new));
        let (keeper, word) = Beside::python_with(include_str!("keeper.py"), &arguments);
        assert_eq!(word, "holding");
        Self { _keeper: keeper, dir, https, admin }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap_or_default()
    }

    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(240), "never: {what}\n{}", self.read("log"));
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn pid(&self) -> String {
        self.until("a process", || !self.read("pid").is_empty());
        self.read("pid")
    }

    fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(self.pid().parse().expect("a number")).expect("a process");
        kill_process(id, signal).expect("the keeper's child");
    }

    fn ready(&self) {
        let ready = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        self.until("ready", || {
            TcpStream::connect(self.admin).is_ok() && ask_plain(self.admin, ready).contains("ready")
        });
    }

    fn tls(&self) -> Tls {
        connect(self.https, &self.dir.path().join("certs/ca.pem"), &[b"http/1.1"])
    }

    fn get(&self) -> String {
        let mut tls = self.tls();
        tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
        read_all(&mut tls)
    }

    /// Why it did not start.
    fn refused(&self) -> String {
        self.until("ended", || !self.read("ended").is_empty());
        assert_eq!(self.read("ended"), "2\n", "{}", self.read("log"));
        self.read("log")
    }
}

/// Asks on connections that are kept (or not) until told to stop, and fails on any loss.
fn load(kept: &Kept, stop: &AtomicBool, total: &AtomicUsize, keep: bool) {
    let request: &[u8] = if keep {
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    } else {
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    };
    while !stop.load(SeqCst) {
        let mut tls = kept.tls();
        loop {
            tls.write_all(request).expect("sent");
            let answer = read_one(&mut tls);
            assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok"), "{answer}");
            total.fetch_add(1, SeqCst);
            if answer.contains("connection: close") || stop.load(SeqCst) {
                break;
            }
        }
    }
}

#[test]
fn five_restarts_under_load_lose_no_connection() {
    let origin = Origin::start(OK);
    let shutdown = "[shutdown]\ndelay = \"500ms\"\ndeadline = \"50s\"\n";
    let kept = Kept::start(&["https", "http", "admin"], "", &format!("{shutdown}{}", origin.route("")));
    kept.ready();
    let (stop, total) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let clients: Vec<_> = (0..6)
            .map(|n| {
                let (kept, stop, total) = (&kept, &stop, &total);
                scope.spawn(move || load(kept, stop, total, n % 2 == 0))
            })
            .collect();
        for restart in 1..=5 {
            let before = total.load(SeqCst);
            kept.until("some load", || {
                total.load(SeqCst) > before + 20 || clients.iter().any(thread::ScopedJoinHandle::is_finished)
            });
            let old = kept.pid();
            kept.signal(Signal::TERM);
            kept.until("another process", || kept.pid() != old);
            kept.ready();
            assert_eq!(kept.read("ended").matches("0\n").count(), restart, "{}", kept.read("log"));
        }
        stop.store(true, SeqCst);
        for client in clients {
            client.join().expect("nothing lost");
        }
    });
    println!("{} answers across five restarts", total.load(SeqCst));
}

#[test]
fn who_connects_while_there_is_no_process_is_served_by_the_next() {
    let origin = Origin::start(OK);
    let kept = Kept::start(&["https", "admin"], "", &format!("[shutdown]\ndelay = \"0s\"\n{}", origin.route("")));
    kept.ready();
    fs::write(kept.dir.path().join("hold"), "").expect("written");
    kept.signal(Signal::TERM);
    kept.until("ended", || kept.read("ended") == "0\n");
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..8).map(|_| scope.spawn(|| kept.get())).collect();
        // Their connections are made: the kernel says so.
        let queued = || {
            let table = fs::read_to_string("/proc/net/tcp").expect("a table");
            let own = format!("0100007F:{:04X}", kept.https.port());
            table.lines().filter(|line| line.split_whitespace().nth(1) == Some(&own) && line.contains(" 01 ")).count()
        };
        kept.until("eight connections", || queued() == 8);
        fs::remove_file(kept.dir.path().join("hold")).expect("removed");
        for client in waiting {
            assert!(client.join().expect("served").ends_with("ok"));
        }
    });
}

#[test]
fn reloads_keep_the_sockets_and_refuse_another_address() {
    let origin = Origin::start(OK);
    let kept = Kept::start(&["https", "http", "admin"], "", &origin.route(""));
    kept.ready();
    let flags = fs::read_to_string(format!("/proc/{}/fdinfo/3", kept.pid())).expect("a descriptor");
    let flags = flags.lines().find_map(|line| line.strip_prefix("flags:")).expect("flags").trim().to_owned();
    assert!(
        u32::from_str_radix(&flags, 8).expect("octal") & 0o2_000_000 != 0,
        "closed when a program is started: {flags}"
    );
    let file = kept.dir.path().join("privet.toml");
    let text = fs::read_to_string(&file).expect("a file");
    fs::write(&file, text.clone() + "[[route]]\npath = \"/new\"\nupstream = \"http://127.0.0.1:1\"\n")
        .expect("written");
    kept.until("reloaded", || kept.read("log").contains("configuration reloaded"));
    assert!(kept.get().ends_with("ok"));
    fs::write(&file, text.replace(&kept.https.to_string(), "127.0.0.1:1")).expect("written");
    kept.until("refused", || kept.read("log").contains("but listen.https is 127.0.0.1:1"));
    assert!(kept.get().ends_with("ok"));
}

#[test]
fn several_sockets_of_one_name_are_all_accepted_on() {
    let origin = Origin::start(OK);
    let kept = Kept::start(&["https", "https", "admin"], "workers = 3\n", &origin.route(""));
    kept.ready();
    (0..40).for_each(|_| assert!(kept.get().ends_with("ok")));
}

#[test]
fn sockets_of_no_use_are_refused_with_what_to_do() {
    let origin = Origin::start(OK);
    let refused = |names: &[&str], listen: &str| Kept::start(names, listen, &origin.route("")).refused();
    let log = refused(&["https", "privet.socket"], "");
    assert!(
        log.contains("inherited socket 2 has the name `privet.socket`") && log.contains("FileDescriptorName="),
        "{log}"
    );
    let log = refused(&["moved"], "");
    assert!(
        log.contains("the inherited socket `https` listens on 127.0.0.1:") && log.contains("ListenStream="),
        "{log}"
    );
    let log = refused(&["deaf"], "");
    assert!(log.contains("inherited socket 1 (`admin`) is no listening TCP socket"), "{log}");
    let log = refused(&["https", "https"], "workers = 1\n");
    assert!(log.contains("2 inherited sockets are called `https`"), "{log}");
}

/// Systemd's own hand on the sockets: it listens, and starts Privet at the first connection.
#[test]
fn systemd_hands_its_sockets_over() {
    let (origin, dir) = (Origin::start(OK), tempfile::tempdir().expect("a folder"));
    let ports = [free_port(), free_port(), free_port()];
    fs::write(dir.path().join("privet.toml"), config(ports, "", &origin.route(""))).expect("written");
    let log = fs::File::create(dir.path().join("log")).expect("a log");
    let child = Command::new("systemd-socket-activate")
        .args([
            "-l",
            &format!("127.0.0.1:{}", ports[0]),
            "-l",
            &format!("127.0.0.1:{}", ports[1]),
            "--fdname=https:http",
        ])
        .arg(binary())
        .args(["serve", "--config", "privet.toml"])
        .current_dir(dir.path())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("systemd-socket-activate runs; tests/run installs systemd");
    let mut child = Beside(child);
    let plain = SocketAddr::from(([127, 0, 0, 1], ports[1]));
    let start = Instant::now();
    while TcpStream::connect(plain).is_err() {
        assert!(start.elapsed() < Duration::from_secs(240), "nobody listens");
        thread::sleep(Duration::from_millis(50));
    }
    // The first that comes starts it, and is answered.
    let moved = ask_plain(plain, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert!(
        moved.starts_with("HTTP/1.1 308"),
        "{moved}\n{}",
        fs::read_to_string(dir.path().join("log")).expect("a log")
    );
    let https = SocketAddr::from(([127, 0, 0, 1], ports[0]));
    let mut tls = connect(https, &dir.path().join("certs/ca.pem"), &[b"http/1.1"]);
    tls.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("sent");
    assert!(read_all(&mut tls).ends_with("ok"));
    assert!(child.0.try_wait().expect("a child").is_none());
}

#[test]
fn the_units_are_valid_and_the_service_is_confined() {
    let dir = tempfile::tempdir().expect("a folder");
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd");
    let mut names = Vec::new();
    for entry in fs::read_dir(units).expect("a folder").flatten() {
        let name = entry.file_name().into_string().expect("text");
        if name.ends_with(".service") || name.ends_with(".socket") {
            let text = fs::read_to_string(entry.path()).expect("a unit");
            let own = binary().display().to_string();
            fs::write(dir.path().join(&name), text.replace("/usr/bin/privet", &own)).expect("written");
            names.push(name);
        }
    }
    assert_eq!(names.len(), 3);
    let analyze = |arguments: &[&str]| {
        let out = Command::new("systemd-analyze")
            .args(arguments)
            .args(names.iter().filter(|name| arguments[0] == "verify" || name.ends_with(".service")))
            .current_dir(dir.path())
            .output()
            .expect("systemd-analyze runs; tests/run installs systemd");
        let text = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        assert!(out.status.success(), "{text}");
        text
    };
    let said = analyze(&["verify", "--man=no"]);
    assert!(!said.contains("privet"), "{said}");
    // In tenths; systemd calls up to 2 "safe", and a service without any of it has 96.
    analyze(&["security", "--offline=yes", "--threshold=20"]);
}
