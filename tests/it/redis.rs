//! Real Redis servers, sentinels and clusters on loopback, each in a folder of its own. Ended when dropped.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::support::free_port;

/// One `redis-server`.
pub struct Redis {
    child: Option<Child>,
    arguments: Vec<String>,
    pub dir: TempDir,
    pub port: u16,
}

impl Redis {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// One that is given these arguments besides.
    pub fn with(more: &[&str]) -> Self {
        let port = free_port();
        let own = ["--port".to_owned(), port.to_string()];
        Self::launch(
            tempfile::tempdir().expect("a folder"),
            port,
            own.into_iter().chain(more.iter().map(|&t| t.to_owned())),
        )
    }

    /// One that speaks TLS alone, with the certificate of [`certificates`] in `dir`.
    pub fn over_tls(dir: TempDir) -> Self {
        let port = free_port();
        let file = |name: &str| dir.path().join(name).display().to_string();
        let arguments = [
            ["--port".to_owned(), "0".to_owned()],
            ["--tls-port".to_owned(), port.to_string()],
            ["--tls-cert-file".to_owned(), file("leaf.pem")],
            ["--tls-key-file".to_owned(), file("leaf.key")],
            ["--tls-ca-cert-file".to_owned(), file("ca.pem")],
            ["--tls-auth-clients".to_owned(), "no".to_owned()],
        ];
        Self::launch(dir, port, arguments.into_iter().flatten())
    }

    /// A sentinel that watches `master` under the name `mymaster`, and needs no other to agree.
    pub fn sentinel(master: &Self) -> Self {
        let (dir, port) = (tempfile::tempdir().expect("a folder"), free_port());
        let config = format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor mymaster 127.0.0.1 {} 1\n\
             sentinel down-after-milliseconds mymaster 500\nsentinel failover-timeout mymaster 2000\n",
            master.port
        );
        let file = dir.path().join("sentinel.conf");
        fs::write(&file, config).expect("written");
        let arguments = [file.display().to_string(), "--sentinel".to_owned()];
        Self::launch_as(dir, port, arguments.to_vec())
    }

    fn launch(dir: TempDir, port: u16, arguments: impl Iterator<Item = String>) -> Self {
        let path = dir.path().display().to_string();
        let quiet = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", &path];
        let all = quiet.iter().map(|&t| t.to_owned()).chain(arguments).collect();
        Self::launch_as(dir, port, all)
    }

    fn launch_as(dir: TempDir, port: u16, arguments: Vec<String>) -> Self {
        let mut redis = Self { child: None, arguments, dir, port };
        redis.restart();
        redis
    }

    /// Starts it on its old port, with nothing in it.
    pub fn restart(&mut self) {
        self.kill();
        let log = fs::File::create(self.dir.path().join("log")).expect("a log");
        let child = Command::new("redis-server").args(&self.arguments).stdout(log).stderr(Stdio::null()).spawn();
        self.child = Some(child.expect("redis-server starts; tests/run installs it"));
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("never up:\n{}", fs::read_to_string(self.dir.path().join("log")).unwrap_or_default());
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops it in its tracks, or lets it go on: connections stay, answers do not come.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { rustix::process::Signal::STOP } else { rustix::process::Signal::CONT };
        let id = self.child.as_ref().expect("running").id();
        let id = rustix::process::Pid::from_raw(i32::try_from(id).expect("small")).expect("a process");
        rustix::process::kill_process(id, signal).expect("our child");
    }

    /// What it answers to a command in cleartext, as sent; a first answer that fits one read.
    pub fn ask(&self, command: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("up");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        stream.write_all(format!("{command}\r\n").as_bytes()).expect("sent");
        let mut answer = [0; 16384];
        let read = stream.read(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer[..read]).into_owned()
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A cluster of three masters that share all slots.
pub fn cluster() -> Vec<Redis> {
    let node = || {
        // The bus must be told a port that no other test has: by default it is 10000 higher.
        let bus = free_port().to_string();
        Redis::with(&["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &bus])
    };
    let nodes: Vec<Redis> = (0..3).map(|_| node()).collect();
    let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
    let made = Command::new("redis-cli")
        .args(["--cluster", "create", "--cluster-yes"])
        .args(addresses)
        .output()
        .expect("redis-cli starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    for node in &nodes {
        for _ in 0..600 {
            if node.ask("CLUSTER INFO").contains("cluster_state:ok") {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
    nodes
}

/// A folder with `ca.pem`, and `leaf.pem` and `leaf.key` for 127.0.0.1.
pub fn certificates() -> TempDir {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
    let dir = tempfile::tempdir().expect("a folder");
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("valid");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // OpenSSL takes a leaf of its issuer's name for self-signed.
    params.distinguished_name.push(DnType::CommonName, "an authority of tests");
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("valid");
    let leaf = leaf.signed_by(&key, &issuer).expect("signed");
    for (name, text) in [("ca.pem", issuer.pem()), ("leaf.pem", leaf.pem()), ("leaf.key", key.serialize_pem())] {
        fs::write(dir.path().join(name), text).expect("written");
    }
    dir
}
