//! The sidecar's Pod as it is rendered, with the demo application, run by podman in network namespaces of its own.
//!
//! Debian's podman (4.3) knows no native sidecars, so the rendered Pod is changed in that point: the container moves from `initContainers` to
//! `containers`. It would also publish every `containerPort` on the machine, so they go. The images are made FROM scratch of the binary under test.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    kubernetes::{documents, render, render_with},
    support::{binary, python},
};

/// What Docker's and podman's defaults ask for is more than some machines allow.
const CONTAINERS_CONF: &str = "[containers]\ndefault_ulimits = [\"nofile=20000:20000\", \"nproc=20000:20000\"]\n\
    [engine]\nruntime = \"runc\"\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\n";
const ADDRESS: &str = "10.91.8.1";
const PRIVET: &str = "shop-pod-0-privet";

/// podman with a storage of its own, a Pod in it, and a client with a wire to it. All gone when dropped.
struct Pod {
    dir: TempDir,
    client: String,
    secrets: PathBuf,
}

impl Pod {
    /// `None`, and why on standard error, where podman can't run at all.
    ///
    /// `intercept` adds that component, with its image, and an application on all addresses of the Pod.
    fn play(intercept: bool) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("containers.conf"), CONTAINERS_CONF).expect("written");
        let client = format!("privet-pod{}-{}", u8::from(intercept), std::process::id());
        let mut pod = Self { dir, client, secrets: PathBuf::new() };
        if let Err(why) = pod.can_run() {
            eprintln!("skipped: podman can't run here: {why}");
            return None;
        }
        pod.image("privet");
        if intercept {
            pod.image("privet-intercept");
        }
        pod.certificate("first.example");
        let manifest = pod.dir.path().join("pod.yaml");
        fs::write(&manifest, pod.manifest(intercept)).expect("written");
        pod.podman(&["kube", "play", "--start=false", "--network", "none", manifest.to_str().expect("a path")]);
        for secret in ["privet-keys", "privet-tls"] {
            let volume = pod.podman(&["volume", "inspect", "--format", "{{.Mountpoint}}", secret]);
            pod.secrets = PathBuf::from(volume.trim());
            // This podman decodes nothing and gives everybody the same rights.
            for file in fs::read_dir(&pod.secrets).expect("a folder").flatten() {
                let data = fs::read(file.path()).expect("a file");
                fs::write(file.path(), BASE64_STANDARD.decode(&data).unwrap_or(data)).expect("written");
                readable(&file.path());
            }
        }
        let data = pod.podman(&["volume", "inspect", "--format", "{{.Mountpoint}}", "privet-data"]);
        chown(data.trim(), None, Some(65532)).expect("set");
        fs::set_permissions(data.trim(), fs::Permissions::from_mode(0o2775)).expect("set");
        pod.podman(&["pod", "start", "shop-pod-0"]);
        pod.wire();
        Some(pod)
    }

    fn can_run(&self) -> Result<(), String> {
        for args in [&["info"][..], &["unshare", "true"]] {
            let out = self.command(&args[..1]).output().map_err(|error| error.to_string())?;
            if args[0] == "info" && !out.status.success() {
                return Err(String::from_utf8_lossy(&out.stderr).into_owned());
            }
        }
        let out =
            Command::new("ip").args(["netns", "add", &self.client]).output().map_err(|error| error.to_string())?;
        if out.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&out.stderr).into_owned()) }
    }

    fn command(&self, args: &[&str]) -> Command {
        let at = |name: &str| self.dir.path().join(name);
        let mut command = Command::new("podman");
        command.env("CONTAINERS_CONF", at("containers.conf")).env_remove("NOTIFY_SOCKET");
        command.arg("--root").arg(at("root")).arg("--runroot").arg(at("run")).arg("--tmpdir").arg(at("tmp"));
        command.args(["--storage-driver", "vfs"]).args(args);
        command
    }

    fn podman(&self, args: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(args).output().expect("podman runs");
        assert!(status.success(), "podman {args:?}: {}\n{}", String::from_utf8_lossy(&stderr), self.logs());
        String::from_utf8_lossy(&stdout).into_owned()
    }

    fn logs(&self) -> String {
        let out = self.command(&["logs", PRIVET]).output().expect("podman runs");
        String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned()
    }

    /// An image that the manifests name: Privet's of the binary under test, and the other as it is built.
    fn image(&self, name: &str) {
        let (bin, out) = (self.dir.path().join("privet"), self.dir.path().join("image"));
        let mut build = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/container/build"));
        build.arg("--out").arg(&out);
        if name == "privet" {
            run(Command::new("strip").arg("-o").arg(&bin).arg(binary()));
            build.arg("--binary").arg(&bin);
        } else {
            build.arg("--interceptor");
        }
        run(&mut build);
        let archive = fs::read_dir(&out).expect("made").flatten().map(|entry| entry.path());
        let archive =
            archive.into_iter().find(|path| path.extension().is_some_and(|e| e == "tar")).expect("an archive");
        self.podman(&["load", "--input", archive.to_str().expect("a path")]);
        let version = env!("CARGO_PKG_VERSION");
        self.podman(&["tag", &format!("localhost/{name}:{version}"), &format!("registry.example/{name}:0.1.0")]);
        fs::remove_dir_all(out).expect("removed");
    }

    /// A certificate in `tls.crt` and `tls.key`.
    fn certificate(&self, name: &str) {
        run(Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"])
            .args(["-subj", &format!("/CN={name}"), "-addext", &format!("subjectAltName=DNS:{name}")])
            .args(["-keyout", "tls.key", "-out", "tls.crt"])
            .current_dir(self.dir.path()));
    }

    /// What is rendered, and the Secrets; changed as the head of this file says.
    fn manifest(&self, intercept: bool) -> String {
        let read = |name: &str| BASE64_STANDARD.encode(fs::read(self.dir.path().join(name)).expect("made"));
        let key = BASE64_STANDARD.encode(format!("first {}\n", BASE64_STANDARD.encode([7_u8; 32])));
        let secret = |name: &str, data: Value| json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "data": data });
        let mut all = vec![
            secret("privet-tls", json!({ "tls.crt": read("tls.crt"), "tls.key": read("tls.key") })),
            secret("privet-keys", json!({ "pseudonym.key": key, "seal.key": key })),
        ];
        let rendered = if intercept {
            render_with("pod", "sidecar", &["intercept"])
        } else {
            render("deploy/kubernetes/overlays/sidecar")
        };
        for mut document in documents(&rendered) {
            if document["kind"] == "Deployment" {
                // This podman removes init containers that have ended, and fails where it has not yet heard of the end.
                document["metadata"]["annotations"] = json!({ "io.podman.annotations.init.container.type": "always" });
                let pod = document["spec"]["template"]["spec"].as_object_mut().expect("a Pod");
                let Some(Value::Array(first)) = pod.remove("initContainers") else { panic!("no sidecar") };
                let (sidecars, first): (Vec<_>, Vec<_>) = first.into_iter().partition(|c| c["name"] == "privet");
                if intercept {
                    assert_eq!(first.len(), 1, "an init container as podman knows them");
                    pod.insert("initContainers".to_owned(), Value::Array(first));
                    pod["containers"][0]["args"] = json!(["demo", "--listen", "0.0.0.0:9000"]);
                }
                for mut sidecar in sidecars {
                    let policy = sidecar.as_object_mut().and_then(|container| container.remove("restartPolicy"));
                    assert_eq!(policy, Some(json!("Always")), "a native sidecar");
                    assert!(sidecar.as_object_mut().and_then(|container| container.remove("ports")).is_some());
                    pod["containers"].as_array_mut().expect("containers").push(sidecar);
                }
            }
            all.push(document);
        }
        let all: Vec<String> = all.iter().map(|document| format!("---\n{document}\n")).collect();
        all.concat()
    }

    /// From the client's namespace to the Pod's.
    fn wire(&self) {
        let infra = self.podman(&["pod", "inspect", "--format", "{{.InfraContainerID}}", "shop-pod-0"]);
        let pid = self.podman(&["inspect", "--format", "{{.State.Pid}}", infra.trim()]);
        let (pid, client) = (pid.trim(), self.client.as_str());
        let inside = ["nsenter", "-t", pid, "-n", "ip"];
        let outside = ["ip", "-n", client];
        let do_it = |place: &[&str], words: &str| run(Command::new(place[0]).args(&place[1..]).args(words.split(' ')));
        do_it(&outside, &format!("link add eth0 type veth peer name eth0 netns {pid}"));
        do_it(&outside, "addr add 10.91.8.2/24 dev eth0");
        do_it(&outside, "link set eth0 up");
        do_it(&inside, &format!("addr add {ADDRESS}/24 dev eth0"));
        do_it(&inside, "link set eth0 up");
    }

    /// curl from the client's namespace.
    fn curl(&self, args: &[&str]) -> (bool, String) {
        let mut curl = Command::new("ip");
        curl.args(["netns", "exec", &self.client, "curl", "-sS", "-i", "--max-time", "20"]).args(args);
        let out = curl.output().expect("curl runs");
        (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
    }

    /// Over TLS, by the certificate that lies in the folder now.
    fn tls(&self, name: &str, target: &str) -> (bool, String) {
        let (ca, resolve) = (self.dir.path().join("tls.crt"), format!("{name}:8443:{ADDRESS}"));
        let url = format!("https://{name}:8443{target}");
        self.curl(&["--cacert", ca.to_str().expect("a path"), "--resolve", &resolve, &url])
    }

    fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(240), "never: {what}\n{}", self.logs());
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.command(&["pod", "rm", "--force", "--time", "0", "--all"]).output();
        let _ = self.command(&["system", "reset", "--force"]).output();
        let _ = Command::new("ip").args(["netns", "del", &self.client]).output();
    }
}

/// As the kubelet has it: `defaultMode: 0440`, and the group of `fsGroup`.
fn readable(file: &Path) {
    fs::set_permissions(file, fs::Permissions::from_mode(0o440)).expect("set");
    chown(file, None, Some(65532)).expect("set");
}

fn run(command: &mut Command) {
    let out = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(out.status.success(), "{command:?}: {}", String::from_utf8_lossy(&[out.stdout, out.stderr].concat()));
}

/// Clients that keep their connections, do as they are told, and end where nobody listens any more. Every request that was sent must be answered.
const LOAD: &str = r#"
import http.client, ssl, sys, threading
address, most = sys.argv[1], 20000
context = ssl._create_unverified_context()
answered, lost, lock = [0], [], threading.Lock()
def client():
    while answered[0] < most:
        connection = http.client.HTTPSConnection(address, 8443, context=context, timeout=50)
        try:
            connection.connect()
        except ConnectionRefusedError:
            return
        except Exception as error:
            lost.append(f"connecting: {error!r}"); return
        while answered[0] < most:
            try:
                connection.request("GET", "/", headers={"Host": "first.example"})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or b"Legacy Shop" not in body:
                    lost.append(f"status {answer.status}"); return
            except Exception as error:
                lost.append(repr(error)); return
            with lock:
                answered[0] += 1
                if answered[0] == 50: print("under way", flush=True)
            if answer.headers.get("Connection") == "close": break
        connection.close()
threads = [threading.Thread(target=client) for _ in range(4)]
[t.start() for t in threads]; [t.join() for t in threads]
print(answered[0], lost)
sys.exit(1 if lost else 0)
"#;

#[test]
fn the_rendered_pod_runs() {
    let Some(pod) = Pod::play(false) else { return };
    pod.until("ready", || pod.curl(&[&format!("http://{ADDRESS}:9901/readyz")]).1.contains("ready"));
    pod.until("the application", || pod.tls("first.example", "/").1.contains("Legacy Shop"));
    let (_, alive) = pod.curl(&[&format!("http://{ADDRESS}:9901/livez")]);
    assert!(alive.contains("alive"), "{alive}");
    let (_, metrics) = pod.curl(&[&format!("http://{ADDRESS}:9901/metrics")]);
    assert!(metrics.contains("privet_requests_total"), "{metrics}");
    let (_, redirect) = pod.curl(&["-H", "Host: first.example", &format!("http://{ADDRESS}:8080/a")]);
    assert!(redirect.contains("308") && redirect.contains("location: https://first.example/a"), "{redirect}");
    // The application is on the Pod's loopback: there is no way around.
    let (reached, text) = pod.curl(&[&format!("http://{ADDRESS}:9000/")]);
    assert!(!reached, "{text}");
    // In the Pod it is nobody, and holds no privilege.
    let pid = pod.podman(&["inspect", "--format", "{{.State.Pid}}", PRIVET]);
    let status = fs::read_to_string(format!("/proc/{}/status", pid.trim())).expect("a process");
    assert!(status.contains("Uid:\t65532\t65532") && status.contains("CapEff:\t0000000000000000"), "{status}");
    // What the overlay has the kubelet ask for the application, asked as the kubelet does: at the Pod's address, whatever the certificate.
    let rendered = documents(&render("deploy/kubernetes/overlays/sidecar"));
    let shop = rendered.iter().find(|d| d["kind"] == "Deployment").expect("the application");
    let probe = &shop["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"];
    let (port, path) = (probe["port"].as_u64().expect("a port"), probe["path"].as_str().expect("a path"));
    let (_, asked) = pod.curl(&["-k", &format!("https://{ADDRESS}:{port}{path}")]);
    assert!(asked.starts_with("HTTP/2 200") && asked.contains("Legacy Shop"), "{asked}");
    // A renewed Secret comes as the kubelet brings it: all at once.
    pod.certificate("second.example");
    for name in ["tls.key", "tls.crt"] {
        let new = pod.secrets.join("new");
        fs::write(&new, fs::read(pod.dir.path().join(name)).expect("made")).expect("written");
        readable(&new);
        fs::rename(new, pod.secrets.join(name)).expect("put in place");
    }
    pod.until("the new certificate", || pod.tls("second.example", "/").0);
    ends_under_load_with_nothing_lost(&pod);
}

fn ends_under_load_with_nothing_lost(pod: &Pod) {
    use std::io::{BufRead as _, BufReader, Read as _};
    let mut load = Command::new("ip")
        .args(["netns", "exec", &pod.client])
        .arg(python())
        .args(["-c", LOAD, ADDRESS])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python runs");
    let mut said = BufReader::new(load.stdout.take().expect("piped"));
    let mut line = String::new();
    said.read_line(&mut line).expect("a line");
    assert_eq!(line.trim(), "under way");
    // SIGTERM, and SIGKILL, with another status, if it were not gone long before `shutdown.deadline`.
    pod.podman(&["stop", "--time", "20", PRIVET]);
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    assert!(load.wait().expect("ends").success(), "lost: {rest}\n{}", pod.logs());
    assert_eq!(pod.podman(&["inspect", "--format", "{{.State.ExitCode}}", PRIVET]).trim(), "0");
}

/// Whoever builds the image may have authorities of his own on the machine: nobody else is to trust them.
#[test]
fn the_image_trusts_the_authorities_of_the_package_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut build = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/container/build"));
    run(build.args(["--binary", "/bin/true", "--out"]).arg(dir.path()));
    let script = "for blob in $(tar -tf privet-*.tar | grep 'blobs/sha256/.'); do \
        tar -xOf privet-*.tar $blob | tar -xzOf - etc/ssl/certs/ca-certificates.crt 2>/dev/null; done";
    let image = Command::new("sh").args(["-c", script]).current_dir(dir.path()).output().expect("runs").stdout;
    let package = Command::new("sh").args(["-c", "LC_ALL=C cat /usr/share/ca-certificates/mozilla/*.crt"]).output();
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect::<Vec<_>>();
    let image = lines(&image);
    assert!(image.iter().filter(|line| line.contains("BEGIN CERTIFICATE")).count() > 50);
    assert!(image == lines(&package.expect("runs").stdout), "more or less than the package has");
}

/// The init container as it is rendered, of the image that has nft and nothing else, before an application that listens on all addresses.
#[test]
fn the_rendered_pod_leads_the_applications_port_to_privet() {
    let Some(pod) = Pod::play(true) else { return };
    pod.until("the application", || pod.tls("first.example", "/").1.contains("Legacy Shop"));
    let (_, led) = pod.curl(&["-k", &format!("https://{ADDRESS}:9000/")]);
    assert!(led.contains("x-request-id") && led.contains("Legacy Shop"), "Privet's answer: {led}");
    let (_, around) = pod.curl(&[&format!("http://{ADDRESS}:9000/")]);
    assert!(!around.contains("Legacy Shop"), "{around}");
}
