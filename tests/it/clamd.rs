//! A clamd of the test's own: signatures made by hand, no internet, a folder that goes with it.

use std::{
    fmt::Write as _,
    fs,
    io::{Read, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::support::{free_port, python};

/// The test file that every scanner knows, in two halves: no scanner of a developer's machine should find it here.
pub fn eicar() -> Vec<u8> {
    [&br"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-"[..], b"ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

/// A clamd in a folder of its own. Ended when dropped.
pub struct Clamd {
    child: Option<Child>,
    pub dir: TempDir,
    pub port: u16,
}

impl Clamd {
    pub fn start() -> Self {
        Self::with("StreamMaxLength 25M\nMaxFileSize 25M\nMaxScanSize 100M\nAlertExceedsMax yes\n")
    }

    /// With these lines in its configuration.
    pub fn with(more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let path = dir.path().display();
        for folder in ["db", "tmp"] {
            fs::create_dir(dir.path().join(folder)).expect("made");
        }
        let config = format!(
            "Foreground yes\nLocalSocket {path}/ctl\nTCPSocket {port}\nTCPAddr 127.0.0.1\nDatabaseDirectory {path}/db\n\
             TemporaryDirectory {path}/tmp\nSelfCheck 0\nFixStaleSocket yes\n{more}"
        );
        fs::write(dir.path().join("clamd.conf"), config).expect("written");
        let mut signature = "Test.Eicar:0:0:".to_owned();
        for byte in eicar() {
            let _ = write!(signature, "{byte:02x}");
        }
        fs::write(dir.path().join("db/own.ndb"), signature + "\n").expect("written");
        let mut clamd = Self { child: None, dir, port };
        clamd.run();
        clamd
    }

    pub fn run(&mut self) {
        let out = fs::File::create(self.dir.path().join("log")).expect("a log");
        let child = Command::new("clamd")
            .arg("--config-file")
            .arg(self.dir.path().join("clamd.conf"))
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("a log"))
            .stderr(out)
            .spawn()
            .expect("clamd runs: tests/run installs clamav-daemon");
        self.child = Some(child);
        let start = Instant::now();
        while self.ask("PING").as_deref() != Some("PONG") {
            assert!(start.elapsed() < Duration::from_secs(240), "clamd never answered: {}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    pub fn database(&self) -> PathBuf {
        self.dir.path().join("db")
    }

    /// `clamd = ...` for its Unix socket.
    pub fn unix(&self) -> String {
        format!("clamd = \"unix:{}/ctl\"\n", self.dir.path().display())
    }

    pub fn tcp(&self) -> String {
        format!("clamd = \"tcp:127.0.0.1:{}\"\n", self.port)
    }

    /// One command without Privet.
    pub fn ask(&self, command: &str) -> Option<String> {
        let mut socket = UnixStream::connect(self.dir.path().join("ctl")).ok()?;
        socket.set_read_timeout(Some(Duration::from_secs(60))).ok()?;
        socket.write_all(format!("n{command}\n").as_bytes()).ok()?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().expect("running").id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill runs").success());
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Signatures called the daily ones, made `age` ago.
    pub fn daily(&self, age: Duration) {
        const SCRIPT: &str = r"
import hashlib, io, sys, tarfile, time
made, out = int(time.time()) - int(sys.argv[1]), sys.argv[2]
head = 'ClamAV-VDB:%s:%d:1:90:%s:X:privet:%d'
day = time.strftime('%d %b %Y %H-%M +0000', time.gmtime(made))
number = 27000 + made % 1000
ndb = b'Test.Daily:0:*:' + b'deadbeefcafebabe0102'.hex().encode() + b'\n'
info = (head % (day, number, 'X', made) + '\n' + 'daily.ndb:%d:%s\n' % (len(ndb), hashlib.sha256(ndb).hexdigest())).encode()
all = io.BytesIO()
with tarfile.open(fileobj=all, mode='w', format=tarfile.USTAR_FORMAT) as tar:
    for name, data in [('COPYING', b'x\n'), ('daily.info', info), ('daily.ndb', ndb)]:
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
body = all.getvalue()
with open(out, 'wb') as file:
    file.write((head % (day, number, hashlib.md5(body).hexdigest(), made)).encode().ljust(512) + body)
";
        let out = self.database().join("daily.cud");
        let made = Command::new(python()).args(["-c", SCRIPT, &age.as_secs().to_string()]).arg(out).status();
        assert!(made.expect("python runs").success());
    }
}

impl Drop for Clamd {
    fn drop(&mut self) {
        self.kill();
    }
}
