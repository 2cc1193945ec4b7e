//! A running Privet, an application that remembers what it saw, and raw clients.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tempfile::TempDir;

/// A Privet process in a folder of its own. Ended when dropped.
pub struct Privet {
    pub child: Child,
    pub dir: TempDir,
    pub https: SocketAddr,
    pub http: SocketAddr,
    pub admin: SocketAddr,
}

const READY: &str = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// A port that was free a moment ago, and that no other test of this process was given.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<Vec<u16>> = Mutex::new(Vec::new());
    loop {
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound").port();
        let mut given = GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !given.contains(&port) {
            given.push(port);
            return port;
        }
    }
}

pub fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_privet"))
}

impl Privet {
    /// Starts `serve --config` with this text below the `[listen]` that tests need.
    pub fn with(text: &str) -> Self {
        Self::with_listen("", text)
    }

    pub fn with_listen(listen: &str, text: &str) -> Self {
        Self::with_environment(&[], listen, text)
    }

    pub fn with_environment(environment: &[(&str, &str)], listen: &str, text: &str) -> Self {
        Self::at([free_port(), free_port(), free_port()], environment, listen, text)
    }

    /// At ports that somebody else knows already: https, http, admin.
    pub fn at(ports: [u16; 3], environment: &[(&str, &str)], listen: &str, text: &str) -> Self {
        Self::at_with(ports, environment, "", listen, text)
    }

    /// With lines that stand above the `[listen]` that tests need.
    pub fn at_with(ports: [u16; 3], environment: &[(&str, &str)], top: &str, listen: &str, text: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let config = top.to_owned() + &config(ports, listen, text);
        fs::write(dir.path().join("privet.toml"), config).expect("written");
        let args = ["serve", "--config", "privet.toml"].map(str::to_owned);
        Self::launch(dir, &args, environment, ports)
    }

    pub fn demo() -> Self {
        Self::demo_with(&[])
    }

    pub fn demo_with(more: &[&str]) -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let [https, http, admin] = ports.map(|port| format!("127.0.0.1:{port}"));
        let mut args = vec!["serve", "--demo", "--https", &https, "--http", &http, "--admin", &admin];
        args.extend_from_slice(more);
        let args: Vec<String> = args.into_iter().map(str::to_owned).collect();
        Self::launch(tempfile::tempdir().expect("a folder"), &args, &[], ports)
    }

    fn launch(dir: TempDir, args: &[String], environment: &[(&str, &str)], ports: [u16; 3]) -> Self {
        let log = fs::File::create(dir.path().join("log")).expect("a log");
        let out = fs::File::create(dir.path().join("out")).expect("a log");
        let child = Command::new(binary())
            .args(args)
            .current_dir(dir.path())
            .env("PRIVET_LOG", "debug")
            .envs(environment.iter().copied())
            .stdout(out)
            .stderr(log)
            .spawn()
            .expect("starts");
        let [https, http, admin] = ports.map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let mut privet = Self { child, dir, https, http, admin };
        for _ in 0..600 {
            if TcpStream::connect(admin).is_ok() && ask_plain(admin, READY).contains("ready") {
                return privet;
            }
            if let Some(status) = privet.child.try_wait().expect("a child") {
                panic!("ended with {status}:\n{}", privet.log());
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("never ready:\n{}", privet.log());
    }

    /// Killed, and started again in its folder; its log begins anew.
    pub fn restarted(mut self) -> Self {
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().expect("a folder"));
        let ports = [self.https, self.http, self.admin].map(|address| address.port());
        drop(self);
        Self::launch(dir, &["serve", "--config", "privet.toml"].map(str::to_owned), &[], ports)
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// What was written to standard output: the access log, where it goes nowhere else.
    pub fn out(&self) -> String {
        fs::read_to_string(self.dir.path().join("out")).unwrap_or_default()
    }

    pub fn metrics(&self) -> String {
        ask_plain(self.admin, "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    }

    /// What the gateway answers at its control socket.
    pub fn told(&self, path: &str) -> String {
        self.curl(&["--unix-socket", "data/control.sock", &format!("http://privet{path}")])
    }

    /// The value of one series.
    pub fn metric(&self, series: &str) -> u64 {
        let text = self.metrics();
        let line = text.lines().find(|l| l.strip_prefix(series).is_some_and(|rest| rest.starts_with(' ')));
        line.and_then(|l| l.rsplit(' ').next()?.parse().ok()).unwrap_or(0)
    }

    /// The most memory that the process has held, in KB.
    pub fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("a process");
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("a peak");
        line.split_whitespace().next().and_then(|kb| kb.parse().ok()).expect("a number")
    }

    pub fn signal(&self, signal: &str) {
        let done = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(done.success());
    }

    pub fn rewrite(&self, change: impl FnOnce(String) -> String) {
        let path = self.dir.path().join("privet.toml");
        let new = change(fs::read_to_string(&path).expect("a file"));
        // All at once, or what looks every second may find it empty and reload twice.
        let whole = path.with_extension("new");
        fs::write(&whole, new).expect("written");
        fs::rename(whole, path).expect("renamed");
    }

    /// Waits until `done`, for a generous while.
    pub fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(240), "never: {what}\n{}", self.log());
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// A TLS connection that speaks HTTP/1.1.
    pub fn tls(&self) -> Tls {
        self.tls_with(&[b"http/1.1"])
    }

    pub fn tls_with(&self, alpn: &[&[u8]]) -> Tls {
        connect(self.https, &self.dir.path().join("certs/ca.pem"), alpn)
    }

    /// Sends raw bytes over TLS; everything that comes back until the connection ends.
    pub fn raw(&self, bytes: &[u8]) -> String {
        let mut tls = self.tls();
        tls.write_all(bytes).expect("sent");
        read_all(&mut tls)
    }

    /// A GET on a connection of its own.
    pub fn get(&self, target: &str, headers: &str) -> String {
        self.raw(
            format!("GET {target} HTTP/1.1\r\nHost: shop.example\r\n{headers}Connection: close\r\n\r\n").as_bytes(),
        )
    }

    /// curl with the development CA; its output.
    pub fn curl(&self, args: &[&str]) -> String {
        let out = Command::new("curl")
            .args(["-sS", "--max-time", "60", "--cacert", "certs/ca.pem"])
            .args(args)
            .current_dir(self.dir.path())
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
    }

    pub fn url(&self, target: &str) -> String {
        format!("https://{}{target}", self.https)
    }
}

impl Drop for Privet {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn config([https, http, admin]: [u16; 3], listen: &str, text: &str) -> String {
    format!(
        "[listen]\nhttps = \"127.0.0.1:{https}\"\nhttp = \"127.0.0.1:{http}\"\nadmin = \"127.0.0.1:{admin}\"\n{listen}\n{text}"
    )
}

pub type Tls = StreamOwned<ClientConnection, TcpStream>;

pub fn connect(address: SocketAddr, ca: &Path, alpn: &[&[u8]]) -> Tls {
    let socket = TcpStream::connect(address).expect("connected");
    over(socket, ca, alpn, "localhost")
}

pub fn over(socket: TcpStream, ca: &Path, alpn: &[&[u8]], name: &str) -> Tls {
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("the CA")).expect("trusted");
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).expect("a client"), socket)
}

/// Everything until the end, however that comes.
pub fn read_all(stream: &mut impl Read) -> String {
    let mut out = Vec::new();
    let mut buf = [0; 16384];
    loop {
        match stream.read(&mut buf) {
            Ok(0) | Err(_) => return String::from_utf8_lossy(&out).into_owned(),
            Ok(n) => out.extend_from_slice(&buf[..n]),
        }
    }
}

/// One answer with a `Content-Length` from a connection that goes on.
pub fn read_one(stream: &mut impl Read) -> String {
    let mut out = Vec::new();
    let mut byte = [0; 1];
    while !out.ends_with(b"\r\n\r\n") {
        assert_eq!(stream.read(&mut byte).expect("an answer"), 1, "ended: {}", String::from_utf8_lossy(&out));
        out.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&out).to_lowercase();
    let length = head.lines().find_map(|l| l.strip_prefix("content-length: ")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).expect("a body");
    out.extend_from_slice(&body);
    String::from_utf8_lossy(&out).into_owned()
}

pub fn ask_plain(address: SocketAddr, request: &str) -> String {
    let mut socket = TcpStream::connect(address).expect("connected");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    socket.write_all(request.as_bytes()).expect("sent");
    read_all(&mut socket)
}

/// An application over plain sockets that answers as told and remembers every byte it was sent.
pub struct Origin {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<u8>>>,
    connections: Arc<Mutex<usize>>,
}

impl Origin {
    /// Answers each request head (and the body its length promises) with `answer`.
    pub fn start(answer: &'static str) -> Self {
        Self::start_with(move |_, _| Some(answer.to_owned()))
    }

    /// `answer` gets the request and the number of the connection; `None` closes the connection.
    pub fn start_with(answer: impl Fn(&str, usize) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::on("127.0.0.1:0", answer)
    }

    pub fn on(place: &str, answer: impl Fn(&str, usize) -> Option<String> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(place).expect("a port");
        let address = listener.local_addr().expect("bound");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let answer = Arc::new(answer);
        let (all, count) = (Arc::clone(&seen), Arc::clone(&connections));
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                let number = {
                    let mut count = count.lock().expect("count");
                    *count += 1;
                    *count
                };
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                thread::spawn(move || serve(socket, &all, &*answer, number));
            }
        });
        Self { address, seen, connections }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn seen(&self) -> String {
        String::from_utf8_lossy(&self.seen.lock().expect("seen")).into_owned()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("count")
    }

    /// `[[route]]` to here, with more lines.
    pub fn route(&self, more: &str) -> String {
        format!("[[route]]\nupstream = \"{}\"\n{more}\n", self.url())
    }
}

fn serve(socket: TcpStream, all: &Mutex<Vec<u8>>, answer: &dyn Fn(&str, usize) -> Option<String>, number: usize) {
    let mut writer = socket.try_clone().expect("cloned");
    let mut reader = BufReader::new(socket);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let before = head.len();
            if reader.read_until(b'\n', &mut head).unwrap_or(0) == 0 {
                return;
            }
            all.lock().expect("seen").extend_from_slice(&head[before..]);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        let low = text.to_lowercase();
        let length = low.lines().find_map(|l| l.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        all.lock().expect("seen").extend_from_slice(&body);
        let request = text + &String::from_utf8_lossy(&body);
        let Some(reply) = answer(&request, number) else { return };
        if writer.write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

pub const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The interpreter that `tests/run` has given the packages to.
pub fn python() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/python/bin/python");
    if own.exists() { own } else { "python3".into() }
}

/// Runs Python with the port and the CA as its arguments.
pub fn script(privet: &Privet, text: &str) {
    let ca = privet.dir.path().join("certs/ca.pem");
    let port = privet.https.port().to_string();
    let out = Command::new(python()).arg("-c").arg(text).arg(port).arg(ca).output().expect("python runs");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&[out.stdout, out.stderr].concat()));
}

/// A program beside Privet. Ended when dropped.
pub struct Beside(pub Child);

impl Beside {
    /// Runs `script` with the tests' Python; the first line that it prints.
    pub fn python(script: &str) -> (Self, String) {
        Self::python_with(script, &[])
    }

    pub fn python_with(script: &str, paths: &[&Path]) -> (Self, String) {
        let mut child = Command::new(python())
            .args(["-c", script])
            .args(paths)
            .stdout(Stdio::piped())
            .spawn()
            .expect("python runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        (Self(child), line.trim().to_owned())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
