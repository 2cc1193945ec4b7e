//! `privet intercept`: its rules in network namespaces of the test's own, with the real nft and iptables.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::IpAddr,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::support::{Beside, binary, python};

const APPLICATION: &str = "the application's own words";
/// The pod's addresses; the namespaces are the test's own, so they collide with nothing.
const ADDRESSES: [&str; 2] = ["10.91.7.1", "[fd91:7::1]"];

/// Two namespaces with a wire between them: a pod and its client. Removed when dropped.
struct Wire {
    pod: String,
    client: String,
}

impl Wire {
    /// `None`, and why on standard error, where this machine lets nobody make one.
    fn lay(name: &str) -> Option<Self> {
        let id = std::process::id();
        let wire = Self { pod: format!("privet-{name}-{id}-p"), client: format!("privet-{name}-{id}-c") };
        let made = ip(&["netns", "add", &wire.pod]).and_then(|()| ip(&["netns", "add", &wire.client]));
        if let Err(why) = made {
            eprintln!("skipped: network namespaces can't be made here: {why}");
            return None;
        }
        ip(&["-n", &wire.pod, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", &wire.client])
            .expect("a wire");
        for (place, host) in [(&wire.pod, 1), (&wire.client, 2)] {
            let (v4, v6) = (format!("10.91.7.{host}/24"), format!("fd91:7::{host}/64"));
            ip(&["-n", place, "addr", "add", &v4, "dev", "eth0"]).expect("an address");
            ip(&["-n", place, "addr", "add", &v6, "dev", "eth0", "nodad"]).expect("an address");
            ip(&["-n", place, "link", "set", "eth0", "up"]).expect("up");
            ip(&["-n", place, "link", "set", "lo", "up"]).expect("up");
        }
        Some(wire)
    }

    /// A command in one of the two.
    fn within(place: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", place, program]);
        command
    }

    /// Whether what curl gets has the application's words; and all that it got.
    fn reaches(place: &str, before: &[&str], url: &str) -> (bool, String) {
        let mut words = before.iter().copied().chain(["curl", "-gksi", "--max-time", "20", url]);
        let out = Self::within(place, words.next().expect("a program")).args(words).output().expect("runs");
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        (text.contains(APPLICATION), text)
    }

    /// Prints rules and hands them to who applies them, in the pod.
    fn apply(&self, table: &str, more: &[&str]) {
        let rules = printed(table, more);
        assert!(self.hand(table, &rules), "{rules}");
    }

    /// Hands rules to who applies them, in the pod; whether they were taken.
    fn hand(&self, table: &str, rules: &str) -> bool {
        let (program, args): (_, &[&str]) = if table == "nft" { ("nft", &["-f", "-"]) } else { ("sh", &[]) };
        let mut applied = Self::within(&self.pod, program)
            .args(args)
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .stdin(Stdio::piped())
            .spawn()
            .expect("runs");
        applied.stdin.take().expect("piped").write_all(rules.as_bytes()).expect("written");
        applied.wait().expect("ends").success()
    }
}

fn printed(table: &str, more: &[&str]) -> String {
    let printed = Command::new(binary()).args(["intercept", "--print", "--table", table]).args(more).output();
    let Output { stdout, status, .. } = printed.expect("privet runs");
    assert!(status.success());
    String::from_utf8(stdout).expect("text")
}

impl Drop for Wire {
    fn drop(&mut self) {
        for place in [&self.pod, &self.client] {
            let _ = ip(&["netns", "del", place]);
        }
    }
}

fn ip(args: &[&str]) -> Result<(), String> {
    let out = Command::new("ip").args(args).output().map_err(|error| error.to_string())?;
    if out.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&out.stderr).trim().to_owned()) }
}

/// The application on every address of the pod, as one that can't be told to bind to loopback; and Privet.
fn both(wire: &Wire, dir: &std::path::Path) -> [Beside; 2] {
    std::fs::write(dir.join("index.html"), APPLICATION).expect("written");
    let config = "[listen]\nhttps = \"[::]:8443\"\nhttp = \"off\"\nadmin = \"off\"\n[[route]]\nupstream = \"http://127.0.0.1:9000\"\n";
    std::fs::write(dir.join("privet.toml"), config).expect("written");
    let start = |program: &std::path::Path, args: &[&str]| -> Child {
        Wire::within(&wire.pod, program.to_str().expect("a path"))
            .args(args)
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts")
    };
    [
        Beside(start(&python(), &["-m", "http.server", "--bind", "::", "9000"])),
        Beside(start(&binary(), &["serve", "--config", "privet.toml"])),
    ]
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(240), "never: {what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn leads_to_privet(table: &str) {
    let Some(wire) = Wire::lay(table) else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let _both = both(&wire, dir.path());
    for address in ADDRESSES {
        assert!(address.trim_matches(['[', ']']).parse::<IpAddr>().is_ok());
        until("the application", || Wire::reaches(&wire.client, &[], &format!("http://{address}:9000/")).0);
        until("Privet", || Wire::reaches(&wire.client, &[], &format!("https://{address}:8443/")).0);
    }
    // A second time changes nothing: an init container may be run again.
    for _ in 0..2 {
        wire.apply(table, &["--port", "9000,9001", "--uid", "0"]);
    }
    for address in ADDRESSES {
        let (tls, plain) = (format!("https://{address}:9000/"), format!("http://{address}:9000/"));
        let (reached, text) = Wire::reaches(&wire.client, &[], &tls);
        assert!(reached && text.contains("x-request-id"), "{table} {tls}: {text}");
        let (around, text) = Wire::reaches(&wire.client, &[], &plain);
        assert!(!around, "{table}: a way around Privet: {text}");
        // Neighbours in the pod may not go around it either; Privet (here root) may, and loopback is left alone.
        let stranger = ["setpriv", "--reuid=12345", "--clear-groups"];
        assert!(!Wire::reaches(&wire.pod, &stranger, &plain).0, "{table}: a neighbour goes around Privet");
        assert!(Wire::reaches(&wire.pod, &stranger, &tls).0, "{table}: a neighbour reaches Privet");
        assert!(Wire::reaches(&wire.pod, &[], &plain).0, "{table}: Privet reaches the application");
    }
    for loopback in ["127.0.0.1", "[::1]"] {
        assert!(Wire::reaches(&wire.pod, &["setpriv", "--reuid=12345"], &format!("http://{loopback}:9000/")).0);
    }
    for _ in 0..2 {
        wire.apply(table, &["--remove"]);
    }
    for address in ADDRESSES {
        assert!(Wire::reaches(&wire.client, &[], &format!("http://{address}:9000/")).0, "{table}: all is as before");
    }
}

/// Clients that connect anew for every request, in cleartext, until standard input ends; then says how many did, and how many reached the application.
const STREAM: &str = r#"
import socket, sys, threading, time
ended, counts, lock = threading.Event(), [0, 0], threading.Lock()
def client(address):
    while not ended.is_set():
        text = b""
        try:
            with socket.create_connection((address, 9000), timeout=10) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                while part := connection.recv(65536): text += part
        except OSError:
            pass
        with lock:
            counts[0] += 1
            counts[1] += b"own words" in text
            if counts[0] == 40: print("under way", flush=True)
        time.sleep(0.001)
threads = [threading.Thread(target=client, args=[address]) for address in sys.argv[1:] * 2]
[t.start() for t in threads]
sys.stdin.read()
ended.set(); [t.join() for t in threads]
print(*counts)
"#;

/// New connections come all the time while the rules are applied again, and while rules are refused in the middle: none goes around Privet.
fn lets_none_past(table: &str) {
    let Some(wire) = Wire::lay(&format!("{table}s")) else { return };
    let dir = tempfile::tempdir().expect("a folder");
    let _both = both(&wire, dir.path());
    for address in ADDRESSES {
        until("the application", || Wire::reaches(&wire.client, &[], &format!("http://{address}:9000/")).0);
        until("Privet", || Wire::reaches(&wire.client, &[], &format!("https://{address}:8443/")).0);
    }
    let rules = printed(table, &["--port", "9000,9001", "--uid", "0"]);
    assert!(wire.hand(table, &rules));
    let python = python();
    let stream = Wire::within(&wire.client, python.to_str().expect("a path"))
        .args(["-c", STREAM])
        .args(ADDRESSES.map(|address| address.trim_matches(['[', ']'])))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stream = Beside(stream);
    let mut said = BufReader::new(stream.0.stdout.take().expect("piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "under way");
    for _ in 0..20 {
        assert!(wire.hand(table, &rules));
    }
    // A kernel that refuses a line leaves what was.
    let refused = match table {
        "nft" => rules.replace("ip6 daddr ::1 accept", "oifname \"eth0\" goto nowhere"),
        _ => rules.replace("-m owner", "-m nothing"),
    };
    assert_ne!(refused, rules);
    assert!(!wire.hand(table, &refused), "{refused}");
    drop(stream.0.stdin.take());
    line.clear();
    said.read_line(&mut line).expect("a line");
    let (sent, around) = line.trim().split_once(' ').expect("two numbers");
    assert!(sent.parse::<u32>().expect("a number") > 40, "{line}");
    assert_eq!(around, "0", "{table}: of {sent} connections");
    let plain = format!("http://{}:9000/", ADDRESSES[0]);
    assert!(!Wire::reaches(&wire.client, &[], &plain).0, "{table}: the rules of before hold");
}

#[test]
fn nftables_lets_none_past_while_it_is_applied() {
    lets_none_past("nft");
}

#[test]
fn iptables_lets_none_past_while_it_is_applied() {
    lets_none_past("iptables");
}

#[test]
fn nftables_leads_to_privet_and_not_around_it() {
    leads_to_privet("nft");
}

#[test]
fn iptables_leads_to_privet_and_not_around_it() {
    leads_to_privet("iptables");
}
