//! The manifests: rendered, valid for three versions of Kubernetes, and what they promise.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{Beside, binary, python};

/// The newest that the schemas have, and two before it.
const VERSIONS: [&str; 3] = ["1.37", "1.36", "1.35"];
const OVERLAYS: [&str; 2] = ["sidecar", "gateway"];

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// kubectl as `tests/run` installs it.
fn kubectl() -> PathBuf {
    let own = here("target/python/bin/kubectl");
    if own.exists() { own } else { "kubectl".into() }
}

/// What `kubectl kustomize` makes of a folder below the package.
pub fn render(folder: &str) -> String {
    let out = Command::new(kubectl()).args(["kustomize", folder]).current_dir(here("")).output().expect("kubectl runs");
    assert!(out.status.success(), "{folder}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("text")
}

/// An overlay with components on top, as a kustomization of a user's own has them.
pub fn render_with(name: &str, overlay: &str, components: &[&str]) -> String {
    on_top(name, &format!("../../../deploy/kubernetes/overlays/{overlay}"), "", components)
}

/// Manifests of a user's own with components on top.
fn render_own(name: &str, manifests: &str, components: &[&str]) -> String {
    on_top(name, "own.yaml", manifests, components)
}

fn on_top(name: &str, resource: &str, own: &str, components: &[&str]) -> String {
    let folder = here("target/kubernetes").join(format!("{name}-{}-{}", components.len(), std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let components: Vec<_> =
        components.iter().map(|name| format!("../../../deploy/kubernetes/components/{name}")).collect();
    let text = format!("resources: [{resource}]\ncomponents: [{}]\n", components.join(", "));
    fs::write(folder.join("own.yaml"), own).expect("written");
    fs::write(folder.join("kustomization.yaml"), text).expect("written");
    let rendered = render(folder.to_str().expect("a path"));
    fs::remove_dir_all(folder).expect("removed");
    rendered
}

/// Everything that can be rendered, by name.
fn all() -> Vec<(String, String)> {
    let plain = OVERLAYS.map(|overlay| (overlay.to_owned(), render(&format!("deploy/kubernetes/overlays/{overlay}"))));
    let full = [
        ("sidecar", ["cert-manager", "monitoring", "intercept"]),
        ("gateway", ["cert-manager", "monitoring", "clamav"]),
    ]
    .map(|(overlay, components)| {
        (format!("{overlay} with {components:?}"), render_with(overlay, overlay, &components))
    });
    plain.into_iter().chain(full).collect()
}

/// Runs Python over the manifests.
fn over(script: &[&str], manifests: &str) -> (bool, String) {
    let mut child = Command::new(python())
        .args(script)
        .current_dir(here("tests/it"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python runs");
    child.stdin.take().expect("piped").write_all(manifests.as_bytes()).expect("written");
    let out = child.wait_with_output().expect("ends");
    (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The manifests as JSON.
pub fn documents(manifests: &str) -> Vec<Value> {
    let (done, text) =
        over(&["-c", "import sys, json, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"], manifests);
    assert!(done, "YAML");
    serde_json::from_str(&text).expect("JSON")
}

pub fn find<'a>(documents: &'a [Value], kind: &str, name: &str) -> &'a Value {
    documents
        .iter()
        .find(|d| d["kind"] == kind && d["metadata"]["name"] == name)
        .unwrap_or_else(|| panic!("no {kind} {name}"))
}

#[test]
fn every_overlay_is_valid_for_three_versions() {
    for (name, manifests) in all() {
        let (valid, findings) = over(&[&["kubernetes.py"], &VERSIONS[..]].concat(), &manifests);
        print!("{findings}");
        assert!(valid, "{name}:\n{findings}");
    }
    // The check can fail.
    let wrong = render("deploy/kubernetes/overlays/gateway").replace("containerPort: 8443", "containerPort: many");
    assert!(!over(&["kubernetes.py", VERSIONS[0]], &wrong).0);
}

/// The configuration of an overlay with its folders moved below `dir`, where there is what the Secrets would hold.
fn check(overlay: &str, change: impl FnOnce(String) -> String) -> (bool, String) {
    let documents = documents(&render(&format!("deploy/kubernetes/overlays/{overlay}")));
    let text =
        find(&documents, "ConfigMap", "privet")["data"]["privet.toml"].as_str().expect("a configuration").to_owned();
    let dir = tempfile::tempdir().expect("a folder");
    let place = dir.path().display().to_string();
    let text = change(text).replace("/etc/privet", &place).replace("/var/lib/privet", &place);
    for folder in ["tls", "keys", "store", "own"] {
        fs::create_dir(dir.path().join(folder)).expect("made");
    }
    fs::write(dir.path().join("store/redis"), "rediss://privet:secret@redis.example:6379").expect("written");
    fs::write(dir.path().join("store/postgres"), "postgres://privet:secret@db.example/privet\n").expect("written");
    fs::write(dir.path().join("privet.toml"), text).expect("written");
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=shop.example",
        ])
        .args(["-addext", "subjectAltName=DNS:shop.example", "-keyout", "tls/tls.key", "-out", "tls/tls.crt"])
        .current_dir(dir.path())
        .output()
        .expect("openssl runs");
    assert!(made.status.success());
    let out = Command::new(binary()).args(["check", "--config", "privet.toml"]).current_dir(dir.path()).output();
    let out = out.expect("privet runs");
    (out.status.success(), String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned())
}

#[test]
fn every_configuration_is_accepted() {
    for overlay in OVERLAYS {
        let (valid, text) = check(overlay, |text| text);
        assert!(valid, "{overlay}: {text}");
    }
    let (valid, text) = check("gateway", |text| text.replace("redirect_port", "redirect_prot"));
    assert!(!valid && text.contains("redirect_port"), "{text}");
}

/// Longest time from `shutdown.deadline` to the end of the process, with some to spare: workers, the log, the journal and the collector.
const LAST_WORDS: u64 = 15;

/// `shutdown.deadline` of the configuration, in seconds.
fn deadline(documents: &[Value]) -> u64 {
    let text = find(documents, "ConfigMap", "privet")["data"]["privet.toml"].as_str().expect("a configuration");
    let line = text.lines().find_map(|line| line.strip_prefix("deadline = \"")).expect("a deadline");
    line.split('s').next().and_then(|seconds| seconds.parse().ok()).expect("seconds")
}

/// Every container of every Pod, and whether the Pod says so for it.
#[test]
fn every_container_is_confined_and_ends_in_time() {
    for (name, manifests) in all() {
        assert!(!manifests.contains("preStop"), "{name}: nothing sleeps before its end");
        for document in documents(&manifests).iter().filter(|d| d["kind"] == "Deployment") {
            let pod = &document["spec"]["template"]["spec"];
            let lists = [&pod["initContainers"], &pod["containers"]];
            for container in lists.into_iter().filter_map(Value::as_array).flatten() {
                let of = |key: &str| match &container["securityContext"][key] {
                    Value::Null => &pod["securityContext"][key],
                    own => own,
                };
                let what = format!("{name}: {}", container["name"]);
                assert_eq!(of("readOnlyRootFilesystem"), true, "{what}");
                assert_eq!(of("allowPrivilegeEscalation"), false, "{what}");
                assert_eq!(of("capabilities")["drop"][0], "ALL", "{what}");
                assert_eq!(of("seccompProfile")["type"], "RuntimeDefault", "{what}");
                assert!(container["resources"]["requests"]["memory"].is_string(), "{what}");
                let may_be_root = container["name"] == "intercept";
                assert_eq!(of("runAsNonRoot") == true, !may_be_root, "{what}");
                if container["name"] == "privet" {
                    assert_eq!(of("runAsUser"), 65532, "{what}");
                    let grace = pod["terminationGracePeriodSeconds"].as_u64().expect("given");
                    // Privet beside an application is told when that has ended.
                    let before = if container["restartPolicy"] == "Always" { 30 } else { 0 };
                    assert!(grace >= before + deadline(&documents(&manifests)) + LAST_WORDS, "{what}: {grace} s");
                    let probes = ["startupProbe", "readinessProbe", "livenessProbe"];
                    assert!(probes.iter().all(|probe| container[probe]["httpGet"]["port"] == "admin"), "{what}");
                }
            }
            let claims = pod["volumes"].as_array().into_iter().flatten();
            let durable = claims.filter(|v| v["persistentVolumeClaim"]["claimName"].is_string()).count();
            assert!(durable > 0, "{name}: a durable volume");
        }
    }
}

#[test]
fn the_sidecar_is_native_and_the_only_way_in() {
    let documents = documents(&render_with("order", "sidecar", &["intercept", "monitoring"]));
    let pod = &find(&documents, "Deployment", "shop")["spec"]["template"]["spec"];
    let privet = pod["initContainers"].as_array().expect("some").iter().find(|c| c["name"] == "privet").expect("one");
    assert_eq!(privet["restartPolicy"], "Always");
    assert_eq!(list(&pod["initContainers"], "name"), ["intercept", "privet"], "led to Privet before it is there");
    assert!(pod["containers"][0]["args"].to_string().contains("127.0.0.1:9000"), "bound to loopback");
    let open = &find(&documents, "NetworkPolicy", "privet")["spec"];
    assert_eq!(open["podSelector"]["matchLabels"]["privet/proxy"], "shop");
    assert_eq!(list(&open["ingress"][0]["ports"], "port"), [8443, 8080]);
    // Metrics only from where Prometheus is.
    let metrics = &find(&documents, "NetworkPolicy", "privet-metrics")["spec"]["ingress"];
    assert_eq!(metrics.as_array().map(Vec::len), Some(1));
    assert!(metrics[0]["from"][0]["namespaceSelector"].is_object());
}

/// What is at `key` of each.
fn list(of: &Value, key: &str) -> Vec<Value> {
    of.as_array().into_iter().flatten().map(|one| one[key].clone()).collect()
}

/// Names of a native sidecar's ports mean nothing to Services before Kubernetes 1.32, and less to policies: numbers do.
#[test]
fn ports_of_pods_are_numbers_that_privet_has() {
    for (name, manifests) in all() {
        let documents = documents(&manifests);
        let pods = documents.iter().map(|d| &d["spec"]["template"]["spec"]);
        let containers = pods.flat_map(|pod| [&pod["initContainers"], &pod["containers"]]).filter_map(Value::as_array);
        let privet = containers.flatten().find(|c| c["name"] == "privet").expect("Privet");
        let open = list(&privet["ports"], "containerPort");
        assert_eq!(open, [8443, 8080, 9901], "{name}");
        for service in documents.iter().filter(|d| d["kind"] == "Service") {
            let asked = list(&service["spec"]["ports"], "targetPort");
            assert!(!asked.is_empty() && asked.iter().all(|port| open.contains(port)), "{name}: {asked:?}");
        }
        let of_privet = |d: &&Value| d["spec"]["podSelector"]["matchLabels"]["privet/proxy"] == "shop";
        for policy in documents.iter().filter(|d| d["kind"] == "NetworkPolicy").filter(of_privet) {
            for rule in policy["spec"]["ingress"].as_array().expect("rules") {
                let ports = list(&rule["ports"], "port");
                let known = |port: &Value| open.contains(port) || policy["metadata"]["name"] == "privet-intercept";
                assert!(!ports.is_empty() && ports.iter().all(|p| p.is_u64() && known(p)), "{name}: {ports:?}");
            }
        }
    }
}

/// A Deployment's Pods have other names after every rollout: a journal below the folder of a name would be lost to the next.
#[test]
fn journals_outlive_their_pods() {
    let folder = "[journal]\npath = \"/var/lib/privet/shared/journal\"";
    let database = "\npostgres_file = \"/etc/privet/store/postgres\"";
    for (overlay, workload, place) in [("sidecar", "shop", folder), ("gateway", "privet", database)] {
        let documents = documents(&render(&format!("deploy/kubernetes/overlays/{overlay}")));
        let text = &find(&documents, "ConfigMap", "privet")["data"]["privet.toml"];
        let text = text.as_str().expect("a configuration");
        assert!(text.contains(place), "{overlay}: {text}");
        let deployment = &find(&documents, "Deployment", workload)["spec"];
        let pod = &deployment["template"]["spec"];
        let containers = [&pod["initContainers"], &pod["containers"]];
        let privet = containers.into_iter().filter_map(Value::as_array).flatten().find(|c| c["name"] == "privet");
        let mounts = privet.expect("Privet")["volumeMounts"].as_array().expect("mounts");
        let shared = mounts.iter().find(|m| m["mountPath"] == "/var/lib/privet/shared").expect("shared");
        assert_eq!(shared["subPath"], "shared", "{overlay}: one folder, whatever the Pod's name");
        // One folder has one writer, and a database one a chain.
        let one = deployment["replicas"] == 1 && deployment["strategy"]["type"] == "Recreate";
        assert!(one || place == database, "{overlay}");
    }
}

/// What closes the way around a gateway: the application's own policy selects its Pods, and lets Privet's in and nobody else.
#[test]
fn nobody_but_the_gateway_reaches_the_application() {
    let documents = documents(&render("deploy/kubernetes/overlays/gateway"));
    let policy = &find(&documents, "NetworkPolicy", "application-by-privet-only")["spec"];
    assert_eq!(policy["policyTypes"], serde_json::json!(["Ingress"]));
    let pods = &find(&documents, "Deployment", "privet")["spec"]["template"]["metadata"]["labels"];
    let [rule] = policy["ingress"].as_array().expect("rules").as_slice() else { panic!("one rule: {policy}") };
    let [from] = rule["from"].as_array().expect("peers").as_slice() else { panic!("one peer: {rule}") };
    assert_eq!(
        from.as_object().map(serde_json::Map::len),
        Some(1),
        "Pods of this namespace, and nothing beside: {from}"
    );
    let wanted = from["podSelector"]["matchLabels"].as_object().expect("labels");
    assert!(!wanted.is_empty() && wanted.iter().all(|(key, value)| pods[key] == *value), "Privet's Pods: {wanted:?}");
    let selected = policy["podSelector"]["matchLabels"].as_object().expect("labels");
    assert!(selected.iter().any(|(key, value)| pods[key] != *value), "not Privet's own: {selected:?}");
}

/// One of every kind that the component knows, written as blocks and in braces.
const WORKLOADS: &str = r#"
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: blocks
  labels:
    privet/sidecar: "true"
spec:
  serviceName: shop
  selector:
    matchLabels:
      app: shop
  template:
    metadata:
      labels:
        app: shop
    spec:
      initContainers:
        - name: own
          image: shop
      containers:
        - name: application
          image: shop
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: braces, labels: { privet/sidecar: "true" } }
spec: { selector: { matchLabels: { app: shop } }, template: { metadata: { labels: { app: shop } }, spec: { containers: [{ name: application, image: shop }] } } }
---
apiVersion: batch/v1
kind: Job
metadata: { name: braces, labels: { privet/sidecar: "true" } }
spec: { template: { spec: { restartPolicy: Never, initContainers: [{ name: own, image: shop }], containers: [{ name: application, image: shop }] } } }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: braces, labels: { privet/sidecar: "true" } }
spec: { schedule: "0 3 * * *", jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: application, image: shop }] } } } } }
---
apiVersion: batch/v1
kind: Job
metadata:
  name: without
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: application
          image: shop
"#;

#[test]
fn every_kind_of_workload_takes_the_sidecar() {
    for components in [&["sidecar"][..], &["sidecar", "intercept"]] {
        let rendered = render_own("workloads", WORKLOADS, components);
        let (valid, findings) = over(&[&["kubernetes.py"], &VERSIONS[..]].concat(), &rendered);
        assert!(valid, "{findings}");
        let documents = documents(&rendered);
        for (kind, name) in
            [("StatefulSet", "blocks"), ("DaemonSet", "braces"), ("Job", "braces"), ("CronJob", "braces")]
        {
            let document = find(&documents, kind, name);
            let holder = if kind == "CronJob" { &document["spec"]["jobTemplate"]["spec"] } else { &document["spec"] };
            let template = &holder["template"];
            assert_eq!(template["metadata"]["labels"]["privet/proxy"], "shop", "{kind}");
            let pod = &template["spec"];
            let names = list(&pod["initContainers"], "name");
            let place = |name: &str| names.iter().position(|one| one == name);
            // What is over when the application is, so that a Job ends.
            let privet = &pod["initContainers"][place("privet").expect("Privet")];
            assert_eq!(privet["restartPolicy"], "Always", "{kind}");
            assert_eq!(list(&pod["containers"], "name"), ["application"], "{kind}: nothing else holds up a Job's end");
            // The port is led to Privet before anything could listen on it, and nothing starts before Privet.
            if components.contains(&"intercept") && kind != "CronJob" {
                assert_eq!(place("intercept"), Some(0), "{kind}: {names:?}");
                assert!(pod["initContainers"][0]["restartPolicy"].is_null(), "{kind}: it ends");
            }
            assert!(place("own").is_none_or(|own| place("privet") < Some(own)), "{kind}: {names:?}");
        }
        assert!(find(&documents, "Job", "without")["spec"]["template"]["spec"]["initContainers"].is_null());
    }
}

/// kustomize has no patch for both: a `CronJob` has its Pod two levels deeper.
#[test]
fn the_patch_for_cronjobs_is_that_of_all_others() {
    let folder = here("deploy/kubernetes/components/sidecar");
    let text = fs::read_to_string(folder.join("privet.yaml")).expect("a file");
    let (head, spec) = text.split_once("spec:\n").expect("a spec");
    let head = head.replace("apps/v1", "batch/v1").replace("Deployment # or whatever the target is", "CronJob");
    let deeper = format!("    {}\n", spec.trim_end().replace('\n', "\n    "));
    let wanted = format!("{head}spec:\n  jobTemplate:\n    spec:\n{deeper}");
    let path = folder.join("privet-cronjob.yaml");
    if std::env::var_os("PRIVET_BLESS").is_some() {
        fs::write(&path, &wanted).expect("written");
    }
    assert_eq!(fs::read_to_string(path).expect("a file"), wanted, "PRIVET_BLESS=1 writes it anew");
}

/// The kubelet asks the Pod's address: a probe of the application must go through Privet, or it finds nobody on loopback.
#[test]
fn probes_of_the_application_go_through_privet() {
    let documents = documents(&render("deploy/kubernetes/overlays/sidecar"));
    let application = &find(&documents, "Deployment", "shop")["spec"]["template"]["spec"]["containers"][0];
    let mut probes = 0;
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"].map(|probe| &application[probe]) {
        let direct = probe["tcpSocket"].is_object() || probe["grpc"].is_object();
        assert!(!direct, "{probe}");
        if let Some(asked) = probe["httpGet"].as_object() {
            assert!(asked["scheme"] == "HTTPS" && asked["port"] == 8443, "{probe}");
            probes += 1;
        }
    }
    assert_eq!(probes, 1);
}

/// A native sidecar's readiness is the Pod's: a clamd that is away must not take the gateway out.
#[test]
fn clamd_does_not_decide_whether_the_gateway_is_ready() {
    let documents = documents(&render_with("clamd", "gateway", &["clamav"]));
    let pod = &find(&documents, "Deployment", "privet")["spec"]["template"]["spec"];
    let clamd = pod["initContainers"].as_array().expect("some").iter().find(|c| c["name"] == "clamd").expect("clamd");
    assert_eq!(clamd["restartPolicy"], "Always");
    assert!(clamd["readinessProbe"].is_null() && clamd["startupProbe"].is_null(), "{clamd}");
    let live = &clamd["livenessProbe"];
    assert!(live["initialDelaySeconds"].as_u64() >= Some(120), "reading signatures takes its time: {live}");
    let patience = live["failureThreshold"].as_u64().zip(live["periodSeconds"].as_u64()).map(|(n, every)| n * every);
    assert!(patience >= Some(180), "{live}");
}

/// What the container runs: it goes on without signatures, starts one that was killed anew, and tells one that has hung.
#[test]
fn clamd_is_started_again_however_it_ends() {
    let folder = here("deploy/kubernetes/components/clamav");
    let dir = tempfile::tempdir().expect("a folder");
    let at = |name: &str| dir.path().join(name);
    let config = fs::read_to_string(folder.join("clamd.conf")).expect("a file");
    let config = config.replace("/run/clamav/clamd.sock", at("clamd.sock").to_str().expect("a path"));
    let config = config.replace("/var/lib/clamav", at("db").to_str().expect("a path"));
    fs::create_dir(at("db")).expect("made");
    fs::write(
        at("clamd.conf"),
        config.replace("TemporaryDirectory /tmp", &format!("PidFile {}", at("clamd.pid").display())),
    )
    .expect("written");
    let script = || {
        let mut command = Command::new("timeout");
        command.args(["--foreground", "300", "sh"]).arg(folder.join("clamd.sh"));
        command.env("CLAMD_CONFIG", at("clamd.conf")).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    };
    let alive = || {
        let script = script().arg("alive").stdout(Stdio::null()).stderr(Stdio::null()).status().expect("runs");
        (at("clamd.sock").exists(), script.success())
    };
    let log = fs::File::create(at("log")).expect("a file");
    let running = script().stdout(log.try_clone().expect("a file")).stderr(log).spawn().expect("starts");
    let mut running = Beside(running);
    let said = || fs::read_to_string(at("log")).expect("a file");
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < Duration::from_secs(240), "never: {what}\n{}", said());
            thread::sleep(Duration::from_millis(200));
        }
    };
    until("ended for want of signatures", &|| said().contains("started again in 10 seconds"));
    assert_eq!(alive(), (false, true), "it is left alone until freshclam has brought some");
    fs::write(at("db/own.ndb"), "Own.Signature:0:*:6f776e20776f726473\n").expect("written");
    until("answers", &|| alive() == (true, true));
    // One that is killed leaves its socket.
    let clamd = |signal: &str| {
        let id = fs::read_to_string(at("clamd.pid")).expect("its id");
        assert!(Command::new("kill").args([signal, id.trim()]).status().expect("runs").success());
    };
    clamd("-KILL");
    until("ended once more", &|| said().matches("started again in 10 seconds").count() >= 2);
    until("answers again", &|| alive() == (true, true));
    clamd("-STOP");
    let mut asked = Command::new("timeout");
    asked.args(["-k", "1", "20", "sh"]).arg(folder.join("clamd.sh")).arg("alive").env("CLAMD_CONFIG", at("clamd.conf"));
    let hung = asked.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("runs");
    assert!(!hung.success(), "one that has hung is told");
    clamd("-CONT");
    let id = running.0.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().expect("runs").success());
    running.0.wait().expect("ended");
    until("nobody is left", &|| alive() == (false, true));
}

#[test]
fn the_rules_of_interception_are_those_that_privet_prints() {
    let path = here("deploy/kubernetes/components/intercept/rules.nft");
    let out = Command::new(binary()).args(["intercept", "--print", "--port", "9000"]).output().expect("privet runs");
    let printed = String::from_utf8(out.stdout).expect("text");
    if std::env::var_os("PRIVET_BLESS").is_some() {
        fs::write(&path, &printed).expect("written");
    }
    assert_eq!(fs::read_to_string(path).expect("a file"), printed, "PRIVET_BLESS=1 writes it anew");
}
