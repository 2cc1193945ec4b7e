//! Three replicas in network namespaces of their own, behind `HAProxy` and on one Redis: each is killed and ended under load, and
//! comes back, and limits on attempts at the login are one for all of them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{ChildStdin, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    redis::certificates,
    support::{Beside, binary, python},
};

const HUB: &str = "10.77.0.1";

/// A network namespace, held by a process that does nothing else; the kernel takes it away with the last of its processes.
struct Space(Beside);

impl Space {
    /// `None` where this machine lets us have none.
    fn new() -> Option<Self> {
        let child = Command::new("unshare").args(["--net", "sleep", "900"]).stderr(Stdio::null()).spawn().ok()?;
        let mut space = Self(Beside(child));
        let link = |id: u32| fs::read_link(format!("/proc/{id}/ns/net")).ok();
        for _ in 0..600 {
            if space.0.0.try_wait().ok()?.is_some() {
                return None;
            }
            if link(space.id()) != link(std::process::id()) {
                return Some(space);
            }
            thread::sleep(Duration::from_millis(20));
        }
        None
    }

    fn id(&self) -> u32 {
        self.0.0.id()
    }

    /// A command that runs in here.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.id().to_string(), "--net"]).arg(program.as_ref());
        command
    }

    fn ip(&self, arguments: &str) {
        let out = self.command("ip").args(arguments.split(' ')).output().expect("ip runs; tests/run installs iproute2");
        assert!(out.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&out.stderr));
    }
}

/// One Privet, and the address that is its own.
struct Replica {
    space: Space,
    dir: TempDir,
    address: String,
    child: Option<Beside>,
}

impl Replica {
    fn start(&mut self) {
        let log = fs::File::options().append(true).create(true).open(self.dir.path().join("log")).expect("a log");
        let child = self
            .space
            .command(binary())
            .args(["serve", "--config", "privet.toml"])
            .current_dir(self.dir.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("starts");
        self.child = Some(Beside(child));
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.as_ref().expect("running").0.id();
        let id = rustix::process::Pid::from_raw(i32::try_from(id).expect("small")).expect("a process");
        rustix::process::kill_process(id, signal).expect("our child");
    }

    fn ended(&mut self) -> std::process::ExitStatus {
        self.child.take().expect("running").0.wait().expect("a child")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

/// The replicas, and a hub with the balancer, the store, the application and the clients.
struct Site {
    replicas: Vec<Replica>,
    driver: (ChildStdin, BufReader<ChildStdout>),
    _programs: Vec<Beside>,
    certificates: TempDir,
    _hub: Space,
}

impl Site {
    fn build() -> Option<Self> {
        let hub = Space::new()?;
        let certificates = certificates();
        hub.ip("link set lo up");
        hub.ip("link add br0 type bridge");
        hub.ip(&format!("addr add {HUB}/24 dev br0"));
        hub.ip("link set br0 up");
        let mut programs = Vec::new();
        let mut run =
            |command: &mut Command| programs.push(Beside(command.spawn().expect("starts; tests/run installs it")));
        let quiet = ["--port", "6379", "--protected-mode", "no", "--save", "", "--appendonly", "no"];
        let dir = certificates.path();
        let log = |name: &str| fs::File::create(dir.join(name)).expect("a log");
        run(hub.command("redis-server").args(["--bind", HUB]).args(quiet).current_dir(dir).stdout(log("redis")));
        let balancer = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/haproxy/haproxy.cfg");
        run(hub
            .command("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(balancer)
            .stdout(log("haproxy"))
            .stderr(log("haproxy-errors")));
        let mut driver = hub
            .command(python())
            .args(["-c", include_str!("replicas.py")])
            .arg(dir.join("ca.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let pipes = (driver.stdin.take().expect("piped"), BufReader::new(driver.stdout.take().expect("piped")));
        programs.push(Beside(driver));
        let replicas = (1..=3).map(|number| replica(&hub, number, dir)).collect::<Option<_>>()?;
        let mut site = Self { replicas, driver: pipes, _programs: programs, certificates, _hub: hub };
        assert_eq!(site.read(), "up");
        Some(site)
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.driver.1.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).expect("JSON")
    }

    fn tell(&mut self, command: &str) -> Value {
        writeln!(self.driver.0, "{command}").expect("told");
        self.read()
    }

    fn answered(&mut self, address: &str) -> u64 {
        self.tell("answered")[address].as_u64().unwrap_or(0)
    }

    /// Waits until clients were answered by this replica twenty times more.
    fn until_answering(&mut self, index: usize) {
        let address = self.replicas[index].address.clone();
        let (before, start) = (self.answered(&address), Instant::now());
        while self.answered(&address) < before + 20 {
            if start.elapsed() > Duration::from_secs(60) {
                let (last, log) = (self.failures().1.pop(), self.replicas[index].log());
                let balancer = fs::read_to_string(self.certificates.path().join("haproxy")).unwrap_or_default();
                panic!("{address} is asked nothing; the last that failed: {last:?}\n{log}\n{balancer}");
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Ends the load: how often clients were answered, and what failed.
    fn failures(&mut self) -> (u64, Vec<Value>) {
        let outcome = self.tell("stop");
        (outcome["answered"].as_u64().expect("a number"), outcome["failures"].as_array().expect("a list").clone())
    }
}

/// A replica that is linked to the hub and configured, and not yet running.
fn replica(hub: &Space, number: usize, shared: &Path) -> Option<Replica> {
    let (space, dir) = (Space::new()?, tempfile::tempdir().expect("a folder"));
    let address = format!("10.77.0.1{number}");
    hub.ip(&format!("link add replica{number} type veth peer name eth0 netns {}", space.id()));
    hub.ip(&format!("link set replica{number} master br0 up"));
    space.ip("link set lo up");
    space.ip(&format!("addr add {address}/24 dev eth0"));
    space.ip("link set eth0 up");
    let config = format!(
        r#"data_dir = "data"
[listen]
https = "{address}:8443"
http = "{address}:8080"
admin = "{address}:9901"
trusted = ["{HUB}/32"]
proxy_protocol = true
[[tls.certificate]]
chain = "{0}/leaf.pem"
key = "{0}/leaf.key"
[seal]
key_file = "{0}/seal.key"
[store]
redis = "redis://{HUB}:6379"
replicas = 3
cleartext_reason = "a test's own network"
[[route]]
upstream = "http://{HUB}:9000"
cleartext_reason = "a test's own network"
[[login]]
path = "/login"
preset = "form-redirect"
username = "form:user"
failure = {{ body = "wrong password" }}
limits = {{ account_address = "5/1h", account = "20/1h", address = "60/1h", route = "600/1h" }}
"#,
        shared.display()
    );
    fs::write(dir.path().join("privet.toml"), config).expect("written");
    Some(Replica { space, dir, address, child: None })
}

/// The clock that the clients' Python reads, too.
fn monotonic() -> f64 {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).expect("below a second")).as_secs_f64()
}

#[test]
fn each_is_killed_and_ended_under_load_and_limits_are_one_for_all() {
    let Some(mut site) = Site::build() else {
        println!("skipped: network namespaces can't be made here (needs root)");
        return;
    };
    (0..3).for_each(|index| site.replicas[index].start());
    // Only the kernel's word is taken for a replica that is up: the clients are answered by each.
    site.tell("load");
    (0..3).for_each(|index| site.until_answering(index));
    // What came before the first replica was up had nobody to go to.
    site.failures();
    let limit = |site: &mut Site, user: &str, reached: u64| {
        let outcome = site.tell(&format!("guess {user} 15"));
        assert_eq!(outcome["reached"], reached, "{user}: {outcome}");
        assert_eq!(outcome["refused"], 15 - reached, "{user}: {outcome}");
        outcome["replicas"].as_u64().expect("a number")
    };
    assert_eq!(limit(&mut site, "alice", 5), 3, "spread over all");

    // Killed: what was open at it may break, and nothing else.
    site.tell("load");
    let mut kills = Vec::new();
    for index in 0..3 {
        site.until_answering(index);
        site.replicas[index].signal(rustix::process::Signal::KILL);
        site.replicas[index].ended();
        kills.push((site.replicas[index].address.clone(), monotonic()));
        (0..3).filter(|other| *other != index).for_each(|other| site.until_answering(other));
        site.replicas[index].start();
        site.until_answering(index);
    }
    let (answered, failures) = site.failures();
    for failure in &failures {
        let opened = failure["opened"].as_f64().expect("a time");
        let excused = kills.iter().any(|(address, at)| {
            opened <= *at && (failure["replica"].is_null() || failure["replica"] == address.as_str())
        });
        assert!(excused, "{failure}, killed: {kills:?}");
    }
    // Six clients with a connection each: no kill can break more.
    assert!(failures.len() <= 18, "{failures:?}");
    println!("killed: {answered} answers, {} connections broken", failures.len());
    limit(&mut site, "alice", 0);
    limit(&mut site, "bob", 5);

    // Ended: nothing breaks.
    site.tell("load");
    for index in 0..3 {
        site.until_answering(index);
        site.replicas[index].signal(rustix::process::Signal::TERM);
        assert!(site.replicas[index].ended().success(), "{}", site.replicas[index].log());
        (0..3).filter(|other| *other != index).for_each(|other| site.until_answering(other));
        site.replicas[index].start();
        site.until_answering(index);
    }
    let (answered, failures) = site.failures();
    println!("ended: {answered} answers, {} broken", failures.len());
    assert!(failures.is_empty(), "{failures:?}");
    limit(&mut site, "bob", 0);
    limit(&mut site, "carol", 5);
}
