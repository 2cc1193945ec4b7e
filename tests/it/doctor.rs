//! `privet doctor` names each fault that is staged here, and nothing where there is none. Faults of the kernel's own (swap, core dumps, control
//! groups) and of systemd are staged as files in its unit tests.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
    process::{Command, Output},
    time::{Duration, SystemTime},
};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::Value;
use tempfile::TempDir;

use super::{clamd::Clamd, database::Database, redis::Redis};
use crate::support::{Beside, OK, Origin, Privet, binary, free_port};

/// A folder with a configuration of a gateway that does not run.
struct Place {
    dir: TempDir,
    origin: Origin,
}

impl Place {
    /// With lines above everything, and tables below the route.
    fn with(top: &str, more: &str) -> Self {
        Self::to(Origin::start(OK), top, more)
    }

    fn to(origin: Origin, top: &str, more: &str) -> Self {
        let place = Self { dir: tempfile::tempdir().expect("a folder"), origin };
        let listen = [free_port(), free_port(), free_port()];
        let [https, http, admin] = listen.map(|port| format!("127.0.0.1:{port}"));
        place.write(&format!(
            "{top}\n[listen]\nhttps = \"{https}\"\nhttp = \"{http}\"\nadmin = \"{admin}\"\n[limits]\nconnections = 50\n{}\n{more}",
            place.origin.route("")
        ));
        place
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, text: &str) {
        fs::write(self.path("privet.toml"), text).expect("written");
        mode(&self.path("privet.toml"), 0o600);
    }

    fn rewrite(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path("privet.toml")).expect("a file");
        assert!(text.contains(from), "{text}");
        self.write(&text.replace(from, to));
    }

    /// What a check finds, `severity name` each.
    fn found(&self, only: &[&str]) -> (i32, Vec<String>) {
        looked(&run(self.command(only)))
    }

    fn command(&self, only: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command.args(["doctor", "--config", "privet.toml", "--json"]).current_dir(self.dir.path());
        only.iter().for_each(|name| {
            command.args(["--only", name]);
        });
        command
    }

    /// A fault, told by its check, and the exit code that goes with it.
    fn has(&self, check: &str, finding: &str) {
        let (code, found) = self.found(&[check]);
        assert!(found.iter().any(|known| known == finding), "{finding} is not among {found:?}");
        assert_eq!(code, i32::from(found.iter().any(|known| known.starts_with("fault"))), "{found:?}");
    }

    fn is_well(&self, check: &str) {
        assert_eq!(self.found(&[check]), (0, Vec::new()), "{check}");
    }
}

fn run(mut command: Command) -> Output {
    command.output().expect("privet runs")
}

fn looked(out: &Output) -> (i32, Vec<String>) {
    let text = String::from_utf8_lossy(&out.stdout);
    let said: Value =
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&out.stderr)));
    let row = |row: &Value| {
        assert!(
            row["seen"].as_str().is_some_and(|seen| !seen.is_empty())
                && row["mend"].as_str().is_some_and(|mend| !mend.is_empty())
        );
        format!("{} {}", row["severity"].as_str().unwrap_or_default(), row["name"].as_str().unwrap_or_default())
    };
    (out.status.code().unwrap_or(-1), said["findings"].as_array().expect("a list").iter().map(row).collect())
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("skipped: only root can stage it");
    }
    root
}

#[test]
fn a_gateway_that_is_well() {
    let place = Place::with("", "");
    let out = run(place.command(&[]));
    let (code, found) = looked(&out);
    assert!(!found.iter().any(|known| known.starts_with("fault")), "{found:?}");
    assert!(code == 0, "{}", String::from_utf8_lossy(&out.stdout));
    assert!(
        found.contains(&"note gateway.absent".to_owned()) && found.contains(&"note tls.development".to_owned()),
        "{found:?}"
    );
    assert!(!place.path("data").exists() && !place.path("certs").exists(), "nothing is changed");
}

#[test]
fn usage_and_a_broken_configuration() {
    let place = Place::with("", "");
    assert_eq!(run(place.command(&["nonsense"])).status.code(), Some(2));
    place.write("[[route]]\n");
    assert_eq!(run(place.command(&[])).status.code(), Some(2));
}

#[test]
fn a_clock_that_is_off() {
    let at = |ahead: i64| {
        let then = time::OffsetDateTime::now_utc() + time::Duration::seconds(ahead);
        let text = then.format(&time::format_description::well_known::Rfc2822).expect("a date").replace("+0000", "GMT");
        Place::to(
            Origin::start_with(move |_, _| {
                Some(format!("HTTP/1.1 200 OK\r\nDate: {text}\r\nContent-Length: 0\r\n\r\n"))
            }),
            "",
            "",
        )
    };
    at(0).is_well("clock");
    at(-3600).has("clock", "fault clock.skew");
    at(3600).has("clock", "fault clock.skew");
}

#[test]
fn a_journal_of_tomorrow_and_back_ups_that_nobody_makes() {
    let then = time::OffsetDateTime::from(SystemTime::now()) + time::Duration::days(2);
    let then = then.format(&time::format_description::well_known::Rfc3339).expect("a date");
    let mut demo = Privet::demo_with(&["--data", "data", "--now", &then]);
    demo.signal("-TERM");
    demo.child.wait().expect("ended");
    let place = Place::with("", "");
    place.rewrite("\n[listen]", &format!("data_dir = \"{}\"\n[listen]", demo.dir.path().join("data").display()));
    place.has("clock", "fault clock.future");
    let (_, found) = place.found(&["backup"]);
    assert_eq!(found, ["warning backup.key", "warning backup.none", "note backup.drill"]);
    place.has("journal", "note journal.unwitnessed");
    // What ends within a record.
    let folder = demo.dir.path().join("data/journal");
    let segments = fs::read_dir(&folder).expect("a journal").flatten().map(|entry| entry.path());
    let last = segments.filter(|path| path.extension().is_some_and(|end| end == "journal")).max().expect("a segment");
    let bytes = fs::read(&last).expect("a segment");
    fs::write(&last, &bytes[..bytes.len() - 5]).expect("written");
    let (_, found) = place.found(&["journal"]);
    assert!(found.contains(&"warning journal.torn".to_owned()), "{found:?}");
    let mut damaged = bytes;
    damaged[60] ^= 1;
    fs::write(&last, &damaged).expect("written");
    place.has("journal", "fault journal.damaged");
}

#[test]
fn a_back_up_that_is_made_and_a_witness_that_is_gone() {
    let place = Place::with("", "[[journal.witness]]\nfile = \"gone/witness\"\n");
    let privet = |args: &[&str]| {
        let out = Command::new(binary()).args(args).current_dir(place.dir.path()).output().expect("privet runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    let mut gateway = Served::start(&place);
    gateway.end();
    place.has("journal", "warning journal.unwitnessed");
    fs::write(place.path("words"), "correct horse battery staple\n").expect("written");
    mode(&place.path("words"), 0o600);
    privet(&["backup", "create", "--config", "privet.toml", "-o", "a.backup", "--passphrase-file", "words"]);
    assert_eq!(place.found(&["backup"]), (0, vec!["note backup.drill".to_owned()]));
}

/// A gateway by the configuration of a place.
struct Served(std::process::Child);

impl Served {
    fn start(place: &Place) -> Self {
        let log = fs::File::create(place.path("log")).expect("a log");
        let child = Command::new(binary())
            .args(["serve", "--config", "privet.toml"])
            .current_dir(place.dir.path())
            .stdout(std::process::Stdio::null())
            .stderr(log)
            .spawn();
        let served = Self(child.expect("starts"));
        for _ in 0..1200 {
            // Answers to commands, and has looked at itself.
            let out = run(place.command(&["gateway"]));
            if looked(&out) == (0, Vec::new()) && place.path("data/control.sock").exists() {
                return served;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("never ready: {}", fs::read_to_string(place.path("log")).unwrap_or_default());
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.end();
    }
}

#[test]
fn a_gateway_that_refuses_its_file() {
    let place = Place::with("", "");
    let _gateway = Served::start(&place);
    // Valid, and a port that is somebody else's.
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let text = fs::read_to_string(place.path("privet.toml")).expect("a file");
    let http = text.lines().find(|line| line.starts_with("http =")).expect("a line").to_owned();
    place.rewrite(&http, &format!("http = \"{}\"", taken.local_addr().expect("bound")));
    place.has("gateway", "fault gateway.stale");
}

/// `leaf.pem` and `leaf.key` for a name, good for so many days, of an authority that is `ca.pem`.
fn certificates(place: &Place, days: i64, name: &str) {
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("valid");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::CommonName, "an authority of tests");
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).expect("valid");
    leaf.not_before = time::OffsetDateTime::now_utc() - time::Duration::days(60);
    leaf.not_after = time::OffsetDateTime::now_utc() + time::Duration::days(days);
    let leaf = leaf.signed_by(&key, &issuer).expect("signed");
    for (name, text) in [("ca.pem", issuer.pem()), ("leaf.pem", leaf.pem()), ("leaf.key", key.serialize_pem())] {
        fs::write(place.path(name), text).expect("written");
    }
    mode(&place.path("leaf.key"), 0o600);
}

#[test]
fn certificates_that_browsers_refuse() {
    let place = Place::with("", "[[tls.certificate]]\nchain = \"leaf.pem\"\nkey = \"leaf.key\"\n");
    place.rewrite("[[route]]", "[[route]]\nhost = \"shop.test\"");
    let look = || {
        let mut command = place.command(&["tls"]);
        command.args(["--ca", "ca.pem"]);
        looked(&run(command)).1
    };
    certificates(&place, 90, "shop.test");
    assert_eq!(look(), Vec::<String>::new());
    place.has("tls", "fault tls.chain");
    certificates(&place, 10, "shop.test");
    assert_eq!(look(), ["warning tls.soon"]);
    certificates(&place, 1, "shop.test");
    assert_eq!(look(), ["fault tls.soon"]);
    certificates(&place, -1, "shop.test");
    assert_eq!(look(), ["fault tls.expired"]);
    certificates(&place, 90, "other.test");
    assert_eq!(look(), ["fault tls.host"]);
    // The authority in the file, which nobody knows.
    let whole = fs::read_to_string(place.path("leaf.pem")).expect("a chain")
        + &fs::read_to_string(place.path("ca.pem")).expect("a CA");
    fs::write(place.path("leaf.pem"), whole).expect("written");
    place.has("tls", "warning tls.private");
    fs::write(place.path("leaf.key"), KeyPair::generate().expect("a key").serialize_pem()).expect("written");
    assert_eq!(look(), ["fault tls.pair"]);
}

#[test]
fn ports_that_are_not_to_be_had() {
    let place = Place::with("", "");
    place.is_well("ports");
    let text = fs::read_to_string(place.path("privet.toml")).expect("a file");
    let line = text.lines().find(|line| line.starts_with("https =")).expect("a line").to_owned();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    place.write(&text.replace(&line, &format!("https = \"{}\"", taken.local_addr().expect("bound"))));
    place.has("ports", "fault ports.taken");
    place.write(&text.replace(&line, "https = \"198.51.100.7:8443\""));
    place.has("ports", "fault ports.address");
    place.write(&text.replace(&line, "https = \"127.0.0.1:443\""));
    if is_root()
        && fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").is_ok_and(|start| start.trim() == "1024")
    {
        let (_, found) = looked(&run(as_nobody(&place, &["ports"])));
        assert_eq!(found, ["fault ports.privilege"]);
    }
}

/// The same by a user who is not root, and owns nothing.
fn as_nobody(place: &Place, only: &[&str]) -> Command {
    mode(place.dir.path(), 0o755);
    mode(&place.path("privet.toml"), 0o644);
    // Nobody may look into the folder of a build that is root's own.
    let own = place.path("privet");
    if !own.exists() {
        fs::copy(binary(), &own).expect("copied");
        mode(&own, 0o755);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]).arg(own);
    command.args(["doctor", "--config", "privet.toml", "--json"]).current_dir(place.dir.path());
    only.iter().for_each(|name| {
        command.args(["--only", name]);
    });
    command
}

#[test]
fn applications_that_are_not_there_or_there_for_everybody() {
    let place = Place::with("", "");
    place.is_well("upstream");
    let url = place.origin.url();
    place.rewrite(&url, &format!("http://127.0.0.1:{}", free_port()));
    place.has("upstream", "fault upstream.refused");
    let other = Place::with("", "");
    other.rewrite(&other.origin.url(), "https://application.invalid");
    other.has("upstream", "fault upstream.resolve");
    let clear = TcpListener::bind("127.0.0.1:0").expect("a port");
    let secure = format!("https://{}", clear.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for mut socket in clear.incoming().flatten() {
            let _ = std::io::Write::write_all(&mut socket, b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let place = Place::with("", "");
    place.rewrite(&place.origin.url(), &secure);
    place.has("upstream", "fault upstream.tls");
    let looped = Place::with("", "");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let text = fs::read_to_string(looped.path("privet.toml")).expect("a file");
    let line = text.lines().find(|line| line.starts_with("https =")).expect("a line").to_owned();
    looped.rewrite(&line, &format!("https = \"{address}\""));
    looped.rewrite(&looped.origin.url(), &format!("http://{address}"));
    looped.has("upstream", "fault upstream.loop");
}

#[test]
fn an_application_that_is_reached_around_the_gateway() {
    let open = Origin::on("0.0.0.0:0", |_, _| Some(OK.to_owned()));
    let port = open.address.port();
    let out = Command::new("hostname").arg("-I").output();
    let others = out.map(|out| String::from_utf8_lossy(&out.stdout).contains('.')).unwrap_or(false);
    if !others {
        eprintln!("skipped: this machine has no address besides loopback");
        return;
    }
    let place = Place::with("", "");
    place.rewrite(&place.origin.url(), &format!("http://127.0.0.1:{port}"));
    place.has("upstream", "fault upstream.around");
}

#[test]
fn too_few_descriptors() {
    let place = Place::with("", "");
    place.is_well("limits.descriptors");
    let mut command = Command::new("prlimit");
    command.arg("--nofile=100:100").arg(binary());
    command
        .args(["doctor", "--config", "privet.toml", "--json", "--only", "limits.descriptors"])
        .current_dir(place.dir.path());
    assert_eq!(looked(&run(command)), (1, vec!["fault limits.descriptors".to_owned()]));
}

#[test]
fn files_that_others_can_read_or_own() {
    let place = Place::with("", "");
    fs::create_dir(place.path("data")).expect("made");
    mode(&place.path("data"), 0o700);
    fs::write(place.path("data/seal.key"), "").expect("written");
    mode(&place.path("data/seal.key"), 0o600);
    place.is_well("files");
    mode(&place.path("data/seal.key"), 0o640);
    place.has("files", "warning files.mode");
    mode(&place.path("data/seal.key"), 0o644);
    place.has("files", "fault files.mode");
    mode(&place.path("data/seal.key"), 0o600);
    mode(&place.path("data"), 0o755);
    place.has("files", "fault files.mode");
    mode(&place.path("data"), 0o700);
    if is_root() {
        chown(place.path("data/seal.key"), Some(65534), None).expect("given away");
        place.has("files", "fault files.owner");
    }
}

#[test]
fn a_configuration_that_everybody_can_read() {
    let place = Place::with("", "");
    place.rewrite("[[route]]", "[[route]]\nupstream_authorization = \"Basic c2VjcmV0\"");
    place.is_well("config");
    mode(&place.path("privet.toml"), 0o644);
    place.has("config", "fault config.readable");
    mode(&place.path("privet.toml"), 0o622);
    place.has("config", "fault config.writable");
}

#[test]
fn a_data_folder_without_room_in_memory_or_of_somebody_else() {
    let place = Place::with("", "");
    place.is_well("log");
    if !is_root() {
        return;
    }
    fs::create_dir(place.path("data")).expect("made");
    let (_, found) = looked(&run(as_nobody(&place, &["data.unwritable"])));
    assert_eq!(found, ["fault data.unwritable"]);
    let full = |options: &str| {
        let script = format!(
            "mount -t tmpfs -o {options} none data && for i in $(seq 18); do touch data/$i; done && exec {} doctor --config privet.toml --json --only data",
            binary().display()
        );
        Command::new("unshare")
            .args(["-m", "sh", "-c", &script])
            .current_dir(place.dir.path())
            .output()
            .expect("unshare runs")
    };
    if !Command::new("unshare").args(["-m", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: there are no mount namespaces here");
        return;
    }
    assert_eq!(looked(&full("size=64m,mode=700")).1, ["fault data.tmpfs"]);
    let filled = Command::new("unshare")
        .args(["-m", "sh", "-c", &format!("mount -t tmpfs -o size=8m,mode=700 none data && head -c 8000000 /dev/zero >data/x; exec {} doctor --config privet.toml --json --only data", binary().display())])
        .current_dir(place.dir.path())
        .output()
        .expect("unshare runs");
    assert_eq!(looked(&filled).1, ["fault data.full", "fault data.tmpfs"]);
    assert_eq!(looked(&full("size=64m,mode=700,nr_inodes=20")).1, ["fault data.inodes", "fault data.tmpfs"]);
}

#[test]
fn a_log_that_can_not_be_written() {
    let place = Place::with("", "[access_log]\npath = \"gone/access.log\"\n");
    place.has("log", "fault log.path");
}

#[test]
fn a_store_that_is_away_or_refuses() {
    let redis = Redis::with(&["--requirepass", "hunter2"]);
    let place = Place::with("", &format!("[store]\nredis = \"redis://:hunter2@127.0.0.1:{}\"\n", redis.port));
    place.is_well("redis");
    place.rewrite("hunter2", "hunter3");
    place.has("redis", "fault redis.refused");
    place.rewrite(":hunter3@", "");
    place.has("redis", "fault redis.refused");
    drop(redis);
    place.has("redis", "fault redis.unreachable");
}

#[test]
fn scanners_that_are_away_or_know_nothing_new() {
    let clamd = Clamd::start();
    let route =
        |clamd: &Clamd| format!("antivirus = \"block\"\n[antivirus]\nclamd = \"tcp:127.0.0.1:{}\"\n", clamd.port);
    let place = Place::with("", &route(&clamd));
    place.has("antivirus", "warning antivirus.stale");
    drop(clamd);
    place.has("antivirus", "fault antivirus.unreachable");
    let mut old = Clamd::start();
    old.daily(Duration::from_secs(10 * 86_400));
    old.kill();
    old.run();
    let place = Place::with("", &route(&old));
    place.has("antivirus", "fault antivirus.stale");
}

#[test]
fn a_database_that_is_away_or_refuses() {
    let Some(mut database) = Database::start() else { return };
    let place = Place::with("", &format!("[store]\npostgres = \"{}\"\n", database.url()));
    place.is_well("database");
    place.rewrite("correct%20horse", "wrong");
    place.has("database", "fault database.refused");
    database.kill();
    place.has("database", "fault database.unreachable");
}

#[test]
fn a_journal_that_somebody_else_holds() {
    let place = Place::with("", "");
    fs::create_dir_all(place.path("data/journal")).expect("made");
    let (_holder, said) = Beside::python_with(
        "import fcntl, os, sys, time\nfile = open(sys.argv[1], 'w')\nfcntl.flock(file, fcntl.LOCK_EX)\nfile.write('%d\\n' % os.getpid())\nfile.flush()\nprint('held', flush=True)\ntime.sleep(600)",
        &[&place.path("data/journal/lock")],
    );
    assert_eq!(said, "held");
    place.has("journal", "fault journal.held");
}

#[test]
fn an_issuer_that_is_away_or_somebody_else() {
    let realm = |issuer: &str| {
        format!(
            "gate = \"staff\"\n[[realm]]\nname = \"staff\"\n[realm.oidc]\nissuer = \"{issuer}\"\nclient_id = \"privet\"\n"
        )
    };
    let other = Origin::start_with(|_, _| {
        let body = "{\"issuer\":\"http://127.0.0.1:1\"}";
        Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()))
    });
    let place = Place::with("", &realm(&other.url()));
    place.has("oidc", "fault oidc.discovery");
    let place = Place::with("", &realm(&format!("http://127.0.0.1:{}", free_port())));
    place.has("oidc", "fault oidc.unreachable");
}

#[test]
fn an_authority_that_is_away_or_none() {
    let order = |directory: &str| {
        format!("[[tls.acme]]\ndomains = [\"shop.invalid\"]\ndirectory = \"{directory}\"\nagree_to_terms = true\n")
    };
    let place = Place::with("", &order(&format!("http://127.0.0.1:{}/dir", free_port())));
    place.has("acme", "fault acme.unreachable");
    place.has("acme", "warning acme.domain");
    let none = Origin::start(OK);
    let place = Place::with("", &order(&none.url()));
    place.has("acme", "fault acme.directory");
}

#[test]
fn people_can_read_it() {
    let place = Place::with("", "[access_log]\npath = \"gone/access.log\"\n");
    let out = Command::new(binary())
        .args(["doctor", "--config", "privet.toml", "--only", "log"])
        .current_dir(place.dir.path())
        .output()
        .expect("runs");
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(text.starts_with("fault    log.path\n    ") && text.contains("    do: install -d"), "{text}");
    assert!(text.ends_with("faults: 1, warnings: 0, notes: 0, checks: 1\n"), "{text}");
}
