//! A real `PostgreSQL` server on loopback, in a folder of its own, by a user who is not root. Ended when dropped. The unit tests of the journal
//! have it as well.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use tempfile::TempDir;

/// The superuser's, of this server alone.
const PASSWORD: &str = "correct horse";

/// One server, with an empty database `privet`.
pub struct Database {
    child: Option<Child>,
    dir: TempDir,
    bin: PathBuf,
    owner: Option<u32>,
    pub port: u16,
}

/// Where the newest server of Debian is.
fn programs() -> Option<PathBuf> {
    let mut all: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    all.sort();
    Some(all.pop()?.1)
}

fn id(what: &str, name: &str) -> Option<u32> {
    let out = Command::new("id").args([what, name]).output().ok()?;
    String::from_utf8_lossy(&out.stdout).trim().parse().ok()
}

impl Database {
    /// Starts one; `None`, with a reason on standard error, where this machine has none.
    pub fn start() -> Option<Self> {
        let Some(bin) = programs() else {
            eprintln!("skipped: there is no PostgreSQL here; tests/run installs it");
            return None;
        };
        // It refuses to run as root.
        let owner =
            if fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) { Some(id("-u", "postgres")?) } else { None };
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("password"), PASSWORD).expect("written");
        if let Some(owner) = owner {
            for path in [dir.path().to_owned(), dir.path().join("password")] {
                chown(path, Some(owner), None).expect("given away");
            }
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).expect("private");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let mut database = Self { child: None, dir, bin, owner, port };
        let place = |name: &str| database.dir.path().join(name).display().to_string();
        let mut init = database.command("initdb");
        init.args(["-D", &place("data"), "-U", "privet", "--pwfile", &place("password"), "--auth=scram-sha-256"]);
        let made = init.args(["--no-sync", "--encoding=UTF8", "--locale=C"]).output().expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        database.launch();
        database.sql_of("postgres", "CREATE DATABASE privet");
        Some(database)
    }

    fn command(&self, name: &str) -> Command {
        let program = self.bin.join(name);
        let mut command = match self.owner {
            Some(owner) => {
                let mut command = Command::new("setpriv");
                let user = format!("--reuid={owner}");
                command.args([user.as_str(), "--regid=postgres", "--clear-groups"]).arg(program);
                command
            }
            None => Command::new(program),
        };
        command.current_dir("/");
        command
    }

    /// Starts it on its port.
    pub fn launch(&mut self) {
        self.kill();
        for _ in 0..600 {
            let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file()).expect("a log");
            let data = self.dir.path().join("data").display().to_string();
            let mut command = self.command("postgres");
            command.args(["-D", &data, "-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
            command.args(["-c", "unix_socket_directories=", "-c", "max_connections=60", "-c", "shared_buffers=16MB"]);
            let mut child =
                command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("postgres starts");
            for _ in 0..1200 {
                if child.try_wait().expect("a child").is_some() {
                    break;
                }
                if self.is_ready() {
                    self.child = Some(child);
                    return;
                }
                thread::sleep(Duration::from_millis(50));
            }
            let _ = child.kill();
            let _ = child.wait();
            // What the last one has left goes in a moment.
            thread::sleep(Duration::from_millis(100));
        }
        panic!("never up:\n{}", fs::read_to_string(self.log_file()).unwrap_or_default());
    }

    fn log_file(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn is_ready(&self) -> bool {
        let asked = self.command("pg_isready").args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]).status();
        asked.is_ok_and(|status| status.success())
    }

    /// Ends it as `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let connections = children(child.id());
            let _ = child.kill();
            let _ = child.wait();
            // A connection's own process goes on until it looks for the first one.
            let _ = Command::new("kill").arg("-KILL").args(connections).stderr(Stdio::null()).status();
        }
    }

    /// Stops all of it in its tracks, or lets it go on: connections stay, answers do not come.
    pub fn freeze(&self, frozen: bool) {
        let id = self.child.as_ref().expect("running").id();
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let all = children(id).into_iter().chain([id.to_string()]);
        // One may have ended by now.
        let _ = Command::new("kill").arg(signal).args(all).stderr(Stdio::null()).status();
    }

    /// What a statement answers, a line a row.
    pub fn sql(&self, text: &str) -> String {
        self.sql_of("privet", text)
    }

    /// The same of another database.
    pub fn sql_of(&self, database: &str, text: &str) -> String {
        let out = Command::new(self.bin.join("psql"))
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", "privet", "-d", database, "-XAtqc", text])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .expect("psql runs");
        assert!(out.status.success(), "{text}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim_end().to_owned()
    }

    /// Ends the connections of everybody but the one who asks.
    pub fn cut(&self) {
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'privet'");
    }

    pub fn url(&self) -> String {
        self.url_of("privet")
    }

    /// That of another database.
    pub fn url_of(&self, database: &str) -> String {
        format!("postgres://privet:correct%20horse@127.0.0.1:{}/{database}", self.port)
    }

    /// Lets it speak TLS, with the certificate and key at these places.
    pub fn encrypt(&mut self, chain: &Path, key: &Path) {
        let data = self.dir.path().join("data");
        for (from, to) in [(chain, "server.crt"), (key, "server.key")] {
            let to = data.join(to);
            fs::copy(from, &to).expect("copied");
            fs::set_permissions(&to, fs::Permissions::from_mode(0o600)).expect("private");
            if let Some(owner) = self.owner {
                chown(&to, Some(owner), None).expect("given away");
            }
        }
        let mut settings = fs::read_to_string(data.join("postgresql.conf")).expect("settings");
        settings.push_str("\nssl = on\n");
        fs::write(data.join("postgresql.conf"), settings).expect("written");
        fs::write(data.join("pg_hba.conf"), "hostssl all all 127.0.0.1/32 scram-sha-256\n").expect("written");
        self.launch();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if self.child.is_some() {
            // What is stopped would not end.
            self.freeze(false);
        }
        self.kill();
    }
}

/// Processes that another one has started.
fn children(id: u32) -> Vec<String> {
    let found = Command::new("ps").args(["-o", "pid=", "--ppid", &id.to_string()]).output().expect("ps runs");
    String::from_utf8_lossy(&found.stdout).split_whitespace().map(str::to_owned).collect()
}
